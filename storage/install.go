package storage

import (
	"fmt"

	"hearth/storage/storagepb"
)

// Install is Append for a room as another node's snapshot has it: a's members, past standings
// and nodes are all there are, whatever was stored of the room before. It is one batch too.
func (s *Store) Install(a *Append) error {
	if a.Meta == nil {
		return fmt.Errorf("install room %s: what it is is missing", a.Room)
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	w := s.newWriter()
	defer w.close()
	if err := w.install(a); err != nil {
		return fmt.Errorf("install room %s: %w", a.Room, err)
	}
	return w.commit()
}

func (w *writer) install(a *Append) error {
	if err := w.alias(a.Room, a.Meta); err != nil {
		return err
	}
	if err := w.clearMembers(a); err != nil {
		return err
	}
	if err := w.clearPasts(a); err != nil {
		return err
	}
	if err := w.clearNodes(a); err != nil {
		return err
	}
	if err := w.roomNodes(a.Room, a.Meta); err != nil {
		return err
	}
	return w.append(a)
}

// clearMembers deletes only those that a does not write: of 100,000 most have stayed.
func (w *writer) clearMembers(a *Append) error {
	stay := make(map[string]bool, len(a.Members))
	for _, m := range a.Members {
		stay[m.GetUser()] = true
	}
	return w.s.scan(appendRoom(nil, spaceMember, a.Room), nil, func(key, _ []byte) error {
		user := string(key[1+hashLen:])
		if stay[user] {
			return nil
		}
		return w.member(a.Room, &storagepb.Member{User: user})
	})
}

func (w *writer) clearPasts(a *Append) error {
	return w.s.scan(appendRoom(nil, spacePast, a.Room), nil, func(key, _ []byte) error { return w.delete(key) })
}

// clearNodes: what a room says of its nodes is what the index of their rooms holds.
func (w *writer) clearNodes(a *Append) error {
	old, err := w.s.room(a.Room)
	if err != nil {
		return err
	}
	for _, n := range old.GetNodes() {
		if err := w.nodeRoom(a.Room, NodeRoom{Node: n.GetName()}); err != nil {
			return err
		}
	}
	return nil
}

// takesPart tells whether a node gets a room's events.
func takesPart(m *storagepb.Room, n *storagepb.RoomNode) bool {
	if n.GetBanned() {
		return false
	}
	for _, steward := range m.GetStewards() {
		if steward == n.GetName() {
			return true
		}
	}
	return n.GetJoined() > 0
}
