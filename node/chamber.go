package node

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
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
	anew    func() error // stores the room, before it is loaded

	queueMu sync.Mutex
	queue   []*submission
	running bool
	ended   chan struct{} // closed when the loop of a retired room is over
	retired bool          // asleep or broken: whoever still holds it must ask the hall again
	used    time.Time

	mu        sync.RWMutex
	state     *room.State
	headPos   uint64
	counted   uint64
	clock     room.Time
	last      lastMessage
	ring      ring
	followers []*subscription
	watchers  map[*Follower]struct{}

	stub      []byte                   // encoded InviteAsk: the node has an invitation to the room, not the room
	leaving   map[room.User]struct{}   // whose leave waits for the home
	logs      map[logKey]*chain        // of messages
	entries   *chain                   // the state log
	peers     []string                 // other nodes that take part
	parted    []string                 // nodes that lately ceased to: they have the entry that says so to come
	reached   map[string]uint64        // what they have of this node's own log
	saidAgain int                      // messages, because of forks; the loop's own
	walked    map[walk]time.Time       // branches that were looked at lately; the loop's own
	waiters   map[chan struct{}]uint64 // who waits for an entry of the state log
	frozen    string                   // why the room can only be read
	proofs    [2]*roompb.Head          // two heads of the state log that exclude each other
	forgotten string                   // a node that has entries which this one signed and lost
	confirmed bool                     // nobody has entries of the state log that a restored backup lacks
	unsaid    bool                     // what was written ahead of time is still to be said again
	replayed  bool                     // the state was folded from the log, not loaded
	wanted    map[uint64][]uint64      // messages whose words are looked for, and their edits
	recalling atomic.Bool
	filling   atomic.Bool   // gaps are being filled
	gathering atomic.Bool   // members are being brought
	vain      map[wish]vain // logs of which nobody could give more
	tails     tails         // the newest events of the logs of messages
	descent   descent
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

// queueLimit bounds the drafts that wait for one room.
const queueLimit = 1024

var errRetired = errors.New("the room went to sleep")

func newChamber(n *Node, id room.ID) *chamber {
	return &chamber{
		n: n, id: id, text: id.String(), used: n.now(), ended: make(chan struct{}), watchers: map[*Follower]struct{}{},
		leaving: map[room.User]struct{}{}, walked: map[walk]time.Time{}, logs: map[logKey]*chain{}, wanted: map[uint64][]uint64{}, reached: map[string]uint64{}, waiters: map[chan struct{}]uint64{}, tails: tails{},
	}
}

func (c *chamber) load() error {
	meta, err := c.n.store.Room(c.id)
	if err != nil {
		return fmt.Errorf("load room %s: %w", c.id, err)
	}
	if meta == nil {
		return noSuchRoom()
	}
	c.replayed = len(meta.GetStewards()) == 0
	switch {
	case c.replayed:
		c.state, err = replayState(c.n, c.id)
	case meta.GetEntering():
		c.state, err = c.loadEntering()
	default:
		c.state, err = loadState(c.n, meta, c.id)
	}
	if err != nil {
		return err
	}
	c.headPos, c.counted, c.clock = meta.GetHeadPos(), meta.GetCounted(), room.Time(meta.GetClock())
	c.last, c.stub = lastOf(meta), meta.GetInvitation()
	c.frozen, c.proofs = meta.GetFrozen(), [2]*roompb.Head{meta.GetProofA(), meta.GetProofB()}
	if c.state.Version > room.CurrentVersion {
		c.frozen = fmt.Sprintf("It is of version %d, which needs a newer Hearth.", c.state.Version)
	}
	for _, u := range meta.GetLeaving() {
		c.leaving[room.User(u)] = struct{}{}
	}
	c.peers = c.takingPart()
	if err := c.loadLogs(); err != nil {
		return err
	}
	c.seedReached()
	if err := c.loadWordless(); err != nil {
		return err
	}
	if c.state.Partial() {
		c.gather()
	}
	return nil
}

// loadLogs reads how far every log of the room has come here.
func (c *chamber) loadLogs() error {
	heads, err := c.n.store.Heads(c.id)
	if err != nil {
		return fmt.Errorf("load heads of room %s: %w", c.id, err)
	}
	state, err := c.n.store.Head(c.id, roompb.Log_LOG_STATE, c.state.Origin())
	if err != nil {
		return fmt.Errorf("load head of room %s: %w", c.id, err)
	}
	if state != nil {
		heads = append(heads, state)
	}
	chains, err := c.n.store.Chains(c.id)
	if err != nil {
		return fmt.Errorf("load chains of room %s: %w", c.id, err)
	}
	for _, h := range heads {
		ch, err := wholeChain(h)
		if err != nil {
			return err
		}
		c.keep(ch)
	}
	for _, p := range chains {
		ch, err := loadChain(p)
		if err != nil {
			return err
		}
		c.keep(ch)
	}
	for _, ch := range c.logs {
		if err := c.loadEnd(ch); err != nil {
			return err
		}
	}
	if err := c.loadUnsaid(); err != nil {
		return err
	}
	return c.loadClock()
}

