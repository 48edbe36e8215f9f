package node

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/node/steward"
)

// councils are this node's sides in the rooms of which it is one of several stewards
// (package steward), as far as something happened in them since the start.
type councils struct {
	n *Node

	mu    sync.Mutex
	rooms map[room.ID]*council
	lead  map[room.ID]string // the steward that last took a proposal from here
}

// mostRemembered bounds what is remembered of rooms that others order.
const mostRemembered = 10_000

// council runs this node's steward.Group of one room. Nothing of it runs, and no clock
// ticks for it, while nothing is on its way. Lock order: council, then chamber.
type council struct {
	n    *Node
	id   room.ID
	wake chan struct{}
	lead atomic.Pointer[string] // for who only wants to know

	mu      sync.Mutex
	group   *steward.Group
	at      steward.Place // the room's state, when it was last looked at
	epoch   uint64
	born    uint32 // the node's incarnation when the group was made
	waiting []*motion
	begun   *motion // proposed, not in the state yet
	running bool
	idle    int // ticks since another steward was heard, or something new was wanted
	post    map[string]*bag
}

const (
	tick      = 60 * time.Millisecond
	slowest   = 5 * time.Second // between ticks, while nobody answers
	patient   = 100             // ticks until they become rarer
	mostDraft = 256             // motions that wait in one room
)

func newCouncils(n *Node) *councils {
	return &councils{n: n, rooms: map[room.ID]*council{}, lead: map[room.ID]string{}}
}

func (cs *councils) of(id room.ID) *council {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	k := cs.rooms[id]
	if k == nil {
		k = &council{n: cs.n, id: id, wake: make(chan struct{}, 1), post: map[string]*bag{}}
		cs.rooms[id] = k
	}
	return k
}

// poke tells a room's council that the state has changed. It never waits.
func (cs *councils) poke(id room.ID) {
	cs.mu.Lock()
	k := cs.rooms[id]
	cs.mu.Unlock()
	if k == nil {
		return
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
	cs.n.rooms.start(k.start)
}

// resume goes on, after a start, with what was on its way when the node stopped.
func (cs *councils) resume(ctx context.Context) {
	const page = 100
	for after := (room.ID{}); ctx.Err() == nil; {
		metas, err := cs.n.store.Rooms(after, page)
		if err != nil {
			cs.n.log.Error("read rooms", "err", err)
			return
		}
		for _, m := range metas {
			after, _ = room.HashFromBytes(m.GetId()) // the store's own
			if len(m.GetStewards()) < 2 || !slices.Contains(m.GetStewards(), cs.n.name) {
				continue
			}
			if kept, err := cs.n.store.Value(stewardValue(after)); err == nil && steward.Unsettled(kept, m.GetStateIndex()) {
				cs.of(after)
				cs.poke(after)
			}
		}
		if len(metas) < page {
			return
		}
	}
}

// standing is what a council has to know of its room.
type standing struct {
	at       steward.Standing
	name     string // its address, or its id
	stewards []string
	origin   string
	keys     map[string]ed25519.PublicKey
}

func (c *chamber) standing() standing {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s := standing{
		at:       steward.Standing{Place: steward.Place{Index: c.state.Index, Hash: c.state.Hash}, Clock: c.state.Clock, Epoch: c.state.Epoch},
		name:     cmp.Or(stateSummary(c.state).Alias, c.text),
		stewards: c.state.Stewards, origin: c.state.Origin(), keys: map[string]ed25519.PublicKey{},
	}
	for _, name := range s.stewards {
		s.keys[name] = c.state.NodeKey(name)
	}
	return s
}

// several tells whether more than one steward orders the room's state.
func (c *chamber) several() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.state.Stewards) > 1 && len(c.stub) == 0
}

// errNoSteward: this node has no say in the room, for now or at all.
var errNoSteward = room.Errorf(room.Unavailable, "This node does not take part in ordering the room's state.")

// refresh makes the group the one of the room's stewards as they are now, and tells it how
// far the room has come. k.mu is held.
func (k *council) refresh(c *chamber) error {
	s := c.standing()
	k.at = s.at.Place
	if len(s.stewards) < 2 || !slices.Contains(s.stewards, k.n.name) {
		k.group = nil
		return errNoSteward
	}
	if k.group != nil && k.group.Broken() != "" {
		k.n.log.Error("the stewards' agreement broke and begins again from what was kept", "room", k.id.String(), "err", k.group.Broken())
		k.group = nil
	}
	if k.group == nil || k.epoch != s.at.Epoch || k.born != k.n.incarnation.Load() {
		if err := k.begin(s); err != nil {
			return err
		}
	}
	k.group.At(s.at)
	return nil
}

