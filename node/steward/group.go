// Package steward is how the stewards of one room agree on the next entry of its state
// log: by Raft, then by signatures.
//
// Raft (go.etcd.io/raft) gives all stewards one sequence of proposed entries, whoever of
// them leads, and keeps it through the loss of a minority. It believes what it is told,
// though, and its log proves nothing to other nodes. So a steward that sees an entry
// committed signs the entry's head and tells the others; whoever holds the signatures of
// a majority has a head that every node accepts. A steward signs one entry per index in
// its life: two heads for one index always carry the signature of somebody who lied.
//
// A Group is for one epoch: the time between two entries that change the stewards. Its
// voters never change, the next epoch begins a new Raft log. So there are no
// configuration changes in Raft, and a steward that missed one cannot vote by old rules.
//
// The package has no clock, socket, disk or goroutine. The caller's duties, in order,
// after every call that changes the group, until Ready says false:
//
//  1. Store Output.Keep, synced, BEFORE anything else of the Output is used.
//  2. Send Output.Send. All of it may be lost, doubled and delayed.
//  3. Hand Output.Entry, which has its head, to the room; call At once the room has it.
//
// Tick is called at a steady pace (50-100 ms) as long as Busy, or while a draft waits for
// a leader; never otherwise: a quiet group costs nothing, and notices nothing.
package steward

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"go.etcd.io/raft/v3"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Place is an entry of a room's state log.
type Place struct {
	Index uint64
	Hash  room.EventID
}

// Standing is how far a room has come, under heads of a majority.
type Standing struct {
	Place
	Clock room.Time // of the state: entries are later
	Epoch uint64
}

// Config is what a group is made of. All fields are needed but for Mute.
type Config struct {
	Room        room.ID
	Origin      string // of the headers of the room's entries
	Stewards    []string
	Keys        map[string]ed25519.PublicKey // of the stewards
	Self        string                       // one of them
	Key         ed25519.PrivateKey
	Incarnation uint32 // of this node
	// Mute: this node was restored from a backup and may have forgotten what it voted for and
	// signed. It takes no part until the stewards change.
	Mute bool
}

// Group is one steward's side of the agreement. One goroutine at a time may use it.
type Group struct {
	cfg   Config
	epoch uint64 // index of the entry that set the stewards
	raft  *raft.RawNode
	store *raft.MemoryStorage

	state  Place         // the room here: under a majority's head
	agreed Place         // the later one of state and what Raft has committed
	clock  room.Time     // of agreed
	ahead  []*room.Event // committed, and not in the state yet: the first is the entry after it

	cosigned   Place                // the last entry whose head this node signed
	signatures map[string]signature // the newest that each steward told
	handed     uint64               // index of the entry that was last handed to the room

	silent    int // ticks since the leader was heard, or a campaign began
	patience  int // of them until the next campaign
	called    int // ticks left to help a steward that cannot win to a leader
	told      int // ticks since the own signature was told
	campaigns uint64

	out    Output
	dirty  bool   // out has something that must be kept first
	over   bool   // the stewards have changed
	broken string // Raft met what must not be: a steward lies, or the store is damaged
}

type signature struct {
	place Place
	bytes []byte
}

// Output is what a group wants done, in the order of its fields.
type Output struct {
	Keep  []byte // nil: nothing new
	Send  []Letter
	Entry *Headed // nil: none
	Lies  []Lie
}

// Lie is a proof that a steward signed two entries for one index: two heads, each with
// its signature as the one cosignature.
type Lie struct {
	Node  string
	Heads [2]*roompb.Head
}

// Letter is for another steward.
type Letter struct {
	To  string
	Ask *roompb.StewardAsk
}

// Headed is an entry with the signatures of a majority.
type Headed struct {
	Event *room.Event
	Head  *roompb.Head
}

