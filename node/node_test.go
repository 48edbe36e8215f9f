package node

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"hearth/node/account"
	"hearth/node/limit"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/test/leak"
)

func TestMain(m *testing.M) {
	leak.Main(m, goleak.IgnoreAnyFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker"))
} // bleve starts its own at init

const testName = "node.test"

// clock is a wall clock that tests move.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time { return time.UnixMilli(c.ms.Load()) }

// world is a node on a store in memory.
type world struct {
	*Node
	t     testing.TB
	fs    *vfs.MemFS
	store *storage.Store
	clock *clock
	dir   string
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, fs: vfs.NewCrashableMem(), clock: &clock{}}
	w.clock.ms.Store(1_800_000_000_000)
	w.open()
	t.Cleanup(w.shut)
	return w
}

func (w *world) open() {
	w.t.Helper()
	s, err := storage.Open("data", storage.Options{FS: w.fs, CacheBytes: 8 << 20, Fatal: func(m string) { w.t.Log("store: " + m) }})
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := Open(Config{
		Name: testName, Dir: w.dir, Registration: "open", Now: w.clock.now,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Account: cheapPasswords(),
	}, s)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Node, w.store = n, s
}

func (w *world) shut() {
	if w.Node == nil {
		return
	}
	if err := w.Node.Close(); err != nil {
		w.t.Error(err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
	w.Node = nil
}

func (w *world) restart() {
	w.shut()
	w.open()
}

// user registers somebody.
func (w *world) user(name string) Caller {
	w.t.Helper()
	login, err := w.Accounts.Register(context.Background(), account.Registration{Username: name, Password: "correct horse 1", DeviceName: "test"})
	if err != nil {
		w.t.Fatal(err)
	}
	return login.Caller
}

func (w *world) room(by Caller, alias string) room.ID {
	w.t.Helper()
	s, err := w.CreateRoom(context.Background(), by, NewRoom{Alias: alias, Name: alias, Public: true})
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := room.ParseHash(s.Room)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// do submits and must succeed.
func (w *world) do(by Caller, id room.ID, k room.Kind, b *roompb.Body) Receipt {
	w.t.Helper()
	r, err := w.Submit(context.Background(), room.Draft{Room: id, Author: by.User, Kind: k, Body: b})
	if err != nil {
		w.t.Fatalf("%s %s: %v", by.User, k, err)
	}
	w.settle(id)
	return r
}

// settle returns when the room's loop has done with what was acknowledged: followers
// are woken after the acknowledgement.
func (w *world) settle(id room.ID) {
	w.t.Helper()
	s := &submission{read: &readMark{user: "nobody@" + testName}, done: make(chan result, 1)}
	if err := w.submit(id, s); err != nil {
		w.t.Fatal(err)
	}
	<-s.done
}

// refused submits and must be refused with a code.
func (w *world) refused(want room.Code, by Caller, id room.ID, k room.Kind, b *roompb.Body) {
	w.t.Helper()
	_, err := w.Submit(context.Background(), room.Draft{Room: id, Author: by.User, Kind: k, Body: b})
	if room.CodeOf(err) != want {
		w.t.Fatalf("%s %s: %v, want %s", by.User, k, err, want)
	}
}

func (w *world) say(by Caller, id room.ID, text string) Receipt {
	w.t.Helper()
	return w.do(by, id, room.KindText, &roompb.Body{Text: text})
}

func (w *world) history(by Caller, q HistoryQuery) *History {
	w.t.Helper()
	h, err := w.History(w.t.Context(), by, q)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *world) summary(by Caller, id room.ID) *roompb.RoomSummary {
	w.t.Helper()
	s, err := w.Summary(by, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// reader follows as a session does, and keeps what it got.
type reader struct {
	*Follower
	t      testing.TB
	items  map[string][]*roompb.Item
	rooms  map[string]*roompb.RoomSummary
	gaps   int
	ended  error
	budget int
}

func (w *world) follow(by Caller, o FollowOptions) *reader {
	w.t.Helper()
	f, err := w.Follow(by, o)
	if err != nil {
		w.t.Fatal(err)
	}
	r := &reader{Follower: f, t: w.t, items: map[string][]*roompb.Item{}, rooms: map[string]*roompb.RoomSummary{}, budget: 1 << 16}
	w.t.Cleanup(f.Close)
	return r
}

// drain takes all that is due now.
func (r *reader) drain() {
	r.t.Helper()
	for {
		select {
		case <-r.Wake():
		default:
			return
		}
		for more := true; more; {
			b, err := r.Next(r.budget)
			if err != nil {
				r.ended = err
				return
			}
			r.take(&b)
			more = b.More
		}
	}
}

func (r *reader) take(b *Batch) {
	r.t.Helper()
	for _, ri := range b.Rooms {
		if ri.Gap {
			r.gaps++
		}
		for _, raw := range ri.Items {
			item := new(roompb.Item)
			if err := proto.Unmarshal(raw, item); err != nil {
				r.t.Fatal(err)
			}
			r.items[ri.Room] = append(r.items[ri.Room], item)
		}
	}
	for _, s := range b.Summaries {
		r.rooms[s.Room] = s
	}
}

func (r *reader) texts(id room.ID) []string {
	var out []string
	for _, it := range r.items[id.String()] {
		if room.Kind(it.Event.Kind).Message() {
			out = append(out, it.Event.Text)
		}
	}
	return out
}

func numbered(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

// cheapPasswords: what hashing costs is tested in node/account.
func cheapPasswords() account.Config {
	return account.Config{
		Argon:         account.Argon{MemoryKiB: 64, Passes: 1},
		Registrations: limit.Rate{Burst: 100_000, Per: time.Hour},
	}
}

// TestAddressIsOneRooms: whatever way a draft takes, no room gets the address of another.
func TestAddressIsOneRooms(t *testing.T) {
	w := newWorld(t)
	alice, mallory := w.user("alice"), w.user("mallory")
	garden, own := w.room(alice, "garden"), w.room(mallory, "own")
	alias := "garden"
	take := room.Draft{Room: own, Author: mallory.User, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Alias: &alias}}}
	if _, err := w.SubmitAsync(take)(t.Context()); room.CodeOf(err) != room.Taken {
		t.Fatalf("the address of a room was given to another: %v", err)
	}
	if id, err := w.Resolve("#garden@" + testName); err != nil || id != garden {
		t.Fatalf("#garden is %s, %v", id, err)
	}
	if _, err := w.Resolve("garden"); err == nil || !strings.Contains(err.Error(), "#garden@"+testName) {
		t.Fatalf("what is no address is answered by %v", err)
	}
	take.Room, take.Author = garden, alice.User
	if _, err := w.SubmitAsync(take)(t.Context()); err != nil {
		t.Fatalf("a room's own address: %v", err)
	}
}
