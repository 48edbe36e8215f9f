package node

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// turn is one batch of a room's loop while it is being made. Nothing outside sees any
// of it until the store has synced it.
type turn struct {
	c    *chamber
	now  int64
	app  storage.Append
	meta *storagepb.Room
	rows map[room.EventID]*storage.Row // of this batch
	keys map[string]*reply
	// entry is the state log's, when this turn is one.
	entry   *room.Event
	last    *room.Event // the end of the message log
	steps   []step
	replies []reply
	reads   map[room.User]uint64 // where this batch moves read positions
	marks   []storage.Read       // those that were asked for
}

type reply struct {
	sub     *submission
	receipt Receipt
}

// turn checks, appends and publishes a batch: step 3 to 7 of the data flow.
func (c *chamber) turn(batch []*submission) {
	t := &turn{
		c: c, now: c.n.millis(), meta: c.meta(c.state),
		app:  storage.Append{Room: c.id, Records: make([]storage.Record, 0, len(batch))},
		rows: make(map[room.EventID]*storage.Row, len(batch)), keys: map[string]*reply{},
		replies: make([]reply, 0, len(batch)), reads: map[room.User]uint64{},
	}
	t.meta.HeadPos, t.meta.Counted, t.meta.Clock = c.headPos, c.counted, uint64(c.clock)
	c.last.put(t.meta)
	for _, s := range batch {
		if err := t.add(s); err != nil {
			s.done <- result{err: err}
		}
	}
	if len(t.app.Records)+len(t.marks) == 0 {
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

// add checks one draft and puts its event into the batch.
func (t *turn) add(s *submission) error {
	if s.read != nil {
		return t.read(s)
	}
	if done, err := t.repeated(s); done || err != nil {
		return err
	}
	e, err := t.seal(&s.draft)
	if err != nil {
		return err
	}
	if err := t.c.state.Check(e); err != nil {
		return err
	}
	row := &storage.Row{Record: storage.Record{Pos: t.meta.HeadPos + 1, Event: e, Counted: t.meta.Counted}}
	row.Thread, _ = e.Thread()
	about, err := t.effect(row)
	if err != nil {
		return err
	}
	t.accept(s, row, about)
	return nil
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
		s.done <- result{receipt: Receipt{k.Event, t.c.id, k.Pos, k.Time}}
	}
	return ok, nil
}

func keyOf(s *submission) string { return string(s.draft.Author) + "\x00" + s.draft.Key }

// seal makes the event: this is where a draft gets its seq, its time and its hash.
func (t *turn) seal(d *room.Draft) (*room.Event, error) {
	c := t.c
	h := &roompb.Header{
		Room: c.id.Bytes(), Log: d.Kind.Log(), Origin: c.n.name,
		Time: uint64(room.Time(t.meta.Clock).Next(t.now)), Author: string(d.Author), Kind: string(d.Kind),
	}
	if d.Kind.State() {
		h.Incarnation, h.Seq, h.Prev = 1, c.state.Index+1, c.state.Hash.Bytes()
		h.StateIndex = h.Seq
		t.cut(d)
	} else {
		h.Incarnation, h.Seq, h.Prev, h.StateIndex = c.n.incarnation, c.seq+1, c.prev.Bytes(), c.state.Index
		if t.last != nil {
			h.Seq, h.Prev = t.last.Header.GetSeq()+1, t.last.ID.Bytes()
		}
		t.narrowMentions(d)
	}
	return room.Seal(h, d.Body)
}

// takesAway are the entries that end somebody's right to speak.
var takesAway = map[room.Kind]bool{room.KindLeave: true, room.KindKick: true, room.KindBan: true, room.KindRole: true}

// cut notes, in an entry that takes a right away, how far this node's log had come.
func (t *turn) cut(d *room.Draft) {
	if takesAway[d.Kind] && t.c.seq > 0 {
		d.Body.Cuts = []*roompb.Cut{{Origin: t.c.n.name, Incarnation: t.c.n.incarnation, Seq: t.c.seq, Hash: t.c.prev.Bytes()}}
	}
}

// narrowMentions keeps those who are in the room, and @room where the author may call it.
func (t *turn) narrowMentions(d *room.Draft) {
	in := d.Body.Mentions[:0]
	for _, u := range d.Body.Mentions {
		if t.c.state.Member(room.User(u)).Membership == room.Joined {
			in = append(in, u)
		}
	}
	d.Body.Mentions = in
	d.Body.MentionRoom = d.Body.MentionRoom && t.c.state.Can(d.Author, room.RightMentionRoom)
}

// accept puts a checked event into the batch with all that follows from it.
func (t *turn) accept(s *submission, row *storage.Row, about *storage.Row) {
	e := row.Event
	t.meta.HeadPos, t.meta.Clock = row.Pos, e.Header.GetTime()
	switch {
	case e.Kind().Message():
		t.count(row)
	case e.Kind() == room.KindJoin: // what was said before counts as read
		t.moveRead(row)
	}
	if e.Kind().State() {
		t.entry = e
	} else {
		t.last = e
	}
	t.app.Records = append(t.app.Records, row.Record)
	t.rows[e.ID] = row
	r := reply{s, Receipt{e.ID, t.c.id, row.Pos, e.Time().Millis()}}
	t.replies = append(t.replies, r)
	if s.draft.Key != "" {
		t.keys[keyOf(s)] = &r
		t.app.Keys = append(t.app.Keys, storage.Key{User: e.Author(), Key: s.draft.Key, Event: e.ID, Pos: row.Pos, Time: r.receipt.Time})
	}
	t.steps = append(t.steps, step{row.Pos, t.c.encodeItem(row, about)})
}

// count is what a new message does to unread counts: it counts for everybody else, and
// moves its author's read position to itself.
func (t *turn) count(row *storage.Row) {
	e := row.Event
	if !e.Body.GetSilent() {
		t.meta.Counted++
		row.Counted = t.meta.Counted
		t.meta.LastPos, t.meta.LastTime = row.Pos, e.Time().Millis()
		t.meta.LastAuthor, t.meta.LastText = string(e.Author()), clip(e.Body.GetText(), 100)
	}
	t.moveRead(row)
	for _, u := range e.Body.GetMentions() {
		if room.User(u) != e.Author() {
			t.app.Mentions = append(t.app.Mentions, storage.Mention{User: room.User(u), Pos: row.Pos})
		}
	}
	if e.Body.GetMentionRoom() {
		t.app.Mentions = append(t.app.Mentions, storage.Mention{Pos: row.Pos})
	}
}

// moveRead moves the author's read position to their own event.
func (t *turn) moveRead(row *storage.Row) {
	e := row.Event
	t.reads[e.Author()] = row.Pos
	t.app.Reads = append(t.app.Reads, storage.Read{User: e.Author(), Pos: row.Pos, Counted: row.Counted, Event: e.ID, Time: e.Time().Millis()})
}

// commit signs the heads and appends the batch; it returns when all of it is synced.
func (t *turn) commit() error {
	for _, end := range []*room.Event{t.entry, t.last} {
		if end != nil {
			head := room.HeadOf(end)
			room.SignHead(head, t.c.n.key)
			t.app.Heads = append(t.app.Heads, head)
		}
	}
	if t.entry != nil {
		t.foldEntry()
	}
	t.app.Meta = t.meta
	return t.c.n.store.Append(&t.app)
}

// foldEntry works out what the entry will change, on the side: the room's own state
// follows once the entry is synced.
func (t *turn) foldEntry() {
	after := t.c.state.Preview(t.entry)
	clock, head, counted := t.meta.Clock, t.meta.HeadPos, t.meta.Counted
	last := lastOf(t.meta)
	t.meta = t.c.meta(after.State)
	t.meta.Clock, t.meta.HeadPos, t.meta.Counted = clock, head, counted
	last.put(t.meta)
	for u, m := range after.Changed {
		t.app.Members = append(t.app.Members, storedMember(t.c.id, u, m))
	}
}

func storedMember(id room.ID, u room.User, m room.Member) *storagepb.Member {
	out := &storagepb.Member{
		Room: id.Bytes(), User: string(u), Membership: string(m.Membership),
		Since: m.Since, InvitedBy: string(m.By), Reason: m.Reason,
	}
	if m.Membership == "" {
		out.Membership = string(room.Left)
		return out
	}
	out.Role = m.Role.String()
	return out
}

// publish lets the world see the batch: state, ring, acknowledgements, wake-ups.
func (t *turn) publish() {
	c := t.c
	c.mu.Lock()
	if t.entry != nil {
		c.state.Apply(t.entry)
	}
	if t.last != nil {
		c.seq, c.prev = t.last.Header.GetSeq(), t.last.ID
	}
	c.headPos, c.counted, c.clock = t.meta.HeadPos, t.meta.Counted, room.Time(t.meta.Clock)
	c.last = lastOf(t.meta)
	for _, s := range t.steps {
		c.ring.push(s)
	}
	followers := c.followers
	c.mu.Unlock()

	for _, r := range t.replies {
		r.sub.done <- result{receipt: r.receipt}
	}
	if t.entry != nil {
		c.n.people.stateChanged(c, t.entry)
		c.mu.RLock()
		followers = c.followers
		c.mu.RUnlock()
	}
	for _, m := range t.marks {
		c.n.people.read(c, m)
	}
	if len(t.steps) == 0 {
		return
	}
	for _, sub := range followers {
		sub.mark()
	}
	c.n.index.mark(c.id)
}

// encodeItem is done once for all readers.
func (c *chamber) encodeItem(row, about *storage.Row) []byte {
	item := &roompb.Item{Event: c.view(row)}
	if about != nil {
		item.Target = c.view(about)
	}
	b, err := proto.Marshal(item)
	if err != nil { // a view is made of valid UTF-8 and scalars only
		panic(fmt.Sprintf("encode item %s: %v", row.Event.ID, err))
	}
	return b
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
