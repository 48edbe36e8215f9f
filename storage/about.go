package storage

import (
	"encoding/binary"
	"fmt"

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

// ThreadLength counts the replies that are here of a thread, whether its root is or not.
func (s *Store) ThreadLength(r room.ID, root room.EventID) (n int, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	err = s.scan(appendRow(nil, r, root), nil, func(_, _ []byte) error {
		n++
		return nil
	})
	return n, wrapf(err, "count thread %s in room %s", root, r)
}
