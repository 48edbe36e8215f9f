package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

const (
	startTimeout = 5 * time.Second
	maxFrame     = 2 << 20 // bytes: a roster of some thousands; text is at most 64 KB
	pipeGrace    = 300 * time.Millisecond
)

// Limits are what the process of one plugin may use. Zero: the default.
type Limits struct {
	MemoryMB int // 256: what the Go runtime is told to stay under; well beyond twice as much the system refuses more
	Files    int // 1,024 open at once
	Nice     int // 5

	namespaces uintptr // flags by which it gets one of its own: nothing that it starts can outlive it; 0: it gets none
}

func (l Limits) filled() Limits {
	for _, f := range []struct {
		p *int
		v int
	}{{&l.MemoryMB, 256}, {&l.Files, 1024}, {&l.Nice, 5}} {
		if *f.p == 0 {
			*f.p = f.v
		}
	}
	return l
}

// process is a plugin that runs: a process, leader of a group of its own, that dies with this one.
// It is go-plugin's runner.
type process struct {
	path   string // the private copy
	sum    []byte
	limits Limits
	cmd    *exec.Cmd
	pid    int

	stdout, stderr *os.File // our ends
	lifeline       *os.File // the plugin's stdin: it ends when we do, and it reads nothing from it
	theirs         []*os.File

	within context.Context // while it starts: its end ends the process
	settle func() bool     // it has started: within says nothing any more

	started chan error    // one slot
	exited  chan struct{} // closed when the process and its group are gone
	err     error         // how it ended; after exited
	free    sync.Once
}

func newProcess(within context.Context, path string, sum []byte, l Limits, cmd *exec.Cmd) (*process, error) {
	p := &process{path: path, sum: sum, limits: l, cmd: cmd, within: within, started: make(chan error, 1), exited: make(chan struct{})}
	stdin, lifeline, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.lifeline, p.theirs = lifeline, append(p.theirs, stdin)
	for _, ours := range []**os.File{&p.stdout, &p.stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			p.release()
			return nil, err
		}
		*ours, p.theirs = r, append(p.theirs, w)
	}
	cmd.Path, cmd.Args = path, []string{path}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.theirs[0], p.theirs[1], p.theirs[2]
	cmd.SysProcAttr = ownGroup()
	if l.namespaces != 0 {
		nest(cmd, l.namespaces)
	}
	return p, nil
}

// Start starts it, from an OS thread that lives as long as it does: the kernel kills the child when
// the thread that made it ends, not only when the process does.
func (p *process) Start(context.Context) error {
	if err := errors.Join(checkSum(p.path, p.sum), checkProgram(p.path)); err != nil {
		p.release()
		return fmt.Errorf("check plugin %s: %w", p.path, err)
	}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread, and its priority, end with this goroutine
		lowerPriority(p.limits.Nice)
		p.live()
	}()
	if err := <-p.started; err != nil {
		return err
	}
	p.settle = context.AfterFunc(p.within, func() { p.Kill(context.Background()) })
	return nil
}

func (p *process) live() {
	defer close(p.exited)
	defer p.release()
	if err := p.cmd.Start(); err != nil {
		p.err = err
		p.started <- fmt.Errorf("start plugin: %w", err)
		return
	}
	for _, f := range p.theirs {
		f.Close()
	}
	p.theirs = nil
	p.pid = p.cmd.Process.Pid
	restrict(p.pid, p.limits)
	if p.limits.namespaces != 0 {
		io.WriteString(p.lifeline, "\n") // its limits are set
		p.started <- nil
		p.err = whole(await(p.cmd))
	} else {
		end := guard(p.pid, mark(p.path))
		p.started <- nil
		p.err = await(p.cmd)
		killMarked(mark(p.path))
		end()
	}
	// Whoever fled from the group, and from its mark, may still hold these open.
	time.AfterFunc(pipeGrace, func() { p.stdout.Close(); p.stderr.Close() })
}

// mark is in the environment of a plugin, and so of what it starts: by it they are found that left its group
// (setsid), where there are no namespaces. The path of the private copy is no other start's.
func mark(path string) string { return "HEARTH_PLUGIN=" + path }

// release gives back what the process had of us.
func (p *process) release() {
	p.free.Do(func() {
		for _, f := range append(p.theirs, p.lifeline) {
			f.Close()
		}
		os.Remove(p.path)
	})
}

// Kill ends the process and what it has started.
func (p *process) Kill(context.Context) error {
	select {
	case <-p.exited:
	default:
		if p.pid != 0 {
			killGroup(p.pid)
		}
	}
	return nil
}

func (p *process) Wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *process) Stdout() io.ReadCloser { return p.stdout }
func (p *process) Stderr() io.ReadCloser { return p.stderr }
func (p *process) Name() string          { return p.path }
func (p *process) ID() string            { return strconv.Itoa(p.pid) }

func (p *process) Diagnose(context.Context) string {
	return "It is not a plugin that this node can run: it said something else than a handshake, or nothing."
}

// The plugin runs where we do: addresses are the same.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

func (p *process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// plugin is a plugin that runs and is spoken to.
type plugin struct {
	pb.BridgeClient
	client  *goplugin.Client
	process *process
}

// launch starts a copy of the binary, unless ctx ends before it has started; what it prints goes to say. End it
// by kill.
func launch(ctx context.Context, b binary, dir string, l Limits, say *sink) (*plugin, error) {
	path, sum, err := b.copyTo(dir)
	if err != nil {
		return nil, err
	}
	p := &plugin{}
	var sockets *goplugin.UnixSocketConfig
	if len(dir) < maxSocketDir {
		sockets = &goplugin.UnixSocketConfig{TempDir: dir}
	}
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: bridge.Handshake,
		Plugins:         goplugin.PluginSet{bridge.Name: &bridge.Wire{}},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			cmd.Env = append(append(environment(l), mark(path)), cmd.Env...)
			cmd.Dir = dir
			p.process, err = newProcess(ctx, path, sum, l, cmd)
			return p.process, err
		},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		SkipHostEnv:      true,
		StartTimeout:     startTimeout,
		Stderr:           say,
		SyncStdout:       say,
		SyncStderr:       say,
		Logger:           hclog.NewNullLogger(),
		UnixSocketConfig: sockets,
		GRPCDialOptions:  []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxFrame), grpc.MaxCallSendMsgSize(maxFrame))},
	})
	if p.BridgeClient, err = p.connect(); err != nil {
		p.kill()
		os.Remove(path)
		return nil, fmt.Errorf("start plugin %s: %w", b.path, err)
	}
	p.process.settle()
	return p, nil
}

// maxSocketDir: the path of a Unix socket has at most 107 bytes.
const maxSocketDir = 60

func (p *plugin) connect() (pb.BridgeClient, error) {
	conn, err := p.client.Client()
	if err != nil {
		return nil, err
	}
	raw, err := conn.Dispense(bridge.Name)
	if err != nil {
		return nil, err
	}
	client, ok := raw.(pb.BridgeClient)
	if !ok {
		return nil, errors.New("it offers no bridge")
	}
	return client, nil
}

// kill ends the plugin at once, with all that it has started, and waits until it is gone.
func (p *plugin) kill() {
	if p.process != nil {
		p.process.Kill(context.Background())
		if p.process.pid != 0 {
			<-p.process.exited
		}
	}
	p.client.Kill()
}

// environment is what a plugin gets to see of ours: nothing that might be a secret.
func environment(l Limits) []string {
	env := []string{"GOMEMLIMIT=" + strconv.Itoa(l.MemoryMB) + "MiB", "GOTRACEBACK=single"}
	for _, name := range []string{"PATH", "TZ", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
