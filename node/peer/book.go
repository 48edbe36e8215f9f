// Package peer is the book of the nodes that this node knows: their keys, pinned at first
// sight, their addresses, who is let in, and what the federation's door last saw of each.
//
// A name stands for one key for ever, until an administrator forgets it. Knowing a node
// gives it no right in any room: what it may say there is for the room's own log to tell.
package peer

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// Peer is another node, as it was when the book was asked.
type Peer struct {
	Name      string
	Key       ed25519.PublicKey
	Addresses []string // host:port; the one that answered last comes first
	FirstSeen time.Time
	LastSeen  time.Time
	Blocked   bool
	Listed    bool // an administrator joined it, or let it in by an invite
	Version   string
	Record    *roompb.SignedRecord // the newest that was seen; nil: none yet
	Issued    int64                // of Record, ms since 1970
	State     State
}

// State is what the federation's door last saw of a peer. It is not stored.
type State struct {
	Link       Standing
	RTT        time.Duration
	Error      string // why it is not up: one sentence with what to do
	Since      time.Time
	Gossip     bool          // seen alive by gossip
	ClockAhead time.Duration // of its clock before this one's, at the last hello or pong
	ClockAt    time.Time     // when that was, by this node's clock
}

// Standing is how a link stands.
type Standing string

const (
	Down       Standing = "down"
	Connecting Standing = "connecting"
	Up         Standing = "up"
	Blocked    Standing = "blocked"
)

// maxPeers bounds the book: an open federation must not fill the disk of its members.
const maxPeers = 10_000

// seenEvery is how often it is written down that a peer was seen.
const seenEvery = time.Hour

// Config says who the book's owner is.
type Config struct {
	Self string
	Key  ed25519.PrivateKey
	Now  func() time.Time // nil: time.Now
	Log  *slog.Logger     // nil: slog.Default
}

// Book may be used by any goroutine.
type Book struct {
	self  string
	key   ed25519.PrivateKey
	now   func() time.Time
	log   *slog.Logger
	store *storage.Store

	mu     sync.Mutex
	peers  map[string]*entry
	policy Policy
	listed map[string]bool
	alarms []Alarm
	own    *roompb.SignedRecord
	reach  []string // addresses of the own record
}

type entry struct {
	stored *storagepb.Peer
	record *roompb.SignedRecord
	// Of the record: checking its signature each time would cost more than all the rest.
	issued  int64
	version string

	state State
}

// ErrOtherKey refuses a name that is pinned to another key.
var ErrOtherKey = errors.New("the name belongs to another key")

// Open reads the book of a store.
func Open(s *storage.Store, c Config) (*Book, error) {
	b := &Book{self: c.Self, key: c.Key, now: c.Now, log: c.Log, store: s, peers: map[string]*entry{}}
	if b.now == nil {
		b.now = time.Now
	}
	if b.log == nil {
		b.log = slog.Default()
	}
	stored, err := s.Peers()
	if err != nil {
		return nil, fmt.Errorf("open book of peers: %w", err)
	}
	for _, p := range stored {
		b.peers[p.GetName()] = entryOf(p)
	}
	if err := b.openValues(); err != nil {
		return nil, fmt.Errorf("open book of peers: %w", err)
	}
	return b, nil
}

func entryOf(p *storagepb.Peer) *entry {
	e := &entry{stored: p, state: State{Link: Down}}
	s := new(roompb.SignedRecord)
	if len(p.GetRecord()) > 0 && proto.Unmarshal(p.GetRecord(), s) == nil {
		if r, err := readSigned(s); err == nil {
			e.record, e.issued, e.version = s, r.GetIssued(), r.GetVersion()
		}
	}
	return e
}

// Lookup is what is known of a node.
func (b *Book) Lookup(name string) (Peer, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.peers[name]
	if e == nil {
		return Peer{}, false
	}
	return b.view(e), true
}

