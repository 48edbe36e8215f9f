package federation

import (
	"bufio"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"
	"google.golang.org/protobuf/proto"

	"hearth/federation/link"
	"hearth/federation/link/linkpb"
	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Two strangers: one makes a room, the other joins it by its alias; both talk.
func TestTwoNodesTalk(t *testing.T) {
	a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
	ann, bob := a.user("ann"), b.user("bob")
	b.join(a)
	a.linked(b)
	id := a.garden(ann, "garden")
	a.say(ann, id, "before")
	if got := b.enter(bob, "#garden@a.test"); got != id {
		t.Fatalf("joined %s, want %s", got, id)
	}
	b.sees(bob, id, "before")
	b.say(bob, id, "hello from b")
	a.sees(ann, id, "before", "hello from b")
	a.say(ann, id, "hello from a")
	b.sees(bob, id, "before", "hello from b", "hello from a")
}

// What was said while a link was down comes when it is up again.
func TestCatchUp(t *testing.T) {
	a, b := newLodge(t, "a.test"), newLodge(t, "b.test")
	ann, bob := a.user("ann"), b.user("bob")
	b.join(a)
	id := a.garden(ann, "garden")
	b.enter(bob, "#garden@a.test")
	b.stop()
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint("message ", i))
		a.say(ann, id, want[i])
	}
	b.start()
	b.linked(a)
	b.sees(bob, id, want...)
}

// Three nodes in one room, by gossip: the third was told of the first alone.
func TestThreeNodes(t *testing.T) {
	t.Parallel()
	gossiping := func(l *lodge) { l.gossip = true }
	a, b, c := newLodge(t, "a.test", gossiping), newLodge(t, "b.test", gossiping), newLodge(t, "c.test", gossiping)
	ann, bob, cy := a.user("ann"), b.user("bob"), c.user("cy")
	b.join(a)
	c.join(a)
	until(t, "b hears of c", func() bool {
		p, ok := b.node.Peers.Lookup("c.test")
		return ok && p.State.Gossip
	}, func() string { return fmt.Sprint(b.node.Peers.List()) })
	id := a.garden(ann, "garden")
	b.enter(bob, "#garden@a.test")
	c.enter(cy, "#garden@a.test")
	b.linked(c)
	var want []string
	for i := range 10 {
		for _, who := range []struct {
			l  *lodge
			by node.Caller
		}{{a, ann}, {b, bob}, {c, cy}} {
			want = append(want, fmt.Sprint(who.by.User, i))
			who.l.say(who.by, id, want[len(want)-1])
			for _, other := range []struct {
				l  *lodge
				by node.Caller
			}{{a, ann}, {b, bob}, {c, cy}} {
				other.l.sees(other.by, id, want...)
			}
		}
	}
	// Talk goes on without the home.
	a.stop()
	want = append(want, "without the home")
	c.say(cy, id, "without the home")
	b.sees(bob, id, want...)
	// And the home catches up.
	a.start()
	a.sees(ann, id, want...)
}

// A node whose last user is put out of a room learns that, whatever happened before: the entry that says so is the
// last that it is due.
func TestTheLastUserIsPutOut(t *testing.T) {
	again := func(l, other *lodge) { l.stop(); l.start(); l.linked(other) }
	for what, act := range map[string]func(a, b *lodge, put func()){
		"while both run":                     func(a, b *lodge, put func()) { put() },
		"after its node was started again":   func(a, b *lodge, put func()) { again(b, a); put() },
		"after the home was started again":   func(a, b *lodge, put func()) { again(a, b); put() },
		"while its node is away":             func(a, b *lodge, put func()) { b.stop(); put(); b.start() },
		"while away, the home started again": func(a, b *lodge, put func()) { b.stop(); put(); a.stop(); a.start(); b.start() },
	} {
		for how, d := range map[string]room.Draft{
			"kicked":          {Kind: room.KindKick, Body: &roompb.Body{Subject: "bob@b.test"}},
			"banned":          {Kind: room.KindBan, Body: &roompb.Body{Subject: "bob@b.test"}},
			"its node banned": {Kind: room.KindNodeBan, Body: &roompb.Body{Node: "b.test"}},
		} {
			t.Run(how+" "+what, func(t *testing.T) {
				t.Parallel()
				a, b, ann, bob, id := pair(t)
				d.Room, d.Author = id, ann.User
				act(a, b, func() {
					if _, err := a.node.Submit(t.Context(), d); err != nil {
						t.Fatal(err)
					}
				})
				until(t, "bob is out", func() bool {
					s, err := b.node.Summary(bob, id)
					return err != nil || s.Membership != string(room.Joined)
				}, func() string { return fmt.Sprint(b.node.Summary(bob, id)) })
				for _, side := range [][2]*lodge{{a, b}, {b, a}} { // else they would compare all rooms for ever
					if shared, err := side[0].node.Digests(side[1].name); err != nil || len(shared) > 0 {
						t.Errorf("%s shares %d rooms with %s: %v", side[0].name, len(shared), side[1].name, err)
					}
				}
				if how == "kicked" { // and may come back
					b.enter(bob, "#garden@a.test")
					b.say(bob, id, "here again")
					a.sees(ann, id, "first", "here again")
				}
			})
		}
	}
}

