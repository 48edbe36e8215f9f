package node

import (
	"maps"
	"slices"
	"sync"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// people are the users who are here now, each with a follower per session.
type people struct {
	mu     sync.Mutex
	here   map[room.User]map[*Follower]struct{}
	going  map[room.User]*time.Timer // gone a moment ago: not yet announced
	afar   map[room.User]struct{}    // of other nodes, as those say
	owed   map[string]bool           // nodes that a room was begun to be shared with, and that were not told yet who is here
	n      *Node
	closed bool
}

// goodbye is how long a user may be away before others see it: a reload or a change of
// network is no departure.
const goodbye = 10 * time.Second

func newPeople(n *Node) *people {
	return &people{n: n, afar: map[room.User]struct{}{}, owed: map[string]bool{}, here: map[room.User]map[*Follower]struct{}{}, going: map[room.User]*time.Timer{}}
}

func (p *people) add(f *Follower) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return room.Errorf(room.Unavailable, "The node is stopping.")
	}
	u := f.caller.User
	if p.here[u] == nil {
		p.here[u] = map[*Follower]struct{}{}
	}
	p.here[u][f] = struct{}{}
	return nil
}

// announce tells those who watch that the follower's user came, if it is news.
func (p *people) announce(f *Follower) {
	u := f.caller.User
	p.mu.Lock()
	first := len(p.here[u]) == 1
	if t := p.going[u]; t != nil {
		first = false
		t.Stop()
		delete(p.going, u)
	}
	p.mu.Unlock()
	if first {
		p.presence(f.chambers(), u, true)
	}
}

func (p *people) remove(f *Follower, subs map[room.ID]*subscription) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := f.caller.User
	delete(p.here[u], f)
	if len(p.here[u]) > 0 {
		return
	}
	delete(p.here, u)
	if p.closed || p.going[u] != nil {
		return
	}
	rooms := chambersOf(subs)
	p.going[u] = time.AfterFunc(goodbye, func() { p.gone(u, rooms) })
}

func (p *people) gone(u room.User, rooms []*chamber) {
	p.mu.Lock()
	delete(p.going, u)
	back := len(p.here[u]) > 0
	p.mu.Unlock()
	if !back {
		p.presence(rooms, u, false)
	}
}

// presence tells those who have a room with u on show that u came or went, here and on
// the other nodes of these rooms.
func (p *people) presence(rooms []*chamber, u room.User, on bool) {
	if u.Node() == p.n.name {
		p.n.courier.signal(PeerSignal{To: nodesOf(rooms), Signal: &roompb.Signal{Kind: "presence", User: string(u), On: on}})
	}
	seen := map[*Follower]bool{}
	for _, c := range rooms {
		for _, w := range c.watching() {
			if !seen[w] && w.caller.User != u {
				seen[w] = true
				w.signal(&roompb.Signal{Kind: "presence", User: string(u), On: on})
			}
		}
	}
}

// online tells whether u has a session.
func (p *people) online(u room.User) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, afar := p.afar[u]
	return afar || len(p.here[u]) > 0
}

// of is u's followers.
func (p *people) of(u room.User) []*Follower {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*Follower, 0, len(p.here[u]))
	for f := range p.here[u] {
		out = append(out, f)
	}
	return out
}

// everyone is this node's users who are here.
func (p *people) everyone() []room.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.here))
}

// allOnline is everyone who is known to be here or on another node.
func (p *people) allOnline() []room.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(slices.Collect(maps.Keys(p.here)), slices.Collect(maps.Keys(p.afar))...)
}

// mostAfar bounds the users of other nodes that are known to be there.
const mostAfar = 100_000

// setAfar notes what another node says of its user; it tells whether that is news.
func (p *people) setAfar(u room.User, on bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, was := p.afar[u]
	switch {
	case on && len(p.afar) < mostAfar:
		p.afar[u] = struct{}{}
	case !on:
		delete(p.afar, u)
	}
	return was != on
}