// List is all known nodes, by name.
func (b *Book) List() []Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Peer, 0, len(b.peers))
	for _, e := range b.peers {
		out = append(out, b.view(e))
	}
	slices.SortFunc(out, func(x, y Peer) int { return strings.Compare(x.Name, y.Name) })
	return out
}

// Size is how many nodes are known.
func (b *Book) Size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.peers)
}

func (b *Book) view(e *entry) Peer {
	p := Peer{
		Name: e.stored.GetName(), Key: e.stored.GetKey(), Addresses: slices.Clone(e.stored.GetAddresses()),
		FirstSeen: time.UnixMilli(e.stored.GetFirstSeen()), LastSeen: time.UnixMilli(e.stored.GetLastSeen()),
		Blocked: e.stored.GetBlocked(), Listed: b.listed[e.stored.GetName()],
		Record: e.record, Issued: e.issued, Version: e.version, State: e.state,
	}
	if p.Blocked {
		p.State.Link = Blocked
	}
	return p
}

// Pin takes in a node's record. The first key seen under a name stays; a record with
// another is refused with ErrOtherKey, and an administrator is told. Addresses are taken
// from the newest record.
func (b *Book) Pin(s *roompb.SignedRecord) (Peer, error) {
	r, err := ReadRecord(s, b.now())
	if err != nil {
		return Peer{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.checkKey(r); err != nil {
		return Peer{}, err
	}
	return b.pin(r, s)
}

// checkKey refuses the own name, and a name pinned to another key.
func (b *Book) checkKey(r *roompb.Record) error {
	if r.GetName() == b.self {
		if bytes.Equal(r.GetKey(), b.key.Public().(ed25519.PublicKey)) {
			return room.Errorf(room.Conflict, "That is this node itself.")
		}
		b.alarm(r.GetName(), "Another node goes by the name of this one. Its key is "+Fingerprint(r.GetKey())+".")
		return fmt.Errorf("pin %s: %w", r.GetName(), ErrOtherKey)
	}
	if e := b.peers[r.GetName()]; e != nil && !bytes.Equal(e.stored.GetKey(), r.GetKey()) {
		b.alarm(r.GetName(), fmt.Sprintf("A node calls itself %s and has another key (%s) than the one known for it (%s). It was refused. If that node was set up anew, forget it here, and it can join again.",
			r.GetName(), Fingerprint(r.GetKey()), Fingerprint(e.stored.GetKey())))
		return fmt.Errorf("pin %s: %w", r.GetName(), ErrOtherKey)
	}
	return nil
}

// pin takes a record over that is newer than the one known.
func (b *Book) pin(r *roompb.Record, s *roompb.SignedRecord) (p Peer, err error) {
	e := b.peers[r.GetName()]
	if e != nil && r.GetIssued() <= e.issued {
		err = b.seen(e)
	} else {
		e, err = b.write(r, s, b.store.PutPeer)
	}
	if err != nil {
		return Peer{}, err
	}
	return b.view(e), nil
}

// write writes a record down by put, and only then takes it over.
func (b *Book) write(r *roompb.Record, s *roompb.SignedRecord, put func(*storagepb.Peer) error) (*entry, error) {
	e := b.peers[r.GetName()]
	if e == nil && len(b.peers) >= maxPeers && !b.makeRoom() {
		return nil, room.Errorf(room.Limited, "This node knows %d others already: an administrator must forget some.", maxPeers)
	}
	now := b.now().UnixMilli()
	p := &storagepb.Peer{Name: r.GetName(), Key: r.GetKey(), FirstSeen: now}
	if e != nil {
		p = proto.Clone(e.stored).(*storagepb.Peer)
	}
	p.LastSeen, p.Addresses = now, merge(p.GetAddresses(), r.GetAddresses())
	raw, err := proto.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode record of %s: %w", p.GetName(), err)
	}
	p.Record = raw
	if err := put(p); err != nil {
		return nil, err
	}
	if e == nil {
		e = &entry{state: State{Link: Down, Since: b.now()}}
		b.peers[p.GetName()] = e
	}
	e.stored, e.record, e.issued, e.version = p, s, r.GetIssued(), r.GetVersion()
	return e, nil
}

// stale is after what time a node that was only heard of may be forgotten.
const stale = 30 * 24 * time.Hour

// makeRoom forgets the node that was longest not seen, of those that nobody has joined,
// blocked or shares a room with.
func (b *Book) makeRoom() bool {
	var oldest *storagepb.Peer
	for name, e := range b.peers {
		if b.listed[name] || e.stored.GetBlocked() || oldest != nil && e.stored.GetLastSeen() >= oldest.GetLastSeen() {
			continue
		}
		if shared, err := b.store.PeerRooms(name); err == nil && len(shared) == 0 {
			oldest = e.stored
		}
	}
	if oldest == nil || b.now().Sub(time.UnixMilli(oldest.GetLastSeen())) < stale || b.store.DeletePeer(oldest.GetName()) != nil {
		return false
	}
	delete(b.peers, oldest.GetName())
	return true
}

// merge is the new addresses; the one that answered last stays first where it is still one.
func merge(old, now []string) []string {
	now = slices.Clone(now)
	if len(old) > 0 {
		if i := slices.Index(now, old[0]); i > 0 {
			now = slices.Insert(slices.Delete(now, i, i+1), 0, old[0])
		}
	}
	return now
}

func (b *Book) seen(e *entry) error {
	now := b.now().UnixMilli()
	if now-e.stored.GetLastSeen() < seenEvery.Milliseconds() {
		return nil
	}
	return b.change(e, func(p *storagepb.Peer) { p.LastSeen = now })
}

func (b *Book) change(e *entry, f func(*storagepb.Peer)) error {
	p := proto.Clone(e.stored).(*storagepb.Peer)
	f(p)
	if err := b.store.PutPeer(p); err != nil {
		return err
	}
	e.stored = p
	return nil
}

// Answered puts the address that a peer answered at first: it is tried first from now on.
func (b *Book) Answered(name, address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.peers[name]
	if e == nil || len(e.stored.GetAddresses()) > 0 && e.stored.GetAddresses()[0] == address {
		return
	}
	i := slices.Index(e.stored.GetAddresses(), address)
	if i < 0 {
		return // not one that its record names: found by its name anew next time
	}
	err := b.change(e, func(p *storagepb.Peer) {
		p.Addresses = slices.Insert(slices.Delete(p.Addresses, i, i+1), 0, address)
	})
	if err != nil {
		b.log.Warn("keep a peer's address", "peer", name, "error", err)
	}
}

// Block stops, or allows again, all traffic with a node. Who has a link to it ends it.
func (b *Book) Block(name string, on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.peers[name]
	if e == nil {
		return room.Errorf(room.NotFound, "No node %q is known.", name)
	}
	return b.change(e, func(p *storagepb.Peer) { p.Blocked = on })
}

// Forget takes a node out of the book: its name may be pinned to a new key.
func (b *Book) Forget(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.peers[name] == nil {
		return room.Errorf(room.NotFound, "No node %q is known.", name)
	}
	if err := b.unlist(name); err != nil {
		return err
	}
	if err := b.store.DeletePeer(name); err != nil {
		return err
	}
	delete(b.peers, name)
	return nil
}

// SetState is the door's note of how a peer is doing. Since is filled in when the
// standing changes.
func (b *Book) SetState(name string, s State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.peers[name]
	if e == nil {
		return
	}
	if s.Since = e.state.Since; s.Link != e.state.Link || s.Since.IsZero() {
		s.Since = b.now()
	}
	s.Gossip = e.state.Gossip
	e.state = s
}

// SetGossip notes whether gossip sees a node alive.
func (b *Book) SetGossip(name string, alive bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.peers[name]; e != nil {
		e.state.Gossip = alive
	}
}
