package storage

import (
	"bytes"
	"crypto/ed25519"
	"slices"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// logs: each log is followed along what is here of it. Each entry names the one before; where it
// is not here, the log's Chain says so.
func (v *verifier) logs() error {
	var t *trail
	var states room.ID // whose state log was followed already
	err := v.each(spaceLog, func(c *cut, _, value []byte) error {
		r, name, seq := c.hash(), logName{roompb.Log(c.u8()), c.word(), c.u32()}, c.u64()
		pos, err := parsePosValue(value)
		if err != nil || c.done() != nil {
			return err
		}
		if name.log == roompb.Log_LOG_STATE {
			if r == states {
				return nil
			}
			states = r
			return v.stateLog(r)
		}
		if t == nil || t.room != r || t.name != name {
			if err := v.endTrail(t); err != nil {
				return err
			}
			t = &trail{room: r, name: name}
		}
		return v.step(t, logStep{name, seq, pos})
	})
	if err != nil {
		return err
	}
	return v.endTrail(t)
}

// stateLog follows the one state log of a room, whose entries lie under their stewards' names.
func (v *verifier) stateLog(r room.ID) error {
	walk, err := walkLog(v.at, r, logName{log: roompb.Log_LOG_STATE}, 0)
	if err != nil {
		return err
	}
	defer walk.close()
	t := &trail{room: r, name: logName{log: roompb.Log_LOG_STATE}}
	for {
		step, ok, err := walk.next()
		if err != nil {
			return err
		}
		if !ok {
			return v.endTrail(t)
		}
		if err := v.step(t, step); err != nil {
			return err
		}
	}
}

// A trail is a log as it is followed: the stretches of it that are here.
type trail struct {
	room     room.ID
	name     logName
	segments []*storagepb.Segment
	ends     []room.EventID // of the segments
	seq, pos uint64         // of the last entry
	id       room.EventID
	holes    bool // an entry was not readable: which stretches there are is not known
}

func (v *verifier) step(t *trail, step logStep) error {
	e, err := v.event(t.room, step.pos)
	if err != nil {
		return err
	}
	if e == nil { // the pass over the log has said so
		t.holes = true
		return nil
	}
	switch {
	case len(t.segments) == 0 || step.seq > t.seq+1:
		t.segments = append(t.segments, &storagepb.Segment{Low: step.seq, Before: e.Header.GetPrev()})
		t.ends = append(t.ends, room.EventID{})
	case step.seq == t.seq:
		v.problem(t.room, step.pos, "it is entry %d of its log, and so is event %d", step.seq, t.pos)
	case !bytes.Equal(e.Header.GetPrev(), t.id[:]) && !t.holes:
		v.problem(t.room, step.pos, "it does not follow entry %d of %s", t.seq, step.origin)
	}
	t.segments[len(t.segments)-1].High, t.ends[len(t.ends)-1] = step.seq, e.ID
	t.seq, t.pos, t.id = step.seq, step.pos, e.ID
	return nil
}

// endTrail holds what is here of a log against what is said to be.
func (v *verifier) endTrail(t *trail) error {
	if t == nil || len(t.segments) == 0 {
		return nil
	}
	v.sum.Chains++
	c := new(storagepb.Chain)
	head := &roompb.Head{Log: t.name.log, Origin: t.name.origin, Incarnation: t.name.incarnation}
	ok, err := get(v.at, appendChain(nil, t.room, head), func(value []byte) error { return decode(value, c) })
	switch {
	case err != nil:
		return err
	case ok:
		v.want[spaceChain]++
		return v.chained(t, c)
	case t.holes:
		return nil
	}
	v.whole(t)
	if t.name.log == roompb.Log_LOG_STATE {
		return nil
	}
	return v.headed(t)
}

// whole: a log without a Chain is here from its first entry on.
func (v *verifier) whole(t *trail) {
	next := uint64(1)
	for _, s := range t.segments {
		if s.GetLow() != next {
			v.problem(t.room, 0, "entries %d to %d of %s are missing", next, s.GetLow()-1, t.name.origin)
		}
		next = s.GetHigh() + 1
	}
}

// headed: a log without a Chain is the one that its origin's head is of, or a former one. (Before
// there were Chains, a new incarnation just took the head's place.)
func (v *verifier) headed(t *trail) error {
	h := new(roompb.Head)
	ok, err := get(v.at, appendHead(nil, t.room, t.name.log, t.name.origin), func(value []byte) error { return decode(value, h) })
	if err == nil && (!ok || h.GetIncarnation() < t.name.incarnation) {
		v.problem(t.room, t.pos, "the log of %s has no head (incarnation %d)", t.name.origin, t.name.incarnation)
	}
	return err
}

// chained: a Chain names the stretches that are here, and the end of the last; of others the
// ends are signed, where that is known.
func (v *verifier) chained(t *trail, c *storagepb.Chain) error {
	same := slices.EqualFunc(c.GetSegments(), t.segments, func(a, b *storagepb.Segment) bool {
		return a.GetLow() == b.GetLow() && a.GetHigh() == b.GetHigh() && bytes.Equal(a.GetBefore(), b.GetBefore())
	})
	if !same && !t.holes {
		v.problem(t.room, t.pos, "the chain of %s says that %v are here, and %v are", t.name.origin, c.GetSegments(), t.segments)
	}
	for i, s := range c.GetSegments() {
		if same && !t.holes && len(s.GetHash()) > 0 && !bytes.Equal(s.GetHash(), t.ends[i][:]) {
			v.problem(t.room, t.pos, "the chain of %s names another entry %d than is here", t.name.origin, s.GetHigh())
		}
		if !same || t.holes || len(s.GetSignature()) == 0 {
			continue
		}
		if err := v.signed(t.room, &roompb.Head{
			Room: t.room.Bytes(), Log: t.name.log, Origin: t.name.origin, Incarnation: t.name.incarnation,
			Seq: s.GetHigh(), Hash: t.ends[i].Bytes(), Signature: s.GetSignature(),
		}); err != nil {
			return err
		}
	}
	if h := c.GetHead(); (h.GetSeq() != t.seq || !bytes.Equal(h.GetHash(), t.id[:])) && !t.holes {
		v.problem(t.room, t.pos, "the chain of %s ends at entry %d, and its head is of %d", t.name.origin, t.seq, h.GetSeq())
	}
	return nil
}

// chains: each is of its log, no newer than the log's head, and signed; so is the proof of a fork.
func (v *verifier) chains() error {
	return v.each(spaceChain, func(c *cut, key, value []byte) error {
		r, _, origin, _ := c.hash(), c.u8(), c.word(), c.u32()
		m := new(storagepb.Chain)
		if err := decode(value, m); err != nil {
			return err
		}
		h := m.GetHead()
		if !bytes.Equal(h.GetRoom(), r[:]) || !bytes.Equal(appendChain(nil, r, h), key) {
			v.problem(r, 0, "the chain of %s is another log's", origin)
			return nil
		}
		for _, proof := range []*roompb.Head{h, m.GetProofA(), m.GetProofB()} {
			if err := v.signed(r, proof); err != nil {
				return err
			}
		}
		return v.chainAge(r, h)
	})
}

func (v *verifier) chainAge(r room.ID, h *roompb.Head) error {
	if h.GetLog() == roompb.Log_LOG_STATE {
		return nil
	}
	newest := new(roompb.Head)
	_, err := get(v.at, appendHead(nil, r, h.GetLog(), h.GetOrigin()), func(value []byte) error { return decode(value, newest) })
	switch {
	case err != nil:
		return err
	case h.GetIncarnation() > newest.GetIncarnation():
		v.problem(r, 0, "the chain of %s is of incarnation %d, and its head of %d", h.GetOrigin(), h.GetIncarnation(), newest.GetIncarnation())
	case h.GetIncarnation() == newest.GetIncarnation() && (h.GetSeq() != newest.GetSeq() || !bytes.Equal(h.GetHash(), newest.GetHash())):
		v.problem(r, 0, "the chain of %s ends at %d, and its head is at %d", h.GetOrigin(), h.GetSeq(), newest.GetSeq())
	}
	return nil
}

// heads: each is the end of its chain, and signed.
func (v *verifier) heads() error {
	return v.each(spaceHead, func(c *cut, _, value []byte) error {
		r, log, origin := c.hash(), roompb.Log(c.u8()), c.tail()
		h := new(roompb.Head)
		if err := decode(value, h); err != nil {
			return err
		}
		v.sum.Heads++
		if !bytes.Equal(h.GetRoom(), r[:]) || h.GetLog() != log || h.GetOrigin() != origin {
			v.problem(r, 0, "the head of %s is another log's", origin)
		}
		if err := v.headEnds(r, h); err != nil {
			return err
		}
		return v.signed(r, h)
	})
}

func (v *verifier) headEnds(r room.ID, h *roompb.Head) error {
	_, beyond, err := v.entry(r, h, h.GetSeq()+1)
	if err != nil {
		return err
	}
	pos, there, err := v.entry(r, h, h.GetSeq())
	if err != nil {
		return err
	}
	if beyond || !there {
		v.problem(r, 0, "the head of %s is at %d, where its chain does not end", h.GetOrigin(), h.GetSeq())
		return nil
	}
	return v.headNames(r, h, pos)
}

// entry is where the entry numbered seq of a head's log stands.
func (v *verifier) entry(r room.ID, h *roompb.Head, seq uint64) (pos uint64, ok bool, err error) {
	key := appendLog(nil, r, h.GetLog(), h.GetOrigin(), h.GetIncarnation(), seq)
	ok, err = get(v.at, key, func(value []byte) (err error) {
		pos, err = parsePosValue(value)
		return err
	})
	return pos, ok, err
}

func (v *verifier) headNames(r room.ID, h *roompb.Head, pos uint64) error {
	e, err := v.event(r, pos)
	if e != nil && !bytes.Equal(h.GetHash(), e.ID[:]) {
		v.problem(r, pos, "the head of %s names another event", h.GetOrigin())
	}
	return err
}

// stateHeads: the head of each entry names it, where it is here, and is signed.
func (v *verifier) stateHeads() error {
	return v.each(spaceStateHead, func(c *cut, _, value []byte) error {
		r, seq := c.hash(), c.u64()
		h := new(roompb.Head)
		if err := decode(value, h); err != nil {
			return err
		}
		v.sum.Heads++
		if !bytes.Equal(h.GetRoom(), r[:]) || h.GetLog() != roompb.Log_LOG_STATE || h.GetSeq() != seq {
			v.problem(r, 0, "the head of entry %d is another's", seq)
			return nil
		}
		if err := v.signed(r, h); err != nil {
			return err
		}
		pos, ok, err := v.entry(r, h, seq)
		if err != nil || !ok {
			return err
		}
		return v.headNames(r, h, pos)
	})
}

// signed checks the signatures of a head, as far as the keys of those who signed are known.
// Whether they were the stewards then is the state's affair, which checked it when the head came.
func (v *verifier) signed(r room.ID, h *roompb.Head) error {
	if h == nil {
		return nil
	}
	key, err := v.keyIn(r, h.GetOrigin())
	if err != nil {
		return err
	}
	// An entry of the state may have been sealed by the other stewards, while the one that founded
	// the room was away.
	sealed := h.GetLog() == roompb.Log_LOG_STATE && len(h.GetSignature()) == 0 && len(h.GetCosignatures()) > 0
	if key != nil && !sealed && !room.VerifyHead(h, key) {
		v.problem(r, 0, "the head of %s is not signed by it", h.GetOrigin())
	}
	for _, co := range h.GetCosignatures() {
		if key, err = v.keyIn(r, co.GetNode()); err != nil {
			return err
		}
		signed := proto.CloneOf(h)
		signed.Signature = co.GetSignature()
		if key != nil && !room.VerifyHead(signed, key) {
			v.problem(r, 0, "the head of %s is not signed by %s, as it says", h.GetOrigin(), co.GetNode())
		}
	}
	return nil
}

// keyIn is a node's public key: as the room has it, for that is what its events were judged by;
// else as the caller knows it, else as it was pinned; nil when nobody knows it.
func (v *verifier) keyIn(r room.ID, node string) (ed25519.PublicKey, error) {
	if v.keys == nil || v.keysOf != r {
		m, err := readRoom(v.at, r)
		if err != nil {
			return nil, err
		}
		v.keysOf, v.keys = r, map[string]ed25519.PublicKey{}
		for _, n := range m.GetNodes() {
			if len(n.GetKey()) == ed25519.PublicKeySize {
				v.keys[n.GetName()] = n.GetKey()
			}
		}
	}
	key, known := v.keys[node]
	if known {
		return key, nil
	}
	if v.key != nil {
		key = v.key(node)
	}
	if key == nil {
		m := new(storagepb.Peer)
		_, err := get(v.at, appendName(nil, spacePeer, node), func(value []byte) error { return decode(value, m) })
		if err != nil {
			return nil, err
		}
		key = m.GetKey()
	}
	v.keys[node] = key
	return key, nil
}
