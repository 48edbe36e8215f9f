package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// RoomNode is a node that takes part in a room, as this one knows it.
type RoomNode struct {
	Name     string
	Here     bool
	Up       bool
	Home     bool
	Steward  bool
	Members  int
	Frontier uint64 // how far its logs have come here, former ones too
	Reached  uint64 // seq of this node's newest message that it has
	Behind   uint64 // messages of this node that it has not
	RTT      time.Duration
	Banned   bool
	Frozen   string // why nothing of it is taken any more
}

// Nodes are those that take part in a room, this one first; then those that are banned.
func (n *Node) Nodes(by Caller, id room.ID) ([]RoomNode, error) {
	c, err := n.readable(by, id)
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	own, lead := c.own().seq(), c.leader()
	var out []RoomNode
	for name, standing := range c.state.Nodes {
		if name != n.name && !c.state.Takes(name) && !standing.Banned {
			continue
		}
		r := RoomNode{
			Name: name, Here: name == n.name, Home: name == lead, Steward: c.state.IsSteward(name),
			Members: standing.Joined, Banned: standing.Banned, Reached: c.reached[name],
		}
		for k, ch := range c.logs {
			if k.origin != name {
				continue
			}
			r.Frontier += ch.seq()
			if c.newest(k) {
				r.Frozen = ch.frozen
			}
		}
		if r.Here {
			r.Up, r.Reached = true, own
		} else {
			r.Up, r.RTT = n.up(name), n.rtt(name)
			r.Behind = own - min(own, r.Reached)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b RoomNode) int {
		if a.Here != b.Here {
			return map[bool]int{true: -1, false: 1}[a.Here]
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out, nil
}

// Acked is told by the door what a peer has stored.
func (n *Node) Acked(peer string, id room.ID, tops []*roompb.Top, _ uint64) {
	c := n.rooms.peek(id)
	if c == nil {
		return
	}
	own := n.ownLog()
	for _, t := range tops {
		if t.GetOrigin() == own.origin && t.GetIncarnation() == own.incarnation {
			c.ack(peer, t.GetSeq())
		}
	}
}

// Level is told by the door when a peer has been found to have all that this node has of
// the rooms that both share, and the other way round. (What waits for the home then is on
// its way; what it has forgotten is asked for again.)
func (n *Node) Level(peer string) {
	n.level.Store(peer, true)
	ids, err := n.store.PeerRooms(peer)
	if err != nil {
		n.log.Error("read rooms shared with a peer", "peer", peer, "err", err)
	}
	for _, id := range ids {
		if c := n.rooms.peek(id); c != nil {
			c.mu.RLock()
			seq := c.own().seq()
			c.mu.RUnlock()
			c.ack(peer, seq)
			c.leaveAgain(peer)
		}
	}
}

// seedReached is for a room that wakes: who is level has had time to get all of it.
func (c *chamber) seedReached() {
	for _, p := range c.peers {
		if _, level := c.n.level.Load(p); level {
			c.reached[p] = c.own().seq()
		}
	}
}

func (c *chamber) ack(peer string, seq uint64) {
	c.mu.Lock()
	news := slices.Contains(c.peers, peer) && seq > c.reached[peer] && seq <= c.own().seq()
	if news {
		c.reached[peer] = seq
	}
	c.mu.Unlock()
	if news {
		c.broadcast("", &roompb.Signal{Kind: "reached", Room: c.text, User: peer, Pos: seq})
	}
}

// reach is how many of the other nodes have this node's message of a seq. The lock is held.
func (c *chamber) reach(h *roompb.Header) (reached, nodes uint32) {
	if h.GetOrigin() != c.n.name || h.GetIncarnation() != c.n.incarnation.Load() || len(c.peers) == 0 || h.GetLog() != roompb.Log_LOG_MESSAGES {
		return 0, 0
	}
	for _, p := range c.peers {
		if c.reached[p] >= h.GetSeq() {
			reached++
		}
	}
	return reached, uint32(len(c.peers))
}

// Stewards are the nodes that order a room's state.
func (n *Node) Stewards(by Caller, id room.ID) ([]string, error) {
	c, err := n.readable(by, id)
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.state.Stewards), nil
}

// ResolveRef is Resolve, and asks the other node where the alias is another's. via is
// that node, for Join.
func (n *Node) ResolveRef(ctx context.Context, by Caller, ref string) (id room.ID, via string, err error) {
	id, err = n.Resolve(ref)
	local, at, full := strings.Cut(strings.TrimPrefix(ref, "#"), "@")
	if room.CodeOf(err) != room.NotFound || !strings.HasPrefix(ref, "#") || !full || at == n.name {
		return id, "", err
	}
	if err := errors.Join(room.CheckAlias(local), room.CheckNodeName(at)); err != nil {
		return id, "", room.Errorf(room.BadRequest, "%q is not a room's address such as #garden@node.example.", clip(ref, 80))
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	a, err := n.ask(ctx, at, &roompb.Ask{What: &roompb.Ask_Resolve{Resolve: &roompb.ResolveAsk{Alias: local, User: string(by.User)}}})
	if err != nil {
		return id, "", unreached(err, at)
	}
	id, err = room.HashFromBytes(a.GetResolve().GetRoom())
	return id, at, err
}

// FindRoomsAt is the directory of another node.
func (n *Node) FindRoomsAt(ctx context.Context, _ Caller, node, query, after string, limit int) ([]*roompb.RoomSummary, string, error) {
	if err := room.CheckNodeName(node); err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	a, err := n.ask(ctx, node, &roompb.Ask{What: &roompb.Ask_Directory{Directory: &roompb.DirectoryAsk{
		Query: clip(query, 100), After: after, Limit: uint32(clampLimit(limit, 50, 100)),
	}}})
	if err != nil {
		return nil, "", unreached(err, node)
	}
	out := make([]*roompb.RoomSummary, 0, len(a.GetDirectory().GetRooms()))
	for _, s := range a.GetDirectory().GetRooms() {
		if clean := cleanSummary(node, s); clean != nil && len(out) < 100 {
			out = append(out, clean)
		}
	}
	return out, clip(a.GetDirectory().GetNext(), 100), nil
}

// cleanSummary is what is shown of another node's room: nothing of it says anything
// about the caller, and no text is one that could not be a room's here.
func cleanSummary(node string, s *roompb.RoomSummary) *roompb.RoomSummary {
	alias, at, _ := strings.Cut(strings.TrimPrefix(s.GetAlias(), "#"), "@")
	if _, err := room.ParseHash(s.GetRoom()); err != nil || at != node || room.CheckAlias(alias) != nil {
		return nil
	}
	settings := &roompb.Settings{Name: &s.Name, Topic: &s.Topic}
	if room.CheckBody(room.KindSettings, &roompb.Body{Settings: settings}) != nil {
		return nil
	}
	return &roompb.RoomSummary{Room: s.Room, Alias: s.Alias, Name: s.Name, Topic: s.Topic, Public: true, Members: s.Members, Home: node, Nodes: s.Nodes}
}

// up tells whether a link to a node stands.
func (n *Node) up(name string) bool {
	p, ok := n.Peers.Lookup(name)
	return ok && p.State.Link == peer.Up
}

func (n *Node) rtt(name string) time.Duration {
	p, _ := n.Peers.Lookup(name)
	return p.State.RTT
}

// PeerLag is how many rooms are shared with a peer, and how many of this node's messages
// it has not acknowledged, in the rooms that are awake: others have no news.
func (n *Node) PeerLag(name string) (rooms int, behind uint64, err error) {
	ids, err := n.store.PeerRooms(name)
	if err != nil {
		return 0, 0, fmt.Errorf("read rooms shared with %s: %w", name, err)
	}
	for _, id := range ids {
		if c := n.rooms.peek(id); c != nil {
			c.mu.RLock()
			own := c.own().seq()
			behind += own - min(c.reached[name], own)
			c.mu.RUnlock()
		}
	}
	return len(ids), behind, nil
}

// Has tells whether a room is here, and not only an invitation to it.
func (n *Node) Has(id room.ID) bool {
	c, err := n.rooms.get(id)
	return err == nil && c.takesPart()
}

// Vouches tells whether a room that is shared with a node has this key for it.
func (n *Node) Vouches(name string, key []byte) bool {
	ids, err := n.store.PeerRooms(name)
	if err != nil {
		return false
	}
	for _, id := range ids {
		c, err := n.rooms.get(id)
		if err == nil && string(c.nodeKey(name)) == string(key) {
			return true
		}
	}
	return false
}

// PushTo are the peers to whom this node passes new events of a room on.
func (n *Node) PushTo(id room.ID) []string {
	c, err := n.rooms.get(id)
	if err != nil {
		return nil
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if len(c.peers) <= room.Fanout {
		return append(slices.Clone(c.peers), c.parted...)
	}
	out := slices.Clone(c.parted)
	for k := range c.logs {
		out = append(out, c.relays(k.origin)...)
	}
	if c.state.IsSteward(c.n.name) { // entries of the state log go out from here
		out = append(out, room.Relays(c.id, c.n.name, c.n.name, append(slices.Clone(c.peers), c.n.name))...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
