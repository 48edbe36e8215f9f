package sim

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/prototext"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// healWithin is how long nodes may take to agree once nothing hinders them.
const healWithin = 60 * time.Second

// agree waits until all nodes that take part in a room hold the same, and checks that
// they do.
func (w *world) agree(id room.ID) {
	w.t.Helper()
	w.agreeAmong(id, w.hosts)
}

func (w *world) agreeAmong(id room.ID, hosts []*host) {
	w.t.Helper()
	begun := time.Now()
	for pause := 500 * time.Millisecond; ; {
		w.run(pause, nil)
		why := w.apart(id, hosts)
		if why == "" {
			w.readAll(id, hosts)
			why = w.compare(id, hosts)
			pause = 5 * time.Second
		}
		if why == "" {
			return
		}
		if w.standsStill(id) {
			w.note("room %.4s stands still", id)
			return
		}
		if time.Since(begun) > healWithin {
			w.fail("after %v in room %s: %s\nlinks: %v", healWithin, id, why, w.net.links())
		}
	}
}

// standsStill tells whether a room's home lost entries that others have, as nobody told it,
// and wrote others in their place before it could reach anybody: that cannot be undone
// (docs/decisions/0015). Such a room can only be read, and says so.
func (w *world) standsStill(id room.ID) bool {
	home, _, name := w.home(id)
	if home == nil || !slices.ContainsFunc(w.hosts, func(h *host) bool { return h.name == name && h.setBack }) {
		return false
	}
	return slices.ContainsFunc(w.hosts, func(h *host) bool { return strings.Contains(h.frozen(id), "signed two different states") })
}

// frozen is why a room can only be read on a host.
func (h *host) frozen(id room.ID) string {
	for _, p := range h.people {
		rooms, err := h.Summaries(p.Caller)
		if err != nil {
			h.w.fail("rooms of %s: %v", p.User, err)
		}
		for _, r := range rooms {
			if r.Room == id.String() && r.Frozen != "" {
				return r.Frozen
			}
		}
	}
	return ""
}

// readAll has somebody of each host look at all of a room, so that what is fetched when it
// is looked at is fetched.
func (w *world) readAll(id room.ID, hosts []*host) {
	_, state, _ := w.home(id)
	missing := false
	for _, h := range hosts {
		if p := h.memberOf(state); p != nil && h.frontierFor(id) != nil {
			missing = slices.ContainsFunc(p.events(id), func(e *roompb.Event) bool { return e.Deleted && e.DeletedBy == "" }) || missing
		}
	}
	if missing {
		w.run(5*time.Second, nil)
	}
}

// apart says in what the nodes' copies of a room differ, from afar; "" when they do not.
func (w *world) apart(id room.ID, hosts []*host) string {
	home, state, first := w.home(id)
	if home == nil {
		return "nobody has the room's state"
	}
	takes := w.takes(state)
	var want string
	for _, h := range hosts {
		if !slices.Contains(takes, h.name) {
			continue
		}
		f := h.frontierFor(id)
		if f == nil && h.setBack { // to before it joined, and nothing has told it so
			continue
		}
		if f == nil {
			return h.name + " should take part and does not"
		}
		f.Room = nil
		is := prototext.MarshalOptions{}.Format(f)
		if want == "" {
			want = is
		} else if is != want {
			return fmt.Sprintf("%s (home %s) is at %s\n%s is at %s", takes[0], first, want, h.name, is)
		}
	}
	return ""
}

// frontierFor is how far a room has come on a host, nil when it takes no part.
func (h *host) frontierFor(id room.ID) *roompb.Frontier {
	a := h.Answer(context.Background(), h.name, &roompb.Ask{What: &roompb.Ask_Frontier{Frontier: &roompb.FrontierAsk{Room: id.Bytes()}}})
	return a.GetFrontier()
}

func (h *host) snapshot(id room.ID) *roompb.Snapshot {
	a := h.Answer(context.Background(), h.name, &roompb.Ask{What: &roompb.Ask_Snapshot{Snapshot: &roompb.SnapshotAsk{Room: id.Bytes()}}})
	return a.GetSnapshot()
}

// home is the host that orders a room's state, and the state as it has it.
func (w *world) home(id room.ID) (*host, *roompb.StateDump, string) {
	var best *roompb.StateDump
	var at *host
	for _, h := range w.hosts {
		if h.liar != nil || !h.up() {
			continue
		}
		if s := h.snapshot(id); s.GetState().GetIndex() > best.GetIndex() {
			best, at = s.GetState(), h
		}
	}
	return at, best, best.GetHome()
}

