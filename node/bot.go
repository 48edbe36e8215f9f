package node

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// A bridge is in a room as its bot is: a user of this node whom nobody can sign in as. Its join says
// what it joins the room to; its leaving, or being put out, ends the link. So what holds for
// people (bans, cuts, roles, other nodes) holds for bridges without a word about them.

// AddBridge makes a bridge and its bot. Refused as taken when the name is somebody's, as
// not_found when there is no plugin of the kind.
func (n *Node) AddBridge(b channel.Bridge) error {
	if err := n.Bridges.CheckNew(b); err != nil {
		return err
	}
	// The bot first: a crash in between leaves a bot without a bridge, which says nothing and is taken
	// over when the bridge is added again.
	if err := n.Accounts.PutBot(b.Name, n.Bridges.What(b)); err != nil {
		return err
	}
	if err := n.Bridges.Add(b); err != nil {
		return err
	}
	n.ProfileChanged(n.Bridges.Bot(b.Name))
	return nil
}

// SetBridge changes settings of a bridge, and, when on is not nil, stops it or lets it run again.
func (n *Node) SetBridge(name string, settings map[string]string, on *bool, reason string) error {
	if len(settings) > 0 {
		if err := n.Bridges.SetSettings(name, settings); err != nil {
			return err
		}
	}
	if on != nil {
		if err := n.Bridges.Enable(name, *on, reason); err != nil {
			return err
		}
	}
	b, ok := n.Bridges.Bridge(name)
	if !ok {
		return room.Errorf(room.NotFound, "There is no bridge %q.", clip(name, 80))
	}
	if err := n.Accounts.PutBot(name, n.Bridges.What(b)); err != nil {
		return err
	}
	n.ProfileChanged(n.Bridges.Bot(name))
	return nil
}

// RemoveBridge ends all links of a bridge, has its bot leave all its rooms, and forgets the bridge. The bot's
// name stays taken: what was said by it stays in the rooms.
func (n *Node) RemoveBridge(ctx context.Context, name, by string) error {
	if _, ok := n.Bridges.Bridge(name); !ok {
		return room.Errorf(room.NotFound, "There is no bridge %q.", clip(name, 80))
	}
	for _, l := range n.Bridges.Links(name) {
		if l.Live() {
			if err := n.UnlinkBridge(ctx, name, l.Channel, "the bridge was taken away by "+by); err != nil {
				return err
			}
		}
	}
	if err := n.leaveStray(ctx, name); err != nil {
		return err
	}
	if err := n.Bridges.Remove(name); err != nil {
		return err
	}
	if err := n.Accounts.RetireBot(name); err != nil {
		return err
	}
	n.ProfileChanged(n.Bridges.Bot(name))
	return nil
}

// LinkBridge brings a bridge's bot into a room and links it to a channel there. The code, unless the link is
// agreed already, is for an operator of the channel to say. via: a node to ask when the room is not here.
// Asked again before it was confirmed, it gives another code.
func (n *Node) LinkBridge(ctx context.Context, l channel.NewLink, via string) (code string, err error) {
	if err := n.Bridges.CheckLink(l); err != nil {
		return "", err
	}
	b, ok := n.Bridges.Bridge(l.Bridge)
	if !ok {
		return "", room.Errorf(room.NotFound, "There is no bridge %q.", clip(l.Bridge, 80))
	}
	n.bots.Lock()
	defer n.bots.Unlock()
	place := l.Channel + " on " + b.Network
	if err := n.bringBot(ctx, n.Bridges.Bot(l.Bridge), l.Room, place, via); err != nil {
		return "", err
	}
	return n.Bridges.Link(l)
}

// bringBot has a bot join a room, as the bridge to a place.
func (n *Node) bringBot(ctx context.Context, bot room.User, id room.ID, place, via string) error {
	c, err := n.rooms.get(id)
	if err == nil && c.membership(bot) == room.Joined {
		c.mu.RLock()
		now := c.state.Member(bot).Bridge
		c.mu.RUnlock()
		if now == place {
			return nil
		}
		if err := n.leaveRoom(ctx, bot, id, ""); err != nil { // it would say another place
			return err
		}
	}
	_, err = n.join(ctx, room.Draft{Room: id, Author: bot, Kind: room.KindJoin, Body: &roompb.Body{Bridge: place}}, via)
	if room.CodeOf(err) == room.NotFound {
		err = room.Errorf(room.NotFound, "There is no such room, or somebody there has to invite %s first.", bot)
	}
	return err
}

