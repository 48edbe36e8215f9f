package node

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// answerSnapshot hands a room over to a node that takes part in it.
func (n *Node) answerSnapshot(peer string, q *roompb.SnapshotAsk) (*roompb.Answer, error) {
	c, err := n.chamberFor(peer, q.GetRoom())
	if err != nil {
		return nil, err
	}
	s := &roompb.Snapshot{}
	authors, err := c.addNewest(s, peer) // before the state: they cite no entry that it lacks
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	entries, index, partial := c.entries, c.state.Index, c.state.Partial()
	var dump, members *roompb.StateDump
	if !partial {
		dump, members = c.state.Core(), c.membersFor(peer, authors, q.GetPages())
	}
	c.mu.RUnlock()
	if partial {
		return nil, stillEntering()
	}
	root := room.RootOf(dump)
	s.StateRoot = root.Bytes()
	dump.Members, dump.Past = members.Members, members.Past
	if q.GetPacked() {
		s.PackedState = packState(room.EncodeDump(dump))
	} else {
		s.State = dump
	}
	if s.Head, err = c.n.store.StateHead(c.id, index); err != nil {
		return nil, fmt.Errorf("read head of room %s: %w", c.id, err)
	}
	if s.Head == nil && entries != nil {
		s.Head = entries.head
	}
	if s.Head.GetSeq() != index {
		return nil, room.Errorf(room.Busy, "The room's state is being agreed on.")
	}
	s.RootSignature = room.SignRoot(s.Head, root, n.key)
	create, err := c.find(c.id)
	if err != nil {
		return nil, err
	}
	last, err := c.find(dumpHash(dump))
	if err != nil {
		return nil, err
	}
	s.Create, s.Last = whole(create.Event), whole(last.Event)
	return &roompb.Answer{What: &roompb.Answer_Snapshot{Snapshot: s}}, nil
}

// wholePages is how many pages of members a snapshot brings at once. Of larger rooms it has
// those of the asking node's users and of the newest messages' authors.
const wholePages = 8

// membersFor are the members that a node gets with the state: a steward needs all. The lock
// is held.
func (c *chamber) membersFor(peer string, authors []room.User, pages bool) *roompb.StateDump {
	if !pages || c.state.IsSteward(peer) || c.state.PageCount() <= wholePages {
		return c.state.KnownPages()
	}
	var numbers []uint32
	for _, u := range slices.Concat(authors, c.state.UsersOf(peer)) {
		numbers = append(numbers, uint32(c.state.PageOf(u)))
	}
	slices.Sort(numbers)
	return c.state.Pages(slices.Compact(numbers), maxDump/2)
}

func dumpHash(d *roompb.StateDump) room.EventID {
	h, _ := room.HashFromBytes(d.GetHash()) // this node's own
	return h
}

// What a snapshot brings of each log of messages, and of all.
const (
	snapshotEvents = 100
	snapshotBytes  = 192 << 10
)

// addNewest puts the newest messages into a snapshot, and tells who wrote them.
func (c *chamber) addNewest(s *roompb.Snapshot, peer string) (authors []room.User, err error) {
	c.mu.RLock()
	logs := c.logsFor(peer, false)
	c.mu.RUnlock()
	left := snapshotBytes
	for _, ch := range logs {
		to := ch.seq()
		from := ch.stretch[len(ch.stretch)-1].low
		if to >= snapshotEvents {
			from = max(from, to-snapshotEvents+1)
		}
		events, err := c.newestOf(ch, from, to, max(left, 1))
		if err != nil {
			return nil, err
		}
		if len(events) == 0 {
			continue
		}
		for _, e := range events {
			left -= len(e.RawHeader) + len(e.RawBody)
			authors = append(authors, e.Author())
		}
		s.Newest = append(s.Newest, parcelOf(c.id, events, ch.head))
	}
	return authors, nil
}

// opened is a snapshot whose parts prove each other.
type opened struct {
	state        *room.State
	create, last *room.Event
	head         *roompb.Head
	dump         *roompb.StateDump // the state as it came
	logs         []*received
}

