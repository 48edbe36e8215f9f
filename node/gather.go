package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// A large room is handed over with those of its members that its newest messages need. The
// node is then entering it: it shows the timeline, and people talk; entries of the state log,
// and messages of members who are not known yet, wait. A gathering brings the other members,
// page by page, each checked against the hash that the signed root has for it, and puts them
// together beside the room; when all are there the room goes on with the whole state, which
// may be of a later entry by then. What has come lies in the store until then.
type gathering struct {
	c      *chamber
	o      *opened // with the state that is being put together
	stored int     // answers in the store
	bytes  int     // that these have
	size   int     // bytes of the members that have come
	pages  int     // to ask for at once: few at first, and where the last answer did not come
}

const (
	pageFirst      = 500 * time.Millisecond // for showing the timeline, before the rest is asked for
	gatherAgain    = time.Second            // at first, and then twice as long each time
	gatherRarely   = 10 * time.Second
	membersTimeout = 15 * time.Second
	fewestPages    = 16 // of one ask
	mostPages      = 128
	mostSources    = 4
	mostStored     = 32 << 20 // bytes, as they came; what is beyond does not survive a restart
	mostGathered   = 64 << 20 // bytes of a room's members: those of some 700,000 users
)

// gather begins to bring the members that are missing, unless somebody does already.
func (c *chamber) gather() {
	if !c.gathering.CompareAndSwap(false, true) {
		return
	}
	started := c.n.rooms.start(func() {
		c.n.pause(pageFirst)
		err := c.gatherAll(c.n.life)
		if err != nil && c.n.life.Err() == nil {
			c.n.log.Error("bring members of a room", "room", c.text, "err", err)
		}
		if !errors.Is(err, errTooMany) { // else not again while the room is awake
			c.gathering.Store(false)
		}
	})
	if !started {
		c.gathering.Store(false)
	}
}

var (
	errNotIn   = errors.New("the room's home no longer counts this node in")
	errNothing = errors.New("nobody has the members that are missing")
	errTooMany = errors.New("they are too many")
)

func (c *chamber) gatherAll(ctx context.Context) error {
	g, err := c.newGathering()
	if err != nil {
		return err
	}
	for wait := gatherAgain; ctx.Err() == nil && !c.asleep(); {
		switch {
		case g.size > mostGathered:
			return errTooMany
		case g.o.state.Partial():
			err = g.next(ctx)
		default:
			if err = c.arrive(ctx, g.o); err == nil {
				return nil
			}
		}
		switch {
		case err == nil:
			wait = gatherAgain
		case errors.Is(err, errNotIn):
			return c.turnedOut(ctx)
		default:
			c.n.pause(wait)
			wait = min(2*wait, gatherRarely)
		}
	}
	return nil
}

// newGathering begins where the room is, with all that has come before.
func (c *chamber) newGathering() (*gathering, error) {
	state, err := c.loadEntering()
	if err != nil {
		return nil, err
	}
	g := &gathering{c: c, o: &opened{state: state}, pages: fewestPages}
	c.mu.RLock()
	entries := c.entries
	c.mu.RUnlock()
	create, err := c.find(c.id)
	if err != nil {
		return nil, err
	}
	g.o.create, g.o.head = create.Event, entries.head
	if g.o.last, err = c.logEvent(entries, state.Index); err != nil {
		return nil, err
	}
	for {
		raw, err := c.n.store.Value(c.answerName(g.stored))
		if err != nil {
			return nil, fmt.Errorf("read members of room %s: %w", c.id, err)
		}
		if raw == nil {
			return g, nil
		}
		g.stored++
		g.bytes += len(raw)
		if d, err := unpackDump(raw); err == nil {
			g.load(d)
		}
	}
}

// next brings some more: from the room's home, its other stewards, or whoever has them.
func (g *gathering) next(ctx context.Context) error {
	orderers := g.c.orderers()
	sources := orderers
	g.c.mu.RLock()
	for _, name := range g.c.peers {
		if !slices.Contains(sources, name) && len(sources) < mostSources {
			sources = append(sources, name)
		}
	}
	g.c.mu.RUnlock()
	for i, name := range sources {
		orders := i < len(orderers)
		within, cancel := context.WithTimeout(ctx, membersTimeout)
		a, err := g.c.n.ask(within, name, &roompb.Ask{What: &roompb.Ask_Members{Members: &roompb.MembersAsk{
			Room: g.c.id.Bytes(), Pages: g.o.state.PagesLacking(g.pages),
		}}})
		cancel()
		if orders && room.CodeOf(err) == room.NotFound {
			return errNotIn
		}
		if err == nil && g.take(ctx, name, orders, a.GetMembers()) {
			g.pages = min(2*g.pages, mostPages)
			return nil
		}
		g.pages = fewestPages
	}
	return errNothing
}

