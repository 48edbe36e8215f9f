package plugins

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/node/channel"
	"hearth/node/limit"
)

// alive are the processes that a chaos bridge has noted and that have not ended.
func (f far) alive() (pids []int) {
	b, _ := os.ReadFile(filepath.Join(f.dir, "processes"))
	for _, word := range strings.Fields(string(b)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			f.t.Fatal(err)
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (f far) noted() int {
	b, _ := os.ReadFile(filepath.Join(f.dir, "processes"))
	return len(strings.Fields(string(b)))
}

// Test 20: whatever a plugin does, it is disabled after five crashes with a reason, nothing of it is
// left, and the node and another bridge go on.
func TestPluginChaos(t *testing.T) {
	w, good := newWorld(t), newFar(t)
	w.times.Crashes = 5
	w.limit.MemoryMB = 64
	w.start()
	w.bridge("chaos", "good", "#good", map[string]string{"dir": good.dir})
	w.waitState("good", channel.Connected)
	for _, c := range []struct{ name, mode, order, reason string }{
		{"panics", "panic", "", "panic"},
		{"fails", "fail", "", "as the mode says"},
		{"exits", "exit", "", "exit status 7"},
		{"forks", "fork and exit", "", "exit status 1"},
		{"leaks", "leak", "", "exit status 2"},
		{"poisoned", "", "!panic", "as told"},
		{"killed", "", "!kill", "killed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFar(t)
			w.bridge("chaos", c.name, "#"+c.name, map[string]string{"dir": f.dir, "mode": c.mode})
			if c.order != "" {
				w.waitState(c.name, channel.Connected)
				// It would obey too.
				w.n.Bridges.Enable("good", false, "")
				w.say(c.order)
			}
			w.disabled(c.name, c.reason, f)
			if c.mode == "fork and exit" && f.noted() != 15 {
				t.Errorf("%d processes were started", f.noted())
			}
			before := w.status("good").Relayed
			if c.order == "" {
				w.say("still here, after " + c.name)
				w.until("the good bridge", func() bool { return w.status("good").Relayed > before })
			}
		})
	}
}

// One that hangs is alone: on a busy machine any plugin may take longer for an answer than this one is given.
func TestAPluginThatHangsIsDisabled(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.times.Crashes, w.times.Hung, w.times.Degraded = 5, 800*time.Millisecond, 400*time.Millisecond
	w.start()
	w.bridge("chaos", "hangs", "#hangs", map[string]string{"dir": f.dir})
	w.waitState("hangs", channel.Connected)
	w.say("!hang")
	w.disabled("hangs", "it hangs", f)
}

// disabled waits until a bridge is, for five crashes of which the last was for this reason, and nothing of it is left.
func (w *world) disabled(name, reason string, f far) {
	w.t.Helper()
	w.waitState(name, channel.Disabled)
	if s := w.status(name); !strings.Contains(s.Reason, "crashed 5 times") || !strings.Contains(s.Detail, reason) {
		w.t.Errorf("the reason: %s %s", s.Reason, s.Detail)
	}
	if left := f.alive(); len(left) > 0 {
		w.t.Errorf("left over: %v", left)
	}
}

// A plugin that is deaf to Stop and to signals does not outlive its host's Close.
func TestAStubbornPluginIsKilled(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.times.Stop = 200 * time.Millisecond
	w.start()
	w.bridge("chaos", "deaf", "#deaf", map[string]string{"dir": f.dir, "mode": "stubborn"})
	w.waitState("deaf", channel.Connected)
	if len(f.alive()) != 1 {
		t.Fatal("it does not run")
	}
	w.stop()
	if left := f.alive(); len(left) > 0 {
		t.Fatalf("left over: %v", left)
	}
}

// What a plugin prints, before the handshake and after, is read no faster than the bucket lets it, and
// does not keep it from working.
func TestNoiseIsHeldBack(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.start()
	w.bridge("chaos", "loud", "#loud", map[string]string{"dir": f.dir, "mode": ""})
	w.waitState("loud", channel.Connected)
	lines, err := w.n.Bridges.Logs("loud", 0, 500)
	if err != nil || len(lines) == 0 || lines[0].Text != "printed before the handshake" {
		t.Fatalf("%v %v", lines, err)
	}
	var kept int
	s := newSink(t.Context(), func(line string) { kept += len(line) })
	began := time.Now()
	for range 96 {
		fmt.Fprintln(s, strings.Repeat("x", 1023))
	}
	if took := time.Since(began); took < 400*time.Millisecond || kept != 96*1023 {
		t.Fatalf("96 KB took %s, kept %d", took, kept)
	}
}

// Whatever the machine does, no more comes in than the bucket held and was filled with since.
func TestAFloodIsHeldBack(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.start()
	w.bridge("chaos", "flood", "#flood", map[string]string{"dir": f.dir})
	w.waitState("flood", channel.Connected)
	began := time.Now()
	w.say("!flood")
	w.until("the flood", func() bool { return w.status("flood").Received >= uint64(flooding.Burst)*5/4 })
	came := float64(w.status("flood").Received)
	if most := allowed(flooding, time.Since(began)); came > most {
		t.Errorf("%.0f entries, more than %.0f", came, most)
	}
	w.say("alice goes on")
	w.until("alice's words over there", func() bool {
		heard := f.heard()
		return len(heard) > 0 && heard[len(heard)-1][5] == "alice goes on"
	})
}

func allowed(r limit.Rate, d time.Duration) float64 {
	return float64(r.Burst) * (1 + d.Seconds()/r.Per.Seconds())
}

func TestChatterIsHeldBack(t *testing.T) {
	t.Parallel() // it waits for the bucket
	w, f := newWorld(t), newFar(t)
	w.start()
	w.bridge("chaos", "loud", "#loud", map[string]string{"dir": f.dir})
	w.waitState("loud", channel.Connected)
	began := time.Now()
	w.say("!chatter")
	counted := func() uint64 { return w.status("loud").Dropped["chatter"] }
	w.until("the chatter", func() bool { return counted() >= uint64(chattering.Burst)*3/2 })
	came := float64(counted())
	if most := allowed(chattering, time.Since(began)); came > most {
		t.Errorf("%.0f frames, more than %.0f", came, most)
	}
	w.say("alice goes on")
	w.until("alice's words over there", func() bool { return w.status("loud").Relayed == 2 })
}

// awaitNoted waits until so many processes have been noted, and looks that they run.
func (f far) awaitNoted(n int) {
	f.t.Helper()
	for deadline := time.Now().Add(patience); f.noted() < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("%d of %d processes were started", f.noted(), n)
		}
	}
	if alive := len(f.alive()); alive != n {
		f.t.Fatalf("%d of %d processes run", alive, n)
	}
}

// awaitGone waits until none of them runs, and tells how long that took.
func (f far) awaitGone() time.Duration {
	f.t.Helper()
	began := time.Now()
	for len(f.alive()) > 0 {
		if time.Since(began) > patience {
			f.t.Fatalf("after %s these are left: %v", patience, f.alive())
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}
