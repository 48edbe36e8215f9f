package conn

import (
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait before the next try: it doubles from a second to five minutes, with jitter,
// so that a network that comes back is not met by all its users at once.
type Backoff struct {
	Rush int // divides all waits; 0: 1
	next time.Duration
}

const (
	firstWait = time.Second
	lastWait  = 5 * time.Minute
)

// Wait is how long to wait now, for a reason.
func (b *Backoff) Wait(why Why) time.Duration { return b.wait(why) / time.Duration(max(b.Rush, 1)) }

func (b *Backoff) wait(why Why) time.Duration {
	switch why {
	case Upgrade:
		return 0
	case Throttle:
		b.next = max(b.next, time.Minute)
	case Flooded:
		b.next = max(b.next, 10*time.Second)
	case Refused:
		return 30*time.Minute + rand.N(10*time.Minute)
	}
	b.next = min(max(b.next, firstWait), lastWait)
	wait := b.next/2 + rand.N(b.next)
	b.next *= 2
	return wait
}

// Reset is for a connection that has stood for a while.
func (b *Backoff) Reset() { b.next = 0 }