// take puts pages into the state that are what they should be. Others are of a later state:
// then that one is put together from now on, with all that is the same in it.
func (g *gathering) take(ctx context.Context, peer string, orders bool, a *roompb.MembersAnswer) (learnt bool) {
	d, err := unpackDump(a.GetPacked())
	if err != nil {
		return false
	}
	loaded, strange := g.load(d)
	if loaded > 0 {
		g.keep(a.GetPacked())
	}
	switch {
	case strange > 0 && a.GetIndex() == g.o.state.Index:
		g.c.n.Peers.Raise(peer, fmt.Sprintf("The node sent members of the room %s that are not those which were signed.", g.c.text))
	case orders && a.GetIndex() > g.o.state.Index && (strange > 0 || loaded == 0):
		return g.moveOn(ctx, peer) || loaded > 0
	}
	return loaded > 0
}

// keep stores an answer that was of use.
func (g *gathering) keep(packed []byte) {
	if g.bytes += len(packed); g.bytes > mostStored {
		return
	}
	if err := g.c.n.store.PutValue(g.c.answerName(g.stored), packed); err != nil {
		g.c.n.log.Error("store members of a room", "room", g.c.text, "err", err)
	}
	g.stored++
}

// load takes in what belongs into the state. One that is signed and yet none is given up, for
// a later one.
func (g *gathering) load(d *roompb.StateDump) (loaded, strange int) {
	loaded, strange, err := g.o.state.LoadPages(d)
	if loaded > 0 {
		g.size += proto.Size(d)
	}
	if err == nil {
		return loaded, strange
	}
	g.c.n.Peers.Raise(g.o.state.Home, fmt.Sprintf("The node handed over a room that does not hold together (%v).", err))
	if state, err := g.c.loadEntering(); err == nil && g.o.state.Index == state.Index {
		g.o.state = state
	}
	return 0, 1
}

// betweenStates is how long one state is asked for at least before the next: nobody makes
// this node run after states that are always others.
const betweenStates = 200 * time.Millisecond

// moveOn goes on to the state as it is at a steward now.
func (g *gathering) moveOn(ctx context.Context, peer string) bool {
	g.c.n.pause(betweenStates)
	within, cancel := context.WithTimeout(ctx, membersTimeout)
	defer cancel()
	a, err := g.c.n.ask(within, peer, snapshotAsk(g.c.id))
	if err != nil {
		return false
	}
	o, err := g.c.n.openSnapshot(g.c.id, peer, a.GetSnapshot())
	if err != nil || o.state.Index <= g.o.state.Index {
		return false
	}
	if o.state.Partial() {
		if _, _, err := o.state.LoadPages(g.o.state.KnownPages()); err != nil {
			return false
		}
	}
	g.o, g.size = o, proto.Size(o.state.KnownPages())
	return true
}

// arrive hands the whole state to the room.
func (c *chamber) arrive(ctx context.Context, o *opened) error {
	s := &submission{whole: o, done: make(chan result, 1)}
	if err := c.enqueue(s); err != nil {
		return err // it is loaded anew, or the node stops: what has come is stored
	}
	if _, err := s.wait(ctx); err != nil {
		return err
	}
	c.summariesChanged()
	return nil
}

// turnedOut is for a room whose home says that nobody of this node is in it: an entry that
// says so was written since, and is none that this node gets any more.
func (c *chamber) turnedOut(ctx context.Context) error {
	for _, m := range c.membersWhere(room.Joined) {
		if m.user.Node() != c.n.name || c.membership(m.user) != room.Joined {
			continue
		}
		if err := c.n.goAway(ctx, c, m.user, c.settled(m.user)); err != nil {
			return err
		}
	}
	return nil
}

// arrive puts the whole state into the batch, and into the room once that is synced.
func (t *turn) arrive(s *submission) error {
	c, o := t.c, s.whole
	if !c.state.Partial() || o.state.Partial() || o.state.Index < c.state.Index {
		s.done <- result{}
		return nil
	}
	f := &fold{heads: []*roompb.Head{o.head}, state: o.state, whole: true, log: c.entries.clone()}
	f.compare(c.state)
	t.fold = f
	if t.app.Values, t.err = c.noEntering(); t.err != nil {
		return t.err
	}
	voided, err := t.judgeAgain()
	if err != nil {
		t.err = err
		return err
	}
	if o.state.Index > c.state.Index {
		t.skip(o, voided)
	}
	t.replies = append(t.replies, reply{sub: s})
	return nil
}

// skip goes from the state that was here to a later one, without the entries between.
func (t *turn) skip(o *opened, voided []string) {
	c, f := t.c, t.fold
	f.entries = []*room.Event{o.last}
	f.log.add(o.last, o.last, nil)
	f.log.end(o.last, o.head)
	row := t.row(o.last)
	t.accept(row, nil)
	if len(voided) > 0 {
		t.steps[len(t.steps)-1].item = c.encodeItem(row, nil, voided[:min(len(voided), maxVoided)])
	}
	for u, m := range f.changed {
		if u.Node() == c.n.name && m.Membership == room.Joined && c.state.Member(u).Membership != room.Joined { // what was said before counts as read
			t.app.Reads = append(t.app.Reads, storage.Read{User: u, Pos: t.meta.HeadPos, Counted: t.meta.Counted, Event: o.last.ID, Time: t.now})
		}
	}
}

