package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"image"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/room"
	"hearth/storage"
	"hearth/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

var ctx = context.Background()

const alice, bob = room.User("alice@n"), room.User("bob@n")

func fresh(t testing.TB, l Limits) *Store {
	t.Helper()
	db, err := storage.Open("data", storage.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s, err := Open(filepath.Join(t.TempDir(), "blobs"), db, l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *Store, owner room.User, raw []byte) room.Hash {
	t.Helper()
	id, err := s.PutAvatar(ctx, owner, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestPutAndOpen(t *testing.T) {
	s := fresh(t, Limits{})
	raw := asPNG(t, quarters(300, 200, 255))
	id := put(t, s, alice, raw)
	f, meta, err := s.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil || room.Hash(sha256.Sum256(data)) != id {
		t.Fatalf("read %d bytes of another hash (%v)", len(data), err)
	}
	if meta.GetType() != "image/jpeg" || meta.GetSize() != int64(len(data)) || meta.GetOwner() != "alice" {
		t.Errorf("%v", meta)
	}
	if img, _, err := image.Decode(bytes.NewReader(data)); err != nil || img.Bounds().Dx() != 200 {
		t.Errorf("%v", err)
	}
	if again := put(t, s, bob, raw); again != id {
		t.Error("the same picture has two ids")
	}
	if files := filesIn(t, s.dir); len(files) != 1 || len(filepath.Base(files[0])) != 62 {
		t.Errorf("files %v", files)
	}
	if n, err := s.meta.BlobBytesOf("bob"); n != 0 || err != nil {
		t.Errorf("bob pays %d bytes for alice's picture (%v)", n, err)
	}
}

func filesIn(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestRefusals(t *testing.T) {
	s := fresh(t, Limits{AvatarBytes: 100 << 10})
	for name, c := range map[string]struct {
		r    io.Reader
		code room.Code
	}{
		"too many bytes": {io.LimitReader(zeros{}, 1<<40), room.TooLarge},
		"broken off":     {iotest.ErrReader(errors.New("connection reset")), room.BadRequest},
		"text":           {bytes.NewReader([]byte("hello")), room.BadRequest},
		"half a png":     {bytes.NewReader(asPNG(t, quarters(100, 100, 255))[:150]), room.BadRequest},
		"bomb":           {bytes.NewReader(pngHeader(16_000, 16_000, 8, 6, 0)), room.TooLarge},
		"animation":      {bytes.NewReader(gifOf(4_000)), room.TooLarge},
	} {
		if _, err := s.PutAvatar(ctx, alice, c.r); room.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if files := filesIn(t, s.dir); len(files) != 0 {
		t.Errorf("refused uploads left %v", files)
	}
	if _, _, err := s.Open(room.Hash{1}); room.CodeOf(err) != room.NotFound {
		t.Errorf("unknown file: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestQuota(t *testing.T) {
	s := fresh(t, Limits{UserBytes: 4 << 10})
	var last error
	n := 0
	for i := 0; i < 50 && last == nil; i++ {
		img := image.NewUniform(color.NRGBA{uint8(i * 5), 100, 200, 255})
		small := image.NewNRGBA(image.Rect(0, 0, 40, 40))
		for j := range 1600 {
			small.Set(j%40, j/40, img.C)
		}
		if _, last = s.PutAvatar(ctx, alice, bytes.NewReader(asPNG(t, small))); last == nil {
			n++
		}
	}
	if room.CodeOf(last) != room.Limited || n == 0 {
		t.Fatalf("after %d pictures: %v", n, last)
	}
	if used, _ := s.meta.BlobBytesOf("alice"); used > 4<<10 {
		t.Errorf("%d bytes used", used)
	}
	put(t, s, bob, asPNG(t, quarters(40, 40, 255)))
}

// A file that was damaged or lost is never shown, is reported, and heals when somebody uploads it again.
func TestDamagedFile(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"flipped": func(path string) error {
			b, err := os.ReadFile(path)
			if err == nil {
				b[len(b)/2] ^= 1
				err = os.WriteFile(path, b, 0o600)
			}
			return err
		},
		"cut":  func(path string) error { return os.Truncate(path, 10) },
		"lost": os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t, Limits{})
			raw := asPNG(t, quarters(50, 50, 255))
			id := put(t, s, alice, raw)
			if err := harm(s.path(id)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Open(id); err == nil {
				t.Error("it was opened")
			}
			bad := 0
			if n, err := s.Verify(ctx, func(room.Hash, error) { bad++ }); n != 1 || bad != 1 || err != nil {
				t.Errorf("verify: %d files, %d bad, %v", n, bad, err)
			}
			put(t, s, alice, raw)
			if _, _, err := s.Open(id); err != nil {
				t.Errorf("not healed: %v", err)
			}
		})
	}
}

// Where files without a name are not supported, a temporary name is used and removed.
func TestFallback(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second time the name exists already
		f, link, err := named(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		if err := link(filepath.Join(dir, "name")); err != nil && !errors.Is(err, os.ErrExist) {
			t.Fatal(err)
		}
		f.Close()
	}
	f, _, err := named(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := discard(f); err != nil {
		t.Error(err)
	}
	f.Close()
	if files := filesIn(t, dir); len(files) != 1 {
		t.Errorf("left %v", files)
	}
}

func TestUnnamedFileLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f, _, err := unnamed(dir)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("half")
	if err := discard(f); err != nil {
		t.Error(err)
	}
	f.Close()
	if files := filesIn(t, dir); len(files) != 0 {
		t.Errorf("left %v", files)
	}
}

func TestManyUploadsAtOnce(t *testing.T) {
	s := fresh(t, Limits{})
	raw := asJPEG(t, quarters(400, 400, 255))
	ids := make(chan room.Hash, 30)
	var uploads sync.WaitGroup
	for range 30 {
		uploads.Go(func() {
			id, err := s.PutAvatar(ctx, alice, bytes.NewReader(raw))
			if err != nil && room.CodeOf(err) != room.Busy {
				t.Error(err)
			}
			if err == nil {
				ids <- id
			}
		})
	}
	uploads.Wait()
	close(ids)
	first, n := <-ids, 1
	for id := range ids {
		if n++; id != first {
			t.Error("one picture has two ids")
		}
	}
	if n < waiting {
		t.Errorf("only %d got through", n)
	}
	if !s.memory.TryAcquire(maxDecode) {
		t.Error("memory was not given back")
	}
}

// BenchmarkAvatar makes an avatar of a phone's 12-megapixel photo.
func BenchmarkAvatar(b *testing.B) {
	raw := asJPEG(b, quarters(4000, 3000, 255))
	p, err := inspect(raw)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := p.square(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(p.cost>>20), "estimated-MiB")
}

func BenchmarkOpen(b *testing.B) {
	s := fresh(b, Limits{})
	id := put(b, s, alice, asPNG(b, quarters(300, 300, 255)))
	for b.Loop() {
		f, _, err := s.Open(id)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}
