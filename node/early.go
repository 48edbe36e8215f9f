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
			y.replies = map[room.EventID]int{}
		}
		y.replies[r.Thread]++
	}
}

// of is what was said about a message, and how many replies its thread has; batch holds
// the records of the batch.
func (y *early) of(id room.EventID, batch []storage.Record) (about []storage.Record, replies int) {
	s := y.stored[id]
	about, replies = s.About, s.Replies+y.replies[id]
	for _, at := range y.about[id] {
		about = append(about, batch[at])
	}
	return about, replies
}
