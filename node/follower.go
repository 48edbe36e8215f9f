package node

import (
	"fmt"
	"sync"
	"sync/atomic"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Follower reads a user's rooms, each from a cursor of its own. It is handed no payload:
// a room marks itself dirty in it, and the reader comes when it can. Slow means further
// behind, never more memory. One goroutine at a time may call Next.
type Follower struct {
	n          *Node
	caller     Caller
	maxBacklog uint64
	wake       chan struct{}

	mu        sync.Mutex
	subs      map[room.ID]*subscription
	dirty     []*subscription
	spare     []*subscription // what was dirty before: its memory is used again
	summaries map[room.ID]bool
	signals   []*roompb.Signal
	watched   []*chamber
	ended     error
}

// subscription is one follower's place in one room.
type subscription struct {
	c      *chamber
	f      *Follower
	dirty  atomic.Bool
	gone   atomic.Bool
	reset  atomic.Bool // what it has seen was taken back
	cursor uint64      // the reader's alone
}

// FollowOptions says where a follower begins.
type FollowOptions struct {
	Cursors    map[room.ID]uint64 // pos of the last item it has; a room not named begins at its head
	MaxBacklog int                // items it may be behind before it is told of a gap; 0: every one is sent
	Wake       chan struct{}      // one slot; its reader may be woken by others there too. nil: a channel of its own
}

// Batch is what is due for a follower.
type Batch struct {
	Rooms     []RoomItems
	Summaries []*roompb.RoomSummary
	Signals   []*roompb.Signal
	More      bool // call Next again
}

// Empty tells whether nothing is due.
func (b *Batch) Empty() bool {
	return len(b.Rooms) == 0 && len(b.Summaries) == 0 && len(b.Signals) == 0
}

// RoomItems is a stretch of one room.
type RoomItems struct {
	Room  string
	Items [][]byte // encoded roompb.Item, shared: never write to them
	Gap   bool     // items before these were skipped
}

const (
	signalLimit = 128 // signals that wait for one follower; older ones are dropped
	storePage   = 256 // items read from the store at once
)

// Follow begins to read the caller's rooms.
func (n *Node) Follow(c Caller, o FollowOptions) (*Follower, error) {
	if o.Wake == nil {
		o.Wake = make(chan struct{}, 1)
	}
	f := &Follower{
		n: n, caller: c, maxBacklog: uint64(max(o.MaxBacklog, 0)), wake: o.Wake,
		subs: map[room.ID]*subscription{}, summaries: map[room.ID]bool{},
	}
	// Registered first: a room joined from now on is subscribed to by the join itself.
	if err := n.people.add(f); err != nil {
		return nil, err
	}
	members, err := n.store.UserRooms(c.User)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read rooms of %s: %w", c.User, err)
	}
	for _, m := range members {
		id, err := room.HashFromBytes(m.GetRoom())
		if err == nil && m.GetMembership() == string(room.Joined) {
			var cursor *uint64
			if pos, ok := o.Cursors[id]; ok {
				cursor = &pos
			}
			err = f.subscribe(id, cursor)
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("follow a room of %s: %w", c.User, err)
		}
	}
	n.people.announce(f)
	return f, nil
}

// Wake has an element when Next may have something.
func (f *Follower) Wake() <-chan struct{} { return f.wake }

func (f *Follower) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// subscribe begins to follow a room from a cursor, or from its head.
func (f *Follower) subscribe(id room.ID, cursor *uint64) error {
	for {
		c, err := f.n.rooms.get(id)
		if err != nil {
			return err
		}
		if c.admit(f, cursor) {
			return nil
		}
	}
}

