package room

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"hearth/node/room/roompb"
)

const testNode = "node.test"

func user(name string) User { return MakeUser(name, testNode) }

// entry seals the next entry of a state log.
func entry(t testing.TB, s *State, author User, k Kind, b *roompb.Body) *Event {
	t.Helper()
	h := &roompb.Header{
		Room: s.ID.Bytes(), Log: roompb.Log_LOG_STATE, Origin: testNode, Incarnation: 1,
		Seq: s.Index + 1, Prev: s.Hash.Bytes(), Time: uint64(s.Clock.Next(1000)), StateIndex: s.Index + 1,
		Author: string(author), Kind: string(k),
	}
	if b == nil {
		b = &roompb.Body{Salt: []byte("salt")}
	}
	e, err := Seal(h, b)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func created(t testing.TB, public bool) *State {
	s := NewState()
	e := entry(t, s, user("olga"), KindCreate, &roompb.Body{Version: 1, Settings: &roompb.Settings{Name: proto.String("Garden"), Public: proto.Bool(public)}})
	if err := s.Apply(e); err != nil {
		t.Fatal(err)
	}
	return s
}

func subject(name string) *roompb.Body { return &roompb.Body{Subject: string(user(name))} }

func role(name, role string) *roompb.Body {
	return &roompb.Body{Subject: string(user(name)), Role: role}
}

// TestWhoMayDoWhat tells the story of a room, step by step: who does what, and whether
// it is allowed.
func TestWhoMayDoWhat(t *testing.T) {
	s := created(t, false)
	for i, step := range []struct {
		author string
		kind   Kind
		body   *roompb.Body
		want   Code
	}{
		{"bob", KindJoin, nil, NotFound}, // private: as if it were not there
		{"bob", KindInvite, subject("carl"), NotFound},
		{"olga", KindInvite, subject("bob"), ""},
		{"olga", KindInvite, subject("bob"), Conflict},
		{"bob", KindText, &roompb.Body{Text: "too early"}, Forbidden},
		{"bob", KindJoin, nil, ""},
		{"bob", KindJoin, nil, Conflict},
		{"bob", KindInvite, subject("carl"), ""},
		{"carl", KindJoin, nil, ""},
		{"bob", KindKick, subject("carl"), Forbidden},
		{"bob", KindSettings, &roompb.Body{Settings: &roompb.Settings{Topic: proto.String("x")}}, Forbidden},
		{"olga", KindRole, role("bob", "moderator"), ""},
		{"bob", KindKick, subject("olga"), Forbidden},
		{"bob", KindKick, subject("bob"), BadRequest},
		{"bob", KindKick, subject("carl"), ""},
		{"carl", KindJoin, nil, NotFound},
		{"bob", KindBan, subject("carl"), ""},
		{"bob", KindInvite, subject("carl"), Forbidden},
		{"carl", KindJoin, nil, Forbidden},
		{"bob", KindUnban, subject("carl"), ""},
		{"bob", KindInvite, subject("carl"), ""},
		{"carl", KindJoin, nil, ""},
		{"bob", KindRole, role("carl", "moderator"), Forbidden},
		{"olga", KindRole, role("bob", "owner"), ""},
		{"bob", KindRole, role("olga", "member"), Forbidden}, // the creator stays above owners
		{"bob", KindKick, subject("olga"), Forbidden},
		{"bob", KindRole, role("carl", "readonly"), ""},
		{"bob", KindRole, role("bob", "administrator"), ""}, // one may step down
		{"bob", KindRole, role("bob", "owner"), Forbidden},  // and not up again
		{"carl", KindLeave, nil, ""},
		{"carl", KindLeave, nil, Conflict},
		{"olga", KindLeave, nil, ""},
		{"olga", KindJoin, nil, ""}, // the creator comes back without an invitation
		{"olga", KindCreate, &roompb.Body{Version: 1, Settings: &roompb.Settings{}}, Conflict},
	} {
		e := entry(t, s, user(step.author), step.kind, step.body)
		err := s.Check(e)
		if got := CodeOf(err); got != step.want {
			t.Fatalf("step %d: %s %s: got %q (%v), want %q", i, step.author, step.kind, got, err, step.want)
		}
		if err == nil && step.kind.State() {
			if err := s.Apply(e); err != nil {
				t.Fatalf("step %d: %v", i, err)
			}
		}
	}
	if s.Role(user("olga")) != RoleOwner {
		t.Errorf("the creator came back as %s", s.Role(user("olga")))
	}
}

func TestDirectRoomIsForTwo(t *testing.T) {
	s := NewState()
	must(t, s.Apply(entry(t, s, user("ann"), KindCreate, &roompb.Body{Version: 1, Direct: string(user("ben")), Settings: &roompb.Settings{Public: proto.Bool(true)}})))
	if s.Public {
		t.Error("a 1:1 room is public")
	}
	must(t, s.Apply(entry(t, s, user("ben"), KindJoin, nil)))
	for _, b := range []struct {
		kind Kind
		body *roompb.Body
	}{{KindInvite, subject("eve")}, {KindKick, subject("ben")}, {KindBan, subject("ben")}, {KindRole, role("ben", "member")}} {
		if err := s.Check(entry(t, s, user("ann"), b.kind, b.body)); CodeOf(err) != Forbidden {
			t.Errorf("%s in a 1:1 room: %v", b.kind, err)
		}
	}
	if err := s.Check(entry(t, s, user("eve"), KindJoin, nil)); CodeOf(err) != NotFound {
		t.Errorf("a third joins: %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestReducerLaws: whatever entries come, the fold never panics, an impossible one
// changes nothing but the place in the log, Preview foretells Apply, a replay of the
// same bytes gives the same state, and the count of those joined is true.
func TestReducerLaws(t *testing.T) {
	kinds := append(slices.Clone(lawKinds), KindText)
	roles := append(slices.Clone(lawRoles), "king")
	rapid.Check(t, func(rt *rapid.T) {
		s := created(t, rapid.Bool().Draw(rt, "public"))
		replay := s.Clone()
		for range rapid.IntRange(1, 40).Draw(rt, "entries") {
			author := rapid.SampledFrom(lawUsers).Draw(rt, "author")
			b := &roompb.Body{
				Salt: []byte{1}, Subject: string(rapid.SampledFrom(lawUsers).Draw(rt, "subject")),
				Role: rapid.SampledFrom(roles).Draw(rt, "role"), Node: rapid.SampledFrom(lawNodes).Draw(rt, "node"),
				Stewards: rapid.SliceOfNDistinct(rapid.SampledFrom(lawNodes), 0, 3, rapid.ID).Draw(rt, "stewards"),
				Version:  1, Cuts: cutAt(rapid.SampledFrom(lawNodes).Draw(rt, "cut"), 5),
			}
			if rapid.Bool().Draw(rt, "key") {
				b.NodeKey = publicOf(author.Node())
			}
			if rapid.Bool().Draw(rt, "settings") {
				b.Settings = &roompb.Settings{Name: proto.String("n"), Public: proto.Bool(rapid.Bool().Draw(rt, "p"))}
			}
			e := entry(t, s, author, rapid.SampledFrom(kinds).Draw(rt, "kind"), b)
			step(rt, s, e)
			again, err := DecodeEvent(e.RawHeader, e.RawBody)
			if err != nil {
				rt.Fatal(err)
			}
			replay.Apply(again)
		}
		if got, want := describe(replay), describe(s); got != want {
			rt.Fatalf("replay differs:\n%s\n%s", got, want)
		}
	})
}

func step(rt *rapid.T, s *State, e *Event) {
	before, untouched := s.Clone(), describe(s)
	preview := s.Preview(e)
	if describe(s) != untouched {
		rt.Fatalf("preview of %s changed the state", e.Kind())
	}
	refused := s.Check(e)
	reason := s.Apply(e)
	if (refused == nil) != (reason == nil) {
		rt.Fatalf("Check says %v, Apply says %v", refused, reason)
	}
	if reason != nil {
		before.Index, before.Hash, before.Clock = s.Index, s.Hash, s.Clock
		if describe(before) != describe(s) {
			rt.Fatalf("an impossible %s changed the state", e.Kind())
		}
	}
	preview.State.Members, preview.State.past, preview.State.pages = s.Members, s.past, s.pages
	if describe(preview.State) != describe(s) {
		rt.Fatalf("preview of %s differs:\n%s\n%s", e.Kind(), describe(preview.State), describe(s))
	}
	checkChanges(rt, before, s, preview)
	checkCounts(rt, s)
}

// checkChanges: what Preview says changes is what changes, all of it and no more.
func checkChanges(rt *rapid.T, before, s *State, p Preview) {
	for _, u := range lawUsers {
		if m, ok := p.Changed[u]; ok != (before.Members[u] != s.Members[u]) || ok && m != s.Members[u] {
			rt.Fatalf("preview says %v for %s, state says %v", m, u, s.Members[u])
		}
		if past, ok := p.Pasts[u]; ok != !slices.Equal(before.past[u], s.past[u]) || ok && len(past) != len(s.past[u]) {
			rt.Fatalf("preview says %v of the past of %s, state says %v", past, u, s.past[u])
		}
	}
	for _, node := range lawNodes {
		changed := before.Takes(node) != s.Takes(node) || before.HasMembers(node) != s.HasMembers(node)
		if slices.Contains(p.ChangedNodes, node) != changed {
			rt.Fatalf("preview says %v change, and %s: %v", p.ChangedNodes, node, changed)
		}
	}
}

func checkCounts(rt *rapid.T, s *State) {
	joined, nodes := 0, map[string]int{}
	for u, m := range s.Members {
		if m.Membership == Joined {
			joined++
			nodes[u.Node()]++
		}
	}
	for _, node := range lawNodes {
		if s.Nodes[node].Joined != nodes[node] {
			rt.Fatalf("%d of %s have joined, the state says %d", nodes[node], node, s.Nodes[node].Joined)
		}
	}
	if joined != s.Joined {
		rt.Fatalf("%d have joined, the state says %d", joined, s.Joined)
	}
}

func describe(s *State) string {
	return fmt.Sprint(s.ID, s.Joined, s.Nodes, " ", prototext.MarshalOptions{Multiline: true}.Format(s.Dump()))
}
