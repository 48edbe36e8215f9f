// Package channel is the book of a node's bridges: what an administrator configured, which rooms they
// join to which channels, how far each has relayed, and what events are beyond them. It starts
// nothing and speaks to nobody: the host of the plugins (package plugins) works by it, and the
// doors show what it says.
//
// What must outlive a kill is in the store when a call returns: configuration, links, cursors, ids,
// counts. What the host last saw (states, rosters, log lines, the kinds of plugins) is in memory.
package channel

import (
	"cmp"
	"crypto/cipher"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/limit"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// Bounds of the book.
const (
	MaxBridges  = 100
	MaxLinks    = 500 // of one bridge that live; as many ended ones are remembered
	MaxChannel  = 100 // characters of a channel's name, so that it fits into what a room says of it
	MaxRoster   = 10_000
	MaxMutes    = 1_000 // of one link
	MaxRemote   = 500   // bytes of an id over there
	MaxRemotes  = 64    // ids of one event
	maxReasons  = 32    // different reasons that dropped messages are counted by
	maxSentence = 500   // characters of a reason that people are shown
)

// Bridge is a bridge as it is configured.
type Bridge struct {
	Name     string // local part of its bot
	Kind     string
	Network  string // as people know it
	Enabled  bool
	Settings map[string]string // those that are no secrets; Secrets has all
	Hidden   []string          // names of those that are set and not shown
	Created  int64             // ms
	Reason   string            // why it is disabled
}

// Link joins a room to a channel of a bridge.
type Link struct {
	Bridge      string
	Room        room.ID
	Channel     string
	Confirmed   bool
	ConfirmedBy string            // over there; empty: by an administrator of the node
	Settings    map[string]string // without what is secret: LinkSecrets has all
	Hidden      []string          // names of those that are set and not shown
	Edition     string            // of its settings: another one when they were changed
	By          string            // who linked it
	Created     int64             // ms
	Cursor      uint64            // pos up to which all is relayed or counted as dropped
	Ended       string            // why it ended; empty: it lives
	EndedAt     int64             // ms
	CodeEnds    int64             // ms until which it may be confirmed; 0: there is no code
	Muted       []string
	Private     *Private // a conversation of two; nil: a channel
	Blocked     bool     // it ended because the one over there does not want to be written to
}

// Live tells whether the link has not ended.
func (l *Link) Live() bool { return l.Ended == "" }

// Config says whose book it is.
type Config struct {
	Node    string
	Key     ed25519.PrivateKey // the node's: settings are sealed by a key that is derived from it
	Now     func() time.Time   // nil: time.Now
	Log     *slog.Logger       // nil: slog.Default
	Changed func(room.ID)      // called when a link of a room is in another state than before; nil: nobody cares
}

// Book may be used by any goroutine.
type Book struct {
	config  Config
	seal    cipher.AEAD
	store   *storage.Store
	guesses *limit.Table[string]    // wrong codes, by bridge and channel
	begun   *limit.Table[room.User] // private conversations
	wake    chan struct{}
	looked  chan struct{} // closed by the first SetKinds

	mu      sync.Mutex
	bridges map[string]*entry
	kinds   map[string]Kind
}

type entry struct {
	change sync.Mutex // held from reading the bridge until what was concluded is written
	stash  stash

	// Under Book.mu. What is stored is replaced, never changed.
	stored     *storagepb.Bridge
	links      map[room.ID]*link
	pending    *storagepb.BridgeCounts // counted, and not yet written
	status     Status
	generation uint64
	log        ring
}

type link struct {
	change sync.Mutex // as entry's

	stored  *storagepb.BridgeLink
	pending *storagepb.BridgeCounts
	status  Status
	roster  []*roompb.Ghost
	muted   map[string]bool
}

// Open reads the book of a store.
func Open(s *storage.Store, c Config) (*Book, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Changed == nil {
		c.Changed = func(room.ID) {}
	}
	seal, err := newSeal(c.Key)
	if err != nil {
		return nil, fmt.Errorf("open book of bridges: %w", err)
	}
	b := &Book{
		config: c, seal: seal, store: s, guesses: limit.New[string](wrongCodes, 1000), begun: limit.New[room.User](beginning, 10_000), wake: make(chan struct{}, 1),
		looked: make(chan struct{}), bridges: map[string]*entry{}, kinds: map[string]Kind{},
	}
	stored, err := s.Bridges()
	for i := 0; i < len(stored) && err == nil; i++ {
		b.bridges[stored[i].GetName()], err = b.load(stored[i])
	}
	if err != nil {
		return nil, fmt.Errorf("open book of bridges: %w", err)
	}
	return b, nil
}

func (b *Book) load(m *storagepb.Bridge) (*entry, error) {
	e := newEntry(m)
	links, err := b.store.BridgeLinks(m.GetName())
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		id, err := room.HashFromBytes(l.GetRoom())
		if err != nil {
			return nil, err
		}
		muted, err := b.store.BridgeMutes(m.GetName(), id)
		if err != nil {
			return nil, err
		}
		e.links[id] = newLink(l)
		for _, ghost := range muted {
			e.links[id].muted[ghost] = true
		}
	}
	return e, nil
}

