package node

import (
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// tail is the newest events of a log, one after the other: what has just been written is
// passed on to peers from here, not read again from the store.
type tail []*room.Event

const (
	tailEvents = 256
	tailLogs   = 64 // of one room
)

// tails keeps the ends of a room's logs. The chamber's lock guards it.
type tails map[logKey]tail

// note takes in the records of a batch.
func (s tails) note(records []storage.Record) {
	for i := range records {
		e := records[i].Event
		if e.Header.GetLog() != roompb.Log_LOG_MESSAGES || records[i].Old {
			continue
		}
		k := keyOfHeader(e.Header)
		t := s[k]
		if len(t) > 0 && t[len(t)-1].Header.GetSeq()+1 != e.Header.GetSeq() {
			if e.Header.GetSeq() <= t[len(t)-1].Header.GetSeq() {
				continue // an older page
			}
			t = nil // there is a gap between
		}
		if len(t) >= 2*tailEvents { // a copy: who reads the old one goes on
			t = append(make(tail, 0, 2*tailEvents), t[len(t)-tailEvents:]...)
		}
		if len(s) >= tailLogs && s[k] == nil {
			clear(s)
		}
		s[k] = append(t, e)
	}
}

// drop forgets all: the text of one was erased.
func (s tails) drop() { clear(s) }

// freshest is a stretch of a log, when all of it is in memory; else nil.
func (c *chamber) freshest(k logKey, from, to uint64) []*room.Event {
	c.mu.RLock()
	t := c.tails[k]
	c.mu.RUnlock()
	if len(t) == 0 || from > to {
		return nil
	}
	first, last := t[0].Header.GetSeq(), t[len(t)-1].Header.GetSeq()
	if from < first || to > last {
		return nil
	}
	return t[from-first : to-first+1 : to-first+1]
}
