package transport

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/account"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/transport/session/clientpb"
)

// What people see of bridges, and what administrators do about them. How a bridge's plugin is run is
// the host's affair: here they are rows of the book that both share.
func bridgeCommands() []command {
	link := query("AdminBridgeLink", admin, adminBridgeLink)
	link.apart = func(proto.Message) bool { return true } // the room may be another node's
	remove := query("AdminBridgeRemove", admin, adminBridgeRemove)
	remove.apart = link.apart
	unlink := query("AdminBridgeUnlink", admin, adminBridgeUnlink)
	unlink.apart = link.apart
	kinds, add, set := query("AdminBridgeKinds", admin, adminBridgeKinds), query("AdminBridgeAdd", admin, adminBridgeAdd), query("AdminBridgeSet", admin, adminBridgeSet)
	kinds.apart, add.apart, set.apart = link.apart, link.apart, link.apart // plugins may be looked for just now
	private := query("BridgePrivate", user, bridgePrivate)
	private.apart = link.apart // makes a room
	return []command{
		query("RoomBridges", user, roomBridges),
		private,
		kinds,
		query("AdminBridges", admin, adminBridges),
		add,
		set,
		remove,
		link,
		unlink,
		query("AdminBridgeMute", admin, adminBridgeMute),
		query("AdminBridgeLogs", admin, adminBridgeLogs),
		query("AdminBridgeRestart", admin, adminBridgeRestart),
	}
}

// bridgeWithin bounds what another node may take to answer about its room.
const bridgeWithin = 30 * time.Second

func roomBridges(_ context.Context, c *call, in *clientpb.RoomBridgesRequest) (*clientpb.RoomBridgesResponse, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	list, err := c.s.node.RoomBridges(c.caller, id)
	if err != nil {
		return nil, err
	}
	out := &clientpb.RoomBridgesResponse{}
	for _, b := range list {
		if in.User != "" && in.User != string(b.Bot) {
			continue
		}
		b.Status.Detail = "" // members are not told addresses
		out.Bridges = append(out.Bridges, &clientpb.RoomBridge{
			User: string(b.Bot), Place: b.Place, Kind: b.Kind, Own: b.Own, Channel: b.Channel, Status: showStatus(b.Status),
			Here: uint32(len(b.Roster)), Roster: pageOf(b.Roster, in.From, in.Limit), Muted: b.Muted, Private: b.Private,
		})
	}
	return out, nil
}

func bridgePrivate(ctx context.Context, c *call, in *clientpb.BridgePrivateRequest) (*clientpb.BridgePrivateResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, bridgeWithin)
	defer cancel()
	id, err := c.s.node.BeginPrivate(ctx, c.caller, in.Name, in.Ghost)
	if err != nil {
		return nil, err
	}
	return &clientpb.BridgePrivateResponse{Room: id.String()}, nil
}

func (c *call) bridges() Bridges { return Bridges{c.s.node.Bridges, c.s.node.RoomName} }

// who is the caller as reasons and lists name them.
func (c *call) who() string { return cmp.Or(string(c.caller.User), "the operator") }

// kindsWithin is how long a command waits for a node that has just started to look for its plugins.
const kindsWithin = 15 * time.Second

func (c *call) awaitKinds(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, kindsWithin)
	defer cancel()
	c.s.node.Bridges.AwaitKinds(ctx)
}

func adminBridgeKinds(ctx context.Context, c *call, _ *clientpb.Empty) (*clientpb.AdminBridgeKindsResponse, error) {
	c.awaitKinds(ctx)
	return ShowKinds(c.s.node.Bridges), nil
}

func adminBridges(_ context.Context, c *call, _ *clientpb.Empty) (*clientpb.AdminBridgesResponse, error) {
	return c.bridges().All(), nil
}

func adminBridgeAdd(ctx context.Context, c *call, in *clientpb.AdminBridgeAddRequest) (*clientpb.Bridge, error) {
	c.awaitKinds(ctx)
	if err := c.s.node.AddBridge(channel.Bridge{Name: in.Name, Kind: in.Kind, Settings: in.Settings}); err != nil {
		return nil, err
	}
	return c.bridges().One(in.Name)
}

