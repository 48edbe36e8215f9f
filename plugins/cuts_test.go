package plugins

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// steps are where a plugin is killed: on the way out between receiving, saying and answering, on the way in
// between posting, being answered and noting that.
var steps = []string{"received", "said", "answered", "posting", "posted", "kept"}

func cuts() int {
	if os.Getenv("HEARTH_FULL") != "" {
		return 1000
	}
	return 24
}

// Test 21: the plugin is killed at each step, again and again, under traffic both ways, and now and
// then the node is stopped too: nothing is lost, nothing comes twice, and the order is kept.
func TestCuts(t *testing.T) {
	t.Parallel()
	w, f := newWorld(t), newFar(t)
	w.times.Crashes = 1 << 30
	n := cuts()
	random := rand.New(rand.NewPCG(1, uint64(n)))
	var plan strings.Builder
	for i := range n {
		fmt.Fprintf(&plan, "%s %d\n", steps[i%len(steps)], 1+random.IntN(4))
	}
	if err := os.WriteFile(filepath.Join(f.dir, "cuts"), []byte(plan.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	w.bridge("chaos", "pit", "#pit", map[string]string{"dir": f.dir})

	var want []string // what the far network must hear, in order
	said, edits, restarts := 0, 0, 0
	last := room.EventID{}
	lives := func() int {
		b, _ := os.ReadFile(filepath.Join(f.dir, "lives"))
		return strings.Count(string(b), "\n")
	}
	for lives() < n {
		for range 5 {
			last = w.say(fmt.Sprint("out ", len(want)))
			want = append(want, fmt.Sprint("out ", len(want)))
			f.say(fmt.Sprint("in ", said))
			said++
		}
		// An edit of what is over there already: its target has to be found after any cut.
		w.until("the newest to be relayed", func() bool { return w.status("pit").Relayed == uint64(len(want)) || lives() >= n })
		if w.status("pit").Relayed == uint64(len(want)) {
			w.do(room.KindEdit, &roompb.Body{Target: last.Bytes(), Text: fmt.Sprint("edit ", len(want))})
			want = append(want, fmt.Sprint("edit ", len(want)))
			edits++
		}
		if lives() > (restarts+1)*n/4 {
			restarts++
			w.restart()
		}
	}
	w.until("all to be relayed", func() bool {
		s := w.status("pit")
		return s.State == channel.Connected && s.Relayed == uint64(len(want)) && s.Received >= uint64(said) && s.Queue == 0
	})
	heard := f.heard()
	if len(heard) != len(want) {
		t.Errorf("the far network heard %d lines, not %d", len(heard), len(want))
	}
	for i := range min(len(heard), len(want)) {
		if heard[i][5] != want[i] {
			t.Fatalf("line %d is %q, not %q", i, heard[i], want[i])
		}
		if heard[i][1] == "edit" && !strings.HasPrefix(heard[i][3], "r-") {
			t.Errorf("an edit of nothing: %q", heard[i])
		}
	}
	next := 0
	for _, e := range w.messages() {
		if e.GetGhost() == nil {
			continue
		}
		if want := fmt.Sprint("in ", next); e.GetText() != want {
			t.Fatalf("the room has %q where %q should be", e.GetText(), want)
		}
		next++
	}
	if next != said {
		t.Errorf("the room has %d lines of the far network, not %d", next, said)
	}
	if s := w.status("pit"); len(s.Dropped) != 0 {
		t.Errorf("dropped: %v", s.Dropped)
	}
	t.Logf("%d cuts, %d restarts of the node: %d lines out, %d of them edits, %d in; 0 lost, 0 twice", lives(), restarts, len(want), edits, said)
}
