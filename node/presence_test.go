package node

import (
	"testing"

	"hearth/node/room"
)

// TestWhoIsHereWhenARoomIsShared: people of two nodes who were here before they had a room in common see each other,
// whoever enters, and without a link that goes down and up.
func TestWhoIsHereWhenARoomIsShared(t *testing.T) {
	l := newLeague(t, "one", "two")
	alice, bob, carol := l.user("one", "alice"), l.user("two", "bob"), l.user("two", "carol")
	for _, u := range []Caller{alice, bob, carol} {
		f, err := l.nodes[u.User.Node()].Follow(u, FollowOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Close)
	}
	s, err := l.nodes["one"].CreateRoom(t.Context(), alice, NewRoom{Alias: "garden", Name: "Garden", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := room.ParseHash(s.Room)
	for _, u := range []Caller{bob, carol} { // the second one comes to a room that is there already
		if _, err := l.nodes["two"].Join(t.Context(), u, id, "one"); err != nil {
			t.Fatal(err)
		}
		l.soon(string(u.User)+" is seen", func() bool { return l.nodes["one"].people.online(u.User) })
		l.soon("alice is seen", func() bool { return l.nodes["two"].people.online(alice.User) })
	}
}
