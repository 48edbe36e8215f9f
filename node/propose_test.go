package node

import (
	"testing"

	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Of a home that is known to be away nothing is asked, and nobody waits for it: what is
// proposed is made when it is back. Who leaves is gone at once.
func TestHomeKnownToBeAway(t *testing.T) {
	l, alice, bob, id := together(t)
	one, two := l.nodes["one"], l.nodes["two"]
	l.do(alice, id, room.KindRole, &roompb.Body{Subject: string(bob.User), Role: "administrator"})
	l.agree(id, "one", "two")
	two.Peers.SetState("one", peer.State{Link: peer.Down, Error: "no answer"})
	l.mu.Lock()
	asked := l.asks
	l.mu.Unlock()

	name := "Orchard"
	r, err := l.submit(bob, room.Draft{Room: id, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Name: &name}}})
	if err != nil || !r.Waiting {
		t.Fatalf("settings: %+v, %v", r, err)
	}
	if r, err = l.submit(bob, room.Draft{Room: id, Kind: room.KindLeave}); err != nil || !r.Waiting {
		t.Fatalf("leave: %+v, %v", r, err)
	}
	if _, err := two.readable(bob, id); room.CodeOf(err) != room.NotFound {
		t.Errorf("bob is still in the room: %v", err)
	}
	l.mu.Lock()
	if l.asks != asked {
		t.Errorf("the home was asked %d times", l.asks-asked)
	}
	l.mu.Unlock()

	two.Peers.SetState("one", peer.State{Link: peer.Up})
	two.PeerUp("one")
	l.soon("both changes are made", func() bool {
		s, err := one.Summary(alice, id)
		return err == nil && s.GetName() == name && s.GetMembers() == 1
	})
}

// A client that repeats a change of the settings, since it has not heard the answer, makes
// no second entry: on the home, from another node, and among several stewards.
func TestSettingsThatAreSoAlready(t *testing.T) {
	b := newBoard(t)
	alone := newLeague(t, "one", "two")
	alice, bob := alone.user("one", "alice"), alone.user("two", "bob")
	s, err := alone.nodes["one"].CreateRoom(t.Context(), alice, NewRoom{Alias: "garden", Name: "Garden", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := room.ParseHash(s.Room)
	if _, err := alone.nodes["two"].Join(t.Context(), bob, id, "one"); err != nil {
		t.Fatal(err)
	}
	alone.do(alice, id, room.KindRole, &roompb.Body{Subject: string(bob.User), Role: "administrator"})
	for _, c := range []struct {
		l  *league
		by Caller
		id room.ID
	}{{alone, alice, id}, {alone, bob, id}, {b.league, b.people[four[1]], b.id}} {
		name := "Orchard of " + c.by.User.Local() + c.by.User.Node()
		set := func() uint64 {
			return c.l.do(c.by, c.id, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Name: &name}}).Index
		}
		if first, again := set(), set(); first != again {
			t.Errorf("%s: entry %d, and again entry %d", c.by.User, first, again)
		}
	}
	// Who may not change it is told so, even if it were no change.
	name := "Garden"
	if _, err := b.submit(b.user(four[0], "guest"), room.Draft{Room: b.id, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Name: &name}}}); err == nil {
		t.Error("a stranger changes the settings")
	}
}

// What waits for a node holds up nothing that it would take: here the one room's home has
// moved on to a node that is gone, meanwhile.
func TestALetterThatIsNotTakenHoldsUpNoOther(t *testing.T) {
	l, alice, bob, carl, stuck := three(t)
	one, two := l.nodes["one"], l.nodes["two"]
	if _, err := l.nodes["three"].Join(t.Context(), carl, stuck, "one"); err != nil {
		t.Fatal(err)
	}
	s, err := one.CreateRoom(t.Context(), alice, NewRoom{Alias: "yard", Name: "Yard", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	free, _ := room.ParseHash(s.Room)
	if _, err := two.Join(t.Context(), bob, free, "one"); err != nil {
		t.Fatal(err)
	}
	for _, id := range []room.ID{stuck, free} {
		l.do(alice, id, room.KindRole, &roompb.Body{Subject: string(bob.User), Role: "administrator"})
		l.agree(id, "one", "two")
	}
	two.Peers.SetState("one", peer.State{Link: peer.Down, Error: "no answer"})
	name := func(s string) *roompb.Body { return &roompb.Body{Settings: &roompb.Settings{Name: &s}} }
	for _, d := range []room.Draft{
		{Room: stuck, Kind: room.KindSettings, Body: name("Orchard")}, {Room: stuck, Kind: room.KindSettings, Body: name("Meadow")},
		{Room: free, Kind: room.KindSettings, Body: name("Field")},
	} {
		if r, err := l.submit(bob, d); err != nil || !r.Waiting {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	l.do(alice, stuck, room.KindStewards, &roompb.Body{Stewards: []string{"three"}})
	l.agree(stuck, "one", "two", "three")
	for _, other := range []string{"one", "two"} {
		l.sever("three", other, true)
	}
	two.Peers.SetState("one", peer.State{Link: peer.Up})
	two.PeerUp("one")
	called := func(n *Node, by Caller, id room.ID, want string) func() bool {
		return func() bool {
			s, err := n.Summary(by, id)
			return err == nil && s.GetName() == want
		}
	}
	l.soon("the other room is called Field", called(one.Node, alice, free, "Field"))
	if s, err := two.Summary(bob, stuck); err != nil || s.GetWaiting() != 2 {
		t.Errorf("%d changes wait: %v", s.GetWaiting(), err)
	}
	for _, other := range []string{"one", "two"} {
		l.sever("three", other, false)
	}
	l.soon("both changes are made, in their order", func() bool {
		two.PeerUp("one")
		s, err := two.Summary(bob, stuck)
		return err == nil && s.GetWaiting() == 0 && called(l.nodes["three"].Node, carl, stuck, "Meadow")()
	})
}
