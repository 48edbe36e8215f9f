package storage

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// What was written is read back, before and after the store is closed and opened again, and
// Verify finds every index equal to what the log says.
func TestEverythingIsReadBack(t *testing.T) {
	fs := vfs.NewMem()
	w := newWorld(1, 3)
	s := openMem(t, fs)
	must(t, w.run(s, 300))
	for range 2 {
		must(t, errors.Join(w.check(s), w.verify(s)))
		mustClose(t, s)
		s = openMem(t, fs)
	}
	mustClose(t, s)
}

func TestASecondProcessIsRefused(t *testing.T) {
	if dir := os.Getenv(childEnv); dir != "" {
		_, err := Open(dir, Options{})
		if !errors.Is(err, ErrLocked) {
			t.Fatal(err)
		}
		return
	}
	dir := filepath.Join(t.TempDir(), "store")
	s, err := Open(dir, Options{})
	must(t, err)
	defer mustClose(t, s)
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Fatal("from the same process:", err)
	}
	runChildTest(t, t.Name(), dir)
}

func TestANewerFolderIsRefusedUntouched(t *testing.T) {
	fs := vfs.NewMem()
	mustClose(t, openMem(t, fs))
	must(t, writeFile(fs, testDir, formatFile, []byte("hearth store 3\n")))
	before := files(fs, testDir)
	_, err := Open(testDir, Options{FS: fs})
	if !errors.Is(err, ErrNewer) {
		t.Fatal(err)
	}
	if after := files(fs, testDir); len(after) != len(before) {
		t.Fatal(before, after)
	}
}

// A store's log is in a format that tells rot from a torn end, from its first byte on.
func TestTheFirstLogIsGuarded(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := openMem(t, disk)
	w := newWorld(1, 1)
	must(t, w.run(s, 100))
	killed := copyOf(disk)
	mustClose(t, s)
	must(t, killed.Remove(killed.PathJoin(testDir, tideFile))) // it has to do without
	logs := files(killed, testDir)
	for _, path := range logs {
		if data, _ := readFile(killed, path); strings.HasSuffix(path, ".log") && len(data) > 1000 {
			data[len(data)/2] ^= 1
			f, err := killed.Create(path, vfs.WriteCategoryUnspecified)
			must(t, err)
			_, err = f.Write(data)
			must(t, errors.Join(err, f.Close()))
		}
	}
	if _, err := Open(testDir, Options{FS: killed}); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
}

// A folder whose FORMAT was lost is not taken for a new one.
func TestALostFormatIsNotANewStore(t *testing.T) {
	for _, flush := range []bool{false, true} {
		fs := vfs.NewMem()
		s := openMem(t, fs)
		must(t, newWorld(1, 1).run(s, 5))
		if flush {
			must(t, s.db.Flush())
		}
		mustClose(t, s)
		must(t, fs.Remove(fs.PathJoin(testDir, formatFile)))
		if _, err := Open(testDir, Options{FS: fs}); !errors.Is(err, ErrCorrupt) {
			t.Fatal(flush, err)
		}
	}
}

func TestReadOnlyChangesNothing(t *testing.T) {
	disk := vfs.NewCrashableMem()
	w := newWorld(2, 2)
	s := openMem(t, disk)
	must(t, w.run(s, 50))
	killed := copyOf(disk)
	mustClose(t, s)
	before := contents(t, killed)
	s, err := Open(testDir, Options{FS: killed, ReadOnly: true})
	must(t, err)
	must(t, errors.Join(w.check(s), w.verify(s)))
	if err := w.rooms[0].put(s, w.turn(w.rooms[0])); err == nil {
		t.Fatal("a read-only store was written to")
	}
	mustClose(t, s)
	for path, data := range contents(t, killed) {
		if before[path] != data && !strings.HasSuffix(path, lockFile) {
			t.Fatal(path, "has changed")
		}
	}
	if _, err := Open("nowhere", Options{FS: killed, ReadOnly: true}); err == nil {
		t.Fatal("a store was made by reading it")
	}
}

func contents(t *testing.T, fs vfs.FS) map[string]string {
	all := map[string]string{}
	for _, path := range files(fs, testDir) {
		data, err := readFile(fs, path)
		must(t, err)
		all[path] = string(data)
	}
	return all
}

