package steward

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

var (
	seeds    = flag.Int("seeds", 25, "how many worlds TestSimulation tries")
	onlySeed = flag.Uint64("seed", 0, "try this world alone")
)

// world is a house in bad weather: letters are lost, doubled and late, nodes crash between
// any two steps, and are cut off from each other.
type world struct {
	*house
	rand    *rand.Rand
	apart   map[[2]string]bool
	loss    float64
	drafts  int
	outside []letter // of liars
}

func newWorld(t testing.TB, seed uint64, n int) *world {
	names := []string{"a", "b", "c", "d", "e"}[:n]
	w := &world{house: newHouse(t, names...), rand: rand.New(rand.NewPCG(seed, 7)), apart: map[[2]string]bool{}}
	w.loss = []float64{0, 0.05, 0.3}[w.rand.IntN(3)]
	return w
}

// TestSimulation: whatever happens, no two entries get a head for one index, nobody signs
// two, no draft is taken twice; and once a majority can talk again, every draft is there.
func TestSimulation(t *testing.T) {
	for seed := uint64(1); seed <= uint64(*seeds); seed++ {
		if *onlySeed != 0 && seed != *onlySeed {
			continue
		}
		for _, n := range []int{2, 3, 5} {
			t.Run(fmt.Sprintf("seed%d/of%d", seed, n), func(t *testing.T) { newWorld(t, seed, n).run() })
		}
	}
}

func (w *world) run() {
	w.doom = func() bool { return w.rand.IntN(300) == 0 }
	for range 3000 {
		w.step()
		w.check()
	}
	dead := w.heal()
	for _, name := range w.names {
		if name != dead {
			w.draft(name)
		}
	}
	before := w.height()
	w.calm(600, dead)
	w.converged(dead)
	w.t.Logf("%d drafts, %d entries in bad weather, %d in all", w.drafts, before-w.create.Index, w.height()-w.create.Index)
}

func (w *world) height() (most uint64) {
	for _, p := range w.hosts {
		most = max(most, p.state.Index)
	}
	return most
}

// step is something that happens.
func (w *world) step() {
	switch w.rand.IntN(160) {
	case 0:
		w.draft(w.any())
		if w.rand.IntN(2) == 0 { // another one wants something else at the same time
			w.draft(w.any())
		}
	case 1:
		w.hosts[w.any()].crash()
	case 2, 3, 4:
		if p := w.hosts[w.any()]; p.group == nil {
			p.start()
		}
	case 5:
		a, b := w.any(), w.any()
		w.apart[[2]string{a, b}], w.apart[[2]string{b, a}] = true, true
	case 6, 7, 8:
		clear(w.apart)
	case 9, 10, 11:
		if a, b := w.any(), w.any(); !w.apart[[2]string{a, b}] {
			w.hosts[a].sync(w.hosts[b])
		}
	case 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34:
		w.moment(w.hosts[w.any()])
	default:
		w.post()
	}
}

func (w *world) any() string { return w.names[w.rand.IntN(len(w.names))] }

func (w *world) draft(name string) {
	w.drafts++
	if p := w.hosts[name]; p.group != nil {
		p.waiting = append(p.waiting, fmt.Sprintf("draft %d", w.drafts))
		p.settle()
	}
}

// moment is a tick, as a node gives it: only when there is something to do. A draft goes
// to the leader when there is one, and makes this steward campaign when it is away.
func (w *world) moment(p *host) {
	if p.group == nil || !p.group.Busy() && len(p.waiting) == 0 {
		return
	}
	if leader := p.group.Leader(); len(p.waiting) > 0 && leader != p.name {
		to := w.hosts[leader]
		if leader != "" && to.group != nil && !w.apart[[2]string{p.name, leader}] && to.group.Leads() {
			if to.waiting = append(to.waiting, p.waiting...); w.rand.IntN(4) > 0 { // the answer may be lost
				p.waiting = nil
			}
			to.settle()
		} else if w.rand.IntN(4) == 0 {
			p.group.Campaign()
		}
	}
	p.tick(1)
}