// takes are the nodes that take part under a state.
func (w *world) takes(s *roompb.StateDump) (out []string) {
	banned := map[string]bool{}
	for _, n := range s.GetNodes() {
		banned[n.GetName()] = n.GetBanned()
	}
	for _, h := range w.hosts {
		in := slices.Contains(s.GetStewards(), h.name) || slices.ContainsFunc(s.GetMembers(), func(m *roompb.MemberStanding) bool {
			return m.GetMembership() == "join" && room.User(m.GetUser()).Node() == h.name
		})
		if in && !banned[h.name] {
			out = append(out, h.name)
		}
	}
	return out
}

// compare says in what the nodes differ in full: the state's root, and the timeline as each
// node's people see it; "" when they do not.
func (w *world) compare(id room.ID, hosts []*host) (why string) {
	w.t.Helper()
	_, state, _ := w.home(id)
	takes := w.takes(state)
	var root []byte
	var lines []string
	var who string
	for _, h := range hosts {
		if !slices.Contains(takes, h.name) {
			continue
		}
		s := h.snapshot(id)
		if s == nil {
			continue
		}
		if root == nil {
			root, who = s.GetStateRoot(), h.name
		}
		if !bytes.Equal(root, s.GetStateRoot()) {
			return fmt.Sprintf("%s has another state than %s:\n%v\n%v", h.name, who, s.GetState(), state)
		}
		p := h.memberOf(state)
		if p == nil {
			continue
		}
		is := p.timeline(id)
		if is == nil {
			return fmt.Sprintf("%s is a member and cannot read it", p.User)
		}
		if lines == nil {
			lines, who = is, h.name
			continue
		}
		if d := difference(lines, is); d != "" {
			return fmt.Sprintf("as %s and %s see it:\n%s\n%s", who, h.name, d, w.places(id, lines, is))
		}
		h.checkRooms(id, state)
	}
	return ""
}

// memberOf is somebody of this host who is a member under a state.
func (h *host) memberOf(s *roompb.StateDump) *person {
	for _, p := range h.people {
		if slices.ContainsFunc(s.GetMembers(), func(m *roompb.MemberStanding) bool {
			return m.GetMembership() == "join" && m.GetUser() == string(p.User)
		}) {
			return p
		}
	}
	return nil
}

// checkRooms compares how each user's list of rooms has a room with the room's state.
func (h *host) checkRooms(id room.ID, s *roompb.StateDump) {
	want := map[string]string{}
	for _, m := range s.GetMembers() {
		if m.GetMembership() != "ban" {
			want[m.GetUser()] = m.GetMembership()
		}
	}
	for _, p := range h.people {
		rooms, err := h.Summaries(p.Caller)
		if err != nil {
			h.w.fail("rooms of %s: %v", p.User, err)
		}
		is := ""
		for _, r := range rooms {
			if r.Room == id.String() {
				is = r.Membership
			}
		}
		if is != want[string(p.User)] {
			h.w.fail("%s is %q in room %s; in the list of rooms %q", p.User, want[string(p.User)], id, is)
		}
	}
}

// timeline is a room from its beginning as a person sees it, a line an event.
func (p *person) timeline(id room.ID) (lines []string) {
	p.h.w.t.Helper()
	for _, e := range p.events(id) {
		lines = append(lines, lineOf(e))
	}
	return lines
}

// events are a room from its beginning, then its threads.
func (p *person) events(id room.ID) (events []*roompb.Event) {
	p.h.w.t.Helper()
	events = p.pages(id, room.EventID{})
	for _, e := range events {
		if e.ThreadReplies > 0 {
			root, _ := room.ParseHash(e.Id)
			if thread := p.pages(id, root); len(thread) > 0 {
				events = append(events, thread[1:]...)
			}
		}
	}
	return events
}

