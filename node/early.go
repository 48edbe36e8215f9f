package node

import (
	"fmt"

	"hearth/node/room"
	"hearth/storage"
)

// early is what a batch knows of what was said about messages that come only now: logs of
// different nodes come in any order, and older pages after newer ones.
type early struct {
	stored  map[room.EventID]storage.Early // of the parcel at hand
	about   map[room.EventID][]int         // places in the batch of what changes a message
	replies map[room.EventID]int           // in the batch, by their thread
	newest  map[room.EventID]room.Time     // of those
}

// read looks in the store for what is there about the messages of a parcel.
func (y *early) read(c *chamber, events []*room.Event) (err error) {
	ids := make([]room.EventID, 0, len(events))
	for _, e := range events {
		if e.Kind().Message() {
			ids = append(ids, e.ID)
		}
	}
	y.stored = nil
	if len(ids) > 0 {
		if y.stored, err = c.n.store.Early(c.id, ids); err != nil {
			return fmt.Errorf("read what came before its message: %w", err)
		}
	}
	return nil
}

// note keeps in mind what the batch says at a place.
func (y *early) note(r *storage.Record, at int) {
	if target, ok := r.Event.Target(); ok {
		if y.about == nil {
			y.about = map[room.EventID][]int{}
		}
		y.about[target] = append(y.about[target], at)
	} else if !r.Thread.IsZero() && !r.Void {
		if y.replies == nil {
			y.replies, y.newest = map[room.EventID]int{}, map[room.EventID]room.Time{}
		}
		y.replies[r.Thread]++
		y.newest[r.Thread] = max(y.newest[r.Thread], r.Event.Time())
	}
}

// of is what was said about a message, how many replies its thread has, and when the
// newest was written; batch holds the records of the batch.
func (y *early) of(id room.EventID, batch []storage.Record) (about []storage.Record, replies int, newest room.Time) {
	s := y.stored[id]
	about, replies, newest = s.About, s.Replies+y.replies[id], max(s.Newest, y.newest[id])
	for _, at := range y.about[id] {
		about = append(about, batch[at])
	}
	return about, replies, newest
}
