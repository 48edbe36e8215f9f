package relay

import (
	"fmt"
	"sync"
	"time"
)

// echoes remembers the ids of events that came, and the posts whose events have not come back yet.
type echoes struct {
	mu      sync.Mutex
	met     map[string]meeting
	order   []string
	waiting map[string]time.Time // by ts
	last    time.Time            // when an event came
}

// meeting is when an event came first, and how far it got.
type meeting struct {
	at time.Time
	is standing
}

type standing int

const (
	unseen   standing = iota
	underWay          // being kept
	safe
)

const (
	seenFor    = 15 * time.Minute // Slack sends again at once, after one minute and after five
	seenEvents = 50_000
)

func newEchoes() *echoes {
	return &echoes{met: map[string]meeting{}, waiting: map[string]time.Time{}}
}

// meet tells how far an event got before. An unseen one is under way from now on, until settle is called.
func (e *echoes) meet(id string) standing {
	if id == "" {
		return unseen
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	for len(e.order) > 0 && (len(e.order) > seenEvents || now.Sub(e.met[e.order[0]].at) > seenFor) {
		delete(e.met, e.order[0])
		e.order = e.order[1:]
	}
	if before, known := e.met[id]; known {
		return before.is
	}
	e.met[id] = meeting{now, underWay}
	e.order = append(e.order, id)
	return unseen
}

// settle notes what became of an unseen event. One that could not be kept may come again.
func (e *echoes) settle(id string, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, known := e.met[id]
	switch {
	case !known:
	case ok:
		m.is = safe
		e.met[id] = m
	default:
		delete(e.met, id)
	}
}

// await notes a post, begun at the time, whose event should come back. One that was faster than the answer has come.
func (e *echoes) await(ts string, began time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last.Before(began) && len(e.waiting) < 1000 {
		e.waiting[ts] = began
	}
}

// alive notes that events come: what was posted before and did not come back was lost with a socket.
func (e *echoes) alive() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.waiting)
	e.last = time.Now()
}

// missing says, for people, that posts do not come back as events, and nothing else does; "" while all is well.
func (e *echoes) missing(patience time.Duration) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	lost := 0
	for _, at := range e.waiting {
		if time.Since(at) > patience {
			lost++
		}
	}
	if lost == 0 {
		return ""
	}
	return fmt.Sprintf("Slack takes messages, but %d of them did not come back as events, and no other event came since: what people say there may be missing as well. Are the event subscriptions of the manifest all on (api.slack.com/apps, Event Subscriptions)?", lost)
}
