package node

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// receive takes a parcel of messages into the batch: what of it is new, all of it or
// nothing. later means that the peer should come again.
func (t *turn) receive(s *submission) error {
	r := s.parcel
	if r.key.origin == t.c.n.name {
		if err := t.c.n.outlive(r.key, r.last().Header.GetSeq(), t.c); err != nil {
			return err
		}
	}
	ch := t.chain(r.key)
	fresh, err := t.fresh(ch, r)
	if err != nil || len(fresh) == 0 {
		return t.settle(s, ch, err)
	}
	verdicts := make([]room.Verdict, len(fresh))
	for i, e := range fresh {
		if r.head != nil && e.Time().Millis() > t.now+room.MaxClockForward {
			return later
		}
		if verdicts[i] = t.c.state.Judge(e); verdicts[i].Outcome == room.Wait {
			return later
		}
	}
	if slices.ContainsFunc(verdicts, func(v room.Verdict) bool { return v.Outcome == room.Valid }) {
		ch.voided = 0
	} else if ch.voided += len(fresh); r.head != nil && ch.voided > mostVoided {
		return t.settle(s, ch, nil) // it is banned and goes on: nobody has to keep that
	}
	if t.err = t.early.read(t.c, fresh); t.err != nil {
		return t.err
	}
	old := ch.older(r.last().Header.GetSeq())
	for i, e := range fresh {
		beyond := ch.frozen != "" && e.Header.GetSeq() > ch.fork
		if t.err = t.learn(e, beyond || verdicts[i].Outcome == room.Void, old); t.err != nil {
			return t.err
		}
	}
	ch.take(fresh, r.head)
	t.logs[r.key] = ch
	t.replies = append(t.replies, reply{sub: s})
	return nil
}

// mostVoided bounds what is kept of a log whose authors have no right to it any more.
const mostVoided = 2000

// settle ends a parcel that brings nothing new, or another branch.
func (t *turn) settle(s *submission, ch *chain, err error) error {
	var f *forked
	isFork := errors.As(err, &f)
	if isFork && f.falls && s.parcel.peer == ch.key.origin { // as its node sends it, it can be refused
		return room.Errorf(room.BadRequest, "Time or state index falls along the log of %s.", ch.key.origin)
	}
	if isFork {
		t.c.suspect(s.parcel, ch)
		if s.parcel.asked { // not learnt
			return later
		}
		s.done <- result{}
		return nil
	}
	if err != nil {
		return err
	}
	s.done <- result{}
	return nil
}

// fresh is the part of a parcel that is not here yet; it fits what is.
func (t *turn) fresh(ch *chain, r *received) ([]*room.Event, error) {
	if ch.frozen != "" {
		return t.freshBranch(ch, r)
	}
	if r.head == nil {
		return t.freshPage(ch, r)
	}
	top, first, last := ch.seq(), r.first().Header.GetSeq(), r.last().Header.GetSeq()
	switch {
	case last <= top:
		return t.freshBelow(ch, r)
	case top == 0: // the first that is heard of this log
		return r.events, nil
	case first > top+1 && ch.full(r.peer):
		return nil, later
	case first > top+1: // a gap
		return r.events, rises(uint64(ch.lastTime), ch.lastSeen, r.first())
	}
	next := r.events[top+1-first]
	if string(next.Header.GetPrev()) != string(ch.hash[:]) {
		return nil, &forked{seq: top}
	}
	return r.events[top+1-first:], rises(uint64(ch.lastTime), ch.lastSeen, next)
}

// rises says that time, or the state index, falls from one event of a log to a later one.
// It is checked across gaps too: through one whose lower end is from the far future, all
// clocks of the room would follow.
func rises(time, index uint64, e *room.Event) error {
	if e.Header.GetTime() <= time || e.Header.GetStateIndex() < index {
		return &forked{seq: e.Header.GetSeq() - 1, falls: true}
	}
	return nil
}

// agrees compares an event with the one that is here at its place.
func (t *turn) agrees(ch *chain, e *room.Event) error {
	seq := e.Header.GetSeq()
	if !ch.holds(seq) || t.rows[e.ID] != nil {
		return nil
	}
	_, _, same, err := t.c.n.store.Find(e.ID)
	if err != nil {
		return fmt.Errorf("find event %s: %w", e.ID, err)
	}
	if !same {
		return &forked{seq: seq - 1}
	}
	return nil
}

// freshPage is the part of a page of older events that fills the gap below some stretch.
func (t *turn) freshPage(ch *chain, r *received) ([]*room.Event, error) {
	last := r.last()
	seq := last.Header.GetSeq()
	i := ch.next(seq)
	switch {
	case i == len(ch.stretch) || ch.stretch[i].low <= seq: // filled meanwhile
		return nil, nil
	case ch.stretch[i].low == seq+1 && ch.stretch[i].before == last.ID, ch.frozen != "" && ch.fork == seq && ch.forkHash == last.ID:
		return t.between(ch, r, i)
	}
	return nil, nil
}

