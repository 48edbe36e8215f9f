package client

import (
	"sync"
	"time"
)

// queue holds events between the reader and Next. It is bounded without losing
// anything: when it is full the reader stops reading, so the node holds the rest. Only
// when somebody waits for the answer to a call must reading go on; then items are left
// behind, the cursors stay, and a new session brings them once the queue is empty.
type queue struct {
	limit int
	some  chan struct{} // one slot: there is something to pop
	space chan struct{} // one slot: something was popped

	mu     sync.Mutex
	events []Event
	size   int // items of deliveries, and one for every other event
	behind *session
	given  map[string]uint64
	ended  bool
}

func newQueue(limit int) queue {
	if limit <= 0 {
		limit = 1024
	}
	return queue{
		limit: limit,
		some:  make(chan struct{}, 1),
		space: make(chan struct{}, 1),
		given: map[string]uint64{},
	}
}

func weight(e Event) int {
	if e.Delivery != nil {
		return len(e.Delivery.Items)
	}
	return 1
}

// push waits for room and adds e; false when e was left behind. s nil: never waits.
func (q *queue) push(e Event, s *session) bool {
	for {
		q.mu.Lock()
		if q.ended || (s != nil && q.behind == s) {
			q.mu.Unlock()
			return false
		}
		if s == nil || q.size < q.limit {
			q.add(e)
			q.mu.Unlock()
			return true
		}
		if s.c.calls.waiting() {
			q.behind = s
			q.mu.Unlock()
			return false
		}
		q.mu.Unlock()
		s.pause(q)
	}
}

// pause waits until Next has taken something, a call has begun, or the session has ended.
func (s *session) pause(q *queue) {
	s.paused.Store(true)
	select {
	case <-q.space:
	case <-s.c.calls.begun:
	case <-s.gone:
		q.mu.Lock()
		q.behind = s
		q.mu.Unlock()
	}
	s.heard.Store(time.Now().UnixNano())
	s.paused.Store(false)
}

// offer adds e when there is room for it: signals are lossy.
func (q *queue) offer(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ended && q.size < q.limit {
		q.add(e)
	}
}

func (q *queue) add(e Event) {
	q.events = append(q.events, e)
	q.size += weight(e)
	poke(q.some)
}

func (q *queue) pop() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return Event{}, false
	}
	e := q.events[0]
	q.events[0] = Event{}
	q.events = q.events[1:]
	q.size -= weight(e)
	poke(q.space)
	if len(q.events) > 0 {
		poke(q.some) // for a second caller of Next
	}
	return e, true
}

// leftBehind says whether session s left items behind, and all it took is handed out.
func (q *queue) leftBehind(s *session) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return s != nil && q.behind == s && len(q.events) == 0
}

func (q *queue) hand(room string, pos uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.given[room] = pos
}

// overlay replaces the positions the queue has taken by those that were handed out.
func (q *queue) overlay(cursors map[string]uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.events { // taken, not handed: the first of a room says from where
		d := e.Delivery
		if d == nil || len(d.Items) == 0 {
			continue
		}
		if _, handed := q.given[d.Room]; !handed {
			q.given[d.Room] = d.Items[0].Event.GetPos() - 1
		}
	}
	for room, pos := range q.given {
		if _, here := cursors[room]; here {
			cursors[room] = pos
		}
	}
}

func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
