package storage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// TestMain looks for goroutines left behind, except in a child: its stores die as processes
// do (fault_test.go).
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

// A world is what happens in some rooms, made up by chance, and an account of it kept in
// plain maps, against which a store is held. It writes as a node does: every turn carries the
// room's Meta, and Meta.Clock is the number of the turn, which tells after a crash how many
// turns a store has kept.
type world struct {
	rng   *rand.Rand
	key   ed25519.PrivateKey
	rooms []*testRoom
}

// testRoom is one room: the turns that made it, and the end of each of its chains.
type testRoom struct {
	id    room.ID
	turns []*Append
	acked atomic.Int64 // turns that the store has acknowledged
	chain map[string]*room.Event
	pos   uint64
	texts []uint64 // pos of texts that were not erased
	ids   map[uint64]room.EventID
	rec   map[uint64]Record
	meta  *storagepb.Room
	clock uint64
	users map[string]string // membership
}

const testNode = "n.example"

func newWorld(seed uint64, rooms int) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 1)),
		key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)),
	}
	for i := range rooms {
		w.rooms = append(w.rooms, w.newRoom(i))
	}
	return w
}

func (w *world) publicKey(string) ed25519.PublicKey { return w.key.Public().(ed25519.PublicKey) }

func (w *world) newRoom(n int) *testRoom {
	r := &testRoom{
		chain: map[string]*room.Event{}, ids: map[uint64]room.EventID{}, rec: map[uint64]Record{},
		users: map[string]string{}, meta: &storagepb.Room{}, clock: uint64(1_700_000_000_000) << 16,
	}
	settings := &roompb.Settings{Alias: proto.String(fmt.Sprintf("room-%d", n)), Name: proto.String("Room")}
	a := &Append{}
	e := w.event(r, a, testNode, room.KindCreate, &roompb.Body{Version: 1, Settings: settings})
	r.id = e.ID
	a.Room = r.id
	r.meta.Id, r.meta.Alias, r.meta.Name = r.id[:], settings.GetAlias(), "Room"
	w.finish(r, a)
	return r
}

// event adds an event to a turn.
func (w *world) event(r *testRoom, a *Append, origin string, k room.Kind, b *roompb.Body) *room.Event {
	log := k.Log()
	chain := fmt.Sprint(origin, log)
	r.clock += uint64(w.rng.IntN(3) + 1)
	h := &roompb.Header{Room: r.id.Bytes(), Log: log, Origin: origin, Seq: 1, Time: r.clock, Author: "alice@" + origin, Kind: string(k)}
	if last := r.chain[chain]; last != nil {
		h.Seq, h.Prev = last.Header.Seq+1, last.ID.Bytes()
	}
	b.Salt = make([]byte, room.SaltLen)
	for i := range b.Salt {
		b.Salt[i] = byte(w.rng.Uint32())
	}
	e, err := room.Seal(h, b)
	if err != nil {
		panic(err)
	}
	r.chain[chain] = e
	r.pos++
	if k.Message() && !b.GetSilent() {
		r.meta.Counted++
	}
	rec := Record{Pos: r.pos, Event: e, Counted: r.meta.Counted}
	a.Records = append(a.Records, rec)
	r.rec[r.pos], r.ids[r.pos] = rec, e.ID
	return e
}

// finish gives a turn its heads and its Meta, and counts it.
func (w *world) finish(r *testRoom, a *Append) {
	last := map[string]*room.Event{}
	for _, rec := range a.Records {
		h := rec.Event.Header
		last[fmt.Sprint(h.Origin, h.Log)] = rec.Event
	}
	for _, chain := range slices.Sorted(maps.Keys(last)) {
		h := room.HeadOf(last[chain])
		room.SignHead(h, w.key)
		a.Heads = append(a.Heads, h)
	}
	r.meta.HeadPos, r.meta.Clock = r.pos, uint64(len(r.turns)+1)
	a.Meta = proto.Clone(r.meta).(*storagepb.Room)
	r.turns = append(r.turns, a)
}

