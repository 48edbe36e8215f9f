package storage

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// get calls fn with the value of key, which fn must not keep; false when there is none.
func get(from pebble.Reader, key []byte, fn func(value []byte) error) (bool, error) {
	value, closer, err := from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, wrap(err)
	}
	defer closer.Close()
	return true, fn(value)
}

func (s *Store) get(key []byte, fn func(value []byte) error) (bool, error) {
	return get(s.db, key, fn)
}

// message reads the value of key into m; false when there is none.
func (s *Store) message(key []byte, m proto.Message) (bool, error) {
	return get(s.db, key, func(v []byte) error { return decode(v, m) })
}

func decode(v []byte, m proto.Message) error {
	if err := proto.Unmarshal(v, m); err != nil {
		return fmt.Errorf("%w: decode %T: %w", ErrCorrupt, m, err)
	}
	return nil
}

func prefixBounds(prefix []byte) *pebble.IterOptions {
	return &pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)}
}

// scan calls fn with every key that begins with prefix and comes at or after first (nil: all
// of them), in order, until fn says stop by errStop, or fails.
func scan(from pebble.Reader, prefix, first []byte, fn func(key, value []byte) error) error {
	if first == nil {
		first = prefix
	}
	bounds := prefixBounds(prefix)
	bounds.LowerBound = first
	it, err := from.NewIter(bounds)
	if err != nil {
		return wrap(err)
	}
	defer it.Close()
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return wrap(err)
		}
		if err := fn(it.Key(), value); err == errStop {
			return nil
		} else if err != nil {
			return err
		}
	}
	return wrap(it.Error())
}

func (s *Store) scan(prefix, first []byte, fn func(key, value []byte) error) error {
	return scan(s.db, prefix, first, fn)
}

// errStop ends a scan early, without an error.
var errStop = errors.New("stop")

// Record reads one event of a room; false when there is none at pos.
func (s *Store) Record(r room.ID, pos uint64) (Record, bool, error) {
	if err := s.enter(); err != nil {
		return Record{}, false, err
	}
	defer s.leave()
	return s.record(r, pos)
}

func (s *Store) record(r room.ID, pos uint64) (rec Record, ok bool, err error) {
	ok, err = s.get(appendPos(nil, spaceRecord, r, pos), func(v []byte) (err error) {
		rec, err = decodeRecord(pos, append([]byte(nil), v...))
		return err
	})
	if err != nil {
		return Record{}, false, fmt.Errorf("read event %d of room %s: %w", pos, r, err)
	}
	return rec, ok, nil
}

// Records reads the events from pos on, in order: at most limit, and none that would bring
// their headers and bodies over maxBytes, but always one when there is one.
func (s *Store) Records(r room.ID, from uint64, limit, maxBytes int) ([]Record, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	var (
		records []Record
		buf     arena
		size    int
	)
	prefix := appendRoom(nil, spaceRecord, r)
	err := s.scan(prefix, appendPos(nil, spaceRecord, r, from), func(key, value []byte) error {
		if size += len(value); len(records) >= limit || len(records) > 0 && size > maxBytes {
			return errStop
		}
		pos, err := posOfKey(key, spaceRecord)
		if err != nil {
			return err
		}
		rec, err := decodeRecord(pos, buf.copy(value))
		records = append(records, rec)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read events from %d of room %s: %w", from, r, err)
	}
	return records, nil
}

// posOfKey is the pos at the end of a key of spaceRecord, spaceStanding or spacePin.
func posOfKey(key []byte, s space) (uint64, error) {
	c := cutKey(key, s)
	c.hash()
	pos := c.u64()
	if c.done() != nil {
		return 0, fmt.Errorf("key of %d bytes: %w", len(key), ErrCorrupt)
	}
	return pos, nil
}

// Find tells where an event stands on this node.
func (s *Store) Find(e room.EventID) (r room.ID, pos uint64, ok bool, err error) {
	if err := s.enter(); err != nil {
		return room.ID{}, 0, false, err
	}
	defer s.leave()
	ok, err = s.get(appendHash(nil, spaceEvent, e), func(v []byte) (err error) {
		r, pos, err = parseSpot(v)
		return err
	})
	if err != nil {
		return room.ID{}, 0, false, fmt.Errorf("find event %s: %w", e, err)
	}
	return r, pos, ok, nil
}

// LogPos tells where entry seq of an origin's chain stands on this node.
func (s *Store) LogPos(r room.ID, log roompb.Log, origin string, incarnation uint32, seq uint64) (pos uint64, ok bool, err error) {
	if err := s.enter(); err != nil {
		return 0, false, err
	}
	defer s.leave()
	ok, err = s.get(appendLog(nil, r, log, origin, incarnation, seq), func(v []byte) (err error) {
		pos, err = parsePosValue(v)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("find entry %d of %s in room %s: %w", seq, origin, r, err)
	}
	return pos, ok, nil
}

// standing reads how the message at pos stands now; nil when nothing happened to it.
func (s *Store) standing(r room.ID, pos uint64) (*storagepb.Standing, error) {
	m := new(storagepb.Standing)
	ok, err := s.message(appendPos(nil, spaceStanding, r, pos), m)
	if err != nil {
		return nil, fmt.Errorf("read standing of %d in room %s: %w", pos, r, err)
	}
	if !ok {
		return nil, nil
	}
	return m, nil
}

// Row reads one event with how it stands; false when there is none at pos.
func (s *Store) Row(r room.ID, pos uint64) (Row, bool, error) {
	if err := s.enter(); err != nil {
		return Row{}, false, err
	}
	defer s.leave()
	rec, ok, err := s.record(r, pos)
	if err != nil || !ok {
		return Row{}, false, err
	}
	standing, err := s.standing(r, pos)
	return Row{rec, standing}, err == nil, err
}

// An arena copies many small values into few allocations. What it has handed out is never
// written again.
type arena struct{ free []byte }

const arenaChunk = 32 << 10

func (a *arena) copy(v []byte) []byte {
	if len(v) > cap(a.free)-len(a.free) {
		a.free = make([]byte, 0, max(arenaChunk, len(v)))
	}
	n := len(a.free)
	a.free = append(a.free, v...)
	return a.free[n:len(a.free):len(a.free)]
}
