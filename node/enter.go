package node

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/limit"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// invitesFromNode bounds the invitations that one node's users may bring to this one's.
var invitesFromNode = limit.Rate{Burst: 200, Per: time.Hour}

// enterTimeout is for the whole of joining a room of another node.
const enterTimeout = 20 * time.Second

// Join brings the caller into a room, which may be another node's: via is a node that is
// asked when the room is not known here.
func (n *Node) Join(ctx context.Context, by Caller, id room.ID, via string) (Receipt, error) {
	return n.join(ctx, room.Draft{Room: id, Author: by.User, Kind: room.KindJoin}, via)
}

func (n *Node) join(ctx context.Context, d room.Draft, via string) (Receipt, error) {
	if _, err := n.rooms.get(d.Room); room.CodeOf(err) == room.NotFound && via != "" && via != n.name {
		if err := n.prepare(&d); err != nil {
			return Receipt{}, err
		}
		return n.enter(ctx, d.Room, via, d)
	}
	return n.Submit(ctx, d)
}

// enter joins a room that is not here: its home lets the user in, then hands over the
// state and the newest messages.
func (n *Node) enter(ctx context.Context, id room.ID, home string, d room.Draft) (Receipt, error) {
	leave, err := n.entering.enter(ctx, id) // two of this node's users may join the same room
	if err != nil {
		return Receipt{}, notReached(home)
	}
	defer leave()
	if c, err := n.rooms.get(id); err == nil && c.takesPart() {
		return n.propose(ctx, c, d)
	}
	ctx, cancel := context.WithTimeout(ctx, enterTimeout)
	defer cancel()
	ask, err := newChamber(n, id).proposal(&d)
	if err != nil {
		return Receipt{}, err
	}
	if err := n.noteJoining(id, d.Author); err != nil {
		return Receipt{}, err
	}
	var r Receipt
	err = n.atHome(home, func(home string) error {
		r, err = n.enterBy(ctx, id, home, d.Author, ask)
		return err
	})
	return r, err
}

// enterBy is enter by a node that may be the room's home. When its answer is lost, or this
// node stops meanwhile, the room comes as soon as another node counts this one in (claim.go).
func (n *Node) enterBy(ctx context.Context, id room.ID, home string, u room.User, ask *roompb.Ask) (Receipt, error) {
	a, err := n.ask(ctx, home, ask)
	if err != nil && room.CodeOf(err) != room.Conflict { // in the room already, by an answer that was lost
		if !again(err) {
			n.forgetJoining(id, u)
		}
		return Receipt{}, unreached(err, home)
	}
	if err = n.handOver(ctx, id, home); err != nil {
		return Receipt{}, unreached(err, home)
	}
	n.forgetJoining(id, u)
	event, _ := room.HashFromBytes(a.GetPropose().GetEvent()) // zero when it was answered before
	return Receipt{Event: event, Room: id, Index: a.GetPropose().GetIndex()}, nil
}

func snapshotAsk(id room.ID) *roompb.Ask {
	return &roompb.Ask{What: &roompb.Ask_Snapshot{Snapshot: &roompb.SnapshotAsk{Room: id.Bytes(), Packed: true, Pages: true}}}
}

// handOver has a room's home hand the room over.
func (n *Node) handOver(ctx context.Context, id room.ID, home string) error {
	a, err := n.ask(ctx, home, snapshotAsk(id))
	if err != nil {
		return err
	}
	return n.install(id, home, a.GetSnapshot())
}

// whole is an event that goes alone.
func whole(e *room.Event) *roompb.Packet { return room.Pack(e, room.EventID{}) }

// turnstile lets one at a time through, for each room.
type turnstile struct {
	mu     sync.Mutex
	inside map[room.ID]chan struct{}
}

