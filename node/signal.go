package node

import (
	"slices"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// maxWatched is how many rooms one follower has on show.
const maxWatched = 8

// Watch says which rooms the user has on show: their typing, receipts and presence are
// signalled from now on, and no others. It returns the members who are here now.
func (f *Follower) Watch(ids []room.ID) ([]string, error) {
	if len(ids) > maxWatched {
		return nil, room.Errorf(room.BadRequest, "At most %d rooms can be watched at once.", maxWatched)
	}
	var rooms []*chamber
	for _, id := range ids {
		c, err := f.n.readable(f.caller, id)
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, c)
	}
	f.mu.Lock()
	before := f.watched
	f.watched = rooms
	f.mu.Unlock()
	for _, c := range before {
		if !slices.Contains(rooms, c) {
			c.watch(f, false)
		}
	}
	for _, c := range rooms {
		c.watch(f, true)
	}
	return f.n.onlineIn(rooms), nil
}

func (c *chamber) watch(f *Follower, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on {
		c.watchers[f] = struct{}{}
	} else {
		delete(c.watchers, f)
	}
}

func (c *chamber) watching() []*Follower {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]*Follower, 0, len(c.watchers))
	for f := range c.watchers {
		if c.state.MayRead(f.caller.User) {
			out = append(out, f)
		}
	}
	return out
}

func (n *Node) onlineIn(rooms []*chamber) []string {
	var online []string
	for _, u := range n.people.allOnline() {
		for _, c := range rooms {
			if c.membership(u) == room.Joined {
				online = append(online, string(u))
				break
			}
		}
	}
	return online
}

// Typing tells those who watch a room that the caller types there, or has stopped; or a ghost for whom
// a bridge's bot speaks.
func (n *Node) Typing(by Caller, id room.ID, ghost *roompb.Ghost, on bool) error {
	if err := room.CheckGhost(ghost); err != nil {
		return err
	}
	if ghost != nil && !n.Bridges.IsBot(by.User) {
		return room.Errorf(room.Forbidden, "%s is no bridge, and speaks for itself alone.", by.User)
	}
	c, err := n.readable(by, id)
	if err != nil {
		return err
	}
	c.mu.RLock()
	may := c.state.Can(by.User, room.RightSay)
	c.mu.RUnlock()
	if !may {
		return room.Errorf(room.Forbidden, "You cannot write in this room.")
	}
	c.tell(by.User, &roompb.Signal{Kind: "typing", Room: c.text, User: string(by.User), Ghost: ghost, On: on, Time: n.millis()})
	return nil
}

// tell signals to those who have the room on show, here and on the other nodes.
func (c *chamber) tell(except room.User, s *roompb.Signal) {
	c.broadcast(except, s)
	c.n.courier.signal(PeerSignal{To: nodesOf([]*chamber{c}), Signal: s})
}

func (c *chamber) broadcast(except room.User, s *roompb.Signal) {
	for _, f := range c.watching() {
		if f.caller.User != except {
			f.signal(s)
		}
	}
}

// ProfileChanged tells u's own sessions, and those who have a room with u on show.
func (n *Node) ProfileChanged(u room.User) {
	p, err := n.Accounts.Profile(u)
	if err != nil {
		return
	}
	n.courier.signal(PeerSignal{To: nodesOf(n.roomsOf(u)), Signal: &roompb.Signal{Kind: "profile", User: string(u), Profile: p}})
	n.showProfile(u, p)
}

// showProfile tells u's own sessions, and those who have a room with u on show.
func (n *Node) showProfile(u room.User, p *roompb.Profile) {
	told := map[*Follower]bool{}
	tell := func(f *Follower) {
		if !told[f] {
			told[f] = true
			f.signal(&roompb.Signal{Kind: "profile", User: string(u), Profile: p})
		}
	}
	for _, f := range n.people.of(u) {
		tell(f)
	}
	for _, c := range n.roomsOf(u) {
		for _, f := range c.watching() {
			tell(f)
		}
	}
}

// roomsOf are the rooms of a user that are awake.
func (n *Node) roomsOf(u room.User) (out []*chamber) {
	members, err := n.store.UserRooms(u)
	if err != nil {
		n.log.Warn("read rooms of a user", "user", u, "err", err)
	}
	for _, m := range members {
		if id, err := room.HashFromBytes(m.GetRoom()); err == nil && m.GetMembership() == string(room.Joined) {
			if c := n.rooms.peek(id); c != nil {
				out = append(out, c)
			}
		}
	}
	return out
}

// nodesOf are the other nodes that take part in any of these rooms.
func nodesOf(rooms []*chamber) []string {
	var out []string
	for _, c := range rooms {
		c.mu.RLock()
		out = append(out, c.peers...)
		c.mu.RUnlock()
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mostTold bounds whom a peer is told of when it comes up.
const mostTold = 1000

// tellPresence tells a peer which users of this node are here, of those it shares a room with.
func (n *Node) tellPresence(peer string) {
	ids, err := n.store.PeerRooms(peer)
	if err != nil {
		n.log.Error("read rooms shared with a peer", "peer", peer, "err", err)
		return
	}
	told := 0
	for _, u := range n.people.everyone() {
		for _, c := range n.roomsOf(u) {
			if told < mostTold && slices.Contains(ids, c.id) {
				told++
				n.courier.signal(PeerSignal{To: []string{peer}, Signal: &roompb.Signal{Kind: "presence", User: string(u), On: true}})
				break
			}
		}
	}
}

// ReceiveSignal takes a peer's signal: about its own users, in rooms where they are members.
func (n *Node) ReceiveSignal(peer string, s *roompb.Signal) {
	u, err := room.ParseUser(s.GetUser())
	if err != nil || u.Node() != peer {
		return
	}
	switch s.GetKind() {
	case "presence", "profile":
		if !n.met(u) { // there are as many strangers as a node cares to invent
			return
		}
	}
	switch s.GetKind() {
	case "presence":
		if n.people.setAfar(u, s.GetOn()) {
			n.people.presence(n.roomsOf(u), u, s.GetOn())
		}
		if n.people.settle(peer) {
			n.tellPresence(peer)
		}
	case "profile":
		n.foreign.learn(peer, []*roompb.Profile{s.GetProfile()})
	case "typing", "receipt":
		n.receiveIn(peer, u, s)
	}
}

// met tells whether a user of another node stands in some room of this one.
func (n *Node) met(u room.User) bool {
	rooms, err := n.store.UserRooms(u)
	if err != nil {
		n.log.Warn("read rooms of a user", "user", u, "err", err)
	}
	return len(rooms) > 0
}

func (n *Node) receiveIn(peer string, u room.User, s *roompb.Signal) {
	id, err := room.ParseHash(s.GetRoom())
	if err != nil {
		return
	}
	c := n.rooms.peek(id)
	if c == nil || c.membership(u) != room.Joined {
		return
	}
	if room.CheckGhost(s.GetGhost()) != nil {
		return
	}
	out := &roompb.Signal{Kind: s.GetKind(), Room: c.text, User: string(u), Ghost: s.GetGhost(), On: s.GetOn(), Time: n.millis()}
	if s.GetKind() == "receipt" {
		event, err := room.ParseHash(s.GetEvent())
		if err != nil {
			return
		}
		in, pos, ok, err := n.store.Find(event)
		if err != nil || !ok || in != id {
			return // read there what has not come here yet
		}
		out.Event, out.Pos = s.GetEvent(), pos
	}
	c.broadcast(u, out)
}