// Whatever is running, a closed store answers, and never panics.
func TestCloseWaitsAndThenRefuses(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	w := newWorld(1, 4)
	w.plan(200)
	var group sync.WaitGroup
	for _, r := range w.rooms {
		group.Go(func() {
			if err := r.submit(s); err != nil && !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		})
		group.Go(func() {
			for range 200 {
				if _, err := s.Records(r.id, 0, 10, 1<<20); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	mustClose(t, s)
	group.Wait()
	_, err := s.Verify(context.Background(), nil, func(Problem) {})
	for _, err := range []error{s.Close(), s.Append(&Append{}), s.Checkpoint("x"), err} {
		if !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
	}
}

func TestACheckpointOpens(t *testing.T) {
	fs := vfs.NewMem()
	s := openMem(t, fs)
	w := newWorld(6, 2)
	must(t, w.run(s, 100))
	must(t, s.Checkpoint("data/copy"))
	if err := s.Checkpoint("data/copy"); err == nil {
		t.Fatal("a checkpoint went over another")
	}
	must(t, w.check(s))
	mustClose(t, s)
	for _, readOnly := range []bool{true, false} {
		s, err := Open("data/copy", Options{FS: fs, ReadOnly: readOnly})
		must(t, err)
		must(t, errors.Join(w.check(s), w.verify(s)))
		mustClose(t, s)
	}
}

// fullDisk is a disk of which so much is free, that refuses what takes space when told to.
func fullDisk(free uint64, full func() bool) (vfs.FS, *vfs.MemFS) {
	disk := vfs.NewMem()
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 100 << 20})
	return errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full() && takesSpace(op.Kind) {
			return enospc
		}
		return nil
	})), disk
}

// The first write that finds the disk full drops the ballast and succeeds.
func TestBallastSavesAWrite(t *testing.T) {
	var disk *vfs.MemFS
	there := func() bool { _, err := disk.Stat(disk.PathJoin(testDir, ballastFile)); return err == nil }
	var armed atomic.Bool
	fs, mem := fullDisk(50<<20, func() bool { return armed.Load() && there() })
	disk = mem
	s, err := Open(testDir, Options{FS: fs, Fatal: func(m string) { panic(m) }})
	must(t, err)
	defer mustClose(t, s)
	if free, total := s.FreeSpace(); free != 50<<20 || total != 100<<20 || !there() {
		t.Fatal(free, total, there())
	}
	w := newWorld(1, 1)
	must(t, w.run(s, 10))
	armed.Store(true)
	must(t, w.run(s, 10))
	if there() {
		t.Fatal("the ballast was kept")
	}
	must(t, w.check(s))
	armed.Store(false)
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 15 << 20, TotalBytes: 100 << 20})
	if s.FreeSpace(); there() {
		t.Fatal("ballast was laid in on a disk that is nearly full")
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 60 << 20, TotalBytes: 100 << 20})
	if s.FreeSpace(); !there() {
		t.Fatal("no ballast was laid in when space had come back")
	}
}

// A log that cannot be written ends the process, with a trace, and loses nothing.
func TestAFullDiskEndsTheProcessWithATrace(t *testing.T) {
	if dir := os.Getenv(childEnv); dir != "" {
		dieOfFullDisk(t, dir)
	}
	dir := filepath.Join(t.TempDir(), "store")
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatal(err, string(out))
	}
	trace, err := os.ReadFile(filepath.Join(dir, fatalFile))
	if err != nil || !strings.Contains(string(trace), "no space left") {
		t.Fatal(string(trace), err)
	}
	s, err := Open(dir, Options{})
	must(t, err)
	defer mustClose(t, s)
	if v, err := s.Value("acknowledged"); string(v) != "yes" || err != nil {
		t.Fatal(v, err)
	}
}

// dieOfFullDisk acknowledges one thing, then finds the disk full; the trace still has room.
func dieOfFullDisk(t *testing.T, dir string) {
	var full atomic.Bool
	s, err := Open(dir, Options{FS: errorfs.Wrap(vfs.Default, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if full.Load() && strings.HasSuffix(op.Path, ".log") && takesSpace(op.Kind) {
			return enospc
		}
		return nil
	}))})
	must(t, err)
	must(t, s.PutValue("acknowledged", []byte("yes")))
	full.Store(true)
	t.Fatal("went on:", s.PutValue("refused", []byte("no")))
}

