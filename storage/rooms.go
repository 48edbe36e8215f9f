package storage

import (
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Room reads a room; nil when this node does not have it.
func (s *Store) Room(r room.ID) (*storagepb.Room, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.room(r)
}

func (s *Store) room(r room.ID) (*storagepb.Room, error) {
	m, err := readRoom(s.db, r)
	return m, wrapf(err, "read room %s", r)
}

// readRoom puts a room together of its parts; nil when there is none.
func readRoom(from pebble.Reader, r room.ID) (*storagepb.Room, error) {
	m := new(storagepb.Room)
	ok, err := get(from, appendRoom(nil, spaceRoom, r), func(v []byte) error { return decode(v, m) })
	if err != nil || !ok {
		return nil, err
	}
	return m, addRoomNodes(from, r, m)
}

func addRoomNodes(from pebble.Reader, r room.ID, m *storagepb.Room) error {
	apart := new(storagepb.RoomNodes)
	_, err := get(from, appendRoom(nil, spaceRoomNodes, r), func(v []byte) error { return decode(v, apart) })
	m.Stewards, m.Nodes = apart.Stewards, apart.Nodes
	return err
}

// Rooms reads at most limit rooms, by id, after the given one (zero: from the first).
func (s *Store) Rooms(after room.ID, limit int) (rooms []*storagepb.Room, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	from := append(appendRoom(nil, spaceRoom, after), 0)
	if after.IsZero() {
		from = nil
	}
	err = s.scan(appendSpace(nil, spaceRoom), from, func(key, value []byte) error {
		if len(rooms) >= limit {
			return errStop
		}
		m := new(storagepb.Room)
		rooms = append(rooms, m)
		if err := decode(value, m); err != nil {
			return err
		}
		r, err := room.HashFromBytes(key[1:])
		if err != nil {
			return err
		}
		return addRoomNodes(s.db, r, m)
	})
	if err != nil {
		return nil, fmt.Errorf("read rooms: %w", err)
	}
	return rooms, nil
}

// mostNamesakes bounds what RoomsByAlias finds.
const mostNamesakes = 16

// RoomsByAlias finds rooms by their alias: this node's by the local part, at most one; another
// node's as alias@node, which may have given it to several, the first 16 by id.
func (s *Store) RoomsByAlias(alias string) (rooms []room.ID, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	found := func(v []byte) error {
		r, err := room.HashFromBytes(v)
		rooms = append(rooms, r)
		return err
	}
	if strings.Contains(alias, "@") {
		err = s.scan(appendOwned(nil, spaceAlias, alias), nil, func(_, v []byte) error {
			if len(rooms) == mostNamesakes {
				return errStop
			}
			return found(v)
		})
	} else {
		_, err = s.get(appendName(nil, spaceAlias, alias), found)
	}
	if err != nil {
		return nil, fmt.Errorf("find room by alias %s: %w", alias, err)
	}
	return rooms, nil
}

// Members calls fn with each member of a room, by name, until fn fails.
func (s *Store) Members(r room.ID, fn func(*storagepb.Member) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	err := s.scan(appendRoom(nil, spaceMember, r), nil, func(_, value []byte) error {
		m := new(storagepb.Member)
		if err := decode(value, m); err != nil {
			return err
		}
		return fn(m)
	})
	if err != nil {
		return fmt.Errorf("read members of room %s: %w", r, err)
	}
	return nil
}

// Member reads a user's standing in a room; nil when there is none.
func (s *Store) Member(r room.ID, u room.User) (*storagepb.Member, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	m := new(storagepb.Member)
	ok, err := s.message(appendRoomUser(nil, spaceMember, r, u), m)
	if err != nil {
		return nil, fmt.Errorf("read member %s of room %s: %w", u, r, err)
	}
	if !ok {
		return nil, nil
	}
	return m, nil
}

// UserRooms reads all standings of one user: joined, invited, banned.
func (s *Store) UserRooms(u room.User) (members []*storagepb.Member, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.scan(appendOwned(nil, spaceUserRoom, string(u)), nil, func(_, value []byte) error {
		m := new(storagepb.Member)
		members = append(members, m)
		return decode(value, m)
	})
	if err != nil {
		return nil, fmt.Errorf("read rooms of %s: %w", u, err)
	}
	return members, nil
}
