package room

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

// sealed is the head of s's next entry, signed by its origin and some others.
func sealed(e *Event, cosigners ...string) *roompb.Head {
	h := HeadOf(e)
	SignHead(h, keyOf(e.Header.GetOrigin()))
	for _, node := range cosigners {
		h.Cosignatures = append(h.Cosignatures, Cosign(h, node, keyOf(node)))
	}
	return h
}

func TestHeadsByMajority(t *testing.T) {
	s := lived(t) // three stewards: node.test, far.test, near.test
	e := entry(t, s, user("olga"), KindLeave, &roompb.Body{Cuts: cutAt(testNode, 0)})
	forged := sealed(e, "far.test")
	forged.Cosignatures[0].Node = "near.test"
	other := sealed(e, "far.test", "near.test")
	other.Seq++
	wrongRoom := sealed(e, "far.test")
	wrongRoom.Room = make([]byte, 32)
	noHash := sealed(e, "far.test")
	noHash.Hash = nil
	twice := sealed(e)
	twice.Cosignatures = []*roompb.Cosignature{Cosign(twice, testNode, keyOf(testNode)), Cosign(twice, testNode, keyOf(testNode))}
	for name, c := range map[string]struct {
		head *roompb.Head
		want Code
	}{
		"two of three":      {sealed(e, "far.test"), ""},
		"all":               {sealed(e, "near.test", "far.test"), ""},
		"one of three":      {sealed(e), Forbidden},
		"one, twice":        {twice, Forbidden},
		"and no steward":    {sealed(e, "gone.test"), Forbidden},
		"under a false one": {forged, Forbidden},
		"of a later entry":  {other, Conflict},
		"of another room":   {wrongRoom, BadRequest},
		"of nothing":        {noHash, BadRequest},
		"nil":               {nil, BadRequest},
	} {
		if err := s.CheckHead(c.head); CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	now := sealed(e, "far.test")
	must(t, s.Apply(e))
	must(t, s.CheckHead(now)) // as for a snapshot
	again := entry(t, lived(t), user("olga"), KindLeave, &roompb.Body{Reason: "x", Cuts: cutAt(testNode, 0)})
	if err := s.CheckHead(sealed(again, "far.test")); CodeOf(err) != Conflict {
		t.Errorf("another entry of the same index: %v", err)
	}
}

// TestNewStewards: an entry that changes the stewards is signed by those before it; what
// comes after it, by the new ones. The home stays while it is one of them.
func TestNewStewards(t *testing.T) {
	s := lived(t)
	for _, step := range []struct {
		stewards []string
		want     Code
		home     string
	}{
		{[]string{"near.test", "far.test", testNode}, Conflict, testNode},
		{[]string{"unknown.test"}, Conflict, testNode},
		{[]string{"gone.test"}, Forbidden, testNode},
		{[]string{testNode, testNode}, BadRequest, testNode},
		{nil, BadRequest, testNode},
		{[]string{"near.test", testNode}, "", testNode},
		{[]string{"near.test", "far.test"}, "", "near.test"},
	} {
		err := s.Apply(entry(t, s, user("olga"), KindStewards, &roompb.Body{Stewards: step.stewards}))
		if CodeOf(err) != step.want || s.Home != step.home {
			t.Errorf("%v: %v, home %s", step.stewards, err, s.Home)
		}
	}
	if s.Origin() != testNode {
		t.Errorf("the room's address went to %s", s.Origin())
	}
	next := entry(t, s, user("olga"), KindSettings, &roompb.Body{Settings: &roompb.Settings{}})
	if err := s.CheckHead(sealed(next)); CodeOf(err) != Forbidden {
		t.Errorf("a node that is no steward any more orders the state: %v", err)
	}
}

func TestRootSignature(t *testing.T) {
	s := lived(t)
	h := sealed(entry(t, s, user("olga"), KindSettings, nil))
	sig := SignRoot(h, s.Root(), keyOf(testNode))
	if !VerifyRoot(h, s.Root(), sig, publicOf(testNode)) {
		t.Fatal("a signed root does not verify")
	}
	later := proto.Clone(h).(*roompb.Head)
	later.Seq++
	if VerifyRoot(later, s.Root(), sig, publicOf(testNode)) || VerifyRoot(h, Hash{}, sig, publicOf(testNode)) ||
		VerifyRoot(h, s.Root(), sig, publicOf("far.test")) || VerifyRoot(h, s.Root(), sig, nil) {
		t.Error("a changed one verifies")
	}
}

// TestRelaysReachAllOnce: whoever writes, each of the others is passed the event by one
// node, within a few steps, and no node carries much of all rooms' load.
func TestRelaysReachAllOnce(t *testing.T) {
	for _, n := range []int{1, 2, 9, 10, 300} {
		var nodes []string
		for i := range n {
			nodes = append(nodes, fmt.Sprintf("n%d.test", i))
		}
		for _, origin := range []string{nodes[0], nodes[n/2]} {
			steps, reached := 0, map[string]int{origin: 1}
			for wave := []string{origin}; len(wave) > 0; steps++ {
				var next []string
				for _, self := range wave {
					to := Relays(ID{1}, origin, self, nodes)
					if len(to) > Fanout {
						t.Fatalf("%s passes it on to %d", self, len(to))
					}
					next = append(next, to...)
				}
				for _, node := range next {
					reached[node]++
				}
				wave = next
			}
			for _, node := range nodes {
				if reached[node] != 1 {
					t.Errorf("%d nodes: %s gets it %d times", n, node, reached[node])
				}
			}
			if steps > 4 {
				t.Errorf("%d nodes: %d steps", n, steps)
			}
		}
	}
	doubled := []string{"a", "b", "a", "c", "b"}
	if got := Relays(ID{}, "a", "a", doubled); len(got) != 2 || slices.Contains(got, "a") {
		t.Errorf("with nodes named twice: %v", got)
	}
	if got := Relays(ID{}, "a", "stranger", doubled); got != nil {
		t.Errorf("a stranger relays to %v", got)
	}
}
