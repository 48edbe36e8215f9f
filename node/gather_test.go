package node

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// crowd is a league with a public room of more members than a snapshot brings, made on a.
type crowd struct {
	*league
	id             room.ID
	ann, bob, cora Caller // of a, b and c
}

const crowdSize = 1300

// gathered are the disks of a crowd: so many join but once.
var gathered struct {
	crowd
	disks map[string]*vfs.MemFS
}

// newCrowd: cora is in the room and has said something; bob is not yet.
func newCrowd(t *testing.T) *crowd {
	if gathered.disks == nil {
		w := makeCrowd(t)
		disks := map[string]*vfs.MemFS{}
		for name, n := range w.nodes {
			w.kill(name)
			disks[name] = n.fs
		}
		gathered.crowd, gathered.disks = *w, disks
	}
	disks := map[string]*vfs.MemFS{}
	for name, fs := range gathered.disks {
		disks[name] = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	}
	w := gathered.crowd
	w.league = leagueOn(t, disks)
	w.whole("c.test")
	return &w
}

func makeCrowd(t *testing.T) *crowd {
	w := &crowd{league: newLeague(t, "a.test", "b.test", "c.test")}
	w.ann, w.bob, w.cora = w.user("a.test", "ann"), w.user("b.test", "bob"), w.user("c.test", "cora")
	made, err := w.nodes["a.test"].CreateRoom(t.Context(), w.ann, NewRoom{Alias: "garden", Name: "Garden", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	w.id, _ = room.ParseHash(made.Room)
	w.enter(w.cora)
	w.whole("c.test")
	w.joinMany(0, crowdSize)
	w.do(w.member(1), w.id, room.KindText, &roompb.Body{Text: "said by a member"})
	w.do(w.cora, w.id, room.KindText, &roompb.Body{Text: "said on c"})
	w.agree(w.id, "a.test", "c.test")
	w.soon("cora is heard", func() bool { return w.sees(w.ann, "said on c") })
	return w
}

func (w *crowd) member(i int) Caller {
	return Caller{User: room.MakeUser(fmt.Sprintf("user%d", i), "a.test")}
}

// joinMany lets members of a in who have no account there.
func (w *crowd) joinMany(from, to int) {
	w.t.Helper()
	var waits []func(context.Context) (Receipt, error)
	flush := func() {
		for _, wait := range waits {
			if _, err := wait(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}
		waits = nil
	}
	for i := from; i < to; i++ {
		waits = append(waits, w.nodes["a.test"].SubmitAsync(room.Draft{Room: w.id, Author: w.member(i).User, Kind: room.KindJoin}))
		if len(waits) == 500 {
			flush()
		}
	}
	flush()
}

func (w *crowd) enter(by Caller) {
	w.t.Helper()
	if _, err := w.nodes[by.User.Node()].Join(w.t.Context(), by, w.id, "a.test"); err != nil {
		w.t.Fatal(err)
	}
}

func (w *crowd) chamber(node string) *chamber {
	w.t.Helper()
	c, err := w.nodes[node].rooms.get(w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *crowd) partial(node string) bool {
	c := w.chamber(node)
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.Partial()
}

func (w *crowd) whole(node string) {
	w.t.Helper()
	w.soon("the members are all on "+node, func() bool { return !w.partial(node) })
}

func (w *crowd) sees(by Caller, text string) bool { return w.reads(by, text, true) }

// misses tells whether somebody reads the room, and this is not in it.
func (w *crowd) misses(by Caller, text string) bool { return w.reads(by, text, false) }

func (w *crowd) reads(by Caller, text string, there bool) bool {
	h, err := w.nodes[by.User.Node()].History(w.t.Context(), by, HistoryQuery{Room: w.id, Limit: 200})
	return err == nil && there == slices.ContainsFunc(h.Events, func(e *roompb.Event) bool { return e.Text == text })
}

// enterAndCut lets a and b not hear each other, as soon as bob is in the room.
func (w *crowd) enterAndCut() {
	w.t.Helper()
	w.withhold(true)
	w.enter(w.bob)
	w.sever("a.test", "b.test", true)
	w.withhold(false)
	if !w.partial("b.test") {
		w.t.Fatal("all members have come with the snapshot")
	}
}

// verify checks the store of a node.
func (w *crowd) verify(node string) {
	w.t.Helper()
	if _, err := w.nodes[node].store.Verify(w.t.Context(), nil, func(p storage.Problem) { w.t.Errorf("the store of %s: %v", node, p) }); err != nil {
		w.t.Error(err)
	}
}

// inOrder checks that nothing is left of the entering, that the store is whole, and that a
// restart finds the same state.
func (w *crowd) inOrder(node string) {
	w.t.Helper()
	w.whole(node)
	w.agree(w.id, "a.test", node)
	if left, err := w.chamber(node).noEntering(); err != nil || len(left) > 0 {
		w.t.Errorf("%v is left in the store: %v", left, err)
	}
	w.verify(node)
	w.kill(node)
	w.start(node)
	if w.partial(node) {
		w.t.Error("after a restart members are missing again")
	}
	w.agree(w.id, "a.test", node)
}

func TestLargeRoomComesByPages(t *testing.T) {
	w := newCrowd(t)
	w.withhold(true)
	w.enter(w.bob)
	if !w.partial("b.test") {
		t.Fatal("all members have come with the snapshot")
	}
	for _, text := range []string{"said by a member", "said on c"} {
		if !w.sees(w.bob, text) {
			t.Errorf("%q is not shown at once", text)
		}
	}
	said := w.do(w.bob, w.id, room.KindText, &roompb.Body{Text: "bob is here, @user700@a.test"})
	w.do(w.member(2), w.id, room.KindText, &roompb.Body{Text: "by one who is not known yet"})
	members, _, total, err := w.nodes["b.test"].Members(w.bob, w.id, MemberQuery{})
	if err != nil || len(members) == 0 || total != crowdSize+3 {
		t.Errorf("%d of %d members are listed: %v", len(members), total, err)
	}
	w.withhold(false)
	w.soon("bob is heard", func() bool {
		return w.sees(w.ann, "bob is here, @user700@a.test") && w.sees(w.cora, "bob is here, @user700@a.test")
	})
	w.soon("all are heard by bob", func() bool { return w.sees(w.bob, "by one who is not known yet") })
	w.inOrder("b.test")
	if e, err := w.chamber("a.test").find(said.Event); err != nil || len(e.Event.Body.GetMentions()) != 1 {
		t.Errorf("the mention of a member who was not known yet: %v", err)
	}
	w.do(w.bob, w.id, room.KindLeave, nil)
	w.agree(w.id, "a.test", "b.test")
}

// TestEnteringSurvivesARestart: the room is there with what has come, and the rest follows.
func TestEnteringSurvivesARestart(t *testing.T) {
	w := newCrowd(t)
	w.enterAndCut()
	c := w.chamber("b.test")
	g, err := c.newGathering()
	if err != nil {
		t.Fatal(err)
	}
	lacked := len(g.o.state.PagesLacking(1000))
	a := w.nodes["a.test"].Answer(t.Context(), "b.test", &roompb.Ask{What: &roompb.Ask_Members{Members: &roompb.MembersAsk{Room: w.id.Bytes(), Pages: g.o.state.PagesLacking(4)}}})
	if !g.take(t.Context(), "a.test", true, a.GetMembers()) {
		t.Fatalf("pages are not taken: %v", a)
	}
	for range 2 {
		w.kill("b.test")
		w.start("b.test")
		if !w.partial("b.test") || !w.sees(w.bob, "said on c") {
			t.Fatal("after a restart the room is not as it was")
		}
		w.do(w.bob, w.id, room.KindText, &roompb.Body{Text: "still here"})
		w.verify("b.test")
	}
	if g, err = w.chamber("b.test").newGathering(); err != nil || len(g.o.state.PagesLacking(1000)) != lacked-4 {
		t.Fatalf("what had come is lost: %v", err)
	}
	w.sever("a.test", "b.test", false)
	w.inOrder("b.test")
	w.soon("bob is heard", func() bool { return w.sees(w.ann, "still here") })
}

// TestEnteringWhileTheRoomGoesOn: the home has moved on before all members have come. What a
// ban has voided meanwhile is void here too, though its entry was never seen.
func TestEnteringWhileTheRoomGoesOn(t *testing.T) {
	w := newCrowd(t)
	w.enterAndCut()
	w.agree(w.id, "a.test", "c.test")
	w.sever("a.test", "c.test", true)
	w.do(w.cora, w.id, room.KindText, &roompb.Body{Text: "too late"})
	w.soon("cora is heard on b", func() bool { return w.sees(w.bob, "too late") })
	w.do(w.ann, w.id, room.KindBan, &roompb.Body{Subject: string(w.cora.User)})
	w.joinMany(crowdSize, crowdSize+40)
	w.do(w.ann, w.id, room.KindBan, &roompb.Body{Subject: string(w.member(5).User)})
	w.do(w.ann, w.id, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Topic: proto.String("weeds")}})
	w.sever("a.test", "b.test", false)
	w.whole("b.test")
	w.agree(w.id, "a.test", "b.test")
	w.soon("the message is void", func() bool { return w.misses(w.bob, "too late") })
	if !w.sees(w.bob, "said on c") {
		t.Error("what the home had seen of cora is void too")
	}
	if s, err := w.nodes["b.test"].Summary(w.bob, w.id); err != nil || s.Topic != "weeds" || int(s.Members) != crowdSize+41 {
		t.Errorf("the room on b: %v %v", s, err)
	}
	w.do(w.bob, w.id, room.KindText, &roompb.Body{Text: "bob goes on"})
	w.soon("bob is heard", func() bool { return w.sees(w.ann, "bob goes on") })
	w.inOrder("b.test")
}

// TestSecondOneEnters: somebody else of the node joins before all members have come.
func TestSecondOneEnters(t *testing.T) {
	w := newCrowd(t)
	ben := w.user("b.test", "ben")
	w.enter(w.bob)
	if _, err := w.nodes["b.test"].Join(t.Context(), ben, w.id, "a.test"); err != nil {
		t.Fatal(err)
	}
	w.whole("b.test")
	w.soon("ben is in", func() bool { return w.sees(ben, "said on c") })
	w.do(ben, w.id, room.KindText, &roompb.Body{Text: "ben is here"})
	if s, err := w.nodes["b.test"].Summary(ben, w.id); err != nil || s.Unread != 0 {
		t.Errorf("what was said before ben came is unread: %v %v", s, err)
	}
	w.inOrder("b.test")
}

// TestTurnedOutWhileEntering: the home takes the only user out, and answers no more.
func TestTurnedOutWhileEntering(t *testing.T) {
	w := newCrowd(t)
	w.enterAndCut()
	w.do(w.ann, w.id, room.KindKick, &roompb.Body{Subject: string(w.bob.User)})
	w.sever("a.test", "b.test", false)
	w.soon("bob is out", func() bool { return w.chamber("b.test").membership(w.bob.User) == "" })
	if w.sees(w.bob, "said on c") {
		t.Error("bob reads on")
	}
	w.enter(w.bob)
	w.inOrder("b.test")
	if !w.sees(w.bob, "said on c") {
		t.Error("bob does not see what he comes back to")
	}
}

// TestPagesThatAreNot: what is not what was signed is not taken, nor asked for without end.
func TestPagesThatAreNot(t *testing.T) {
	w := newCrowd(t)
	w.enterAndCut()
	c := w.chamber("b.test")
	g, err := c.newGathering()
	if err != nil {
		t.Fatal(err)
	}
	a := w.chamber("a.test").stateNow()
	d := a.Pages(g.o.state.PagesLacking(1), 1<<20)
	d.Members[0] = proto.Clone(d.Members[0]).(*roompb.MemberStanding)
	d.Members[0].Role = 3
	lies := packState(room.EncodeDump(d))
	lacked, stored := g.o.state.PagesLacking(1000), g.stored
	for name, answer := range map[string]*roompb.MembersAnswer{
		"nothing": nil, "empty": {Index: a.Index}, "noise": {Index: a.Index, Packed: []byte("noise")}, "a lie": {Index: a.Index, Packed: lies},
		"a lie of later": {Index: a.Index + 9, Packed: lies}, "pages that are here": {Index: a.Index, Packed: packState(room.EncodeDump(g.o.state.KnownPages()))},
		"a bomb": {Index: a.Index, Packed: packState(make([]byte, maxDump+1))},
	} {
		if g.take(t.Context(), "a.test", true, answer) || !slices.Equal(g.o.state.PagesLacking(1000), lacked) || g.stored > stored {
			t.Errorf("%s: is taken", name)
		}
		// The room's own gathering may keep a true answer that was on its way before the cut.
		if raw, _ := c.n.store.Value(c.answerName(stored)); raw != nil && bytes.Equal(raw, answer.GetPacked()) {
			t.Errorf("%s: is stored", name)
		}
	}
	if alarms := w.nodes["b.test"].Peers.Alarms(); len(alarms) != 1 || !strings.Contains(alarms[0].Text, "not those which were signed") {
		t.Errorf("alarms: %v", alarms)
	}
}

// TestAskForMembers: who takes no part gets nothing, and nobody gets all at once.
func TestAskForMembers(t *testing.T) {
	w := newCrowd(t)
	ask := func(peer string, pages ...uint32) *roompb.Answer {
		return w.nodes["a.test"].Answer(t.Context(), peer, &roompb.Ask{What: &roompb.Ask_Members{Members: &roompb.MembersAsk{Room: w.id.Bytes(), Pages: pages}}})
	}
	if a := ask("b.test", 0); a.GetCode() != string(room.NotFound) {
		t.Errorf("a node that takes no part: %v", a)
	}
	if a := ask("c.test", make([]uint32, mostPages+1)...); a.GetCode() != string(room.TooLarge) {
		t.Errorf("too many pages: %v", a)
	}
	if d, err := unpackDump(ask("c.test", 1<<31, 3).GetMembers().GetPacked()); err != nil || len(d.Members) == 0 || len(d.Members) > 128 {
		t.Errorf("one page that there is, and one that there is not: %d members, %v", len(d.GetMembers()), err)
	}
	w.enterAndCut()
	a := w.nodes["b.test"].Answer(t.Context(), "c.test", &roompb.Ask{What: &roompb.Ask_Members{Members: &roompb.MembersAsk{Room: w.id.Bytes(), Pages: []uint32{0}}}})
	if a.GetCode() != string(room.Unavailable) {
		t.Errorf("a node that has not all of them itself: %v", a)
	}
}

// A message that was here before its room was left and entered again is judged when its
// author's page is here: the author was put out meanwhile, and the home had not seen it.
func TestAuthorsWhoComeLaterAreJudgedAgain(t *testing.T) {
	w := newCrowd(t)
	var late []Caller // of some of them the pages come with the snapshot, as chance has it
	for i := range 10 {
		late = append(late, w.user("c.test", fmt.Sprintf("dora%d", i)))
		w.do(late[i], w.id, room.KindJoin, nil)
	}
	w.enter(w.bob)
	w.whole("b.test")
	w.agree(w.id, "a.test", "b.test", "c.test")
	for _, other := range []string{"b.test", "c.test"} {
		w.sever("a.test", other, true)
	}
	for _, by := range late {
		w.do(by, w.id, room.KindText, &roompb.Body{Text: "late " + string(by.User)})
		w.soon("bob hears "+string(by.User), func() bool { return w.sees(w.bob, "late "+string(by.User)) })
	}
	if _, err := w.submit(w.bob, room.Draft{Room: w.id, Kind: room.KindLeave}); err != nil {
		t.Fatal(err)
	}
	w.sever("b.test", "c.test", true)
	for _, by := range late[:len(late)-1] {
		w.do(w.ann, w.id, room.KindKick, &roompb.Body{Subject: string(by.User)})
	}
	w.mu.Lock()
	w.silent = true // who has left tells the home nothing of what it has
	w.mu.Unlock()
	w.sever("a.test", "b.test", false)
	w.nodes["b.test"].PeerUp("a.test")
	w.soon("bob has left", func() bool {
		s, err := w.nodes["a.test"].Summary(w.ann, w.id)
		return err == nil && s.GetMembers() == crowdSize+3
	})
	parcels, _, _, err := w.nodes["a.test"].Collect("b.test", w.chamber("b.test").frontier(), false, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parcels { // up to the entry by which bob left
		if _, err := w.nodes["b.test"].TakeParcel("a.test", p)(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.do(w.ann, w.id, room.KindKick, &roompb.Body{Subject: string(late[len(late)-1].User)})
	w.withhold(true)
	w.enter(w.bob)
	c := w.chamber("b.test")
	c.mu.RLock()
	lacking := slices.ContainsFunc(late, func(by Caller) bool { return c.state.Lacks(by.User) })
	c.mu.RUnlock()
	if !lacking {
		t.Fatal("all pages have come with the snapshot")
	}
	w.withhold(false)
	w.whole("b.test")
	for _, by := range late {
		text := "late " + string(by.User)
		w.soon("what "+string(by.User)+" said is shown to nobody", func() bool { return w.misses(w.ann, text) && w.misses(w.bob, text) })
	}
}
