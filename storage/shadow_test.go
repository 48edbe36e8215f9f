package storage

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// shadow is a room after some turns, by the plain reading of what Append promises.
type shadow struct {
	records   []Record
	erased    map[uint64]bool
	void      map[uint64]bool
	chains    map[string]*storagepb.Chain
	pasts     map[room.User]Past
	nodes     map[string]bool
	outbox    map[string]map[[16]byte]string
	stateHead map[uint64]*roompb.Head
	standings map[uint64]*storagepb.Standing
	heads     map[string]*roompb.Head
	meta      *storagepb.Room
	members   map[string]*storagepb.Member
	keys      map[string]Key
	reads     map[room.User]Read
	mentions  map[Mention]bool
	pins      map[uint64]room.Time
}

func (r *testRoom) after(turns int) *shadow {
	s := &shadow{
		erased: map[uint64]bool{}, standings: map[uint64]*storagepb.Standing{}, heads: map[string]*roompb.Head{},
		members: map[string]*storagepb.Member{}, keys: map[string]Key{}, reads: map[room.User]Read{},
		mentions: map[Mention]bool{}, pins: map[uint64]room.Time{},
		void: map[uint64]bool{}, chains: map[string]*storagepb.Chain{}, pasts: map[room.User]Past{}, nodes: map[string]bool{},
		outbox: map[string]map[[16]byte]string{}, stateHead: map[uint64]*roompb.Head{},
	}
	for _, a := range r.turns[:turns] {
		if r.installs[a] {
			clear(s.members)
			clear(s.pasts)
			clear(s.nodes)
		}
		s.apply(a)
		s.applyLogs(a)
		s.applyNodes(a)
	}
	return s
}

func (s *shadow) apply(a *Append) {
	s.records = append(s.records, a.Records...)
	for _, pos := range a.Erase {
		s.erased[pos] = true
	}
	maps.Copy(s.standings, a.Standings)
	s.meta = a.Meta
	for _, m := range a.Members {
		s.members[m.User] = m
		if m.Membership == "leave" {
			delete(s.members, m.User)
		}
	}
	for _, k := range a.Keys {
		s.keys[string(k.User)+" "+k.Key] = k
	}
	for _, read := range a.Reads {
		s.reads[read.User] = read
	}
	for _, m := range a.Mentions {
		s.mentions[m] = true
	}
	for _, p := range a.Pins {
		delete(s.pins, p.Pos)
		if p.On {
			s.pins[p.Pos] = p.Order
		}
	}
}

// check holds a store against the world: of each room it has kept the acknowledged turns and
// at most the ones that were submitted, whole ones, and every question about it is answered
// as by the shadow. It returns the first difference, or the store's own first error.
func (w *world) check(s *Store) error {
	for _, r := range w.rooms {
		if err := r.check(s); err != nil {
			return fmt.Errorf("room %s: %w", r.id, err)
		}
	}
	return nil
}

// errDifferent marks an answer that is wrong, as against one that is refused.
var errDifferent = errors.New("wrong answer")

func differ(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDifferent, fmt.Sprintf(format, args...))
}

func (r *testRoom) check(s *Store) error {
	meta, err := s.Room(r.id)
	if err != nil {
		return err
	}
	turns := int(meta.GetClock())
	if acked := int(r.acked.Load()); turns < acked || turns > len(r.turns) {
		return differ("it has %d turns, of %d acknowledged and %d submitted", turns, acked, len(r.turns))
	}
	if turns == 0 {
		return nil
	}
	want := r.after(turns)
	if !proto.Equal(meta, want.meta) {
		return differ("meta %v, want %v", meta, want.meta)
	}
	for _, check := range []func(*testRoom, *Store) error{
		want.checkRecords, want.checkTimeline, want.checkAbout, want.checkLogs, want.checkHeads, want.checkMembers, want.checkMarks, want.checkNodes,
	} {
		if err := check(r, s); err != nil {
			return err
		}
	}
	return nil
}

func (want *shadow) same(got, rec Record) error {
	e := rec.Event
	thread, _ := e.Thread()
	body := e.RawBody
	if want.erased[rec.Pos] {
		body = nil
	}
	if got.Void != (want.void[rec.Pos] || rec.Void) || got.Old != rec.Old {
		return differ("event %d is void %v, old %v", rec.Pos, got.Void, got.Old)
	}
	if got.Pos != rec.Pos || got.Counted != rec.Counted || got.Thread != thread || got.Event.ID != e.ID ||
		!bytes.Equal(got.Event.RawHeader, e.RawHeader) || !bytes.Equal(got.Event.RawBody, body) || (got.Event.Body == nil) != (body == nil) {
		return differ("event %d is %v, want %v", rec.Pos, got, rec)
	}
	return nil
}

func (want *shadow) checkRecords(r *testRoom, s *Store) error {
	got, err := s.Records(r.id, 0, len(want.records)+1, 1<<30)
	if err != nil {
		return err
	}
	if len(got) != len(want.records) {
		return differ("%d events, want %d", len(got), len(want.records))
	}
	for i, rec := range want.records {
		if err := want.same(got[i], rec); err != nil {
			return err
		}
		in, pos, ok, err := s.Find(rec.Event.ID)
		if err != nil {
			return err
		}
		if !ok || in != r.id || pos != rec.Pos {
			return differ("event %d is found at %d in %s", rec.Pos, pos, in)
		}
	}
	return nil
}

