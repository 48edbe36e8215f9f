package plugins

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

// outbox is what a link has before it: the room behind the link's cursor. Its owner is life.relay; what
// waiting reads is written under life.mu.
type outbox struct {
	next    uint64 // where the room is read on
	behind  bool   // there may be more in the room
	buffer  []*roompb.Item
	flights []*flight // what was read and is not behind the cursor yet, in order
	paused  time.Time
	failed  string // said once
	head    uint64 // of the room when this life began: up to here something may have been delivered before
	stale   staleRun
	recall  recall
	shown   map[string]uint32 // how many edits of a message were in what was delivered
	pending pending
}

// flight is an item that was read: on its way, or answered.
type flight struct {
	pos      uint64
	time     int64
	event    room.EventID
	delivery *pb.Delivery // nil: nothing to deliver
	sent     bool
	again    bool
	done     bool
	anew     bool // the event is said again: it is not any more what it was over there

	relayed bool
	remote  []string
	dropped string
	n       uint64 // events that were dropped
}

// pending is what was answered and not written down.
type pending struct {
	cursor uint64
	moved  bool
	counts bool // something to be written at once
	remote map[room.EventID][]string
	anew   map[room.EventID]bool
	sum    channel.Counts
}

// staleRun is a stretch of events that are too old to be relayed as if they were new.
type staleRun struct {
	n    uint64
	pos  uint64
	last string
	time int64
}

func (s *staleRun) add(e *roompb.Event) {
	s.n++
	s.pos, s.last, s.time = e.GetPos(), e.GetId(), e.GetTime()
}

func newOutbox(cursor uint64) outbox {
	return outbox{next: cursor, behind: true, shown: map[string]uint32{}}
}

// shift takes the first item out of the buffer.
func (o *outbox) shift() { o.buffer = o.buffer[1:] }

// unsent is the first flight that is to be delivered.
func (o *outbox) unsent() *flight {
	for _, f := range o.flights {
		if !f.done && !f.sent {
			return f
		}
	}
	return nil
}

// first tells whether a flight is among those that may have been on their way when the life before
// this one ended.
func (o *outbox) first(f *flight) bool {
	for i, other := range o.flights {
		if other == f {
			return i < window
		}
	}
	return false
}

func (o *outbox) find(id string) *flight {
	for _, f := range o.flights {
		if f.delivery.GetId() == id {
			return f
		}
	}
	return nil
}

// on tells whether an event is on its way, so that what it is over there is not known yet.
func (o *outbox) on(event string) bool {
	id, err := room.ParseHash(event)
	return err == nil && slices.ContainsFunc(o.flights, func(f *flight) bool { return f.event == id && f.delivery != nil && !f.done })
}

func (o *outbox) sentNow() (n int) {
	for _, f := range o.flights {
		if f.sent {
			n++
		}
	}
	return n
}

func (o *outbox) unanswered() int { return o.sentNow() }

// takeBack makes a flight, and those after it that are not answered, go out again; it tells how many.
func (o *outbox) takeBack(from *flight) (n int) {
	reached := false
	for _, f := range o.flights {
		reached = reached || f == from
		if reached && f.sent {
			f.sent, f.again = false, true
			n++
		}
	}
	return n
}

// gather adds what was answered, up to the first that was not, to what is to be written down.
func (o *outbox) gather(l *life, a *lane) {
	p := &o.pending
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range o.flights { // ids are kept even of what is not behind the cursor yet
		if f.relayed && len(f.remote) > 0 && !f.event.IsZero() {
			if p.remote == nil {
				p.remote, p.anew = map[room.EventID][]string{}, map[room.EventID]bool{}
			}
			if f.anew {
				p.remote[f.event], p.anew[f.event] = nil, true
			}
			p.remote[f.event] = append(p.remote[f.event], f.remote...)
			p.counts, f.remote = true, nil
		}
	}
	for len(o.flights) > 0 && o.flights[0].done {
		f := o.flights[0]
		o.flights = o.flights[1:]
		p.cursor, p.moved = f.pos, true
		switch {
		case f.relayed:
			p.sum.Relayed++
			p.counts = true
		case f.n > 0:
			if p.sum.Dropped == nil {
				p.sum.Dropped = map[string]uint64{}
			}
			p.sum.Dropped[f.dropped] += f.n
			p.counts = true
		}
	}
	if len(o.flights) == 0 && len(o.buffer) == 0 && o.stale.n == 0 && o.next > a.link.Cursor && o.next > p.cursor {
		p.cursor, p.moved = o.next, true
	}
}

