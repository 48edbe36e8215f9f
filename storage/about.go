package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"hearth/node/room"
)

// aboutBatch is how many entries of the index are made at a time.
const aboutBatch = 10_000

func appendAbout(b []byte, r room.ID, target room.EventID, pos uint64) []byte {
	b = append(appendRoom(b, spaceAbout, r), target[:]...)
	return binary.BigEndian.AppendUint64(b, pos)
}

// About reads the edits, deletes, reactions and pins of an event that are here, by pos, whether
// the event itself is here or not. Those that are void or were erased are not among them.
func (s *Store) About(r room.ID, target room.EventID) (records []Record, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	prefix := appendAbout(nil, r, target, 0)
	prefix = prefix[:len(prefix)-8]
	var at []uint64
	err = s.scan(prefix, nil, func(key, _ []byte) error {
		if len(key) != len(prefix)+8 {
			return fmt.Errorf("key of %d bytes: %w", len(key), ErrCorrupt)
		}
		at = append(at, binary.BigEndian.Uint64(key[len(prefix):]))
		return nil
	})
	if err == nil {
		records, err = s.recordsAt(r, at)
	}
	return records, wrapf(err, "read what is about event %s in room %s", target, r)
}

// buildAbout makes the index of what changes a message, in a folder of before there was one.
func (s *Store) buildAbout() error {
	b := &aboutBuilder{s: s, w: s.newWriter()}
	defer func() { b.w.close() }()
	err := s.scan(appendSpace(nil, spaceRecord), nil, b.add)
	if err == nil {
		err = b.w.commit()
	}
	return wrapf(err, "make the index of what changes a message")
}

// aboutBuilder makes the index in batches of a size that any store holds in memory.
type aboutBuilder struct {
	s    *Store
	w    *writer
	made int
}

func (b *aboutBuilder) add(key, value []byte) error {
	c := cutKey(key, spaceRecord)
	r, pos := c.hash(), c.u64()
	rec, err := decodeRecord(pos, value)
	if err != nil {
		return nil // Verify tells; here it must not keep the folder from opening
	}
	target, ok := targetOf(&rec)
	if !ok {
		return nil
	}
	b.made++
	if err := b.w.set(appendAbout(nil, r, target, pos), nil); err != nil || b.made%aboutBatch > 0 {
		return err
	}
	err = b.w.commit()
	b.w.close()
	b.w = b.s.newWriter()
	return err
}

// Early is what is here about an event that is itself to come: About, how many replies its
// thread has, and the time of the newest.
type Early struct {
	About   []Record
	Replies int
	Newest  room.Time
}

// Early reads it of many events at once. Those about which nothing is here are left out.
func (s *Store) Early(r room.ID, ids []room.EventID) (map[room.EventID]Early, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	sorted := slices.Clone(ids)
	slices.SortFunc(sorted, func(a, b room.EventID) int { return bytes.Compare(a[:], b[:]) })
	at, err := s.under(spaceAbout, r, sorted)
	if err != nil {
		return nil, fmt.Errorf("read what is about events in room %s: %w", r, err)
	}
	replies, err := s.under(spaceThread, r, sorted)
	if err != nil {
		return nil, fmt.Errorf("count threads in room %s: %w", r, err)
	}
	out := map[room.EventID]Early{}
	for id, keys := range replies {
		last := keys[len(keys)-1] // a place begins with the time
		if len(last) < 8 {
			return nil, fmt.Errorf("count thread %s in room %s: %w", id, r, ErrCorrupt)
		}
		out[id] = Early{Replies: len(keys), Newest: room.Time(binary.BigEndian.Uint64(last))}
	}
	for id, keys := range at {
		e := out[id]
		poses := make([]uint64, len(keys))
		for i, k := range keys {
			if len(k) != 8 {
				return nil, fmt.Errorf("read what is about event %s in room %s: %w", id, r, ErrCorrupt)
			}
			poses[i] = binary.BigEndian.Uint64(k)
		}
		if e.About, err = s.recordsAt(r, poses); err != nil {
			return nil, err
		}
		out[id] = e
	}
	return out, nil
}

// under reads what follows room and event in the keys of a space, for sorted events: one
// iterator that moves on is much cheaper than one for each.
func (s *Store) under(in space, r room.ID, sorted []room.EventID) (map[room.EventID][][]byte, error) {
	prefix := appendRoom(nil, in, r)
	it, err := s.db.NewIter(prefixBounds(prefix))
	if err != nil {
		return nil, wrap(err)
	}
	defer it.Close()
	var out map[room.EventID][][]byte
	key := slices.Clone(prefix)
	for _, id := range sorted {
		key = append(key[:len(prefix)], id[:]...)
		if it.Valid() && bytes.Compare(it.Key(), key) >= 0 && !bytes.HasPrefix(it.Key(), key) {
			continue // the next that is here comes later
		}
		for ok := it.SeekGE(key); ok && bytes.HasPrefix(it.Key(), key); ok = it.Next() {
			if out == nil {
				out = map[room.EventID][][]byte{}
			}
			out[id] = append(out[id], slices.Clone(it.Key()[len(key):]))
		}
		if !it.Valid() {
			break // nothing is behind it
		}
	}
	return out, wrap(it.Error())
}
