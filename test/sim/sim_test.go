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

// seeds runs a simulation for each seed: SEED=n that one alone, SEEDS=n the first n, and
// with SHARD=i/n every n-th of them.
func seeds(t *testing.T, usual int, f func(t *testing.T, seed uint64)) {
	if one, err := strconv.Atoi(os.Getenv("SEED")); err == nil {
		f(t, uint64(one))
		return
	}
	most, shard, shards := usual, 0, 1
	if n, err := strconv.Atoi(os.Getenv("SEEDS")); err == nil {
		most = n
	}
	fmt.Sscanf(os.Getenv("SHARD"), "%d/%d", &shard, &shards)
	begun, failed := time.Now(), 0
	for seed := shard; seed < most && failed < 10; seed += shards {
		if !t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) { f(t, uint64(seed)) }) {
			failed++
		}
		if most > usual && (seed-shard)/shards%50 == 49 {
			fmt.Printf("%s: %d of %d seeds, %d failed, %v\n", t.Name(), seed+1, most, failed, time.Since(begun).Round(time.Second))
		}
	}
}

// TestFederation is test 5 of docs/../reliability: nodes that talk while the network
// loses, doubles, delays and parts, machines lose power, and bans race messages. Once all
// is healed, they hold the same within a minute, and nothing acknowledged is lost.
func TestFederation(t *testing.T) {
	seeds(t, 50, func(t *testing.T, seed uint64) {
		var stats map[string]int
		inBubble(t, seed, 3+int(seed%5), func(w *world) {
			s := newScript(w, 3, 1+w.rng.IntN(2))
			stats = s.stats
			w.net.loss, w.net.snaps, w.net.doubles = 0.2*w.rng.Float64(), 0.01*w.rng.Float64(), 0.1*w.rng.Float64()
			w.net.most = w.between(5*time.Millisecond, 400*time.Millisecond)
			s.play(60+w.rng.IntN(80), slices.Concat(cutsAndSnaps, crashes))
			s.settle()
			if seed%5 == 0 {
				for _, h := range w.hosts {
					h.verify()
				}
			}
		})
		if verbose {
			for _, k := range slices.Sorted(maps.Keys(stats)) {
				t.Log(k, stats[k])
			}
		}
	})
}