// freshBelow is the part of a parcel under a head of its own that lies below what is here: its
// origin may never give what is missing above it.
func (t *turn) freshBelow(ch *chain, r *received) ([]*room.Event, error) {
	last := r.last()
	seq := last.Header.GetSeq()
	if ch.holds(seq) {
		return nil, t.agrees(ch, last)
	}
	i := ch.next(seq)
	meets := ch.stretch[i].low == seq+1
	if meets && ch.stretch[i].before != last.ID {
		return nil, &forked{seq: seq - 1}
	}
	events, err := t.between(ch, r, i)
	if err == nil && !meets && (i == 0 || ch.stretch[i-1].high+1 < events[0].Header.GetSeq()) && ch.full(r.peer) {
		return nil, later
	}
	return events, err
}

// between is the part of a parcel that is not here yet, of one that ends in the gap below the
// i-th stretch.
func (t *turn) between(ch *chain, r *received, i int) ([]*room.Event, error) {
	last := r.last().Header
	next, err := t.event(ch, ch.stretch[i].low)
	if err != nil {
		return nil, err
	}
	if err := rises(last.GetTime(), last.GetStateIndex(), next); err != nil || i == 0 {
		return r.events, err
	}
	above, events := ch.stretch[i-1].high, r.events
	if first := events[0].Header.GetSeq(); first <= above {
		events = events[above+1-first:]
	}
	return events, t.joins(ch, above, events[0])
}

// joins checks that an event may come after the last one below a gap.
func (t *turn) joins(ch *chain, above uint64, e *room.Event) error {
	was, err := t.event(ch, above)
	if err != nil {
		return err
	}
	if e.Header.GetSeq() == above+1 && string(e.Header.GetPrev()) != string(was.ID[:]) {
		return &forked{seq: above}
	}
	return rises(was.Header.GetTime(), was.Header.GetStateIndex(), e)
}

// event is one of a log by its seq, which may be of this batch.
func (t *turn) event(ch *chain, seq uint64) (*room.Event, error) {
	for i := range t.app.Records {
		e := t.app.Records[i].Event
		if h := e.Header; h.GetSeq() == seq && h.GetLog() == ch.log && keyOfHeader(h) == ch.key {
			return e, nil
		}
	}
	return t.c.logEvent(ch, seq)
}

// learn puts a received event into the batch.
func (t *turn) learn(e *room.Event, void, old bool) error {
	row := t.row(e)
	row.Void, row.Old = void, old
	if void {
		t.accept(row, nil)
		return nil
	}
	if e.Body == nil && e.Kind() == room.KindEdit { // which message it changes, its words alone tell
		t.wanted = append(t.wanted, row)
		t.app.Values = append(t.app.Values, storage.Value{Name: t.c.wordlessName(row.Pos), Bytes: []byte{}})
	}
	about, err := t.affected(row)
	if err != nil {
		return err
	}
	if about != nil {
		t.effect(row, about)
	}
	if e.Kind().Message() {
		row = t.overdue(row)
	}
	t.accept(row, about)
	return nil
}

// affected is the message that a received event changes, with its standing; nil when it
// is not here yet, or when the event may not change it.
func (t *turn) affected(row *storage.Row) (*storage.Row, error) {
	e := row.Event
	target, ok := e.Target()
	if e.Kind().Message() {
		target, ok = e.Thread()
	}
	if !ok {
		return nil, nil
	}
	about, err := t.find(target)
	if room.CodeOf(err) == room.NotFound {
		return nil, nil // overdue looks for it when the message comes
	}
	if err != nil {
		return nil, err
	}
	if about.Void || e.Kind().Message() && !begins(about) || !e.Kind().Message() && t.c.state.JudgeTarget(e, about.Event) != nil {
		return nil, nil
	}
	return withStanding(about), nil
}

// overdue applies to a message what was said about it and came before it.
func (t *turn) overdue(row *storage.Row) *storage.Row {
	recs, replies, newest := t.early.of(row.Event.ID, t.app.Records)
	if !begins(row) {
		replies = 0
	}
	if len(recs) == 0 && replies == 0 {
		return row
	}
	row = withStanding(row)
	if replies > 0 {
		row.Standing.ThreadReplies, row.Standing.ThreadTime = uint32(replies), newest.Millis()
	}
	for i := range recs {
		if rec := &recs[i]; !rec.Void && t.c.state.JudgeTarget(rec.Event, row.Event) == nil {
			t.effect(&storage.Row{Record: *rec}, row)
		}
	}
	t.stand(row)
	return row
}