// openSnapshot checks a snapshot from a room's home: entry 1 hashes to the room's id, the
// state's root and the head are signed by a steward, and the newest of each log by its
// origin. That the first steward is who made the room is in entry 1 itself.
func (n *Node) openSnapshot(id room.ID, home string, s *roompb.Snapshot) (*opened, error) {
	bad := func(what string) error {
		err := room.Errorf(room.Conflict, "The node %s handed over a room that does not hold together (%s).", home, what)
		n.Peers.Raise(home, err.Message)
		return err
	}
	err := unpackState(s)
	if err != nil {
		return nil, bad(err.Error())
	}
	o := &opened{head: s.GetHead(), dump: s.GetState()}
	if o.create, err = openPacket(id, room.EventID{}, s.GetCreate()); err != nil || o.create.ID != id {
		return nil, bad("its first entry is of another room")
	}
	if o.last, err = openPacket(id, room.EventID{}, s.GetLast()); err != nil || o.last.Room() != id || !headOf(o.head, o.last) {
		return nil, bad("its head is not of its last entry")
	}
	if o.state, err = room.LoadState(id, s.GetState()); err != nil {
		return nil, bad(err.Error())
	}
	if o.state.Hash != o.last.ID || o.state.Index != o.last.Header.GetSeq() || o.state.Creator != o.create.Author() {
		return nil, bad("its state is not of its last entry")
	}
	if err := o.state.CheckCreate(o.create); err != nil {
		return nil, bad(err.Error())
	}
	if o.state.Clock.Millis() > n.millis()+room.MaxClockForward {
		return nil, &room.Error{Code: room.Unavailable, RetryAfter: resend,
			Message: "The clock of the room's home, " + home + ", is far ahead of this node's. The room comes when it is time; let the two administrators compare their clocks."}
	}
	if err := o.state.CheckHead(o.head); err != nil && o.state.Index != o.state.Epoch { // those before sign who is a steward
		return nil, bad(err.Error())
	}
	if !o.state.IsSteward(home) {
		return nil, orderedBy(o.state.Home)
	}
	key := o.state.NodeKey(home)
	if p, ok := n.Peers.Lookup(home); !ok || string(p.Key) != string(key) || !room.VerifyRoot(o.head, o.state.Root(), s.GetRootSignature(), key) {
		return nil, bad("its state is not signed by that node")
	}
	if o.state.Partial() && o.state.IsSteward(n.name) {
		return nil, bad("this node is to order it, and gets a part of it")
	}
	if first := o.create.Body.GetNodeKey(); len(first) > 0 && string(first) != string(o.state.NodeKey(o.state.Origin())) {
		return nil, bad("its first steward has another key than entry 1 says")
	}
	if own := o.state.NodeKey(n.name); own != nil && string(own) != string(n.PublicKey()) {
		return nil, bad("it has another key for this node")
	}
	if wrong := n.openNewest(id, o, s.GetNewest()); wrong != "" {
		return nil, bad(wrong)
	}
	return o, nil
}

// openNewest opens the newest messages of each log, and says what is wrong with them.
func (n *Node) openNewest(id room.ID, o *opened, newest []*roompb.Parcel) (wrong string) {
	for _, p := range newest {
		r, err := openParcel(id, p)
		if err != nil || r.log != roompb.Log_LOG_MESSAGES || r.head == nil {
			return "its messages are not in order"
		}
		k := o.state.NodeKey(r.key.origin)
		if !n.mayHave(r.key.origin, k) {
			n.otherKey(id.String(), r.key.origin)
			continue
		}
		if !room.VerifyHead(r.head, ed25519.PublicKey(k)) {
			return "its messages are not signed by " + r.key.origin
		}
		o.logs = append(o.logs, r)
	}
	return ""
}

// install makes a snapshot the room of this node.
func (n *Node) install(id room.ID, home string, s *roompb.Snapshot) error {
	o, err := n.openSnapshot(id, home, s)
	if err != nil {
		return err
	}
	was, err := n.rooms.get(id) // in which it was before, or has an invitation to
	if err != nil && room.CodeOf(err) != room.NotFound {
		return err
	}
	c, err := n.rooms.replace(id, func() error { return n.storeSnapshot(id, o, was) })
	if err != nil {
		return err
	}
	n.joined(c)
	return nil
}

// joined tells the sessions of all who are in the room since a snapshot was installed.
func (n *Node) joined(c *chamber) {
	for _, m := range c.membersWhere(room.Joined) {
		n.people.standingChanged(c, m.user)
	}
	n.courier.mark(c.id)
}

