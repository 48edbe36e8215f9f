package room

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

// crowded is a room of many users of three nodes, some of whom have come and gone; check is
// called after every entry.
func crowded(t testing.TB, r *rand.Rand, entries int, check func(*State)) *State {
	s := created(t, true)
	node := []string{testNode, "far.test", "near.test"}
	for range entries {
		u := MakeUser(fmt.Sprintf("user%d", r.IntN(900)), node[r.IntN(len(node))])
		subject := &roompb.Body{Subject: string(u), Cuts: cutAt(u.Node(), 5)}
		switch m := s.Members[u].Membership; {
		case m == Joined && r.IntN(4) == 0:
			apply(t, s, u, KindLeave, &roompb.Body{Cuts: cutAt(u.Node(), 5)})
		case m == Joined && r.IntN(3) == 0:
			apply(t, s, s.Creator, KindBan, subject)
		case m == Joined:
			subject.Role = map[Role]string{RoleMember: "moderator", RoleModerator: "member"}[s.Members[u].Role]
			apply(t, s, s.Creator, KindRole, subject)
		case m == Banned:
			apply(t, s, s.Creator, KindUnban, subject)
		case m == Invited && r.IntN(2) == 0:
			apply(t, s, u, KindLeave, &roompb.Body{Cuts: cutAt(u.Node(), 5)})
		case m == "" && r.IntN(3) == 0:
			apply(t, s, s.Creator, KindBan, subject)
		case m == "" && r.IntN(3) == 0:
			apply(t, s, s.Creator, KindInvite, subject)
		default:
			apply(t, s, u, KindJoin, joinOf(u))
		}
		check(s)
	}
	return s
}

// anew is the root of a state that never had pages.
func anew(s *State) Hash {
	c := s.Clone()
	c.pages = &pages{}
	return c.Root()
}

func TestRootIsTheSameFromEntryToEntryAndFromScratch(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		most, n := 0, 0
		var early *State
		var was Hash
		s := crowded(t, r, 3000, func(s *State) {
			if n++; n == 1000 {
				was, early = s.Root(), s.Clone()
			}
			if n%(1+r.IntN(60)) == 0 && s.Root() != anew(s) {
				t.Fatalf("seed %d: the root after entry %d is another from scratch", seed, s.Index)
			}
			most = max(most, s.PageCount())
		})
		for u, m := range s.Members { // pages become one again
			if m.Membership == Banned && len(s.Past(u)) == 0 {
				apply(t, s, s.Creator, KindUnban, &roompb.Body{Subject: string(u), Cuts: cutAt(u.Node(), 5)})
			}
		}
		if s.Root() != anew(s) {
			t.Fatalf("seed %d: the root is another from scratch once many are gone", seed)
		}
		if most < 8 {
			t.Errorf("seed %d: the room had %d pages at most", seed, most)
		}
		if early.Root() != was || early.Root() == s.Root() {
			t.Errorf("seed %d: what happens to a copy happens to the first, or changes no root", seed)
		}
	}
}

// TestPagesBecomeOne: a page is joined with its twin when they are few enough.
func TestPagesBecomeOne(t *testing.T) {
	s := created(t, true)
	for i := range 300 {
		apply(t, s, s.Creator, KindInvite, &roompb.Body{Subject: string(MakeUser(fmt.Sprintf("user%d", i), testNode))})
	}
	if s.PageCount() < 3 {
		t.Fatalf("%d pages of 300", s.PageCount())
	}
	for i := range 300 {
		apply(t, s, MakeUser(fmt.Sprintf("user%d", i), testNode), KindLeave, nil)
		if i%10 == 0 && s.Root() != anew(s) {
			t.Fatalf("the root is another from scratch with %d left", 299-i)
		}
	}
	if s.PageCount() != 1 || s.Root() != anew(s) {
		t.Errorf("%d pages of one user", s.PageCount())
	}
}

// parted is a state without the members of most pages, and the state.
func parted(t testing.TB) (part, whole *State) {
	whole = crowded(t, rand.New(rand.NewPCG(7, 1)), 1500, func(*State) {})
	d := whole.Core()
	page := whole.Pages([]uint32{uint32(whole.PageOf(whole.Creator))}, 1<<20)
	d.Members, d.Past = page.Members, page.Past
	part, err := LoadState(whole.ID, through(t, d))
	must(t, err)
	return part, whole
}

// through is a dump as it comes from another node.
func through(t testing.TB, d *roompb.StateDump) *roompb.StateDump {
	raw, err := proto.Marshal(d)
	must(t, err)
	out := new(roompb.StateDump)
	must(t, proto.Unmarshal(raw, out))
	return out
}

