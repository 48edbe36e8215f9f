package storage

import (
	"encoding/binary"
	"fmt"

	"hearth/node/room"
)

// Record is an event at its place in this node's copy of a room.
type Record struct {
	Pos     uint64 // from 1, dense within the room; local, never sent to a peer
	Event   *room.Event
	Counted uint64 // texts and emotes at or before Pos that count as unread
	Void    bool   // the state log took it back: in the log and its chain, in no timeline, thread or About
	Old     bool   // older history that was fetched on demand: followers, who read by pos, skip it

	// Thread is the root of the thread the event is in, zero for none. Storage fills it
	// in and keeps it when the body is erased; Append does not read it.
	Thread room.EventID
}

// The value of a record:
//
//	flags    1 byte: 1 = erased, 2 = a thread's root follows, 4 = void, 8 = older history
//	counted  uvarint
//	root     32 bytes, only with flag 2: an erased body no longer tells the thread
//	header   uvarint length, then the bytes that were hashed
//	body     the rest; nothing when erased
//
// It has no checksum of its own: Pebble checks each block it reads, the header's hash is
// the event's id, and the header names the body's hash. Reading hashes the header (it has
// to, for the id); Verify hashes both and follows the chain.
const (
	flagErased   = 1
	flagThreaded = 2
	flagVoid     = 4
	flagOld      = 8
	flagsKnown   = flagErased | flagThreaded | flagVoid | flagOld
)

// frame is a record's value, taken apart or about to be put together.
type frame struct {
	erased  bool
	void    bool
	old     bool
	counted uint64
	thread  room.EventID // only when erased
	header  []byte
	body    []byte
}

func frameOf(r *Record) frame {
	f := frame{void: r.Void, old: r.Old, counted: r.Counted, header: r.Event.RawHeader, body: r.Event.RawBody}
	if f.body == nil {
		f.erased, f.thread = true, r.Thread
	}
	return f
}

func (f frame) size() int {
	n := 1 + uvarintLen(f.counted) + uvarintLen(uint64(len(f.header))) + len(f.header) + len(f.body)
	if !f.thread.IsZero() {
		n += hashLen
	}
	return n
}

func (f frame) append(b []byte) []byte {
	flags := flag(f.erased, flagErased) | flag(!f.thread.IsZero(), flagThreaded) | flag(f.void, flagVoid) | flag(f.old, flagOld)
	b = binary.AppendUvarint(append(b, flags), f.counted)
	if !f.thread.IsZero() {
		b = append(b, f.thread[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(f.header)))
	return append(append(b, f.header...), f.body...)
}

func flag(on bool, f byte) byte {
	if on {
		return f
	}
	return 0
}

// parseFrame takes v apart without copying it.
func parseFrame(v []byte) (f frame, err error) {
	if len(v) == 0 || v[0]&^flagsKnown != 0 {
		return frame{}, fmt.Errorf("record of %d bytes has no known flags: %w", len(v), ErrCorrupt)
	}
	flags, v := v[0], v[1:]
	f.erased, f.void, f.old = flags&flagErased != 0, flags&flagVoid != 0, flags&flagOld != 0
	if f.counted, v, err = cutUvarint(v); err != nil {
		return frame{}, err
	}
	if flags&flagThreaded != 0 {
		if len(v) < hashLen {
			return frame{}, fmt.Errorf("record's thread is cut short: %w", ErrCorrupt)
		}
		f.thread, v = room.EventID(v), v[hashLen:]
	}
	n, v, err := cutUvarint(v)
	if err != nil {
		return frame{}, err
	}
	if n > uint64(len(v)) || f.erased && n != uint64(len(v)) {
		return frame{}, fmt.Errorf("record's header of %d bytes does not fit into %d: %w", n, len(v), ErrCorrupt)
	}
	f.header = v[:n:n]
	if !f.erased {
		f.body = v[n:]
	}
	return f, nil
}

func cutUvarint(v []byte) (uint64, []byte, error) {
	x, n := binary.Uvarint(v)
	if n <= 0 {
		return 0, nil, fmt.Errorf("record's number is cut short: %w", ErrCorrupt)
	}
	return x, v[n:], nil
}

// decodeRecord reads a record; it keeps v, which must not change any more.
func decodeRecord(pos uint64, v []byte) (Record, error) {
	f, err := parseFrame(v)
	if err != nil {
		return Record{}, err
	}
	e, err := room.DecodeStored(f.header, f.body)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	e.InThread = f.thread
	r := Record{Pos: pos, Event: e, Counted: f.counted, Void: f.void, Old: f.old, Thread: f.thread}
	if t, ok := e.Thread(); ok {
		r.Thread = t
	}
	return r, nil
}

func uvarintLen(x uint64) int {
	n := 1
	for ; x >= 0x80; x >>= 7 {
		n++
	}
	return n
}