// turn makes up what happens next in a room.
func (w *world) turn(r *testRoom) *Append {
	a := &Append{Room: r.id, Standings: map[uint64]*storagepb.Standing{}}
	for range 1 + w.rng.IntN(3) {
		deeds[w.rng.IntN(len(deeds))](w, r, a)
	}
	w.finish(r, a)
	return a
}

// deeds are what may happen in a turn; those listed twice happen more often.
var deeds = []func(*world, *testRoom, *Append){
	(*world).say, (*world).say, (*world).say, (*world).edit, (*world).edit, (*world).remove,
	(*world).join, (*world).rename, (*world).readUpTo, (*world).mention, (*world).pin, (*world).reply,
}

func (w *world) origin() string { return []string{testNode, testNode, "peer.example"}[w.rng.IntN(3)] }

func (w *world) text() string {
	words := []string{"hearth", "the kettle is on", "今天天气很好", "see you", "🫖", "x"}
	var b bytes.Buffer
	for range 1 + w.rng.IntN(12) {
		b.WriteString(words[w.rng.IntN(len(words))] + " ")
	}
	return b.String()
}

func (w *world) say(r *testRoom, a *Append) {
	e := w.event(r, a, w.origin(), room.KindText, &roompb.Body{Text: w.text()})
	r.texts = append(r.texts, r.pos)
	a.Keys = append(a.Keys, Key{User: e.Author(), Key: fmt.Sprint("k", r.pos), Event: e.ID, Pos: r.pos, Time: int64(r.pos)})
}

func (w *world) reply(r *testRoom, a *Append) {
	if pos, ok := w.some(r); ok {
		w.event(r, a, w.origin(), room.KindText, &roompb.Body{Text: w.text(), Thread: r.ids[pos].Bytes()})
		r.texts = append(r.texts, r.pos)
	}
}

// some is the pos of a text that is still there.
func (w *world) some(r *testRoom) (uint64, bool) {
	if len(r.texts) == 0 {
		return 0, false
	}
	return r.texts[w.rng.IntN(len(r.texts))], true
}

func (w *world) edit(r *testRoom, a *Append) {
	pos, ok := w.some(r)
	if !ok {
		return
	}
	text := w.text()
	w.event(r, a, w.origin(), room.KindEdit, &roompb.Body{Text: text, Target: r.ids[pos].Bytes()})
	a.Standings[pos] = &storagepb.Standing{Text: text, Edited: int64(r.pos), Edits: []uint64{r.pos}}
}

func (w *world) remove(r *testRoom, a *Append) {
	pos, ok := w.some(r)
	if !ok || w.rng.IntN(3) > 0 {
		return
	}
	w.event(r, a, testNode, room.KindDelete, &roompb.Body{Target: r.ids[pos].Bytes()})
	r.texts = slices.DeleteFunc(r.texts, func(p uint64) bool { return p == pos })
	a.Erase = append(a.Erase, pos)
	a.Standings[pos] = &storagepb.Standing{Deleted: true, DeletedBy: "alice@" + testNode}
}

func (w *world) join(r *testRoom, a *Append) {
	user := fmt.Sprintf("user%d@%s", w.rng.IntN(20), testNode)
	m := &storagepb.Member{Room: r.id[:], User: user, Membership: "join", Role: "member", Since: int64(r.pos)}
	kind := room.KindJoin
	if r.users[user] == "join" {
		kind, m.Membership = room.KindLeave, "leave"
	}
	r.users[user] = m.Membership
	r.meta.Members = 0
	for _, membership := range r.users {
		if membership == "join" {
			r.meta.Members++
		}
	}
	w.event(r, a, testNode, kind, &roompb.Body{})
	a.Members = append(a.Members, m)
}

func (w *world) rename(r *testRoom, a *Append) {
	alias := fmt.Sprintf("%s-%d", r.id.String()[:8], w.rng.IntN(4))
	if w.rng.IntN(4) == 0 {
		alias = ""
	}
	w.event(r, a, testNode, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Alias: &alias}})
	r.meta.Alias = alias
}