func newEntry(m *storagepb.Bridge) *entry {
	return &entry{stored: m, links: map[room.ID]*link{}, status: Status{State: Down, Reason: "Its plugin has not been started yet."}}
}

func newLink(m *storagepb.BridgeLink) *link {
	return &link{stored: m, muted: map[string]bool{}, status: Status{State: Down}}
}

// Wake has an element when a bridge or a link was added, changed or taken away, or a restart was
// asked for: the host then reads Bridges, Links and Generation anew.
func (b *Book) Wake() <-chan struct{} { return b.wake }

func (b *Book) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *Book) millis() int64 { return b.config.Now().UnixMilli() }

// Bot is the user that a bridge speaks as.
func (b *Book) Bot(name string) room.User { return room.MakeUser(name, b.config.Node) }

// IsBot tells whether a user is the bot of a bridge of this book.
func (b *Book) IsBot(u room.User) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return u.Node() == b.config.Node && b.bridges[u.Local()] != nil
}

// Bridges are all bridges, by name.
func (b *Book) Bridges() []Bridge {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Bridge, 0, len(b.bridges))
	for _, name := range slices.Sorted(maps.Keys(b.bridges)) {
		out = append(out, b.view(b.bridges[name].stored))
	}
	return out
}

// Bridge is one of them.
func (b *Book) Bridge(name string) (Bridge, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.bridges[name]; e != nil {
		return b.view(e.stored), true
	}
	return Bridge{}, false
}

func (b *Book) view(m *storagepb.Bridge) Bridge {
	out := Bridge{
		Name: m.GetName(), Kind: m.GetKind(), Network: m.GetNetwork(), Enabled: m.GetEnabled(),
		Created: m.GetCreated(), Reason: m.GetReason(),
	}
	settings, err := b.open(m.GetSettings(), sealedBridge(m.GetName()))
	if err != nil {
		b.config.Log.Error("open the settings of a bridge", "bridge", m.GetName(), "error", err)
	}
	out.Settings, out.Hidden = shown(settings, b.kinds[m.GetKind()].secret)
	return out
}

// find is a bridge of the book, or an error that says so.
func (b *Book) find(name string) (*entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.bridges[name]; e != nil {
		return e, nil
	}
	return nil, noBridge(name)
}

func noBridge(name string) error {
	return room.Errorf(room.NotFound, "There is no bridge %q. `hearth bridge list` shows those there are.", clip(name))
}

