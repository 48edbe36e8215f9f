package plugins

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"hearth/node"
	"hearth/node/channel"
	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

// Config says whose plugins are run. Node and Dir are required.
type Config struct {
	Node    *node.Node
	Dir     string   // private folder for copies of binaries and for sockets; it is emptied at the start
	Folders []string // where plugins are looked for; of two of one kind, that of the earlier folder counts
	URL     string   // of the node, as other networks reach it; empty: they do not
	Version string
	Log     *slog.Logger // nil: slog.Default
	Limits  Limits
	Times   Times
}

// Times are the host's patience. Zero: the default.
type Times struct {
	Backoff    time.Duration // 1 s: before the first restart; twice as long each time
	MaxBackoff time.Duration // 5 min
	Crashes    int           // 5: as many within CrashTime disable a bridge
	CrashTime  time.Duration // 10 min
	Stop       time.Duration // 2 s: that a plugin has to finish
	Degraded   time.Duration // 60 s without any outcome: the bridge is said to be degraded
	Hung       time.Duration // 120 s: and started anew
	Quiet      time.Duration // 5 min since the network was heard: degraded
	Look       time.Duration // 10 s: between two looks for new plugins
	Tick       time.Duration // 1 s: between two notes of how the bridges are
}

func (t Times) filled() Times {
	for _, f := range []struct{ p, v *time.Duration }{
		{&t.Backoff, ptr(time.Second)}, {&t.MaxBackoff, ptr(5 * time.Minute)}, {&t.CrashTime, ptr(10 * time.Minute)},
		{&t.Stop, ptr(2 * time.Second)}, {&t.Degraded, ptr(time.Minute)}, {&t.Hung, ptr(2 * time.Minute)},
		{&t.Quiet, ptr(5 * time.Minute)}, {&t.Look, ptr(10 * time.Second)}, {&t.Tick, ptr(time.Second)},
	} {
		if *f.p == 0 {
			*f.p = *f.v
		}
	}
	if t.Crashes == 0 {
		t.Crashes = 5
	}
	return t
}

func ptr[T any](v T) *T { return &v }

// window is how many deliveries, and how many entries, of a plugin may be unanswered.
const window = 64

// Host runs the plugins of a node's bridges.
type Host struct {
	Config
	book *channel.Book

	stop    context.CancelFunc
	running sync.WaitGroup
	again   chan struct{} // one slot: look at the book again

	mu      sync.Mutex
	keepers map[string]*keeper // by bridge
	kinds   map[string]*kind
	looked  bool // once, at least
}

// kind is what a binary says of itself.
type kind struct {
	binary
	description *pb.Description // nil: it could not say
	wrong       string          // why not
	asked       time.Time
}

// due tells whether what could not say what it is should be asked again: the machine may have been busy.
func (k *kind) due(every time.Duration) bool {
	return k.description == nil && time.Since(k.asked) > every
}

// New makes a host; Start starts it.
func New(c Config) (*Host, error) {
	return newHost(c, c.Node.Bridges)
}

// Look finds plugins and tells a book what kinds there are: for a folder of data whose node does not run.
func Look(ctx context.Context, c Config, book *channel.Book) error {
	h, err := newHost(c, book)
	if err != nil {
		return err
	}
	defer os.RemoveAll(h.Dir)
	h.look(ctx)
	return nil
}

func newHost(c Config, book *channel.Book) (*Host, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Limits, c.Times = c.Limits.filled(), c.Times.filled()
	var err error
	if c.Limits.namespaces, err = namespaces(); err != nil {
		c.Log.Warn("plugins get no namespace of their own here: what one starts, that then leaves its group and clears its environment, is not ended with it", "error", err)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, err
	}
	c.Dir = dir
	// What a host that was killed left behind.
	if err := os.RemoveAll(c.Dir); err != nil {
		return nil, fmt.Errorf("empty the plugins' folder: %w", err)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the plugins' folder: %w", err)
	}
	return &Host{
		Config: c, book: book, again: make(chan struct{}, 1),
		keepers: map[string]*keeper{}, kinds: map[string]*kind{},
	}, nil
}

