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
// stretch names the hash that the event before it must have. Its origin may withhold what is
// in a gap, from some or from all: so each stretch also keeps the signature of its own upper
// end, by which this node can show it to those who lack it.
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
	other    *roompb.Parcel // nil: what is here excludes the branch; else this does
	lastTime room.Time
	lastSeen uint64 // the state index that the newest event cites
	voided   int    // events in a row, at its end, that came void
}

type stretch struct {
	low, high uint64
	before    room.EventID // of the event before low; zero when low is 1
	top       room.EventID // of the event at high; zero: not known
	signature []byte       // of the head at high; of the newest stretch the chain's head has it; nil: not known
	old       bool         // it was fetched as older history: so is what is missing above it
}

// gap is what is missing of a log: the events between above and below, both exclusive.
type gap struct {
	above, below uint64
	before       room.EventID // of the event before the one at below
	top          room.EventID // of the event at above; zero: there is none, or it is not known
}

// How many stretches of a log are kept. Its origin, which has all of it, may leave but a few
// gaps: so what one liar has told many nodes, each something else, still fits on each of them.
const (
	mostTorn   = 16  // when the origin itself brings another one
	mostShared = 512 // when others do
)

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
func (c *chain) torn() bool { return !c.withheld() && len(c.gaps(false)) > 0 }

// holds tells whether the event of a seq is here.
func (c *chain) holds(seq uint64) bool {
	return slices.ContainsFunc(c.stretch, func(s stretch) bool { return s.low <= seq && seq <= s.high })
}

// gaps are what is missing below what is here, newest first. Only with floor is what lies
// below the lowest stretch one. What is beyond a fork nobody misses: of a gap that reaches across
// it, only what ends with the event that all branches have.
func (c *chain) gaps(floor bool) (out []gap) {
	for i, s := range slices.Backward(c.stretch) {
		g := gap{below: s.low, before: s.before}
		if i > 0 {
			g.above, g.top = c.stretch[i-1].high, c.stretch[i-1].top
		} else if !floor {
			break
		}
		if c.frozen != "" && g.below > c.fork+1 && (c.fork <= g.above || !c.forkHash.IsZero()) {
			g.below, g.before = c.fork+1, c.forkHash
		}
		if g.above+1 < g.below {
			out = append(out, g)
		}
	}
	return out
}

// next is the first stretch that reaches up to seq or beyond; len(c.stretch) when none does.
func (c *chain) next(seq uint64) int {
	i, _ := slices.BinarySearchFunc(c.stretch, seq, func(s stretch, seq uint64) int { return cmp.Compare(s.high, seq) })
	return i
}

// older tells whether what is missing at seq is older history, news for nobody: what lies below
// the lowest stretch, and what was missing between such and the rest.
func (c *chain) older(seq uint64) bool {
	i := c.next(seq)
	return i < len(c.stretch) && (i == 0 || c.stretch[i-1].old)
}

// add notes that the events from first to last are here now; they are new, and in order. What
// is known of the end of a stretch is that of its uppermost part.
func (c *chain) add(first, last *room.Event, head *roompb.Head) {
	s := stretch{low: first.Header.GetSeq(), high: last.Header.GetSeq(), top: last.ID, signature: head.GetSignature()}
	s.before, _ = room.HashFromBytes(first.Header.GetPrev())
	s.old = c.older(s.high)
	i := c.next(s.high)
	if i > 0 && i == len(c.stretch) && c.log == roompb.Log_LOG_MESSAGES {
		c.stretch[i-1].signature = c.head.GetSignature()
	}
	c.stretch = slices.Insert(c.stretch, i, s)
	c.merge(i)
	c.merge(i - 1)
}

// merge makes two stretches that meet one: the i-th and the one above.
func (c *chain) merge(i int) {
	if i < 0 || i+1 >= len(c.stretch) || c.stretch[i].high+1 != c.stretch[i+1].low {
		return
	}
	c.stretch[i+1].low, c.stretch[i+1].before = c.stretch[i].low, c.stretch[i].before
	c.stretch = slices.Delete(c.stretch, i, i+1)
}

