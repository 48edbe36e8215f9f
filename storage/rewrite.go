package storage

import (
	"maps"
	"slices"

	"hearth/node/room"
)

// A change is what a turn does to a record that is there already.
type change struct {
	erase, void bool
	event       *room.Event // with its body again; nil: as it was
}

// changes: a record that is erased and becomes void in one turn is rewritten once, or the
// second would bring back what the first took.
func (w *writer) changes(a *Append) error {
	if len(a.Erase)+len(a.Void)+len(a.Restore) == 0 {
		return nil
	}
	todo := make(map[uint64]change, len(a.Erase)+len(a.Void))
	for _, r := range a.Restore {
		todo[r.Pos] = change{event: r.Event}
	}
	for _, pos := range a.Erase {
		todo[pos] = change{erase: true}
	}
	for _, pos := range a.Void {
		c := todo[pos]
		c.void = true
		todo[pos] = c
	}
	for _, pos := range slices.Sorted(maps.Keys(todo)) {
		if err := w.rewrite(a, pos, todo[pos]); err != nil {
			return wrapf(err, "rewrite %d", pos)
		}
	}
	return nil
}

// rewrite changes a record and takes the entries away that no longer follow from it. An erased
// message keeps its place in the timeline; a void one has none.
func (w *writer) rewrite(a *Append, pos uint64, c change) error {
	was, err := w.recordAt(a, pos)
	if err != nil {
		return err
	}
	now := was
	now.Void = was.Void || c.void
	if c.event != nil {
		now.Event = c.event
	}
	if c.erase {
		now = now.erased()
	}
	w.key = appendPos(w.key[:0], spaceRecord, a.Room, pos)
	if err := w.frame(w.key, frameOf(&now)); err != nil {
		return err
	}
	if c.event != nil { // its body tells again what it is about
		if err := w.index.entries(a.Room, &now, func(e entry) error { return w.set(e.key, e.value) }); err != nil {
			return err
		}
	}
	return w.unindex(a.Room, &was, &now)
}

// erased is r without its body, but with what it tells of its thread.
func (r Record) erased() Record {
	e := *r.Event
	e.Body, e.RawBody = nil, nil
	r.Thread = threadOf(&r)
	e.InThread = r.Thread
	r.Event = &e
	return r
}

// unindex deletes the entries that follow from a record as it was and not as it is now.
func (w *writer) unindex(r room.ID, was, now *Record) error {
	stays := map[string]bool{}
	err := w.index.entries(r, now, func(e entry) error {
		stays[string(e.key)] = true
		return nil
	})
	if err != nil {
		return err
	}
	return w.index.entries(r, was, func(e entry) error {
		if stays[string(e.key)] {
			return nil
		}
		return w.delete(e.key)
	})
}

// recordAt is a record of this append, or a stored one.
func (w *writer) recordAt(a *Append, pos uint64) (Record, error) {
	for i := range a.Records {
		if a.Records[i].Pos == pos {
			return a.Records[i], nil
		}
	}
	rec, ok, err := w.s.record(a.Room, pos)
	if err == nil && !ok {
		err = room.Errorf(room.NotFound, "There is no such event.")
	}
	return rec, err
}
