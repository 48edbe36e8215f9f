package storage

import (
	"fmt"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// nodes writes what a turn says about other nodes, and about who was what before.
func (w *writer) nodes(a *Append) error {
	for _, p := range a.Pasts {
		if err := w.past(a.Room, p); err != nil {
			return fmt.Errorf("past of %s: %w", p.User, err)
		}
	}
	for _, n := range a.Nodes {
		if err := w.nodeRoom(a.Room, n); err != nil {
			return err
		}
	}
	for _, o := range a.Outbox {
		if err := w.outgoing(o); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) past(r room.ID, p Past) error {
	if err := checkWord("name", string(p.User)); err != nil {
		return err
	}
	w.key = appendRoomUser(w.key[:0], spacePast, r, p.User)
	if len(p.Standings) == 0 {
		return w.delete(w.key)
	}
	return w.proto(w.key, &storagepb.Past{Standings: p.Standings})
}

func (w *writer) nodeRoom(r room.ID, n NodeRoom) error {
	if err := checkWord("node's name", n.Node); err != nil {
		return err
	}
	w.key = appendPeerRoom(w.key[:0], n.Node, r)
	if !n.Here {
		return w.delete(w.key)
	}
	return w.set(w.key, nil)
}

func appendPeerRoom(b []byte, node string, r room.ID) []byte {
	return append(appendOwned(b, spacePeerRoom, node), r[:]...)
}

// Pasts calls fn with the ended standings of each user of a room, by name, until fn fails.
func (s *Store) Pasts(r room.ID, fn func(room.User, []*roompb.PastStanding) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return wrapf(s.scan(appendRoom(nil, spacePast, r), nil, func(key, value []byte) error {
		m := new(storagepb.Past)
		if err := decode(value, m); err != nil {
			return err
		}
		return fn(room.User(key[1+hashLen:]), m.GetStandings())
	}), "read past standings in room %s", r)
}

// PeerRooms reads which rooms another node takes part in, by id.
func (s *Store) PeerRooms(node string) (rooms []room.ID, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	prefix := appendOwned(nil, spacePeerRoom, node)
	err = s.scan(prefix, nil, func(key, _ []byte) error {
		r, err := room.HashFromBytes(key[len(prefix):])
		rooms = append(rooms, r)
		return err
	})
	return rooms, wrapf(err, "read rooms of node %s", node)
}

// PeerNodes reads which other nodes take part in any room, by name.
func (s *Store) PeerNodes() ([]string, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	nodes, err := s.owners(spacePeerRoom)
	return nodes, wrapf(err, "read nodes of rooms")
}

// owners lists the first words of a space's keys, each once. It skips from one to the next.
func (s *Store) owners(sp space) (names []string, err error) {
	it, err := s.db.NewIter(prefixBounds(appendSpace(nil, sp)))
	if err != nil {
		return nil, wrap(err)
	}
	defer it.Close()
	for ok := it.First(); ok; {
		name := cutKey(it.Key(), sp).word()
		names = append(names, name)
		ok = it.SeekGE(successor(appendOwned(nil, sp, name)))
	}
	return names, wrap(it.Error())
}
