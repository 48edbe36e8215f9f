package main

import (
	"context"
	"strings"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

type roomVerbs struct {
	Create    roomCreate    `cmd:"" help:"Make a room."`
	Direct    roomDirect    `cmd:"" help:"The room of you and one other person, of this node or another: found or made."`
	Join      roomJoin      `cmd:"" help:"Join a room, of this node or another: a public one, or one you are invited to."`
	Leave     roomLeave     `cmd:"" help:"Leave a room."`
	List      roomList      `cmd:"" help:"The rooms you are in or invited to."`
	Find      roomFind      `cmd:"" help:"Public rooms."`
	Show      roomShow      `cmd:"" help:"A room, and what you may do in it."`
	Members   roomMembers   `cmd:"" help:"Who is in a room."`
	Invite    roomInvite    `cmd:"" help:"Invite somebody."`
	Kick      roomKick      `cmd:"" help:"Remove somebody."`
	Ban       roomBan       `cmd:"" help:"Remove somebody and keep them out."`
	Unban     roomUnban     `cmd:"" help:"Lift a ban."`
	Role      roomRole      `cmd:"" help:"Give somebody a role."`
	Set       roomSet       `cmd:"" help:"Change a room's name, topic, alias, or who may find it."`
	Steward   stewardVerbs  `cmd:"" help:"The nodes that order a room's rules: who is in it, who may do what."`
	Refound   roomRefound   `cmd:"" help:"Found a room anew whose home is lost for good: a room of this node that takes over its name and invites its members."`
	BanNode   roomBanNode   `cmd:"" help:"Remove everybody of a node from a room and keep them out."`
	UnbanNode roomUnbanNode `cmd:"" help:"Lift the ban of a node."`
	Report    roomReport    `cmd:"" help:"Report a message to the administrators of this node and of the room's home."`
}

// roomLine is a room as scripts see it.
type roomLine struct {
	Room       string `json:"room"`
	Alias      string `json:"alias"`
	Name       string `json:"name"`
	Topic      string `json:"topic"`
	Public     bool   `json:"public"`
	Direct     string `json:"direct,omitempty"`
	Membership string `json:"membership"`
	Role       string `json:"role,omitempty"`
	Members    uint32 `json:"members"`
	Unread     uint32 `json:"unread"`
	Mentions   uint32 `json:"mentions"`
	HeadPos    uint64 `json:"head_pos"`
	ReadPos    uint64 `json:"read_pos"`
}

func lineOfRoom(s *roompb.RoomSummary) roomLine {
	return roomLine{
		Room: s.GetRoom(), Alias: s.GetAlias(), Name: s.GetName(), Topic: s.GetTopic(),
		Public: s.GetPublic(), Direct: s.GetDirect(), Membership: s.GetMembership(), Role: s.GetRole(),
		Members: s.GetMembers(), Unread: s.GetUnread(), Mentions: s.GetMentions(),
		HeadPos: s.GetHeadPos(), ReadPos: s.GetReadPos(),
	}
}

// title is what people call the room.
func (l roomLine) title() string {
	for _, name := range []string{l.Alias, l.Direct, l.Name} {
		if name != "" {
			return printable(name)
		}
	}
	return l.Room
}

func (r *run) room(s *roompb.RoomSummary) error {
	l := lineOfRoom(s)
	return r.print(l, "%s  %s", l.Room, l.title())
}

type roomCreate struct {
	Alias  string   `arg:"" optional:"" help:"The name in the room's address: garden for #garden@node."`
	Name   string   `help:"Name shown to people." placeholder:"TEXT"`
	Topic  string   `help:"What the room is about." placeholder:"TEXT"`
	Public bool     `help:"Listed, and everybody on the node may join."`
	Invite []string `help:"Users to invite." placeholder:"USER"`
}

func (v *roomCreate) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	req := &pb.RoomCreateRequest{Alias: localAlias(v.Alias), Name: v.Name, Topic: v.Topic, Public: v.Public}
	for _, u := range v.Invite {
		req.Invite = append(req.Invite, l.user(u))
	}
	s, err := client.Call(ctx, l.http, client.RoomCreate, req)
	if err != nil {
		return err
	}
	return r.room(s)
}

