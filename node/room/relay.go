package room

import (
	"bytes"
	"crypto/sha256"
	"slices"
)

// Fanout is how many nodes one node passes an event on to.
const Fanout = 8

// Relays are the nodes that self passes origin's new events on to. The nodes that get a
// room's events stand in a tree with origin at its root, in rendezvous order (by a hash of
// room, origin and node): every node finds the same tree by itself, each origin's is
// another one, so no node carries more than its share.
func Relays(id ID, origin, self string, nodes []string) []string {
	order := rendezvous(id, origin, nodes)
	at := slices.Index(order, self)
	if at < 0 {
		return nil
	}
	from := min(at*Fanout+1, len(order))
	return order[from:min(from+Fanout, len(order))]
}

// rendezvous is origin, then the other nodes by their hashes, each once.
func rendezvous(id ID, origin string, nodes []string) []string {
	type place struct {
		hash Hash
		node string
	}
	places := make([]place, 0, len(nodes))
	for _, node := range nodes {
		if node != origin {
			places = append(places, place{rendezvousHash(id, origin, node), node})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	order := append(make([]string, 0, len(places)+1), origin)
	for _, p := range places {
		if p.node != order[len(order)-1] {
			order = append(order, p.node)
		}
	}
	return order
}

func rendezvousHash(id ID, origin, node string) Hash {
	b := append(make([]byte, 0, 256), id[:]...)
	b = append(append(b, origin...), 0)
	return sha256.Sum256(append(b, node...))
}
