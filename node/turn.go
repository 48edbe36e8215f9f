package node

import (
	"fmt"
	"slices"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// turn is one batch of a room's loop while it is being made. Nothing outside sees any
// of it until the store has synced it.
type turn struct {
	c         *chamber
	now       int64
	app       storage.Append
	meta      *storagepb.Room
	rows      map[room.EventID]*storage.Row // of this batch
	keys      map[string]*reply
	own       logKey      // this node's log of messages
	err       error       // the store could not be read: nothing of the batch may be kept
	gone      []room.User // who left, whatever the room's home will say
	reset     bool        // what followers have seen was taken back: they look again
	frozen    string      // why the room can only be read from now on
	proofs    [2]*roompb.Head
	older     *chain            // the state log, with a page of older entries
	fold      *fold             // what entries of the state log do, when this turn is theirs
	logs      map[logKey]*chain // that this batch makes longer, as it leaves them
	said      bool              // this node's own log is among them
	steps     []step
	erased    []*room.Event // messages whose words go away: their files and links do too
	replies   []reply
	reads     map[room.User]uint64 // where this batch moves read positions
	marks     []storage.Read       // those that were asked for
	early     early                // what was said about messages that come only now
	withdrawn withdrawn            // what this batch takes back
	wanted    []*storage.Row       // messages whose words are missing now
}

type reply struct {
	sub     *submission
	receipt Receipt
}

func newTurn(c *chamber, batch []*submission) *turn {
	t := &turn{
		c: c, now: c.n.millis(), meta: c.meta(c.state),
		app:  storage.Append{Room: c.id, Records: make([]storage.Record, 0, len(batch))},
		rows: make(map[room.EventID]*storage.Row, len(batch)), keys: map[string]*reply{},
		replies: make([]reply, 0, len(batch)), reads: map[room.User]uint64{}, logs: map[logKey]*chain{}, own: c.n.ownLog(),
	}
	t.meta.HeadPos, t.meta.Counted, t.meta.Clock = c.headPos, c.counted, uint64(c.clock)
	c.last.put(t.meta)
	return t
}

// turn checks, appends and publishes a batch: step 3 to 7 of the data flow.
func (c *chamber) turn(batch []*submission) {
	c.outlive(batch)
	c.setRight()
	t := newTurn(c, batch)
	for _, s := range batch {
		if err := t.add(s); err != nil {
			s.done <- result{err: err}
		}
	}
	if len(t.app.Records)+len(t.marks)+len(t.logs)+len(t.gone)+len(t.app.Restore) == 0 && t.frozen == "" && t.fold == nil {
		return
	}
	if err := t.commit(); err != nil {
		for _, r := range t.replies {
			r.sub.done <- result{err: room.Errorf(room.Unavailable, "The node could not store that. Try again in a moment.")}
		}
		c.fail(err)
		return
	}
	t.publish()
}

// outlive looks for what others have of this node's own logs BEFORE anything of a batch is
// written to them: a batch has one of them.
func (c *chamber) outlive(batch []*submission) {
	for _, s := range batch {
		if s.parcel == nil || s.parcel.log != roompb.Log_LOG_MESSAGES || s.parcel.key.origin != c.n.name {
			continue
		}
		if err := c.n.outlive(s.parcel.key, s.parcel.last().Header.GetSeq(), c); err != nil {
			c.n.log.Error("begin new logs", "err", err)
		}
	}
}

// add checks one submission and puts what comes of it into the batch.
func (t *turn) add(s *submission) error {
	switch {
	case s.nudge:
		s.done <- result{}
		return nil
	case s.read != nil:
		return t.read(s)
	case s.fork != nil:
		return t.split(s)
	case s.words != nil:
		return t.restore(s)
	case s.gone != "":
		return t.goAway(s)
	case s.whole != nil:
		return t.arrive(s)
	case s.parcel != nil && s.state():
		return t.receiveEntries(s)
	case s.parcel != nil:
		return t.receive(s)
	}
	return t.take(s)
}

// take puts what somebody of this node says into the batch.
func (t *turn) take(s *submission) error {
	if done, err := t.repeated(s); done || err != nil {
		return err
	}
	if t.c.frozen != "" {
		return room.Errorf(room.Forbidden, "This room can only be read. %s", t.c.frozen)
	}
	if !s.draft.Kind.State() && t.left(s.draft.Author) { // what waited for another home may be their leave
		return noSuchRoom()
	}
	e, err := t.seal(s)
	if err != nil {
		return err
	}
	if err := t.c.state.Check(e); err != nil {
		return err
	}
	if !t.c.state.Changes(e) {
		s.done <- result{receipt: t.c.asIs()}
		return nil
	}
	row := t.row(e)
	about, err := t.target(row)
	if err != nil {
		return err
	}
	if about != nil {
		t.effect(row, about)
	}
	if e.Kind().State() {
		if err := t.foldOne(e); err != nil {
			return err
		}
	}
	t.accept(row, about)
	t.acknowledge(s, row)
	if e.Kind().State() {
		return nil
	}
	own := t.chain(t.own)
	own.add(e, e, nil)
	own.end(e, nil) // signed at the end of the batch
	t.logs[t.own], t.said = own, true
	return nil
}

// asIs answers who asks for what is so already, perhaps because the answer was lost.
func (c *chamber) asIs() Receipt {
	return Receipt{Event: c.state.Hash, Room: c.id, Index: c.state.Index, Time: c.state.Clock.Millis()}
}

// goAway notes that a user is gone, if nothing was settled about them since they asked.
func (t *turn) goAway(s *submission) error {
	if m := t.c.state.Member(s.gone); m.Membership == "" || m.From > s.since {
		s.done <- result{}
		return nil
	}
	t.gone = append(t.gone, s.gone)
	t.replies = append(t.replies, reply{sub: s})
	return nil
}

// left tells whether a user is gone from here, though the room's home does not know it yet.
func (t *turn) left(u room.User) bool {
	_, leaving := t.c.leaving[u]
	return leaving || slices.Contains(t.gone, u)
}

// row is the next of this node's copy of the room.
func (t *turn) row(e *room.Event) *storage.Row {
	row := &storage.Row{Record: storage.Record{Pos: t.meta.HeadPos + 1, Event: e, Counted: t.meta.Counted}}
	row.Thread, _ = e.Thread()
	return row
}

// chain is a log as this batch leaves it.
func (t *turn) chain(k logKey) *chain {
	if ch := t.logs[k]; ch != nil {
		return ch
	}
	if was := t.c.logs[k]; was != nil {
		return was.clone()
	}
	return &chain{key: k, log: roompb.Log_LOG_MESSAGES}
}

// repeated answers a draft whose key was used before with what came of it then.
func (t *turn) repeated(s *submission) (bool, error) {
	if s.draft.Key == "" {
		return false, nil
	}
	if first := t.keys[keyOf(s)]; first != nil {
		t.replies = append(t.replies, reply{s, first.receipt}) // acknowledged with the first, once synced
		return true, nil
	}
	k, ok, err := t.c.n.store.Key(s.draft.Author, t.c.id, s.draft.Key)
	if err != nil {
		return false, fmt.Errorf("look up key in room %s: %w", t.c.id, err)
	}
	if ok {
		s.done <- result{receipt: Receipt{Event: k.Event, Room: t.c.id, Pos: k.Pos, Time: k.Time}}
	}
	return ok, nil
}

func keyOf(s *submission) string { return string(s.draft.Author) + "\x00" + s.draft.Key }

// seal makes the event: this is where a draft gets its seq, its time and its hash.
func (t *turn) seal(s *submission) (*room.Event, error) {
	c, d := t.c, &s.draft
	h := &roompb.Header{
		Room: c.id.Bytes(), Log: d.Kind.Log(),
		Time: uint64(room.Time(t.meta.Clock).Next(t.now)), Author: string(d.Author), Kind: string(d.Kind),
	}
	if d.Kind.State() {
		h.Origin, h.Incarnation, h.Seq, h.Prev = c.state.Origin(), 1, c.state.Index+1, c.state.Hash.Bytes()
		h.StateIndex = h.Seq
		h.Time = max(h.Time, uint64(c.state.Clock)+1) // which may be ahead of all that is said (clock.go)
		t.cut(s)
	} else {
		end := t.logs[t.own]
		if end == nil {
			end = c.logs[t.own]
		}
		h.Origin, h.Incarnation, h.Seq, h.StateIndex = t.own.origin, t.own.incarnation, end.seq()+1, c.state.Index
		if end != nil {
			h.Prev = end.hash.Bytes()
		}
		t.narrowMentions(d)
	}
	return room.Seal(h, d.Body)
}

// narrowMentions keeps those who are in the room, and @room where the author may call it.
func (t *turn) narrowMentions(d *room.Draft) {
	in := d.Body.Mentions[:0]
	for _, u := range d.Body.Mentions {
		if t.c.state.Lacks(room.User(u)) || t.c.state.Member(room.User(u)).Membership == room.Joined {
			in = append(in, u)
		}
	}
	d.Body.Mentions = in
	d.Body.MentionRoom = d.Body.MentionRoom && t.c.state.Can(d.Author, room.RightMentionRoom)
}

// accept puts a checked event into the batch with all that follows from it. What is void,
// and history that somebody scrolled to, is news for nobody.
func (t *turn) accept(row *storage.Row, about *storage.Row) {
	e := row.Event
	t.meta.HeadPos, t.meta.Clock = row.Pos, max(t.meta.Clock, e.Header.GetTime())
	news := !row.Void && !row.Old
	switch {
	case news && e.Kind().Message():
		t.count(row)
	case news && e.Kind() == room.KindJoin: // what was said before counts as read
		t.moveRead(row)
	}
	t.early.note(&row.Record, len(t.app.Records))
	t.app.Records = append(t.app.Records, row.Record)
	t.rows[e.ID] = row
	next := step{pos: row.Pos, upto: row.Pos}
	if news {
		next.item = t.c.encodeItem(row, about, nil)
	}
	t.steps = append(t.steps, next)
}

// acknowledge tells the submitter, once the batch is synced.
func (t *turn) acknowledge(s *submission, row *storage.Row) {
	e := row.Event
	r := reply{s, Receipt{Event: e.ID, Room: t.c.id, Pos: row.Pos, Time: e.Time().Millis(), Index: e.Header.GetStateIndex()}}
	t.replies = append(t.replies, r)
	if s.draft.Key != "" {
		t.keys[keyOf(s)] = &r
		t.app.Keys = append(t.app.Keys, storage.Key{User: e.Author(), Key: s.draft.Key, Event: e.ID, Pos: row.Pos, Time: r.receipt.Time})
	}
}

// count is what a new message does to unread counts: it counts for everybody else, and
// moves its author's read position to itself.
func (t *turn) count(row *storage.Row) {
	e := row.Event
	if !e.Body.GetSilent() {
		t.meta.Counted++
		row.Counted = t.meta.Counted
		t.meta.LastPos, t.meta.LastTime = row.Pos, e.Time().Millis()
		t.meta.LastAuthor, t.meta.LastText = saidBy(e), clip(saidIn(e.Body), 100)
	}
	t.moveRead(row)
	for _, u := range e.Body.GetMentions() {
		if room.User(u) != e.Author() && t.c.state.Member(room.User(u)).Membership == room.Joined {
			t.app.Mentions = append(t.app.Mentions, storage.Mention{User: room.User(u), Pos: row.Pos})
		}
	}
	if e.Body.GetMentionRoom() && t.c.state.Can(e.Author(), room.RightMentionRoom) {
		t.app.Mentions = append(t.app.Mentions, storage.Mention{Pos: row.Pos})
	}
}

// moveRead moves the author's read position to their own event; those of other nodes'
// users are their nodes' affair.
func (t *turn) moveRead(row *storage.Row) {
	e := row.Event
	if e.Author().Node() != t.c.n.name {
		return
	}
	t.reads[e.Author()] = row.Pos
	t.app.Reads = append(t.app.Reads, storage.Read{User: e.Author(), Pos: row.Pos, Counted: row.Counted, Event: e.ID, Time: e.Time().Millis()})
}

// clip shortens text to n characters.
func clip(s string, n int) string {
	count := 0
	for i := range s {
		if count == n {
			return s[:i] + "…"
		}
		count++
	}
	return s
}
