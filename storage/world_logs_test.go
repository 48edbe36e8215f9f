package storage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// testLog is one log of a room as its origin has it, and which of its entries have come here.
type testLog struct {
	name   logName
	events []*room.Event
	here   []bool
	count  uint64 // of those
	frozen string
	proof  [2]*roompb.Head
	stored bool // the store has a Chain of it
}

// farNode writes a log that this node meets late and misses parts of.
const farNode = "far.example"

// log is the log that an event of a kind by an origin goes to now.
func (r *testRoom) log(k room.Kind, origin string) *testLog {
	name := logName{roompb.Log_LOG_STATE, "", 0}
	if k.Log() == roompb.Log_LOG_MESSAGES {
		name = logName{k.Log(), origin, r.lives[origin]}
	}
	if r.logs[name] == nil {
		r.logs[name] = &testLog{name: name}
	}
	return r.logs[name]
}

func (l *testLog) last() *room.Event {
	if len(l.events) == 0 {
		return nil
	}
	return l.events[len(l.events)-1]
}

// top is the newest entry that is here.
func (l *testLog) top() *room.Event {
	for i := len(l.events) - 1; i >= 0; i-- {
		if l.here[i] {
			return l.events[i]
		}
	}
	return nil
}

// whole tells whether all from 1 to the top is here.
func (l *testLog) whole() bool {
	top := l.top()
	return top != nil && l.count == top.Header.Seq
}

// segments are the stretches that are here.
func (l *testLog) segments() (all []*storagepb.Segment) {
	for i, here := range l.here {
		switch {
		case here && (i == 0 || !l.here[i-1]):
			all = append(all, &storagepb.Segment{Low: uint64(i + 1), High: uint64(i + 1), Before: l.events[i].Header.Prev})
		case here:
			all[len(all)-1].High++
		}
	}
	return all
}

// seal makes the next event of an origin's log, which does not come here yet.
func (w *world) seal(r *testRoom, origin string, k room.Kind, b *roompb.Body) *testLog {
	l := r.log(k, origin)
	r.clock += uint64(w.rng.IntN(3) + 1)
	h := &roompb.Header{
		Room: r.id.Bytes(), Log: l.name.log, Origin: origin, Incarnation: l.name.incarnation, Seq: 1,
		Time: r.clock, Author: "alice@" + origin, Kind: string(k),
	}
	if last := l.last(); last != nil {
		h.Seq, h.Prev = last.Header.Seq+1, last.ID.Bytes()
	}
	b.Salt = make([]byte, room.SaltLen)
	for i := range b.Salt {
		b.Salt[i] = byte(w.rng.Uint32())
	}
	e, err := room.Seal(h, b)
	if err != nil {
		panic(err)
	}
	l.events, l.here = append(l.events, e), append(l.here, false)
	return l
}

// take adds entry i of a log to a turn.
func (w *world) take(r *testRoom, a *Append, l *testLog, i int, as Record) *room.Event {
	e := l.events[i]
	l.here[i], r.touched[l] = true, true
	l.count++
	r.pos++
	if e.Kind().Message() && !e.Body.GetSilent() && !as.Void && !as.Old {
		r.meta.Counted++
	}
	as.Pos, as.Event, as.Counted = r.pos, e, r.meta.Counted
	a.Records = append(a.Records, as)
	r.rec[r.pos], r.ids[r.pos] = as, e.ID
	return e
}

// event adds an event to a turn.
func (w *world) event(r *testRoom, a *Append, origin string, k room.Kind, b *roompb.Body) *room.Event {
	l := w.seal(r, origin, k, b)
	return w.take(r, a, l, len(l.events)-1, Record{})
}

// finish gives a turn its heads, its chains and its Meta, and counts it.
func (w *world) finish(r *testRoom, a *Append) {
	for _, l := range slices.SortedFunc(maps.Keys(r.touched), func(a, b *testLog) int { return compareNames(a.name, b.name) }) {
		w.endLog(r, a, l)
		w.endHeads(r, a, l)
	}
	clear(r.touched)
	r.meta.HeadPos, r.meta.Clock = r.pos, uint64(len(r.turns)+1)
	a.Meta = cloneMeta(r.meta)
	r.turns = append(r.turns, a)
}

func compareNames(a, b logName) int {
	return cmp.Or(cmp.Compare(a.log, b.log), cmp.Compare(a.origin, b.origin), cmp.Compare(a.incarnation, b.incarnation))
}

// endLog says what is here of a log, unless it is simply all.
func (w *world) endLog(r *testRoom, a *Append, l *testLog) {
	newest := l.name.log == roompb.Log_LOG_STATE || r.lives[l.name.origin] == l.name.incarnation
	if l.whole() && newest && l.frozen == "" {
		if l.stored {
			a.DropChains = append(a.DropChains, w.sign(l.top()))
		}
		l.stored = false
		return
	}
	l.stored = true
	segments := l.segments()
	for _, s := range segments[:len(segments)-1] {
		if l.name.log == roompb.Log_LOG_MESSAGES {
			s.Signature = w.sign(l.events[s.High-1]).Signature
		}
	}
	a.Chains = append(a.Chains, &storagepb.Chain{Head: w.sign(l.top()), Segments: segments, Frozen: l.frozen, ProofA: l.proof[0], ProofB: l.proof[1]})
}

