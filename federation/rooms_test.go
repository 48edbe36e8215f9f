package federation

import (
	"fmt"
	"testing"
)

// Two strangers: one makes a room, the other joins it by its alias; both talk.
func TestTwoNodesTalk(t *testing.T) {
	a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
	ann, bob := a.user("ann"), b.user("bob")
	b.join(a)
	a.linked(b)
	id := a.garden(ann, "garden")
	a.say(ann, id, "before")
	if got := b.enter(bob, "#garden@a.test"); got != id {
		t.Fatalf("joined %s, want %s", got, id)
	}
	b.sees(bob, id, "before")
	b.say(bob, id, "hello from b")
	a.sees(ann, id, "before", "hello from b")
	a.say(ann, id, "hello from a")
	b.sees(bob, id, "before", "hello from b", "hello from a")
}

// What was said while a link was down comes when it is up again.
func TestCatchUp(t *testing.T) {
	a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
	ann, bob := a.user("ann"), b.user("bob")
	b.join(a)
	id := a.garden(ann, "garden")
	b.enter(bob, "#garden@a.test")
	b.stop()
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint("message ", i))
		a.say(ann, id, want[i])
	}
	b.start()
	b.linked(a)
	b.sees(bob, id, want...)
}