// pages are all pages of a room, or of a thread; none when the person is not in it, or not any more:
// what nobody waits for may still be agreed on by the stewards.
func (p *person) pages(id room.ID, thread room.EventID) (events []*roompb.Event) {
	p.h.w.t.Helper()
	var before room.EventID
	for {
		var h *node.History
		var err error
		p.h.w.wait(func() {
			h, err = p.h.History(p.h.ctx, p.Caller, node.HistoryQuery{Room: id, Before: before, Thread: thread, Limit: 100})
		})
		if room.CodeOf(err) == room.NotFound {
			return nil
		}
		if err != nil {
			p.h.w.fail("%s reads room %s: %v", p.User, id, err)
		}
		if events = append(slices.Clone(h.Events), events...); len(events) > 10_000 {
			p.h.w.fail("%s scrolls up for ever in %s (thread %s)", p.User, id, thread)
		}
		if !h.MoreBefore || len(h.Events) == 0 {
			break
		}
		before, _ = room.ParseHash(h.Events[0].Id)
	}
	return events
}

// lineOf is all of an event that must be the same everywhere.
func lineOf(e *roompb.Event) string {
	var reactions []string
	for _, r := range e.Reactions {
		reactions = append(reactions, r.Emoji+strings.Join(r.Users, ","))
	}
	return fmt.Sprintf("%d %s/%d %s %s %s %q target=%.6s thread=%.6s reply=%.6s quote=%v edits=%d@%d deleted=%v by %s pinned=%v replies=%d@%d reactions=%v voided=%v subject=%s role=%s id=%s",
		e.Order, e.Origin, e.Seq, e.Author, e.Kind, e.Emoji, e.Text, e.Target, e.Thread, e.ReplyTo, e.Quote.GetText(), e.Edits, e.Edited,
		e.Deleted, e.DeletedBy, e.Pinned, e.ThreadReplies, e.ThreadTime, reactions, e.Voided, e.Subject, e.Role, e.Id)
}

// difference shows where two lists part.
func difference(a, b []string) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return "more: " + b[i]
		case i >= len(b):
			return "less: " + a[i]
		case a[i] != b[i]:
			return fmt.Sprintf("line %d of %d and %d\n- %s\n+ %s", i, len(a), len(b), a[i], b[i])
		}
	}
	return ""
}

// verify checks a host's store from one end to the other.
func (h *host) verify() {
	h.w.t.Helper()
	keys := func(origin string) ed25519.PublicKey {
		for _, o := range h.w.hosts {
			if o.name == origin {
				return o.key.Public().(ed25519.PublicKey)
			}
		}
		return nil
	}
	var problems []string
	_, err := h.store.Verify(context.Background(), keys, func(p storage.Problem) { problems = append(problems, fmt.Sprint(p)) })
	if err != nil || len(problems) > 0 {
		h.w.fail("verify %s: %v\n%s", h.name, err, strings.Join(problems[:min(len(problems), 10)], "\n"))
	}
}

// places says where the first ten events are that are in one of two timelines only: each costs a look into all stores.
func (w *world) places(room0 room.ID, a, b []string) (out string) {
	told := 0
	for _, line := range append(slices.Clone(a), b...) {
		if told == 10 || slices.Contains(a, line) && slices.Contains(b, line) {
			continue
		}
		told++
		id, err := room.ParseHash(line[strings.LastIndex(line, "=")+1:])
		if err != nil {
			continue
		}
		out += line + "\n"
		author := strings.Fields(line)[2]
		for _, h := range w.hosts {
			for _, past := range h.snapshot(room0).GetState().GetPast() {
				if past.GetUser() == author {
					out += fmt.Sprintf("  %s: past %v\n", h.name, past)
				}
			}
			in, pos, ok, _ := h.store.Find(id)
			row, _, _ := h.store.Row(in, pos)
			out += fmt.Sprintf("  %s: here %v void %v old %v index %d standing %v\n", h.name, ok, row.Void, row.Old, indexOf(row.Event), row.Standing)
		}
	}
	for _, h := range w.hosts {
		chains, _ := h.store.Chains(room0)
		for _, c := range chains {
			if c.GetHead().GetLog() == roompb.Log_LOG_STATE {
				continue
			}
			out += fmt.Sprintf("  %s: log of %s %d to %d, fork %d %.4x %q:", h.name, c.GetHead().GetOrigin(), c.GetHead().GetIncarnation(), c.GetHead().GetSeq(), c.GetFork(), c.GetForkHash(), c.GetFrozen())
			for _, s := range c.GetSegments() {
				out += fmt.Sprintf(" %d-%d", s.GetLow(), s.GetHigh())
			}
			out += "\n"
		}
	}
	return out
}

func indexOf(e *room.Event) uint64 {
	if e == nil {
		return 0
	}
	return e.Header.GetStateIndex()
}
