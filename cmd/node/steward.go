package main

import (
	"context"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type stewardVerbs struct {
	Add    stewardAdd    `cmd:"" help:"Let one more node order the room's rules; with three, the death of one changes nothing."`
	Remove stewardRemove `cmd:"" help:"Take a node out of those that order the room's rules."`
}

// nodeOfRoom is the argument of the verbs about a node in a room.
type nodeOfRoom struct {
	oneRoom
	Node string `arg:"" help:"The node's name."`
}

func (v *nodeOfRoom) done(r *run, answer *pb.Done, did string) error {
	r.noteWaiting(answer)
	return r.print(map[string]any{"room": v.Room, "node": v.Node, "done": did, "waiting": answer.Waiting}, "%s: %s", v.Node, did)
}

func (v *nodeOfRoom) steward(ctx context.Context, r *run, on bool, did string) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	answer, err := client.Call(ctx, l.http, client.RoomSteward, &pb.RoomStewardRequest{Room: v.Room, Node: v.Node, On: on})
	if err != nil {
		return err
	}
	return v.done(r, answer, did)
}

type stewardAdd struct{ nodeOfRoom }

func (v *stewardAdd) Run(ctx context.Context, r *run) error {
	return v.steward(ctx, r, true, "is a steward")
}

type stewardRemove struct{ nodeOfRoom }

func (v *stewardRemove) Run(ctx context.Context, r *run) error {
	return v.steward(ctx, r, false, "is no steward any more")
}

func (v *nodeOfRoom) ban(ctx context.Context, r *run, on bool, reason, did string) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	req := &pb.RoomNodeBanRequest{Room: v.Room, Node: v.Node, Reason: reason, On: on}
	answer, err := client.Call(ctx, l.http, client.RoomNodeBan, req)
	if err != nil {
		return err
	}
	return v.done(r, answer, did)
}

type roomBanNode struct {
	nodeOfRoom
	Reason string `help:"Shown in the room." placeholder:"TEXT"`
}

func (v *roomBanNode) Run(ctx context.Context, r *run) error {
	return v.ban(ctx, r, true, v.Reason, "banned")
}

type roomUnbanNode struct{ nodeOfRoom }

func (v *roomUnbanNode) Run(ctx context.Context, r *run) error {
	return v.ban(ctx, r, false, "", "unbanned")
}