func (k *council) begin(s standing) error {
	kept, err := k.n.store.Value(stewardValue(k.id))
	if err != nil {
		return fmt.Errorf("read what is kept of the stewards of room %s: %w", k.id, err)
	}
	mute, err := k.forgot(s.at.Epoch, kept)
	if err != nil {
		return err
	}
	k.epoch, k.born = s.at.Epoch, k.n.incarnation.Load()
	k.group, err = steward.New(steward.Config{
		Room: k.id, Origin: s.origin, Stewards: s.stewards, Keys: s.keys,
		Self: k.n.name, Key: k.n.key, Incarnation: k.born, Mute: mute,
	}, s.at, kept)
	if err == nil && k.group.Mute() {
		k.n.Peers.Raise(k.n.name, fmt.Sprintf(
			"This node was restored from a backup and keeps out of ordering the state of the room %s, as it may have forgotten what it signed. Take it out of the room's stewards and add it again.", s.name))
	}
	return err
}

// stewardValue is where the store keeps what the steward must not forget.
func stewardValue(id room.ID) string { return "steward/" + id.String() }

// valueReborn is when this node's incarnation was first seen: 4 bytes of the incarnation,
// 8 of ms since 1970.
const valueReborn = "steward/reborn"

// forgot tells whether this node may have voted in the epoch before its folder was put
// back to an earlier state: when the epoch is older than that.
func (k *council) forgot(epoch uint64, kept []byte) (bool, error) {
	now := k.n.incarnation.Load()
	if now == 1 || len(kept) > 0 && steward.KeptIn(kept) == (steward.Era{Epoch: epoch, Incarnation: now}) {
		return false, nil
	}
	since, err := k.n.restoredAt(now)
	if err != nil {
		return false, err
	}
	recs, err := k.n.store.Log(k.id, roompb.Log_LOG_STATE, "", 0, epoch, epoch, 1, maxParcelBytes)
	if err != nil {
		return false, fmt.Errorf("read entry %d of room %s: %w", epoch, k.id, err)
	}
	return len(recs) == 0 || recs[0].Event.Time().Millis() <= since, nil
}

// restoredAt is when this incarnation began, as far as this node noticed.
func (n *Node) restoredAt(incarnation uint32) (ms int64, err error) {
	b, err := n.store.Value(valueReborn)
	if err != nil {
		return 0, fmt.Errorf("read when the node was restored: %w", err)
	}
	if len(b) == 12 && binary.BigEndian.Uint32(b) == incarnation {
		return int64(binary.BigEndian.Uint64(b[4:])), nil
	}
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, incarnation), uint64(n.millis()))
	return n.millis(), n.store.PutValue(valueReborn, b)
}

// start begins the loop when there is something to do and none runs.
func (k *council) start() {
	k.mu.Lock()
	if k.running {
		k.mu.Unlock()
		return
	}
	k.running = true
	k.mu.Unlock()
	k.loop()
}

// loop gives the group its ticks until nothing is on its way.
func (k *council) loop() {
	pause := time.NewTimer(tick)
	defer pause.Stop()
	for ticked := false; k.round(ticked); {
		pause.Reset(k.pace())
		select {
		case <-k.n.life.Done():
			k.quit()
			return
		case <-k.wake:
			ticked = false
		case <-pause.C:
			ticked = true
		}
	}
}

func (k *council) pace() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return min(slowest, tick<<max(0, min(k.idle/patient, 8)))
}

// round is one step of the loop; false when it is over.
func (k *council) round(ticked bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, err := k.n.rooms.get(k.id)
	if err == nil {
		err = k.refresh(c)
	}
	if err != nil {
		k.running = false
		if c != nil {
			k.resolve(c) // its entry may be the one that ended this node's part
		}
		k.give(err)
		return false
	}
	if ticked {
		k.idle++
		k.group.Tick()
	}
	k.work(c)
	k.running = k.group != nil && (k.group.Busy() || len(k.waiting) > 0 || k.begun != nil)
	return k.running
}

func (k *council) quit() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = false
	k.give(room.Errorf(room.Unavailable, "The node is stopping."))
}

