package main

import (
	"slices"
	"testing"
)

// What goes into a link must lead a stranger here, not to the stranger's own machine.
func TestFarthestFirst(t *testing.T) {
	known := func(name string) bool { return name == "chat.example" }
	got := farthestFirst([]string{"localhost:8443", "172.17.0.1:8443", "192.168.1.7:8443", "[fd00::7]:8443"}, "192.168.1.7", known)
	want := []string{"192.168.1.7:8443", "172.17.0.1:8443", "[fd00::7]:8443", "localhost:8443"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	got = farthestFirst([]string{"chat.example:8443", "192.168.1.7:8443"}, "192.168.1.7", known)
	if got[0] != "chat.example:8443" {
		t.Errorf("a name goes first: %q", got)
	}
	got = farthestFirst([]string{"madeup:8443", "192.168.1.7:8443"}, "192.168.1.7", known)
	if got[0] != "192.168.1.7:8443" {
		t.Errorf("a name that nobody knows goes first: %q", got)
	}
}

// Gossip can be switched off by the flag, the file and the environment, in that order.
func TestFederationsKeys(t *testing.T) {
	h := newHearth(t)
	file := h.write("hearth.toml", "gossip = false\nadvertise = [\"chat.example:8443\", \"192.0.2.7:8443\"]\n")
	if got := parseServe(t); !got.Gossip || len(got.Advertise) != 0 {
		t.Errorf("as delivered: %+v", got)
	}
	if got := parseServe(t, "--config", file); got.Gossip || !slices.Equal(got.Advertise, []string{"chat.example:8443", "192.0.2.7:8443"}) {
		t.Errorf("from the file: %+v", got)
	}
	if got := parseServe(t, "--config", file, "--gossip"); !got.Gossip {
		t.Errorf("the flag does not beat the file: %+v", got)
	}
	if got := parseServe(t, "--no-gossip", "--advertise", "a.example:1"); got.Gossip || !slices.Equal(got.Advertise, []string{"a.example:1"}) {
		t.Errorf("from flags: %+v", got)
	}
	h.run("serve", "--data", "@/d", "--advertise", "no port").want(exitUsage)
}

// Two people who start a node each, without a word, have nodes that can meet.
func TestDefaultNames(t *testing.T) {
	for _, c := range []struct{ listen, domain, machine, name, told string }{
		{":8443", "", "alices-laptop", "alices-laptop:8443", "localhost"},
		{"0.0.0.0:443", "", "box.example.org", "box.example.org:443", "box.example.org"},
		{":8443", "", "localhost", "localhost:8443", "localhost"},
		{":8443", "", "localhost.localdomain", "localhost:8443", "localhost"},
		{":8443", "", "my_box", "localhost:8443", "localhost"},
		{":8443", "", "", "localhost:8443", "localhost"},
		{":8443", "Chat.example", "alices-laptop", "chat.example", "chat.example"},
		{"127.0.0.1:9443", "", "alices-laptop", "localhost:9443", "127.0.0.1"},
		{"localhost:9443", "", "alices-laptop", "localhost:9443", "localhost"},
		{"192.0.2.7:9443", "", "alices-laptop", "192.0.2.7:9443", "192.0.2.7"},
		{"127.0.0.1:0", "", "alices-laptop", "localhost", "127.0.0.1"},
	} {
		v := config{Listen: c.listen, Domain: c.domain}
		name := v.defaultName(c.machine)
		if told := v.hostNames(name, c.machine)[0]; name != c.name || told != c.told {
			t.Errorf("listening on %s, a machine %q has a node %s, people are told %s; want %s, %s", c.listen, c.machine, name, told, c.name, c.told)
		}
	}
	given := config{Listen: ":8443", Name: "alices-laptop:8443"}
	if told := given.hostNames(given.Name, "alices-laptop")[0]; told != "alices-laptop" {
		t.Errorf("a name that was given is told to people, not %s", told)
	}
}
