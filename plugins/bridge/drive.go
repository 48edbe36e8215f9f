package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
)

// errStopped is why ctx ends when the node has said Stop.
var errStopped = errors.New("the node asked the bridge to stop")

// Drive runs a plugin over a pair of frame queues, as Serve does over a process's stream. It
// returns what Run returned; a panic of Run is an error. A goroutine of it lives until f.Recv fails.
func Drive(ctx context.Context, p Plugin, f Frames) error {
	return drive(ctx, p, f, slog.New(slog.NewJSONHandler(os.Stderr, nil)), func(time.Duration) {})
}

// drive calls stopping when it is told how long there is to finish.
func drive(ctx context.Context, p Plugin, f Frames, log *slog.Logger, stopping func(within time.Duration)) error {
	first, err := f.Recv()
	if err != nil {
		return fmt.Errorf("wait for the node's first frame: %w", err)
	}
	open := first.GetOpen()
	if open == nil {
		return fmt.Errorf("the node's first frame is %T, not Open", first.GetFrame())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h := newHost(open, f, log)
	defer h.end(errors.New("the bridge has ended"))
	h.send(&pb.PluginFrame{Frame: &pb.PluginFrame_Opened{Opened: &pb.Opened{}}})
	go func() {
		err := h.read(func(s *pb.Stop) {
			stopping(time.Duration(s.GetWithinMs()) * time.Millisecond)
			cancel(errStopped)
		})
		h.end(err)
		cancel(err)
	}()
	go h.events.pump(ctx)
	err = run(ctx, p, h)
	if err == nil && ctx.Err() == nil {
		err = errors.New("the bridge ended though nobody asked it to")
	}
	return err
}

// panicked is an error that was a panic.
type panicked struct {
	what  any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.what) }

func run(ctx context.Context, p Plugin, h *Host) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicked{r, string(debug.Stack())}
		}
	}()
	return p.Run(ctx, h)
}

// read hands what comes to whom it is for, until the stream ends. It never waits for the plugin,
// or an answer might be stuck behind a delivery that waits for it.
func (h *Host) read(stop func(*pb.Stop)) error {
	for {
		frame, err := h.frames.Recv()
		if err != nil {
			return fmt.Errorf("the stream has ended: %w", err)
		}
		switch f := frame.GetFrame().(type) {
		case *pb.HostFrame_Delivery:
			h.events.put(f.Delivery)
		case *pb.HostFrame_Link:
			h.events.put(f.Link)
		case *pb.HostFrame_Unlink:
			h.events.put(Unlink(f.Unlink))
		case *pb.HostFrame_Mute:
			h.events.put(f.Mute)
		case *pb.HostFrame_Typing:
			h.events.offer(f.Typing)
		case *pb.HostFrame_Posted:
			h.posts.answer(f.Posted)
		case *pb.HostFrame_Answer:
			h.asks.answer(f.Answer)
		case *pb.HostFrame_Chunk:
			h.asks.chunk(f.Chunk)
		case *pb.HostFrame_Stop:
			stop(f.Stop)
		}
	}
}
