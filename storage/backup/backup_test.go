package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
	"hearth/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// node is a data folder in use: a room that is talked in, and a file.
type node struct {
	dir   string
	store *storage.Store
	room  room.ID
	last  *room.Event
	pos   uint64
}

func newNode(t testing.TB) *node {
	n := &node{dir: t.TempDir()}
	var err error
	n.store, err = storage.Open(filepath.Join(n.dir, storeFolder), storage.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, n.store.Close()) })
	must(t, os.MkdirAll(filepath.Join(n.dir, blobFolder, "ab"), 0o700))
	must(t, os.WriteFile(filepath.Join(n.dir, blobFolder, "ab", "cdef"), []byte("a picture"), 0o600))
	for range 20 {
		n.say(t)
	}
	return n
}

func (n *node) say(t testing.TB) {
	h := &roompb.Header{Log: roompb.Log_LOG_STATE, Origin: "n.example", Seq: n.pos + 1, Time: n.pos + 1, Author: "alice@n.example", Kind: string(room.KindCreate)}
	if n.last != nil {
		h.Room, h.Prev, h.Kind = n.room[:], n.last.ID.Bytes(), string(room.KindJoin)
	}
	e, err := room.Seal(h, &roompb.Body{Salt: make([]byte, room.SaltLen), Version: 1})
	must(t, err)
	n.room, n.last = e.Room(), e
	n.pos++
	must(t, n.store.Append(&storage.Append{
		Room:    n.room,
		Records: []storage.Record{{Pos: n.pos, Event: e}},
		Meta:    &storagepb.Room{Id: n.room.Bytes(), HeadPos: n.pos},
	}))
}

// made is a backup of a node that was talked in all the while.
func made(t testing.TB) (*node, []byte) {
	n := newNode(t)
	var out bytes.Buffer
	busy := &writerThat{w: &out, do: func() { n.say(t) }}
	must(t, Write(context.Background(), n.store, n.dir, busy))
	names, err := filepath.Glob(filepath.Join(n.dir, ".backup-*"))
	if err != nil || len(names) > 0 {
		t.Fatal("left behind:", names, err)
	}
	return n, out.Bytes()
}

// writerThat does something before each write.
type writerThat struct {
	w  io.Writer
	do func()
}

func (w *writerThat) Write(p []byte) (int, error) {
	w.do()
	return w.w.Write(p)
}

func TestABackupIsRestored(t *testing.T) {
	_, stream := made(t)
	dir := filepath.Join(t.TempDir(), "deep", "data")
	must(t, Restore(context.Background(), bytes.NewReader(stream), dir))
	picture, err := os.ReadFile(filepath.Join(dir, blobFolder, "ab", "cdef"))
	if err != nil || string(picture) != "a picture" {
		t.Fatal(string(picture), err)
	}
	s, err := storage.Open(filepath.Join(dir, storeFolder), storage.Options{})
	must(t, err)
	defer s.Close()
	report, err := s.Verify(context.Background(), nil, func(p storage.Problem) { t.Error(p) })
	if err != nil || report.Events != 20 {
		t.Fatal(report, err)
	}
}

func TestRestoreRefusesAFolderInUse(t *testing.T) {
	n, stream := made(t)
	if err := Restore(context.Background(), bytes.NewReader(stream), n.dir); !errors.Is(err, ErrNotEmpty) {
		t.Fatal(err)
	}
	empty := t.TempDir()
	must(t, Restore(context.Background(), bytes.NewReader(stream), empty))
}

// Whatever is done to a stream, it is restored whole or refused, and a refusal leaves nothing.
func TestADamagedBackupIsRefused(t *testing.T) {
	_, stream := made(t)
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		spoilt := bytes.Clone(stream)
		at := rng.IntN(len(spoilt))
		if seed%2 == 0 {
			spoilt = spoilt[:at]
		} else {
			spoilt[at] ^= 1 << rng.IntN(8)
		}
		parent := t.TempDir()
		dir := filepath.Join(parent, "data")
		err := Restore(context.Background(), bytes.NewReader(spoilt), dir)
		left, _ := os.ReadDir(parent)
		if err != nil && len(left) > 0 {
			t.Fatal("left behind:", left)
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("seed %d: not a clear refusal: %v", seed, err)
		}
		if err == nil {
			same(t, stream, dir)
		}
	}
}

// same fails unless dir holds what the stream does: then the damage was in its padding.
func same(t *testing.T, stream []byte, dir string) {
	r := tar.NewReader(bytes.NewReader(stream))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		must(t, err)
		if !wanted(h.Name) {
			continue
		}
		want, _ := io.ReadAll(r)
		got, err := os.ReadFile(filepath.Join(dir, h.Name))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatal(h.Name, "was restored wrongly", err)
		}
	}
}

// No name gets out of the folder, nor anything but a file into it.
func TestRestoreKeepsInside(t *testing.T) {
	bad := []*tar.Header{}
	for _, name := range []string{
		"../evil", "store/../../evil", "/etc/evil", "store/../blobs/x", "store//x", "store/./x", "blobs", "store/",
		"evil", "store\\..\\evil", "blobs/a\x00b", "search/x", "./store/x",
	} {
		bad = append(bad, header(name, 4))
	}
	bad = append(bad,
		&tar.Header{Name: "store/link", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
		&tar.Header{Name: "blobs/hard", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"},
		&tar.Header{Name: "store/pipe", Typeflag: tar.TypeFifo},
		&tar.Header{Name: "store/dir/", Typeflag: tar.TypeDir})
	for i, h := range bad {
		var stream bytes.Buffer
		a := &archive{ctx: context.Background(), w: tar.NewWriter(&stream)}
		must(t, a.bytes(headName, []byte(headText)))
		if err := a.w.WriteHeader(h); err != nil {
			continue // not even tar can say it
		}
		if h.Size > 0 {
			_, err := a.w.Write([]byte("evil"))
			must(t, err)
		}
		must(t, a.end())
		parent := t.TempDir()
		err := Restore(context.Background(), &stream, filepath.Join(parent, "a", "data"))
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("%d %q: %v", i, h.Name, err)
		}
		if names, _ := filepath.Glob(filepath.Join(parent, "*", "*")); len(names) > 0 {
			t.Errorf("%q left %v", h.Name, names)
		}
	}
}

func TestBackupAndRestoreCanBeStopped(t *testing.T) {
	n, stream := made(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := Restore(ctx, bytes.NewReader(stream), dir); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := Write(ctx, n.store, n.dir, io.Discard); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	full := errors.New("full")
	err := Write(context.Background(), n.store, n.dir, failing{full})
	if names, _ := filepath.Glob(filepath.Join(n.dir, ".backup-*")); !errors.Is(err, full) || len(names) > 0 {
		t.Fatal(err, names)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func FuzzRestore(f *testing.F) {
	_, stream := made(f)
	f.Add(stream[:min(len(stream), 4096)])
	f.Add([]byte(fmt.Sprint(headText)))
	f.Fuzz(func(t *testing.T, stream []byte) {
		parent := t.TempDir()
		if err := Restore(context.Background(), bytes.NewReader(stream), filepath.Join(parent, "data")); err != nil {
			if left, _ := os.ReadDir(parent); len(left) > 0 {
				t.Fatal("left behind:", left)
			}
		}
	})
}
