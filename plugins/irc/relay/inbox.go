package relay

import (
	"context"
	"sync"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

// inbox is what was heard and is not with the node yet: PostLater waits when the node is slow, and the
// loop must not. What does not fit is counted, and a channel's history may still bring it.
type inbox struct {
	host  *bridge.Host
	queue chan arrival
	done  chan struct{}
	once  sync.Once
}

// arrival is an entry, or (with then) a wish to know when the node has it and all before it.
type arrival struct {
	entry *pb.Entry
	then  func()
}

const maxInbox = 20_000 // entries, about 10 MB

func newInbox(ctx context.Context, h *bridge.Host) *inbox {
	q := &inbox{host: h, queue: make(chan arrival, maxInbox), done: make(chan struct{})}
	go q.run(ctx)
	return q
}

func (q *inbox) run(ctx context.Context) {
	for {
		select {
		case a := <-q.queue:
			if a.then == nil {
				q.host.PostLater(a.entry)
				continue
			}
			// The same key again: answered as the first time, and after all that went before.
			go func() {
				if _, err := q.host.Post(ctx, a.entry); err == nil {
					a.then()
				}
			}()
		case <-q.done:
			return
		}
	}
}

// put tells whether it could be taken.
func (q *inbox) put(a arrival) bool {
	select {
	case q.queue <- a:
		return true
	default:
		return false
	}
}

// full tells that it is better to let the network wait.
func (q *inbox) full() bool { return len(q.queue) > maxInbox/2 }

func (q *inbox) close() { q.once.Do(func() { close(q.done) }) }