func (t *turnstile) enter(ctx context.Context, id room.ID) (leave func(), err error) {
	for {
		t.mu.Lock()
		other := t.inside[id]
		if other == nil {
			mine := make(chan struct{})
			if t.inside == nil {
				t.inside = map[room.ID]chan struct{}{}
			}
			t.inside[id] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.inside, id)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

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
	for _, p := range s.GetNewest() {
		r, err := openParcel(id, p)
		if err != nil || r.log != roompb.Log_LOG_MESSAGES || r.head == nil {
			return nil, bad("its messages are not in order")
		}
		k := o.state.NodeKey(r.key.origin)
		if !n.mayHave(r.key.origin, k) {
			n.otherKey(id.String(), r.key.origin)
			continue
		}
		if !room.VerifyHead(r.head, ed25519.PublicKey(k)) {
			return nil, bad("its messages are not signed by " + r.key.origin)
		}
		o.logs = append(o.logs, r)
	}
	return o, nil
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

// invitations are what other nodes are told of those whom an entry brings in: those that
// take part learn it as they learn all.
func (n *Node) invitations(s *room.State, e *room.Event, head *roompb.Head, create *storage.Row) []storage.Outgoing {
	subject := room.User(e.Body.GetSubject())
	if e.Kind() == room.KindCreate {
		subject = s.Direct
	}
	if to := subject.Node(); subject == "" || to == n.name || s.Takes(to) {
		return nil
	}
	summary := stateSummary(s)
	summary.Direct = string(s.Direct)
	inviter, err := n.Accounts.Profile(e.Author())
	if err != nil {
		inviter = &roompb.Profile{User: string(e.Author())}
	}
	l, err := n.sending.letter(subject.Node(), &roompb.Ask{What: &roompb.Ask_Invite{Invite: &roompb.InviteAsk{
		Create: whole(create.Event), Invite: whole(e), Head: head, Summary: summary, Inviter: inviter,
	}}})
	if err != nil {
		n.log.Error("write invitation", "room", s.ID.String(), "err", err)
		return nil
	}
	return []storage.Outgoing{l}
}

// answerInvite keeps an invitation for a user of this node: a room of which nothing else
// is known here yet.
func (n *Node) answerInvite(peer string, q *roompb.InviteAsk) (*roompb.Answer, error) {
	create, invite, subject, err := n.openInvitation(peer, q)
	if err != nil {
		return nil, err
	}
	if blocked, err := n.store.Blocked(subject.Local(), string(invite.Author()), invite.Author().Node(), peer); err != nil || blocked {
		return &roompb.Answer{}, err // whoever is blocked is not told so
	}
	if wait := n.inviteRate.Take(peer, 1, n.now()); wait > 0 {
		return nil, &room.Error{Code: room.Limited, Message: "The node " + peer + " sends too many invitations.", RetryAfter: wait}
	}
	id := create.Room()
	meta, err := n.store.Room(id)
	if err != nil {
		return nil, fmt.Errorf("read room %s: %w", id, err)
	}
	if home := meta.GetHome(); meta.GetStub() && home != peer && create.Author().Node() != peer {
		return nil, room.Errorf(room.Conflict, "The invitation to this room is from %s: another node cannot take its place.", home)
	}
	if meta != nil && !meta.GetStub() {
		if c, err := n.rooms.get(id); err == nil && c.takesPart() {
			return &roompb.Answer{}, nil // the entry comes with the state log
		}
	}
	raw, err := proto.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("encode invitation: %w", err)
	}
	c, err := n.rooms.replace(id, func() error { return n.storeStub(id, peer, create, invite, subject, q.GetSummary(), raw, meta) })
	if err != nil {
		return nil, err
	}
	if q.GetInviter().GetUser() == string(invite.Author()) {
		n.foreign.learn(peer, []*roompb.Profile{q.GetInviter()})
	}
	for _, f := range n.people.of(subject) {
		f.markSummary(c.id)
	}
	return &roompb.Answer{}, nil
}

// openInvitation checks that an invitation proves itself: the entry is of the room, and
// signed by the node that made the room, or by the one that brings it.
func (n *Node) openInvitation(peer string, q *roompb.InviteAsk) (create, invite *room.Event, subject room.User, err error) {
	bad := room.Errorf(room.BadRequest, "The invitation does not hold together.")
	if create, err = openPacket(room.ID{}, room.EventID{}, q.GetCreate()); err != nil || create.Kind() != room.KindCreate {
		return nil, nil, "", bad
	}
	if invite, err = openPacket(create.ID, room.EventID{}, q.GetInvite()); err != nil || invite.Room() != create.ID || !headOf(q.GetHead(), invite) {
		return nil, nil, "", bad
	}
	subject = room.User(invite.Body.GetSubject())
	if invite.Kind() == room.KindCreate {
		subject = room.User(invite.Body.GetDirect())
	}
	if invite.Kind() != room.KindInvite && invite.Kind() != room.KindCreate || subject.Node() != n.name {
		return nil, nil, "", bad
	}
	p, _ := n.Peers.Lookup(peer)
	if !room.VerifyHead(q.GetHead(), create.Body.GetNodeKey()) && !cosignedBy(q.GetHead(), peer, p.Key) {
		return nil, nil, "", bad
	}
	if maker := create.Author().Node(); create.Header.GetOrigin() != maker || invite.Kind() == room.KindCreate && maker != peer || !n.mayHave(maker, create.Body.GetNodeKey()) {
		return nil, nil, "", bad // in somebody else's name
	}
	if _, err := n.Accounts.Profile(subject); err != nil {
		return nil, nil, "", room.Errorf(room.NotFound, "There is no user %s.", subject)
	}
	return create, invite, subject, nil
}

// mayHave tells whether a node that is known here has this key; of others, and of rooms
// from before there were keys, nobody can tell.
func (n *Node) mayHave(node string, key []byte) bool {
	p, known := n.Peers.Lookup(node)
	return !known || len(key) == 0 || string(p.Key) == string(key)
}

func cosignedBy(h *roompb.Head, node string, key ed25519.PublicKey) bool {
	for _, c := range h.GetCosignatures() {
		if c.GetNode() == node {
			signed := proto.Clone(h).(*roompb.Head)
			signed.Signature = c.GetSignature()
			return room.VerifyHead(signed, key)
		}
	}
	return false
}

func (n *Node) storeStub(id room.ID, home string, create, invite *room.Event, subject room.User, s *roompb.RoomSummary, raw []byte, was *storagepb.Room) error {
	if s == nil {
		s = &roompb.RoomSummary{}
	}
	settings := &roompb.Settings{Name: &s.Name, Topic: &s.Topic}
	if err := room.CheckBody(room.KindSettings, &roompb.Body{Settings: settings}); err != nil {
		return err
	}
	m := &storagepb.Room{
		Id: id.Bytes(), Version: create.Body.GetVersion(), Creator: string(create.Author()), Direct: create.Body.GetDirect(), Home: home,
		Name: s.GetName(), Topic: s.GetTopic(), Created: create.Time().Millis(), Members: s.GetMembers(), Origin: create.Author().Node(),
		Stub: true, Invitation: raw, Stewards: []string{home}, StateIndex: invite.Header.GetSeq(), StateHash: invite.ID.Bytes(),
	}
	if alias, at, _ := strings.Cut(strings.TrimPrefix(s.GetAlias(), "#"), "@"); at == m.Origin && room.CheckAlias(alias) == nil {
		m.Alias = alias
	}
	app := &storage.Append{Room: id, Meta: m, Members: []*storagepb.Member{storedMember(id, subject, room.Member{
		Membership: room.Invited, Since: invite.Time().Millis(), By: invite.Author(), From: invite.Header.GetSeq(),
	})}}
	if m.Direct != "" {
		app.Values = []storage.Value{{Name: "direct/" + pairOf(room.User(m.Creator), room.User(m.Direct)), Bytes: id.Bytes()}}
	}
	if was.GetHeadPos() == 0 { // nothing of it was ever here but an invitation
		return n.store.Append(app)
	}
	// A room that this node was in once: its log stays, and the invitation stands beside it.
	again := proto.Clone(was).(*storagepb.Room)
	again.Home, again.Stub, again.Invitation, again.Leaving, again.Entering = home, true, raw, nil, false
	app.Meta = again
	return n.store.Append(app)
}
