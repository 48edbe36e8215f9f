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
	for _, u := range n.people.everyone() {
		for _, c := range rooms {
			if c.membership(u) == room.Joined {
				online = append(online, string(u))
				break
			}
		}
	}
	return online
}

// Typing tells those who watch a room that the caller types there, or has stopped.
func (n *Node) Typing(by Caller, id room.ID, on bool) error {
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
	c.broadcast(by.User, &roompb.Signal{Kind: "typing", Room: c.text, User: string(by.User), On: on, Time: n.millis()})
	return nil
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
	told := map[*Follower]bool{}
	tell := func(f *Follower) {
		if !told[f] {
			told[f] = true
			f.signal(&roompb.Signal{Kind: "profile", User: string(u), Profile: p})
		}
	}
	members, err := n.store.UserRooms(u)
	if err != nil {
		n.log.Warn("read rooms for a changed profile", "err", err)
	}
	for _, f := range n.people.of(u) {
		tell(f)
	}
	for _, m := range members {
		id, err := room.HashFromBytes(m.GetRoom())
		if err != nil {
			continue
		}
		if c := n.rooms.peek(id); c != nil {
			for _, f := range c.watching() {
				tell(f)
			}
		}
	}
}
