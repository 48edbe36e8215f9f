package link

import (
	"bytes"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/federation/link/linkpb"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// How the rooms' traffic is spaced.
const (
	tellFirst = 50 * time.Millisecond // between two Haves that say the same, doubling
	tellMost  = 5 * time.Second
	ackWithin = 100 * time.Millisecond
	ackFar    = 2 * time.Second // for a log's origin that did not send the parcel itself
	ackEvents = 256
	holdHave  = 150 * time.Millisecond // and twice the RTT: so long a Have may be older than what is in flight
	maxPlaces = 100_000
	maxLearnt = 500_000 // logs in Haves until all rooms are forgotten: a peer must not fill this node's memory
)

// place is what is known of one room on one link.
//
//	has     what the peer has, counting what is in flight; nil: not known, it must tell
//	flight  the newest seq sent of each log and not acknowledged
//	got     what the peer has acknowledged, newest of each log
//	held    a Have that came while something was in flight: it may be older than that
type place struct {
	has    *roompb.Frontier
	flight map[logKey]uint64
	got    map[logKey]*roompb.Top
	held   *roompb.Frontier
	sent   time.Time // when something was last put in flight

	owed  bool // the peer is to get all it lacks, not only what this node passes on
	dirty bool // there is news
	busy  bool // between Begin and Pushed

	told     [32]byte // hash of the last Have that was sent
	toldAt   time.Time
	tellWait time.Duration
	tellAt   time.Time // zero: nothing is to be told

	acks     map[logKey]*roompb.Top
	parcels  map[logKey]Parcel // of acks, where they were parcels of the room's stream
	ackIndex uint64
	ackCount int
	ackAt    time.Time // zero: nothing is to be acknowledged
}

type logKey struct {
	log         roompb.Log
	origin      string
	incarnation uint32
}

var stateLog = logKey{log: roompb.Log_LOG_STATE}

func keyOf(t *roompb.Top) logKey {
	return logKey{roompb.Log_LOG_MESSAGES, t.GetOrigin(), t.GetIncarnation()}
}

func (l *Link) place(id room.ID) *place {
	p := l.rooms[id]
	if p == nil {
		p = &place{flight: map[logKey]uint64{}, got: map[logKey]*roompb.Top{}}
		if len(l.rooms) < maxPlaces { // beyond, a room's place is made anew each time
			l.rooms[id] = p
		}
	}
	return p
}

// Dirty says that the node has news of a room that the peer may be due. push tells the
// driver to push at once; otherwise steps may be due.
func (l *Link) Dirty(id room.ID) (push bool) {
	if l.phase != up {
		return false
	}
	p := l.place(id)
	known := p.dirty && p.has != nil
	p.dirty = true
	if p.has == nil {
		l.wake(id, p)
	}
	return !known && !p.busy && p.has != nil
}

// wake asks for what the room needs next.
func (l *Link) wake(id room.ID, p *place) {
	switch {
	case p.busy:
	case p.has == nil && p.dirty:
		l.step(Step{Do: Tell, Room: id}) // the peer, told what is here, says what it has
	case p.has != nil && (p.owed || p.dirty):
		l.step(Step{Do: Push, Room: id})
	}
}

// Begin begins a push: the peer has theirs; own says that it is due only what this node
// passes on. ok is false when nothing is due, or another push is under way.
func (l *Link) Begin(id room.ID) (theirs *roompb.Frontier, own, ok bool) {
	p := l.rooms[id]
	if p == nil || p.busy || p.has == nil || !p.owed && !p.dirty {
		return nil, false, false
	}
	p.busy, p.dirty = true, false
	return p.has, !p.owed, true
}

// Pushed says that parcels were sent after which the peer will have after; more says that
// not all that was due is sent.
func (l *Link) Pushed(now time.Time, id room.ID, after *roompb.Frontier, more bool) {
	p := l.rooms[id]
	if p == nil || !p.busy {
		return
	}
	p.takeOff(now, after)
	p.busy, p.has = false, after
	defer l.release(now, id, p)
	if more {
		p.dirty = true // the next Begin goes on, as owed or not
	} else {
		p.owed = false
	}
}

// takeOff notes what is in flight: where the peer will have more than it had.
func (p *place) takeOff(now time.Time, after *roompb.Frontier) {
	if after.GetStateIndex() > p.has.GetStateIndex() {
		p.flight[stateLog], p.sent = after.GetStateIndex(), now
	}
	var had map[logKey]uint64
	for i, t := range after.GetTops() {
		var before uint64
		if same := p.has.GetTops(); i < len(same) && keyOf(same[i]) == keyOf(t) {
			before = same[i].GetSeq() // nearly always: both are sorted
		} else {
			if had == nil {
				had = seqs(p.has)
			}
			before = had[keyOf(t)]
		}
		if t.GetSeq() > before {
			p.flight[keyOf(t)], p.sent = t.GetSeq(), now
		}
	}
}

func seqs(f *roompb.Frontier) map[logKey]uint64 {
	out := make(map[logKey]uint64, len(f.GetTops()))
	for _, t := range f.GetTops() {
		out[keyOf(t)] = t.GetSeq()
	}
	return out
}

// Drop forgets what is known of a room: the peer may not have it, or a push of it failed.
func (l *Link) Drop(id room.ID) {
	delete(l.rooms, id)
	delete(l.timed, id)
}

// receiveHave: the peer says what it has.
func (l *Link) receiveHave(now time.Time, f *roompb.Frontier) {
	if l.learnt += len(f.GetTops()); l.learnt > maxLearnt {
		l.learnt, l.rooms, l.timed = 0, map[room.ID]*place{}, map[room.ID]*place{}
	}
	id := room.ID(f.GetRoom())
	p := l.place(id)
	l.step(Step{Do: Reached, Room: id, Tops: f.GetTops(), StateIndex: f.GetStateIndex()})
	l.step(Step{Do: Compare, Room: id, Frontier: f})
	p.held = f
	if l.release(now, id, p); p.held != nil {
		l.timed[id] = p
	}
}

// release takes a held Have as what the peer has, once nothing is in flight that it may
// not know of.
func (l *Link) release(now time.Time, id room.ID, p *place) {
	if p.held == nil || p.busy || len(p.flight) > 0 && now.Before(p.releaseAt(l.rtt)) {
		return
	}
	p.has, p.held, p.owed = p.raised(p.held), nil, true
	clear(p.flight)
	l.wake(id, p)
}

func (p *place) releaseAt(rtt time.Duration) time.Time { return p.sent.Add(holdHave + 2*rtt) }

// raised is f with what was acknowledged since.
func (p *place) raised(f *roompb.Frontier) *roompb.Frontier {
	out := proto.Clone(f).(*roompb.Frontier)
	out.StateIndex = max(out.StateIndex, p.got[stateLog].GetSeq())
	known := map[logKey]bool{}
	for i, t := range out.Tops {
		k := keyOf(t)
		known[k] = true
		if g := p.got[k]; g.GetSeq() > t.GetSeq() {
			out.Tops[i] = g
		}
	}
	for k, g := range p.got {
		if k != stateLog && !known[k] {
			out.Tops = append(out.Tops, g)
		}
	}
	slices.SortFunc(out.Tops, compareTops)
	return out
}

func compareTops(a, b *roompb.Top) int {
	if c := strings.Compare(a.GetOrigin(), b.GetOrigin()); c != 0 {
		return c
	}
	return int(int64(a.GetIncarnation()) - int64(b.GetIncarnation()))
}

// receiveAck: the peer has stored.
func (l *Link) receiveAck(a *linkpb.Ack) {
	if a.GetStream() > 0 {
		a = l.written(a)
	}
	if len(a.GetRoom()) == 0 {
		return
	}
	id := room.ID(a.GetRoom())
	l.step(Step{Do: Reached, Room: id, Tops: a.GetTops(), StateIndex: a.GetStateIndex()})
	p := l.rooms[id]
	if p == nil {
		return
	}
	for _, t := range a.GetTops() {
		p.acknowledged(keyOf(t), t)
	}
	if a.GetStateIndex() > 0 {
		p.acknowledged(stateLog, &roompb.Top{Seq: a.GetStateIndex()})
	}
	if len(p.flight) == 0 && p.held != nil {
		l.release(l.heard, id, p)
	}
}

// acknowledged notes the newest of a log; of no more logs than a frontier may have.
func (p *place) acknowledged(k logKey, t *roompb.Top) {
	if p.flight[k] <= t.GetSeq() {
		delete(p.flight, k)
	}
	if p.got[k].GetSeq() < t.GetSeq() && (p.got[k] != nil || len(p.got) < room.MaxTops) {
		p.got[k] = t
	}
}

// Lacks says that the peer has more than this node, or has sent what could not be used: it
// is to be told what this node has, with a growing wait while that does not change.
func (l *Link) Lacks(now time.Time, f *roompb.Frontier) {
	if l.phase == up && len(f.GetRoom()) == len(room.ID{}) {
		l.tell(now, f, true)
	}
}

// Tell says what this node has of a room. What was just said is not said again.
func (l *Link) Tell(now time.Time, f *roompb.Frontier) {
	if l.phase == up && len(f.GetRoom()) == len(room.ID{}) {
		l.tell(now, f, false)
	}
}

func (l *Link) tell(now time.Time, f *roompb.Frontier, insist bool) {
	p := l.place(room.ID(f.GetRoom()))
	sum := sumFrontier(f)
	if sum == p.told {
		if now.Before(p.toldAt.Add(p.tellWait)) {
			if insist {
				p.tellAt = p.toldAt.Add(p.tellWait)
				l.timed[room.ID(f.GetRoom())] = p
			}
			return
		}
		p.tellWait = min(2*p.tellWait, tellMost)
	} else {
		p.tellWait = tellFirst
	}
	p.told, p.toldAt, p.tellAt = sum, now, time.Time{}
	l.send(&linkpb.Frame{What: &linkpb.Frame_Have{Have: &linkpb.Have{Frontier: f}}})
}

func sumFrontier(f *roompb.Frontier) [32]byte {
	b, _ := proto.MarshalOptions{Deterministic: true}.Marshal(f) // what came from the node encodes
	return sha256.Sum256(b)
}

// Stored says that a parcel which ended in head was stored. near: this peer sent it; an
// origin that did not is told more slowly. as is what it was sent as, zero where the peer
// does not number it.
// sooner tells that Due has changed.
func (l *Link) Stored(now time.Time, head *roompb.Head, events int, near bool, as Parcel) (sooner bool) {
	if l.phase != up || len(head.GetRoom()) != len(room.ID{}) {
		return false
	}
	p := l.place(room.ID(head.GetRoom()))
	if head.GetLog() == roompb.Log_LOG_STATE {
		p.ackIndex = max(p.ackIndex, head.GetSeq())
	} else {
		p.acknowledge(&roompb.Top{Origin: head.GetOrigin(), Incarnation: head.GetIncarnation(), Seq: head.GetSeq(), Hash: head.GetHash()}, as)
	}
	within := ackFar
	if near {
		within = ackWithin
		p.ackCount += events
	}
	at := p.ackAt
	p.ackAt = earlier(at, now.Add(within))
	if p.ackCount >= ackEvents {
		l.ack(room.ID(head.GetRoom()), p)
		return true
	}
	l.timed[room.ID(head.GetRoom())] = p
	return at != p.ackAt
}

func (p *place) acknowledge(t *roompb.Top, as Parcel) {
	if p.acks == nil {
		p.acks, p.parcels = map[logKey]*roompb.Top{}, map[logKey]Parcel{}
	}
	if k := keyOf(t); p.acks[k].GetSeq() < t.GetSeq() {
		p.acks[k], p.parcels[k] = t, as
	}
}

func (l *Link) ack(id room.ID, p *place) {
	a, brief := &linkpb.Ack{Room: id[:], StateIndex: p.ackIndex}, briefAcks{}
	for k, t := range p.acks {
		if as := p.parcels[k]; as.Stream > 0 {
			brief.add(as)
		} else {
			a.Tops = append(a.Tops, t)
		}
	}
	slices.SortFunc(a.Tops, compareTops)
	p.acks, p.parcels, p.ackIndex, p.ackCount, p.ackAt = nil, nil, 0, 0, time.Time{}
	for _, b := range brief.sorted() {
		l.send(&linkpb.Frame{What: &linkpb.Frame_Ack{Ack: b}})
	}
	if len(a.Tops) > 0 || a.StateIndex > 0 {
		l.send(&linkpb.Frame{What: &linkpb.Frame_Ack{Ack: a}})
	}
}

// due is when the room needs a Tick; zero: never.
func (p *place) due(rtt time.Duration) time.Time {
	due := earlier(p.tellAt, p.ackAt)
	if p.held != nil && !p.busy {
		due = earlier(due, p.releaseAt(rtt))
	}
	return due
}

// tickRooms gives the rooms that wait for a moment their turn, in the order of their ids.
func (l *Link) tickRooms(now time.Time) {
	ids := slices.SortedFunc(maps.Keys(l.timed), func(a, b room.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids {
		p := l.timed[id]
		l.tickRoom(now, id, p)
		if p.tellAt.IsZero() && p.ackAt.IsZero() && p.held == nil {
			delete(l.timed, id)
		}
	}
}

func (l *Link) tickRoom(now time.Time, id room.ID, p *place) {
	if !p.ackAt.IsZero() && !now.Before(p.ackAt) {
		l.ack(id, p)
	}
	if !p.tellAt.IsZero() && !now.Before(p.tellAt) {
		p.tellAt = time.Time{}
		l.step(Step{Do: Tell, Room: id})
	}
	l.release(now, id, p)
}

// Behind tells whether theirs has something that ours lacks.
func Behind(ours, theirs *roompb.Frontier) bool {
	if theirs.GetStateIndex() > ours.GetStateIndex() {
		return true
	}
	have := seqs(ours)
	return slices.ContainsFunc(theirs.GetTops(), func(t *roompb.Top) bool { return t.GetSeq() > have[keyOf(t)] })
}
