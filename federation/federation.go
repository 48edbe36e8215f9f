// Package federation is the door for other nodes: links over QUIC, each authenticated by
// the two nodes' keys, that carry rooms' events, questions and signals between them, and
// gossip. docs/protocol/federation.md is what it speaks; federation/link is the protocol
// with one peer, without a socket; what all that means is decided in package node.
//
// One goroutine follows the node and marks what is due in its links; a goroutine a room
// collects and writes, and waits for its peer alone. Every queue has an end, every write a
// deadline: a peer that does not read loses its link, and nobody else notices.
package federation

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"hearth/federation/gossip"
	"hearth/federation/link"
	"hearth/node/limit"
	"hearth/node/peer"
)

// Config is what the door needs. Node and Book are required.
type Config struct {
	Node    house
	Book    *peer.Book
	Version string
	Gossip  bool
	Log     *slog.Logger     // nil: slog.Default
	Now     func() time.Time // nil: time.Now
	Roots   *x509.CertPool   // for /.well-known/hearth; nil: the machine's
}

// Bounds of the whole door.
const (
	mostGreeting  = 256 // connections whose hello has not come
	mostErrands   = 64  // at once, for one peer
	renewEvery    = 12 * time.Hour
	rememberPeers = 4096 // whose rates are counted
)

// Rates of one peer. They outlive its links.
var (
	eventRate  = limit.Rate{Burst: 100_000, Per: 5 * time.Second}
	askRate    = limit.Rate{Burst: 1_000, Per: 5 * time.Second}
	signalRate = limit.Rate{Burst: 4_000, Per: 2 * time.Second}
	helloRate  = limit.Rate{Burst: 60, Per: time.Minute} // hellos of one address that were refused
)

// Federation is the door of one node. Make it with New, hand TLS and Serve to the port,
// then Start; Close before the port is closed.
type Federation struct {
	config   Config
	node     house
	book     *peer.Book
	log      *slog.Logger
	name     string
	own      tls.Certificate
	instance []byte
	features []string
	finder   *finder
	counters *counters

	events  *limit.Table[string]
	asks    *limit.Table[string]
	signals *limit.Table[string]
	hellos  *limit.Table[string]

	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	mu         sync.RWMutex
	port       *quic.Transport // nil before Start
	conns      map[*conn]struct{}
	greeting   int
	links      map[string]*conn // the one link of each peer: settled, and soon up
	pursuits   map[string]*pursuit
	quarantine map[string]time.Time
	errands    map[string]int
	gossip     *gossip.Gossip // nil: without, or not started
}

// New makes the door of a node. Nothing happens before Serve or Start.
func New(c Config) (*Federation, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	own, err := newCertificate(c.Node.Name(), c.Node.PrivateKey())
	if err != nil {
		return nil, err
	}
	f := &Federation{
		config: c, node: c.Node, book: c.Book, log: c.Log, name: c.Node.Name(), own: own, instance: make([]byte, 8),
		finder: newFinder(c.Roots),
		events: limit.New[string](eventRate, rememberPeers), asks: limit.New[string](askRate, rememberPeers),
		signals: limit.New[string](signalRate, rememberPeers), hellos: limit.New[string](helloRate, rememberPeers),
		conns: map[*conn]struct{}{}, links: map[string]*conn{}, pursuits: map[string]*pursuit{},
		quarantine: map[string]time.Time{}, errands: map[string]int{},
	}
	f.counters = newCounters(f)
	f.features = []string{link.FeatureBrief}
	if c.Gossip {
		f.features = append(f.features, featureGossip)
	}
	rand.Read(f.instance) // never fails, crypto/rand
	f.ctx, f.stop = context.WithCancel(context.Background())
	return f, nil
}

// featureGossip: the node takes part in gossip.
const featureGossip = "gossip"

// TLS is the server's configuration for connections that ask for ALPN.
func (f *Federation) TLS() *tls.Config { return tlsConfig(f.own) }

// Window is how far the receive window of a peer's connection may grow.
const Window = 4 << 20

// Start dials those that this node should have links with, from the port's own socket.
// advertise is host:port where others reach this node, the best first.
func (f *Federation) Start(ctx context.Context, port *quic.Transport, advertise []string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := f.book.Renew(advertise, f.config.Version); err != nil {
		return fmt.Errorf("start federation: %w", err)
	}
	f.mu.Lock()
	f.port = port
	f.mu.Unlock()
	if err := f.startGossip(); err != nil {
		return fmt.Errorf("start federation: %w", err)
	}
	names, err := f.node.Companions()
	if err != nil {
		return fmt.Errorf("start federation: %w", err)
	}
	for _, name := range names {
		f.want(name)
	}
	f.running.Go(f.follow)
	errands := f.node.Errands() // from now on the node counts on this door
	f.running.Go(func() { f.runErrands(errands) })
	f.running.Go(func() { f.keep(advertise) })
	f.running.Go(f.joinPending)
	return nil
}

// keep renews the own record, and looks at what the administrator has changed.
func (f *Federation) keep(advertise []string) {
	renew := time.NewTicker(renewEvery)
	defer renew.Stop()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-renew.C:
			if _, err := f.book.Renew(advertise, f.config.Version); err != nil {
				f.log.Warn("renew the node's record", "error", err)
			}
		case <-look.C:
			f.endBlocked()
		}
	}
}

// endBlocked ends the links to nodes that were blocked.
func (f *Federation) endBlocked() {
	for _, c := range f.allLinks() {
		p, known := f.book.Lookup(c.name)
		if !known || p.Blocked {
			c.end(link.CodeBlocked, "This node's administrator ended the link.", 0)
		}
	}
}

func (f *Federation) allLinks() []*conn {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := make([]*conn, 0, len(f.links))
	for _, c := range f.links {
		out = append(out, c)
	}
	return out
}

// Close says goodbye on every link and waits, within ctx, until all has stopped.
func (f *Federation) Close(ctx context.Context) error {
	f.stop()
	err := f.closeGossip(ctx)
	for _, c := range f.allConns() { // without the lock: a step that was left may want it
		c.end(link.CodeStopping, "The node is stopping.", time.Second)
	}
	stopped := make(chan struct{})
	go func() {
		f.running.Wait()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-ctx.Done():
		f.cut()
		<-stopped
		err = errors.Join(err, ctx.Err())
	}
	return err
}

func (f *Federation) allConns() []*conn {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return slices.Collect(maps.Keys(f.conns))
}

// cut ends connections without waiting for anybody.
func (f *Federation) cut() {
	for _, c := range f.allConns() {
		_ = c.quic.CloseWithError(0, link.CodeStopping) // the connection may have gone
	}
}

// Links are the names of the peers whose links are up.
func (f *Federation) Links() []string {
	var names []string
	for _, c := range f.allLinks() {
		if c.isUp() {
			names = append(names, c.name)
		}
	}
	return names
}

// linkOf is the peer's link when it is up, or nil.
func (f *Federation) linkOf(name string) *conn {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if c := f.links[name]; c != nil && c.isUp() {
		return c
	}
	return nil
}
