package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Row is a line of a timeline: the event, and how it stands now (nil: as it was said).
type Row struct {
	Record
	Standing *storagepb.Standing
}

// Mark is a place in a timeline, as the order people see has it.
type Mark struct {
	Order  room.Time
	Origin string
	Seq    uint64
}

// MarkOf is the place of an event.
func MarkOf(e *room.Event) Mark { return Mark{e.Time(), e.Header.GetOrigin(), e.Header.GetSeq()} }

// Page is a part of a timeline to read.
type Page struct {
	Thread    room.EventID // its root; zero: the room's own timeline
	From      Mark         // zero: from the end when going back, from the beginning otherwise
	Older     bool         // going back from From
	Inclusive bool         // with the row at From
	Limit     int
}

// Timeline reads a page, oldest row first whichever way it goes; more tells whether rows
// are left in that direction. From need not be the mark of an event: one made of a time alone
// is the place before that time's first event.
func (s *Store) Timeline(r room.ID, p Page) (rows []Row, more bool, err error) {
	if err := s.enter(); err != nil {
		return nil, false, err
	}
	defer s.leave()
	at, more, err := s.positions(r, p)
	if err == nil {
		rows, err = s.rows(r, at)
	}
	if err != nil {
		return nil, false, fmt.Errorf("read timeline of room %s: %w", r, err)
	}
	return rows, more, nil
}

// positions reads the index: where the page's rows are, oldest first.
func (s *Store) positions(r room.ID, p Page) (at []uint64, more bool, err error) {
	it, err := s.db.NewIter(bounds(r, p))
	if err != nil {
		return nil, false, wrap(err)
	}
	defer it.Close()
	begin, step := it.First, it.Next
	if p.Older {
		begin, step = it.Last, it.Prev
	}
	for ok := begin(); ok; ok = step() {
		if len(at) >= p.Limit {
			more = true
			break
		}
		value, err := it.ValueAndErr()
		if err != nil {
			return nil, false, wrap(err)
		}
		pos, err := parsePosValue(value)
		if err != nil {
			return nil, false, err
		}
		at = append(at, pos)
	}
	if p.Older {
		slices.Reverse(at)
	}
	return at, more, wrap(it.Error())
}

// bounds are the keys of a page and all beyond it in its direction.
func bounds(r room.ID, p Page) *pebble.IterOptions {
	prefix := appendRow(nil, r, p.Thread)
	o := prefixBounds(prefix)
	if p.From == (Mark{}) {
		return o
	}
	// All places at a mark begin with it, so the mark itself comes before them and its
	// successor after them.
	mark := appendMark(slices.Clip(prefix), p.From)
	if p.Older == p.Inclusive {
		mark = successor(mark)
	}
	if p.Older {
		o.UpperBound = mark
	} else {
		o.LowerBound = mark
	}
	return o
}

// rows reads what stands at the given positions. In a room that only this node writes, the
// positions rise by one along the timeline, so that each is a single step of the record
// iterator; it seeks only where another node's late event lies between.
func (s *Store) rows(r room.ID, at []uint64) ([]Row, error) {
	if len(at) == 0 {
		return nil, nil
	}
	first, last := slices.Min(at), slices.Max(at)
	records, err := s.ascent(spaceRecord, r, first, last)
	if err != nil {
		return nil, err
	}
	defer records.close()
	standings, err := s.ascent(spaceStanding, r, first, last)
	if err != nil {
		return nil, err
	}
	defer standings.close()
	rows := make([]Row, len(at))
	var buf arena
	for i, pos := range at {
		if err := readRow(&rows[i], pos, records, standings, &buf); err != nil {
			return nil, fmt.Errorf("event %d: %w", pos, err)
		}
	}
	return rows, nil
}

// recordsAt reads the events at the given positions.
func (s *Store) recordsAt(r room.ID, at []uint64) ([]Record, error) {
	return s.recordsUpTo(r, at, math.MaxInt)
}

// recordsUpTo is recordsAt as far as headers and bodies come to maxBytes; one is always read.
func (s *Store) recordsUpTo(r room.ID, at []uint64, maxBytes int) (records []Record, err error) {
	if len(at) == 0 {
		return nil, nil
	}
	values, err := s.ascent(spaceRecord, r, slices.Min(at), slices.Max(at))
	if err != nil {
		return nil, err
	}
	defer values.close()
	var buf arena
	for _, pos := range at {
		value, ok, err := values.at(pos)
		if err == nil && !ok {
			err = fmt.Errorf("it is in an index and not in the log: %w", ErrCorrupt)
		}
		if maxBytes -= len(value); err == nil && maxBytes < 0 && len(records) > 0 {
			return records, nil
		}
		var rec Record
		if err == nil {
			rec, err = decodeRecord(pos, buf.copy(value))
		}
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", pos, err)
		}
		records = append(records, rec)
	}
	return records, nil
}

func readRow(row *Row, pos uint64, records, standings *ascent, buf *arena) error {
	value, ok, err := records.at(pos)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("it is in the timeline and not in the log: %w", ErrCorrupt)
	}
	if row.Record, err = decodeRecord(pos, buf.copy(value)); err != nil {
		return err
	}
	value, ok, err = standings.at(pos)
	if err != nil || !ok {
		return err
	}
	row.Standing = new(storagepb.Standing)
	return decode(value, row.Standing)
}

// An ascent reads one space of a room at positions that mostly rise.
type ascent struct {
	it  *pebble.Iterator
	key []byte // that was asked for last
}

func (s *Store) ascent(sp space, r room.ID, first, last uint64) (*ascent, error) {
	key := appendPos(nil, sp, r, first)
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: key, UpperBound: appendPos(nil, sp, r, last+1)})
	if err != nil {
		return nil, wrap(err)
	}
	it.First()
	return &ascent{it, key}, nil
}

// at is the value at pos, good until the next call; false when there is none.
func (a *ascent) at(pos uint64) ([]byte, bool, error) {
	before := binary.BigEndian.Uint64(a.key[len(a.key)-8:])
	binary.BigEndian.PutUint64(a.key[len(a.key)-8:], pos)
	if pos < before {
		a.it.SeekGE(a.key)
	} else if a.it.Valid() && bytes.Compare(a.it.Key(), a.key) < 0 && a.it.Next() && bytes.Compare(a.it.Key(), a.key) < 0 {
		a.it.SeekGE(a.key)
	}
	if !a.it.Valid() || !bytes.Equal(a.it.Key(), a.key) {
		return nil, false, wrap(a.it.Error())
	}
	value, err := a.it.ValueAndErr()
	return value, err == nil, wrap(err)
}

func (a *ascent) close() { _ = a.it.Close() } // its error, if any, was met by at