// roomRefound makes a room's successor.
type roomRefound struct {
	Room  string `arg:"" help:"The room that lost its home: its id, or #alias@node."`
	Alias string `help:"The name in the new room's address (default: the old one's)." placeholder:"NAME"`
}

func (v *roomRefound) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	s, err := client.Call(ctx, l.http, client.RoomCreate, &pb.RoomCreateRequest{SuccessorOf: v.Room, Alias: localAlias(v.Alias)})
	if err != nil {
		return err
	}
	return r.room(s)
}

// localAlias takes garden, #garden and #garden@node for the same.
func localAlias(s string) string {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "#"), "@")
	return s
}

// oneRoom is the argument of most verbs.
type oneRoom struct {
	Room string `arg:"" help:"Room id, or #alias@node."`
}

type roomJoin struct{ oneRoom }

func (v *roomJoin) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	s, err := client.Call(ctx, l.http, client.RoomJoin, &pb.RoomRequest{Room: v.Room})
	if err != nil {
		return err
	}
	return r.room(s)
}

type roomDirect struct {
	User string `arg:"" help:"User: bob, or bob@node."`
}

func (v *roomDirect) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	s, err := client.Call(ctx, l.http, client.RoomDirect, &pb.RoomDirectRequest{User: l.user(v.User)})
	if err != nil {
		return err
	}
	return r.room(s)
}

type roomLeave struct{ oneRoom }

func (v *roomLeave) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	answer, err := client.Call(ctx, l.http, client.RoomLeave, &pb.RoomRequest{Room: v.Room})
	if err != nil {
		return err
	}
	r.noteWaiting(answer)
	return r.print(map[string]any{"room": v.Room, "membership": "leave", "waiting": answer.Waiting}, "left %s", v.Room)
}

type roomList struct{}

func (v *roomList) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	answer, err := client.Call(ctx, l.http, client.Rooms, &pb.Empty{})
	if err != nil {
		return err
	}
	for _, s := range answer.Rooms {
		line := lineOfRoom(s)
		if err := r.print(line, "%s  %-30s %6d unread  %s", line.Room, line.title(), line.Unread, line.Membership); err != nil {
			return err
		}
	}
	return nil
}

type roomFind struct {
	Query string `arg:"" optional:"" help:"Part of a name, alias or topic; none: all."`
	Node  string `help:"Ask another node for its public rooms." placeholder:"NODE"`
}

func (v *roomFind) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	req := &pb.RoomFindRequest{Query: v.Query, Limit: 100, Node: v.Node}
	for {
		answer, err := client.Call(ctx, l.http, client.RoomFind, req)
		if err != nil {
			return err
		}
		for _, s := range answer.Rooms {
			line := lineOfRoom(s)
			if err := r.print(line, "%s  %-30s %6d members  %s", line.Room, line.title(), line.Members, printable(line.Topic)); err != nil {
				return err
			}
		}
		if req.After = answer.Next; req.After == "" {
			return nil
		}
	}
}

type roomMembers struct {
	oneRoom
	Membership string `help:"join, invite or ban." enum:"join,invite,ban" default:"join"`
	Query      string `help:"Beginning of a name." placeholder:"TEXT"`
}

func (v *roomMembers) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	req := &pb.MembersRequest{Room: v.Room, Query: v.Query, Membership: v.Membership, Limit: 200}
	for {
		answer, err := client.Call(ctx, l.http, client.Members, req)
		if err != nil {
			return err
		}
		for _, m := range answer.Members {
			if err := r.print(map[string]any{
				"user": m.User, "membership": m.Membership, "role": m.Role, "since": m.Since,
				"display_name": m.Profile.GetDisplayName(), "online": m.Online,
			}, "%-30s %s", m.User, m.Role); err != nil {
				return err
			}
		}
		if req.After = answer.Next; req.After == "" {
			return nil
		}
	}
}
