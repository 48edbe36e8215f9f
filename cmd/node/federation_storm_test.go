package main

import (
	"fmt"
	"slices"
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
	v := h.awaitSame(room, 60*time.Second, profiles...)
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
	h.awaitSame(room, 30*time.Second, profiles...)
	h.must("room", "set", room, "--topic", "agreed by three", "--profile", profiles[1])
	before := h.awaitSame(room, 30*time.Second, profiles...)

	running[0].kill()
	within(t, 60*time.Second, "two stewards make a rule without the third", func() bool {
		return h.run("room", "set", room, "--topic", "agreed by two", "--profile", profiles[1]).code == exitDone &&
			h.look(room, profiles[2]).state != before.state
	})
	after := h.awaitSame(room, 30*time.Second, profiles[1:]...)
	if after.index <= before.index {
		t.Errorf("the state log went from %v to %v", before.index, after.index)
	}
	if shown := h.must("room", "show", room, "--profile", profiles[2], "--json").json()[0]; shown["topic"] != "agreed by two" || shown["home"] == one.node {
		t.Errorf("after the death of the home: home %v, topic %v", shown["home"], shown["topic"])
	}
	running[0] = one.spawn()
	h.awaitSame(room, 60*time.Second, profiles...)
}