// The sender learns how far its messages have reached.
func TestReached(t *testing.T) {
	a, b, ann, bob, id := pair(t)
	r := a.say(ann, id, "second")
	b.sees(bob, id, "first", "second")
	until(t, "a knows that b has it", func() bool {
		_, behind, err := a.node.PeerLag("b.test")
		return err == nil && behind == 0
	}, func() string { return fmt.Sprint(r) })
}

// A peer that does not read what it is sent loses its link within the deadline; others in
// the room are served meanwhile as if it were not there.
func TestSlowPeerSlowsNobody(t *testing.T) {
	t.Parallel()
	a, b, ann, bob, id := pair(t)
	s := newStranger(t, "slow.test")
	q, control := s.enter(a)
	mine := proposeJoin(t, s, q, id)
	s.write(control, &linkpb.Frame{What: &linkpb.Frame_Have{Have: &linkpb.Have{Frontier: &roompb.Frontier{Room: id[:], StateIndex: mine}}}})
	want := []string{"first"}
	big := strings.Repeat("so much to say ", 4000)
	for i := range 80 { // 60 KB each: more than the windows hold
		want = append(want, fmt.Sprint(i, big))
		start, stood := time.Now(), q.Context().Err() == nil
		a.say(ann, id, want[len(want)-1])
		b.hears(bob, id, want[len(want)-1])
		// Who waits for the slow peer does so until its link has ended; else it is the machine that is slow.
		if took := time.Since(start); took > writeWithin/2 && stood && q.Context().Err() != nil {
			t.Errorf("message %d took %v, and came when the slow peer's link had ended", i, took)
		}
	}
	b.sees(bob, id, want...)
	until(t, "the slow peer's link ends", func() bool { return q.Context().Err() != nil }, func() string { return fmt.Sprint(a.door.Links()) })
}

// hears waits until the newest message that somebody sees is this one.
func (l *lodge) hears(by node.Caller, id room.ID, text string) {
	l.t.Helper()
	newest := func() string {
		h, err := l.node.History(l.t.Context(), by, node.HistoryQuery{Room: id, Limit: 1})
		if err != nil {
			l.t.Fatal(err)
		}
		return h.Events[0].Text
	}
	until(l.t, fmt.Sprintf("%s hears %.20s", by.User, text), func() bool { return newest() == text }, newest)
}

// proposeJoin brings a user of a stranger into a room, and returns the entry's index.
func proposeJoin(t testing.TB, s *stranger, q *quic.Conn, id room.ID) uint64 {
	t.Helper()
	body, err := proto.Marshal(&roompb.Body{Salt: make([]byte, 16), NodeKey: s.key.Public().(ed25519.PublicKey)})
	if err != nil {
		t.Fatal(err)
	}
	ask, err := link.Append([]byte{link.StreamAsk}, &roompb.Ask{What: &roompb.Ask_Propose{Propose: &roompb.ProposeAsk{
		Room: id[:], Author: "sam@" + s.name, Kind: string(room.KindJoin), Body: body, Key: "join",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	str, err := q.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := str.Write(ask); err != nil {
		t.Fatal(err)
	}
	_ = str.Close()
	b, err := link.ReadBytes(bufio.NewReader(str), link.MaxAnswer)
	if err != nil {
		t.Fatal(err)
	}
	a, err := link.DecodeAnswer(b)
	if err != nil || a.GetCode() != "" {
		t.Fatalf("propose: %v %v", a, err)
	}
	return a.GetPropose().GetIndex()
}

// What /metrics shows of the door.
func TestCounters(t *testing.T) {
	a, b, ann, bob, id := pair(t)
	a.say(ann, id, "second")
	b.sees(bob, id, "first", "second")
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.door.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	if got["hearth_federation_peers_up"] != 1 || got["hearth_federation_events_total"] < 1 || got["hearth_federation_asks_total"] < 2 || got["hearth_federation_links_total"] < 1 {
		t.Errorf("figures: %v", got)
	}
}
