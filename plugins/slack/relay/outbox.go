package relay

import (
	"sync"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
)

// outbox is what a channel has to send, in three queues: messages before changes before reactions. So what
// somebody says does not wait for what is said about it, and a change finds its message posted. It holds no more than
// the node's window.
type outbox struct {
	wake chan struct{} // one slot

	mu     sync.Mutex
	lanes  [3][]*letter
	queued map[string]bool // by the delivery's id: here, or being sent
	seq    int
	held   string    // id of the delivery that was put off: nothing is said before it comes again
	until  time.Time // when it does, at the soonest
}

// letter is a delivery and its place in the node's order.
type letter struct {
	d   *pb.Delivery
	seq int
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1), queued: map[string]bool{}} }

var laneOf = map[string]int{"edit": 1, "delete": 1, "react": 2, "unreact": 2, "pin": 2, "unpin": 2}

// add queues a delivery; one that is queued already stays where it is. After another was put off, what the node had sent
// before it knew is left alone: it comes again behind that one. False: it came when that one should have,
// and is to be put off as well.
func (o *outbox) add(d *pb.Delivery) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.held == "" || o.held == d.GetId() || d.GetAgain() && !time.Now().Before(o.until): // the node may have dropped what was put off
		o.held = ""
	case time.Now().Before(o.until):
		return true
	default:
		return false
	}
	if o.queued[d.GetId()] {
		return true
	}
	o.queued[d.GetId()] = true
	o.seq++
	lane := laneOf[d.GetKind()]
	o.lanes[lane] = append(o.lanes[lane], &letter{d, o.seq})
	poke(o.wake)
	return true
}

func (o *outbox) next() *letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	for lane := range o.lanes {
		if len(o.lanes[lane]) > 0 {
			next := o.lanes[lane][0]
			o.lanes[lane] = o.lanes[lane][1:]
			return next
		}
	}
	return nil
}

// superseded tells whether a later edit of the same message waits, which says all that this one does.
func (o *outbox) superseded(d *pb.Delivery) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, later := range o.lanes[1] {
		if later.d.GetTarget().GetEvent() == d.GetTarget().GetEvent() {
			return true
		}
	}
	return false
}

func (o *outbox) finished(l *letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.queued, l.d.GetId())
}

// postponed forgets a letter and all that came after it: the node delivers them again, no sooner than after.
func (o *outbox) postponed(l *letter, after time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held, o.until = l.d.GetId(), time.Now().Add(after)
	delete(o.queued, l.d.GetId())
	for lane, letters := range o.lanes {
		var left []*letter
		for _, other := range letters {
			if other.seq > l.seq {
				delete(o.queued, other.d.GetId())
			} else {
				left = append(left, other)
			}
		}
		o.lanes[lane] = left
	}
}