// Start begins, and returns at once: whatever plugins do, the node does not wait for them.
func (h *Host) Start() {
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	h.running.Go(func() { h.run(ctx) })
}

// Close ends all plugins: they are asked to, and those that are there still after Times.Stop are
// killed. It returns when all are gone.
func (h *Host) Close() {
	if h.stop != nil {
		h.stop()
	}
	h.running.Wait()
	if err := h.book.Flush(); err != nil {
		h.Log.Warn("write down what bridges counted", "error", err)
	}
	os.RemoveAll(h.Dir)
}

func (h *Host) run(ctx context.Context) {
	look := time.NewTicker(h.Times.Look)
	defer look.Stop()
	for h.look(ctx); ctx.Err() == nil; {
		h.reconcile(ctx)
		select {
		case <-ctx.Done():
		case <-h.book.Wake():
		case <-h.again:
		case <-look.C:
			h.look(ctx)
			h.noteWaiting()
		}
	}
}

func (h *Host) poke() {
	select {
	case h.again <- struct{}{}:
	default:
	}
}

// look finds plugins and asks those that are new, or were changed, what they are.
func (h *Host) look(ctx context.Context) {
	found := find(h.Folders)
	h.mu.Lock()
	changed := !h.looked
	h.looked = true
	var asked []*kind
	for name := range h.kinds {
		if _, there := found[name]; !there {
			delete(h.kinds, name)
			changed = true
		}
	}
	for name, b := range found {
		if k := h.kinds[name]; k == nil || k.binary != b || k.due(3*h.Times.Look) {
			asked = append(asked, &kind{binary: b, asked: time.Now()})
		}
	}
	h.mu.Unlock()
	if !changed && len(asked) == 0 {
		return
	}
	var asking sync.WaitGroup
	for _, k := range asked {
		asking.Go(func() {
			var err error
			if k.description, err = h.describe(ctx, k.binary); err != nil {
				k.wrong = err.Error()
				h.Log.Warn("a plugin does not say what it is", "path", k.path, "error", err)
			}
		})
	}
	asking.Wait()
	h.mu.Lock()
	for _, k := range asked {
		h.kinds[k.kind] = k
	}
	h.book.SetKinds(h.described())
	h.mu.Unlock()
}

// describe starts a plugin to ask what it is, and ends it.
func (h *Host) describe(ctx context.Context, b binary) (*pb.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*startTimeout)
	defer cancel()
	p, err := launch(ctx, b, h.Dir, h.Limits, newSink(ctx, func(line string) { h.Log.Debug("plugin", "path", b.path, "line", line) }))
	if err != nil {
		return nil, err
	}
	defer p.kill()
	return h.ask(ctx, p, b.kind)
}

// ask asks a running plugin what it is.
func (h *Host) ask(ctx context.Context, p *plugin, kind string) (*pb.Description, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	d, err := p.Describe(ctx, &pb.DescribeRequest{Protocols: []uint32{uint32(bridge.Handshake.ProtocolVersion)}, Node: h.Version})
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	return d, checkDescription(d, kind)
}

const (
	mostSettings = 100
	mostSetup    = 64 << 10
)

func checkDescription(d *pb.Description, kind string) error {
	switch {
	case d.GetProtocol() != uint32(bridge.Handshake.ProtocolVersion):
		return fmt.Errorf("it speaks protocol %d, this node %d", d.GetProtocol(), bridge.Handshake.ProtocolVersion)
	case d.GetKind() != kind:
		return fmt.Errorf("it says that its kind is %q, and is named hearth-bridge-%s", d.GetKind(), kind)
	case max(len(d.GetSettings()), len(d.GetLinkSettings())) > mostSettings:
		return fmt.Errorf("it has more than %d settings", mostSettings)
	case len(d.GetSetup()) > mostSetup || len(d.GetTitle()) > 100 || len(d.GetVersion()) > 100 || len(d.GetChannelHint()) > 100 || len(d.GetLinkHint()) > 1000:
		return errors.New("its description is too long")
	}
	return nil
}

