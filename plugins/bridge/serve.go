package bridge

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "hearth/plugins/bridge/bridgepb"
)

// Name is what the bridge is called among a process's go-plugin plugins.
const Name = "bridge"

// Handshake is how a node and a plugin know each other. The cookie is no secret: it keeps
// people from starting a plugin by hand.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "HEARTH_BRIDGE",
	MagicCookieValue: "c6f14bb2-3a0d-4b6e-9a77-d1f2cbb0d5f3",
}

const (
	parentLook = 250 * time.Millisecond // how often the parent is looked for
	endWithin  = time.Second            // for a process whose work is over, and for one whose node is gone
)

// Exit codes. The node shows them.
const (
	exitFailed = 1 // Run returned an error
	exitPanic  = 2 // as the Go runtime does
	exitLate   = 3 // did not finish within the time of Stop
	exitOrphan = 4 // the node is gone
)

// stdout and stderr are what the process was started with. What prints to stdout ends in the log
// instead: a word before the handshake would spoil it.
var stdout, stderr = os.Stdout, os.Stderr

func init() {
	if os.Getenv(Handshake.MagicCookieKey) == Handshake.MagicCookieValue {
		stdout = divertStdout()
	}
}

// Serve is the whole of a plugin's main. It returns, or exits, when the node has had enough of it,
// and when the node is gone.
func Serve(p Plugin) {
	s := &server{plugin: p, log: slog.New(slog.NewJSONHandler(stderr, nil))}
	go watchParent()
	os.Stdout = stdout // go-plugin writes the handshake there, then replaces it
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: Handshake,
		Plugins:         plugin.PluginSet{Name: &Wire{server: s}},
		GRPCServer:      plugin.DefaultGRPCServer,
		Logger:          hclog.NewNullLogger(),
	})
}

// watchParent ends the process when its parent is gone: its stdin, a pipe that the node holds,
// has ended, or it has another parent. (On Linux the kernel kills it before that.)
func watchParent() {
	if s, err := os.Stdin.Stat(); err == nil && s.Mode()&fs.ModeNamedPipe != 0 {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(exitOrphan)
		}()
	}
	for parent := os.Getppid(); os.Getppid() == parent; {
		time.Sleep(parentLook)
	}
	os.Exit(exitOrphan)
}

// Wire is the bridge in go-plugin's terms. The node has an empty one.
type Wire struct {
	plugin.NetRPCUnsupportedPlugin
	server *server
}

// GRPCServer is called in the plugin's process.
func (w *Wire) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	pb.RegisterBridgeServer(s, w.server)
	return nil
}

// GRPCClient is called in the node's process; it returns a pb.BridgeClient.
func (w *Wire) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return pb.NewBridgeClient(c), nil
}

// server is the plugin's end of the two calls.
type server struct {
	plugin  Plugin
	log     *slog.Logger
	running atomic.Bool
}

func (s *server) Describe(context.Context, *pb.DescribeRequest) (*pb.Description, error) {
	d := s.plugin.Describe()
	d.Protocol = uint32(Handshake.ProtocolVersion)
	return d, nil
}

// Run is called once in a process. The process ends soon after it, whether or not the node sees to it.
func (s *server) Run(stream pb.Bridge_RunServer) error {
	if s.running.Swap(true) {
		return status.Error(codes.FailedPrecondition, "this process runs a bridge already")
	}
	defer context.AfterFunc(stream.Context(), func() { exitIn(endWithin, exitOrphan) })()
	err := drive(stream.Context(), s.plugin, stream, s.log, func(within time.Duration) { exitIn(within, exitLate) })
	switch p, wasPanic := errors.AsType[*panicked](err); {
	case wasPanic:
		s.log.Error("the bridge has panicked", "panic", p.Error(), "stack", p.stack)
		os.Exit(exitPanic)
	case err != nil && stream.Context().Err() == nil:
		s.log.Error("the bridge has failed", "error", err.Error())
		exitIn(endWithin, exitFailed)
		return status.Error(codes.Aborted, err.Error())
	default:
		exitIn(endWithin, 0)
	}
	return nil
}

func exitIn(d time.Duration, code int) { time.AfterFunc(d, func() { os.Exit(code) }) }
