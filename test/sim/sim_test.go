package sim

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// seeds runs a simulation for each seed: SEED=n that one alone, SEEDS=n the first n.
func seeds(t *testing.T, usual int, f func(t *testing.T, seed uint64)) {
	if one, err := strconv.Atoi(os.Getenv("SEED")); err == nil {
		f(t, uint64(one))
		return
	}
	if n, err := strconv.Atoi(os.Getenv("SEEDS")); err == nil {
		usual = n
	}
	for seed := range uint64(usual) {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) { f(t, seed) })
	}
}

// simulate plays one random script.
func simulate(t *testing.T, seed uint64, trouble []mishap, ahead time.Duration, crowd int) {
	inBubble(t, seed, 3+int(seed%5), func(w *world) {
		s := newScript(w, 3, 1+w.rng.IntN(2), crowd)
		s.ahead = ahead
		w.net.loss, w.net.snaps, w.net.doubles = 0.2*w.rng.Float64(), 0.01*w.rng.Float64(), 0.1*w.rng.Float64()
		w.net.most = w.between(5*time.Millisecond, 400*time.Millisecond)
		s.play(60+w.rng.IntN(80), trouble)
		s.settle()
		if seed%5 == 0 {
			for _, h := range w.hosts {
				h.verify()
			}
		}
		for _, k := range slices.Sorted(maps.Keys(s.stats)) {
			w.note("%s %d", k, s.stats[k])
		}
	})
}

// TestFederation is test 5 of the reliability list: nodes that talk while the network
// loses, doubles, delays and parts, machines lose power, and bans race messages. Once all
// is healed, they hold the same within a minute, and nothing acknowledged is lost.
func TestFederation(t *testing.T) {
	seeds(t, 50, func(t *testing.T, seed uint64) { simulate(t, seed, slices.Concat(cutsAndSnaps, crashes), 0, 0) })
}

// TestClocks is test 22: clocks that are wrong, jump by an hour or ten years, and go back
// at a restart. What a clock ahead has said shows when it is time, at the latest.
func TestClocks(t *testing.T) {
	seeds(t, 24, func(t *testing.T, seed uint64) {
		if seed%8 == 0 {
			simulate(t, seed, slices.Concat(cutsAndSnaps, crashes, clocks, jumps), 62*time.Minute, 0)
		} else {
			simulate(t, seed, slices.Concat(cutsAndSnaps, crashes, clocks), 6*time.Minute, 0)
		}
	})
}

// TestOldCopies is the federation's part of test 25: disks are set back to older copies,
// by hearth restore or by nobody's telling. Nobody's log forks for good.
func TestOldCopies(t *testing.T) {
	seeds(t, 24, func(t *testing.T, seed uint64) {
		simulate(t, seed, slices.Concat(cutsAndSnaps, crashes, copies), 0, 0)
	})
}

// TestCrowds: rooms of more members than a snapshot brings. Nodes that join them lack most
// members for a while, in which all that TestFederation does happens too.
func TestCrowds(t *testing.T) {
	seeds(t, 6, func(t *testing.T, seed uint64) {
		simulate(t, seed, slices.Concat(cutsAndSnaps, crashes), 0, 1300)
	})
}