// Settings that every kind of bridge has; the host reads them.
var commonSettings = []channel.Setting{
	{Name: "network", Title: "Network", Help: "What people call the network. Messages of it are never sent back to a network of the same name.", Type: "text"},
	{Name: "stale_minutes", Title: "Too old after minutes", Help: "A message that is older is not relayed as if it were new; one line tells how many there were.", Type: "number", Default: "10"},
	{Name: "known_bots", Title: "Known relay bots", Help: "Names over there that relay between networks themselves; what they say is not relayed again.", Type: "list"},
}

// described is the kinds as the book wants them. h.mu is held.
func (h *Host) described() (out []channel.Kind) {
	for _, k := range h.kinds {
		d := k.description
		if d == nil {
			continue
		}
		c := channel.Kind{
			Kind: d.GetKind(), Title: d.GetTitle(), Version: d.GetVersion(), Setup: d.GetSetup(),
			ChannelHint: d.GetChannelHint(), LinkHint: d.GetLinkHint(), Can: can(d.GetCan()),
			Settings: settings(d.GetSettings()), LinkSettings: settings(d.GetLinkSettings()),
		}
		named := map[string]bool{}
		for _, s := range c.Settings {
			named[s.Name] = true
		}
		for _, s := range commonSettings {
			if !named[s.Name] {
				c.Settings = append(c.Settings, s)
			}
		}
		out = append(out, c)
	}
	return out
}

func settings(of []*pb.Setting) (out []channel.Setting) {
	for _, s := range of {
		out = append(out, channel.Setting{
			Name: s.GetName(), Title: s.GetTitle(), Help: s.GetHelp(), Type: s.GetType(),
			Default: s.GetDefault(), Required: s.GetRequired(), Choices: s.GetChoices(),
		})
	}
	return out
}

func can(c *pb.Capabilities) map[string]bool {
	return map[string]bool{
		"edits": c.GetEdits(), "deletes": c.GetDeletes(), "reactions": c.GetReactions(), "replies": c.GetReplies(),
		"threads": c.GetThreads(), "files": c.GetFiles(), "typing": c.GetTyping(), "corrects": c.GetCorrects(),
		"topic": c.GetTopic(), "catches_up": c.GetCatchesUp(), "pins": c.GetPins(), "private": c.GetPrivate(),
	}
}

// kindOf is the plugin of a kind, or why there is none.
func (h *Host) kindOf(name string) (*kind, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.kinds[name]
	switch {
	case k == nil:
		return nil, fmt.Sprintf("There is no plugin hearth-bridge-%s in %s.", name, strings.Join(h.Folders, " or "))
	case k.description == nil:
		return nil, fmt.Sprintf("The plugin %s does not run: %s", k.path, k.wrong)
	}
	return k, ""
}

// reconcile brings what runs together with what the book says.
func (h *Host) reconcile(ctx context.Context) {
	wanted := map[string]bool{}
	for _, b := range h.book.Bridges() {
		if !b.Enabled {
			continue
		}
		wanted[b.Name] = true
		h.mu.Lock()
		k := h.keepers[b.Name]
		if k == nil && ctx.Err() == nil {
			h.keep(ctx, b.Name)
		}
		h.mu.Unlock()
		if k != nil {
			k.news(h.book.Generation(b.Name))
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, k := range h.keepers {
		if !wanted[name] {
			k.cancel()
		}
	}
}

// keep starts a keeper. h.mu is held.
func (h *Host) keep(ctx context.Context, name string) {
	k := newKeeper(ctx, h, name)
	h.keepers[name] = k
	h.running.Go(func() {
		k.run()
		h.mu.Lock()
		delete(h.keepers, name)
		h.mu.Unlock()
		h.poke() // it may be wanted again
	})
}
