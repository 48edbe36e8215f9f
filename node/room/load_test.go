package room

import (
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

// lived is a state with something of everything: several nodes, a past, a ban of a node.
func lived(t testing.TB) *State {
	ben, olga := User("ben@far.test"), user("olga")
	s := NewState()
	must(t, s.Apply(entry(t, s, olga, KindCreate, &roompb.Body{
		Version: 1, NodeKey: publicOf(testNode), Settings: &roompb.Settings{Name: proto.String("Garden"), Public: proto.Bool(true)},
	})))
	apply(t, s, ben, KindJoin, joinOf(ben))
	apply(t, s, ben, KindLeave, &roompb.Body{Reason: "off", Cuts: cutAt("far.test", 9)})
	apply(t, s, ben, KindJoin, nil)
	apply(t, s, "dora@near.test", KindJoin, joinOf("dora@near.test"))
	apply(t, s, olga, KindRole, &roompb.Body{Subject: string(ben), Role: "administrator", Cuts: cutAt("far.test", 12)})
	apply(t, s, olga, KindStewards, &roompb.Body{Stewards: []string{"near.test", "far.test", testNode}})
	apply(t, s, olga, KindNodeBan, &roompb.Body{Node: "gone.test"})
	apply(t, s, olga, KindInvite, &roompb.Body{Subject: string(user("ann"))})
	apply(t, s, olga, KindBan, &roompb.Body{Subject: "eve@far.test", Reason: "noise", Cuts: cutAt("far.test", 12)})
	return s
}

func TestDumpAndLoad(t *testing.T) {
	s := lived(t)
	d := s.Dump()
	again, err := LoadState(s.ID, proto.Clone(d).(*roompb.StateDump))
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(again.Dump(), d) || again.Root() != s.Root() || describe(again) != describe(s) {
		t.Errorf("loaded: %s\nwas: %s", describe(again), describe(s))
	}
	apply(t, again, user("olga"), KindKick, &roompb.Body{Subject: "ben@far.test", Cuts: cutAt("far.test", 12)})
	if !proto.Equal(s.Dump(), d) || again.Root() == s.Root() {
		t.Error("what happens to a copy happens to the first, or changes no root")
	}
}

// onePage makes a dump's members those of its only page.
func onePage(d *roompb.StateDump) {
	hash := pageHash(&roompb.StateDump{Members: d.Members, Past: d.Past})
	d.Pages = append([]byte{0}, hash[:]...)
}

// TestHostileDumps: each is one step from a dump that is in order, and refused.
func TestHostileDumps(t *testing.T) {
	s := lived(t)
	for name, spoil := range map[string]func(*roompb.StateDump){
		"no version":             func(d *roompb.StateDump) { d.Version = 0 },
		"no entries":             func(d *roompb.StateDump) { d.Index = 0 },
		"short hash":             func(d *roompb.StateDump) { d.Hash = d.Hash[:31] },
		"no hash":                func(d *roompb.StateDump) { d.Hash = nil },
		"no creator":             func(d *roompb.StateDump) { d.Creator = "" },
		"odd creator":            func(d *roompb.StateDump) { d.Creator = "@" + d.Creator },
		"1:1 and public":         func(d *roompb.StateDump) { d.Direct = "ben@far.test" },
		"1:1 with three":         func(d *roompb.StateDump) { d.Direct, d.Public = "ben@far.test", false },
		"1:1 with oneself":       func(d *roompb.StateDump) { d.Direct, d.Public = d.Creator, false },
		"long name":              func(d *roompb.StateDump) { d.Name = strings.Repeat("x", 101) },
		"odd alias":              func(d *roompb.StateDump) { d.Alias = "A B" },
		"avatar that is none":    func(d *roompb.StateDump) { d.Avatar = "x" },
		"home is no steward":     func(d *roompb.StateDump) { d.Home = "gone.test" },
		"no stewards":            func(d *roompb.StateDump) { d.Stewards = nil },
		"unsorted stewards":      func(d *roompb.StateDump) { d.Stewards[0], d.Stewards[1] = d.Stewards[1], d.Stewards[0] },
		"steward twice":          func(d *roompb.StateDump) { d.Stewards[1] = d.Stewards[0] },
		"unknown steward":        func(d *roompb.StateDump) { d.Stewards = append(d.Stewards, "zz.test") },
		"too many stewards":      func(d *roompb.StateDump) { d.Stewards = []string{"a", "b", "c", "d", "e", "f", "g", testNode} },
		"node twice":             func(d *roompb.StateDump) { d.Nodes = append(d.Nodes, d.Nodes[len(d.Nodes)-1]) },
		"odd node":               func(d *roompb.StateDump) { d.Nodes[0].Name = "A" },
		"short key":              func(d *roompb.StateDump) { d.Nodes[0].Key = d.Nodes[0].Key[:31] },
		"no key":                 func(d *roompb.StateDump) { d.Nodes[0].Key = nil },
		"ban without index":      func(d *roompb.StateDump) { d.Nodes[1].Since = 0 },
		"ban from the future":    func(d *roompb.StateDump) { d.Nodes[1].Since = 99 },
		"banned with members":    func(d *roompb.StateDump) { d.Nodes[0].Banned, d.Nodes[0].Since = true, 3 },
		"node of nothing":        func(d *roompb.StateDump) { d.Nodes[1].Banned, d.Nodes[1].Since = false, 0 },
		"node missing":           func(d *roompb.StateDump) { d.Nodes = d.Nodes[1:] },
		"nil node":               func(d *roompb.StateDump) { d.Nodes[0] = nil },
		"members unsorted":       func(d *roompb.StateDump) { d.Members[0], d.Members[1] = d.Members[1], d.Members[0] },
		"member twice":           func(d *roompb.StateDump) { d.Members = append(d.Members, d.Members[len(d.Members)-1]) },
		"nil member":             func(d *roompb.StateDump) { d.Members[0] = nil },
		"odd member":             func(d *roompb.StateDump) { d.Members[0].User = "x" },
		"odd membership":         func(d *roompb.StateDump) { d.Members[0].Membership = "king" },
		"rank over owner":        func(d *roompb.StateDump) { d.Members[0].Role = 4 },
		"role out of the small":  func(d *roompb.StateDump) { d.Members[0].Role = 1 << 20 },
		"standing of the future": func(d *roompb.StateDump) { d.Members[0].From = 99 },
		"by nobody":              func(d *roompb.StateDump) { d.Members[0].By = "" },
		"reason of two lines":    func(d *roompb.StateDump) { d.Members[0].Reason = "a\nb" },
		"past of nobody":         func(d *roompb.StateDump) { d.Past[0].User = "" },
		"past unsorted":          func(d *roompb.StateDump) { d.Past[0], d.Past[1] = d.Past[1], d.Past[0] },
		"past of an invitation":  func(d *roompb.StateDump) { d.Past[0].Membership = "invite" },
		"spell of no length":     func(d *roompb.StateDump) { d.Past[0].Until = d.Past[0].From },
		"spell of the future":    func(d *roompb.StateDump) { d.Past[1].Until = 99 },
		"spell over the present": func(d *roompb.StateDump) { d.Past[1].Until = 8 },
		"too few of a node":      func(d *roompb.StateDump) { d.Nodes[0].Joined = 0 },
		"no cut":                 func(d *roompb.StateDump) { d.Past[0].Cut, d.Past[0].Cuts = false, nil },
		"cut of another node":    func(d *roompb.StateDump) { d.Past[0].Cuts[0].Origin = testNode },
		"cut twice":              func(d *roompb.StateDump) { d.Past[0].Cuts = append(d.Past[0].Cuts, d.Past[0].Cuts[0]) },
		"too many cuts":          func(d *roompb.StateDump) { d.Past[0].Cuts = make([]*roompb.Cut, MaxCuts+1) },
	} {
		d := proto.Clone(s.Dump()).(*roompb.StateDump)
		spoil(d)
		onePage(d)
		if _, err := LoadState(s.ID, d); err == nil {
			t.Errorf("%s: was believed", name)
		} else if CodeOf(err) == Internal {
			t.Errorf("%s: refused without a code: %v", name, err)
		}
	}
}

func TestCheckCreate(t *testing.T) {
	s := NewState()
	create := entry(t, s, user("olga"), KindCreate, &roompb.Body{Version: 1, Settings: &roompb.Settings{}})
	must(t, s.Apply(create))
	must(t, s.CheckCreate(create))
	d := s.Dump()
	d.Creator = string(user("eve"))
	d.Members[0].By = d.Creator
	onePage(d)
	if liar, err := LoadState(s.ID, d); err != nil {
		t.Fatal(err)
	} else if liar.CheckCreate(create) == nil {
		t.Error("a snapshot names another creator")
	}
	if err := s.CheckCreate(entry(t, s, user("olga"), KindJoin, nil)); err == nil {
		t.Error("a join makes a room")
	}
}

func FuzzLoadState(f *testing.F) {
	raw, err := proto.Marshal(lived(f).Dump())
	must(f, err)
	f.Add(raw)
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := created(f, true)
		for range 15 {
			s.Apply(lawEntry(f, r, s))
		}
		d := s.Dump()
		d.Pages = nil
		raw, _ := proto.Marshal(d)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := new(roompb.StateDump)
		if proto.Unmarshal(raw, d) != nil {
			return
		}
		if len(d.Pages) < pageRefSize { // what is in a page is of interest too
			onePage(d)
		}
		s, err := LoadState(ID{1}, d)
		if err != nil {
			return
		}
		again, err := LoadState(ID{1}, s.Dump())
		if err != nil || again.Root() != s.Root() {
			t.Fatalf("what was loaded cannot be loaded again: %v", err)
		}
		for _, u := range append([]User{s.Creator}, lawUsers...) {
			s.Judge(message(s, u, KindText, s.Index, 3))
			s.Judge(message(s, u, KindText, s.Index/2, 3))
		}
		if s.Partial() {
			return
		}
		s.Index = min(s.Index, 1<<40)
		for seed := range uint64(8) {
			e := lawEntry(t, rand.New(rand.NewPCG(seed, 2)), s)
			s.Preview(e)
			_ = s.Apply(e)
		}
		if len(s.Stewards) == 0 || !s.IsSteward(s.Home) {
			t.Fatal("nobody orders the room")
		}
	})
}
