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