// UnlinkBridge ends the link of a channel, with the reason for people, and has the bot leave the room.
func (n *Node) UnlinkBridge(ctx context.Context, bridge, channel, why string) error {
	l, ok := n.Bridges.LinkOf(bridge, channel)
	if !ok {
		return room.Errorf(room.NotFound, "The bridge %s joins no room to %s.", clip(bridge, 80), clip(channel, 80))
	}
	if err := n.Bridges.Unlink(bridge, channel, why); err != nil {
		return err
	}
	return n.leaveRoom(ctx, n.Bridges.Bot(bridge), l.Room, why)
}

// leaveRoom has a bot leave that is in a room, and say why.
func (n *Node) leaveRoom(ctx context.Context, bot room.User, id room.ID, why string) error {
	c, err := n.rooms.get(id)
	if room.CodeOf(err) == room.NotFound || err == nil && c.membership(bot) != room.Joined {
		return nil
	}
	return n.leave(ctx, bot, id, why)
}

// leave has a user leave a room; that they are not there is as good.
func (n *Node) leave(ctx context.Context, u room.User, id room.ID, why string) error {
	_, err := n.Submit(ctx, room.Draft{Room: id, Author: u, Kind: room.KindLeave, Body: &roompb.Body{Reason: line(why)}})
	if room.CodeOf(err) == room.NotFound || room.CodeOf(err) == room.Conflict {
		return nil
	}
	return err
}

// botChanged ends the link of a bot that somebody has put out of a room. The room's loop calls it and waits: later it
// would end a link that was made meanwhile.
func (n *Node) botChanged(c *chamber, u room.User, e *room.Event) {
	if !n.Bridges.IsBot(u) || !c.without(u) {
		return
	}
	why := "unlinked by " + string(e.Author())
	if reason := e.Body.GetReason(); reason != "" {
		why += ": " + reason
	}
	n.endLink(u, c.id, why)
}

// without tells whether a user is known not to be in the room.
func (c *chamber) without(u room.User) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return !c.state.Lacks(u) && c.member(u).Membership != room.Joined
}

func (n *Node) endLink(bot room.User, id room.ID, why string) {
	for _, l := range n.Bridges.LinksOf(id) {
		if l.Bridge != bot.Local() {
			continue
		}
		// Already ended is as good: the bot left because it was.
		if err := n.Bridges.Unlink(l.Bridge, l.Channel, why); err != nil && room.CodeOf(err) != room.NotFound {
			n.log.Error("end the link of a bridge", "bridge", l.Bridge, "channel", l.Channel, "err", err)
		}
	}
}

// settleBots brings links and rooms together again, of which a kill may have kept one without the other.
func (n *Node) settleBots(ctx context.Context) {
	n.bots.Lock()
	defer n.bots.Unlock()
	for _, b := range n.Bridges.Bridges() {
		bot := n.Bridges.Bot(b.Name)
		for _, l := range n.Bridges.Links(b.Name) {
			if !l.Live() {
				continue
			}
			if c, err := n.rooms.get(l.Room); err == nil && c.without(bot) || room.CodeOf(err) == room.NotFound {
				n.endLink(bot, l.Room, "the bridge is not in the room any more")
			} else if p := l.Private; err == nil && p != nil && c.without(p.User) {
				n.endConversation(b.Name, l.Channel, string(p.User)+" has left")
			}
		}
	}
	for _, name := range n.Accounts.Bots() { // also those whose bridge was taken away
		if err := n.leaveStray(ctx, name); err != nil && ctx.Err() == nil {
			n.log.Warn("leave the rooms that a bridge joins to nothing", "bridge", name, "err", err)
		}
	}
}

