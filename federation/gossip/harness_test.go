package gossip

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/memberlist"
	"google.golang.org/protobuf/proto"
	"hearth/node/room/roompb"
)

// world is a network of nodes that gossip, in memory: what a peer cannot be reached by is silence.
type world struct {
	t *testing.T

	mu    sync.Mutex
	nodes map[string]*node
	side  map[string]int // of a partition
}

type node struct {
	world *world
	name  string
	key   ed25519.PrivateKey
	*Gossip

	mu      sync.Mutex
	record  []byte
	pins    map[string]Peer // by name
	blocked map[string]bool
	alarms  []string
}

func newWorld(t *testing.T, names ...string) *world {
	w := &world{t: t, nodes: map[string]*node{}, side: map[string]int{}}
	for _, name := range names {
		w.add(name)
	}
	return w
}

// add makes a node that knows nobody; the last thing it does is to be in the world.
func (w *world) add(name string) *node {
	n := w.prepare(name, keyOf(name))
	w.open(n)
	return n
}

func (w *world) prepare(name string, key ed25519.PrivateKey) *node {
	n := &node{world: w, name: name, key: key, pins: map[string]Peer{}, blocked: map[string]bool{}}
	n.record = sign(key, &roompb.Record{Name: name, Addresses: []string{name + ":8443"}})
	return n
}

func (w *world) open(n *node) {
	g, err := Open(Config{Key: n.key.Public().(ed25519.PublicKey), Record: n.own, Verify: n.verify, Peers: n.peers,
		Carrier: n, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	n.Gossip = g
	w.nodes[n.name] = n
	w.mu.Unlock()
}

// kill ends a node as SIGKILL does: nobody is told, what it had open is just gone.
func (w *world) kill(name string) *node {
	w.mu.Lock()
	n := w.nodes[name]
	delete(w.nodes, name)
	w.mu.Unlock()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	n.Close(gone)
	return n
}

func (w *world) close() {
	for _, name := range slices.Collect(maps.Keys(w.nodes)) {
		w.kill(name)
	}
	synctest.Wait()
	time.Sleep(time.Minute) // of a bubble: memberlist's last probes end by their own timers
}

// cut puts the named ones on a side of their own.
func (w *world) cut(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range names {
		w.side[name] = 1
	}
}

func (w *world) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.side)
}

// reach is the other's gossip as it runs now, or nil.
func (w *world) reach(from, to string) *Gossip {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.side[from] != w.side[to] || w.nodes[from] == nil || w.nodes[to] == nil {
		return nil
	}
	return w.nodes[to].Gossip
}

// meet makes n know the other one, as an invite link would.
func (n *node) meet(other *node) {
	n.mu.Lock()
	n.pins[other.name] = Peer{Name: other.name, Key: other.key.Public().(ed25519.PublicKey)}
	n.mu.Unlock()
	n.LinkUp(other.name)
}

func (n *node) own() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.record
}

// issue makes a new record its own.
func (n *node) issue(r *roompb.Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.record = sign(n.key, r)
}

// recordOf is the record it has of the one with that key.
func (n *node) recordOf(key string) []byte {
	n.roster.mu.Lock()
	defer n.roster.mu.Unlock()
	if e := n.roster.byKey[key]; e != nil {
		return e.record
	}
	return nil
}

var (
	errSignature = errors.New("bad signature")
	errExpired   = errors.New("expired")
	errOtherKey  = errors.New("another key for that name")
	errBlocked   = errors.New("blocked")
)

// verify is what the door does: signature, expiry, pin, block.
func (n *node) verify(b []byte) (Peer, error) {
	r, err := open(b)
	if err != nil {
		return Peer{}, err
	}
	if time.Now().UnixMilli() > r.Expires {
		return Peer{}, errExpired
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p := Peer{Name: r.Name, Key: r.Key, Issued: r.Issued, Expires: r.Expires}
	if known, ok := n.pins[p.Name]; ok && !known.Key.Equal(p.Key) {
		n.alarms = append(n.alarms, p.Name)
		return Peer{}, errOtherKey
	}
	if n.blocked[p.Name] {
		return Peer{}, errBlocked
	}
	n.pins[p.Name] = p
	return p, nil
}

func (n *node) peers() []Peer {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := slices.Collect(maps.Values(n.pins))
	return slices.DeleteFunc(known, func(p Peer) bool { return n.blocked[p.Name] })
}

// SendPacket and OpenStream make a node the Carrier of its own gossip. 20 ms is a far network.
func (n *node) SendPacket(peer string, b []byte) {
	time.AfterFunc(20*time.Millisecond, func() {
		if to := n.world.reach(n.name, peer); to != nil {
			to.Packet(n.name, slices.Clone(b))
		}
	})
}

func (n *node) OpenStream(ctx context.Context, peer string) (net.Conn, error) {
	to := n.world.reach(n.name, peer)
	if to == nil {
		<-ctx.Done() // the dead do not answer
		return nil, ctx.Err()
	}
	here, there := net.Pipe()
	go to.Accept(n.name, there)
	return here, nil
}

func keyOf(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

const context1 = "hearth node 1\n"

// sign fills in what a record needs and the test did not say.
func sign(key ed25519.PrivateKey, r *roompb.Record) []byte {
	if r.Key == nil {
		r.Key = key.Public().(ed25519.PublicKey)
	}
	if r.Issued == 0 {
		r.Issued = time.Now().UnixMilli()
	}
	if r.Expires == 0 {
		r.Expires = time.Now().Add(30 * 24 * time.Hour).UnixMilli()
	}
	b, _ := proto.Marshal(r)
	signed, _ := proto.Marshal(&roompb.SignedRecord{Record: b, Signature: ed25519.Sign(key, append([]byte(context1), b...))})
	return signed
}

func open(b []byte) (*roompb.Record, error) {
	var s roompb.SignedRecord
	var r roompb.Record
	if err := errors.Join(proto.Unmarshal(b, &s), proto.Unmarshal(s.Record, &r)); err != nil {
		return nil, err
	}
	if len(r.Key) != ed25519.PublicKeySize || !ed25519.Verify(r.Key, append([]byte(context1), s.Record...), s.Signature) {
		return nil, errSignature
	}
	return &r, nil
}

func (n *node) sees() string {
	var names []string
	for _, p := range n.Alive() {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

// until waits, in the bubble's time, for all the named nodes to see one another and nobody else.
func (w *world) until(limit time.Duration, names ...string) time.Duration {
	w.t.Helper()
	return w.waitFor(limit, func() string {
		for _, name := range names {
			others := slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == name })
			slices.Sort(others)
			if want, got := strings.Join(others, " "), w.nodes[name].sees(); got != want {
				return fmt.Sprintf("%s sees %q, not %q", name, got, want)
			}
		}
		return ""
	})
}

// waitFor waits until wrong says that nothing is.
func (w *world) waitFor(limit time.Duration, wrong func() string) time.Duration {
	w.t.Helper()
	start := time.Now()
	for {
		why := wrong()
		if why == "" {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			w.t.Fatalf("after %v: %s", limit, why)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

type ed25519Public = ed25519.PublicKey

func nodeOf(a alive) *memberlist.Node {
	n := &memberlist.Node{Name: a.Node, Addr: a.Addr, Port: a.Port, Meta: a.Meta}
	if len(a.Vsn) == 6 {
		n.PMin, n.PMax, n.PCur, n.DMin, n.DMax, n.DCur = a.Vsn[0], a.Vsn[1], a.Vsn[2], a.Vsn[3], a.Vsn[4], a.Vsn[5]
	}
	return n
}
