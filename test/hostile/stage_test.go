package hostile

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	"hearth/federation/link/linkpb"
	"hearth/node/room/roompb"
	"hearth/test/hostile/foe"
	pb "hearth/transport/session/clientpb"
)

// arena is two honest nodes that share rooms: alice's, which is attacked and the rooms' home, and carol's.
type arena struct {
	alice, carol *node
	far          string // a room of carol's with alice in it
}

func newArena(t testing.TB) *arena {
	t.Helper()
	dir := t.TempDir()
	a := &arena{alice: startNode(t, dir, "alice"), carol: startNode(t, dir, "carol")}
	a.carol.must("join", a.alice.link, "--data", a.carol.data)
	return a
}

// Bounds of what an attack may do to the node.
const (
	answersWithin = time.Second // of a machine that does other things as well
	patience      = time.Minute // for what must come
)

// attack is a row of the table.
type attack struct {
	name string
	run  func(*stage)
	room bool          // in a room of alice's in which carol is, and the foe's user mallory
	both bool          // the foe has a link with carol's node too
	long bool          // only with HEARTH_FULL
	idle bool          // CPU time is not bounded: it costs the search index, later, about a third of a core for a while, or waits for seconds
	each time.Duration // of CPU that a thing may cost, when more than eachMost: some of them are bombs (test 14: 100 ms each)
	most int           // times that TestCosts does it: the node lets an address no more, or it takes its time; 0: any
}

// stage is what one attack is given.
type stage struct {
	*testing.T
	*arena
	*foe.Foe
	ctx     context.Context
	mallory string
	link    *foe.Link // with alice's node
	other   *foe.Link // with carol's

	room   string // its id, as people write it
	id     []byte
	snap   *roompb.Snapshot // as the foe was given it
	log    *foe.Log         // the foe's own in the room
	said   int
	target []byte // a message of mallory's that is spoken about
	parted bool   // the honest nodes have no link
	split  bool   // the honest nodes may differ in what they show of the foe's

	answer func(*roompb.Ask) *roompb.Answer // what alice's and carol's nodes ask of the foe
}

// withstand performs an attack, which must cost little: in one of three tries, as the collector comes late,
// and caches are cold, on a machine that does much else.
func (a *arena) withstand(t *testing.T, n int, row attack) {
	t.Helper()
	var much string
	for try := range 3 {
		if much = a.perform(t, 10*n+try, row).tooMuch(row); much == "" || t.Failed() {
			return
		}
	}
	t.Error(much)
}

// perform runs one attack and looks at what it did; it tells what that cost.
func (a *arena) perform(t *testing.T, n int, row attack) cost {
	t.Helper()
	if row.long && !full() {
		t.Skip("takes its time: HEARTH_FULL=1")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	s := &stage{T: t, arena: a, Foe: foe.New(fmt.Sprintf("foe%d.test", n)), ctx: ctx}
	s.mallory = s.User("mallory")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("alice's node said at last:\n%s", a.alice.log.Tail(15))
		}
	})
	s.meet(row)
	if row.room {
		s.enter()
	}
	defer func() {
		if s.parted {
			s.reunite()
		}
	}()
	m := a.alice.meter()
	row.run(s)
	s.look(row)
	c := m.read()
	for _, l := range []*foe.Link{s.link, s.other} {
		if l != nil {
			l.Close()
		}
	}
	return c
}

// meet makes the foe's links.
func (s *stage) meet(row attack) {
	s.Helper()
	s.link = s.greet(s.alice)
	if row.both {
		s.other = s.greet(s.carol)
	}
}

// greet is a link with a node, which lets the foe in by an invite.
func (s *stage) greet(n *node) *foe.Link {
	s.Helper()
	l, hello, err := s.Greet(s.ctx, n.address, s.Hello(n.secret))
	if err != nil || hello.GetRefused() != "" {
		s.Fatalf("greet %s: %v %v", n.name, hello, err)
	}
	l.Run(func(q *roompb.Ask) *roompb.Answer {
		if s.answer == nil {
			return &roompb.Answer{Code: "not_found", Message: "no"}
		}
		return s.answer(q)
	})
	return l
}

// enter makes the room.
func (s *stage) enter() {
	s.Helper()
	summary := do(s, s.alice, client.RoomCreate, &pb.RoomCreateRequest{Alias: strings.TrimSuffix(s.Foe.Name, ".test"), Name: s.Name(), Public: true})
	s.room, s.id = summary.Room, unbase(summary.Room)
	do(s, s.carol, client.RoomJoin, &pb.RoomRequest{Room: s.room + "@" + s.alice.name})
	s.say(s.alice, "before")
	s.join(s.mallory)
	s.snap = s.ask(s.link, &roompb.Ask{What: &roompb.Ask_Snapshot{Snapshot: &roompb.SnapshotAsk{Room: s.id}}}).GetSnapshot()
	if s.snap == nil {
		s.Fatal("the foe gets no snapshot")
	}
	s.log = s.Messages(s.id, s.snap.State.Index)
	within(s, patience, func() error { // carol's node knows of mallory
		if got := do(s, s.carol, client.RoomGet, &pb.RoomRequest{Room: s.room}).Summary; got.StateIndex < s.snap.State.Index {
			return fmt.Errorf("carol's node is at entry %d of %d", got.StateIndex, s.snap.State.Index)
		}
		return nil
	})
	s.listen(s.link)
	s.listen(s.other)
}

