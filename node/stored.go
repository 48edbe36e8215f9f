package node

import (
	"crypto/ed25519"
	"fmt"

	"hearth/node/peer"
	"hearth/storage"
)

// StoredBook is the book of peers of a data folder whose node does not run. The node must
// have a name: see StoredName.
func StoredBook(s *storage.Store) (*peer.Book, error) {
	name, err := StoredName(s)
	if err != nil {
		return nil, err
	}
	seed, err := s.Value(valueKey)
	if err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("open book of %s: the node has no key yet", name)
	}
	return peer.Open(s, peer.Config{Self: name, Key: ed25519.NewKeyFromSeed(seed)})
}
