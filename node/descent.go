package node

import (
	"maps"
	"slices"
	"sync"

	"hearth/node/room"
)

// descent keeps to whom this node passes each origin's events on: the tree is the same
// until who takes part changes, and finding it costs a hash for each node.
type descent struct {
	mu    sync.Mutex
	peers []string // for whom it was found
	heirs map[string][]string
}

// relays are the peers to whom this node passes an origin's events on. The lock is held.
func (c *chamber) relays(origin string) []string {
	if len(c.peers) <= room.Fanout { // everybody is told by the origin itself
		if origin == c.n.name {
			return c.peers
		}
		return nil
	}
	d := &c.descent
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.peers) != len(c.peers) || &d.peers[0] != &c.peers[0] { // takingPart makes them anew
		d.peers, d.heirs = c.peers, map[string][]string{}
	}
	heirs, known := d.heirs[origin]
	if !known {
		heirs = room.Relays(c.id, origin, c.n.name, append(slices.Clone(c.peers), c.n.name))
		d.heirs[origin] = heirs
	}
	return heirs
}

// passesOn tells whether any of these logs goes from here to somebody. The lock is held.
func (c *chamber) passesOn(logs map[logKey]*chain) bool {
	for k := range maps.Keys(logs) {
		if len(c.relays(k.origin)) > 0 {
			return true
		}
	}
	return false
}
