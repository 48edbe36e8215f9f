package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// chamber is a room that is awake. Its loop is one goroutine that runs while the queue
// holds drafts; the loop alone changes what mu guards, so it reads without the lock.
type chamber struct {
	n    *Node
	id   room.ID
	text string // id as text

	loading sync.Once
	loadErr error

	queueMu sync.Mutex
	queue   []*submission
	running bool
	retired bool // asleep or broken: whoever still holds it must ask the hall again
	used    time.Time

	mu        sync.RWMutex
	state     *room.State
	headPos   uint64
	counted   uint64
	clock     room.Time
	created   int64
	last      lastMessage
	ring      ring
	followers []*subscription
	watchers  map[*Follower]struct{}

	// The loop's own: the end of this node's message log.
	seq  uint64
	prev room.EventID
}

// lastMessage is what the list of rooms shows beneath a room's name.
type lastMessage struct {
	pos    uint64
	time   int64
	author string
	text   string
}

// lastOf reads what put wrote.
func lastOf(m *storagepb.Room) lastMessage {
	return lastMessage{m.GetLastPos(), m.GetLastTime(), m.GetLastAuthor(), m.GetLastText()}
}

func (l lastMessage) put(m *storagepb.Room) {
	m.LastPos, m.LastTime, m.LastAuthor, m.LastText = l.pos, l.time, l.author, l.text
}

// submission is a draft, or a read position, on its way through the loop.
type submission struct {
	draft room.Draft
	read  *readMark
	done  chan result // one slot
}

type result struct {
	receipt Receipt
	err     error
}

// Receipt says what became of a draft.
type Receipt struct {
	Event room.EventID
	Room  room.ID
	Pos   uint64
	Time  int64 // ms since 1970
}

// queueLimit bounds the drafts that wait for one room.
const queueLimit = 1024

var errRetired = errors.New("the room went to sleep")

func newChamber(n *Node, id room.ID) *chamber {
	return &chamber{n: n, id: id, text: id.String(), used: n.now(), watchers: map[*Follower]struct{}{}}
}

func (c *chamber) load() error {
	meta, err := c.n.store.Room(c.id)
	if err != nil {
		return fmt.Errorf("load room %s: %w", c.id, err)
	}
	if meta == nil {
		return noSuchRoom()
	}
	if c.state, err = loadState(c.n, meta, c.id); err != nil {
		return err
	}
	c.headPos, c.counted, c.clock = meta.GetHeadPos(), meta.GetCounted(), room.Time(meta.GetClock())
	c.last = lastOf(meta)
	return c.loadHead()
}

// loadHead finds the end of this node's message log; a new incarnation begins at nothing.
func (c *chamber) loadHead() error {
	head, err := c.n.store.Head(c.id, roompb.Log_LOG_MESSAGES, c.n.name)
	if err != nil {
		return fmt.Errorf("load head of room %s: %w", c.id, err)
	}
	if head == nil || head.GetIncarnation() != c.n.incarnation {
		return nil
	}
	c.seq = head.GetSeq()
	c.prev, err = room.HashFromBytes(head.GetHash())
	return err
}

// meta is the room's stored summary as of now.
func (c *chamber) meta(s *room.State) *storagepb.Room {
	return &storagepb.Room{
		Id: c.id.Bytes(), Alias: s.Alias, Version: s.Version, Creator: string(s.Creator), Direct: string(s.Direct), Home: s.Home,
		Name: s.Name, Topic: s.Topic, Avatar: s.Avatar, Public: s.Public, Created: s.Created,
		StateIndex: s.Index, StateHash: s.Hash.Bytes(), Members: uint32(s.Joined),
	}
}