func (w *world) readUpTo(r *testRoom, a *Append) {
	pos := 1 + w.rng.Uint64N(r.pos)
	u := room.User(fmt.Sprintf("user%d@%s", w.rng.IntN(5), testNode))
	a.Reads = append(a.Reads, Read{User: u, Pos: pos, Counted: r.rec[pos].Counted, Event: r.ids[pos], Time: int64(r.pos)})
}

func (w *world) mention(r *testRoom, a *Append) {
	w.say(r, a)
	users := []room.User{"", "user1@" + testNode, "user2@" + testNode}
	a.Mentions = append(a.Mentions, Mention{users[w.rng.IntN(len(users))], r.pos})
}

func (w *world) pin(r *testRoom, a *Append) {
	if pos, ok := w.some(r); ok {
		a.Pins = append(a.Pins, Pin{Pos: pos, On: w.rng.IntN(3) > 0, Order: room.Time(r.clock)})
	}
}

// shadow is a room after some turns, by the plain reading of what Append promises.
type shadow struct {
	records   []Record
	erased    map[uint64]bool
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
	}
	for _, a := range r.turns[:turns] {
		s.apply(a)
	}
	return s
}

func (s *shadow) apply(a *Append) {
	s.records = append(s.records, a.Records...)
	for _, pos := range a.Erase {
		s.erased[pos] = true
	}
	maps.Copy(s.standings, a.Standings)
	for _, h := range a.Heads {
		s.heads[fmt.Sprint(h.Log, h.Origin)] = h
	}
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
		want.checkRecords, want.checkTimeline, want.checkHeads, want.checkMembers, want.checkMarks,
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
	if alias := want.meta.GetAlias(); alias != "" {
		got, ok, err := s.RoomByAlias(alias)
		if err != nil {
			return err
		}
		if !ok || got != r.id {
			return differ("alias %s is %s, want %s", alias, got, r.id)
		}
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

// verify is Verify with its problems as one error.
func (w *world) verify(s *Store) error {
	var problems []error
	_, err := s.Verify(context.Background(), w.publicKey, func(p Problem) { problems = append(problems, errors.New(p.String())) })
	return errors.Join(err, errors.Join(problems...))
}

// plan makes up n turns in rooms picked by chance, without submitting them.
func (w *world) plan(n int) {
	for range n {
		w.turn(w.rooms[w.rng.IntN(len(w.rooms))])
	}
}

// kept looks how many turns a store has of each room, and takes those for acknowledged: a
// sender that was cut off asks, and goes on from there.
func (w *world) kept(s *Store) error {
	for _, r := range w.rooms {
		meta, err := s.Room(r.id)
		if err != nil {
			return err
		}
		r.acked.Store(int64(meta.GetClock()))
	}
	return nil
}

// run submits n turns in rooms picked by chance.
func (w *world) run(s *Store, n int) error {
	for _, r := range w.rooms {
		if err := r.submit(s); err != nil {
			return err
		}
	}
	for range n {
		r := w.rooms[w.rng.IntN(len(w.rooms))]
		w.turn(r)
		if err := r.submit(s); err != nil {
			return err
		}
	}
	return nil
}

// submit appends the turns that were not yet.
func (r *testRoom) submit(s *Store) error { return r.submitUnless(new(atomic.Bool), s) }

// submitUnless is submit in a process that may end: when dead is set, nothing counts as
// acknowledged any more, and the caller is parked.
func (r *testRoom) submitUnless(dead *atomic.Bool, s *Store) error {
	for r.acked.Load() < int64(len(r.turns)) {
		if err := s.Append(r.turns[r.acked.Load()]); err != nil {
			return err
		}
		if dead.Load() {
			select {}
		}
		r.acked.Add(1)
	}
	return nil
}

const testDir = "data/store"

func openMem(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open(testDir, Options{FS: fs, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func tokenHash(s string) [32]byte { return sha256.Sum256([]byte(s)) }