// Verify finds whatever is changed behind its back, in each space that follows from others,
// and in the log.
func TestVerifyFindsWhatDoesNotFit(t *testing.T) {
	meddle := map[string]func(b *pebble.Batch, key, value []byte) error{
		"missing": func(b *pebble.Batch, key, _ []byte) error { return b.Delete(key, nil) },
		"changed": func(b *pebble.Batch, key, value []byte) error {
			changed := append([]byte{0}, value...)
			changed[len(changed)-1] ^= 1
			return b.Set(key, changed[min(1, len(value)):], nil)
		},
		"too many": func(b *pebble.Batch, key, value []byte) error {
			more := append([]byte{}, key...)
			more[len(more)-1] ^= 0xff
			return b.Set(more, value, nil)
		},
	}
	// What one of these changes would leave as good as before: a head that need not be there, the last byte
	// of a room, which is anything, or of what the store keeps and does not understand.
	harmless := map[space][]string{
		spaceHead: {"missing"}, spaceStateHead: {"missing"}, spaceRoom: {"changed"}, spaceRoomNodes: {"changed"},
		spacePast: {"missing", "changed"}, spacePeer: {"missing", "changed"}, spaceProfile: {"missing", "changed"},
		spaceReport: {"missing", "changed"}, spaceNodeInvite: {"missing", "changed"},
	}
	spaces := []space{
		spaceRecord, spaceEvent, spaceLog, spaceTimeline, spaceThread, spaceHead, spaceRoom, spaceAlias, spaceMember, spaceUserRoom, spaceToken, spaceOwner,
		spaceAbout, spaceStateHead, spaceChain, spacePeerRoom, spaceRoomNodes, spacePast, spacePeer, spaceProfile, spaceReport, spaceNodeInvite, spaceFile, spacePublished,
	}
	for _, sp := range spaces {
		for how, change := range meddle {
			if !slices.Contains(harmless[sp], how) {
				t.Run(string(sp)+" "+how, func(t *testing.T) { meddled(t, sp, change) })
			}
		}
	}
}

func meddled(t *testing.T, sp space, change func(b *pebble.Batch, key, value []byte) error) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	w := newWorld(8, 1)
	must(t, w.run(s, 60))
	r := w.rooms[0] // the state log has a gap, and somebody a past
	a := &Append{Room: r.id, Pasts: []Past{{User: "a@n", Standings: []*roompb.PastStanding{{User: "a@n", From: 1, Until: 2}}}}}
	w.seal(r, testNode, room.KindSettings, &roompb.Body{})
	w.event(r, a, testNode, room.KindSettings, &roompb.Body{})
	w.finish(r, a)
	must(t, r.submit(s))
	must(t, s.PutDevice(device("alice", "1", "t")))
	blob := room.Hash{1}
	must(t, s.PutBlob(blobOf(blob, "alice", 3)))
	must(t, s.PutPeer(&storagepb.Peer{Name: farNode}))
	must(t, s.PutForeignProfile(&roompb.Profile{User: "a@" + farNode, DisplayName: "A"}))
	must(t, s.PutReport(&storagepb.Report{Id: "1", Reason: "spam"}))
	secret := tokenHash("node invite")
	must(t, s.PutNodeInvite(&storagepb.Invite{Id: "1", SecretHash: secret[:], UsesLeft: 1}))
	must(t, s.PutPublication(secret, &storagepb.Publication{Event: room.Hash{7}.Bytes()}))
	must(t, w.verify(s))
	b := s.db.NewBatch()
	n := 0
	must(t, s.scan(appendSpace(nil, sp), nil, func(key, value []byte) error {
		if n++; n > 1 {
			return errStop
		}
		return change(b, key, value)
	}))
	must(t, b.Commit(nil))
	if n == 0 {
		t.Fatal("there is none")
	}
	if err := w.verify(s); err == nil {
		t.Fatal("Verify found nothing")
	}
}
