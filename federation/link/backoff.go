package link

import "time"

// Backoff is the wait between tries: First, doubling up to Most, each with jitter. The zero
// wait is before the first try.
type Backoff struct {
	First, Most time.Duration
	tries       int
}

// Next is how long to wait before the next try, with jitter in [0, 1): between half of the
// step and all of it, so that those who failed together do not come back together.
func (b *Backoff) Next(jitter float64) time.Duration {
	step := b.First
	for i := 0; i < b.tries && step < b.Most; i++ {
		step *= 2
	}
	step = min(step, b.Most)
	b.tries++
	return step/2 + time.Duration(jitter*float64(step/2))
}

// Reset is for success.
func (b *Backoff) Reset() { b.tries = 0 }

// Dialling is the wait between tries to reach a node.
func Dialling() Backoff { return Backoff{First: 500 * time.Millisecond, Most: time.Minute} }