// post delivers some letter: not the first one necessarily, and perhaps not only once.
func (w *world) post() {
	if len(w.net) == 0 {
		return
	}
	i := w.rand.IntN(min(len(w.net), 6))
	l := w.net[i]
	if w.rand.IntN(20) > 0 {
		w.net = slices.Delete(w.net, i, i+1)
	}
	if w.rand.Float64() < w.loss || w.apart[[2]string{l.from, l.to}] {
		return
	}
	w.deliver(l)
}

// heal ends the bad weather; in rooms of three or more one node stays dead.
func (w *world) heal() (dead string) {
	clear(w.apart)
	w.loss, w.doom = 0, func() bool { return false }
	if len(w.names) > 2 {
		dead = w.any()
	}
	for _, name := range w.names {
		switch p := w.hosts[name]; {
		case name == dead:
			p.crash()
		case p.group == nil:
			p.start()
		}
	}
	return dead
}

// calm lets time pass; letters come, entries travel as in any room.
func (w *world) calm(rounds int, dead string) {
	for range rounds {
		for _, name := range w.names {
			w.moment(w.hosts[name])
		}
		for n := len(w.net); n > 0; n-- {
			l := w.net[0]
			w.net = w.net[1:]
			w.deliver(l)
		}
		for _, a := range w.names {
			if b := w.any(); a != dead && b != dead {
				w.hosts[a].sync(w.hosts[b])
			}
		}
		w.check()
	}
}

func (w *world) converged(dead string) {
	w.t.Helper()
	var first *host
	for _, name := range w.names {
		p := w.hosts[name]
		if name == dead {
			continue
		}
		if len(p.waiting) > 0 || p.group.Busy() {
			w.t.Fatalf("%s is not quiet: %d drafts wait, busy %v, leader %q, entry %d", name, len(p.waiting), p.group.Busy(), p.group.Leader(), p.state.Index)
		}
		if first == nil {
			first = p
		}
		if p.place() != first.place() {
			w.t.Fatalf("%s is at entry %d, %s at %d", name, p.state.Index, first.name, first.state.Index)
		}
	}
	keys := map[string]bool{}
	for _, e := range first.log {
		if key := e.Body.GetKey(); keys[key] {
			w.t.Fatalf("%s was taken twice", key)
		} else {
			keys[key] = true
		}
	}
	if len(first.log) == 0 {
		w.t.Fatal("nothing was agreed on")
	}
	if len(w.net) > 0 {
		w.t.Fatalf("%d letters in a quiet room", len(w.net))
	}
}

// TestQuiet: a room in which nothing is proposed sends nothing and wants no ticks, even
// when a steward is dead.
func TestQuiet(t *testing.T) {
	w := newWorld(t, 1, 3)
	w.draft("a")
	w.calm(40, "")
	w.hosts["c"].crash()
	w.draft("a")
	w.calm(40, "c")
	for _, name := range []string{"a", "b"} {
		if p := w.hosts[name]; p.group.Busy() || p.state.Index != w.create.Index+2 {
			t.Errorf("%s: busy %v, entry %d", name, p.group.Busy(), p.state.Index)
		}
	}
	syncs := w.hosts["a"].syncs + w.hosts["b"].syncs
	w.calm(40, "c")
	if now := w.hosts["a"].syncs + w.hosts["b"].syncs; now != syncs || len(w.net) > 0 {
		t.Errorf("a quiet room wrote %d times and has %d letters", now-syncs, len(w.net))
	}
}

// TestMajorityLost: without a majority the state stands still; it goes on when one is back.
func TestMajorityLost(t *testing.T) {
	w := newWorld(t, 1, 3)
	w.hosts["a"].crash()
	w.hosts["c"].crash()
	w.draft("b")
	w.calm(200, "a")
	if w.hosts["b"].state.Index != w.create.Index {
		t.Fatal("one of three stewards agreed with itself")
	}
	w.hosts["c"].start()
	w.calm(200, "a")
	w.converged("a")
}

// TestRestoredBackup: who was restored from a backup signs and votes for nothing.
func TestRestoredBackup(t *testing.T) {
	w := newWorld(t, 1, 3)
	w.draft("a")
	w.calm(40, "")
	backup := w.hosts["b"].kept
	w.draft("a")
	w.calm(40, "")
	c := w.config("b")
	c.Incarnation = 2
	g, err := New(c, w.hosts["b"].standing(), backup)
	if err != nil {
		t.Fatal(err)
	}
	g.Campaign()
	if _, ok := g.Ready(); ok || !g.Idle() || !g.Mute() {
		t.Error("a restored steward takes part")
	}
	if w.hosts["b"].group.Mute() {
		t.Error("a steward that was not restored keeps out")
	}
}