// comes brings somebody into a room to which the invitation may still be under way.
func (s *stage) comes(n *node, room string) {
	s.Helper()
	within(s, patience, func() error {
		_, err := client.Call(s.ctx, n.client, client.RoomJoin, &pb.RoomRequest{Room: room})
		return err
	})
}

// listen tells a node that the foe has nothing of the room's messages: it is due all.
func (s *stage) listen(l *foe.Link) {
	s.Helper()
	if l == nil {
		return
	}
	f := &roompb.Frontier{Room: s.id, StateIndex: s.snap.State.Index, StateHash: s.snap.State.Hash}
	must(s, l.Send(&linkpb.Frame{What: &linkpb.Frame_Have{Have: &linkpb.Have{Frontier: f}}}))
}

// Name is the row's, without the parts that go test puts before it.
func (s *stage) Name() string {
	name := s.T.Name()
	return name[strings.LastIndexByte(name, '/')+1:]
}

// join brings one of the foe's users into the room.
func (s *stage) join(user string) {
	s.Helper()
	if a := s.propose(s.link, user, "join", &roompb.Body{NodeKey: s.Public()}); a.Code != "" {
		s.Fatalf("%s joins: %v", user, a)
	}
}

// propose asks for an entry of the room's state log.
func (s *stage) propose(l *foe.Link, author, kind string, b *roompb.Body) *roompb.Answer {
	s.Helper()
	return s.ask(l, s.proposal(s.id, author, kind, b))
}

func (s *stage) proposal(id []byte, author, kind string, b *roompb.Body) *roompb.Ask {
	s.said++
	return &roompb.Ask{What: &roompb.Ask_Propose{Propose: &roompb.ProposeAsk{
		Room: id, Author: author, Kind: kind, Body: foe.Encode(foe.Salted(b)), Key: fmt.Sprintf("key %d of %s", s.said, s.Foe.Name),
	}}}
}

func (s *stage) ask(l *foe.Link, q *roompb.Ask) *roompb.Answer {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	a, err := l.Ask(ctx, q)
	if err != nil {
		s.Fatalf("ask %v: %v", q, err)
	}
	return a
}

// push sends parcels on the room's stream.
func (s *stage) push(l *foe.Link, parcels ...*roompb.Parcel) {
	s.Helper()
	if err := l.Push(s.id, parcels...); err != nil {
		s.Fatalf("push: %v", err)
	}
}

// taken waits until a node has told the foe, by an acknowledgement or a frontier, that it has so much
// of the foe's log.
func (s *stage) taken(l *foe.Link, seq uint64) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	_, err := l.Frame(ctx, func(f *linkpb.Frame) bool {
		return slices.ContainsFunc(topsOf(f, s.id), func(t *roompb.Top) bool {
			return t.Origin == s.log.Origin && t.Incarnation == s.log.Number && t.Seq >= seq
		})
	})
	if err != nil {
		s.Fatalf("the foe's message %d was not taken: %v", seq, err)
	}
}

func topsOf(f *linkpb.Frame, id []byte) []*roompb.Top {
	if a := f.GetAck(); a != nil && string(a.Room) == string(id) {
		return a.Tops
	}
	if h := f.GetHave().GetFrontier(); h != nil && string(h.Room) == string(id) {
		return h.Tops
	}
	return nil
}

// settled gives a node the time to have dealt with all that was pushed: an ask is answered after it, and
// a moment more.
func (s *stage) settled(l *foe.Link) {
	s.Helper()
	select {
	case <-l.Ended():
	case <-time.After(150 * time.Millisecond):
	}
}

type message[T any] interface {
	*T
	proto.Message
}

// do gives a command for a node's person.
func do[Req, Resp any, PReq message[Req], PResp message[Resp]](s *stage, n *node, c client.Command[Req, Resp], req PReq) *Resp {
	s.Helper()
	n.given.Add(1)
	out, err := client.Call[Req, Resp, PReq, PResp](s.ctx, n.client, c, req)
	if err != nil {
		s.Fatalf("%s for %s: %v", c.Name, n.user, err)
	}
	return out
}

func (s *stage) say(n *node, text string) string {
	s.Helper()
	return do(s, n, client.Send, &pb.SendRequest{Room: s.room, Text: text}).Event
}

