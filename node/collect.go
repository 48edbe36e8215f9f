package node

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// deterministic is how a frontier is encoded to be hashed.
var deterministic = proto.MarshalOptions{Deterministic: true}

// frontier is how far the room has come here.
func (c *chamber) frontier() *roompb.Frontier {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.frontierLocked()
}

func (c *chamber) frontierLocked() *roompb.Frontier {
	f := c.stateAlone()
	f.Tops = c.tops()
	return f
}

// stateAlone is how far the state log has come here.
func (c *chamber) stateAlone() *roompb.Frontier {
	f := &roompb.Frontier{Room: slices.Clone(c.id[:])}
	if !c.invitedOnly() {
		f.StateIndex, f.StateHash = c.state.Index, c.state.Hash.Bytes()
	}
	return f
}

// invitedOnly tells whether there is nothing here of the room but an invitation. The lock is held.
func (c *chamber) invitedOnly() bool { return len(c.stub) > 0 && c.entries == nil }

// frontierFor is what a peer may know of it, nil for nothing. A room that this node has left
// and is invited to again stands still; its entries are there for who lost them.
func (c *chamber) frontierFor(peer string) *roompb.Frontier {
	c.mu.RLock()
	defer c.mu.RUnlock()
	takes := c.state.Takes(peer)
	switch {
	case c.invitedOnly():
		return nil
	case takes && len(c.stub) == 0:
		return c.frontierLocked()
	case takes || c.forgotten == peer:
		return c.stateAlone()
	}
	return c.parting(peer)
}

// parting is what is left for a peer that has ceased to take part: that there is an entry that says so. nil for one that
// never took part. The lock is held.
func (c *chamber) parting(peer string) *roompb.Frontier {
	index := c.state.LeftAt(peer)
	if index == 0 {
		return nil
	}
	f := &roompb.Frontier{Room: slices.Clone(c.id[:]), StateIndex: index}
	if index == c.state.Index {
		f.StateHash = c.state.Hash.Bytes()
	}
	return f
}

// Digests are the rooms in which this node and a peer take part, each with a hash of how far it has come here.
func (n *Node) Digests(peer string) ([]Digest, error) {
	ids, err := n.store.PeerRooms(peer)
	if err != nil {
		return nil, fmt.Errorf("read rooms shared with %s: %w", peer, err)
	}
	out := make([]Digest, 0, len(ids))
	for _, id := range ids {
		c, err := n.rooms.get(id)
		if err != nil {
			return nil, fmt.Errorf("read frontier of %s: %w", id, err)
		}
		f := c.frontierFor(peer)
		if f == nil || c.isStub() || !c.takes(n.name) {
			continue
		}
		b, err := deterministic.Marshal(f)
		if err != nil {
			return nil, fmt.Errorf("encode frontier of %s: %w", id, err)
		}
		sum := sha256.Sum256(b)
		out = append(out, Digest{id, [16]byte(sum[:16])})
	}
	return out, nil
}

// Frontier is how far a room has come here; nil when the peer gets nothing of it. It is
// asked for when the peer says that it has the room, and that this node does.
func (n *Node) Frontier(peer string, id room.ID) (*roompb.Frontier, error) {
	c, err := n.rooms.get(id)
	if err != nil {
		n.claimed(peer, id)
		return nil, unknownIsFine(err)
	}
	f := c.frontierFor(peer)
	if !c.takes(peer) || f == nil || c.isStub() {
		n.claimed(peer, id)
	}
	return f, nil
}

// newestFirst is how many events of a log a peer gets at most before it has to ask for
// the older ones itself.
const newestFirst = 1024

// collecting is what a peer lacks of a room, as it was when the lock was held.
type collecting struct {
	c      *chamber
	theirs *roompb.Frontier
	room   int // bytes left
	out    []*roompb.Parcel
	more   bool
}

// Collect is what a peer lacks of a room: entries of the state log first, then of each log
// of messages the newest. own: only of the logs that this node passes on to that peer as
// they are written. after is what the peer has once it has stored the parcels; more tells
// that maxBytes cut the answer short. A peer that takes no part gets nothing.
func (n *Node) Collect(peer string, theirs *roompb.Frontier, own bool, maxBytes int) (parcels []*roompb.Parcel, after *roompb.Frontier, more bool, err error) {
	id, err := room.HashFromBytes(theirs.GetRoom())
	if err != nil || len(theirs.GetTops()) > room.MaxTops {
		return nil, theirs, false, room.Errorf(room.BadRequest, "That is no frontier.")
	}
	c, err := n.rooms.get(id)
	if err != nil {
		return nil, theirs, false, unknownIsFine(err)
	}
	c.mu.RLock()
	index, logs := c.state.Index, c.logsFor(peer, own)
	from := theirs.GetStateIndex() + 1
	if from == index+1 && !own && len(theirs.GetStateHash()) > 0 && string(theirs.GetStateHash()) != string(c.state.Hash[:]) {
		from = index // another one in the place of the newest: the peer has to see that its home signed both
	}
	if !c.state.Takes(peer) { // all that it may have is the entry by which it ceased to
		index, logs = c.state.LeftAt(peer), nil
	}
	if len(c.stub) > 0 || !c.state.Takes(n.name) && len(theirs.GetTops()) == 0 {
		logs = nil // where this node takes no part any more it is not told what others have of messages
	}
	if c.invitedOnly() {
		index = 0
	}
	c.mu.RUnlock()
	if index == 0 {
		return nil, theirs, false, nil
	}
	if !own {
		n.Acked(peer, id, theirs.GetTops(), theirs.GetStateIndex())
	}
	g := &collecting{c: c, theirs: proto.Clone(theirs).(*roompb.Frontier), room: maxBytes}
	if err := g.entries(from, index); err != nil {
		return nil, theirs, false, err
	}
	for _, ch := range logs {
		if err := g.messages(ch); err != nil {
			return nil, theirs, false, err
		}
	}
	return g.out, g.theirs, g.more, nil
}