// waiting is how much is still to be answered, and the age of its oldest in seconds. What is
// still in the room alone is not counted one by one. life.mu is held.
func (o *outbox) waiting(now time.Time) (n uint64, oldest int64) {
	since := int64(0)
	note := func(ms int64) {
		n++
		if since == 0 || ms < since {
			since = ms
		}
	}
	for _, f := range o.flights {
		if !f.done {
			note(f.time)
		}
	}
	for _, item := range o.buffer {
		note(item.GetEvent().GetTime())
	}
	if since > 0 {
		oldest = max(0, now.UnixMilli()-since) / 1000
	}
	return n, oldest
}

// age takes out of the outbox what has become too old while the plugin said "not now". life.mu is held.
func (l *life) age(a *lane) {
	kept, run := a.out.flights[:0:0], staleRun{}
	for _, f := range a.out.flights {
		if !f.done && !f.sent && f.again && l.ages(f.delivery) && l.tooOld(f.time) {
			run.n, run.pos, run.last, run.time = run.n+1, f.pos, f.delivery.GetId(), f.time
			continue
		}
		if run.n > 0 {
			kept = append(kept, l.notice(a, run))
			run = staleRun{}
		}
		kept = append(kept, f)
	}
	a.out.flights = kept
	if run.n == 0 {
		return
	}
	// What is read next may join it.
	if a.out.stale.n == 0 {
		a.out.stale = run
	} else {
		a.out.stale.n += run.n
	}
}

// ages tells whether a delivery is as if it were new, and so may be too old.
func (l *life) ages(d *pb.Delivery) bool {
	switch d.GetKind() {
	case "text", "emote", "react", "unreact", "topic":
		return true
	case "edit":
		return !l.can.GetEdits()
	case "delete":
		return !l.can.GetDeletes()
	}
	return false
}

// sayStale puts the line about what was not relayed into the outbox; false when nothing was left out.
func (l *life) sayStale(a *lane) bool {
	if a.out.stale.n == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a.out.flights = append(a.out.flights, l.notice(a, a.out.stale))
	a.out.stale = staleRun{}
	return true
}

// notice is the line about a stretch that was not relayed. What it is about is counted once the
// line is answered.
func (l *life) notice(a *lane, s staleRun) *flight {
	before := time.UnixMilli(s.time).UTC().Format("2006-01-02 15:04 UTC")
	text := fmt.Sprintf("%d messages up to %s were not relayed here: they are more than %d minutes old.", s.n, before, int(l.stale.Minutes()))
	if s.n == 1 {
		text = fmt.Sprintf("A message of %s was not relayed here: it is more than %d minutes old.", before, int(l.stale.Minutes()))
	}
	return &flight{
		pos: s.pos, time: s.time, dropped: "stale", n: s.n,
		delivery: &pb.Delivery{Id: "stale-" + s.last, Channel: a.channel, Kind: "notice", Text: text, Time: l.n.Now().UnixMilli()},
	}
}

func decodeItems(encoded [][]byte) ([]*roompb.Item, error) {
	items := make([]*roompb.Item, 0, len(encoded))
	for _, b := range encoded {
		item := new(roompb.Item)
		if err := proto.Unmarshal(b, item); err != nil {
			return nil, fmt.Errorf("decode an item: %w", err)
		}
		items = append(items, item)
	}
	return items, nil
}