// history is the room as a node shows it: ids and texts.
func (s *stage) history(n *node) []string {
	s.Helper()
	var out []string
	for before := ""; ; {
		page := do(s, n, client.History, &pb.HistoryRequest{Room: s.room, Before: before, Limit: 200})
		lines := make([]string, len(page.Events))
		for i, e := range page.Events {
			lines[i] = fmt.Sprintf("%s %s %s %q", e.Id[:6], e.Author, e.Kind, e.Text)
			if e.Deleted {
				lines[i] += " deleted"
			}
			for _, r := range e.Reactions {
				lines[i] += fmt.Sprintf(" %s%v", r.Emoji, r.Users)
			}
		}
		out = append(lines, out...)
		if !page.MoreBefore || len(page.Events) == 0 {
			return out
		}
		before = page.Events[0].Id
	}
}

// shows tells whether a node's person sees a text.
func (s *stage) shows(n *node, text string) bool {
	s.Helper()
	return slices.ContainsFunc(s.history(n), func(line string) bool { return strings.Contains(line, fmt.Sprintf("%q", text)) })
}

func (s *stage) mustShow(text string, on bool) {
	s.Helper()
	for _, n := range []*node{s.alice, s.carol} {
		if s.shows(n, text) != on {
			s.Errorf("%s sees %q: %v, want %v", n.user, text, !on, on)
		}
	}
}

// awaitShown waits until both see a text.
func (s *stage) awaitShown(text string) {
	s.Helper()
	within(s, patience, func() error {
		for _, n := range []*node{s.alice, s.carol} {
			if !s.shows(n, text) {
				return fmt.Errorf("%s does not see %q", n.user, text)
			}
		}
		return nil
	})
}

// look checks what every attack must leave as it was.
func (s *stage) look(row attack) {
	s.Helper()
	if s.room == "" {
		s.room = do(s, s.alice, client.RoomCreate, &pb.RoomCreateRequest{Name: s.Name()}).Room
	}
	s.mustAnswer()
	if row.room && !s.split {
		s.mustAgree()
	}
}

// mustAnswer: what an honest person says is answered at once. The best of ten, as the machine is shared.
func (s *stage) mustAnswer() {
	s.Helper()
	best := time.Hour
	for range 10 {
		began := time.Now()
		s.say(s.alice, "still here")
		if best = min(best, time.Since(began)); best < answersWithin {
			return
		}
	}
	s.Errorf("what alice said was answered after %v, want %v", best, answersWithin)
}

// mustAgree: both honest nodes show the same room.
func (s *stage) mustAgree() {
	s.Helper()
	s.say(s.carol, "carol is here as well")
	within(s, patience, func() error {
		a, c := do(s, s.alice, client.RoomGet, &pb.RoomRequest{Room: s.room}).Summary, do(s, s.carol, client.RoomGet, &pb.RoomRequest{Room: s.room}).Summary
		if a.StateHash != c.StateHash {
			return fmt.Errorf("the states differ: %d %s and %d %s", a.StateIndex, a.StateHash, c.StateIndex, c.StateHash)
		}
		if a, c := s.history(s.alice), s.history(s.carol); !slices.Equal(a, c) {
			return fmt.Errorf("alice sees\n  %s\ncarol sees\n  %s", strings.Join(a, "\n  "), strings.Join(c, "\n  "))
		}
		return nil
	})
}

// alarmed waits until `hearth peers` has an alarm about a node with all of these words in it.
func (s *stage) alarmed(n *node, peer string, words ...string) {
	s.Helper()
	within(s, patience, func() error {
		got := do(s, n, client.AdminPeers, &pb.Empty{})
		for _, a := range got.Alarms {
			if a.Peer == peer && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(a.Text, w) }) {
				return nil
			}
		}
		return fmt.Errorf("no alarm about %s with %q: %v", peer, words, got.Alarms)
	})
}

// notAlarmed: nobody is accused of what the foe did.
func (s *stage) notAlarmed(n *node, peer, words string) {
	s.Helper()
	for _, a := range do(s, n, client.AdminPeers, &pb.Empty{}).Alarms {
		if a.Peer == peer && strings.Contains(a.Text, words) {
			s.Errorf("%s is accused: %s", peer, a.Text)
		}
	}
}

// mustEnd waits until the node ends a link.
func (s *stage) mustEnd(l *foe.Link) {
	s.Helper()
	select {
	case <-l.Ended():
	case <-time.After(patience):
		s.Errorf("after %v the link still stands", patience)
	}
}

func (s *stage) ended(l *foe.Link) bool {
	select {
	case <-l.Ended():
		return true
	default:
		return false
	}
}

func (s *stage) mustStand(l *foe.Link) {
	s.Helper()
	select {
	case <-l.Ended():
		s.Errorf("the link has ended: %v", context.Cause(l.Conn.Context()))
	default:
	}
}

// within repeats what may fail at first, until it does not.
func within(t testing.TB, limit time.Duration, try func() error) {
	t.Helper()
	for end := time.Now().Add(limit); ; {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %v", limit, err)
		}
		select {
		case <-time.After(30 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(errors.Join(err, t.Context().Err()))
		}
	}
}

func unbase(id string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		panic(err) // the node gave it
	}
	return raw
}
