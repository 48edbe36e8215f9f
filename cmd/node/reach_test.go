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
