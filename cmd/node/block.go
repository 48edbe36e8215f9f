package main

import (
	"context"
	"strings"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type blockVerb struct {
	Whom string `arg:"" optional:"" help:"bob@node, or a whole node by its name."`
}

func (v *blockVerb) Run(ctx context.Context, r *run) error {
	if v.Whom == "" {
		return listBlocks(ctx, r)
	}
	return block(ctx, r, v.Whom, true, "blocked")
}

type unblockVerb struct {
	Whom string `arg:"" help:"bob@node, or a whole node by its name."`
}

func (v *unblockVerb) Run(ctx context.Context, r *run) error {
	return block(ctx, r, v.Whom, false, "unblocked")
}

func block(ctx context.Context, r *run, whom string, on bool, did string) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	req := &pb.BlockRequest{On: on}
	if strings.Contains(whom, "@") {
		req.User = whom
	} else {
		req.Node = whom
	}
	if _, err := client.Call(ctx, l.http, client.Block, req); err != nil {
		return err
	}
	return r.print(map[string]any{"user": req.User, "node": req.Node, "done": did}, "%s: %s", whom, did)
}

func listBlocks(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	answer, err := client.Call(ctx, l.http, client.Blocks, &pb.Empty{})
	if err != nil {
		return err
	}
	for _, u := range answer.Users {
		if err := r.print(map[string]any{"user": u}, "%s", printable(u)); err != nil {
			return err
		}
	}
	for _, n := range answer.Nodes {
		if err := r.print(map[string]any{"node": n}, "%s", printable(n)); err != nil {
			return err
		}
	}
	return nil
}
