package storage

import (
	"slices"

	"hearth/node/room"
)

// entry is one key and value of an index.
type entry struct {
	key, value []byte
}

// An indexer derives from a record every entry that stands for it in the indexes. Append
// writes them and Verify compares them, so the two cannot differ in what an index is.
// The entries share the indexer's memory: each is good until the next call.
type indexer struct {
	key, value []byte
}

// entries calls put for each index entry of rec.
func (x *indexer) entries(r room.ID, rec *Record, put func(entry) error) error {
	e := rec.Event
	x.key = appendHash(x.key[:0], spaceEvent, e.ID)
	x.value = appendSpot(x.value[:0], r, rec.Pos)
	if err := put(entry{x.key, x.value}); err != nil {
		return err
	}
	h := e.Header
	x.key = appendLog(x.key[:0], r, h.GetLog(), h.GetOrigin(), h.GetIncarnation(), h.GetSeq())
	x.value = appendPosValue(x.value[:0], rec.Pos)
	if err := put(entry{x.key, x.value}); err != nil || rec.Void {
		return err
	}
	if target, ok := targetOf(rec); ok {
		x.key = appendAbout(x.key[:0], r, target, rec.Pos)
		if err := put(entry{x.key, nil}); err != nil {
			return err
		}
	}
	for _, blob := range filesOf(e) {
		x.key = appendFile(x.key[:0], blob, r, rec.Pos)
		if err := put(entry{x.key, nil}); err != nil {
			return err
		}
	}
	thread := threadOf(rec)
	if thread.IsZero() && !e.Kind().Timeline() {
		return nil
	}
	x.key = appendPlace(appendRow(x.key[:0], r, thread), placeOf(e))
	return put(entry{x.key, x.value})
}

// filesOf are the blobs attached to e, each once.
func filesOf(e *room.Event) (blobs []room.Hash) {
	for _, f := range e.Body.GetFiles() {
		if blob, err := room.ParseHash(f.GetBlob()); err == nil && !slices.Contains(blobs, blob) {
			blobs = append(blobs, blob)
		}
	}
	return blobs
}

// threadOf is the root of the thread that rec is in: its body tells, or, when that was
// erased, what was kept of it.
func threadOf(rec *Record) room.EventID {
	if t, ok := rec.Event.Thread(); ok {
		return t
	}
	return rec.Thread
}

// targetOf is the event that rec changes. An erased one no longer tells, and changes nothing; a
// line of the timeline changes none, whatever its body says.
func targetOf(rec *Record) (room.EventID, bool) {
	if rec.Void || rec.Event.Kind().Timeline() {
		return room.EventID{}, false
	}
	return rec.Event.Target()
}