// timelines are the rows of each timeline (the zero id: the room's own), in order.
func (want *shadow) timelines() map[room.EventID][]Record {
	lines := map[room.EventID][]Record{}
	for _, rec := range want.records {
		thread, threaded := rec.Event.Thread()
		if want.void[rec.Pos] || rec.Void {
			continue
		}
		if threaded || rec.Event.Kind().Timeline() {
			lines[thread] = append(lines[thread], rec)
		}
	}
	for _, line := range lines {
		slices.SortFunc(line, func(a, b Record) int { return room.Compare(a.Event, b.Event) })
	}
	return lines
}

func (want *shadow) checkTimeline(r *testRoom, s *Store) error {
	for thread, line := range want.timelines() {
		var got []Row
		p := Page{Thread: thread, Older: true, Limit: 7}
		for more := true; more; {
			rows, left, err := s.Timeline(r.id, p)
			if err != nil {
				return err
			}
			if left && len(rows) == 0 {
				return differ("a page has no rows, and more are said to follow")
			}
			got, more = append(rows, got...), left
			if more {
				p.From = MarkOf(rows[0].Event)
			}
		}
		if err := want.sameRows(got, line); err != nil {
			return fmt.Errorf("timeline %s: %w", thread, err)
		}
	}
	return nil
}

func (want *shadow) sameRows(got []Row, line []Record) error {
	if len(got) != len(line) {
		return differ("%d rows, want %d", len(got), len(line))
	}
	for i, rec := range line {
		if err := want.same(got[i].Record, rec); err != nil {
			return err
		}
		if standing := want.standings[rec.Pos]; !proto.Equal(got[i].Standing, standing) {
			return differ("event %d stands as %v, want %v", rec.Pos, got[i].Standing, standing)
		}
	}
	return nil
}

func (want *shadow) checkHeads(r *testRoom, s *Store) error {
	for _, h := range want.heads {
		got, err := s.Head(r.id, h.Log, h.Origin)
		if err != nil {
			return err
		}
		if !proto.Equal(got, h) {
			return differ("head %v, want %v", got, h)
		}
	}
	heads, err := s.Heads(r.id)
	if err != nil {
		return err
	}
	for _, h := range heads {
		if !proto.Equal(h, want.heads[fmt.Sprint(h.Log, h.Origin)]) || h.Log != roompb.Log_LOG_MESSAGES {
			return differ("head %v among those of messages", h)
		}
	}
	for seq, h := range want.stateHead {
		got, err := s.StateHead(r.id, seq)
		if err != nil {
			return err
		}
		if !proto.Equal(got, h) {
			return differ("state head %v, want %v", got, h)
		}
	}
	return want.checkAlias(r, s)
}

func (want *shadow) checkAlias(r *testRoom, s *Store) error {
	alias := want.meta.GetAlias()
	if alias == "" {
		return nil
	}
	if origin := want.meta.GetOrigin(); origin != "" {
		alias += "@" + origin
	}
	got, err := s.RoomsByAlias(alias)
	if err != nil {
		return err
	}
	if !slices.Contains(got, r.id) {
		return differ("alias %s is %s, want %s", alias, got, r.id)
	}
	return nil
}

func (want *shadow) checkMembers(r *testRoom, s *Store) error {
	n := 0
	err := s.Members(r.id, func(m *storagepb.Member) error {
		n++
		if !proto.Equal(m, want.members[m.User]) {
			return differ("member %v, want %v", m, want.members[m.User])
		}
		return nil
	})
	if err == nil && n != len(want.members) {
		err = differ("%d members, want %d", n, len(want.members))
	}
	if err != nil {
		return err
	}
	for user, m := range want.members {
		rooms, err := s.UserRooms(room.User(user))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(rooms, func(got *storagepb.Member) bool { return proto.Equal(got, m) }) {
			return differ("the room is not among those of %s", user)
		}
	}
	return nil
}

func (want *shadow) checkMarks(r *testRoom, s *Store) error {
	for _, k := range want.keys {
		got, ok, err := s.Key(k.User, r.id, k.Key)
		if err != nil {
			return err
		}
		if !ok || got != k {
			return differ("key %v, want %v", got, k)
		}
	}
	reads, err := s.Reads(r.id, 1000)
	if err != nil {
		return err
	}
	if len(reads) != len(want.reads) {
		return differ("%d read positions, want %d", len(reads), len(want.reads))
	}
	for _, read := range reads {
		if read != want.reads[read.User] {
			return differ("read %v, want %v", read, want.reads[read.User])
		}
	}
	if err := want.checkPins(r, s); err != nil {
		return err
	}
	return want.checkMentions(r, s)
}

func (want *shadow) checkPins(r *testRoom, s *Store) error {
	got, err := s.Pins(r.id)
	if err != nil {
		return err
	}
	pins := slices.SortedFunc(maps.Keys(want.pins), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(want.pins[a], want.pins[b]), cmp.Compare(a, b))
	})
	if !slices.Equal(got, pins) {
		return differ("pins %v, want %v", got, pins)
	}
	return nil
}

func (want *shadow) checkMentions(r *testRoom, s *Store) error {
	for _, after := range []uint64{0, uint64(len(want.records)) / 2} {
		u := room.User("user1@" + testNode)
		at := map[uint64]bool{}
		for m := range want.mentions {
			if m.Pos > after && (m.User == u || m.User == "") {
				at[m.Pos] = true
			}
		}
		got, err := s.MentionCount(u, r.id, after, 1000)
		if err != nil {
			return err
		}
		if got != len(at) {
			return differ("%d mentions after %d, want %d", got, after, len(at))
		}
	}
	return nil
}
