package hostile

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/test/hostile/foe"
)

// Bounds of what an attack may cost the node (test 6 of the reliability list).
const (
	growsMost = 64 << 20             // above what it held before, at the worst moment
	eachMost  = 5 * time.Millisecond // of CPU, for each thing that was sent or asked
	enough    = 100                  // things, for a clock that counts in steps of 10 ms
)

// cost is what was done to a node, and what it took.
type cost struct {
	things int           // what the foes sent, and commands of honest people
	busy   time.Duration // on all cores
	grown  int64         // at the worst moment, in bytes
}

// meter measures what a node does from now on.
type meter struct {
	n      *node
	sent   int64
	given  int64
	busy   time.Duration
	memory int64
}

func (n *node) meter() *meter {
	n.t.Helper()
	n.forgetPeak()
	return &meter{n, foe.Sent.Load(), n.given.Load(), n.busy(), n.status("VmRSS")}
}

func (m *meter) read() cost {
	m.n.t.Helper()
	return cost{
		things: int(foe.Sent.Load() - m.sent + m.n.given.Load() - m.given),
		busy:   m.n.busy() - m.busy,
		grown:  max(0, m.n.status("VmHWM")-m.memory),
	}
}

func (c cost) each() time.Duration { return c.busy / time.Duration(max(c.things, 1)) }

func (c cost) String() string {
	return fmt.Sprintf("%d things, %v of CPU: %v each; %d MB more at the worst moment", c.things, c.busy, c.each().Round(time.Microsecond), c.grown>>20)
}

// TestCosts has each attack alone, over and over, on nodes of its own: what it costs shows
// in CPU time and in memory, and nothing else can hide it.
func TestCosts(t *testing.T) {
	if !full() {
		t.Skip("takes a quarter of an hour: HEARTH_FULL=1")
	}
	times := 20
	if n, err := strconv.Atoi(os.Getenv("TIMES")); err == nil {
		times = n
	}
	n := 0
	var table []string
	for _, row := range slices.Concat(onLinks, inRooms, byAsking, slowly) {
		t.Run(row.name, func(t *testing.T) {
			times := times
			if row.most > 0 {
				times = min(times, row.most)
			}
			a := newArena(t)
			sum := cost{grown: math.MaxInt64} // of memory the least: what an attack takes it takes each time
			for range times {
				n++
				if c := a.perform(t, n, row); !t.Failed() {
					sum = cost{sum.things + c.things, sum.busy + c.busy, min(sum.grown, c.grown)}
				}
			}
			if much := sum.tooMuch(row); much != "" && !t.Failed() {
				t.Error(much)
			}
			if f := os.Getenv("PROFILE"); f != "" {
				w, _ := http.Get("http://" + a.alice.profiles + "/debug/pprof/allocs")
				b, _ := io.ReadAll(w.Body)
				os.WriteFile(f, b, 0o644)
			}
			table = append(table, fmt.Sprintf("%-70s %3d x: %v", row.name, times, sum))
		})
	}
	t.Logf("what attacks cost:\n%s", strings.Join(table, "\n"))
}

// tooMuch says what an attack cost more than it may; "" when it did not.
func (c cost) tooMuch(row attack) string {
	if most := max(row.each, eachMost); !row.idle && c.things >= enough && c.each() > most {
		return fmt.Sprintf("each of %d things cost %v, want at most %v", c.things, c.each(), most)
	}
	if c.grown > growsMost {
		return fmt.Sprintf("the node grew by %d MB, want at most %d", c.grown>>20, int64(growsMost)>>20)
	}
	return ""
}
