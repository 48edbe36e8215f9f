package process

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/test/port"
	"hearth/test/program"
)

// alive waits until each of the nodes hears of exactly these others by gossip.
func alive(t *testing.T, limit time.Duration, nodes ...*node) {
	t.Helper()
	took := within(t, limit, func() error {
		for _, n := range nodes {
			seen := map[string]bool{}
			for _, row := range n.rows("peers", "--data", n.data) {
				if row["gossip"] == true {
					seen[row["name"].(string)] = true
				}
			}
			for _, other := range nodes {
				if other != n && !seen[other.name] {
					return fmt.Errorf("%s does not hear of %s", n.name, other.name)
				}
			}
			if len(seen) != len(nodes)-1 {
				return fmt.Errorf("%s hears of %d others, not %d: %v", n.name, len(seen), len(nodes)-1, seen)
			}
		}
		return nil
	})
	t.Logf("%d nodes hear of each other after %v", len(nodes), took.Round(100*time.Millisecond))
}

// Gossip over the nodes' own links: who has been invited by one finds all, who is killed is missed, who
// comes back is found.
func TestGossip(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 4)
	alive(t, time.Minute, f.nodes...)
	f.nodes[3].kill()
	alive(t, time.Minute, f.nodes[:3]...)
	f.nodes[3].start()
	alive(t, time.Minute, f.nodes...)
	f.nodes[2].stop() // says goodbye
	alive(t, time.Minute, f.nodes[0], f.nodes[1], f.nodes[3])
}

// Test 9 of reliability.md with real links: cut for ten times as long as the dead are remembered (quick:
// once), and healed.
func TestGossipAfterALongCut(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 4)
	f := federate(t, w.places)
	alive(t, time.Minute, f.nodes...)
	w.cut(3)
	w.cut(4)
	pass(t, either(15*time.Second, 5*time.Minute))
	alive(t, time.Minute, f.nodes[:2]...)
	w.heal(3)
	w.heal(4)
	alive(t, time.Minute, f.nodes...)
}

// A stranger takes the name of a node that the first one knows, and even has an invite link: it is not let
// in, the administrator is told, and the real one stays.
func TestASquatter(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 2)
	first, real := f.nodes[0], f.nodes[1]
	link := strings.TrimSpace(first.must("invite", "--node", "--data", first.data).out)
	data := f.path("squatter")
	squatter := serve(t, "", &program.Log{}, "--data", data, "--listen", "localhost:"+port.Free(t), "--name", real.name)
	if r := first.cli("join", link, "--data", data); r.code != 1 {
		t.Errorf("the squatter was let in: %s", r)
	}
	within(t, time.Minute, func() error {
		for _, row := range first.rows("peers", "alarms", "--data", first.data) {
			if row["node"] == real.name {
				return nil
			}
		}
		return errors.New("no alarm")
	})
	squatter.Kill()
	alive(t, time.Minute, f.nodes...)
	l := f.talk(f.nodes...)
	pass(t, time.Second)
	f.agree(time.Minute, l.stop(), f.nodes...)
}