// logsFor are copies of the logs that go to a peer. The lock is held.
func (c *chamber) logsFor(peer string, own bool) []*chain {
	out := make([]*chain, 0, len(c.logs))
	for k, ch := range c.logs {
		ch = c.told(ch)
		switch {
		case ch == nil || ch.head == nil || ch.frozen != "" && own:
		case !own:
			out = append(out, ch)
		case k.origin != peer && slices.Contains(c.relays(k.origin), peer):
			out = append(out, ch)
		}
	}
	slices.SortFunc(out, func(a, b *chain) int { return compareKeys(a.key, b.key) })
	return out
}

// entries adds the state log's, in order. A parcel ends at an entry whose head is known,
// and at one that changes who may sign.
func (g *collecting) entries(from, index uint64) error {
	for from <= index {
		if g.room <= 0 {
			g.more = true
			return nil
		}
		recs, err := g.c.n.store.Log(g.c.id, roompb.Log_LOG_STATE, "", 0, from, index, newestFirst, min(g.room, maxParcelBytes/2))
		if err != nil {
			return fmt.Errorf("read state log of %s: %w", g.c.id, err)
		}
		if len(recs) == 0 {
			return nil // older than what this node has: it cannot help
		}
		events, head, err := g.c.headed(recs)
		if err != nil || len(events) == 0 {
			return err
		}
		g.add(events, head)
		last := events[len(events)-1]
		g.theirs.StateIndex, g.theirs.StateHash = last.Header.GetSeq(), last.ID.Bytes()
		from = last.Header.GetSeq() + 1
	}
	return nil
}

// headed is the first part of recs that may go as one parcel.
func (c *chamber) headed(recs []storage.Record) (events []*room.Event, head *roompb.Head, err error) {
	for i := range recs {
		events = append(events, recs[i].Event)
		if recs[i].Event.Kind() == room.KindStewards {
			break
		}
	}
	for ; len(events) > 0; events = events[:len(events)-1] {
		head, err = c.n.store.StateHead(c.id, events[len(events)-1].Header.GetSeq())
		if head != nil || err != nil {
			return events, head, err
		}
	}
	return nil, nil, nil
}

// messages adds the newest of a log, up to where the peer is.
func (g *collecting) messages(ch *chain) error {
	i, found := slices.BinarySearchFunc(g.theirs.Tops, ch.key, func(t *roompb.Top, k logKey) int {
		return compareKeys(logKey{t.GetOrigin(), t.GetIncarnation()}, k)
	})
	have := uint64(0)
	if found {
		have = g.theirs.Tops[i].GetSeq()
	}
	top := ch.head.GetSeq()
	same := found && string(g.theirs.Tops[i].GetHash()) == string(ch.topOf().GetHash())
	switch {
	case same && have == ch.topOf().GetSeq():
		return nil
	case ch.frozen != "" && have > ch.fork:
		have = ch.fork // on some branch, and does not know of the other
	case have == top: // under another hash
		have--
	case have > top:
		return nil
	}
	if g.room <= 0 {
		g.more = true
		return nil
	}
	part, head := ch.shown()
	top = part.high
	from := max(have+1, part.low)
	if top >= newestFirst {
		from = max(from, top-newestFirst+1)
	}
	events, err := g.c.newestOf(ch, from, top, min(g.room, maxParcelBytes/2))
	if err != nil || len(events) == 0 {
		return err
	}
	if ch.other == nil {
		g.add(events, head)
	} else {
		g.out = append(g.out, ch.other)
		g.room -= proto.Size(ch.other)
	}
	if ch.branch != nil {
		g.out = append(g.out, ch.branch)
		g.room -= proto.Size(ch.branch)
	}
	now := ch.topOf()
	if found {
		g.theirs.Tops[i] = now
	} else {
		g.theirs.Tops = slices.Insert(g.theirs.Tops, i, now)
	}
	return nil
}

// shown is the newest stretch, or, of a log that forks, the one in which the branch is that
// excludes the other: the two are the proof.
func (c *chain) shown() (stretch, *roompb.Head) {
	if i := c.next(c.fork + 1); c.frozen != "" && i < len(c.stretch) && c.signature(i) != nil {
		return c.stretch[i], &roompb.Head{Signature: c.signature(i)}
	}
	return c.stretch[len(c.stretch)-1], c.head
}