// admit adds a follower to the room; false when the room went to sleep meanwhile.
func (c *chamber) admit(f *Follower, cursor *uint64) bool {
	c.queueMu.Lock()
	defer c.queueMu.Unlock()
	if c.retired {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.member(f.caller.User).Membership != room.Joined {
		return true // left again meanwhile
	}
	sub := &subscription{c: c, f: f, cursor: c.headPos}
	if cursor != nil {
		sub.cursor = *cursor
	}
	f.mu.Lock()
	_, there := f.subs[c.id]
	if !there && f.ended == nil {
		f.subs[c.id] = sub
		c.followers = append(c.followers, sub)
	}
	f.mu.Unlock()
	if !there && sub.cursor != c.headPos {
		sub.mark()
	}
	return true
}

// unsubscribe stops following a room.
func (f *Follower) unsubscribe(id room.ID) {
	f.mu.Lock()
	sub := f.subs[id]
	delete(f.subs, id)
	f.mu.Unlock()
	if sub != nil {
		sub.gone.Store(true)
		sub.c.dismiss(sub)
	}
}

// dismiss takes a follower out; the list is copied, since the loop may be walking it.
func (c *chamber) dismiss(sub *subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kept := make([]*subscription, 0, len(c.followers))
	for _, other := range c.followers {
		if other != sub {
			kept = append(kept, other)
		}
	}
	c.followers = kept
}

// mark notes that the room has something for this follower. It never blocks.
func (s *subscription) mark() {
	if !s.dirty.CompareAndSwap(false, true) {
		return
	}
	s.f.mu.Lock()
	s.f.dirty = append(s.f.dirty, s)
	s.f.mu.Unlock()
	s.f.poke()
}

// markSummary notes that the room's summary has changed for this user.
func (f *Follower) markSummary(id room.ID) {
	f.mu.Lock()
	f.summaries[id] = true
	f.mu.Unlock()
	f.poke()
}

// signal queues a signal, dropping the oldest when there are too many.
func (f *Follower) signal(s *roompb.Signal) {
	f.mu.Lock()
	if len(f.signals) >= signalLimit {
		f.signals = f.signals[1:]
	}
	f.signals = append(f.signals, s)
	f.mu.Unlock()
	f.poke()
}

// end makes the next Next return err.
func (f *Follower) end(err error) {
	f.mu.Lock()
	if f.ended == nil {
		f.ended = err
	}
	f.mu.Unlock()
	f.poke()
}

// Next hands out what is due, up to about maxBytes of items; an empty batch when
// nothing is. The error says why the follower is at its end.
func (f *Follower) Next(maxBytes int) (Batch, error) {
	f.mu.Lock()
	if f.ended != nil {
		f.mu.Unlock()
		return Batch{}, f.ended
	}
	dirty, signals, summaries := f.dirty, f.signals, f.summaries
	f.dirty, f.signals, f.spare = f.spare[:0], nil, dirty
	if len(summaries) > 0 {
		f.summaries = map[room.ID]bool{}
	} else {
		summaries = nil // it stays the follower's: not to be walked without the lock
	}
	f.mu.Unlock()

	b := Batch{Signals: signals}
	for i, sub := range dirty {
		if maxBytes <= 0 {
			f.putBack(dirty[i:])
			b.More = true
			break
		}
		items, more, err := sub.read(maxBytes)
		if err != nil {
			return Batch{}, err
		}
		for _, item := range items.Items {
			maxBytes -= len(item)
		}
		if len(items.Items) > 0 || items.Gap {
			b.Rooms = append(b.Rooms, items)
		}
		if more {
			sub.mark()
			b.More = true
		}
	}
	for id := range summaries {
		if s := f.n.summaryFor(f.caller.User, id); s != nil {
			b.Summaries = append(b.Summaries, s)
		}
	}
	return b, nil
}

func (f *Follower) putBack(subs []*subscription) {
	f.mu.Lock()
	f.dirty = append(f.dirty, subs...)
	f.mu.Unlock()
	f.poke()
}

// read takes the next stretch of the room: from the ring at the head, from the store
// behind it. The flag is cleared first, so that what comes meanwhile marks it again.
func (s *subscription) read(maxBytes int) (items RoomItems, more bool, err error) {
	s.dirty.Store(false)
	if s.gone.Load() {
		return RoomItems{}, false, nil
	}
	items.Room = s.c.text
	s.c.mu.RLock()
	head := s.c.headPos
	steps, inRing := s.c.ring.from(s.cursor)
	behind := head - min(s.cursor, head)
	if inRing {
		behind = news(steps)
	}
	upto := s.cursor
	switch {
	case s.reset.Swap(false) || s.cursor > head || s.f.maxBacklog > 0 && behind > s.f.maxBacklog:
		upto, items.Gap = head, true
	case inRing && len(steps) > 0:
		items.Items, upto = take(steps, maxBytes)
	}
	s.c.mu.RUnlock()
	if !inRing && upto < head {
		items.Items, upto, err = s.c.stored(s.cursor, maxBytes)
	}
	s.cursor = upto
	return items, upto < head, err
}

// stored encodes a stretch that the ring no longer has, and tells up to where it reaches.
// What is news for nobody is left out.
func (c *chamber) stored(cursor uint64, maxBytes int) (items [][]byte, upto uint64, err error) {
	records, err := c.n.store.Records(c.id, cursor+1, storePage, maxBytes)
	if err != nil {
		return nil, cursor, fmt.Errorf("read room %s from %d: %w", c.id, cursor+1, err)
	}
	upto = cursor
	for _, rec := range records {
		upto = rec.Pos
		if rec.Void || rec.Old {
			continue
		}
		row, ok, err := c.n.store.Row(c.id, rec.Pos)
		if err != nil || !ok {
			return nil, cursor, fmt.Errorf("read room %s at %d: %w", c.id, rec.Pos, err)
		}
		voided, err := c.voidedBy(row.Event)
		if err != nil {
			return nil, cursor, err
		}
		items = append(items, c.encodeItem(&row, c.about(row.Event), voided))
	}
	return items, upto, nil
}

// Cursors is what Next has handed out, per room.
func (f *Follower) Cursors() map[string]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make(map[string]uint64, len(f.subs))
	for id, sub := range f.subs {
		out[id.String()] = sub.cursor
	}
	return out
}

// Close ends the follower; it holds nothing afterwards.
func (f *Follower) Close() {
	f.end(room.Errorf(room.Unavailable, "The session is closed."))
	f.Watch(nil)
	f.mu.Lock()
	subs := f.subs
	f.subs = map[room.ID]*subscription{}
	f.mu.Unlock()
	for _, sub := range subs {
		sub.gone.Store(true)
		sub.c.dismiss(sub)
	}
	f.n.people.remove(f, subs)
}