// loadClock reads the state's time, which is its last entry's: the stored one counts
// messages too, and would give every node another root.
func (c *chamber) loadClock() error {
	if c.entries == nil {
		return nil
	}
	e, err := c.logEvent(c.entries, c.state.Index)
	if err == nil {
		c.state.Clock = e.Time()
	}
	return err
}

// keep puts a log where it belongs.
func (c *chamber) keep(ch *chain) {
	if ch.log == roompb.Log_LOG_STATE {
		c.entries = ch
	} else {
		c.logs[ch.key] = ch
	}
}

// loadEnd reads what a log's next event is checked against.
func (c *chamber) loadEnd(ch *chain) error {
	if ch.forkHash.IsZero() && ch.holds(ch.fork) { // as it was stored before 2026-11-22
		e, err := c.logEvent(ch, ch.fork)
		if err != nil {
			return err
		}
		ch.forkHash = e.ID
	}
	e, err := c.logEvent(ch, ch.seq())
	if err == nil {
		ch.lastTime, ch.lastSeen = e.Time(), e.Header.GetStateIndex()
	}
	return err
}

// logEvent is an event by its place in a log.
func (c *chamber) logEvent(ch *chain, seq uint64) (*room.Event, error) {
	pos, ok, err := c.n.store.LogPos(c.id, ch.log, ch.key.origin, ch.key.incarnation, seq)
	if err == nil && ok {
		var rec storage.Record
		if rec, ok, err = c.n.store.Record(c.id, pos); err == nil && ok {
			return rec.Event, nil
		}
	}
	return nil, fmt.Errorf("read event %d of %s in room %s: %w", seq, ch.key.origin, c.id, cmp.Or(err, storage.ErrCorrupt))
}

// own is this node's log, nil before its first message.
func (c *chamber) own() *chain { return c.logs[c.n.ownLog()] }

// takingPart are the other nodes that get the room's events.
func (c *chamber) takingPart() []string {
	var out []string
	for name := range c.state.Nodes {
		if name != c.n.name && c.state.Takes(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// meta is the room's stored summary as of now.
func (c *chamber) meta(s *room.State) *storagepb.Room {
	return &storagepb.Room{
		Id: c.id.Bytes(), Alias: s.Alias, Version: s.Version, Creator: string(s.Creator), Direct: string(s.Direct), Home: s.Home,
		Name: s.Name, Topic: s.Topic, Avatar: s.Avatar, Public: s.Public, Created: s.Created,
		StateIndex: s.Index, StateHash: s.Hash.Bytes(), Members: uint32(s.Joined),
		Origin: c.origin(s), Stub: len(c.stub) > 0, Invitation: c.stub, Leaving: c.leavers(),
		Frozen: c.frozen, ProofA: c.proofs[0], ProofB: c.proofs[1], Epoch: s.Epoch, Entering: s.Partial(),
	}
}

// origin is whose alias the room's is, as the store wants it: nobody's when it is this
// node's own.
func (c *chamber) origin(s *room.State) string {
	if s.Origin() == c.n.name {
		return ""
	}
	return s.Origin()
}

func storedNodes(s *room.State) []*storagepb.RoomNode {
	out := make([]*storagepb.RoomNode, 0, len(s.Nodes))
	for _, name := range slices.Sorted(maps.Keys(s.Nodes)) {
		n := s.Nodes[name]
		out = append(out, &storagepb.RoomNode{Name: name, Key: n.Key, Joined: uint32(n.Joined), Banned: n.Banned, Since: n.Since})
	}
	return out
}

func (c *chamber) leavers() []string {
	out := make([]string, 0, len(c.leaving))
	for u := range c.leaving {
		out = append(out, string(u))
	}
	slices.Sort(out)
	return out
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
		if c.retired {
			close(c.ended)
		}
		return nil
	}
	return batch
}

// runLength is how many drafts make the next turn: messages go together; an entry of
// the state log goes alone, so that the state changes only after the entry is synced
// and every draft is checked against a state that is; and so does a fork.
func runLength(batch []*submission) int {
	for i, s := range batch {
		if s.state() || s.fork != nil {
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
	c.n.rooms.forget(c)
	c.dissolve(room.Errorf(room.Unavailable, "The node could not store that. Try again in a moment."))
}

// end puts a room to sleep for good and waits until its loop is over.
func (c *chamber) end(why *room.Error) {
	c.loading.Do(func() { c.loadErr = why })
	if c.dissolve(why) {
		<-c.ended
	}
}

// dissolve refuses all that waits and sends the followers away, who come back to the
// room as it is then loaded. It tells whether the loop still runs.
func (c *chamber) dissolve(why *room.Error) (running bool) {
	c.queueMu.Lock()
	c.retired = true
	queue := c.queue
	c.queue = nil
	running = c.running
	c.queueMu.Unlock()
	for _, s := range queue {
		s.done <- result{err: why}
	}
	c.mu.Lock()
	followers := c.followers
	c.followers = nil
	c.mu.Unlock()
	for _, sub := range followers {
		sub.f.end(why)
	}
	return running
}
