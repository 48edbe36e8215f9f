package hostile

import (
	"slices"
	"strings"
	"testing"
)

// TestAttacks is the table. One pair of honest nodes withstands all of it.
func TestAttacks(t *testing.T) {
	if testing.Short() {
		t.Skip("real processes take their time")
	}
	a := newArena(t)
	n := 0
	for _, row := range slices.Concat(onLinks, inRooms, byAsking) {
		n++
		number := n
		t.Run(row.name, func(t *testing.T) { a.withstand(t, number, row) })
	}
	t.Run("slowly", func(t *testing.T) {
		for _, row := range slowly {
			n++
			number := n
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				a.perform(t, 10*number, row) // side by side: what each of them costs TestCosts tells
			})
		}
	})
	t.Run("afterwards", func(t *testing.T) { a.afterwards(t) })
}

// afterwards is what an operator sees.
func (a *arena) afterwards(t *testing.T) {
	out := a.alice.must("peers", "--data", a.alice.data)
	if !strings.Contains(out, a.carol.name) {
		t.Errorf("hearth peers does not list the honest node:\n%s", out)
	}
	if alarms := a.alice.must("peers", "alarms", "--data", a.alice.data); !strings.Contains(alarms, "foe") {
		t.Errorf("hearth peers alarms tells nothing of what has happened:\n%s", alarms)
	}
	for _, n := range []*node{a.alice, a.carol} {
		for _, bad := range []string{"panic", "level=ERROR", "DATA RACE"} {
			if log := n.log.Tail(100_000); strings.Contains(log, bad) {
				t.Errorf("the log of %s's node has %q:\n%s", n.user, bad, n.log.Tail(30))
			}
		}
	}
}
