// Package gossip keeps the list of a federation's live nodes and spreads their signed records, by
// hashicorp/memberlist (SWIM) over the links that federation has anyway.
//
// Membership never grants a right, and losing gossip never stops two nodes that share a room: it only
// tells who is there and at which addresses. What travels between members is authenticated hop by hop
// (the link knows its peer), not end to end: any member can claim of any other that it is dead, or
// replay its record under an absurd incarnation. Such a claim makes the list wrong for a while, no more,
// and the liar is an admitted peer whom the administrator can block. What counts, the record in a
// member's meta, is signed, and everything that gets in is verified by Config.Verify.
//
//   - memberlist's name of a node is its public key in hex, so a name cannot be squatted there; that two
//     keys claim one node name is found by Verify.
//   - memberlist's address of a node is derived from its key and never dialled. Real addresses are in the
//     record: a member that moves is then no conflict, which memberlist would refuse for as long as the
//     old one lives, and nobody can gossip a false address for somebody else.
//   - memberlist never heals a partition longer than its GossipToTheDeadTime, so peers that are known and
//     not alive are joined anew every half a minute.
//
// memberlist's word "member" stays inside this package (elsewhere a member is a user's standing in a room).
package gossip

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// MaxRecord is the longest record that fits into a member's meta; memberlist panics beyond.
const MaxRecord = memberlist.MetaMaxSize

const (
	packetSize = 1150             // bytes; datagrams over about 1200 are dropped silently on the way
	dead       = 30 * time.Second // for so long the dead are told that they are, so that they can object
	leaving    = 2 * time.Second  // for telling the others that this node goes
)

// Carrier is what gossip travels on. Peers are named by node names, authenticated by their keys.
type Carrier interface {
	// SendPacket sends b (at most 1150 bytes and a few) if that is possible at once. It never blocks.
	SendPacket(peer string, b []byte)
	// OpenStream finds or dials the link. Close of the Conn must free both directions.
	OpenStream(ctx context.Context, peer string) (net.Conn, error)
}

// Peer is a node as its verified record tells.
type Peer struct {
	Name    string
	Key     ed25519.PublicKey
	Issued  int64 // when the record was, ms since 1970: an older one never replaces a newer
	Expires int64 // when the record does; 0: it does not
}

// Config of a node's gossip. All but Limit and Rejoin are required.
type Config struct {
	Key ed25519.PublicKey // of this node
	// Record returns this node's signed record, at most MaxRecord bytes. It is asked again before each
	// round of joining, and spread when it is another one.
	Record func() []byte
	// Verify checks a signed record: signature, expiry, the pin of its name, blocks and policy. Whom it
	// takes is among Peers from then on. It raises the alarm when a name comes with another key. Called
	// with hostile bytes, at most MaxRecord of them, from any goroutine; it must be quick and must not
	// call gossip. What it has taken it is asked about again after half a minute.
	Verify func(record []byte) (Peer, error)
	// Peers are the known peers that may be gossiped with (no blocked ones), alive or not.
	Peers   func() []Peer
	Carrier Carrier
	Log     *slog.Logger

	Limit  int           // of nodes; 0: 4096
	Rejoin time.Duration // between rounds of joining those that are not alive; 0: 30 s
}

// Gossip runs from Open to Close. Any goroutine may call its methods.
type Gossip struct {
	cfg     Config
	self    string // memberlist's name of this node
	log     *slog.Logger
	list    *memberlist.Memberlist
	roster  *roster
	carrier *transport

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	met    chan string // names whose links came up
	done   sync.WaitGroup
	once   sync.Once
}

// Open starts gossiping, and joins the known peers.
func Open(cfg Config) (*Gossip, error) {
	if cfg.Limit == 0 {
		cfg.Limit = 4096
	}
	if cfg.Rejoin == 0 {
		cfg.Rejoin = 30 * time.Second
	}
	if n := len(cfg.Record()); n == 0 || n > MaxRecord {
		return nil, fmt.Errorf("open gossip: this node's record has %d bytes, at most %d are possible", n, MaxRecord)
	}
	g := &Gossip{cfg: cfg, self: nameOf(cfg.Key), log: cfg.Log, met: make(chan string, 64)}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.roster = newRoster(cfg.Limit)
	g.carrier = newTransport(g.ctx, g.self, cfg.Carrier, g.roster, cfg.Limit)
	list, err := memberlist.Create(g.settings())
	if err != nil {
		g.cancel()
		return nil, fmt.Errorf("open gossip: %w", err)
	}
	g.list = list
	g.done.Go(g.rejoin)
	return g, nil
}

func (g *Gossip) settings() *memberlist.Config {
	c := memberlist.DefaultLANConfig() // a hard kill is noticed in about 6 s
	c.Name = g.self
	c.Transport = g.carrier
	c.AdvertiseAddr, c.AdvertisePort = addressOf(g.self).String(), port
	c.BindAddr, c.BindPort = c.AdvertiseAddr, port
	c.UDPBufferSize = packetSize
	c.GossipToTheDeadTime = dead
	c.TCPTimeout = 5 * time.Second
	c.RequireNodeNames = true     // a name pins the key
	c.EnableCompression = false   // refused on the way in too: see guard.go
	c.DNSConfigPath = "/dev/null" // nothing is ever resolved
	d := &delegate{self: g.self, cfg: &g.cfg, roster: g.roster, warn: newWarner(g.log)}
	c.Delegate, c.Alive, c.Merge, c.Events = d, d, d, d
	c.Logger = debugLogger(g.log)
	return c
}

// Packet takes a packet from a peer. It never blocks (a packet too many is dropped), and keeps b.
func (g *Gossip) Packet(from string, b []byte) { g.carrier.packet(from, b, time.Now()) }

// Accept serves a stream that a peer opened. It returns when the stream is done, and closed.
func (g *Gossip) Accept(from string, c net.Conn) { g.carrier.accept(from, c) }

// Alive lists the other nodes that are alive, by name. Who is none of Peers any more, or has an expired
// record, is not among them.
func (g *Gossip) Alive() []Peer { return g.roster.living(g.cfg.Peers()) }

// Wake receives after Alive has changed, once for any number of changes.
func (g *Gossip) Wake() <-chan struct{} { return g.roster.wake }

// LinkUp says that there is a link to the peer now: it is joined if it is not alive.
func (g *Gossip) LinkUp(name string) {
	select {
	case g.met <- name:
	default: // the next round finds it
	}
}

// Close tells the others that this node goes, as far as ctx allows, and stops.
func (g *Gossip) Close(ctx context.Context) error {
	var err error
	g.once.Do(func() {
		g.cancel()
		g.done.Wait()
		err = errors.Join(g.leave(ctx), g.list.Shutdown())
		g.carrier.drop()
	})
	return err
}

func (g *Gossip) leave(ctx context.Context) error {
	wait := leaving
	if d, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(d))
	}
	if wait <= 0 || ctx.Err() != nil {
		return nil // the others will notice by themselves
	}
	if err := g.list.Leave(wait); err != nil {
		g.log.Debug("gossip: nobody heard that this node goes", "error", err)
	}
	return nil
}

// nameOf is memberlist's name of the node with this key.
func nameOf(key ed25519.PublicKey) string { return hex.EncodeToString(key) }
