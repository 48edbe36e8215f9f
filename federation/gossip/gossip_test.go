package gossip

import (
	"context"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"hearth/node/room/roompb"
	"hearth/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// either is more of what takes its time, by HEARTH_FULL=1.
func either(quick, full int) int {
	if os.Getenv("HEARTH_FULL") != "" {
		return full
	}
	return quick
}

var five = []string{"a", "b", "c", "d", "e"}

// found is how long it may take that all know all: most hear of each other in a second by what is
// broadcast, the rest as the newcomers exchange whole lists.
const found = 30 * time.Second

// chain makes five nodes of which each knows the one before alone.
func chain(t *testing.T) *world {
	w := newWorld(t, five...)
	for i := 1; i < len(five); i++ {
		w.nodes[five[i]].meet(w.nodes[five[i-1]])
	}
	return w
}

func TestFiveNodesFindEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t)
		defer w.close()
		t.Logf("found after %v", w.until(found, five...))
	})
}

func TestAKilledNodeIsNoticedAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t)
		defer w.close()
		w.until(found, five...)
		c := w.kill("c")
		t.Logf("noticed after %v", w.until(40*time.Second, "a", "b", "d", "e"))
		time.Sleep(3 * time.Minute)
		w.open(c) // the restarted node knows its peers from before
		t.Logf("back after %v", w.until(60*time.Second, five...))
	})
}

// A restart that is quicker than anybody's noticing must end in full membership too, with the new record.
func TestAQuickRestartIsNoConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t)
		defer w.close()
		w.until(found, five...)
		c := w.kill("c")
		c.issue(&roompb.Record{Name: "c", Addresses: []string{"elsewhere:9443"}})
		w.open(c)
		w.until(60*time.Second, five...)
		w.waitFor(60*time.Second, func() string {
			record, err := open(w.nodes["a"].recordOf(c.self))
			if err == nil && record.Addresses[0] == "elsewhere:9443" {
				return ""
			}
			return "a still has c's old record"
		})
	})
}

// Most hear it at once; whom the broadcast misses notices as with a killed one.
func TestANodeThatLeavesIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t)
		defer w.close()
		w.until(found, five...)
		if err := w.nodes["c"].Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.kill("c")
		t.Logf("noticed after %v", w.until(40*time.Second, "a", "b", "d", "e"))
	})
}

// Test 9 of reliability.md.
func TestAPartitionOfTenTimesTheDeadTimeHeals(t *testing.T) {
	for range either(3, 10) {
		synctest.Test(t, func(t *testing.T) {
			w := chain(t)
			defer w.close()
			w.until(found, five...)
			w.cut("d", "e")
			time.Sleep(10 * dead)
			w.until(0, "a", "b", "c")
			w.until(0, "d", "e")
			w.heal()
			t.Logf("healed after %v", w.until(60*time.Second, five...))
		})
	}
}

func TestANewRecordSpreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t)
		defer w.close()
		w.until(found, five...)
		a := w.nodes["a"]
		time.Sleep(time.Second)
		for len(a.Wake()) > 0 {
			<-a.Wake()
		}
		e := w.nodes["e"]
		e.issue(&roompb.Record{Name: "e", Version: "2"})
		select {
		case <-a.Wake():
		case <-time.After(time.Minute):
			t.Fatal("nobody woke a")
		}
		for _, p := range a.Alive() {
			if p.Name == "e" && p.Issued < time.Now().Add(-time.Minute).UnixMilli() {
				t.Error("a has the old record")
			}
		}
	})
}

func TestABlockedNodeIsNotListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := chain(t)
		defer w.close()
		w.until(found, five...)
		a := w.nodes["a"]
		a.mu.Lock()
		a.blocked["d"] = true
		a.mu.Unlock()
		if got := a.sees(); got != "b c e" {
			t.Errorf("a sees %s", got)
		}
	})
}

func TestARecordThatIsTooLongIsRefusedAtTheStart(t *testing.T) {
	_, err := Open(Config{Record: func() []byte { return make([]byte, MaxRecord+1) }})
	if err == nil {
		t.Fatal("memberlist would have panicked")
	}
}

// Thirty nodes (quick: sixteen) that have all been invited by one, at once; then a third is cut off.
func TestMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range either(16, 30) {
			names = append(names, fmt.Sprintf("n%02d", i))
		}
		w := newWorld(t, names...)
		defer w.close()
		for _, name := range names[1:] {
			w.nodes[name].meet(w.nodes["n00"])
		}
		t.Logf("found after %v", w.until(2*found, names...))
		w.cut(names[2*len(names)/3:]...)
		time.Sleep(10 * dead)
		w.heal()
		t.Logf("healed after %v", w.until(60*time.Second, names...))
	})
}
