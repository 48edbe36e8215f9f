package room

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

// keyOf is a test node's key, the same in every run.
func keyOf(node string) ed25519.PrivateKey {
	seed := sum("test key", []byte(node))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicOf(node string) []byte { return keyOf(node).Public().(ed25519.PublicKey) }

func joinOf(u User) *roompb.Body { return &roompb.Body{NodeKey: publicOf(u.Node())} }

func cutAt(node string, seq uint64) []*roompb.Cut {
	return []*roompb.Cut{{Origin: node, Incarnation: 1, Seq: seq}}
}

// message is an event of a message log; only what Judge reads is filled in.
func message(s *State, author User, k Kind, stateIndex, seq uint64) *Event {
	h := &roompb.Header{
		Room: s.ID.Bytes(), Log: roompb.Log_LOG_MESSAGES, Origin: author.Node(), Incarnation: 1, Seq: seq,
		StateIndex: stateIndex, Author: string(author), Kind: string(k),
	}
	e := &Event{Header: h, Body: &roompb.Body{Text: "hello", Emoji: "x", Target: make([]byte, 32)}}
	e.ID = sum(labelEvent, fmt.Append(nil, h))
	return e
}

func apply(t testing.TB, s *State, author User, k Kind, b *roompb.Body) {
	t.Helper()
	if err := s.Apply(entry(t, s, author, k, b)); err != nil {
		t.Fatalf("%s %s: %v", author, k, err)
	}
}

// TestBackdating: who was banned, who left and who was turned down cannot write as if
// they had not been, and what the home had seen of them stays.
func TestBackdating(t *testing.T) {
	eve, bob := User("eve@far.test"), User("bob@far.test")
	s := created(t, true) // 1
	apply(t, s, eve, KindJoin, joinOf(eve))
	apply(t, s, bob, KindJoin, joinOf(bob))
	apply(t, s, user("olga"), KindRole, &roompb.Body{Subject: string(bob), Role: "moderator", Cuts: cutAt("far.test", 2)}) // 4
	apply(t, s, eve, KindLeave, &roompb.Body{Cuts: cutAt("far.test", 1000)})                                               // 5: her node boasts
	check := func(want Outcome, author User, k Kind, index, seq uint64) {
		t.Helper()
		if v := s.Judge(message(s, author, k, index, seq)); v.Outcome != want || (v.Reason == nil) != (want == Valid) {
			t.Errorf("%s by %s under entry %d, seq %d: %v, want %d", k, author, index, seq, v, want)
		}
	}
	check(Void, eve, KindText, 1, 1)   // before she joined
	check(Valid, eve, KindText, 2, 90) // by her node's own word
	check(Void, eve, KindText, 5, 90)
	check(Void, eve, KindText, 4, 1001)
	check(Wait, eve, KindText, 6, 90)
	check(Void, bob, KindPin, 3, 1)
	check(Valid, bob, KindPin, 4, 1)

	apply(t, s, user("olga"), KindBan, &roompb.Body{Subject: string(eve), Cuts: cutAt("far.test", 50)}) // 6: she is not even here
	check(Void, eve, KindText, 2, 90)
	check(Valid, eve, KindText, 2, 50)
	apply(t, s, user("olga"), KindUnban, &roompb.Body{Subject: string(eve)})
	apply(t, s, eve, KindJoin, joinOf(eve)) // 8
	check(Valid, eve, KindText, 8, 90)
	check(Void, eve, KindText, 7, 90)
	check(Void, eve, KindText, 2, 90)

	apply(t, s, user("olga"), KindRole, &roompb.Body{Subject: string(bob), Role: "member", Cuts: cutAt("far.test", 10)}) // 9
	check(Valid, bob, KindPin, 4, 10)
	check(Void, bob, KindPin, 4, 11)
	check(Valid, bob, KindText, 4, 11) // to talk he keeps the right
	apply(t, s, user("olga"), KindNodeBan, &roompb.Body{Node: "far.test", Cuts: cutAt("far.test", 60)})
	check(Void, bob, KindText, 9, 61)
	check(Valid, bob, KindText, 9, 60)
	check(Void, eve, KindText, 8, 90)
	check(Void, bob, KindText, 10, 12)
}

// TestNodeBan: a node's users go and stay out, and it is sent nothing more; those who
// hold the room are out of reach.
func TestNodeBan(t *testing.T) {
	eve, ann, olga := User("eve@far.test"), User("ann@near.test"), user("olga")
	s := created(t, true)
	apply(t, s, eve, KindJoin, joinOf(eve))
	apply(t, s, ann, KindJoin, joinOf(ann))
	apply(t, s, olga, KindRole, &roompb.Body{Subject: string(ann), Role: "administrator", Cuts: cutAt("near.test", 0)})
	apply(t, s, olga, KindInvite, &roompb.Body{Subject: "mia@far.test"})
	for node, want := range map[string]Code{testNode: Forbidden, "near.test": Forbidden, "Far": BadRequest} {
		if err := s.Check(entry(t, s, ann, KindNodeBan, &roompb.Body{Node: node})); CodeOf(err) != want {
			t.Errorf("ban of %s: %v", node, err)
		}
	}
	if err := s.Check(entry(t, s, eve, KindNodeBan, &roompb.Body{Node: "near.test"})); CodeOf(err) != Forbidden {
		t.Errorf("a member bans a node: %v", err)
	}
	ban := entry(t, s, ann, KindNodeBan, &roompb.Body{Node: "far.test", Cuts: cutAt("far.test", 0)})
	p := s.Preview(ban)
	if len(p.Changed) != 2 || len(p.ChangedNodes) != 1 || p.ChangedNodes[0] != "far.test" || len(p.Pasts[eve]) != 1 {
		t.Errorf("preview of the ban: %+v", p)
	}
	must(t, s.Apply(ban))
	if s.Takes("far.test") || s.HasMembers("far.test") || s.Member(eve) != (Member{}) || s.Joined != 2 {
		t.Errorf("after the ban: %+v", s)
	}
	if err := s.Check(entry(t, s, eve, KindJoin, joinOf(eve))); CodeOf(err) != Forbidden {
		t.Errorf("join from a banned node: %v", err)
	}
	if err := s.Check(entry(t, s, olga, KindInvite, &roompb.Body{Subject: "mia@far.test"})); CodeOf(err) != Forbidden {
		t.Errorf("invitation of a banned node's user: %v", err)
	}
	apply(t, s, olga, KindNodeUnban, &roompb.Body{Node: "far.test"})
	apply(t, s, eve, KindJoin, nil) // the key is still known
	if !s.Takes("far.test") {
		t.Error("after the ban was lifted its node gets nothing")
	}
}

// TestNodeKeys: the first to join from a node brings its key, and nobody another one.
func TestNodeKeys(t *testing.T) {
	ann := User("ann@near.test")
	s := created(t, true)
	for _, step := range []struct {
		author User
		key    []byte
		want   Code
	}{
		{user("ben"), nil, ""}, // as in rooms from before
		{ann, nil, BadRequest},
		{ann, []byte("short"), BadRequest},
		{ann, publicOf("near.test"), ""},
		{"ben@near.test", publicOf("far.test"), Conflict},
		{"ben@near.test", nil, ""},
		{user("carl"), publicOf(testNode), ""},
		{user("dora"), publicOf("far.test"), Conflict},
		{"UPPER@near.test", nil, BadRequest},
	} {
		if err := s.Apply(entry(t, s, step.author, KindJoin, &roompb.Body{NodeKey: step.key})); CodeOf(err) != step.want {
			t.Errorf("%s with key %x: %v, want %q", step.author, step.key, err, step.want)
		}
	}
	if string(s.NodeKey("near.test")) != string(publicOf("near.test")) || s.Nodes[testNode].Joined != 3 || s.Nodes["near.test"].Joined != 2 {
		t.Errorf("%+v", s.Nodes)
	}
	s.AdoptKey(testNode, publicOf("far.test"))
	if string(s.NodeKey(testNode)) != string(publicOf(testNode)) {
		t.Error("a known key was replaced")
	}
}

// TestDeleteOfOthers: received deletes are judged by how both stood when they were written.
func TestDeleteOfOthers(t *testing.T) {
	mod, ann := User("mod@far.test"), user("ann")
	s := created(t, true)
	apply(t, s, mod, KindJoin, joinOf(mod))
	apply(t, s, ann, KindJoin, nil)
	apply(t, s, user("olga"), KindRole, &roompb.Body{Subject: string(mod), Role: "moderator", Cuts: cutAt("far.test", 0)}) // 4
	apply(t, s, user("olga"), KindRole, &roompb.Body{Subject: string(ann), Role: "owner", Cuts: cutAt(testNode, 0)})       // 5
	said := message(s, ann, KindText, 3, 1)
	for _, c := range []struct {
		index, seq uint64
		allowed    bool
	}{{3, 1, false}, {4, 1, true}, {5, 1, false}} {
		if err := s.JudgeTarget(message(s, mod, KindDelete, c.index, c.seq), said); (err == nil) != c.allowed {
			t.Errorf("under entry %d: %v", c.index, err)
		}
	}
	apply(t, s, user("olga"), KindRole, &roompb.Body{Subject: string(mod), Role: "member", Cuts: cutAt("far.test", 7)})
	if err := s.JudgeTarget(message(s, mod, KindDelete, 4, 7), said); err != nil {
		t.Errorf("the home had seen it: %v", err)
	}
	if err := s.JudgeTarget(message(s, mod, KindDelete, 4, 8), said); err == nil {
		t.Error("a moderator who was one no more deletes others' messages")
	}
	if err := s.JudgeTarget(message(s, mod, KindEdit, 4, 7), said); err == nil {
		t.Error("an edit of somebody else's message")
	}
	if err := s.JudgeTarget(message(s, ann, KindDelete, 5, 7), said); err != nil {
		t.Errorf("one's own: %v", err)
	}
}

func TestJudgeDirect(t *testing.T) {
	ann, ben := user("ann"), User("ben@far.test")
	s := NewState()
	must(t, s.Apply(entry(t, s, ann, KindCreate, &roompb.Body{Version: 1, Direct: string(ben), Settings: &roompb.Settings{}, NodeKey: publicOf(testNode)})))
	must(t, s.Apply(entry(t, s, ben, KindJoin, joinOf(ben))))
	for k, want := range map[Kind]Outcome{KindText: Valid, KindPin: Valid, KindDelete: Valid, KindKick: Void} {
		if v := s.Judge(message(s, ben, k, 2, 1)); v.Outcome != want {
			t.Errorf("%s in a 1:1 room: %v", k, v)
		}
	}
	if err := s.JudgeTarget(message(s, ben, KindDelete, 2, 2), message(s, ann, KindText, 2, 1)); err == nil {
		t.Error("one of the two deletes what the other said")
	}
}

// history is a state log with all it took to get there, for judging by the book.
type history struct {
	entries []*Event // nil: it changed nothing
	states  []*State // as of each entry
}

func (h *history) add(s *State, e *Event, reason error) {
	if reason != nil {
		e = nil
	}
	h.entries, h.states = append(h.entries, e), append(h.states, s.Clone())
}

// judge is the rule as docs/protocol/federation.md has it, by going through the log.
func (h *history) judge(e *Event) Outcome {
	u, index, right := e.Author(), e.Header.GetStateIndex(), kinds[e.Kind()].right
	may := func(s *State) bool { return s.allows(u, s.Members[u], right) }
	switch {
	case e.Header.GetOrigin() != u.Node():
		return Void
	case index > uint64(len(h.entries)):
		return Wait
	case index == 0 || !may(h.states[index-1]):
		return Void
	}
	for i := index; i < uint64(len(h.entries)); i++ {
		if k := h.entries[i]; k != nil && concerns(k, u) && beyondEntry(k, e, u.Node()) && !may(h.states[i]) {
			return Void
		}
	}
	return Valid
}

func concerns(k *Event, u User) bool {
	switch k.Kind() {
	case KindLeave:
		return k.Author() == u
	case KindKick, KindBan, KindRole:
		return k.subject() == u
	case KindNodeBan:
		return k.Body.GetNode() == u.Node()
	}
	return false
}

func beyondEntry(k, e *Event, node string) bool {
	any := false
	for _, c := range k.Body.GetCuts() {
		if c.GetOrigin() != node {
			continue
		}
		any = true
		if c.GetIncarnation() == e.Header.GetIncarnation() {
			return e.Header.GetSeq() > c.GetSeq()
		}
	}
	return any || node != testNode
}

var (
	lawUsers = []User{"olga@node.test", "ann@node.test", "ben@far.test", "carl@far.test", "dora@near.test"}
	lawNodes = []string{testNode, "far.test", "near.test", "gone.test"}
	lawKinds = []Kind{
		KindJoin, KindJoin, KindJoin, KindJoin, KindLeave, KindInvite, KindKick, KindBan, KindUnban, KindRole, KindRole,
		KindSettings, KindNodeBan, KindNodeUnban, KindStewards,
	}
	lawTalk  = []Kind{KindText, KindEdit, KindDelete, KindReact, KindPin}
	lawRoles = []string{"owner", "administrator", "moderator", "member", "readonly"}
)

func pickOne[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func lawEntry(t testing.TB, r *rand.Rand, s *State) *Event {
	author := pickOne(r, lawUsers)
	k := pickOne(r, lawKinds)
	if k != KindJoin && k != KindLeave && r.IntN(3) > 0 {
		author = lawUsers[0] // who may do most
	}
	b := &roompb.Body{Subject: string(pickOne(r, lawUsers)), Role: pickOne(r, lawRoles), Node: pickOne(r, lawNodes)}
	b.Settings = &roompb.Settings{Name: proto.String("n"), Public: proto.Bool(r.IntN(4) > 0)}
	if k == KindJoin && r.IntN(4) > 0 {
		b.NodeKey = publicOf(author.Node())
	}
	b.Stewards = []string{pickOne(r, lawNodes)}
	for _, node := range lawNodes {
		if r.IntN(3) == 0 {
			continue
		}
		b.Cuts = append(b.Cuts, &roompb.Cut{Origin: node, Incarnation: 1, Seq: r.Uint64N(9)})
		if r.IntN(2) == 0 {
			b.Cuts = append(b.Cuts, &roompb.Cut{Origin: node, Incarnation: 2, Seq: r.Uint64N(9)})
		}
	}
	return entry(t, s, author, k, b)
}

func lawMessages(r *rand.Rand, s *State, entries int) []*Event {
	var out []*Event
	for range 12 {
		e := message(s, pickOne(r, lawUsers), pickOne(r, lawTalk), r.Uint64N(uint64(entries)+4), 1+r.Uint64N(9))
		e.Header.Time = r.Uint64N(20)
		e.Header.Incarnation = 1 + r.Uint32N(2)
		if r.IntN(20) == 0 {
			e.Header.Origin = pickOne(r, lawNodes)
		}
		e.ID = sum(labelEvent, fmt.Append(nil, e.Header))
		out = append(out, e)
	}
	return out
}

// TestVerdictLaws: over random logs and messages, every verdict is that of the rule read
// out entry by entry; what is void stays void; only an unknown index waits; a state that
// was dumped and loaded goes on to the same roots and verdicts.
//
// And they are the same for all who get the same, in whatever order (orderLaws). With
// HEARTH_FULL=1 that is tried ten times as often.
func TestVerdictLaws(t *testing.T) {
	cases := 10_000
	if testing.Short() {
		cases = 500
	} else if os.Getenv("HEARTH_FULL") != "" {
		cases = 100_000
	}
	for seed := range uint64(cases) {
		r := rand.New(rand.NewPCG(seed, 7))
		if what := verdictLaws(t, r); what != "" {
			t.Fatalf("seed %d: %s", seed, what)
		}
	}
}

func verdictLaws(t testing.TB, r *rand.Rand) string {
	s := created(t, r.IntN(4) > 0)
	h := &history{entries: []*Event{nil}, states: []*State{s.Clone()}}
	begun, all := s.Clone(), []*Event(nil)
	n := 4 + r.IntN(20)
	messages := lawMessages(r, s, n)
	before := make([]Outcome, len(messages))
	moved := r.IntN(n)
	other := s.Clone()
	for i := range n {
		e := lawEntry(t, r, s)
		reason := s.Apply(e)
		h.add(s, e, reason)
		all = append(all, e)
		if i == moved {
			loaded, err := LoadState(other.ID, other.Dump())
			if err != nil {
				return fmt.Sprintf("load after %d entries: %v", i, err)
			}
			other = loaded
		}
		other.Apply(e)
		for j, m := range messages {
			got := s.Judge(m).Outcome
			switch {
			case got != h.judge(m):
				return fmt.Sprintf("after entry %d: %v is judged %d, by the book %d", s.Index, m.Header, got, h.judge(m))
			case before[j] == Void && got != Void, before[j] == Valid && got == Wait:
				return fmt.Sprintf("after entry %d: %v was judged %d and is now %d", s.Index, m.Header, before[j], got)
			case other.Judge(m).Outcome != got:
				return fmt.Sprintf("after entry %d: %v is judged otherwise by a loaded state", s.Index, m.Header)
			}
			before[j] = got
		}
	}
	if s.Root() != other.Root() || describe(s) != describe(other) {
		return fmt.Sprintf("a loaded state went on to another one:\n%s\n%s", describe(s), describe(other))
	}
	return orderLaws(r, begun, all, messages)
}

// TestVerdictsHaveAllOutcomes: the laws above are not kept for want of cases.
func TestVerdictsHaveAllOutcomes(t *testing.T) {
	seen := map[Outcome]int{}
	spells := 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		s := created(t, true)
		for range 20 {
			s.Apply(lawEntry(t, r, s))
		}
		for _, m := range lawMessages(r, s, 20) {
			seen[s.Judge(m).Outcome]++
		}
		spells += len(s.past)
	}
	if seen[Valid] < 200 || seen[Void] < 200 || seen[Wait] < 50 || spells < 100 {
		t.Errorf("verdicts %v, %d users with a past", seen, spells)
	}
}

// TestJoinedOnceHasNoPast keeps large rooms light.
func TestJoinedOnceHasNoPast(t *testing.T) {
	s := created(t, true)
	for i := range 1000 {
		u := MakeUser(fmt.Sprintf("user%d", i), fmt.Sprintf("n%d.test", i%10))
		if i%2 == 0 {
			apply(t, s, user("olga"), KindInvite, &roompb.Body{Subject: string(u)})
		}
		apply(t, s, u, KindJoin, joinOf(u))
	}
	if len(s.past) != 0 || len(s.Nodes) != 11 {
		t.Errorf("%d have a past in a room of %d nodes", len(s.past), len(s.Nodes))
	}
}

func BenchmarkJudge(b *testing.B) {
	s := created(b, true)
	ben := User("ben@far.test")
	must(b, s.Apply(entry(b, s, ben, KindJoin, joinOf(ben))))
	e := message(s, ben, KindText, 2, 1)
	b.ReportAllocs()
	for b.Loop() {
		if s.Judge(e).Outcome != Valid {
			b.Fatal("not valid")
		}
	}
}
