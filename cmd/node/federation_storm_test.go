package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// run makes the station a process of its own, which can be killed.
func (s *station) spawn() *process {
	s.t.Helper()
	args := s.hearth.args(s.args())
	return spawn(s.t, args...)
}

// Three nodes: each in turn is killed while people on the others talk, and on the one
// killed before; all agree in the end, and nothing that was acknowledged is missing.
func TestThreeNodesOutliveKills(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	stations := []*station{h.station("d1"), h.station("d2"), h.station("d3")}
	names := []string{"alice", "bob", "carol"}
	var running []*process
	var profiles []string
	for i, s := range stations {
		running = append(running, s.spawn())
		profiles = append(profiles, s.person(names[i]))
	}
	one := stations[0]
	room := "#garden@" + one.node
	for _, s := range stations[1:] {
		s.must("join", one.invite(), "--data", s.folder)
	}
	h.must("room", "create", "garden", "--public", "--profile", profiles[0])
	for _, p := range profiles[1:] {
		h.must("room", "join", room, "--profile", p)
	}
	var said []string
	say := func(by int, text string) {
		h.must("send", room, text, "--profile", profiles[by])
		said = append(said, text)
	}
	for round, victim := range []int{1, 0, 2} {
		running[victim].kill()
		for n := range 20 {
			for by := range stations {
				if by != victim {
					say(by, fmt.Sprintf("%s %d.%d while %s is dead", names[by], round, n, names[victim]))
				}
			}
		}
		running[victim] = stations[victim].spawn()
		say(victim, fmt.Sprintf("%s is back %d", names[victim], round))
	}
	v := h.awaitSame(room, profiles...)
	got := textsOf(v)
	slices.Sort(got)
	slices.Sort(said)
	if !slices.Equal(got, said) {
		t.Errorf("%d messages are there, %d were acknowledged", len(got), len(said))
	}
	began := time.Now()
	stations[1].awaitUp(stations[0], stations[2]) // gossip: neither was introduced to the other
	t.Logf("all links up %v after the nodes agreed", time.Since(began).Round(time.Millisecond))
}

// With three stewards the death of the home, for good, changes nothing about who orders
// the room's rules; when it comes back it learns what was decided.
func TestStewardsOutliveTheHome(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	stations := []*station{h.station("d1"), h.station("d2"), h.station("d3")}
	names := []string{"alice", "bob", "carol"}
	var running []*process
	var profiles []string
	for i, s := range stations {
		running = append(running, s.spawn())
		profiles = append(profiles, s.person(names[i]))
	}
	one := stations[0]
	room := "#garden@" + one.node
	for _, s := range stations[1:] {
		s.must("join", one.invite(), "--data", s.folder)
	}
	stations[1].awaitUp(stations[0], stations[2])
	h.must("room", "create", "garden", "--public", "--profile", profiles[0])
	for _, p := range profiles[1:] {
		h.must("room", "join", room, "--profile", p)
	}
	for i := range profiles[1:] {
		h.must("room", "role", room, names[i+1]+"@"+stations[i+1].node, "administrator", "--profile", profiles[0])
		h.must("room", "steward", "add", room, stations[i+1].node, "--profile", profiles[0])
	}
	h.awaitSame(room, profiles...)
	h.must("room", "set", room, "--topic", "agreed by three", "--profile", profiles[1])
	before := h.awaitSame(room, profiles...)

	running[0].kill()
	within(t, "two stewards make a rule without the third", func() bool {
		return h.run("room", "set", room, "--topic", "agreed by two", "--profile", profiles[1]).code == exitDone &&
			h.look(room, profiles[2]).state != before.state
	})
	after := h.awaitSame(room, profiles[1:]...)
	if after.index <= before.index {
		t.Errorf("the state log went from %v to %v", before.index, after.index)
	}
	if shown := h.must("room", "show", room, "--profile", profiles[2], "--json").json()[0]; shown["topic"] != "agreed by two" || shown["home"] == one.node {
		t.Errorf("after the death of the home: home %v, topic %v", shown["home"], shown["topic"])
	}
	running[0] = one.spawn()
	h.awaitSame(room, profiles...)
}

// While the home is away talk goes on, changes of the rules wait for it, and leaving works
// at once.
func TestChangesWaitForTheHome(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two, three := h.station("d1"), h.station("d2").start(), h.station("d3").start()
	home := one.spawn()
	alice, bob, carol, dave := one.person("alice"), two.person("bob"), three.person("carol"), three.person("dave")
	link := strings.TrimSpace(one.must("invite", "--node", "--uses", "2", "--data", one.folder).out)
	for _, s := range []*station{two, three} {
		s.must("join", link, "--data", s.folder)
	}
	room := "#garden@" + one.node
	h.must("room", "create", "garden", "--public", "--profile", alice)
	for _, p := range []string{bob, carol, dave} {
		h.must("room", "join", room, "--profile", p)
	}
	h.must("room", "role", room, "bob@"+two.node, "administrator", "--profile", alice)
	h.awaitSame(room, alice, bob, carol)
	two.awaitUp(three)

	home.kill()
	h.must("send", room, "the home is away", "--profile", bob)
	kick := h.must("room", "kick", room, "carol@"+three.node, "--profile", bob, "--json")
	if row := kick.json("done", "waiting")[0]; row["waiting"] != true || !strings.Contains(kick.err, "asked again") {
		t.Errorf("a kick while the home is away: %v, %q", row, kick.err)
	}
	if set := h.must("room", "set", room, "--topic", "while you were away", "--profile", bob); !strings.Contains(set.err, "asked again") {
		t.Errorf("a topic while the home is away: %q", set.err)
	}
	if shown := h.must("room", "show", room, "--profile", bob, "--json").json()[0]; shown["waiting"].(float64) != 2 {
		t.Errorf("%v changes wait", shown["waiting"])
	}
	h.run("room", "ban", room, "alice@"+one.node, "--profile", bob).refused("forbidden") // what is plainly refused need not wait
	h.must("room", "leave", room, "--profile", dave)
	h.run("send", room, "after leaving", "--profile", dave).want(exitRefused)
	h.must("send", room, "so it goes", "--profile", carol)
	within(t, "what carol says reaches bob", func() bool {
		return slices.Contains(textsOf(h.look(room, bob)), "so it goes")
	})

	one.spawn()
	within(t, "the home has made the changes", func() bool {
		members := h.must("room", "members", room, "--profile", alice, "--json").json("user")
		return len(members) == 2
	})
	v := h.awaitSame(room, alice, bob)
	if texts := textsOf(v); !slices.Contains(texts, "the home is away") {
		t.Errorf("the room has %q", texts)
	}
	h.run("send", room, "still here?", "--profile", carol).want(exitRefused)
}
