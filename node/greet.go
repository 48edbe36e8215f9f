package node

import (
	"context"
	"sync"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// acquainted are the rooms in which, since this node started, other nodes were asked how
// far its own logs have come there.
type acquainted struct {
	asking turnstile
	begun  time.Time // when this node started

	mu    sync.Mutex
	rooms map[room.ID]bool
}

func (a *acquainted) with(id room.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rooms[id]
}

func (a *acquainted) note(id room.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rooms == nil {
		a.rooms = map[room.ID]bool{}
	}
	a.rooms[id] = true
}

// greet is done before this node writes to a shared room for the first time since it
// started. Nobody may have told it that its folder is an older copy of what it was: then
// others have more of its own logs than it has, and a message written now would fork them.
// A home would split the room's state for ever, and waits for what others have of that too.
// Only those whose links are up are asked. When there are none, talk goes on all the same: a
// fork then costs nobody a message (fork.go).
func (n *Node) greet(ctx context.Context, c *chamber) {
	if len(c.peersUp()) == 0 || n.acquainted.with(c.id) {
		return
	}
	leave, err := n.acquainted.asking.enter(ctx, c.id)
	if err != nil {
		return
	}
	defer leave()
	if n.acquainted.with(c.id) {
		return
	}
	all := n.frontiers(ctx, c.id, c.peersUp())
	if c.home() == n.name {
		c.until(ctx, furthestState(all))
	}
	for _, f := range all {
		for _, t := range f.GetTops() {
			if t.GetOrigin() == n.name {
				n.catchUp(ctx, c, t)
			}
		}
	}
	if len(all) > 0 {
		n.acquainted.note(c.id)
	}
}

// linksWithin is how long after a start links may take to come up: so long a home waits for
// one before it changes the state of a room in which others take part.
const linksWithin = 2 * time.Second

// justStarted tells whether that is still to be waited for.
func (n *Node) justStarted(c *chamber) bool {
	return time.Since(n.acquainted.begun) <= linksWithin && !n.acquainted.with(c.id) && c.shared()
}

// awaitPeer waits for a link to another node of the room, just after the start.
func (n *Node) awaitPeer(ctx context.Context, c *chamber) {
	const look = 50 * time.Millisecond
	for ctx.Err() == nil && n.justStarted(c) && len(c.peersUp()) == 0 {
		n.pause(look)
	}
}

// shared tells whether other nodes take part.
func (c *chamber) shared() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.peers) > 0
}

// catchUp waits a moment for what a peer says that it has of this node's own log, and that
// is not here. The peer's word alone counts for nothing: what comes is signed by this node,
// and then new logs begin (outlive).
func (n *Node) catchUp(ctx context.Context, c *chamber, t *roompb.Top) {
	const look = 50 * time.Millisecond
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for within.Err() == nil && c.lacksOwn(t) {
		pause := time.NewTimer(look)
		select {
		case <-pause.C:
		case <-within.Done():
			pause.Stop()
		}
	}
}

func (c *chamber) lacksOwn(t *roompb.Top) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	own := c.n.ownLog()
	return t.GetIncarnation() >= own.incarnation && c.logs[logKey{own.origin, t.GetIncarnation()}].seq() < t.GetSeq()
}

func (c *chamber) peersUp() (out []string) {
	c.mu.RLock()
	all := c.peers
	c.mu.RUnlock()
	for _, name := range all {
		if c.n.up(name) {
			out = append(out, name)
		}
	}
	return out
}

// frontiers is how far a room has come on those of the peers that answer.
func (n *Node) frontiers(ctx context.Context, id room.ID, peers []string) (out []*roompb.Frontier) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, p := range peers {
		asking.Go(func() {
			within, cancel := context.WithTimeout(ctx, awayTimeout)
			defer cancel()
			a, err := n.ask(within, p, &roompb.Ask{What: &roompb.Ask_Frontier{Frontier: &roompb.FrontierAsk{Room: id.Bytes()}}})
			if err != nil || a.GetFrontier() == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, a.GetFrontier())
		})
	}
	asking.Wait()
	return out
}
