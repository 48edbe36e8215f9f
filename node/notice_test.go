package node

import (
	"testing"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Who was banned while the node was cut off, and talked on, learns what became of that, on
// the next visit too, until it was seen; others learn nothing.
func TestNoticeOfWhatWasNotAccepted(t *testing.T) {
	l, alice, bob, id := together(t)
	two := l.nodes["two"]
	carol := l.user("two", "carol")
	if _, err := two.Join(t.Context(), carol, id, "one"); err != nil {
		t.Fatal(err)
	}
	l.do(bob, id, room.KindText, say("in time"))
	l.sees(alice, id, "bob in time 0 0")
	l.sever("one", "two", true)
	l.do(alice, id, room.KindBan, &roompb.Body{Subject: string(bob.User)})
	l.do(bob, id, room.KindText, say("too late"))
	last := l.do(bob, id, room.KindText, say("later still"))
	l.do(bob, id, room.KindReact, about(last, &roompb.Body{Emoji: "👍"}))
	l.do(carol, id, room.KindText, say("carol may"))
	if n, err := two.Notices(bob, 0); len(n) > 0 || err != nil {
		t.Fatalf("too early: %+v, %v", n, err)
	}
	l.sever("one", "two", false)
	l.agree(id, "one", "two")
	l.kill("two")
	l.start("two")
	two = l.nodes["two"]
	told, err := two.Notices(bob, 0)
	if err != nil || len(told) != 1 {
		t.Fatalf("bob is told %+v, %v", told, err)
	}
	if n := told[0]; n.Room != id.String() || n.Name != "Garden" || n.Why != "ban" || n.Text != "too late" || n.Count != 2 {
		t.Errorf("bob is told %+v", n)
	}
	if n, err := two.Notices(carol, 0); len(n) > 0 || err != nil {
		t.Errorf("carol is told %+v, %v", n, err)
	}
	for range 2 { // the answer may have been lost
		if n, err := two.Notices(bob, told[0].At); len(n) > 0 || err != nil {
			t.Errorf("seen, and told again: %+v, %v", n, err)
		}
	}
	if n, err := two.Notices(bob, 0); len(n) > 0 || err != nil {
		t.Errorf("it is kept: %+v, %v", n, err)
	}
}