func (w *world) sign(e *room.Event) *roompb.Head {
	h := room.HeadOf(e)
	room.SignHead(h, w.key)
	return h
}

// endHeads gives the newest entry here of each origin a head, and, by chance, new entries of the
// state log before it, each cosigned by chance.
func (w *world) endHeads(r *testRoom, a *Append, l *testLog) {
	state := l.name.log == roompb.Log_LOG_STATE
	if !state && r.lives[l.name.origin] != l.name.incarnation {
		return
	}
	var fresh []*room.Event // newer than the head that was last given
	newest := map[string]*room.Event{}
	for _, rec := range a.Records {
		h := rec.Event.Header
		if r.logOf(h) != l || h.Seq <= r.ends[endOf(h)] {
			continue
		}
		fresh = append(fresh, rec.Event)
		if was := newest[h.Origin]; was == nil || was.Header.Seq < h.Seq {
			newest[h.Origin] = rec.Event
		}
	}
	slices.SortFunc(fresh, func(a, b *room.Event) int { return cmp.Compare(a.Header.Seq, b.Header.Seq) })
	for _, e := range fresh {
		if newest[e.Header.Origin] != e && (!state || w.rng.IntN(2) == 0) {
			continue
		}
		h := w.sign(e)
		if state && w.rng.IntN(2) == 0 {
			h.Cosignatures = []*roompb.Cosignature{{Node: "second.example", Signature: h.Signature}}
		}
		a.Heads = append(a.Heads, h)
		r.ends[endOf(e.Header)] = e.Header.Seq
	}
}

func endOf(h *roompb.Header) string { return fmt.Sprint(h.Log, h.Origin, h.Incarnation) }

// logOf is the log that an event is in.
func (r *testRoom) logOf(h *roompb.Header) *testLog {
	if h.Log == roompb.Log_LOG_STATE {
		return r.logs[logName{log: h.Log}]
	}
	return r.logs[logName{h.Log, h.Origin, h.Incarnation}]
}

// receive: the far node's newest events come, some of them about messages that are not here; what
// came before them may have been missed.
func (w *world) receive(r *testRoom, a *Append) {
	l := r.log(room.KindText, farNode)
	if l.frozen != "" {
		return
	}
	if w.rng.IntN(2) == 0 {
		for range 1 + w.rng.IntN(4) {
			w.sealFar(r)
		}
	}
	for range 1 + w.rng.IntN(3) {
		w.sealFar(r)
		w.takeFar(r, a, l, len(l.events)-1, false)
	}
}

func (w *world) sealFar(r *testRoom) {
	kind, b := room.KindText, &roompb.Body{Text: w.text()}
	if l := r.log(kind, farNode); len(l.events) > 0 && w.rng.IntN(2) == 0 {
		kind, b.Emoji, b.Target = room.KindReact, "🫖", l.events[w.rng.IntN(len(l.events))].ID.Bytes()
	}
	if pos, ok := w.some(r); ok && w.rng.IntN(4) == 0 {
		b.Thread = r.ids[pos].Bytes()
	}
	w.seal(r, farNode, kind, b)
}

func (w *world) takeFar(r *testRoom, a *Append, l *testLog, i int, old bool) {
	e := w.take(r, a, l, i, Record{Old: old, Void: w.rng.IntN(8) == 0})
	if e.Kind().Message() {
		r.texts = append(r.texts, r.pos)
	}
}

// fetch: a page of what is missing comes, from the newest down, of any log that lacks something.
func (w *world) fetch(r *testRoom, a *Append) {
	names := slices.SortedFunc(maps.Keys(r.logs), compareNames)
	l := r.logs[names[w.rng.IntN(len(names))]]
	high := len(l.events) - 1
	for high >= 0 && !l.here[high] { // what is newer than all that is here was missed for good
		high--
	}
	for high >= 0 && l.here[high] {
		high--
	}
	low := high
	for low > 0 && !l.here[low-1] && high-low < 3 {
		low--
	}
	for i := low; i >= 0 && i <= high; i++ {
		w.takeFar(r, a, l, i, true)
	}
}

// beginAnew: the far node was restored from a backup, and writes a new log.
func (w *world) beginAnew(r *testRoom, a *Append) {
	l := r.log(room.KindText, farNode)
	if w.rng.IntN(4) > 0 || l.top() == nil {
		return
	}
	r.touched[l] = true
	r.lives[farNode]++
	w.receive(r, a)
}

// freeze: the far node has signed two events for one place.
func (w *world) freeze(r *testRoom, a *Append) {
	l := r.log(room.KindText, farNode)
	if w.rng.IntN(4) > 0 || l.top() == nil {
		return
	}
	fork := room.HeadOf(l.top())
	fork.Hash[0] ^= 1
	room.SignHead(fork, w.key)
	l.frozen, l.proof = "it forked", [2]*roompb.Head{w.sign(l.top()), fork}
	r.touched[l] = true
}

// void: the state log takes something back, of this node's messages or of others'.
func (w *world) void(r *testRoom, a *Append) {
	pos := 1 + w.rng.Uint64N(r.pos)
	if !r.rec[pos].Event.Kind().State() {
		a.Void = append(a.Void, pos)
	}
}
