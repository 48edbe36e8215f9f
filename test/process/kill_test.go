package process

import (
	"math/rand/v2"
	"testing"
	"time"
)

// One of three is killed at random, again and again, and started again, while people talk on all.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 3)
	l := f.talk(f.nodes...)
	kills := 0
	for end := time.Now().Add(either(10*time.Second, time.Minute)); time.Now().Before(end); kills++ {
		pass(t, 500*time.Millisecond+rand.N(2*time.Second))
		n := f.nodes[rand.N(len(f.nodes))]
		n.kill()
		pass(t, rand.N(time.Second))
		n.start()
	}
	acked := l.stop()
	t.Logf("%d kills", kills)
	f.agree(time.Minute, acked, f.nodes...)
	f.verify(f.nodes...)
}

// The home dies and does not come back: talk goes on among the others, who agree on what there is.
func TestTheHomeDiesForGood(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 3)
	home, others := f.nodes[0], f.nodes[1:]
	before := f.talk(f.nodes...)
	pass(t, either(3*time.Second, 20*time.Second))
	acked := before.stop()
	f.agree(time.Minute, acked, f.nodes...)

	lost := f.talk(home) // what it acknowledges in its last second may have reached nobody
	kept := f.talk(others...)
	pass(t, time.Second)
	home.kill()
	lost.abandon()
	pass(t, either(5*time.Second, 30*time.Second))
	f.agree(time.Minute, merged(acked, kept.stop()), others...)

	// A new invitation waits for the home; leaving does not.
	n := others[1]
	n.must("room", "leave", f.room, "--profile", n.profile)
	f.verify(others...)
}
