package bridge

import (
	"context"
	"fmt"

	pb "hearth/plugins/bridge/bridgepb"
)

// Plugin is one bridge to another network.
type Plugin interface {
	// Describe says what it is. It is asked before anything is configured, and must not block.
	Describe() *pb.Description

	// Run is its life, until ctx ends (the node said Stop, or is gone) or something cannot go on.
	// After an error, and after a nil that nobody asked for, the node starts the
	// process again, later each time. What only the network does, such as a lost connection, is no
	// error: say so by Host.Status and try again.
	Run(ctx context.Context, h *Host) error
}

// Event is what comes from the node: *pb.Delivery, *pb.Link, Unlink, *pb.Typing or *pb.Mute.
type Event any

// Unlink names the channel that is to be left.
type Unlink string

// Frames are the two directions of a bridge's stream, seen from the plugin. Send is called by
// one goroutine at a time, Recv by one.
type Frames interface {
	Send(*pb.PluginFrame) error
	Recv() (*pb.HostFrame, error)
}

// Error is a refusal by the node.
type Error struct{ Code, Text string }

func (e *Error) Error() string { return fmt.Sprintf("%s (%s)", e.Text, e.Code) }
