package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// confirm is done before this node, a room's home, writes to the state log for the first
// time since its folder was restored from a backup (then, and only then, its incarnation
// is above 1): the backup may lack entries that other nodes have, and a second entry under
// the same index, signed too, would split the room for ever. So the room's other nodes are
// asked how far they are, and what is missing comes from them first. When none answers,
// the state waits; talk goes on. Who joined after the backup is not known here any more: all
// other nodes that are linked are asked too, and show what this node signed.
func (n *Node) confirm(ctx context.Context, c *chamber) error {
	n.greet(ctx, c)
	if n.sure(c) {
		return nil
	}
	c.mu.RLock()
	peers := c.peers
	c.mu.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	index, answered := n.furthest(ctx, c.id, peers)
	if answered == 0 && len(peers) > 0 {
		return &room.Error{Code: room.Unavailable, RetryAfter: resend, Message: fmt.Sprintf(
			"This node was restored from a backup, and what it missed has to come from another node of the room first: none of %s can be reached.", strings.Join(peers[:min(len(peers), 3)], ", "))}
	}
	index = max(index, n.remembered(ctx, c, peers))
	c.until(ctx, index)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Index < index {
		return &room.Error{Code: room.Unavailable, RetryAfter: resend, Message: "This node was restored from a backup and is still catching up with the other nodes of the room. Try again in a moment."}
	}
	c.confirmed = true
	return nil
}

// sure tells whether confirm has nothing to do.
func (n *Node) sure(c *chamber) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return n.incarnation.Load() == 1 || c.confirmed
}

// remembered is how far the state log was, as those of the linked nodes prove that take no
// part in the room as far as is known here.
func (n *Node) remembered(ctx context.Context, c *chamber, peers []string) (index uint64) {
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, p := range n.Peers.List() {
		if p.State.Link != peer.Up || slices.Contains(peers, p.Name) {
			continue
		}
		asking.Go(func() {
			i, err := n.remember(ctx, c, p.Name)
			if err != nil {
				n.log.Debug("ask what a restored node has forgotten", "room", c.text, "peer", p.Name, "err", err)
			}
			mu.Lock()
			defer mu.Unlock()
			index = max(index, i)
		})
	}
	asking.Wait()
	return index
}

// furthest is how far the state log is on those of the peers that answer.
func (n *Node) furthest(ctx context.Context, id room.ID, peers []string) (index uint64, answered int) {
	all := n.frontiers(ctx, id, peers)
	return furthestState(all), len(all)
}

func furthestState(all []*roompb.Frontier) (index uint64) {
	for _, f := range all {
		index = max(index, f.GetStateIndex())
	}
	return index
}
