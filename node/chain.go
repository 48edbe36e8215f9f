package node

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// logKey names one log of messages of a room.
type logKey struct {
	origin      string
	incarnation uint32
}

func keyOfHeader(h *roompb.Header) logKey { return logKey{h.GetOrigin(), h.GetIncarnation()} }
func keyOfHead(h *roompb.Head) logKey     { return logKey{h.GetOrigin(), h.GetIncarnation()} }

func compareKeys(a, b logKey) int {
	return cmp.Or(cmp.Compare(a.origin, b.origin), cmp.Compare(a.incarnation, b.incarnation))
}

// chain is what this node holds of one log: its signed end, and the stretches of it that
// are here. A log that was followed from its beginning is one stretch; one that was met
// late, or missed for a while, has gaps, which are filled from the newest down: each
// stretch names the hash that the event before it must have.
// The room's loop alone changes it, holding the chamber's lock.
type chain struct {
	key      logKey
	log      roompb.Log
	head     *roompb.Head
	hash     room.EventID // of the head
	stretch  []stretch    // rising, disjoint
	frozen   string       // why nothing more is taken: its origin signed two branches
	fork     uint64       // frozen: the last event that both have; what is after it is void
	forkHash room.EventID
	branch   *roompb.Parcel // the other one, from there to its signed head
	lastTime room.Time
	lastSeen uint64 // the state index that the newest event cites
	voided   int    // events in a row, at its end, that came void
}

type stretch struct {
	low, high uint64
	before    room.EventID // of the event before low; zero when low is 1
}

func (c *chain) seq() uint64 {
	if c == nil || len(c.stretch) == 0 {
		return 0
	}
	return c.stretch[len(c.stretch)-1].high
}

// whole tells whether the log is here from its first event on.
func (c *chain) whole() bool {
	return c.frozen == "" && len(c.stretch) == 1 && c.stretch[0].low == 1
}

// torn tells whether something is missing between the stretches.
func (c *chain) torn() bool { return c.frozen == "" && len(c.stretch) > 1 }

// holds tells whether the event of a seq is here.
func (c *chain) holds(seq uint64) bool {
	return slices.ContainsFunc(c.stretch, func(s stretch) bool { return s.low <= seq && seq <= s.high })
}

// gap is the newest stretch that is missing below what is here: what lies between above
// and below, exclusive; the event before `below` has the hash before. ok is false when
// nothing is missing. Only with floor is what lies below the lowest stretch a gap.
func (c *chain) gap(floor bool) (above, below uint64, before room.EventID, ok bool) {
	for i := len(c.stretch) - 1; i >= 0; i-- {
		s := c.stretch[i]
		switch {
		case i > 0:
			return c.stretch[i-1].high, s.low, s.before, true
		case floor && s.low > 1:
			return 0, s.low, s.before, true
		}
	}
	return 0, 0, room.EventID{}, false
}

// add notes that the events from first to last are here now; they are new, and in order.
func (c *chain) add(first, last *room.Event) {
	s := stretch{low: first.Header.GetSeq(), high: last.Header.GetSeq()}
	s.before, _ = room.HashFromBytes(first.Header.GetPrev())
	i, _ := slices.BinarySearchFunc(c.stretch, s.low, func(s stretch, low uint64) int { return cmp.Compare(s.low, low) })
	c.stretch = slices.Insert(c.stretch, i, s)
	if i+1 < len(c.stretch) && c.stretch[i].high+1 == c.stretch[i+1].low {
		c.stretch[i].high = c.stretch[i+1].high
		c.stretch = slices.Delete(c.stretch, i+1, i+2)
	}
	if i > 0 && c.stretch[i-1].high+1 == c.stretch[i].low {
		c.stretch[i-1].high = c.stretch[i].high
		c.stretch = slices.Delete(c.stretch, i, i+1)
	}
}

// end notes the newest event and the head that signs it.
func (c *chain) end(e *room.Event, head *roompb.Head) {
	c.head, c.hash = head, e.ID
	c.lastTime, c.lastSeen = e.Time(), e.Header.GetStateIndex()
}

func (c *chain) clone() *chain {
	out := *c
	out.stretch = slices.Clone(c.stretch)
	return &out
}

// topOf is the log's end as peers are told it: of a frozen one, where it forks.
func (c *chain) topOf() *roompb.Top {
	if c.frozen != "" {
		return &roompb.Top{Origin: c.key.origin, Incarnation: c.key.incarnation, Seq: c.fork, Hash: c.forkHash.Bytes()}
	}
	return &roompb.Top{Origin: c.key.origin, Incarnation: c.key.incarnation, Seq: c.seq(), Hash: c.hash.Bytes()}
}

// stored is the chain as the store keeps it.
func (c *chain) stored() *storagepb.Chain {
	out := &storagepb.Chain{Head: c.head, Frozen: c.frozen, Fork: c.fork}
	if c.branch != nil {
		out.Branch, _ = proto.Marshal(c.branch) // of bytes that were decoded
		out.ProofA, out.ProofB = c.head, c.branch.GetHead()
	}
	for _, s := range c.stretch {
		out.Segments = append(out.Segments, &storagepb.Segment{Low: s.low, High: s.high, Before: s.before.Bytes()})
	}
	return out
}

// wholeChain is a log of which the store has the head alone: all of it is here.
func wholeChain(h *roompb.Head) (*chain, error) {
	hash, err := room.HashFromBytes(h.GetHash())
	return &chain{
		key: keyOfHead(h), log: h.GetLog(), head: h, hash: hash, stretch: []stretch{{low: 1, high: h.GetSeq()}},
	}, err
}

func loadChain(p *storagepb.Chain) (*chain, error) {
	c, err := wholeChain(p.GetHead())
	if err != nil {
		return nil, err
	}
	c.frozen, c.fork = p.GetFrozen(), p.GetFork()
	if len(p.GetBranch()) > 0 {
		c.branch = new(roompb.Parcel)
		if err := proto.Unmarshal(p.GetBranch(), c.branch); err != nil {
			return nil, fmt.Errorf("read the other branch of %s: %w", c.key.origin, err)
		}
	}
	c.stretch = c.stretch[:0]
	for _, s := range p.GetSegments() {
		before, err := room.HashFromBytes(s.GetBefore())
		if err != nil {
			return nil, fmt.Errorf("read chain of %s: %w", c.key.origin, err)
		}
		c.stretch = append(c.stretch, stretch{s.GetLow(), s.GetHigh(), before})
	}
	return c, nil
}
