package client

import (
	"math/rand/v2"
	"time"
)

// backoff spaces attempts out: each pause is drawn from the upper half of a span that
// doubles from first to most, so that a thousand clients of one node come back spread out.
type backoff struct {
	first, most time.Duration
	span        time.Duration
}

func (b *backoff) next() time.Duration {
	b.span = min(max(b.span*2, b.first), b.most)
	return b.span/2 + rand.N(b.span/2+1)
}

func (b *backoff) reset() { b.span = 0 }