func adminBridgeSet(ctx context.Context, c *call, in *clientpb.AdminBridgeSetRequest) (*clientpb.Bridge, error) {
	if in.Enabled == nil && len(in.Settings) == 0 {
		return nil, room.Errorf(room.BadRequest, "Say what to change of the bridge: a setting, or whether it runs.")
	}
	if len(in.Settings) > 0 {
		c.awaitKinds(ctx)
	}
	if in.Channel != "" {
		if err := SetLink(c.s.node.Bridges, in); err != nil {
			return nil, err
		}
		return c.bridges().One(in.Name)
	}
	if err := c.s.node.SetBridge(in.Name, in.Settings, in.Enabled, "It was stopped by "+c.who()+"."); err != nil {
		return nil, err
	}
	return c.bridges().One(in.Name)
}

func adminBridgeRemove(ctx context.Context, c *call, in *clientpb.AdminBridgeRequest) (*clientpb.Empty, error) {
	ctx, cancel := context.WithTimeout(ctx, bridgeWithin)
	defer cancel()
	return &clientpb.Empty{}, c.s.node.RemoveBridge(ctx, in.Name, c.who())
}

func adminBridgeLink(ctx context.Context, c *call, in *clientpb.AdminBridgeLinkRequest) (*clientpb.AdminBridgeLinkResponse, error) {
	n := c.s.node
	bridge, ok := n.Bridges.Bridge(in.Name)
	if !ok {
		return nil, room.Errorf(room.NotFound, "There is no bridge %q. `hearth bridge list` shows those there are.", in.Name[:min(len(in.Name), 80)])
	}
	c.awaitKinds(ctx) // they say what may be set
	ctx, cancel := context.WithTimeout(ctx, bridgeWithin)
	defer cancel()
	// Asked as the bot: a room of another node shows itself to whom it invited.
	id, via, err := n.ResolveRef(ctx, account.Caller{User: n.Bridges.Bot(in.Name)}, in.Room)
	if err != nil {
		return nil, err
	}
	l := channel.NewLink{Bridge: in.Name, Room: id, Channel: in.Channel, Settings: in.Settings, By: c.who(), Agreed: in.NoConsent}
	code, err := n.LinkBridge(ctx, l, via)
	if err != nil {
		return nil, err
	}
	place := in.Channel + " on " + bridge.Network
	if in.NoConsent {
		return &clientpb.AdminBridgeLinkResponse{Instructions: "Nothing is left to do: " + place + " and " + n.RoomName(id) + " are joined."}, nil
	}
	out := &clientpb.AdminBridgeLinkResponse{Code: code, Instructions: instructions(c.linkHint(bridge.Kind), code, place)}
	if made, ok := n.Bridges.LinkOf(in.Name, in.Channel); ok {
		out.Expires = made.CodeEnds
	}
	return out, nil
}

func (c *call) linkHint(kind string) string {
	for _, k := range c.s.node.Bridges.Kinds() {
		if k.Kind == kind {
			return k.LinkHint
		}
	}
	return ""
}

func adminBridgeUnlink(ctx context.Context, c *call, in *clientpb.AdminBridgeUnlinkRequest) (*clientpb.Empty, error) {
	ctx, cancel := context.WithTimeout(ctx, bridgeWithin)
	defer cancel()
	return &clientpb.Empty{}, c.s.node.UnlinkBridge(ctx, in.Name, in.Channel, "unlinked by "+c.who())
}

func adminBridgeMute(ctx context.Context, c *call, in *clientpb.AdminBridgeMuteRequest) (*clientpb.Empty, error) {
	id, err := c.s.node.Resolve(in.Room)
	if err != nil {
		return nil, err
	}
	return &clientpb.Empty{}, c.s.node.Bridges.Mute(in.Name, id, in.Ghost, in.On)
}

func adminBridgeLogs(_ context.Context, c *call, in *clientpb.AdminBridgeLogsRequest) (*clientpb.AdminBridgeLogsResponse, error) {
	const most = 500
	limit := int(in.Limit)
	if limit == 0 || limit > most {
		limit = most
	}
	lines, err := c.s.node.Bridges.Logs(in.Name, in.After, limit)
	if err != nil {
		return nil, err
	}
	out := &clientpb.AdminBridgeLogsResponse{}
	for _, l := range lines {
		out.Lines = append(out.Lines, &clientpb.LogLine{Seq: l.Seq, Time: l.Time, Text: l.Text})
	}
	return out, nil
}

func adminBridgeRestart(_ context.Context, c *call, in *clientpb.AdminBridgeRequest) (*clientpb.Empty, error) {
	return &clientpb.Empty{}, c.s.node.Bridges.Restart(in.Name)
}