// work does all that the group wants now, and settles what was proposed. k.mu is held.
func (k *council) work(c *chamber) {
	k.resolve(c)
	for k.group != nil {
		k.seal(c)
		out, ok := k.group.Ready()
		if !ok {
			break
		}
		if out.Keep != nil {
			if err := k.n.store.PutValue(stewardValue(k.id), out.Keep); err != nil {
				k.n.log.Error("keep the stewards' agreement", "room", k.id.String(), "err", err)
				k.group = nil // nothing of it was heard of: it is made anew from the store
				break
			}
		}
		for _, l := range out.Send {
			k.send(l.To, l.Ask)
		}
		for _, lie := range out.Lies {
			k.n.Peers.Raise(lie.Node, fmt.Sprintf("The node %s, a steward of room %s, has signed two different entries %d. Take it out of the room's stewards.", lie.Node, k.id, lie.Heads[0].GetSeq()))
		}
		if out.Entry != nil {
			k.hand(c, out.Entry)
		}
	}
	lead := ""
	if k.group != nil {
		lead = k.group.Leader()
	}
	k.lead.Store(&lead)
	k.pass(lead)
}

// hand gives an entry that has its head to the room's loop, as if a peer had brought it.
// When the room has no time for it now, the group hands it over again.
func (k *council) hand(c *chamber, h *steward.Headed) {
	s := &submission{done: make(chan result, 1), parcel: &received{
		peer: k.n.name, log: roompb.Log_LOG_STATE, key: keyOfHeader(h.Event.Header), events: []*room.Event{h.Event}, head: h.Head,
	}}
	if err := k.n.submit(c.id, s); err != nil {
		k.n.log.Debug("entry waits for its room", "room", c.text, "err", err)
	}
}

// answerSteward takes what another steward says.
func (n *Node) answerSteward(peer string, q *roompb.StewardAsk) (*roompb.Answer, error) {
	c, err := n.chamberFor(peer, q.GetRoom())
	if err != nil {
		return nil, err
	}
	s := c.standing()
	if !slices.Contains(s.stewards, peer) {
		return nil, room.Errorf(room.Forbidden, "%s is none of the room's stewards.", peer)
	}
	if q.GetIndex() < s.at.Index {
		n.courier.mark(c.id) // it lacks entries: they go as they go to any node
	}
	k := n.councils.of(c.id)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.refresh(c); err != nil {
		return nil, err
	}
	k.idle = 0
	k.group.Step(peer, q)
	k.work(c)
	if k.group != nil && k.group.Busy() && !k.running {
		n.rooms.start(k.start)
	}
	return &roompb.Answer{What: &roompb.Answer_Steward{Steward: &roompb.StewardAnswer{}}}, nil
}

// bag is what waits to be sent to one steward: one ask at a time is on its way.
type bag struct {
	ask  *roompb.StewardAsk
	busy bool
}

// In one ask. What is dropped Raft sends again.
const (
	mostMessages = 64
	stewardAsk   = 3 * time.Second
)

// send puts a letter into the bag. k.mu is held.
func (k *council) send(to string, ask *roompb.StewardAsk) {
	b := k.post[to]
	if b == nil {
		b = &bag{}
		k.post[to] = b
	}
	if old := b.ask; old != nil && old.GetEpoch() == ask.GetEpoch() {
		all := append(old.GetMessages(), ask.GetMessages()...)
		ask.Messages = all[max(0, len(all)-mostMessages):]
		if ask.Cosigned == nil {
			ask.Cosigned = old.GetCosigned()
		}
	}
	b.ask = ask
	if !b.busy {
		b.busy = k.n.rooms.start(func() { k.carry(to, b) })
	}
}

// carry empties a bag.
func (k *council) carry(to string, b *bag) {
	for {
		k.mu.Lock()
		ask := b.ask
		b.ask, b.busy = nil, ask != nil
		k.mu.Unlock()
		if ask == nil {
			return
		}
		ctx, cancel := context.WithTimeout(k.n.life, stewardAsk)
		_, _ = k.n.ask(ctx, to, &roompb.Ask{What: &roompb.Ask_Steward{Steward: ask}}) // what is lost is said again
		cancel()
	}
}

// leader is the steward that leads, as far as this node knows, else the room's home. The
// lock is held.
func (c *chamber) leader() string {
	if len(c.state.Stewards) > 1 {
		if name := c.n.councils.leader(c.id); c.state.IsSteward(name) {
			return name
		}
	}
	return c.state.Home
}

func (cs *councils) leader(id room.ID) string {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if k := cs.rooms[id]; k != nil {
		if lead := k.lead.Load(); lead != nil && *lead != "" {
			return *lead
		}
	}
	return cs.lead[id]
}

// took remembers which steward took a proposal.
func (cs *councils) took(id room.ID, node string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.lead) >= mostRemembered {
		clear(cs.lead)
	}
	cs.lead[id] = node
}
