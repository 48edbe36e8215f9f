package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	client "hearth/clients/go"
	"hearth/node"
	"hearth/storage"
	pb "hearth/transport/session/clientpb"
)

func checkDisk(_ context.Context, p *patient) []finding {
	if p.data == "" {
		return nil
	}
	free, total, err := diskSpace(p.data)
	if err != nil {
		return p.fail("disk", err, "Does the folder exist, and is it yours?")
	}
	share := 100 * float64(free) / float64(max(total, 1))
	f := finding{Check: "disk", State: fine, Detail: fmt.Sprintf("%.1f GiB free (%.0f %%)", float64(free)/(1<<30), share)}
	switch files, messages := node.DiskFull(free, total); {
	case messages:
		f.State, f.Advice = failed, "The node takes no more messages: make room."
	case files:
		f.State, f.Advice = warning, "The node takes no more files: make room soon."
	}
	return []finding{f}
}

// checkStore asks the running node, or opens the store when none runs.
func checkStore(ctx context.Context, p *patient) []finding {
	if p.data == "" {
		return nil
	}
	if _, err := os.Stat(storeDir(p.data)); err != nil {
		return p.fail("store", err, "Is this the node's data folder?")
	}
	o, err := openOperator(ctx, p.data)
	switch {
	case errors.Is(err, storage.ErrNewer):
		return p.fail("store", err, "Install the newest hearth.")
	case errors.Is(err, storage.ErrCorrupt):
		return p.fail("store", err, "Run `hearth verify --data DIR`, and restore the newest backup that verifies.")
	case err != nil:
		return p.fail("store", err, "")
	}
	defer o.Close()
	if _, running := o.(*remoteOperator); !running {
		return []finding{{Check: "store", State: fine, Detail: "opens; no node is running on it"}}
	}
	health, err := client.Call(ctx, o, client.AdminHealth, &pb.Empty{})
	if err != nil {
		return p.fail("store", err, "Look into the node's log.")
	}
	out := []finding{{Check: "store", State: fine, Detail: "in use by the running node, version " + health.Version}}
	for _, c := range health.Checks {
		out = append(out, finding{Check: c.Name, State: c.State, Detail: c.Detail})
	}
	return out
}