// newestOf reads a stretch of a log; when it is over maxBytes, its newest part. What was
// just written is still in memory.
func (c *chamber) newestOf(ch *chain, from, to uint64, maxBytes int) ([]*room.Event, error) {
	if events := c.freshest(ch.key, from, to); ch.log == roompb.Log_LOG_MESSAGES && events != nil {
		return lastOfSize(events, maxBytes), nil
	}
	recs, err := c.n.store.Log(c.id, ch.log, ch.key.origin, ch.key.incarnation, from, to, newestFirst, 2*maxParcelBytes)
	if err != nil {
		return nil, fmt.Errorf("read log of %s in %s: %w", ch.key.origin, c.id, err)
	}
	if len(recs) == 0 || recs[len(recs)-1].Event.Header.GetSeq() != to {
		if from == to || len(recs) == 0 {
			return nil, nil
		}
		return c.newestOf(ch, to-(to-from)/2, to, maxBytes)
	}
	events := make([]*room.Event, len(recs))
	for i := range recs {
		events[i] = recs[i].Event
	}
	return lastOfSize(events, maxBytes), nil
}

// lastOfSize are the last events that maxBytes hold, but always one.
func lastOfSize(events []*room.Event, maxBytes int) []*room.Event {
	size, first := 0, len(events)
	for i := len(events) - 1; i >= 0; i-- {
		size += len(events[i].RawHeader) + len(events[i].RawBody)
		if size > maxBytes && i < len(events)-1 {
			break
		}
		first = i
	}
	return events[first:]
}

func (g *collecting) add(events []*room.Event, head *roompb.Head) {
	for _, e := range events {
		g.room -= len(e.RawHeader) + len(e.RawBody) + 8
	}
	g.out = append(g.out, parcelOf(g.c.id, events, head))
}

// pageOf is older events of a log, for a peer that fills a gap.
func (c *chamber) pageOf(q *roompb.PageAsk) (*roompb.Parcel, error) {
	if len(q.GetGaps()) > maxGaps {
		return nil, room.Errorf(room.TooLarge, "At most %d gaps at once.", maxGaps)
	}
	c.mu.RLock()
	ch := c.logs[logKey{q.GetOrigin(), q.GetIncarnation()}]
	if q.GetLog() == roompb.Log_LOG_STATE {
		ch = c.entries
	}
	from, to, head := ch.page(q)
	c.mu.RUnlock()
	limit := min(max(uint64(q.GetLimit()), 1), maxPage)
	if to >= limit {
		from = max(from, to-limit+1)
	}
	if to == 0 || from > to {
		return &roompb.Parcel{Room: slices.Clone(c.id[:])}, nil // not here
	}
	events, err := c.newestOf(ch, from, to, maxParcelBytes/2)
	return parcelOf(c.id, events, head), err
}

// page is what an ask is answered with: the newest that is here of what the asking node lacks,
// and its head where that is needed to prove it. to is 0 when nothing is.
func (c *chain) page(q *roompb.PageAsk) (from, to uint64, head *roompb.Head) {
	if c == nil {
		return 0, 0, nil
	}
	gaps, apart := q.GetGaps(), len(q.GetGaps()) > 0 && !c.withheld()
	if len(gaps) == 0 {
		gaps = []*roompb.Gap{{Above: q.GetAbove(), Below: q.GetBelow()}}
	}
	if seq, head := c.denial(gaps); apart && head != nil {
		return seq, seq, head
	}
	i := len(c.stretch) - 1
	for _, g := range gaps {
		for ; i >= 0 && c.stretch[i].low >= g.GetBelow(); i-- {
		}
		for j := i; j >= 0 && c.stretch[j].high > g.GetAbove(); j-- {
			from = max(c.stretch[j].low, g.GetAbove()+1)
			switch {
			case c.stretch[j].high >= g.GetBelow()-1:
				return from, g.GetBelow() - 1, nil
			case apart && c.signature(j) != nil:
				return from, c.stretch[j].high, &roompb.Head{Signature: c.signature(j)}
			}
		}
	}
	return 0, 0, nil
}

// denial is the end of a stretch in whose place the asking node has another event. From the ends
// of longer or shorter ones one of the two learns of it by what else it asks for.
func (c *chain) denial(gaps []*roompb.Gap) (seq uint64, head *roompb.Head) {
	for _, g := range gaps {
		i := c.next(g.GetAbove())
		if len(g.GetTop()) == 0 || i == len(c.stretch) {
			continue
		}
		if s := c.stretch[i]; s.high == g.GetAbove() && !s.top.IsZero() && string(s.top[:]) != string(g.GetTop()) && c.signature(i) != nil {
			return s.high, &roompb.Head{Signature: c.signature(i)}
		}
	}
	return 0, nil
}

// maxGaps is the most gaps of one ask.
const maxGaps = 1024

// maxPage is the most events of one page.
const maxPage = 1000
