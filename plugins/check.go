package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/grpc/status"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
)

// Check runs the conformance suite on a binary, each life a process of its own, as a node would run it. With
// settings that lead to a network, and a channel there, it tries that too. What the plugin prints goes to
// printed. It returns how many checks failed. When ctx ends it stops.
func Check(ctx context.Context, path string, settings map[string]string, channel string, say func(bridgetest.Finding), printed io.Writer) (failed int, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "hearth-check-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	b := binary{path: path}
	if m := binaryName.FindStringSubmatch(filepath.Base(path)); m != nil {
		b.kind = m[1]
	}
	c := &checked{b, dir, Limits{}.filled(), printed, ctx}
	c.limits.namespaces, _ = namespaces() // what it starts is its author's affair here
	s := &bridgetest.Suite{Describe: c.describe, Drive: c.drive, Settings: settings, Channel: channel, Say: say, Within: ctx}
	return s.Run(), ctx.Err()
}

// checked is a binary that is looked at.
type checked struct {
	binary
	dir     string
	limits  Limits
	printed io.Writer
	within  context.Context
}

func (c *checked) start(ctx context.Context) (*plugin, error) {
	return launch(ctx, c.binary, c.dir, c.limits, newSink(ctx, func(line string) { fmt.Fprintln(c.printed, line) }))
}

func (c *checked) describe(ctx context.Context) (*pb.Description, error) {
	p, err := c.start(ctx)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	d, err := p.Describe(ctx, &pb.DescribeRequest{Protocols: []uint32{1}, Node: "check"})
	if err != nil {
		return nil, err
	}
	if c.kind == "" {
		return d, fmt.Errorf("the binary is named %s: a node finds only hearth-bridge-KIND", filepath.Base(c.path))
	}
	return d, checkDescription(d, c.kind)
}

// drive is one life: frames pass between the suite and the process.
func (c *checked) drive(ctx context.Context, f bridge.Frames) error {
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(c.within, cancel)()
	p, err := c.start(ctx)
	if err != nil {
		cancel()
		return err
	}
	defer p.kill()
	defer cancel()
	stream, err := p.Run(ctx)
	if err != nil {
		return err
	}
	go func() {
		defer cancel()
		for {
			frame, err := f.Recv()
			if err != nil || stream.Send(frame) != nil {
				return
			}
		}
	}()
	for {
		frame, err := stream.Recv()
		switch {
		case err == io.EOF:
			return nil
		case err != nil && ctx.Err() != nil:
			return errors.New("the stream was cut")
		case err != nil:
			return errors.New(status.Convert(err).Message())
		}
		if err := f.Send(frame); err != nil {
			return err
		}
	}
}
