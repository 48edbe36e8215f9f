package transport

import (
	"context"
	"sync"
	"time"
)

// crowd is all sessions that are live.
type crowd struct {
	mu       sync.Mutex
	sessions map[*live]struct{}
	closed   bool
	left     sync.WaitGroup
}

func newCrowd() *crowd { return &crowd{sessions: map[*live]struct{}{}} }

// add lets a session in, unless the node is stopping.
func (c *crowd) add(l *live) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.sessions[l] = struct{}{}
	c.left.Add(1)
	return true
}

func (c *crowd) remove(l *live) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, l)
	c.left.Done()
}

func (c *crowd) size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sessions)
}

// tick lets time pass for all sessions, once a second. One goroutine for all of them:
// a timer each would cost more than looking at each.
func (c *crowd) tick(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			c.each(func(l *live) { l.tick(now) })
		}
	}
}

func (c *crowd) each(do func(*live)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.sessions {
		do(l)
	}
}

// dismiss ends all sessions, each told to come back after a time of its own, and lets
// no more in. It returns when all have left, or cuts the rest when ctx ends.
func (c *crowd) dismiss(ctx context.Context, jitter func() time.Duration) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.each(func(l *live) { l.end(errStopping, jitter()) })
	left := make(chan struct{})
	go func() {
		c.left.Wait()
		close(left)
	}()
	select {
	case <-left:
		return
	case <-ctx.Done():
	}
	c.each(func(l *live) { go l.wire.cut() })
	<-left
}
