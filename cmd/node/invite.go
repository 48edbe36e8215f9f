package main

import (
	"context"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type inviteVerb struct {
	Node  bool          `help:"For another node, which joins with: hearth join LINK."`
	Uses  uint32        `help:"How many accounts may be made by it, or nodes join." default:"1"`
	Valid time.Duration `help:"How long it can be used." default:"168h"`
	Admin bool          `help:"The accounts made by it are administrators."`
	Note  string        `help:"For your own memory." placeholder:"TEXT"`
	asAdmin
}

func (v *inviteVerb) Run(ctx context.Context, r *run) error {
	if v.Node && v.Admin {
		return misuse("--admin is for people, --node for nodes: use one of them")
	}
	return v.as(ctx, r, func(to client.Caller) error {
		if v.Node {
			return v.node(ctx, r, to)
		}
		return v.person(ctx, r, to)
	})
}

func (v *inviteVerb) person(ctx context.Context, r *run, to client.Caller) error {
	i, err := client.Call(ctx, to, client.AdminInviteCreate, &pb.AdminInviteCreateRequest{
		Uses: v.Uses, ValidSeconds: uint32(v.Valid / time.Second), Admin: v.Admin, Note: v.Note,
	})
	if err != nil {
		return err
	}
	return r.print(map[string]any{
		"id": i.Id, "link": i.Link, "uses": i.UsesLeft, "expires": i.Expires, "admin": i.Admin,
	}, "%s", i.Link)
}

func (v *inviteVerb) node(ctx context.Context, r *run, to client.Caller) error {
	i, err := client.Call(ctx, to, client.AdminNodeInvite, &pb.AdminNodeInviteRequest{
		Uses: v.Uses, ValidSeconds: uint32(v.Valid / time.Second), Note: v.Note,
	})
	if err != nil {
		return err
	}
	return r.print(map[string]any{"link": i.Link, "uses": v.Uses, "valid_seconds": int64(v.Valid / time.Second)}, "%s", i.Link)
}

type joinVerb struct {
	Link string `arg:"" help:"The other node's invite link; for a node that is open to everybody, its name or HOST:PORT."`
	asAdmin
}

// pending is the state of a peer that is joined when the node starts.
const pending = "pending"

func (v *joinVerb) Run(ctx context.Context, r *run) error {
	if v.Data != "" { // a node may be told whom to join before its first start
		if err := makeDataFolder(v.Data); err != nil {
			return err
		}
	}
	return v.as(ctx, r, func(to client.Caller) error {
		p, err := client.Call(ctx, to, client.AdminNodeJoin, &pb.AdminNodeJoinRequest{Link: v.Link})
		if err != nil {
			return err
		}
		if p.State == pending {
			return r.print(lineOfPeer(p), "%s will be joined when the node starts: hearth serve --data %s", printable(p.Name), v.Data)
		}
		return r.print(lineOfPeer(p), "joined %s", printable(p.Name))
	})
}
