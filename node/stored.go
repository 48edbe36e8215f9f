package node

import (
	"cmp"
	"crypto/ed25519"
	"fmt"

	"hearth/node/channel"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/storage"
)

// StoredBook is the book of peers of a data folder whose node does not run. The node must
// have a name: see StoredName.
func StoredBook(s *storage.Store) (*peer.Book, error) {
	name, key, err := storedIdentity(s)
	if err != nil {
		return nil, err
	}
	return peer.Open(s, peer.Config{Self: name, Key: key})
}

// StoredBridges is the book of bridges of a data folder whose node does not run.
func StoredBridges(s *storage.Store) (*channel.Book, error) {
	name, key, err := storedIdentity(s)
	if err != nil {
		return nil, err
	}
	return channel.Open(s, channel.Config{Node: name, Key: key})
}

// StoredRoomName is what people of a node call a room: its address, or its name.
func StoredRoomName(s *storage.Store, node string, id room.ID) string {
	m, err := s.Room(id)
	if err != nil || m.GetAlias() == "" {
		return cmp.Or(m.GetName(), id.String())
	}
	return "#" + m.GetAlias() + "@" + cmp.Or(m.GetOrigin(), node)
}

func storedIdentity(s *storage.Store) (string, ed25519.PrivateKey, error) {
	name, err := StoredName(s)
	if err != nil {
		return "", nil, err
	}
	seed, err := s.Value(valueKey)
	if err != nil {
		return "", nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return "", nil, fmt.Errorf("open folder of %s: the node has no key yet", name)
	}
	return name, ed25519.NewKeyFromSeed(seed), nil
}