// forgetNode: a node that cannot be heard says nothing of its users.
func (p *people) forgetNode(name string) {
	p.mu.Lock()
	delete(p.owed, name) // it is told when its link is up again
	var gone []room.User
	for u := range p.afar {
		if u.Node() == name {
			gone = append(gone, u)
			delete(p.afar, u)
		}
	}
	p.mu.Unlock()
	for _, u := range gone {
		p.presence(p.n.roomsOf(u), u, false)
	}
}

func (p *people) sessions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, fs := range p.here {
		n += len(fs)
	}
	return n
}

func (p *people) endAll(why error) {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	for _, u := range p.everyone() {
		for _, f := range p.of(u) {
			f.end(why)
		}
	}
}

func (p *people) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for u, t := range p.going {
		t.Stop()
		delete(p.going, u)
	}
}

// stateChanged brings the sessions of those whom an entry concerns in line with it.
func (p *people) stateChanged(c *chamber, e *room.Event, changed map[room.User]room.Member) {
	for u := range changed {
		p.standingChanged(c, u)
		p.n.botChanged(c, u, e)
		p.n.conversationChanged(c, u)
	}
	if e.Kind() == room.KindSettings || e.Kind() == room.KindStewards {
		c.summariesChanged()
	}
}

// summariesChanged tells all who follow the room that it is another now.
func (c *chamber) summariesChanged() {
	for _, f := range c.following() {
		f.markSummary(c.id)
	}
}

// standingChanged brings a user's sessions in line with how the user stands to a room now.
func (p *people) standingChanged(c *chamber, u room.User) {
	joined := c.membership(u) == room.Joined
	for _, f := range p.of(u) {
		f.follow(c, joined)
		f.markSummary(c.id)
	}
	switch {
	case !joined:
	case u.Node() != p.n.name:
		p.owe(u.Node())
	case p.online(u):
		p.presence([]*chamber{c}, u, true)
	}
}

// owe notes that a node has to be told who is here: once it says so of its own users, for
// before that it may not know the room by which it has to do with ours.
func (p *people) owe(node string) {
	p.mu.Lock()
	p.owed[node] = true
	p.mu.Unlock()
}

// settle tells whether a node was owed that, and no longer is.
func (p *people) settle(node string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.owed[node]
	delete(p.owed, node)
	return was
}

// follow brings the subscription to a room in line with the user's membership.
func (f *Follower) follow(c *chamber, joined bool) {
	if !joined {
		f.unsubscribe(c.id)
		return
	}
	if err := f.subscribe(c.id, nil); err != nil {
		f.end(err)
	}
}

func (c *chamber) membership(u room.User) room.Membership {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.member(u).Membership
}

// member is a user's standing here: who leaves is gone before the home knows it. The
// lock is held.
func (c *chamber) member(u room.User) room.Member {
	if _, leaving := c.leaving[u]; leaving {
		return room.Member{}
	}
	return c.state.Member(u)
}

func (c *chamber) following() []*Follower {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]*Follower, len(c.followers))
	for i, sub := range c.followers {
		out[i] = sub.f
	}
	return out
}

func (f *Follower) chambers() []*chamber {
	f.mu.Lock()
	defer f.mu.Unlock()
	return chambersOf(f.subs)
}

func chambersOf(subs map[room.ID]*subscription) []*chamber {
	out := make([]*chamber, 0, len(subs))
	for _, sub := range subs {
		out = append(out, sub.c)
	}
	return out
}

// EndDevices ends the sessions of a user's devices on every door at once; of all of
// them when none is named.
func (n *Node) EndDevices(u room.User, devices ...string) {
	why := room.Errorf(room.Unauthenticated, "You have been signed out of this device.")
	for _, f := range n.people.of(u) {
		if len(devices) == 0 {
			f.end(why)
		}
		for _, d := range devices {
			if f.caller.Device == d {
				f.end(why)
			}
		}
	}
}
