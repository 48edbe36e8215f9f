package bridgetest

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	pb "hearth/plugins/bridge/bridgepb"
)

// pipe is one life of the stream. Frames pass through their encoding, as on a real one, so that text
// which is not UTF-8 is found here too.
type pipe struct {
	ctx   context.Context
	cut   context.CancelFunc
	host  chan []byte // frames of the host's
	wrong func(string)
}

// pipeFrames is what waits in the host's direction, more than the host ever sends unasked.
const pipeFrames = 1024

func newPipe(wrong func(string)) *pipe {
	p := &pipe{host: make(chan []byte, pipeFrames), wrong: wrong}
	p.ctx, p.cut = context.WithCancel(context.Background())
	return p
}

// ends is the plugin's end.
type end struct {
	*pipe
	take func(*pb.PluginFrame)
}

func (e end) Send(f *pb.PluginFrame) error {
	if e.ctx.Err() != nil {
		return io.EOF
	}
	wire, err := proto.Marshal(f)
	if err != nil {
		e.wrong(fmt.Sprintf("the bridge sent what cannot be encoded: %v in %v", err, f))
		return err
	}
	got := &pb.PluginFrame{}
	if err := proto.Unmarshal(wire, got); err != nil {
		return err
	}
	e.take(got)
	return nil
}

func (e end) Recv() (*pb.HostFrame, error) {
	select {
	case wire := <-e.host:
		f := &pb.HostFrame{}
		return f, proto.Unmarshal(wire, f)
	case <-e.ctx.Done():
		return nil, io.EOF
	}
}

func (p *pipe) send(f *pb.HostFrame) {
	wire, err := proto.Marshal(f)
	if err != nil {
		p.wrong(fmt.Sprintf("the test sent what cannot be encoded: %v in %v", err, f))
		return
	}
	select {
	case p.host <- wire:
	case <-p.ctx.Done():
	}
}
