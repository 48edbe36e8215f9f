package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// TestPowerCut is test 1 of the reliability list over the whole node: random talk, the
// power goes at a random moment with any part of what was not synced, twice; afterwards
// every acknowledged event is there once, in its sender's order. SEEDS sets how many.
func TestPowerCut(t *testing.T) {
	seeds := 40
	if s, err := strconv.Atoi(os.Getenv("SEEDS")); err == nil {
		seeds = s
	}
	for seed := range seeds {
		if !powerCut(t, uint64(seed)) {
			t.Fatalf("seed %d", seed)
		}
	}
}

func powerCut(t *testing.T, seed uint64) bool {
	rng := rand.New(rand.NewPCG(seed, 2))
	w := newWorld(t)
	defer w.shut()
	ann, ben := w.user("ann"), w.user("ben")
	garden := w.room(ann, "garden")
	w.do(ben, garden, room.KindJoin, nil)
	acked := map[string]room.EventID{}
	for life := range 2 {
		clone := talkUntilCut(w, rng, life, garden, []Caller{ann, ben}, acked)
		w.shut()
		w.fs = clone
		w.open()
		if !verifyTalk(t, w, ann, garden, acked) {
			return false
		}
	}
	return !t.Failed()
}

// talkUntilCut has two people talk; while they do, the disk is cloned as a power cut
// would leave it. acked is what was acknowledged before that moment.
func talkUntilCut(w *world, rng *rand.Rand, life int, garden room.ID, people []Caller, acked map[string]room.EventID) *vfs.MemFS {
	var mu sync.Mutex
	cutAt, done := rng.IntN(60), 0
	var clone *vfs.MemFS
	cut := vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rand.New(rand.NewPCG(rng.Uint64(), 3))}
	var all sync.WaitGroup
	for i, p := range people {
		all.Go(func() {
			for k := range 40 {
				name := fmt.Sprintf("%d/%d/%d", life, i, k)
				r, err := w.Submit(context.Background(), room.Draft{Room: garden, Author: p.User, Kind: room.KindText, Body: &roompb.Body{Text: name}, Key: name})
				mu.Lock()
				if err == nil && clone == nil {
					acked[name] = r.Event
				}
				if done++; done == cutAt+1 {
					clone = w.fs.CrashClone(cut)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return clone
}

func verifyTalk(t *testing.T, w *world, by Caller, garden room.ID, acked map[string]room.EventID) bool {
	seen := map[string]string{}
	next := map[string]int{}
	var before room.EventID
	var texts []*roompb.Event
	for {
		h := w.history(by, HistoryQuery{Room: garden, Before: before, Limit: 200})
		texts = append(slices.Clone(h.Events), texts...)
		if !h.MoreBefore {
			break
		}
		before, _ = room.ParseHash(h.Events[0].Id)
	}
	for _, e := range texts {
		if e.Kind != "text" {
			continue
		}
		if seen[e.Text] != "" {
			t.Errorf("%s is there twice", e.Text)
		}
		seen[e.Text] = e.Id
		var life, who, k int
		fmt.Sscanf(e.Text, "%d/%d/%d", &life, &who, &k)
		key := fmt.Sprint(life, who)
		if k != next[key] {
			t.Errorf("%s came where %d was due", e.Text, next[key])
		}
		next[key] = k + 1
	}
	for name, id := range acked {
		if seen[name] != id.String() {
			t.Errorf("%s was acknowledged as %s and is %q", name, id, seen[name])
		}
	}
	return !t.Failed()
}
