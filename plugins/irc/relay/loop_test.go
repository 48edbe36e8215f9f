package relay

import (
	"fmt"
	"slices"
	"testing"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/irc/ircreal"
)

// two is one room that two nodes bridge to the same channel, under different names of the network, so that the
// node's own list of hops cannot see that what comes in went out before.
type two struct {
	*testing.T
	hosts [2]*bridgetest.Host
	say   func(text string)
	marks int
}

func (w *two) network(i int) string { return fmt.Sprint("lib", i) }

// pass delivers to each bridge what the other has brought into the room, and returns how many there were.
func (w *two) pass() int {
	w.Helper()
	w.marks++
	mark := fmt.Sprint("mark ", w.marks)
	w.say(mark) // what was said before it has come when it has
	var passed [2][]*pb.Entry
	for i, h := range w.hosts {
		for e := h.Entry(); e.GetText() != mark; e = h.Entry() {
			if e.GetKind() != "line" {
				passed[i] = append(passed[i], e)
			}
		}
	}
	for i, all := range passed {
		for _, e := range all {
			w.hosts[1-i].Outcome(w.hosts[1-i].Deliver(&pb.Delivery{Channel: garden, Kind: e.GetKind(), Text: e.GetText(), Hops: []string{w.network(i)},
				Author: &pb.Person{User: "bot@node.example", Ghost: &pb.Ghost{Id: e.GetGhost().GetId(), Name: e.GetGhost().GetName(), Network: w.network(i)}}}))
		}
	}
	return len(passed[0]) + len(passed[1])
}

// dies lets the room's messages go round until nothing moves.
func (w *two) dies() {
	w.Helper()
	for _, text := range []string{"hello there", "**bold** and `code`", "@bob: look"} {
		for _, h := range w.hosts { // both nodes have alice's message
			h.Outcome(h.Deliver(alice(text)))
		}
		rounds := 0
		for w.pass() > 0 {
			if rounds++; rounds > 5 {
				w.Fatalf("%q still goes round", text)
			}
		}
		w.Logf("%q: %d rounds", text, rounds)
	}
	for i, h := range w.hosts {
		if h.Counted("dropped", "loop") == 0 {
			w.Errorf("bridge %d dropped nothing", i)
		}
	}
}

// Two bridges of one room in one channel, under different names of the network: what they say to each other dies out.
func TestRealLoopsDieOut(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *ircreal.Server) {
		bob := s.Connect("bob", garden)
		go bob.Drain()
		w := &two{T: t, say: func(text string) { bob.Say(garden, text) }}
		for i := range w.hosts {
			w.hosts[i] = real(t, s.Addr, map[string]string{"nick": fmt.Sprint("hearth", i)})
			w.hosts[i].WaitRoster(garden, slices.Concat([]string{"bob"}, [][]string{nil, {"hearth0"}}[i])...)
		}
		w.hosts[0].WaitRoster(garden, "bob", "hearth1")
		w.dies()
	})
}

// A bridge that changes what it passes on is known by the names that pile up before a line.
func TestNamesDoNotPileUp(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.irc.Join(garden, "other", "")
	w.irc.Say(garden, "other", "<a> <b> <c> said once (1)")
	w.hears("text", `\<a> \<b> \<c> said once (1)`)
	w.irc.Say(garden, "other", "<a> <b> <c> <d> said once (2)")
	w.irc.Say(garden, "bob", "done")
	w.hears("text", "done")
}

// People quote one another, and other bridges' people say the same thing twice: none of that is a loop.
func TestQuotesAreNoLoops(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil, func(o *pb.Open) {})
	w.irc.Join(garden, "carol", "")
	w.irc.Join(garden, "matter", "")
	w.irc.Say(garden, "bob", "lunch?")
	w.hears("text", "lunch?")
	w.irc.Say(garden, "carol", "<bob> lunch?")
	w.hears("text", `\<bob> lunch?`)
	for range 3 {
		w.irc.Say(garden, "matter", "<dan> yes")
		w.hears("text", `\<dan> yes`)
	}
	w.says(alice("yes"))
	w.irc.Say(garden, "bob", "yes")
	w.hears("text", "yes")
	// The bot that brings it back says that it is one.
	w.irc.Raw(garden, "@bot;msgid=x1 :robot!u@h PRIVMSG #garden :<Alice> yes")
	w.irc.Say(garden, "bob", "done")
	w.hears("text", "done")
	if n := w.host.Counted("dropped", "loop"); n != 1 {
		t.Errorf("%d loops", n)
	}
}
