package transport

import (
	"context"
	"slices"

	"hearth/node"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

// What people do about other nodes, in rooms and for themselves.
func federationCommands() []command {
	reports := query("Report", user, report)
	reports.sends = true
	return []command{
		draft("RoomSteward", drawStewards, done),
		draft("RoomNodeBan", drawNodeBan, done),
		query("Block", user, block),
		query("Blocks", user, blocks),
		query("Notices", user, notices),
		reports,
	}
}

// drawStewards makes the list as it will be from the one that is.
func drawStewards(c *call, in *clientpb.RoomStewardRequest) (room.Draft, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return room.Draft{}, err
	}
	if err := room.CheckNodeName(in.Node); err != nil {
		return room.Draft{}, err
	}
	list, err := c.s.node.Stewards(c.caller, id)
	if err != nil {
		return room.Draft{}, err
	}
	switch has := slices.Contains(list, in.Node); {
	case has && in.On:
		return room.Draft{}, room.Errorf(room.Conflict, "%s is a steward of the room already.", in.Node)
	case !has && !in.On:
		return room.Draft{}, room.Errorf(room.Conflict, "%s is no steward of the room.", in.Node)
	case in.On:
		list = append(list, in.Node)
	default:
		list = slices.DeleteFunc(list, func(n string) bool { return n == in.Node })
	}
	slices.Sort(list)
	return room.Draft{Room: id, Kind: room.KindStewards, Body: &roompb.Body{Stewards: list}}, nil
}

func drawNodeBan(c *call, in *clientpb.RoomNodeBanRequest) (room.Draft, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return room.Draft{}, err
	}
	if err := room.CheckNodeName(in.Node); err != nil {
		return room.Draft{}, err
	}
	return room.Draft{
		Room: id, Kind: either(in.On, room.KindNodeBan, room.KindNodeUnban), Body: &roompb.Body{Node: in.Node, Reason: in.Reason},
	}, nil
}

func block(_ context.Context, c *call, in *clientpb.BlockRequest) (*clientpb.Empty, error) {
	if (in.User == "") == (in.Node == "") {
		return nil, room.Errorf(room.BadRequest, "Name a user or a node.")
	}
	if in.Node != "" {
		if err := room.CheckNodeName(in.Node); err != nil {
			return nil, err
		}
		return &clientpb.Empty{}, c.s.node.Block(c.caller, "", in.Node, in.On)
	}
	u, err := c.userOf(in.User)
	if err != nil {
		return nil, err
	}
	return &clientpb.Empty{}, c.s.node.Block(c.caller, u, "", in.On)
}

func blocks(_ context.Context, c *call, _ *clientpb.Empty) (*clientpb.BlocksResponse, error) {
	users, nodes, err := c.s.node.Blocks(c.caller)
	if err != nil {
		return nil, err
	}
	out := &clientpb.BlocksResponse{Nodes: nodes}
	for _, u := range users {
		out.Users = append(out.Users, string(u))
	}
	return out, nil
}

func notices(_ context.Context, c *call, in *clientpb.NoticesRequest) (*clientpb.NoticesResponse, error) {
	list, err := c.s.node.Notices(c.caller, in.Seen)
	if err != nil {
		return nil, err
	}
	out := &clientpb.NoticesResponse{}
	for _, n := range list {
		out.Notices = append(out.Notices, &clientpb.Notice{
			Room: n.Room, Name: n.Name, Why: n.Why, Text: n.Text, Time: n.Time, Count: uint32(n.Count), At: n.At,
		})
	}
	return out, nil
}

// maxReason bounds the reason of a report, in characters.
const maxReason = 500

func report(ctx context.Context, c *call, in *clientpb.ReportRequest) (*clientpb.Empty, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	if in.Event == "" {
		return nil, room.Errorf(room.BadRequest, "Name an event.")
	}
	event, err := eventOf(in.Event)
	if err != nil {
		return nil, err
	}
	if len([]rune(in.Reason)) > maxReason {
		return nil, room.Errorf(room.TooLarge, "A reason has at most %d characters.", maxReason)
	}
	return &clientpb.Empty{}, c.s.node.Report(ctx, c.caller, id, event, in.Reason)
}

func showRoomNode(n node.RoomNode) *clientpb.RoomNode {
	state := peer.Down
	if n.Up {
		state = peer.Up
	}
	return &clientpb.RoomNode{
		Name: n.Name, Here: n.Here, State: string(state), Home: n.Home, Steward: n.Steward, Members: uint32(n.Members),
		Frontier: n.Frontier, Reached: n.Reached, Behind: n.Behind, RttMs: n.RTT.Milliseconds(), Banned: n.Banned, Frozen: n.Frozen,
	}
}
