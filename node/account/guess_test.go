package account

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Reliability test 19, guessing: 1,000 guesses from many addresses over an hour; at most 100 are tried,
// and the owner gets in from where they were before.
func TestGuessesFromManyAddresses(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	h.login("alice") // from home
	tried := 0
	for i := range 1_000 {
		_, err := h.Login(ctx, "alice", fmt.Sprint("guess ", i), "", fmt.Sprintf("203.0.%d.%d:1", i/200, i%200))
		if room.CodeOf(err) == room.Unauthenticated {
			tried++
		} else {
			refused(t, err, room.Limited)
		}
		if i%100 == 50 {
			h.login("alice")
		}
		h.clock.pass(3600 * time.Millisecond)
	}
	if tried > 100 {
		t.Errorf("%d guesses were tried in an hour, at most 100 may", tried)
	}
	h.login("alice")
	h.Login(ctx, "alice", "one more guess", "", "203.0.113.1:1")
	refused(t, loginFrom(h, far), room.Limited) // from a new place it is a stranger's word
	h.clock.pass(time.Hour)
	must(t, loginFrom(h, far))
}

func loginFrom(h *house, address string) error {
	_, err := h.Login(ctx, "alice", good, "", address)
	return err
}

// All the ways in together stay under the bound: strangers, a known network, a stolen token.
func TestGuessesByEveryWayTogether(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	l := h.login("alice")
	tried := 0
	count := func(err error) {
		if c := room.CodeOf(err); c == room.Unauthenticated || c == room.Forbidden {
			tried++
		}
	}
	for i := range 360 {
		_, err := h.Login(ctx, "alice", "wrong guess", "", fmt.Sprintf("203.0.113.%d:1", i%200))
		count(err)
		_, err = h.Login(ctx, "alice", "wrong guess", "", home)
		count(err)
		_, err = h.ChangePassword(ctx, l.Caller, "wrong guess", "another horse", false)
		count(err)
		h.clock.pass(10 * time.Second)
	}
	if tried > 100 || tried < 50 {
		t.Errorf("%d guesses were tried in an hour, at most 100 may", tried)
	}
}

// One network trying many names is stopped, and the names' owners are not.
func TestSprayingFromOneNetwork(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	tried := 0
	for i := range 500 {
		_, err := h.Login(ctx, fmt.Sprint("user", i), good, "", fmt.Sprintf("[2001:db8::%x]:1", i))
		if room.CodeOf(err) == room.Unauthenticated {
			tried++
		}
	}
	if tried != 200 {
		t.Errorf("%d names were tried from one /64, want 200", tried)
	}
	h.login("alice")
}

// Signing in correctly is no guess, however often.
func TestRightPasswordsAreNotCounted(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	for range 150 {
		must(t, loginFrom(h, far))
	}
}

// An unknown name costs the same work and is limited the same way as a known one.
func TestUnknownNamesShowNothing(t *testing.T) {
	h := newHouse(t, Config{Argon: Argon{MemoryKiB: 8 << 10, Passes: 1}})
	h.add("alice", false)
	outcome := map[string][]room.Code{}
	spent := map[string][]time.Duration{}
	for i := range 30 {
		for _, name := range []string{"alice", "nobody"} {
			start := time.Now()
			_, err := h.Login(ctx, name, "wrong guess", "", fmt.Sprintf("203.0.113.%d:1", i))
			outcome[name] = append(outcome[name], room.CodeOf(err))
			if room.CodeOf(err) == room.Unauthenticated {
				spent[name] = append(spent[name], time.Since(start))
			}
		}
	}
	if fmt.Sprint(outcome["alice"]) != fmt.Sprint(outcome["nobody"]) {
		t.Errorf("known and unknown differ:\n%v\n%v", outcome["alice"], outcome["nobody"])
	}
	// The least of each: what the machine did besides only adds to a time.
	known, unknown := slices.Min(spent["alice"]), slices.Min(spent["nobody"])
	if known > 3*unknown || unknown > 3*known {
		t.Errorf("known takes %v, unknown %v", known, unknown)
	}
}

// Reliability test 19, flood: 500 people sign in at once, at the real cost of a hash. Memory grows by at
// most 128 MB; who finds no place is told to come back, everybody else gets in.
func TestLoginFlood(t *testing.T) {
	argon := Argon{}.withDefaults()
	argon.Waiting = 14 // who waits takes no memory, only the test's time
	h := newHouse(t, Config{Argon: argon})
	h.addAlike(500)
	runtime.GC()
	before, stop := heap(), make(chan struct{})
	var watch, logins sync.WaitGroup
	var most uint64
	watch.Go(func() { most = highest(stop) })
	var in, busy atomic.Int32
	for i := range 500 {
		logins.Go(func() {
			_, err := h.Login(ctx, fmt.Sprint("user", i), good, "", home)
			switch room.CodeOf(err) {
			case "":
				in.Add(1)
			case room.Busy, room.Limited:
				busy.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	logins.Wait()
	close(stop)
	watch.Wait()
	grown := (int64(most) - int64(before)) >> 20
	t.Logf("%d got in, %d were told to come back; memory grew by at most %d MiB", in.Load(), busy.Load(), grown)
	if grown > 128 {
		t.Errorf("memory grew by %d MiB, at most 128 may", grown)
	}
	if in.Load() < 16 || in.Load()+busy.Load() != 500 {
		t.Errorf("%d got in, %d were told to come back", in.Load(), busy.Load())
	}
}

// addAlike makes n accounts that share one hash, which takes the time of one.
func (h *house) addAlike(n int) {
	h.t.Helper()
	hash, err := h.hasher.hash(ctx, good)
	must(h.t, err)
	for i := range n {
		must(h.t, h.db.CreateAccount(&storagepb.Account{Name: fmt.Sprint("user", i), Password: hash}))
	}
	h.restart(h.config)
}

// heap is what the heap has of the system's memory now, garbage included.
func heap() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() + s[1].Value.Uint64()
}

func highest(stop chan struct{}) (most uint64) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return most
		case <-tick.C:
			most = max(most, heap())
		}
	}
}

// Who waits gives up when their own time is over, and leaves the place.
func TestWaitingEndsWithTheRequest(t *testing.T) {
	h := newHouse(t, Config{Argon: Argon{MemoryKiB: 8, Passes: 1, Parallel: 1, Waiting: 1}})
	h.add("alice", false)
	h.hasher.turns <- struct{}{} // somebody is hashing, and takes long
	gone, cancel := context.WithCancel(ctx)
	cancel()
	for range 30 {
		_, err := h.Login(gone, "alice", good, "", home)
		refused(t, err, room.Busy)
	}
	leave1, err := h.hasher.enter()
	must(t, err)
	leave2, err := h.hasher.enter()
	must(t, err)
	_, err = h.Login(ctx, "alice", good, "", home)
	refused(t, err, room.Busy)
	leave1()
	leave2()
	<-h.hasher.turns
	h.login("alice") // giving up was no guess
}
