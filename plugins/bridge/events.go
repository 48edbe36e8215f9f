package bridge

import (
	"context"
	"sync"
)

// eventLimit is how many events may wait before typing is left out. The rest is bounded by
// the window and by what an administrator does.
const eventLimit = 128

// events is the queue between the stream, which never waits, and the plugin.
type events struct {
	out  chan Event
	wake chan struct{} // one slot

	mu   sync.Mutex
	list []Event
}

func newEvents() *events {
	return &events{out: make(chan Event), wake: make(chan struct{}, 1)}
}

func (q *events) put(e Event) {
	q.mu.Lock()
	q.list = append(q.list, e)
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// offer is put for what may be lost.
func (q *events) offer(e Event) {
	q.mu.Lock()
	full := len(q.list) >= eventLimit
	q.mu.Unlock()
	if !full {
		q.put(e)
	}
}

func (q *events) take() []Event {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.list
	q.list = nil
	return list
}

// pump hands events out in order, until ctx ends.
func (q *events) pump(ctx context.Context) {
	defer close(q.out)
	for {
		for _, e := range q.take() {
			select {
			case q.out <- e:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return
		}
	}
}
