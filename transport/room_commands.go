package transport

import (
	"context"

	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

func roomCommands() []command {
	create := query("RoomCreate", user, roomCreate)
	direct := query("RoomDirect", user, roomDirect)
	create.sends, direct.sends = true, true
	find := query("RoomFind", user, roomFind)
	find.apart = func(m proto.Message) bool { return m.(*clientpb.RoomFindRequest).Node != "" }
	return []command{
		query("Rooms", user, rooms),
		create,
		direct,
		find,
		query("RoomGet", user, roomGet),
		joinElsewhere(joinedAlready(draft("RoomJoin", drawRoom(room.KindJoin), summary))),
		draft("RoomLeave", drawRoom(room.KindLeave), done),
		draft("RoomInvite", drawMember(room.KindInvite), done),
		draft("RoomKick", drawMember(room.KindKick), done),
		draft("RoomBan", drawMember(room.KindBan), done),
		draft("RoomUnban", drawMember(room.KindUnban), done),
		draft("RoomRole", drawMember(room.KindRole), done),
		draft("RoomSet", drawSettings, summary),
		query("RoomMute", user, roomMute),
		query("Members", user, members),
	}
}

// joinedAlready makes joining a room that one is in succeed: a client that retries, or
// a script that runs twice, has what it asked for.
func joinedAlready(c command) command {
	start := c.start
	c.start = func(ctx context.Context, on *call, request proto.Message) (outcome, error) {
		wait, err := start(ctx, on, request)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (proto.Message, error) {
			response, err := wait(ctx)
			if room.CodeOf(err) != room.Conflict {
				return response, err
			}
			id, _ := on.roomOf(request.(*clientpb.RoomRequest).Room) // it was found a moment ago
			return on.s.node.Summary(on.caller, id)
		}, nil
	}
	return c
}

// joinElsewhere makes joining a room that this node does not have ask the node that does.
// That takes as long as the other node takes, so what a session asks behind it does not
// wait for it.
func joinElsewhere(c command) command {
	start := c.start
	c.start = func(ctx context.Context, on *call, request proto.Message) (outcome, error) {
		ref := request.(*clientpb.RoomRequest).Room
		at := nodeOf(ref)
		if _, err := on.roomOf(ref); err == nil || at == "" || at == on.s.node.Name() {
			return start(ctx, on, request)
		}
		return func(ctx context.Context) (proto.Message, error) {
			id, via, err := on.farRoom(ctx, ref)
			if err != nil {
				return nil, err
			}
			if _, err := on.s.node.Join(ctx, on.caller, id, via); err != nil && room.CodeOf(err) != room.Conflict {
				return nil, err
			}
			return on.s.node.Summary(on.caller, id)
		}, nil
	}
	return c
}

// done answers what the room's home decides.
func done(_ *call, r node.Receipt) (*clientpb.Done, error) {
	return &clientpb.Done{Waiting: r.Waiting}, nil
}

func summary(c *call, r node.Receipt) (*roompb.RoomSummary, error) {
	return c.s.node.Summary(c.caller, r.Room)
}

func drawRoom(kind room.Kind) func(*call, *clientpb.RoomRequest) (room.Draft, error) {
	return func(c *call, in *clientpb.RoomRequest) (room.Draft, error) {
		id, err := c.roomOf(in.Room)
		return room.Draft{Room: id, Kind: kind, Body: &roompb.Body{}}, err
	}
}

func drawMember(kind room.Kind) func(*call, *clientpb.MemberRequest) (room.Draft, error) {
	return func(c *call, in *clientpb.MemberRequest) (room.Draft, error) {
		d := room.Draft{Kind: kind, Body: &roompb.Body{}}
		var err error
		if d.Room, err = c.roomOf(in.Room); err != nil {
			return d, err
		}
		subject, err := c.userOf(in.User)
		if err != nil {
			return d, err
		}
		d.Body.Subject = string(subject)
		if kind == room.KindRole {
			d.Body.Role = in.Role
		} else {
			d.Body.Reason = in.Reason
		}
		return d, nil
	}
}

func drawSettings(c *call, in *clientpb.RoomSetRequest) (room.Draft, error) {
	id, err := c.roomOf(in.Room)
	if err == nil && in.Settings == nil {
		err = room.Errorf(room.BadRequest, "Give the settings to change.")
	}
	return room.Draft{Room: id, Kind: room.KindSettings, Body: &roompb.Body{Settings: in.Settings}}, err
}

func rooms(_ context.Context, c *call, _ *clientpb.Empty) (*clientpb.RoomsResponse, error) {
	list, err := c.s.node.Summaries(c.caller)
	return &clientpb.RoomsResponse{Rooms: list}, err
}

// mostInvited bounds whom one RoomCreate may invite.
const mostInvited = 100

func roomCreate(ctx context.Context, c *call, in *clientpb.RoomCreateRequest) (*roompb.RoomSummary, error) {
	if len(in.Invite) > mostInvited {
		return nil, room.Errorf(room.TooLarge, "At most %d people can be invited at once.", mostInvited)
	}
	r := node.NewRoom{Alias: in.Alias, Name: in.Name, Topic: in.Topic, Public: in.Public, Key: in.Key}
	if in.SuccessorOf != "" {
		var err error
		if r.Succeeds, err = c.roomOf(in.SuccessorOf); err != nil {
			return nil, err
		}
	}
	for _, name := range in.Invite {
		u, err := c.userOf(name)
		if err != nil {
			return nil, err
		}
		r.Invite = append(r.Invite, u)
	}
	return c.s.node.CreateRoom(ctx, c.caller, r)
}

func roomDirect(ctx context.Context, c *call, in *clientpb.RoomDirectRequest) (*roompb.RoomSummary, error) {
	u, err := c.userOf(in.User)
	if err != nil {
		return nil, err
	}
	return c.s.node.Direct(ctx, c.caller, u)
}

func roomFind(ctx context.Context, c *call, in *clientpb.RoomFindRequest) (*clientpb.RoomFindResponse, error) {
	limit := clamp(in.Limit, 50, 100)
	if in.Node == "" || in.Node == c.s.node.Name() {
		list, next, err := c.s.node.FindRooms(c.caller, in.Query, in.After, limit)
		return &clientpb.RoomFindResponse{Rooms: list, Next: next}, err
	}
	if err := room.CheckNodeName(in.Node); err != nil {
		return nil, err
	}
	list, next, err := c.s.node.FindRoomsAt(ctx, c.caller, in.Node, in.Query, in.After, limit)
	return &clientpb.RoomFindResponse{Rooms: list, Next: next}, err
}

func roomGet(_ context.Context, c *call, in *clientpb.RoomRequest) (*clientpb.RoomGetResponse, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	out := &clientpb.RoomGetResponse{}
	if out.Summary, err = c.s.node.Summary(c.caller, id); err != nil {
		return nil, err
	}
	if out.Rights, out.Creator, err = c.s.node.Rights(c.caller, id); err != nil {
		return nil, err
	}
	out.Nodes, err = c.nodesOf(id)
	return out, err
}

// nodesOf are the nodes that take part in a room; none for who may not read it.
func (c *call) nodesOf(id room.ID) ([]*clientpb.RoomNode, error) {
	list, err := c.s.node.Nodes(c.caller, id)
	if room.CodeOf(err) == room.NotFound {
		return nil, nil // invited: sees that the room is there, and no more
	}
	out := make([]*clientpb.RoomNode, 0, len(list))
	for _, n := range list {
		out = append(out, showRoomNode(n))
	}
	return out, err
}

func roomMute(_ context.Context, c *call, in *clientpb.RoomMuteRequest) (*clientpb.Empty, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	return &clientpb.Empty{}, c.s.node.Mute(c.caller, id, in.Muted)
}

func members(_ context.Context, c *call, in *clientpb.MembersRequest) (*clientpb.MembersResponse, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	list, next, total, err := c.s.node.Members(c.caller, id, node.MemberQuery{
		Query: in.Query, After: in.After, Limit: clamp(in.Limit, 50, 200), Membership: in.Membership,
	})
	return &clientpb.MembersResponse{Members: list, Next: next, Total: uint32(total)}, err
}
