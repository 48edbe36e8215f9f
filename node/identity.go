package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"hearth/node/room"
	"hearth/storage"
)

// Names of the values that make up a node's identity.
const (
	valueName        = "node/name"
	valueKey         = "node/key"
	valueIncarnation = "node/incarnation"
)

type identity struct {
	key         ed25519.PrivateKey
	incarnation uint32
}

// openIdentity reads the node's name and key, or makes them at the first start.
func openIdentity(s *storage.Store, name string) (identity, error) {
	if err := claimName(s, name); err != nil {
		return identity{}, err
	}
	seed, err := s.Value(valueKey)
	if err != nil {
		return identity{}, fmt.Errorf("read node key: %w", err)
	}
	if seed == nil {
		seed = make([]byte, ed25519.SeedSize)
		rand.Read(seed) // never fails, crypto/rand
		if err := s.PutValue(valueKey, seed); err != nil {
			return identity{}, fmt.Errorf("store node key: %w", err)
		}
	}
	if len(seed) != ed25519.SeedSize {
		return identity{}, fmt.Errorf("the node key in the store has %d bytes, not %d", len(seed), ed25519.SeedSize)
	}
	incarnation, err := Incarnation(s)
	return identity{ed25519.NewKeyFromSeed(seed), incarnation}, err
}

func claimName(s *storage.Store, name string) error {
	was, err := s.Value(valueName)
	switch {
	case err != nil:
		return fmt.Errorf("read node name: %w", err)
	case was == nil:
		return s.PutValue(valueName, []byte(name))
	case string(was) != name:
		return room.Errorf(room.Conflict, "this data folder belongs to the node %q and cannot become %q: start it with --name %s, or choose another --data folder", was, name, was)
	}
	return nil
}

// StoredName is the name that a data folder was made with, "" for a new one.
func StoredName(s *storage.Store) (string, error) {
	name, err := s.Value(valueName)
	return string(name), err
}

// StoredKey is the public key of a data folder's node, nil for a new one.
func StoredKey(s *storage.Store) (ed25519.PublicKey, error) {
	seed, err := s.Value(valueKey)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey), nil
}

// Incarnation is the number under which this node writes its message logs.
func Incarnation(s *storage.Store) (uint32, error) {
	b, err := s.Value(valueIncarnation)
	if err != nil || b == nil {
		return 1, err
	}
	if len(b) != 4 {
		return 0, fmt.Errorf("the incarnation in the store has %d bytes, not 4", len(b))
	}
	return binary.BigEndian.Uint32(b), nil
}

// Reincarnate begins new message logs. A folder restored from a backup may lack what
// its node wrote afterwards: going on with the old logs would use a seq twice, a fork
// (docs/architecture.md, "Message logs").
func Reincarnate(s *storage.Store) error {
	now, err := Incarnation(s)
	if err != nil {
		return err
	}
	return s.PutValue(valueIncarnation, binary.BigEndian.AppendUint32(nil, now+1))
}

// ownLog is the log of messages that this node writes now, in every room.
func (n *Node) ownLog() logKey { return logKey{n.name, n.incarnation.Load()} }

// outlive looks at what a peer has of this node's own logs. When that is more than what
// is here, this data folder is an older copy of what it was: to go on would use a seq
// twice. A new incarnation begins, and what was lost comes back from the peers.
func (n *Node) outlive(k logKey, seq uint64, c *chamber) error {
	own := n.ownLog()
	if k.incarnation < own.incarnation || k == own && c.logs[own].seq() >= seq {
		return nil
	}
	n.log.Warn("this data folder is older than what other nodes have of this node: the missing messages come from them")
	return n.beginAnew(k.incarnation)
}

// beginAnew begins new logs after those of an incarnation.
func (n *Node) beginAnew(after uint32) error {
	n.reborn.Lock()
	defer n.reborn.Unlock()
	if n.incarnation.Load() > after {
		return nil
	}
	next := after + 1
	if next > room.MaxIncarnation {
		return room.Errorf(room.Unavailable, "This node has begun its logs anew %d times: no other node takes more from it.", room.MaxIncarnation)
	}
	if err := n.store.PutValue(valueIncarnation, binary.BigEndian.AppendUint32(nil, next)); err != nil {
		return fmt.Errorf("begin incarnation %d: %w", next, err)
	}
	n.incarnation.Store(next)
	n.log.Warn("new logs of messages begin", "incarnation", next)
	return nil
}
