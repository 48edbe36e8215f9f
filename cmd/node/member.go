package main

import (
	"context"
	"slices"
	"strings"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

// oneMember is the argument of the verbs about somebody in a room.
type oneMember struct {
	oneRoom
	User   string `arg:"" help:"User: bob, or bob@node."`
	Reason string `help:"Shown to the user." placeholder:"TEXT"`
}

func (v *oneMember) do(
	ctx context.Context, r *run, c client.Command[pb.MemberRequest, pb.Done], role, did string,
) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	user := l.user(v.User)
	req := &pb.MemberRequest{Room: v.Room, User: user, Reason: v.Reason, Role: role}
	answer, err := client.Call(ctx, l.http, c, req)
	if err != nil {
		return err
	}
	r.noteWaiting(answer)
	return r.print(map[string]any{"room": v.Room, "user": user, "done": did, "waiting": answer.Waiting}, "%s: %s", user, did)
}

// noteWaiting says where a change is not made yet.
func (r *run) noteWaiting(d *pb.Done) {
	if d.Waiting {
		r.note("The room's home cannot be reached: it is asked again until it answers.")
	}
}

type roomInvite struct{ oneMember }

func (v *roomInvite) Run(ctx context.Context, r *run) error {
	return v.do(ctx, r, client.RoomInvite, "", "invited")
}

type roomKick struct{ oneMember }

func (v *roomKick) Run(ctx context.Context, r *run) error {
	return v.do(ctx, r, client.RoomKick, "", "removed")
}

type roomBan struct{ oneMember }

func (v *roomBan) Run(ctx context.Context, r *run) error {
	return v.do(ctx, r, client.RoomBan, "", "banned")
}

type roomUnban struct{ oneMember }

func (v *roomUnban) Run(ctx context.Context, r *run) error {
	return v.do(ctx, r, client.RoomUnban, "", "unbanned")
}

type roomRole struct {
	oneMember
	Role string `arg:"" help:"owner, administrator, moderator, member or readonly." enum:"owner,administrator,moderator,member,readonly"`
}

func (v *roomRole) Run(ctx context.Context, r *run) error {
	return v.do(ctx, r, client.RoomRole, v.Role, v.Role)
}

type roomSet struct {
	oneRoom
	Alias   *string `help:"New alias (local part); empty takes it away." placeholder:"NAME"`
	Name    *string `help:"New name." placeholder:"TEXT"`
	Topic   *string `help:"New topic." placeholder:"TEXT"`
	Public  bool    `help:"Listed, and everybody on the node may join." xor:"public"`
	Private bool    `help:"Unlisted; people come in by invitation." xor:"public"`
}

func (v *roomSet) Run(ctx context.Context, r *run) error {
	set := &roompb.Settings{Name: v.Name, Topic: v.Topic}
	if v.Alias != nil {
		alias := localAlias(*v.Alias)
		set.Alias = &alias
	}
	if v.Public || v.Private {
		set.Public = &v.Public
	}
	if set.Alias == nil && set.Name == nil && set.Topic == nil && set.Public == nil {
		return misuse("nothing to change: use --name, --topic, --alias, --public or --private")
	}
	l, err := r.login()
	if err != nil {
		return err
	}
	s, err := client.Call(ctx, l.http, client.RoomSet, &pb.RoomSetRequest{Room: v.Room, Settings: set})
	if err != nil {
		return err
	}
	r.noteWaiting(&pb.Done{Waiting: s.GetWaiting() > 0})
	return r.room(s)
}

func sorted(words []string) string {
	slices.Sort(words)
	return strings.Join(words, " ")
}