// leaveStray has a bot leave the rooms that no link of its bridge is for.
func (n *Node) leaveStray(ctx context.Context, name string) error {
	bot := n.Bridges.Bot(name)
	rooms, err := n.store.UserRooms(bot)
	if err != nil {
		return fmt.Errorf("read rooms of %s: %w", bot, err)
	}
	for _, m := range rooms {
		id, err := room.HashFromBytes(m.GetRoom())
		if err != nil {
			return err
		}
		if m.GetMembership() != string(room.Joined) || n.linked(name, id) {
			continue
		}
		if err := n.leaveRoom(ctx, bot, id, ""); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) linked(bridge string, id room.ID) bool {
	for _, l := range n.Bridges.LinksOf(id) {
		if l.Bridge == bridge {
			return true
		}
	}
	return false
}

// RoomName is what people call a room: its address, or its name.
func (n *Node) RoomName(id room.ID) string { return StoredRoomName(n.store, n.name, id) }

// ───────────────────────────── What people see ─────────────────────────────

// RoomBridge is a bridge of a room, as its members see it.
type RoomBridge struct {
	Bot     room.User
	Place   string // "#garden-irc on libera"
	Channel string // of this node's bridges alone, as what follows
	Kind    string
	Own     bool // this node's: the state is known
	Status  channel.Status
	Muted   []string
	Roster  []*roompb.Ghost // shared; by name
	Private bool            // who is there can be written to privately
}

// elsewhere is what is known of another node's bridge: that it is in the room.
const elsewhere = "unknown"

// RoomBridges are the bridges of a room, by name: for its members. How another node's bridge
// is, only that node knows.
func (n *Node) RoomBridges(by Caller, id room.ID) ([]RoomBridge, error) {
	c, err := n.readable(by, id)
	if err != nil {
		return nil, err
	}
	var out []RoomBridge
	for _, m := range c.membersWhere(room.Joined) {
		if m.member.Bridge == "" {
			continue
		}
		b := RoomBridge{Bot: m.user, Place: m.member.Bridge}
		b.Kind, _, _ = strings.Cut(n.what(m.user), " ")
		if n.Bridges.IsBot(m.user) && n.linked(m.user.Local(), id) {
			n.describeLink(&b, id)
		} else {
			b.Status = channel.Status{State: elsewhere, Reason: "It is a bridge of the node " + m.user.Node() + ", which knows how it is."}
		}
		out = append(out, b)
	}
	return out, nil
}

func (n *Node) what(bot room.User) string {
	p, err := n.Profile(bot)
	if err != nil {
		return ""
	}
	return p.GetBridge()
}

func (n *Node) describeLink(b *RoomBridge, id room.ID) {
	name := b.Bot.Local()
	for _, l := range n.Bridges.LinksOf(id) {
		if l.Bridge == name {
			b.Own, b.Channel, b.Muted = true, l.Channel, l.Muted
			b.Private = l.Private == nil && l.Confirmed && n.Bridges.Whispers(name)
			b.Status, b.Roster = n.Bridges.LinkStatus(name, id), n.Bridges.Roster(name, id)
		}
	}
}

// bridgeNews are the rooms whose bridges are in another state than before: those who have one on
// show are told, not more often than now and then.
type bridgeNews struct {
	wake chan struct{}

	mu    sync.Mutex
	rooms map[room.ID]struct{}
}

// newsEvery is the least time between two tellings: a roster may change with every line.
const newsEvery = 300 * time.Millisecond

func newBridgeNews() *bridgeNews {
	return &bridgeNews{wake: make(chan struct{}, 1), rooms: map[room.ID]struct{}{}}
}

func (b *bridgeNews) mark(id room.ID) {
	b.mu.Lock()
	b.rooms[id] = struct{}{}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *bridgeNews) take() map[room.ID]struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.rooms
	b.rooms = map[room.ID]struct{}{}
	return out
}

func (n *Node) tellOfBridges(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-n.news.wake:
		}
		for id := range n.news.take() {
			if c := n.rooms.peek(id); c != nil {
				c.broadcast("", &roompb.Signal{Kind: "bridge", Room: c.text, Time: n.millis()})
			}
		}
		pause := time.NewTimer(newsEvery)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}
