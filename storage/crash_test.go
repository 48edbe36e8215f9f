package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// seeds is how many seeds a test runs: SEEDS, or fewer for every commit.
func seeds(t testing.TB, quick int) int {
	n, err := strconv.Atoi(os.Getenv("SEEDS"))
	if os.Getenv("SEEDS") == "" {
		return quick
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A powerCut is a disk whose power is cut before its n-th operation: what it would hold then
// is kept as a copy, while the running program goes on and knows nothing of it.
type powerCut struct {
	disk  *vfs.MemFS
	rng   *rand.Rand
	at    int64
	ops   atomic.Int64
	acked func() []int64

	after *vfs.MemFS // the disk after the cut
	sure  []int64    // what had been acknowledged before it
}

func (c *powerCut) MaybeError(errorfs.Op) error {
	if c.ops.Add(1) == c.at {
		c.cut()
	}
	return nil
}

func (c *powerCut) String() string { return "power cut" }

func (c *powerCut) cut() {
	c.sure = c.acked()
	c.after = c.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: c.rng.IntN(5) * 25, RNG: c.rng})
}

// submitAll submits what is planned, each room in its own goroutine, while tables are written
// a few times.
func (w *world) submitAll(s *Store, flushes int) error {
	var group sync.WaitGroup
	errs := make([]error, len(w.rooms)+1)
	group.Go(func() {
		for range flushes {
			errs[len(w.rooms)] = s.db.Flush()
		}
	})
	for i, r := range w.rooms {
		group.Go(func() { errs[i] = r.submit(s) })
	}
	group.Wait()
	return errors.Join(errs...)
}

func (w *world) acked() []int64 {
	acked := make([]int64, len(w.rooms))
	for i, r := range w.rooms {
		acked[i] = r.acked.Load()
	}
	return acked
}

// Test 1 of the reliability list. Several rooms are written at once; the power is cut
// anywhere, the opening included, with none to all of what was not synced on the disk; what is
// left is opened, checked and written on, until the power is cut again. No acknowledged event
// may be lost, none may be there twice, and every index must equal a rebuild from the log.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	for seed := range seeds(t, 200) {
		if err := powerCutTwice(uint64(seed)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func powerCutTwice(seed uint64) error {
	w := newWorld(seed, 3)
	disk := vfs.NewCrashableMem()
	for cut := range 2 {
		w.plan(40 + w.rng.IntN(100))
		after, err := w.writeUntilCut(disk, w.rng.Int64N(450))
		if err != nil {
			return fmt.Errorf("before cut %d: %w", cut, err)
		}
		if err := w.reopen(after); err != nil {
			return fmt.Errorf("after cut %d: %w", cut, err)
		}
		disk = after
	}
	return nil
}

// writeUntilCut writes what is planned, and returns the disk as it was after operation at, or
// at the end when it did not come so far.
func (w *world) writeUntilCut(disk *vfs.MemFS, at int64) (*vfs.MemFS, error) {
	c := &powerCut{disk: disk, at: at, rng: rand.New(rand.NewPCG(uint64(at), w.rng.Uint64())), acked: w.acked}
	s, err := Open(testDir, Options{FS: errorfs.Wrap(disk, c), CacheBytes: 1 << 20})
	if err != nil {
		return nil, err
	}
	if err := w.submitAll(s, w.rng.IntN(4)); err != nil {
		return nil, err
	}
	if c.after == nil {
		c.cut()
	}
	for i, r := range w.rooms {
		r.acked.Store(c.sure[i])
	}
	return c.after, s.Close()
}

// reopen opens what a cut has left, holds it against the world, and takes what it has as given.
func (w *world) reopen(disk *vfs.MemFS) error {
	s, err := Open(testDir, Options{FS: disk, CacheBytes: 1 << 20})
	if err != nil {
		return err
	}
	return errors.Join(w.check(s), w.verify(s), w.kept(s), s.Close())
}
