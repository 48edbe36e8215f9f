package storage

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Key reads what an idempotency key answered; false when it is new.
func (s *Store) Key(u room.User, r room.ID, key string) (Key, bool, error) {
	if err := s.enter(); err != nil {
		return Key{}, false, err
	}
	defer s.leave()
	m := new(storagepb.Key)
	ok, err := s.message(append(appendUserRoom(nil, spaceKey, u, r), key...), m)
	if err != nil || !ok {
		return Key{}, false, wrapf(err, "read a key of %s in room %s", u, r)
	}
	event, err := room.HashFromBytes(m.GetEvent())
	return Key{User: u, Key: key, Event: event, Pos: m.GetPos(), Time: m.GetTime()}, true, err
}

// Keys reads what all idempotency keys of a user answered in a room.
func (s *Store) Keys(u room.User, r room.ID) (keys []Key, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	prefix := appendUserRoom(nil, spaceKey, u, r)
	err = s.scan(prefix, nil, func(key, value []byte) error {
		m := new(storagepb.Key)
		if err := decode(value, m); err != nil {
			return err
		}
		event, err := room.HashFromBytes(m.GetEvent())
		keys = append(keys, Key{User: u, Key: string(key[len(prefix):]), Event: event, Pos: m.GetPos(), Time: m.GetTime()})
		return err
	})
	return keys, wrapf(err, "read keys of %s in room %s", u, r)
}

// PruneKeys forgets idempotency keys answered before a time (ms): nobody retries that late.
// It tells how many it forgot.
func (s *Store) PruneKeys(before int64) (forgotten int, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	b := s.db.NewBatch()
	defer func() { _ = b.Close() }()
	m := new(storagepb.Key)
	err = s.scan(appendSpace(nil, spaceKey), nil, func(key, value []byte) error {
		if err := decode(value, m); err != nil || m.GetTime() >= before {
			return err
		}
		forgotten++
		return b.Delete(key, nil)
	})
	if err == nil {
		// Not synced: a key that comes back after a crash is forgotten the next time.
		err = wrap(b.Commit(pebble.NoSync))
	}
	return forgotten, wrapf(err, "prune keys")
}

// Read reads how far a user has read a room; false when not at all.
func (s *Store) Read(u room.User, r room.ID) (Read, bool, error) {
	if err := s.enter(); err != nil {
		return Read{}, false, err
	}
	defer s.leave()
	m := new(storagepb.Read)
	ok, err := s.message(appendRoomUser(nil, spaceRead, r, u), m)
	if err != nil || !ok {
		return Read{}, false, wrapf(err, "read position of %s in room %s", u, r)
	}
	read, err := readOf(u, m)
	return read, err == nil, err
}

func readOf(u room.User, m *storagepb.Read) (Read, error) {
	event, err := room.HashFromBytes(m.GetEvent())
	return Read{User: u, Pos: m.GetPos(), Counted: m.GetCounted(), Event: event, Time: m.GetTime()}, err
}

// Reads reads at most limit read positions of a room, by user.
func (s *Store) Reads(r room.ID, limit int) (reads []Read, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.scan(appendRoom(nil, spaceRead, r), nil, func(key, value []byte) error {
		if len(reads) >= limit {
			return errStop
		}
		m := new(storagepb.Read)
		if err := decode(value, m); err != nil {
			return err
		}
		read, err := readOf(room.User(key[1+hashLen:]), m)
		reads = append(reads, read)
		return err
	})
	return reads, wrapf(err, "read positions in room %s", r)
}

// MentionCount counts the events after a pos that mention a user, by name or as part of the
// whole room; an event that does both counts once. It stops at max.
func (s *Store) MentionCount(u room.User, r room.ID, after uint64, max int) (int, error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	seen := make(map[uint64]struct{})
	for _, who := range [...]room.User{u, ""} {
		prefix := appendMention(nil, r, who, 0)
		prefix = prefix[:len(prefix)-8]
		err := s.scan(prefix, appendMention(nil, r, who, after+1), func(key, _ []byte) error {
			if len(seen) >= max {
				return errStop
			}
			seen[binary.BigEndian.Uint64(key[len(key)-8:])] = struct{}{}
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("count mentions of %s in room %s: %w", u, r, err)
		}
	}
	return len(seen), nil
}

// Pins reads where a room's pinned messages stand, in the order they were pinned.
func (s *Store) Pins(r room.ID) ([]uint64, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	pins, err := s.pins(r)
	if err != nil {
		return nil, fmt.Errorf("read pins of room %s: %w", r, err)
	}
	at := make([]uint64, len(pins))
	for i, p := range pins {
		at[i] = p.Pos
	}
	return at, nil
}

func (s *Store) pins(r room.ID) (pins []Pin, err error) {
	err = s.scan(appendRoom(nil, spacePin, r), nil, func(key, value []byte) error {
		pos, err := posOfKey(key, spacePin)
		if err == nil && len(value) != 8 {
			err = fmt.Errorf("a pin of %d bytes: %w", len(value), ErrCorrupt)
		}
		if err != nil {
			return err
		}
		pins = append(pins, Pin{Pos: pos, On: true, Order: room.Time(binary.BigEndian.Uint64(value))})
		return nil
	})
	slices.SortFunc(pins, func(a, b Pin) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Pos, b.Pos))
	})
	return pins, err
}

// RoomSetting reads a user's own wishes about a room; nil when there are none.
func (s *Store) RoomSetting(u room.User, r room.ID) (*storagepb.RoomSetting, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	m := new(storagepb.RoomSetting)
	ok, err := s.message(appendUserRoom(nil, spaceSetting, u, r), m)
	if err != nil || !ok {
		return nil, wrapf(err, "read setting of %s for room %s", u, r)
	}
	return m, nil
}

// PutRoomSetting keeps a user's own wishes about a room.
func (s *Store) PutRoomSetting(u room.User, r room.ID, m *storagepb.RoomSetting) error {
	if err := checkWord("name", string(u)); err != nil {
		return err
	}
	return s.write(func(w *writer) error {
		return w.proto(appendUserRoom(nil, spaceSetting, u, r), m)
	}, "put setting of %s for room %s", u, r)
}

// write commits what fn puts into one batch.
func (s *Store) write(fn func(*writer) error, format string, args ...any) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	w := s.newWriter()
	defer w.close()
	err := fn(w)
	if err == nil {
		err = w.commit()
	}
	return wrapf(err, format, args...)
}

// wrapf says what was being done when err happened; nil stays nil.
func wrapf(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}