// signature is that of the head at the end of the i-th stretch; nil when it is not known.
func (c *chain) signature(i int) []byte {
	if i == len(c.stretch)-1 {
		return c.head.GetSignature()
	}
	return c.stretch[i].signature
}

// take notes that events are here now, under a head where they are no page.
func (c *chain) take(events []*room.Event, head *roompb.Head) {
	last := events[len(events)-1]
	c.add(events[0], last, head)
	if head != nil && last.Header.GetSeq() == c.seq() {
		c.end(last, head)
	}
}

// full tells whether so many stretches are here that a peer may not bring another one.
func (c *chain) full(peer string) bool {
	most := mostShared
	if peer == c.key.origin {
		most = mostTorn
	}
	return len(c.stretch) >= most
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
		t := &roompb.Top{Origin: c.key.origin, Incarnation: c.key.incarnation, Seq: c.fork}
		if c.fork > 0 { // zero where it is not known: a seq goes with a hash
			t.Hash = slices.Clone(c.forkHash[:])
		}
		return t
	}
	return &roompb.Top{Origin: c.key.origin, Incarnation: c.key.incarnation, Seq: c.seq(), Hash: c.hash.Bytes()}
}

// stored is the chain as the store keeps it.
func (c *chain) stored() *storagepb.Chain {
	out := &storagepb.Chain{Head: c.head, Frozen: c.frozen, Fork: c.fork}
	if !c.forkHash.IsZero() {
		out.ForkHash = c.forkHash.Bytes()
	}
	if c.other != nil {
		out.Other, _ = proto.Marshal(c.other)
	}
	if c.branch != nil {
		out.Branch, _ = proto.Marshal(c.branch) // of bytes that were decoded
		out.ProofA, out.ProofB = c.head, c.branch.GetHead()
	}
	for i, s := range c.stretch {
		segment := &storagepb.Segment{Low: s.low, High: s.high, Before: s.before.Bytes(), Old: s.old}
		if !s.top.IsZero() {
			segment.Hash = s.top.Bytes()
		}
		if i < len(c.stretch)-1 {
			segment.Signature = s.signature
		}
		out.Segments = append(out.Segments, segment)
	}
	return out
}

// wholeChain is a log of which the store has the head alone: all of it is here.
func wholeChain(h *roompb.Head) (*chain, error) {
	hash, err := room.HashFromBytes(h.GetHash())
	return &chain{
		key: keyOfHead(h), log: h.GetLog(), head: h, hash: hash, stretch: []stretch{{low: 1, high: h.GetSeq(), top: hash}},
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
	if len(p.GetOther()) > 0 {
		c.other = new(roompb.Parcel)
		if err := proto.Unmarshal(p.GetOther(), c.other); err != nil {
			return nil, fmt.Errorf("read another branch of %s: %w", c.key.origin, err)
		}
	}
	if len(p.GetForkHash()) > 0 {
		if c.forkHash, err = room.HashFromBytes(p.GetForkHash()); err != nil {
			return nil, fmt.Errorf("read the fork of %s: %w", c.key.origin, err)
		}
	}
	c.stretch = c.stretch[:0]
	for _, s := range p.GetSegments() {
		part := stretch{low: s.GetLow(), high: s.GetHigh(), signature: s.GetSignature(), old: s.GetOld()}
		if part.before, err = room.HashFromBytes(s.GetBefore()); err != nil {
			return nil, fmt.Errorf("read chain of %s: %w", c.key.origin, err)
		}
		if part.top, err = room.HashFromBytes(s.GetHash()); err != nil {
			return nil, fmt.Errorf("read chain of %s: %w", c.key.origin, err)
		}
		c.stretch = append(c.stretch, part)
	}
	return c, nil
}
