package web

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// Priority says who goes first when several wait for the same limit.
type Priority int

const (
	Live     Priority = iota // what somebody has just said, and what that needs
	Change                   // edits and deletes
	Reaction                 // reactions and what tells of them
	Backfill                 // what was missed, rosters, names
)

// bucket is one limit of Slack's: so many calls a second, with a burst, and none until Slack's
// Retry-After is over.
type bucket struct {
	rate  float64 // calls a second
	burst float64

	mu      sync.Mutex
	tokens  float64
	filled  time.Time
	until   time.Time // of Retry-After
	waiting waiters
	seq     uint64
	timer   *time.Timer // runs while somebody waits for time to pass
}

func newBucket(rate, burst float64) *bucket {
	return &bucket{rate: rate, burst: burst, tokens: burst, filled: time.Now()}
}

// waiter is a call that may not be made yet.
type waiter struct {
	priority Priority
	seq      uint64
	ready    chan struct{} // closed when it may
	gone     bool          // its context has ended
}

type waiters []*waiter

func (w waiters) Len() int { return len(w) }
func (w waiters) Less(i, j int) bool {
	return w[i].priority < w[j].priority || w[i].priority == w[j].priority && w[i].seq < w[j].seq
}
func (w waiters) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w *waiters) Push(x any)   { *w = append(*w, x.(*waiter)) }
func (w *waiters) Pop() any {
	old := *w
	last := old[len(old)-1]
	*w = old[:len(old)-1]
	return last
}

// wait returns when a call may be made, or ctx has ended.
func (b *bucket) wait(ctx context.Context, p Priority) error {
	b.mu.Lock()
	b.seq++
	w := &waiter{priority: p, seq: b.seq, ready: make(chan struct{})}
	heap.Push(&b.waiting, w)
	b.serve()
	b.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		w.gone = true
		b.mu.Unlock()
		return context.Cause(ctx)
	}
}

// turn is wait with patience.
func (b *bucket) turn(ctx context.Context, p Priority) error {
	if p == Backfill {
		return b.wait(ctx, p)
	}
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if b.closedFor() > patience {
		return &Later{b.closedFor()}
	}
	err := b.wait(soon, p)
	if err != nil && ctx.Err() == nil {
		return &Later{max(b.closedFor(), time.Second)}
	}
	return err
}

// closedFor is how much is left of a Retry-After.
func (b *bucket) closedFor() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.until)
}

// serve lets go whoever may. The caller holds mu.
func (b *bucket) serve() {
	for len(b.waiting) > 0 {
		if b.waiting[0].gone {
			heap.Pop(&b.waiting)
			continue
		}
		now := time.Now()
		if now.Before(b.until) {
			b.later(b.until.Sub(now))
			return
		}
		b.tokens = min(b.burst, b.tokens+now.Sub(b.filled).Seconds()*b.rate)
		b.filled = now
		if b.tokens < 1 {
			b.later(time.Duration((1 - b.tokens) / b.rate * float64(time.Second)))
			return
		}
		b.tokens--
		close(heap.Pop(&b.waiting).(*waiter).ready)
	}
}

func (b *bucket) later(d time.Duration) {
	if b.timer != nil {
		return
	}
	b.timer = time.AfterFunc(d+time.Millisecond, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.timer = nil
		b.serve()
	})
}

// limited obeys a Retry-After: nobody goes before it is over.
func (b *bucket) limited(after time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := time.Now().Add(after); until.After(b.until) {
		b.until = until
	}
	b.tokens = min(b.tokens, 1)
}
