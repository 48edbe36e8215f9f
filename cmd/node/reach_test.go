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
