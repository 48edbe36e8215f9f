package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// A private conversation with somebody beyond a bridge is a room of one user and the bridge's bot, linked to no channel but to
// that one person. Nobody begins one but a user of this node, and with nobody but who is beyond the bridge, in a
// channel that a room of the user is joined to, at that moment.

// BeginPrivate is the room of the caller's conversation with somebody beyond a bridge, by id or nick: found, or made.
func (n *Node) BeginPrivate(ctx context.Context, by Caller, bridge, who string) (room.ID, error) {
	ghost := n.beyond(by.User, bridge, who)
	if ghost == nil {
		return room.ID{}, room.Errorf(room.NotFound, "%q is in no channel that the bridge %q joins to a room of yours.", clip(who, 80), clip(bridge, 80))
	}
	n.bots.Lock()
	defer n.bots.Unlock()
	if l, ok := n.Bridges.Conversation(bridge, by.User, ghost.GetId()); ok {
		return l.Room, nil
	}
	with := channel.Private{User: by.User, Ghost: ghost.GetId(), Name: ghost.GetName()}
	// No channel can be called so, and nobody can guess it.
	l := channel.NewLink{Bridge: bridge, Channel: "private:" + rand.Text(), By: string(by.User), Agreed: true, Private: &with}
	if err := n.Bridges.CheckBeginning(bridge, with); err != nil {
		return room.ID{}, err
	}
	return n.converse(ctx, by, l)
}

// converse makes the room of a conversation, and links it. What fails half way leaves nobody in a room. n.bots is held.
func (n *Node) converse(ctx context.Context, by Caller, l channel.NewLink) (room.ID, error) {
	b, ok := n.Bridges.Bridge(l.Bridge)
	if !ok {
		return room.ID{}, room.Errorf(room.NotFound, "There is no bridge %q.", clip(l.Bridge, 80))
	}
	bot, place := n.Bridges.Bot(l.Bridge), clip(l.Private.Name+" on "+b.Network, room.MaxRoomName-1)
	id, err := n.create(by, NewRoom{Name: place}, "", nil)
	if err != nil {
		return room.ID{}, fmt.Errorf("make the room of a private conversation: %w", err)
	}
	l.Room = id
	if err = n.bringBot(ctx, bot, id, place, ""); err == nil {
		_, err = n.Bridges.Link(l)
	}
	if err == nil {
		return id, nil
	}
	for _, u := range []room.User{bot, by.User} {
		if err := n.leave(n.life, u, id, ""); err != nil { // also the bot, whose join may be on its way
			n.log.Error("leave the room of a private conversation that could not begin", "user", u, "err", err)
		}
	}
	return room.ID{}, err
}

// beyond is somebody who is beyond a bridge now, as a user sees it in a room; nil: nobody whom the user sees.
func (n *Node) beyond(u room.User, bridge, who string) *roompb.Ghost {
	var found *roompb.Ghost
	for _, l := range n.Bridges.Links(bridge) {
		if !l.Live() || !l.Confirmed || l.Private != nil {
			continue
		}
		g, exact := named(n.Bridges.Roster(bridge, l.Room), who)
		if g == nil || found != nil && !exact {
			continue
		}
		if c, err := n.rooms.get(l.Room); err != nil || c.membership(u) != room.Joined {
			continue
		}
		if found = g; exact {
			break
		}
	}
	return found
}

// named is who has an id, or else the name.
func named(roster []*roompb.Ghost, who string) (g *roompb.Ghost, exact bool) {
	for _, each := range roster {
		if each.GetId() == who {
			return each, true
		}
		if strings.EqualFold(each.GetName(), who) {
			g = each
		}
	}
	return g, false
}

// conversationChanged ends a private conversation whose user has left, or that somebody else has entered. The room's loop calls it.
func (n *Node) conversationChanged(c *chamber, u room.User) {
	bridge, place, whose, private := n.Bridges.Conversing(c.id)
	if !private || n.Bridges.IsBot(u) {
		return
	}
	why := ""
	switch in := !c.without(u); {
	case u == whose && !in:
		why = string(u) + " has left"
	case u != whose && c.membership(u) == room.Joined:
		why = string(u) + " has come in, and it was a conversation of two"
	default:
		return
	}
	n.running.Go(func() { n.endConversation(bridge, place, why) })
}

func (n *Node) endConversation(bridge, place, why string) {
	err := n.UnlinkBridge(n.life, bridge, place, why)
	if err != nil && room.CodeOf(err) != room.NotFound && n.life.Err() == nil {
		n.log.Error("end a private conversation", "bridge", bridge, "err", err)
	}
}