// TestLiar: a steward that tells two halves two things gets two heads at most with its
// own signature under both, which proves the lie; nobody honest ever signs twice. And when
// the honest can talk to each other, they go on without it.
func TestLiar(t *testing.T) {
	for seed := uint64(1); seed <= 40; seed++ {
		w := newWorld(t, seed, 3)
		twin := &host{h: w.house, name: "a", state: w.create.Clone(), heads: map[uint64]*roompb.Head{}, signed: map[uint64]room.EventID{}}
		twin.start()
		// a talks to b, its twin to c; each half is a majority with it.
		at := map[string]*host{"b": w.hosts["a"], "c": twin}
		for i, p := range []*host{w.hosts["a"], twin} {
			p.waiting = append(p.waiting, fmt.Sprintf("lie %d", i))
			p.group.Campaign()
			w.addressed(p, []string{"b", "c"}[i])
		}
		for range 60 {
			for _, name := range []string{"b", "c"} {
				liar := at[name]
				for n := len(w.net); n > 0; n-- {
					l := w.net[0]
					w.net = w.net[1:]
					switch {
					case l.to != name && l.from != name: // of the other half
						w.net = append(w.net, l)
					case l.to == name:
						w.deliver(l)
					case l.from == name && l.to == "a":
						ask := new(roompb.StewardAsk)
						if err := proto.Unmarshal(l.raw, ask); err != nil {
							t.Fatal(err)
						}
						liar.group.Step(name, ask)
						w.addressed(liar, name)
					}
				}
				liar.group.Tick()
				w.addressed(liar, name)
			}
		}
		b, c := w.hosts["b"], w.hosts["c"]
		if b.state.Index == w.create.Index || c.state.Index == w.create.Index || b.state.Hash == c.state.Hash {
			continue // the lie did not come off
		}
		one, two := b.heads[w.create.Index+1], c.heads[w.create.Index+1]
		if both := common(one, two); !slices.Equal(both, []string{"a"}) {
			t.Fatalf("two heads, signed by both of %v", both)
		}
		return
	}
	t.Fatal("no lie came off: the test shows nothing")
}

// addressed settles a liar and leaves in the network only what goes to one steward.
func (w *world) addressed(p *host, to string) {
	before := len(w.net)
	p.settle()
	kept := slices.DeleteFunc(slices.Clone(w.net[before:]), func(l letter) bool { return l.to != to })
	w.net = append(w.net[:before:before], kept...)
}

func common(a, b *roompb.Head) (both []string) {
	has := func(h *roompb.Head, name string) bool {
		return h.GetOrigin() == name && len(h.GetSignature()) > 0 || slices.ContainsFunc(h.GetCosignatures(), func(c *roompb.Cosignature) bool { return c.GetNode() == name })
	}
	for _, name := range []string{"a", "b", "c"} {
		if has(a, name) && has(b, name) {
			both = append(both, name)
		}
	}
	return both
}

// TestSignsTwice: a steward that is caught signing two entries for one index is named.
func TestSignsTwice(t *testing.T) {
	w := newWorld(t, 1, 3)
	g := w.hosts["b"].group
	for _, name := range []string{"one", "two"} {
		e := seal(t, w.create, "user@a", name)
		head := room.HeadOf(e)
		head.Cosignatures = []*roompb.Cosignature{room.Cosign(head, "c", w.keys["c"])}
		g.Step("c", &roompb.StewardAsk{Room: w.create.ID.Bytes(), Epoch: w.create.Epoch, Index: w.create.Index, Cosigned: head})
	}
	out, _ := g.Ready()
	if len(out.Lies) != 1 || out.Lies[0].Node != "c" {
		t.Fatalf("lies: %v", out.Lies)
	}
	for _, h := range out.Lies[0].Heads {
		check := proto.Clone(h).(*roompb.Head)
		check.Signature = h.GetCosignatures()[0].GetSignature()
		if !room.VerifyHead(check, w.config("b").Keys["c"]) {
			t.Error("the proof does not hold")
		}
	}
}