// storeSnapshot writes the room in one batch, over what may be there of it.
func (n *Node) storeSnapshot(id room.ID, o *opened, was *chamber) error {
	c := newChamber(n, id)
	c.state = o.state
	if was != nil && was.entries != nil && was.state.Index > o.state.Index {
		return room.Errorf(room.Unavailable, "The node that hands the room over lacks entries of its state that were here before: its data may be older than it was.")
	}
	if was != nil {
		c.headPos, c.counted, c.clock, c.logs, c.entries, c.last = was.headPos, was.counted, was.clock, was.logs, was.entries, was.last
	}
	c.peers = c.takingPart()
	t := newTurn(c, nil)
	t.install(o)
	if t.err != nil {
		return t.err
	}
	if was != nil && len(was.logs) > 0 { // what came while nobody here was in the room was judged by the state of before
		t.fold = &fold{state: o.state}
		t.fold.compare(was.state)
		if _, err := t.judgeAgain(); err != nil {
			return err
		}
		if err := t.withdraw(); err != nil {
			return err
		}
	}
	for u, m := range o.state.Members {
		t.app.Members = append(t.app.Members, storedMember(id, u, m))
		if u.Node() == n.name && m.Membership == room.Joined { // what was said before counts as read
			t.app.Reads = append(t.app.Reads, storage.Read{User: u, Pos: t.meta.HeadPos, Counted: t.meta.Counted, Event: o.last.ID, Time: t.now})
		}
	}
	for u, past := range o.state.Pasts() {
		t.app.Pasts = append(t.app.Pasts, storage.Past{User: u, Standings: past})
	}
	earlier, err := c.noEntering()
	if err != nil {
		return err
	}
	t.app.Values = append(t.app.Values, earlier...)
	if o.state.Partial() {
		t.app.Values = append(t.app.Values, storage.Value{Name: c.enteringName(), Bytes: room.EncodeDump(o.dump)})
	}
	for _, name := range c.peers {
		t.app.Nodes = append(t.app.Nodes, storage.NodeRoom{Node: name, Here: true})
	}
	return n.store.Install(&t.app)
}

// install puts a snapshot's events into the batch.
func (t *turn) install(o *opened) {
	clock := max(t.meta.Clock, uint64(o.state.Clock))
	log := &chain{key: logKey{o.state.Origin(), 1}, log: roompb.Log_LOG_STATE}
	if t.c.entries != nil {
		log = t.c.entries.clone()
	}
	for _, e := range []*room.Event{o.create, o.last} {
		if log.holds(e.Header.GetSeq()) {
			continue
		}
		row := t.row(e)
		row.Old = true
		t.accept(row, nil)
		log.add(e, e, nil)
		log.end(e, o.head)
	}
	for _, r := range o.logs {
		t.installLog(r)
	}
	for _, ch := range t.logs {
		t.keepLog(ch)
	}
	head, counted := t.meta.HeadPos, t.meta.Counted
	last := lastOf(t.meta)
	t.meta = t.c.meta(o.state)
	t.meta.HeadPos, t.meta.Counted, t.meta.Clock = head, counted, max(clock, t.meta.Clock)
	last.put(t.meta)
	t.app.Heads = append(t.app.Heads, o.head)
	t.keepGaps(log)
	t.app.Meta = t.meta
	t.putNodes(o.state)
}

// installLog takes the newest of one log over: they were said before, so they are news
// for nobody, but the list of rooms shows the last.
func (t *turn) installLog(r *received) {
	ch := t.chain(r.key)
	fresh, err := t.fresh(ch, r)
	if err != nil {
		return
	}
	if t.err = t.early.read(t.c, fresh); t.err != nil {
		return
	}
	verdicts := make([]room.Outcome, len(fresh))
	for i, e := range fresh {
		if verdicts[i] = t.c.state.Judge(e).Outcome; verdicts[i] == room.Wait {
			return // it comes by itself
		}
	}
	for i, e := range fresh {
		if t.err = t.learn(e, verdicts[i] == room.Void, true); t.err != nil {
			return
		}
		if e.Kind().Message() && verdicts[i] == room.Valid && e.Time().Millis() >= t.meta.LastTime {
			t.meta.LastPos, t.meta.LastTime = t.meta.HeadPos, e.Time().Millis()
			t.meta.LastAuthor, t.meta.LastText = saidBy(e), clip(saidIn(e.Body), 100)
		}
	}
	if len(fresh) == 0 {
		return
	}
	ch.take(fresh, r.head)
	t.logs[r.key] = ch
}