// receiveEntries takes entries of the state log from a peer: in order, one after the
// other, the last of them under a head that the room's stewards have signed.
func (t *turn) receiveEntries(s *submission) error {
	r, c := s.parcel, t.c
	if len(c.stub) > 0 {
		s.done <- result{}
		return nil
	}
	if r.head == nil {
		return t.receiveOldEntries(s)
	}
	fresh := r.events
	if c.frozen != "" {
		s.done <- result{}
		return nil
	}
	if c.state.Partial() { // it goes on when all of it is here
		c.gather()
		return later
	}
	if t.excludes(r) {
		return t.conflict(s)
	}
	if seq := fresh[0].Header.GetSeq(); seq <= c.state.Index {
		fresh = fresh[min(uint64(len(fresh)), c.state.Index+1-seq):]
	}
	if len(fresh) == 0 {
		s.done <- result{}
		return nil
	}
	first := fresh[0]
	if first.Header.GetSeq() > c.state.Index+1 {
		return later
	}
	if string(first.Header.GetPrev()) != string(c.state.Hash[:]) {
		return t.conflict(s)
	}
	if err := t.canFollow(fresh); err != nil {
		return err
	}
	if err := t.foldAll(fresh, r.head); err != nil {
		return err
	}
	var voided []string
	if voided, t.err = t.voids(); t.err != nil {
		return t.err
	}
	if err := t.invite(r); err != nil {
		return err
	}
	for i, e := range fresh {
		row := t.row(e)
		t.accept(row, nil)
		t.answerLater(row)
		if i == len(fresh)-1 && len(voided) > 0 {
			t.steps[len(t.steps)-1].item = c.encodeItem(row, nil, voided[:min(len(voided), maxVoided)])
		}
	}
	t.replies = append(t.replies, reply{sub: s})
	return nil
}

// canFollow checks entries that join on to the state log: their times, and that what changes who signs is the last.
func (t *turn) canFollow(fresh []*room.Event) error {
	if fresh[0].Time() <= t.c.state.Clock {
		return room.Errorf(room.BadRequest, "Time falls along the state log.")
	}
	for _, e := range fresh[:len(fresh)-1] {
		if e.Kind() == room.KindStewards {
			return room.Errorf(room.BadRequest, "An entry that changes the stewards is not the last of its parcel.")
		}
	}
	for _, e := range fresh {
		if e.Time().Millis() > t.now+room.MaxClockForward {
			return later
		}
	}
	return nil
}

// excludes tells whether another entry is here in the place of a parcel's last one, which
// the stewards of now have signed.
func (t *turn) excludes(r *received) bool {
	c, last := t.c, r.last()
	if seq := last.Header.GetSeq(); seq < c.state.Index {
		return c.entries.holds(seq) && !c.hasEntry(last.ID.Bytes()) && c.state.Signed(r.head)
	} else if seq > c.state.Index {
		return false
	}
	return last.ID != c.state.Hash
}

// maxVoided bounds the ids in one item.
const maxVoided = 1000

// conflict: the peer's entries exclude those that are here. Signed by the stewards as
// those are, they prove that the stewards lie, or lost what they had ordered: both heads
// are kept, and the room stands still as it is here.
func (t *turn) conflict(s *submission) error {
	c, r := t.c, s.parcel
	if !c.state.Signed(r.head) {
		return room.Errorf(room.Forbidden, "The head of entry %d is not signed by the room's stewards.", r.head.GetSeq())
	}
	liars := c.signedBoth(r.head)
	t.frozen = fmt.Sprintf("The node %s, which orders this room's rules, signed two different states after entry %d.", strings.Join(liars, " and "), min(c.state.Index, r.first().Header.GetSeq()-1))
	t.proofs = [2]*roompb.Head{c.entries.head, r.head}
	c.n.log.Warn("a room has two states", "room", c.text, "peer", r.peer, "stewards", liars, "index", c.state.Index)
	for _, name := range liars {
		c.n.Peers.Raise(name, fmt.Sprintf("Room %s: %s It can only be read here; make a new room.", c.text, t.frozen))
	}
	t.replies = append(t.replies, reply{sub: s})
	return nil
}

// signedBoth are the stewards that signed the room's state here and one that excludes it:
// of several, those that lied. An honest one signs once.
func (c *chamber) signedBoth(theirs *roompb.Head) []string {
	ours := c.state.Signers(c.entries.head)
	both := slices.DeleteFunc(c.state.Signers(theirs), func(name string) bool { return !slices.Contains(ours, name) })
	if len(both) == 0 { // the stewards have changed in between
		return []string{c.state.Home}
	}
	return both
}

// receiveOldEntries takes a page of older entries: lines of the timeline, whose effects
// the snapshot has already.
func (t *turn) receiveOldEntries(s *submission) error {
	c := t.c
	if c.entries == nil {
		s.done <- result{}
		return nil
	}
	log := c.entries.clone()
	fresh, err := t.freshPage(log, s.parcel)
	if err != nil || len(fresh) == 0 {
		s.done <- result{}
		return nil
	}
	for _, e := range fresh {
		row := t.row(e)
		row.Old = true
		t.accept(row, nil)
	}
	log.add(fresh[0], fresh[len(fresh)-1], nil)
	t.older = log
	t.replies = append(t.replies, reply{sub: s})
	return nil
}