// New begins, or goes on with, the epoch that the room is in. kept is the newest
// Output.Keep that was stored for the room, of this epoch or an earlier one, nil if none.
func New(c Config, at Standing, kept []byte) (*Group, error) {
	c.Stewards = slices.Sorted(slices.Values(c.Stewards))
	if !slices.Contains(c.Stewards, c.Self) {
		return nil, fmt.Errorf("steward room %s: %s is none of its stewards", c.Room, c.Self)
	}
	g := &Group{cfg: c, store: raft.NewMemoryStorage(), state: at.Place, agreed: at.Place, clock: at.Clock, epoch: at.Epoch, signatures: map[string]signature{}}
	if err := g.restore(kept); err != nil {
		return nil, fmt.Errorf("steward room %s: %w", c.Room, err)
	}
	var err error
	g.raft, err = raft.NewRawNode(&raft.Config{
		ID: g.id(c.Self), Storage: g.store, Logger: quiet{},
		ElectionTick: never, HeartbeatTick: 1, // elections are by Tick: Raft's own are not repeatable
		PreVote:       true,  // who was away does not depose a leader that others hear
		CheckQuorum:   false, // a quiet leader hears nobody, and stays one
		MaxSizePerMsg: 256 << 10, MaxInflightMsgs: 16, MaxUncommittedEntriesSize: 1 << 20,
		DisableProposalForwarding: true, // the leader seals by its own state
	})
	if err != nil {
		return nil, fmt.Errorf("steward room %s: %w", c.Room, err)
	}
	g.rest()
	return g, nil
}

// never is an election timeout that does not come.
const never = 1 << 40

// id is a steward's place among them, from 1; 0: it is none.
func (g *Group) id(node string) uint64 {
	i, ok := slices.BinarySearch(g.cfg.Stewards, node)
	if !ok {
		return 0
	}
	return uint64(i) + 1
}

func (g *Group) voters() []uint64 {
	ids := make([]uint64, len(g.cfg.Stewards))
	for i := range ids {
		ids[i] = uint64(i) + 1
	}
	return ids
}

func (g *Group) others() []string {
	return slices.DeleteFunc(slices.Clone(g.cfg.Stewards), func(s string) bool { return s == g.cfg.Self })
}

func (g *Group) majority() int { return len(g.cfg.Stewards)/2 + 1 }

// Idle tells whether this steward does nothing: the epoch is over, the group broke, or it
// was restored from a backup.
func (g *Group) Idle() bool { return g.over || g.cfg.Mute || g.broken != "" }

// Mute tells whether this steward keeps out of the epoch because it was restored.
func (g *Group) Mute() bool { return g.cfg.Mute }

// Broken says why the group must be made anew from what was kept; "": it is in order.
func (g *Group) Broken() string { return g.broken }

// Leader is the steward that leads as far as is known here, "" when none is.
func (g *Group) Leader() string {
	if id := g.raft.BasicStatus().Lead; id != raft.None && id <= uint64(len(g.cfg.Stewards)) {
		return g.cfg.Stewards[id-1]
	}
	return ""
}

// Leads tells whether this steward leads.
func (g *Group) Leads() bool { return g.raft.BasicStatus().RaftState == raft.StateLeader }

// State is the entry that the room has come to, as far as the group was told.
func (g *Group) State() Place { return g.state }

// CanSeal tells whether this steward leads and nothing is on its way: then an entry that
// follows State may be proposed.
func (g *Group) CanSeal() bool { return !g.Idle() && g.Leads() && g.settled() && g.agreed == g.state }

// settled tells whether all that is in the Raft log is committed.
func (g *Group) settled() bool {
	last, _ := g.store.LastIndex() // never fails
	return g.raft.BasicStatus().Applied == last
}

// Busy tells whether something is on its way: only then does the group need ticks. What
// waits for the room to catch up does not.
func (g *Group) Busy() bool {
	return !g.Idle() && (g.next() != nil || g.called > 0 || g.pending())
}

// pending tells whether the Raft log has an entry that is neither committed nor, by
// whatever way, in the room's state.
func (g *Group) pending() bool {
	first, _ := g.store.FirstIndex()
	last, _ := g.store.LastIndex()
	first = max(first, g.raft.BasicStatus().Applied+1)
	if first > last {
		return false
	}
	entries, err := g.store.Entries(first, last+1, never)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if event, err := g.open(e.GetData()); err == nil && event.Header.GetSeq() > g.state.Index {
			return true
		}
	}
	return false
}
