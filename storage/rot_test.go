package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// An image is a data folder to be damaged.
type image struct {
	name string
	*world
	disk *vfs.MemFS
}

// images are data folders as they are found: closed in order or left by a killed process;
// with tables, or with all that was ever written still in the first log.
func images(t testing.TB) []image {
	var all []image
	for _, flushed := range []bool{true, false} {
		w := newWorld(11, 2)
		disk := vfs.NewCrashableMem()
		s := openMem(t, disk)
		if err := w.run(s, 60); err != nil {
			t.Fatal(err)
		}
		if flushed {
			if err := errors.Join(s.db.Flush(), w.run(s, 40)); err != nil {
				t.Fatal(err)
			}
		}
		name := map[bool]string{true: "tables and log", false: "first log"}[flushed]
		all = append(all, image{"killed, " + name, w, copyOf(disk)})
		mustClose(t, s)
		all = append(all, image{"closed, " + name, w, copyOf(disk)})
	}
	return all
}

func copyOf(disk *vfs.MemFS) *vfs.MemFS {
	return disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
}

// files are the paths of all files of a folder that are not empty.
func files(fs vfs.FS, dir string) (paths []string) {
	names, _ := fs.List(dir)
	slices.Sort(names)
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		switch {
		case err != nil:
		case info.IsDir():
			paths = append(paths, files(fs, path)...)
		case info.Size() > 0:
			paths = append(paths, path)
		}
	}
	return paths
}

// damages are what may become of a file.
var damages = []struct {
	name string
	do   func(rng *rand.Rand, b []byte) []byte
}{
	{"a bit flipped", func(rng *rand.Rand, b []byte) []byte {
		b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		return b
	}},
	{"a part zeroed", func(rng *rand.Rand, b []byte) []byte {
		from := rng.IntN(len(b))
		clear(b[from : from+1+rng.IntN(min(4096, len(b)-from))])
		return b
	}},
	{"cut short", func(rng *rand.Rand, b []byte) []byte { return b[:rng.IntN(len(b))] }},
	{"a bit flipped near the end", func(rng *rand.Rand, b []byte) []byte {
		b[len(b)-1-rng.IntN(min(64, len(b)))] ^= 1 << rng.IntN(8)
		return b
	}},
}

// pick takes a file by chance: each kind of file as often as any other, and of each kind
// mostly the newest, which is the one in use.
func pick(rng *rand.Rand, paths []string) string {
	kinds := []string{".log", ".sst", "MANIFEST-", "OPTIONS-", "tide", "FORMAT"}
	for {
		kind := kinds[rng.IntN(len(kinds))]
		of := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !strings.Contains(p, kind) })
		if len(of) > 0 {
			return of[max(0, len(of)-1-rng.IntN(4)/3)]
		}
	}
}

// damage spoils one file and tells which and how.
func damage(rng *rand.Rand, fs vfs.FS) (string, error) {
	path := pick(rng, files(fs, testDir))
	data, err := readFile(fs, path)
	if err != nil {
		return "", err
	}
	d := damages[rng.IntN(len(damages))]
	spoilt := d.do(rng, slices.Clone(data))
	what := fmt.Sprintf("%s (%d bytes): %s", path, len(data), d.name)
	if string(spoilt) == string(data) {
		what += ", which changed nothing"
	}
	f, err := fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return "", err
	}
	_, err = f.Write(spoilt)
	return what, errors.Join(err, f.Sync(), f.Close())
}

// Test 3 of the reliability list: whatever is damaged, the store either refuses, or
// answers as if nothing had happened; it never gives a wrong answer, and an acknowledged event
// that is not there is one.
func TestBitRot(t *testing.T) {
	t.Parallel()
	n := 150
	if os.Getenv("HEARTH_FULL") != "" {
		n = 500
	}
	all := images(t)
	counts := map[string]int{}
	for seed := range seeds(t, n) {
		rng := rand.New(rand.NewPCG(uint64(seed), 3))
		img := all[seed%len(all)]
		disk := copyOf(img.disk)
		what, err := damage(rng, disk)
		if err != nil {
			t.Fatal(err)
		}
		outcome, err := img.openDamaged(disk)
		counts[outcome]++
		if err != nil {
			t.Errorf("seed %d, %s, %s: %v", seed, img.name, what, err)
		}
		if testing.Verbose() {
			t.Logf("seed %d, %s, %s: %s", seed, img.name, what, outcome)
		}
	}
	t.Log(counts)
}

// openDamaged tells how a damaged folder behaves; an error only for a wrong answer.
func (img image) openDamaged(disk vfs.FS) (outcome string, err error) {
	s, err := Open(testDir, Options{FS: disk, CacheBytes: 1 << 20, Fatal: func(m string) { panic(m) }})
	if err != nil {
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNewer) {
			return "refused", fmt.Errorf("not a clear refusal: %w", err)
		}
		return "refused", nil
	}
	found, verified := img.check(s), img.verify(s)
	_ = s.Close() // it may well complain
	switch {
	case errors.Is(found, errDifferent):
		return "wrong", found
	case found != nil && verified == nil:
		return "refused by a read", fmt.Errorf("Verify passes over it: %w", found)
	case found != nil:
		return "refused by a read", nil
	}
	return "no difference", nil
}
