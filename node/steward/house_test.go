package steward

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// house is a room and its stewards in one process. Nothing happens in it unless a test
// says so: letters lie in the network until it delivers them.
type house struct {
	t       testing.TB
	names   []string
	keys    map[string]ed25519.PrivateKey
	genesis []*room.Event
	create  *room.State
	hosts   map[string]*host
	net     []letter
	log     func(format string, args ...any)
	doom    func() bool // whether a process dies now
}

type letter struct {
	from, to string
	raw      []byte
}

// host is one steward's process and its disk.
type host struct {
	h    *house
	name string
	// On disk. They outlive a crash.
	kept  []byte
	state *room.State
	heads map[uint64]*roompb.Head
	log   []*room.Event

	group   *Group // nil: not running
	waiting []string
	syncs   int
	signed  map[uint64]room.EventID // as seen by whoever got its signature
	lies    []Lie
}

func keyOf(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func seal(t testing.TB, s *room.State, author, name string) *room.Event {
	t.Helper()
	e, err := room.Seal(&roompb.Header{
		Room: s.ID.Bytes(), Log: roompb.Log_LOG_STATE, Origin: s.Origin(), Incarnation: 1, Seq: s.Index + 1, Prev: s.Hash.Bytes(),
		StateIndex: s.Index + 1, Time: uint64(s.Clock) + 1, Author: author, Kind: string(room.KindSettings),
	}, &roompb.Body{Salt: make([]byte, room.SaltLen), Settings: &roompb.Settings{Name: &name}, Key: name})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// newHouse is a room of a user on each node, all of them stewards since its last entry.
func newHouse(t testing.TB, names ...string) *house {
	h := &house{t: t, names: names, keys: map[string]ed25519.PrivateKey{}, hosts: map[string]*host{}, log: func(string, ...any) {}, doom: func() bool { return false }}
	s := room.NewState()
	add := func(author, kind string, b *roompb.Body) {
		t.Helper()
		b.Salt = make([]byte, room.SaltLen)
		header := &roompb.Header{Log: roompb.Log_LOG_STATE, Origin: names[0], Incarnation: 1, Seq: s.Index + 1, StateIndex: s.Index + 1, Time: 1<<40 + s.Index, Author: author, Kind: kind}
		if s.Index > 0 {
			header.Room, header.Prev = s.ID.Bytes(), s.Hash.Bytes()
		}
		e, err := room.Seal(header, b)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(e); err != nil {
			t.Fatal(err)
		}
		h.genesis = append(h.genesis, e)
	}
	public := true
	for i, name := range names {
		h.keys[name] = keyOf(name)
		public32 := []byte(h.keys[name].Public().(ed25519.PublicKey))
		if i == 0 {
			add("user@"+name, "create", &roompb.Body{Version: 1, NodeKey: public32, Settings: &roompb.Settings{Public: &public}})
		} else {
			add("user@"+name, "join", &roompb.Body{NodeKey: public32})
		}
	}
	add("user@"+names[0], "stewards", &roompb.Body{Stewards: names})
	h.create = s
	for _, name := range names {
		h.hosts[name] = &host{h: h, name: name, state: s.Clone(), heads: map[uint64]*roompb.Head{}, signed: map[uint64]room.EventID{}}
		h.hosts[name].start()
	}
	return h
}

func (h *house) config(name string) Config {
	keys := map[string]ed25519.PublicKey{}
	for _, n := range h.names {
		keys[n] = h.keys[n].Public().(ed25519.PublicKey)
	}
	return Config{
		Room: h.create.ID, Origin: h.names[0], Stewards: h.names, Keys: keys,
		Self: name, Key: h.keys[name], Incarnation: 1,
	}
}

func (p *host) place() Place { return Place{p.state.Index, p.state.Hash} }

func (p *host) standing() Standing { return Standing{p.place(), p.state.Clock, p.state.Epoch} }

func (p *host) start() {
	p.h.t.Helper()
	g, err := New(p.h.config(p.name), p.standing(), p.kept)
	if err != nil {
		p.h.t.Fatal(err)
	}
	p.group = g
	p.settle()
}

func (p *host) crash() { p.group, p.waiting = nil, nil }

// settle does what the group wants, in the order that its contract says.
func (p *host) settle() {
	for p.group != nil {
		if len(p.waiting) > 0 && p.group.CanSeal() && p.group.State() == p.place() {
			p.begin()
		}
		out, ok := p.group.Ready()
		if !ok {
			return
		}
		if p.h.doom() {
			p.crash()
			return
		}
		if out.Keep != nil {
			p.kept, p.syncs = out.Keep, p.syncs+1
			p.h.log("%s keeps", p.name)
		}
		if p.h.doom() {
			p.crash()
			return
		}
		p.lies = append(p.lies, out.Lies...)
		for _, l := range out.Send {
			raw, err := proto.Marshal(l.Ask)
			if err != nil {
				p.h.t.Fatal(err)
			}
			p.h.net = append(p.h.net, letter{p.name, l.To, raw})
			p.h.log("%s -> %s: %s", p.name, l.To, describe(l.Ask))
			p.witness(l.Ask.GetCosigned())
		}
		if out.Entry != nil {
			p.h.log("%s hands over entry %d %q signed by %s", p.name, out.Entry.Event.Header.GetSeq(), out.Entry.Event.Body.GetKey(), signers(out.Entry.Head))
			p.take(out.Entry.Event, out.Entry.Head)
		}
	}
}

// begin proposes the first draft that is not in the log yet.
func (p *host) begin() {
	for len(p.waiting) > 0 {
		key := p.waiting[0]
		if slices.ContainsFunc(p.log, func(e *room.Event) bool { return e.Body.GetKey() == key }) {
			p.waiting = p.waiting[1:]
			continue
		}
		if err := p.group.Propose(seal(p.h.t, p.state, "user@"+p.h.names[0], key)); err != nil {
			p.h.t.Fatal(err)
		}
		return
	}
}

// witness notes what a steward was seen to sign.
func (p *host) witness(h *roompb.Head) {
	if h == nil {
		return
	}
	hash, _ := room.HashFromBytes(h.GetHash())
	if was, ok := p.signed[h.GetSeq()]; ok && was != hash {
		p.h.t.Fatalf("%s signed two entries %d", p.name, h.GetSeq())
	}
	p.signed[h.GetSeq()] = hash
}

// take is the room of a node: whatever brings it an entry, its head is checked.
func (p *host) take(e *room.Event, head *roompb.Head) {
	if !follows(e, p.place()) {
		return
	}
	if err := p.state.CheckHead(head); err != nil {
		p.h.t.Fatalf("%s is given entry %d: %v", p.name, e.Header.GetSeq(), err)
	}
	p.state.Apply(e)
	p.heads[e.Header.GetSeq()] = head
	p.log = append(p.log, e)
	if len(p.waiting) > 0 && p.waiting[0] == e.Body.GetKey() {
		p.waiting = p.waiting[1:]
	}
	if p.group != nil {
		p.group.At(p.standing())
	}
}

// sync brings another host's entries, as any node gets them.
func (p *host) sync(from *host) {
	for _, e := range from.log {
		if e.Header.GetSeq() == p.state.Index+1 {
			p.take(e, from.heads[e.Header.GetSeq()])
		}
	}
	p.settle()
}

func (p *host) tick(n int) {
	for range n {
		if p.group == nil {
			return
		}
		p.group.Tick()
		p.settle()
	}
}

// deliver hands one letter over.
func (h *house) deliver(l letter) {
	to := h.hosts[l.to]
	if to.group == nil {
		return
	}
	ask := new(roompb.StewardAsk)
	if err := proto.Unmarshal(l.raw, ask); err != nil {
		h.t.Fatal(err)
	}
	to.group.Step(l.from, ask)
	if why := to.group.Broken(); why != "" {
		h.t.Fatalf("%s broke: %s", l.to, why)
	}
	to.settle()
}

// check is what must hold at any moment: no two nodes have different entries at one place.
func (h *house) check() {
	at := map[uint64]room.EventID{}
	for _, name := range h.names {
		for _, e := range h.hosts[name].log {
			if was, ok := at[e.Header.GetSeq()]; ok && was != e.ID {
				h.t.Fatalf("two entries %d have heads", e.Header.GetSeq())
			}
			at[e.Header.GetSeq()] = e.ID
		}
	}
}

func signers(h *roompb.Head) string {
	var out []string
	if len(h.GetSignature()) > 0 {
		out = append(out, h.GetOrigin())
	}
	for _, c := range h.GetCosignatures() {
		out = append(out, c.GetNode())
	}
	return fmt.Sprint(out)
}
