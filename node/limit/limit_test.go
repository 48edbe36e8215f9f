package limit

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

var start = time.Unix(1_800_000_000, 0)

func TestBurstThenRate(t *testing.T) {
	table := New[string](Rate{Burst: 5, Per: 10 * time.Second}, 10)
	for i := range 5 {
		if w := table.Take("a", 1, start); w != 0 {
			t.Fatalf("take %d must wait %v", i, w)
		}
	}
	if w := table.Take("a", 1, start); w != 2*time.Second {
		t.Fatalf("the sixth waits %v, want 2s", w)
	}
	if w := table.Take("a", 1, start.Add(2*time.Second)); w != 0 {
		t.Fatalf("after the wait it told: %v", w)
	}
	if w := table.Take("b", 1, start); w != 0 {
		t.Fatalf("another key waits %v", w)
	}
}

func TestMoreThanTheBurstIsNeverTaken(t *testing.T) {
	table := New[string](Rate{Burst: 5, Per: time.Second}, 10)
	if w := table.Take("a", 6, start); w <= 0 || w > time.Second {
		t.Fatalf("wait %v", w)
	}
	if w := table.Take("a", 5, start); w != 0 {
		t.Fatalf("the refused take cost something: %v", w)
	}
}

func TestReturnedTokensCanBeTakenAgain(t *testing.T) {
	table := New[string](Rate{Burst: 2, Per: time.Hour}, 10)
	for range 100 {
		if w := table.Take("a", 1, start); w != 0 {
			t.Fatalf("waits %v", w)
		}
		table.Return("a", 1, start)
	}
	table.Return("a", 50, start) // never above full
	if table.Take("a", 2, start) != 0 || table.Take("a", 1, start) == 0 {
		t.Fatal("a bucket holds more than its burst")
	}
}

func TestWaitTakesNothing(t *testing.T) {
	table := New[string](Rate{Burst: 1, Per: time.Minute}, 10)
	for range 3 {
		if w := table.Wait("a", 1, start); w != 0 {
			t.Fatalf("waits %v", w)
		}
	}
	table.Take("a", 1, start)
	if w := table.Wait("a", 1, start.Add(time.Second)); w != 59*time.Second {
		t.Fatalf("waits %v", w)
	}
}

// A flood of invented keys must not give the guesser a fresh bucket.
func TestEvictionResetsNoLimit(t *testing.T) {
	table := New[string](Rate{Burst: 3, Per: time.Hour}, 100)
	for range 3 {
		table.Take("victim", 1, start)
	}
	for i := range 10_000 {
		table.Take(fmt.Sprint("stranger ", i), 1, start)
	}
	if table.Len() > 100 {
		t.Fatalf("%d buckets remembered, bound 100", table.Len())
	}
	if table.Take("victim", 1, start) == 0 {
		t.Fatal("the flood reset the victim's limit")
	}
	if allowed := flood(table, start.Add(time.Second)); allowed > 3*overflow {
		t.Fatalf("%d invented keys got through a full table, want at most %d", allowed, 3*overflow)
	}
	table.Take("late", 1, start.Add(2*time.Hour))
	if table.Len() != 1 {
		t.Fatalf("%d buckets two hours later, want 1", table.Len())
	}
}

func flood(table *Table[string], now time.Time) (allowed int) {
	for i := range 10_000 {
		if table.Take(fmt.Sprint("other ", i), 1, now) == 0 {
			allowed++
		}
	}
	return allowed
}

func TestClockFallingBackDelaysAtMostPer(t *testing.T) {
	table := New[string](Rate{Burst: 2, Per: time.Minute}, 10)
	table.Take("a", 2, start.Add(10*365*24*time.Hour))
	if w := table.Take("a", 2, start); w > time.Minute {
		t.Fatalf("waits %v after the clock fell back", w)
	}
	if w := table.Take("a", 2, start.Add(time.Minute)); w != 0 {
		t.Fatalf("still waits %v", w)
	}
}

// Whatever a small table allows, an unbounded one would have allowed too.
func TestBoundedTableIsNeverLaxer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := Rate{Burst: rapid.IntRange(1, 4).Draw(rt, "burst"), Per: 10 * time.Second}
		small := New[int](rate, rapid.IntRange(1, 4).Draw(rt, "keys"))
		ideal := New[int](rate, 1_000)
		now := start
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3_000).Draw(rt, "ms")) * time.Millisecond)
			key := rapid.IntRange(0, 20).Draw(rt, "key")
			if small.Take(key, 1, now) == 0 && ideal.Take(key, 1, now) != 0 {
				rt.Fatalf("key %d got through the small table only", key)
			}
			if small.Len() > small.keys {
				rt.Fatalf("%d buckets, bound %d", small.Len(), small.keys)
			}
		}
	})
}

func TestNetwork(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7":                "192.0.2.7/32",
		"192.0.2.7:443":            "192.0.2.7/32",
		"::ffff:192.0.2.7":         "192.0.2.7/32",
		"[2001:db8:1:2:3:4:5:6]:9": "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1":     "2001:db8:1:2::/64",
		"fe80::1%eth0":             "fe80::/64",
	} {
		if got := Network(in); got.String() != want {
			t.Errorf("Network(%q) = %v, want %s", in, got, want)
		}
	}
	for _, in := range []string{"", "localhost", "1.2.3", "@"} {
		if got := Network(in); got != (netip.Prefix{}) {
			t.Errorf("Network(%q) = %v, want the zero prefix", in, got)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	table := New[int](Rate{Burst: 10, Per: time.Second}, 10_000)
	now := start
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Microsecond)
		table.Take(i%20_000, 1, now)
	}
}