// judgeAgain takes back what the fold's state voids of messages that were judged by a state
// before. Those of authors of whom the one before knows nothing may be here too: from when
// the room was here once.
func (t *turn) judgeAgain() (voided []string, err error) {
	ended := map[string][]*roompb.PastStanding{} // by node
	for u, past := range t.fold.pasts {
		ended[u.Node()] = append(ended[u.Node()], past...)
	}
	return t.voidBeyond(func(k logKey) (uint64, bool) { return firstEnd(ended[k.origin], k.incarnation) })
}

// compare notes what is otherwise in the fold's state than in the one before.
func (f *fold) compare(was *room.State) {
	f.changed, f.pasts = map[room.User]room.Member{}, map[room.User][]*roompb.PastStanding{}
	for u, m := range f.state.Members {
		if was.Member(u) != m {
			f.changed[u] = m
		}
	}
	for u := range was.Members {
		if m, stands := f.state.Members[u]; !stands {
			f.changed[u] = m
		}
	}
	for u, past := range f.state.Pasts() {
		if !slices.EqualFunc(past, was.Past(u), samePast) {
			f.pasts[u] = past
		}
	}
	for name := range f.state.Nodes {
		f.nodes = append(f.nodes, name)
	}
	for name := range was.Nodes {
		if _, known := f.state.Nodes[name]; !known {
			f.nodes = append(f.nodes, name)
		}
	}
}

func samePast(a, b *roompb.PastStanding) bool { return proto.Equal(a, b) }

// firstEnd is the first seq of a log that may be void by what ended for its users.
func firstEnd(pasts []*roompb.PastStanding, incarnation uint32) (from uint64, cut bool) {
	for _, p := range pasts {
		if !p.GetCut() {
			continue
		}
		seen := uint64(0)
		for _, c := range p.GetCuts() {
			if c.GetIncarnation() == incarnation {
				seen = c.GetSeq()
			}
		}
		if !cut || seen+1 < from {
			from, cut = seen+1, true
		}
	}
	return from, cut
}

// What is stored of a room that is being entered, until all of it is here: the snapshot's
// state under enteringName, and the answers that followed, from 0.
func (c *chamber) enteringName() string    { return "entering/" + c.text }
func (c *chamber) answerName(n int) string { return c.enteringName() + "/" + strconv.Itoa(n) }

// loadEntering is the part of a state that a snapshot brought.
func (c *chamber) loadEntering() (*room.State, error) {
	raw, err := c.n.store.Value(c.enteringName())
	if err != nil {
		return nil, fmt.Errorf("read state of room %s: %w", c.id, err)
	}
	d := new(roompb.StateDump)
	if err := proto.Unmarshal(raw, d); err != nil {
		return nil, fmt.Errorf("read state of room %s: %w", c.id, err)
	}
	s, err := room.LoadState(c.id, d)
	if err != nil {
		return nil, fmt.Errorf("read state of room %s: %w", c.id, err)
	}
	return s, nil
}

// noEntering takes all of that out of the store.
func (c *chamber) noEntering() (gone []storage.Value, err error) {
	for name, n := c.enteringName(), 0; ; name, n = c.answerName(n), n+1 {
		raw, err := c.n.store.Value(name)
		if err != nil {
			return nil, fmt.Errorf("read members of room %s: %w", c.id, err)
		}
		if raw == nil {
			return gone, nil
		}
		gone = append(gone, storage.Value{Name: name})
	}
}

// answerMembers hands out pages of a room's members as they are now.
func (n *Node) answerMembers(peer string, q *roompb.MembersAsk) (*roompb.Answer, error) {
	c, err := n.chamberFor(peer, q.GetRoom())
	if err != nil {
		return nil, err
	}
	if len(q.GetPages()) > mostPages {
		return nil, room.Errorf(room.TooLarge, "At most %d pages of members at once.", mostPages)
	}
	c.mu.RLock()
	partial, index := c.state.Partial(), c.state.Index
	d := &roompb.StateDump{}
	if !partial {
		d = c.state.Pages(q.GetPages(), pagesBytes)
	}
	c.mu.RUnlock()
	if partial {
		return nil, stillEntering()
	}
	return &roompb.Answer{What: &roompb.Answer_Members{Members: &roompb.MembersAnswer{Index: index, Packed: packState(room.EncodeDump(d))}}}, nil
}

// pagesBytes is what the pages of one answer have at most before they are packed, but for
// the first of them.
const pagesBytes = 4 << 20

func stillEntering() error {
	return &room.Error{Code: room.Unavailable, RetryAfter: time.Second, Message: "The room's members are still on their way to this node."}
}