// CheckNew says what is wrong with a bridge that is to be added, or nil.
func (b *Book) CheckNew(n Bridge) error {
	if err := room.CheckUsername(n.Name); err != nil {
		return room.Errorf(room.BadRequest, "A bridge is named as a user is, for that is how it is seen in rooms. %v", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bridges[n.Name] != nil {
		return room.Errorf(room.Taken, "There is a bridge %s already. Change it by `hearth bridge set`, or take it away first.", n.Name)
	}
	if len(b.bridges) >= MaxBridges {
		return room.Errorf(room.Limited, "A node has at most %d bridges.", MaxBridges)
	}
	kind, ok := b.kinds[n.Kind]
	if !ok {
		return b.noKind(n.Kind)
	}
	return kind.Check(n.Settings)
}

// kind is one of those that there are plugins for.
func (b *Book) kind(name string) (Kind, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if kind, ok := b.kinds[name]; ok {
		return kind, nil
	}
	return Kind{}, b.noKind(name)
}

func (b *Book) noKind(kind string) error {
	if len(b.kinds) == 0 {
		return room.Errorf(room.NotFound, "There is no plugin for a bridge of the kind %q, nor any other. Put hearth-bridge-%s into the folder `plugins` beside the data folder.", clip(kind), clip(kind))
	}
	return room.Errorf(room.NotFound, "There is no plugin for a bridge of the kind %q; there is one for: %s. Put hearth-bridge-%s into the folder `plugins` beside the data folder.",
		clip(kind), strings.Join(slices.Sorted(maps.Keys(b.kinds)), ", "), clip(kind))
}

// What is a bridge in two words, for people: "IRC libera".
func (b *Book) What(m Bridge) string {
	b.mu.Lock()
	title := b.kinds[m.Kind].Title
	b.mu.Unlock()
	if m.Network == "" {
		m.Network = networkOf(m.Name, m.Settings)
	}
	return cmp.Or(title, m.Kind) + " " + m.Network
}

// Add keeps a new bridge, enabled. Its bot is the caller's to make.
func (b *Book) Add(n Bridge) error {
	if err := b.CheckNew(n); err != nil {
		return err
	}
	sealed, err := b.close(n.Settings, sealedBridge(n.Name))
	if err != nil {
		return err
	}
	m := &storagepb.Bridge{Name: n.Name, Kind: n.Kind, Network: networkOf(n.Name, n.Settings), Enabled: true, Settings: sealed, Created: b.millis()}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bridges[n.Name] != nil {
		return room.Errorf(room.Conflict, "Somebody else adds a bridge %s at this moment.", n.Name)
	}
	if err := b.store.PutBridge(m); err != nil {
		return err
	}
	b.bridges[n.Name] = newEntry(m)
	b.poke()
	return nil
}

// Remove forgets a bridge and all that was kept of it. That its bot leaves its rooms first is
// the caller's doing.
func (b *Book) Remove(name string) error {
	e, err := b.find(name)
	if err != nil {
		return err
	}
	e.change.Lock()
	defer e.change.Unlock()
	for _, l := range b.linksOf(e) { // nothing is being written of it any more
		l.change.Lock()
		defer l.change.Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.store.DeleteBridge(name); err != nil {
		return err
	}
	delete(b.bridges, name)
	b.poke()
	return nil
}

func (b *Book) linksOf(e *entry) []*link {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(e.links))
}

// changeBridge alters a bridge and writes it down.
func (b *Book) changeBridge(name string, change func(*storagepb.Bridge) error) error {
	e, err := b.find(name)
	if err != nil {
		return err
	}
	e.change.Lock()
	defer e.change.Unlock()
	b.mu.Lock()
	m := proto.CloneOf(e.stored)
	pending := e.pending
	e.pending = nil
	gone := b.bridges[name] != e
	b.mu.Unlock()
	if gone {
		return noBridge(name)
	}
	m.Counts = add(m.GetCounts(), pending)
	if err = change(m); err == nil {
		err = b.store.PutBridge(m)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		e.pending = add(e.pending, pending)
		return err
	}
	e.stored = m
	return nil
}

// Enable stops a bridge, with a reason for people (what follows its first line is for administrators), or lets it run again.
func (b *Book) Enable(name string, on bool, reason string) error {
	err := b.changeBridge(name, func(m *storagepb.Bridge) error {
		m.Enabled, m.Reason = on, clipTo(reason, maxSentence)
		if on {
			m.Reason = ""
		}
		return nil
	})
	if err == nil {
		b.poke()
		b.tellRooms(name)
	}
	return err
}

// SetSettings changes settings of a bridge: those that are named; an empty value takes one away.
func (b *Book) SetSettings(name string, changed map[string]string) error {
	err := b.changeBridge(name, func(m *storagepb.Bridge) error {
		kind, err := b.kind(m.GetKind())
		if err != nil {
			return err
		}
		settings, sealed, err := b.alter(m.GetSettings(), sealedBridge(name), changed, kind.Check)
		if err == nil {
			m.Network, m.Settings = networkOf(name, settings), sealed
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.Restart(name)
}

// Secrets are all settings of a bridge, with the defaults of those that are not set: for its
// plugin, and for nobody else.
func (b *Book) Secrets(name string) (map[string]string, error) {
	b.mu.Lock()
	e := b.bridges[name]
	if e == nil {
		b.mu.Unlock()
		return nil, noBridge(name)
	}
	m, kind := e.stored, b.kinds[e.stored.GetKind()]
	b.mu.Unlock()
	settings, err := b.open(m.GetSettings(), sealedBridge(name))
	if err != nil {
		return nil, err
	}
	return defaults(kind.Settings, settings), nil
}

// Generation rises when a restart of a bridge was asked for, or its settings were changed.
func (b *Book) Generation(name string) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.bridges[name]; e != nil {
		return e.generation
	}
	return 0
}

// Restart asks the host to start a bridge's plugin anew.
func (b *Book) Restart(name string) error {
	b.mu.Lock()
	e := b.bridges[name]
	if e != nil {
		e.generation++
	}
	b.mu.Unlock()
	if e == nil {
		return noBridge(name)
	}
	b.SetStatus(name, Status{State: Connecting, Reason: "It is starting anew."}) // what was is of its old life
	b.poke()
	return nil
}

// Flush writes down what was counted and not yet written.
func (b *Book) Flush() error {
	b.mu.Lock()
	var bridges []string
	var links []Link
	for name, e := range b.bridges {
		if e.pending != nil {
			bridges = append(bridges, name)
		}
		for id, l := range e.links {
			if l.pending != nil {
				links = append(links, Link{Bridge: name, Room: id})
			}
		}
	}
	b.mu.Unlock()
	for _, name := range bridges {
		if err := b.changeBridge(name, func(*storagepb.Bridge) error { return nil }); err != nil {
			return err
		}
	}
	for _, l := range links {
		if err := b.changeLink(l.Bridge, l.Room, func(*storagepb.BridgeLink) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

func networkOf(name string, settings map[string]string) string {
	if n := settings[networkSetting]; n != "" {
		return n
	}
	return name
}

// clip keeps what somebody typed short in a sentence about it.
func clip(s string) string { return clipTo(s, 80) }

func clipTo(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
