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
