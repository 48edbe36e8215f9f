package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A fault is a disk whose n-th operation fails, or, with onward, all from the n-th on.
type fault struct {
	at     int64
	err    error
	onward bool
	ops    atomic.Int64
	mended atomic.Bool
	dead   *atomic.Bool // the process has ended: nothing more happens
}

func (f *fault) MaybeError(op errorfs.Op) error {
	if f.dead != nil && f.dead.Load() {
		select {}
	}
	n := f.ops.Add(1)
	if f.mended.Load() || n < f.at || n > f.at && !f.onward {
		return nil
	}
	if f.err == syscall.ENOSPC && !takesSpace(op.Kind) {
		return nil // a full disk still reads and deletes
	}
	return fmt.Errorf("%s: %w", op.Path, f.err)
}

func takesSpace(k errorfs.OpKind) bool {
	switch k {
	case errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFilePreallocate,
		errorfs.OpMkdirAll, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpLink, errorfs.OpRename:
		return true
	}
	return false
}

func (f *fault) String() string { return fmt.Sprintf("%v at %d (onward: %v)", f.err, f.at, f.onward) }

const enospc = syscall.ENOSPC

// scriptLen is how many operations the script has: turns of rooms, with tables written and
// the node's own things kept in between.
const scriptLen = 200

// A faultRun is one run of the script on a failing disk.
type faultRun struct {
	*world
	disk  *vfs.MemFS
	fault *fault
	value int           // of "script", acknowledged
	fatal chan struct{} // storage ended the process
	dead  atomic.Bool   // it did: nobody hears of what is acknowledged from now on
	died  *vfs.MemFS    // the disk then
	sure  []int64       // what had been acknowledged then
}

// script runs until it is through or twice refused; nil store: it could not be opened.
func (f *faultRun) script() *Store {
	s, err := Open(testDir, Options{FS: errorfs.Wrap(f.disk, f.fault), CacheBytes: 1 << 20, Fatal: f.die})
	if err != nil {
		return nil
	}
	for i := range scriptLen {
		if f.step(s, i) != nil && f.step(s, i) != nil {
			return s
		}
	}
	return s
}

func (f *faultRun) step(s *Store, i int) error {
	switch {
	case i%20 == 19:
		if !f.fault.onward { // a table that cannot be written is tried again for ever
			return s.db.Flush()
		}
		_, err := s.db.AsyncFlush()
		return err
	case i%10 == 9:
		err := s.PutValue("script", []byte(strconv.Itoa(i)))
		if err == nil && !f.dead.Load() {
			f.value = i
		}
		return err
	}
	f.plan(1)
	for _, r := range f.rooms {
		if err := r.submitUnless(&f.dead, s); err != nil {
			return err
		}
	}
	return nil
}

// die is what is left when storage ends the process: the disk with all that was written, for
// the page cache survives a process. The caller is parked for ever, and so is whoever comes
// to the disk after it.
func (f *faultRun) die(string) {
	f.dead.Store(true)
	f.sure = f.acked()
	f.died = f.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	close(f.fatal)
	select {}
}

// runFault runs the script with a fault, then opens what is left, with the fault mended.
func runFault(fault *fault) error {
	f := &faultRun{world: newWorld(3, 2), disk: vfs.NewCrashableMem(), fault: fault, fatal: make(chan struct{})}
	fault.dead = &f.dead
	through := make(chan error, 1)
	go func() { through <- f.live() }()
	select {
	case <-f.fatal:
		for i, r := range f.rooms {
			r.acked.Store(f.sure[i])
		}
		return f.left(f.died)
	case err := <-through:
		return err
	}
}

// live is a process that does not die of its fault: the power is cut at the end of the script,
// or the fault is mended and the store closed.
func (f *faultRun) live() error {
	s := f.script()
	cut := f.disk.CrashClone(vfs.CrashCloneCfg{})
	f.fault.mended.Store(true)
	if s != nil {
		// What was acknowledged is answered, by a store that has seen a fault too. A read may still
		// share the failure of an opening that was under way when the fault was mended: it
		// was refused, and is asked again.
		err := f.check(s)
		if err != nil && !errors.Is(err, errDifferent) {
			err = f.check(s)
		}
		if err := errors.Join(err, s.Close()); err != nil {
			return fmt.Errorf("after the script: %w", err)
		}
	}
	return errors.Join(f.left(cut), f.left(f.disk))
}

// left opens a disk, checks it and writes on.
func (f *faultRun) left(disk *vfs.MemFS) error {
	before := f.acked()
	defer func() {
		for i, r := range f.rooms {
			r.acked.Store(before[i])
		}
	}()
	s, err := Open(testDir, Options{FS: disk, CacheBytes: 1 << 20})
	if err != nil {
		return err
	}
	value, err := s.Value("script")
	if n, _ := strconv.Atoi(string(value)); err == nil && n < f.value {
		err = differ("the value is %d, and %d was acknowledged", n, f.value)
	}
	err = errors.Join(err, f.check(s), f.verify(s), f.kept(s))
	if err == nil {
		err = errors.Join(f.submitAll(s, 1), f.check(s))
	}
	return errors.Join(err, s.Close())
}

// Test 2 of the reliability list: at every n-th operation of the script the disk fails,
// full or broken, once or (at every other n) from then on. Nothing is acknowledged that is not durable; storage
// refuses, or ends the process; what it leaves opens clean. It runs in children, because
// a store that ends its process cannot be closed. HEARTH_FULL=1 runs every n.
func TestEveryOperationFails(t *testing.T) {
	t.Parallel()
	counted := &fault{at: -1}
	counted.mended.Store(true)
	if err := runFault(counted); err != nil {
		t.Fatal(err)
	}
	last := int(counted.ops.Load())
	stride := max(1, last/60)
	if os.Getenv("HEARTH_FULL") != "" {
		stride = 1
	}
	const each = 100 // cases a child runs before its dead stores take too much memory
	for first := 1; first <= last; first += each * stride {
		runChildTest(t, "TestFaultsChild", fmt.Sprint(first, min(last, first+each*stride-1), stride))
	}
}

// childEnv tells a child of this test what to do.
const childEnv = "HEARTH_STORAGE_CHILD"

func runChildTest(t *testing.T, name, order string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^"+name+"$", "-test.timeout=20m")
	child.Env = append(os.Environ(), childEnv+"="+order)
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", name, order, err, out)
	}
}

func TestFaultsChild(t *testing.T) {
	var first, last, stride int
	if n, _ := fmt.Fscan(strings.NewReader(os.Getenv(childEnv)), &first, &last, &stride); n != 3 {
		t.Skip("run by TestEveryOperationFails")
	}
	for n := first; n <= last; n += stride {
		for i, err := range []error{syscall.EIO, syscall.ENOSPC} {
			f := &fault{at: int64(n), err: err, onward: (n/stride+i)%2 == 0}
			if err := runFault(f); err != nil {
				t.Errorf("%v: %v", f, err)
			}
		}
	}
}