// enqueue hands a draft to the loop, never waiting.
func (c *chamber) enqueue(s *submission) error {
	c.queueMu.Lock()
	defer c.queueMu.Unlock()
	switch {
	case c.retired:
		return errRetired
	case len(c.queue) >= queueLimit:
		return &room.Error{Code: room.Busy, Message: "Too much is being said in this room at once. Try again in a moment.", RetryAfter: 100 * time.Millisecond}
	}
	c.queue = append(c.queue, s)
	if c.running {
		return nil
	}
	if !c.n.rooms.start(c.run) {
		c.queue = c.queue[:len(c.queue)-1]
		return room.Errorf(room.Unavailable, "The node is stopping.")
	}
	c.running = true
	return nil
}

// run is the room's loop: it takes all that waits, and ends when nothing does.
func (c *chamber) run() {
	for {
		batch := c.take()
		if batch == nil {
			return
		}
		for len(batch) > 0 {
			n := runLength(batch)
			c.turn(batch[:n])
			batch = batch[n:]
		}
	}
}

func (c *chamber) take() []*submission {
	c.queueMu.Lock()
	defer c.queueMu.Unlock()
	c.used = c.n.now()
	batch := c.queue
	c.queue = nil
	c.running = len(batch) > 0
	if !c.running {
		return nil
	}
	return batch
}

// runLength is how many drafts make the next turn: messages go together; an entry of
// the state log goes alone, so that the state changes only after the entry is synced
// and every draft is checked against a state that is.
func runLength(batch []*submission) int {
	for i, s := range batch {
		if s.draft.Kind.State() {
			return max(i, 1)
		}
	}
	return len(batch)
}

// retire puts an idle room to sleep; false when it is in use.
func (c *chamber) retire(before time.Time) bool {
	c.queueMu.Lock()
	defer c.queueMu.Unlock()
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.running || len(c.followers) > 0 || len(c.watchers) > 0 || c.used.After(before) {
		return false
	}
	c.retired = true
	return true
}

// fail is for a batch that the store did not take: nothing of it was heard of. The room
// is loaded anew from what the store has, and its followers come back and resume.
func (c *chamber) fail(cause error) {
	c.n.log.Error("append to room failed", "room", c.id.String(), "err", cause)
	c.queueMu.Lock()
	c.retired = true
	queue := c.queue
	c.queue = nil
	c.queueMu.Unlock()
	c.n.rooms.forget(c)
	refusal := room.Errorf(room.Unavailable, "The node could not store that. Try again in a moment.")
	for _, s := range queue {
		s.done <- result{err: refusal}
	}
	c.mu.Lock()
	followers := c.followers
	c.followers = nil
	c.mu.Unlock()
	for _, sub := range followers {
		sub.f.end(refusal)
	}
}

// SubmitAsync hands a draft to its room and returns a function that waits for what
// becomes of it. The order of calls is the order in the room.
func (n *Node) SubmitAsync(d room.Draft) func(context.Context) (Receipt, error) {
	s := &submission{draft: d, done: make(chan result, 1)}
	err := n.prepare(&s.draft)
	if err == nil {
		err = n.submit(d.Room, s)
	}
	if err != nil {
		return func(context.Context) (Receipt, error) { return Receipt{}, err }
	}
	return s.wait
}

func (s *submission) wait(ctx context.Context) (Receipt, error) {
	select {
	case r := <-s.done:
		return r.receipt, r.err
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
}

// Submit is everything that a user of this node does to a room: it returns when the
// event is synced, or with the reason why it was refused.
func (n *Node) Submit(ctx context.Context, d room.Draft) (Receipt, error) {
	if alias := d.Body.GetSettings().GetAlias(); d.Kind == room.KindSettings && alias != "" {
		n.creating.Lock()
		defer n.creating.Unlock()
		if err := n.checkAliasFree(alias, d.Room); err != nil {
			return Receipt{}, err
		}
	}
	return n.SubmitAsync(d)(ctx)
}

func (n *Node) submit(id room.ID, s *submission) error {
	for {
		c, err := n.rooms.get(id)
		if err != nil {
			return err
		}
		if err := c.enqueue(s); !errors.Is(err, errRetired) {
			return err
		}
	}
}