func TestPartialState(t *testing.T) {
	part, whole := parted(t)
	if !part.Partial() || part.Root() != whole.Root() || part.Joined != whole.Joined || part.Lacks(whole.Creator) {
		t.Fatalf("partial %v, %d joined of %d", part.Partial(), part.Joined, whole.Joined)
	}
	for u := range whole.Members {
		e := message(whole, u, KindText, whole.Index, 3)
		switch got, want := part.Judge(e).Outcome, whole.Judge(e).Outcome; {
		case part.Lacks(u) && got != Wait, !part.Lacks(u) && got != want:
			t.Errorf("%s is lacked: %v, judged %d, and %d by the whole", u, part.Lacks(u), got, want)
		case part.Lacks(u) && CodeOf(part.Check(e)) != Unavailable:
			t.Errorf("a message of %s, who is not known yet: %v", u, part.Check(e))
		}
	}
	if err := part.Check(entry(t, part, whole.Creator, KindInvite, &roompb.Body{Subject: "new@far.test"})); CodeOf(err) != Unavailable {
		t.Errorf("an entry on a part of a state: %v", err)
	}
	for part.Partial() {
		loaded, strange, err := part.LoadPages(through(t, whole.Pages(part.PagesLacking(3), 1<<20)))
		if loaded == 0 || strange > 0 || err != nil {
			t.Fatalf("%d loaded, %d strange: %v", loaded, strange, err)
		}
	}
	if describe(part) != describe(whole) || anew(part) != whole.Root() {
		t.Error("all pages together are another state")
	}
	apply(t, part, whole.Creator, KindInvite, &roompb.Body{Subject: "new@far.test"})
	apply(t, whole, whole.Creator, KindInvite, &roompb.Body{Subject: "new@far.test"})
	if part.Root() != whole.Root() || part.Root() != anew(part) {
		t.Error("a state that came by pages goes on to another one")
	}
}

// TestHostilePages: a page that is not what was signed changes nothing.
func TestHostilePages(t *testing.T) {
	part, whole := parted(t)
	before := len(part.Members)
	for name, spoil := range map[string]func(*roompb.StateDump){
		"another role":  func(d *roompb.StateDump) { d.Members[0].Role = 2 },
		"one too few":   func(d *roompb.StateDump) { d.Members = d.Members[1:] },
		"one twice":     func(d *roompb.StateDump) { d.Members = append(d.Members, d.Members[0]) },
		"out of order":  func(d *roompb.StateDump) { d.Members[0], d.Members[1] = d.Members[1], d.Members[0] },
		"without past":  func(d *roompb.StateDump) { d.Past = nil },
		"another's cut": func(d *roompb.StateDump) { d.Past[0].Cuts[0].Seq++ },
		"one of no page": func(d *roompb.StateDump) {
			for i := 0; ; i++ { // is put into the page that they are in, which is another then
				u := MakeUser(fmt.Sprintf("stranger%d", i), testNode)
				if part.PageOf(u) == int(part.PagesLacking(1)[0]) {
					d.Members = append(d.Members, &roompb.MemberStanding{User: string(u), Membership: "join", By: string(u)})
					return
				}
			}
		},
	} {
		d := through(t, whole.Pages(part.PagesLacking(1), 1<<20))
		spoil(d)
		if loaded, strange, err := part.LoadPages(d); loaded != 0 || strange != 1 || err != nil || len(part.Members) != before {
			t.Errorf("%s: %d loaded, %d strange: %v", name, loaded, strange, err)
		}
	}
	d := whole.Pages(part.PagesLacking(2), 1<<20)
	d.Members[0].Role = 3
	if loaded, strange, _ := part.LoadPages(through(t, d)); loaded != 1 || strange != 1 {
		t.Errorf("of two pages, one of them wrong: %d loaded, %d strange", loaded, strange)
	}
}

// TestHostileDivisions: pages that are not all places, each once, are refused.
func TestHostileDivisions(t *testing.T) {
	none := string(noUsers[:])
	for name, raw := range map[string]string{
		"nothing": "", "half a page": "\x00" + none[:31], "over": "\x00" + none + "\x00" + none, "a half": "\x01" + none,
		"three halves": strings.Repeat("\x01"+none, 3), "a deeper one across": "\x02" + none + "\x01" + none + "\x02" + none, "too deep": "\x41" + none,
	} {
		if _, err := parsePages([]byte(raw)); err == nil {
			t.Errorf("%s: was believed", name)
		}
	}
	deep := "" // the first place alone, and what is beside it at every depth
	for depth := 64; depth > 0; depth-- {
		deep += string(rune(depth)) + none
		if depth == 64 {
			deep += string(rune(depth)) + none
		}
	}
	for name, raw := range map[string]string{"one": "\x00" + none, "four": strings.Repeat("\x02"+none, 4), "mixed": "\x02" + none + "\x02" + none + "\x01" + none, "the deepest": deep} {
		if _, err := parsePages([]byte(raw)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := created(t, true)
	d := whole.Dump()
	d.Pages = []byte("\x01" + string(d.Pages[1:]) + "\x01" + none)
	if whole.PageOf(whole.Creator); place(whole.Creator) >= 1<<63 {
		d.Pages = []byte("\x01" + none + "\x01" + string(d.Pages[1:33]))
	}
	if _, err := LoadState(whole.ID, d); err == nil {
		t.Error("two pages where one is enough")
	}
}

func BenchmarkRoot(b *testing.B) {
	s := created(b, true)
	for i := range 100_000 {
		s.SetMember(MakeUser(fmt.Sprintf("user%d", i), testNode), Member{Membership: Joined, Since: 1, By: s.Creator, From: 1})
	}
	b.Run("anew", func(b *testing.B) {
		for b.Loop() {
			s.pages = &pages{}
			s.Root()
		}
	})
	b.Run("after an entry", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_ = s.Apply(entry(b, s, s.Creator, KindInvite, &roompb.Body{Subject: fmt.Sprintf("guest%d@%s", i, testNode)}))
			s.Root()
		}
	})
}
