package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

const tenYears = 10 * 365 * 24 * time.Hour

// texts is what somebody sees of a room, a line a message: who, what, how often it was
// reacted to, in how many replies.
func (l *league) texts(by Caller, id room.ID) (out []string) {
	l.t.Helper()
	h, err := l.nodes[by.User.Node()].History(l.t.Context(), by, HistoryQuery{Room: id, Limit: 200})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range h.Events {
		if room.Kind(e.GetKind()).Message() {
			out = append(out, fmt.Sprintf("%s %s %d %d", room.User(e.GetAuthor()).Local(), e.GetText(), len(e.GetReactions()), e.GetThreadReplies()))
		}
	}
	return out
}

func (l *league) sees(by Caller, id room.ID, want ...string) {
	l.t.Helper()
	var got []string
	defer func() {
		if l.t.Failed() {
			l.t.Logf("%s sees %q", by.User, got)
		}
	}()
	l.soon(fmt.Sprintf("%s sees %q", by.User, want), func() bool {
		got = l.texts(by, id)
		return slices.Equal(got, want)
	})
}

// together makes a room of alice at one and bob at two.
func together(t *testing.T) (l *league, alice, bob Caller, id room.ID) {
	l = newLeague(t, "one", "two")
	alice, bob = l.user("one", "alice"), l.user("two", "bob")
	s, err := l.nodes["one"].CreateRoom(l.t.Context(), alice, NewRoom{Alias: "garden", Name: "Garden", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	if id, err = room.ParseHash(s.Room); err != nil {
		t.Fatal(err)
	}
	if _, err := l.nodes["two"].Join(t.Context(), bob, id, "one"); err != nil {
		t.Fatal(err)
	}
	return l, alice, bob, id
}

// setClock sets a node's clock, and has all nodes tell each other theirs.
func (l *league) setClock(name string, skew time.Duration) {
	l.nodes[name].skew.Store(int64(skew))
	for _, a := range l.nodes {
		for b, other := range l.nodes {
			a.Peers.SetState(b, peer.State{Link: peer.Up, ClockAhead: other.now().Sub(a.now()), ClockAt: a.now()})
		}
	}
}

func say(text string) *roompb.Body { return &roompb.Body{Text: text} }

func about(r Receipt, b *roompb.Body) *roompb.Body {
	b.Target = r.Event.Bytes()
	return b
}

// A node whose clock was ten years ahead goes on once it is right: what was said then is
// there for all, in its order, with all that was done to it, and nothing is there twice.
func TestTenYearsAhead(t *testing.T) {
	l, alice, bob, id := together(t)
	two := l.nodes["two"]
	before := l.do(bob, id, room.KindText, say("before"))
	l.sees(alice, id, "bob before 0 0")

	l.setClock("two", tenYears)
	first, err := l.submit(bob, room.Draft{Room: id, Kind: room.KindText, Body: say("from the futrue"), Key: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	l.do(bob, id, room.KindEdit, about(first, say("from the future")))
	l.do(bob, id, room.KindReact, about(first, &roompb.Body{Emoji: "👍"}))
	l.do(bob, id, room.KindReact, about(before, &roompb.Body{Emoji: "👍"}))
	l.do(bob, id, room.KindText, &roompb.Body{Text: "a reply", Thread: first.Event.Bytes()})
	gone := l.do(bob, id, room.KindText, say("thought better of it"))
	l.do(bob, id, room.KindDelete, about(gone, &roompb.Body{}))
	l.do(alice, id, room.KindText, say("meanwhile"))

	l.setClock("two", 0)
	l.do(bob, id, room.KindText, say("after"))
	want := []string{"bob before 1 0", "alice meanwhile 0 0", "bob from the future 1 1", "bob after 0 0"}
	l.sees(bob, id, want...)
	l.sees(alice, id, want...)

	again, err := l.submit(bob, room.Draft{Room: id, Kind: room.KindText, Body: say("from the futrue"), Key: "k1"})
	if err != nil || again.Event == first.Event {
		t.Errorf("a client that repeats itself is answered %v, %v: not what its message is now", again.Event, err)
	}
	l.sees(bob, id, want...)
	if a := two.Peers.Alarms(); len(a) == 0 || a[0].Peer != "two" || !strings.Contains(a[0].Text, "87600h") {
		t.Errorf("the administrator is told %+v", a)
	}

	l.kill("two")
	verifyStore(t, two)
	l.start("two")
	l.sees(bob, id, want...)
	l.do(bob, id, room.KindText, say("still here"))
	l.sees(alice, id, append(want, "bob still here 0 0")...)
}

// verifyStore reads a stopped node's store and trusts nothing.
func verifyStore(t *testing.T, d *leagued) {
	t.Helper()
	s, err := storage.Open("data", storage.Options{FS: d.fs, CacheBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Verify(t.Context(), nil, func(p storage.Problem) { t.Errorf("the store: %+v", p) }); err != nil {
		t.Fatal(err)
	}
}

// Of a clock that was an hour ahead others wait for what was said, and for nothing that is
// said afterwards.
func TestAnHourAhead(t *testing.T) {
	l, alice, bob, id := together(t)
	one := l.nodes["one"]
	l.setClock("two", time.Hour)
	early := l.do(bob, id, room.KindText, say("early"))
	l.setClock("two", 0)
	l.do(bob, id, room.KindText, say("now"))
	l.sees(alice, id, "bob now 0 0")
	l.sees(bob, id, "bob now 0 0", "bob early 0 0")
	l.setClock("one", time.Hour)
	l.setClock("two", time.Hour)
	l.do(bob, id, room.KindText, say("later"))
	l.sees(alice, id, "bob now 0 0", "bob early 0 0", "bob later 0 0")
	if _, err := one.rooms.peek(id).find(early.Event); err != nil {
		t.Errorf("it came as another message: %v", err)
	}
}

// A clock that jumps again and again does not use up the incarnations, of which there are
// 64, and loses nothing.
func TestClockThatKeepsJumping(t *testing.T) {
	l, alice, bob, id := together(t)
	two := l.nodes["two"]
	var want []string
	for i := range 30 {
		l.setClock("two", tenYears)
		l.do(bob, id, room.KindText, say(fmt.Sprint(2*i)))
		l.setClock("two", 0)
		l.do(bob, id, room.KindText, say(fmt.Sprint(2*i+1)))
		want = append(want, fmt.Sprintf("bob %d 0 0", 2*i), fmt.Sprintf("bob %d 0 0", 2*i+1))
	}
	l.sees(bob, id, want...)
	if n := two.incarnation.Load(); n > room.MaxIncarnation/2 {
		t.Errorf("%d incarnations were used up", n)
	}
	l.sees(alice, id, want[:44]...) // the others wait: nobody's clock jumps so often by itself
}

// A clock that falls ten years back makes all that was said look far ahead of time. Nothing
// is touched, and nothing stands in the past.
func TestTenYearsBack(t *testing.T) {
	l, alice, bob, id := together(t)
	two := l.nodes["two"]
	first := l.do(bob, id, room.KindText, say("first"))
	two.skew.Store(int64(-tenYears)) // nobody has told anybody yet
	l.do(bob, id, room.KindText, say("second"))
	l.setClock("two", -tenYears)
	l.do(bob, id, room.KindText, say("third"))
	want := []string{"bob first 0 0", "bob second 0 0", "bob third 0 0"}
	l.sees(bob, id, want...)
	l.sees(alice, id, want...)
	if row, err := two.rooms.peek(id).find(first.Event); err != nil || row.Void || two.incarnation.Load() != 1 {
		t.Errorf("the first message is taken back: %+v (%v)", row, err)
	}
}

// What was said ahead of time in a room with nobody else stands at the present too, however
// much it is; and what was read stays read.
func TestMuchSaidAheadOfTime(t *testing.T) {
	l := newLeague(t, "one", "two")
	alice, carol := l.user("one", "alice"), l.user("one", "carol")
	one := l.nodes["one"]
	s, err := one.CreateRoom(t.Context(), alice, NewRoom{Alias: "garden", Name: "Garden", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := room.ParseHash(s.Room)
	l.do(carol, id, room.KindJoin, nil)
	l.setClock("one", tenYears)
	const much = 2*mostAgain + 10
	last := Receipt{}
	for i := range much {
		last = l.do(alice, id, room.KindText, say(fmt.Sprint(i)))
	}
	if err := one.Read(t.Context(), carol, id, last.Pos); err != nil {
		t.Fatal(err)
	}
	l.setClock("one", 0)
	l.do(alice, id, room.KindText, say("now"))
	h, err := one.History(t.Context(), carol, HistoryQuery{Room: id, Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range h.Events[:199] {
		if want := fmt.Sprint(much - 199 + i); e.GetText() != want || time.UnixMilli(e.GetTime()).After(time.Now().Add(time.Minute)) {
			t.Fatalf("message %d is %q of %v, not %q", i, e.GetText(), time.UnixMilli(e.GetTime()), want)
		}
	}
	sum, err := one.Summary(carol, id)
	if err != nil || sum.GetUnread() != 1 || sum.GetLastTime() > time.Now().Add(time.Minute).UnixMilli() {
		t.Errorf("carol has %d unread, the last of %v (%v)", sum.GetUnread(), time.UnixMilli(sum.GetLastTime()), err)
	}
}
