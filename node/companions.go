package node

import (
	"fmt"
	"slices"
)

// Companions are the nodes that the door should have links with: they take part in a room
// of this node's, or something waits here for them. By name.
func (n *Node) Companions() ([]string, error) {
	sharing, err := n.store.PeerNodes()
	if err != nil {
		return nil, fmt.Errorf("read nodes that share rooms: %w", err)
	}
	expecting, err := n.store.OutboxNodes()
	if err != nil {
		return nil, fmt.Errorf("read nodes that something waits for: %w", err)
	}
	all := append(slices.Clone(sharing), expecting...)
	slices.Sort(all)
	return slices.Compact(all), nil
}

// WaitedFor is how many nodes something waits for here.
func (n *Node) WaitedFor() (int, error) {
	expecting, err := n.store.OutboxNodes()
	return len(expecting), err
}
