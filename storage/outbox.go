package storage

import (
	"fmt"
)

func appendOutgoing(b []byte, node string, id [16]byte) []byte {
	return append(appendOwned(b, spaceOutbox, node), id[:]...)
}

func (w *writer) outgoing(o Outgoing) error {
	if err := checkWord("node's name", o.Node); err != nil {
		return err
	}
	w.key = appendOutgoing(w.key[:0], o.Node, o.ID)
	if o.Bytes == nil {
		return w.delete(w.key)
	}
	return w.set(w.key, o.Bytes)
}

// PutOutbox keeps something to tell another node. It replaces what has the same id.
func (s *Store) PutOutbox(node string, id [16]byte, b []byte) error {
	return s.write(func(w *writer) error {
		return w.outgoing(Outgoing{node, id, append([]byte{}, b...)})
	}, "put into the outbox for %s", node)
}

// DeleteOutbox takes something out that was told; nothing happens when it is not there.
func (s *Store) DeleteOutbox(node string, id [16]byte) error {
	return s.write(func(w *writer) error { return w.outgoing(Outgoing{Node: node, ID: id}) }, "take out of the outbox for %s", node)
}

// Outbox reads all that a node is still to be told, by id.
func (s *Store) Outbox(node string) (all []Outgoing, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	prefix := appendOwned(nil, spaceOutbox, node)
	err = s.scan(prefix, nil, func(key, value []byte) error {
		id := key[len(prefix):]
		if len(id) != len(Outgoing{}.ID) {
			return fmt.Errorf("an id of %d bytes: %w", len(id), ErrCorrupt)
		}
		all = append(all, Outgoing{node, [16]byte(id), append([]byte{}, value...)})
		return nil
	})
	return all, wrapf(err, "read the outbox for %s", node)
}

// OutboxNodes reads which nodes are still to be told something, by name.
func (s *Store) OutboxNodes() ([]string, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	nodes, err := s.owners(spaceOutbox)
	return nodes, wrapf(err, "read whom the outbox is for")
}
