package plugins

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"hearth/node"
	"hearth/node/account"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/test/leak"
)

var ignored = goleak.IgnoreAnyFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker") // bleve starts its own at init

func TestMain(m *testing.M) {
	if built.dir = os.Getenv("HEARTH_TEST_PLUGINS"); built.dir != "" { // the process that is killed
		built.once.Do(func() {})
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "hearth-plugins-")
	if err != nil {
		panic(err)
	}
	built.dir = dir
	code := m.Run()
	os.RemoveAll(dir)
	if code == 0 {
		if err := leak.Find(ignored); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// built is the folder of the plugins that the tests run.
var built struct {
	dir  string
	once sync.Once
	err  error
}

func pluginFolder(t testing.TB) string {
	built.once.Do(func() {
		for _, name := range []string{"echo", "chaos"} {
			out, err := exec.Command("go", "build", "-o", filepath.Join(built.dir, "hearth-bridge-"+name), "hearth/plugins/"+name).CombinedOutput()
			if err != nil {
				built.err = fmt.Errorf("build %s: %w\n%s", name, err, out)
			}
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.dir
}

const patience = 60 * time.Second

// world is a node with a host of plugins, on a store in memory that outlives both.
type world struct {
	t       testing.TB
	fs      vfs.FS
	folder  string
	store   *storage.Store
	n       *node.Node
	host    *Host
	dir     string
	times   Times
	limit   Limits
	held    *uintptr     // the namespaces of plugins; nil: as this machine has them
	folders []string     // of plugins, besides those that are built
	ahead   atomic.Int64 // ns, of the node's clock
	alice   node.Caller
	room    room.ID
}

// quick are times for tests.
var quick = Times{Backoff: 20 * time.Millisecond, MaxBackoff: 200 * time.Millisecond, Look: time.Second, Tick: 50 * time.Millisecond, Crashes: 1000}

func newWorld(t testing.TB) *world { return newWorldOn(t, vfs.NewMem(), "data") }

// newWorldOn puts the store into a folder of fs.
func newWorldOn(t testing.TB, fs vfs.FS, folder string) *world {
	w := &world{t: t, fs: fs, folder: folder, dir: t.TempDir(), times: quick}
	w.open()
	if _, err := w.n.Accounts.Register(context.Background(), account.Registration{Username: "alice", Password: "correct horse 1", DeviceName: "test"}); err != nil {
		t.Fatal(err)
	}
	w.alice = node.Caller{User: "alice@node.test"}
	s, err := w.n.CreateRoom(context.Background(), w.alice, node.NewRoom{Name: "garden"})
	if err != nil {
		t.Fatal(err)
	}
	if w.room, err = room.ParseHash(s.GetRoom()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.shut)
	return w
}

func (w *world) open() {
	w.t.Helper()
	s, err := storage.Open(w.folder, storage.Options{FS: w.fs, CacheBytes: 8 << 20, Fatal: func(m string) { w.t.Log("store: " + m) }})
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := node.Open(node.Config{
		Name: "node.test", Registration: "open", Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Account: account.Config{Argon: account.Argon{MemoryKiB: 64, Passes: 1}},
	}, s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.n, w.store = n, s
}

// start starts the host, and waits until it knows its plugins.
func (w *world) start() {
	w.t.Helper()
	h, err := New(Config{
		Node: w.n, Dir: filepath.Join(w.dir, "run"), Folders: append([]string{pluginFolder(w.t)}, w.folders...), Version: "test",
		Times: w.times, Limits: w.limit, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.host = h
	if w.held != nil {
		h.Limits.namespaces = *w.held
	}
	h.Start()
	w.until("kinds of plugins", func() bool { return len(w.n.Bridges.Kinds()) >= 2 })
}

func (w *world) stop() {
	if w.host != nil {
		w.host.Close()
		w.host = nil
	}
}

func (w *world) shut() {
	w.stop()
	if w.n == nil {
		return
	}
	if err := w.n.Close(); err != nil {
		w.t.Error(err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
	w.n = nil
}

// restart is a new process on the same store.
func (w *world) restart() {
	w.t.Helper()
	w.shut()
	w.open()
	w.start()
}

func (w *world) until(what string, done func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain for %s\n%s", what, w.logs())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *world) logs() string {
	var out strings.Builder
	for _, b := range w.n.Bridges.Bridges() {
		s := w.n.Bridges.StatusOf(b.Name)
		fmt.Fprintf(&out, "%s: %+v\n", b.Name, s)
		lines, _ := w.n.Bridges.Logs(b.Name, 0, 30)
		for _, l := range lines {
			fmt.Fprintf(&out, "  %s\n", l.Text)
		}
	}
	return out.String()
}

// bridge adds a bridge and joins the room to a channel of it.
func (w *world) bridge(kind, name, channelName string, settings map[string]string) {
	w.t.Helper()
	if err := w.n.AddBridge(channel.Bridge{Name: name, Kind: kind, Settings: settings}); err != nil {
		w.t.Fatal(err)
	}
	w.link(name, w.room, channelName)
}

func (w *world) link(name string, id room.ID, channelName string) {
	w.t.Helper()
	_, err := w.n.LinkBridge(context.Background(), channel.NewLink{Bridge: name, Room: id, Channel: channelName, By: "alice", Agreed: true}, "")
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) say(text string) room.EventID { return w.do(room.KindText, &roompb.Body{Text: text}) }

func (w *world) do(kind room.Kind, b *roompb.Body) room.EventID {
	w.t.Helper()
	r, err := w.n.Submit(context.Background(), room.Draft{Room: w.room, Author: w.alice.User, Kind: kind, Body: b})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Event
}

// now is an event as it stands.
func (w *world) now(e *roompb.Event) *roompb.Event {
	w.t.Helper()
	id, err := room.ParseHash(e.GetId())
	if err == nil {
		e, err = w.n.Event(w.alice, w.room, id)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// messages are the room's, in order, as they stood when they were said.
func (w *world) messages() (out []*roompb.Event) {
	w.t.Helper()
	for after := uint64(0); ; {
		s, err := w.n.Stretch(w.alice, w.room, after, 1<<20)
		if err != nil {
			w.t.Fatal(err)
		}
		items, err := decodeItems(s.Items)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, i := range items {
			if k := room.Kind(i.GetEvent().GetKind()); k.Message() {
				out = append(out, i.GetEvent())
			}
		}
		if after = s.Upto; !s.More {
			return out
		}
	}
}

func (w *world) status(name string) channel.Status { return w.n.Bridges.StatusOf(name) }

func (w *world) waitState(name, state string) {
	w.t.Helper()
	w.until(name+" to be "+state, func() bool { return w.status(name).State == state })
}

// far is the far network of a chaos bridge.
type far struct {
	t   testing.TB
	dir string
}

func newFar(t testing.TB) far { return far{t, t.TempDir()} }

// heard is what was said there, field by field: id, kind, channel, target, old text, text.
func (f far) heard() (out [][]string) {
	b, err := os.ReadFile(filepath.Join(f.dir, "heard"))
	if err != nil {
		return nil
	}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		out = append(out, strings.Split(line, "\t"))
	}
	return out
}

func (f far) say(lines ...string) {
	f.t.Helper()
	file, err := os.OpenFile(filepath.Join(f.dir, "said"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		for _, line := range lines {
			fmt.Fprintln(file, line)
		}
		err = file.Close()
	}
	if err != nil {
		f.t.Fatal(err)
	}
}
