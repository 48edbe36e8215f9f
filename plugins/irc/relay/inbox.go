package relay

import (
	"context"
	"time"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

// inbox is what was heard and is not with the node yet: PostLater waits when the node is slow, and the
// loop must not. What does not fit is counted, and a channel's history may still bring it.
type inbox struct {
	host  *bridge.Host
	queue chan arrival
	done  chan struct{}        // all of the queue has been passed on
	last  map[string]*pb.Entry // by channel; run's until done
}

// arrival is an entry, or (with then) a wish to know when the node has it and all before it.
type arrival struct {
	entry *pb.Entry
	then  func()
}

const maxInbox = 20_000 // entries, about 10 MB

func newInbox(ctx context.Context, h *bridge.Host) *inbox {
	q := &inbox{host: h, queue: make(chan arrival, maxInbox), done: make(chan struct{}), last: map[string]*pb.Entry{}}
	go q.run(ctx)
	return q
}

func (q *inbox) run(ctx context.Context) {
	defer close(q.done)
	for a := range q.queue {
		if a.then == nil {
			q.last[a.entry.GetChannel()] = a.entry
			q.host.PostLater(a.entry)
			continue
		}
		// The same key again: answered as the first time, and after all that went before.
		go func() {
			if _, err := q.host.Post(ctx, a.entry); err == nil {
				a.then()
			}
		}()
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

const lastEntries = time.Second // of the two that a node gives a bridge to end

// close waits, for a while, until the node has all that was put: where a network keeps no history nobody
// could fetch it again. Nothing may be put any more.
func (q *inbox) close() {
	ctx, cancel := context.WithTimeout(context.Background(), lastEntries)
	defer cancel()
	close(q.queue)
	select {
	case <-q.done:
	case <-ctx.Done():
		return
	}
	for _, e := range q.last {
		if _, err := q.host.Post(ctx, e); err != nil {
			return
		}
	}
}
