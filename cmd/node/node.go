package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	web "hearth/clients/web"
	"hearth/federation"
	"hearth/node"
	"hearth/plugins"
	"hearth/storage"
	"hearth/transport"
)

// Main is a whole running node: the store, the node on it, its doors. Tests start it in
// their own process.
type Main struct {
	config  config
	log     *slog.Logger
	store   *storage.Store
	node    *node.Node
	peers   *federation.Federation
	doors   *transport.Server
	bridges *plugins.Host
	pprof   *http.Server // nil: not asked for

	bootstrap string // secret of the link that makes the first administrator; "" once there is one
}

// stopWithin is how long the doors have to let everybody go. With what closing the node
// and the store takes, the whole stays under five seconds.
const stopWithin = 3500 * time.Millisecond

// storeDir is where a data folder has its store.
func storeDir(data string) string { return filepath.Join(data, "store") }

// open opens the data folder and takes the port; Run serves.
func open(c config, log io.Writer) (*Main, error) {
	m := &Main{config: c, log: newLog(&c, log)}
	if err := m.open(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Main) open() (err error) {
	c := &m.config
	if c.MemoryMB > 0 {
		debug.SetMemoryLimit(int64(c.MemoryMB) << 20)
	}
	if err := makeDataFolder(c.Data); err != nil {
		return err
	}
	if m.store, err = openStore(c.Data, storage.Options{CacheBytes: int64(c.CacheMB) << 20, Log: m.log}); err != nil {
		return err
	}
	name, err := m.name()
	if err != nil {
		return err
	}
	m.node, err = node.Open(node.Config{
		Name: name, Dir: c.Data, Version: version(), Registration: c.Registration, Log: m.log,
	}, m.store)
	if err != nil {
		return err
	}
	if m.pprof, err = servePprof(c.Pprof); err != nil {
		return err
	}
	if m.bootstrap, _, err = m.node.Accounts.BootstrapInvite(); err != nil {
		return err
	}
	m.peers, err = federation.New(federation.Config{Node: m.node, Book: m.node.Peers, Log: m.log, Version: version(), Gossip: c.Gossip})
	if err != nil {
		return err
	}
	m.bridges, err = plugins.New(plugins.Config{
		Node: m.node, Dir: runDir(c.Data), Folders: c.pluginFolders(), Version: version(), Log: m.log,
	})
	if err != nil {
		return err
	}
	m.doors, err = transport.Listen(transport.Config{
		Node: m.node, Listen: c.Listen, Names: c.hostNames(name, machineName()), Dir: c.Data, Domain: c.Domain,
		Web: web.Page(), Version: version(), Limits: c.limits(), Log: m.log,
		Operator: map[string]http.Handler{"GET " + backupPath: m.backups()},
		Dialects: []transport.Dialect{{ALPN: []string{federation.ALPN}, TLS: m.peers.TLS(), Serve: m.peers.Serve, Window: federation.Window}},
		Metrics:  m.peers.Collectors(),
	})
	return err
}

func makeDataFolder(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	return nil
}

// openStore says in plain words what keeps a folder from being opened.
func openStore(data string, o storage.Options) (*storage.Store, error) {
	s, err := storage.Open(storeDir(data), o)
	if errors.Is(err, storage.ErrLocked) {
		return nil, fmt.Errorf("the data folder %s is in use by another hearth process: stop that one first, or choose another folder with --data (%w)", data, err)
	}
	return s, err
}

// name: what the folder was made with stays; a different --name is refused by node.Open.
func (m *Main) name() (string, error) {
	stored, err := node.StoredName(m.store)
	if err != nil {
		return "", err
	}
	for _, name := range []string{strings.ToLower(m.config.Name), stored, m.config.defaultName(machineName())} {
		if name != "" {
			return name, nil
		}
	}
	return "", nil
}

// announce tells people where to go. The last line is for scripts.
func (m *Main) announce(out io.Writer) {
	url := m.doors.URL()
	fmt.Fprintf(out, "Hearth node %s, data in %s\n", m.node.Name(), m.config.Data)
	if !web.Built() {
		fmt.Fprintln(out, "This binary was built without the web page (make web).")
	}
	fmt.Fprintf(out, "Open        %s\n", url)
	for _, other := range m.config.otherAddresses(m.doors.Addr()) {
		fmt.Fprintf(out, "or          %s\n", other)
	}
	if m.bootstrap != "" {
		fmt.Fprintf(out, "There is no administrator yet. This link, good for one account, makes the first:\n")
		fmt.Fprintf(out, "            %s/#/invite/%s\n", url, m.bootstrap)
	}
	fmt.Fprintf(out, "ready %s\n", url)
}

// Run serves until ctx ends, then lets everybody go.
func (m *Main) Run(ctx context.Context) error {
	err := m.peers.Start(ctx, m.doors.QUIC(), m.reach())
	if err == nil {
		m.bridges.URL = cmp.Or(m.config.PublicURL, m.doors.URL())
		m.bridges.Start()
		err = m.doors.Serve(ctx)
	}
	m.log.Info("stopping")
	var bridges sync.WaitGroup
	bridges.Go(m.bridges.Close)
	defer bridges.Wait()
	within, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if stopped := m.peers.Close(within); stopped != nil && !errors.Is(stopped, context.DeadlineExceeded) {
		m.log.Warn("links did not close cleanly", "error", stopped)
	}
	if stopped := m.doors.Shutdown(within); stopped != nil && !errors.Is(stopped, context.DeadlineExceeded) {
		m.log.Warn("doors did not close cleanly", "error", stopped)
	}
	return err
}

// Close gives everything back, in the order that keeps what was acknowledged: the doors
// are closed by then, so no one waits for the node, nor the node for the store.
func (m *Main) Close() error {
	var errs []error
	if m.pprof != nil {
		errs = append(errs, m.pprof.Close())
	}
	if m.bridges != nil {
		m.bridges.Close()
	}
	if m.node != nil {
		errs = append(errs, m.node.Close())
	}
	if m.store != nil {
		errs = append(errs, m.store.Close())
	}
	return errors.Join(errs...)
}

func newLog(c *config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// hostNames are the names and addresses in the node's own certificate. The first is the
// one people are told: whoever sits at the machine, where the node bears the machine's
// name, which few networks know.
func (c *config) hostNames(name, machine string) []string {
	host, _, _ := net.SplitHostPort(c.Listen)
	if own, _, err := net.SplitHostPort(name); err == nil {
		name = own
	}
	var names []string
	switch {
	case !wildcard(host):
		names = append(names, host)
	case c.Name == "" && name == machine && !strings.Contains(name, "."):
		names = append(names, "localhost")
	}
	names = append(names, name, "localhost", "127.0.0.1", "::1")
	names = append(names, c.Hosts...)
	if wildcard(host) {
		names = append(append(names, machine), machineAddresses()...)
	}
	return unique(names)
}

// otherAddresses are where else a node that listens everywhere is reached.
func (c *config) otherAddresses(taken net.Addr) []string {
	host, _, _ := net.SplitHostPort(c.Listen)
	if !wildcard(host) || c.Domain != "" {
		return nil
	}
	_, port, _ := net.SplitHostPort(taken.String())
	var out []string
	for _, a := range machineAddresses() {
		out = append(out, "https://"+net.JoinHostPort(a, port))
	}
	return out
}

// machineAddresses are the IP addresses others may reach this machine by.
func machineAddresses() []string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			out = append(out, n.IP.String())
		}
	}
	return out[:min(len(out), 8)]
}

func unique(words []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, w := range words {
		if w != "" && !seen[w] {
			seen[w] = true
			out = append(out, w)
		}
	}
	return out
}
