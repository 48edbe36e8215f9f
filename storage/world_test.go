package storage

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
	"hearth/test/leak"
)

// TestMain looks for goroutines left behind, except in a child: its stores die as processes
// do (fault_test.go).
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(m.Run())
	}
	leak.Main(m)
}

// A world is what happens in some rooms, made up by chance, and an account of it kept in
// plain maps, against which a store is held. It writes as a node does: every turn carries the
// room's Meta, and Meta.Clock is the number of the turn, which tells after a crash how many
// turns a store has kept.
type world struct {
	rng   *rand.Rand
	key   ed25519.PrivateKey
	rooms []*testRoom
}

// testRoom is one room: the turns that made it, and each of its logs (world_logs_test.go).
type testRoom struct {
	id       room.ID
	turns    []*Append
	installs map[*Append]bool // the turns that are a snapshot
	acked    atomic.Int64     // turns that the store has acknowledged

	logs    map[logName]*testLog
	touched map[*testLog]bool // in this turn
	lives   map[string]uint32 // the newest incarnation of an origin
	ends    map[string]uint64 // seq of the head that was last given, by log and origin

	pos   uint64
	texts []uint64 // pos of texts that were not erased
	ids   map[uint64]room.EventID
	rec   map[uint64]Record
	meta  *storagepb.Room
	clock uint64
	users map[string]string // membership
}

const testNode = "n.example"

func newWorld(seed uint64, rooms int) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 1)),
		key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)),
	}
	for i := range rooms {
		w.rooms = append(w.rooms, w.newRoom(i))
	}
	return w
}

func (w *world) publicKey(string) ed25519.PublicKey { return w.key.Public().(ed25519.PublicKey) }

func (w *world) newRoom(n int) *testRoom {
	r := &testRoom{
		installs: map[*Append]bool{}, logs: map[logName]*testLog{}, touched: map[*testLog]bool{}, lives: map[string]uint32{}, ends: map[string]uint64{},
		ids: map[uint64]room.EventID{}, rec: map[uint64]Record{},
		users: map[string]string{}, meta: &storagepb.Room{}, clock: uint64(1_700_000_000_000) << 16,
	}
	settings := &roompb.Settings{Alias: proto.String(fmt.Sprintf("room-%d", n)), Name: proto.String("Room")}
	a := &Append{}
	e := w.event(r, a, testNode, room.KindCreate, &roompb.Body{Version: 1, Settings: settings})
	r.id = e.ID
	a.Room = r.id
	r.meta.Id, r.meta.Alias, r.meta.Name = r.id[:], settings.GetAlias(), "Room"
	w.finish(r, a)
	return r
}

// turn makes up what happens next in a room.
func (w *world) turn(r *testRoom) *Append {
	a := &Append{Room: r.id, Standings: map[uint64]*storagepb.Standing{}}
	if w.rng.IntN(15) == 0 {
		w.install(r, a)
	}
	for range 1 + w.rng.IntN(3) {
		deeds[w.rng.IntN(len(deeds))](w, r, a)
	}
	w.finish(r, a)
	return a
}

// deeds are what may happen in a turn; those listed twice happen more often.
var deeds = []func(*world, *testRoom, *Append){
	(*world).say, (*world).say, (*world).say, (*world).edit, (*world).edit, (*world).remove,
	(*world).join, (*world).rename, (*world).readUpTo, (*world).mention, (*world).pin, (*world).reply,
	(*world).receive, (*world).receive, (*world).fetch, (*world).fetch, (*world).beginAnew, (*world).freeze, (*world).void, (*world).void,
	(*world).shareNodes, (*world).recall, (*world).post,
}

func (w *world) origin() string { return []string{testNode, testNode, "peer.example"}[w.rng.IntN(3)] }

func (w *world) text() string {
	words := []string{"hearth", "the kettle is on", "今天天气很好", "see you", "🫖", "x"}
	var b bytes.Buffer
	for range 1 + w.rng.IntN(12) {
		b.WriteString(words[w.rng.IntN(len(words))] + " ")
	}
	return b.String()
}

// files are none, one, or the same twice.
func (w *world) files() (files []*roompb.File) {
	blob := room.Hash{byte(w.rng.IntN(4))}
	for range w.rng.IntN(3) {
		files = append(files, &roompb.File{Blob: blob.String(), Name: "kettle.png"})
	}
	return files
}

func (w *world) say(r *testRoom, a *Append) {
	e := w.event(r, a, w.origin(), room.KindText, &roompb.Body{Text: w.text(), Files: w.files()})
	r.texts = append(r.texts, r.pos)
	a.Keys = append(a.Keys, Key{User: e.Author(), Key: fmt.Sprint("k", r.pos), Event: e.ID, Pos: r.pos, Time: int64(r.pos)})
}

func (w *world) reply(r *testRoom, a *Append) {
	if pos, ok := w.some(r); ok {
		w.event(r, a, w.origin(), room.KindText, &roompb.Body{Text: w.text(), Thread: r.ids[pos].Bytes()})
		r.texts = append(r.texts, r.pos)
	}
}

// some is the pos of a text that is still there.
func (w *world) some(r *testRoom) (uint64, bool) {
	if len(r.texts) == 0 {
		return 0, false
	}
	return r.texts[w.rng.IntN(len(r.texts))], true
}

func (w *world) edit(r *testRoom, a *Append) {
	pos, ok := w.some(r)
	if !ok {
		return
	}
	text := w.text()
	w.event(r, a, w.origin(), room.KindEdit, &roompb.Body{Text: text, Target: r.ids[pos].Bytes()})
	a.Standings[pos] = &storagepb.Standing{Text: text, Edited: int64(r.pos), Edits: []uint64{r.pos}}
}

func (w *world) remove(r *testRoom, a *Append) {
	pos, ok := w.some(r)
	if !ok || w.rng.IntN(3) > 0 {
		return
	}
	w.event(r, a, testNode, room.KindDelete, &roompb.Body{Target: r.ids[pos].Bytes()})
	r.texts = slices.DeleteFunc(r.texts, func(p uint64) bool { return p == pos })
	a.Erase = append(a.Erase, pos)
	for p, rec := range r.rec { // its edits go too
		if target, ok := rec.Event.Target(); ok && target == r.ids[pos] && rec.Event.Kind() == room.KindEdit {
			a.Erase = append(a.Erase, p)
		}
	}
	a.Standings[pos] = &storagepb.Standing{Deleted: true, DeletedBy: "alice@" + testNode}
}

func (w *world) join(r *testRoom, a *Append) {
	user := fmt.Sprintf("user%d@%s", w.rng.IntN(20), testNode)
	m := &storagepb.Member{Room: r.id[:], User: user, Membership: "join", Role: "member", Since: int64(r.pos)}
	kind := room.KindJoin
	if r.users[user] == "join" {
		kind, m.Membership = room.KindLeave, "leave"
	}
	r.users[user] = m.Membership
	r.countMembers()
	w.event(r, a, w.steward(), kind, &roompb.Body{})
	a.Members = append(a.Members, m)
}

func (w *world) rename(r *testRoom, a *Append) {
	alias := fmt.Sprintf("%s-%d", r.id.String()[:8], w.rng.IntN(4))
	if w.rng.IntN(4) == 0 {
		alias = ""
	}
	w.event(r, a, w.steward(), room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Alias: &alias}})
	r.meta.Alias, r.meta.Origin = alias, []string{"", farNode}[w.rng.IntN(2)]
}

func (w *world) readUpTo(r *testRoom, a *Append) {
	pos := 1 + w.rng.Uint64N(r.pos)
	u := room.User(fmt.Sprintf("user%d@%s", w.rng.IntN(5), testNode))
	a.Reads = append(a.Reads, Read{User: u, Pos: pos, Counted: r.rec[pos].Counted, Event: r.ids[pos], Time: int64(r.pos)})
}

func (w *world) mention(r *testRoom, a *Append) {
	w.say(r, a)
	users := []room.User{"", "user1@" + testNode, "user2@" + testNode}
	a.Mentions = append(a.Mentions, Mention{users[w.rng.IntN(len(users))], r.pos})
}

func (w *world) pin(r *testRoom, a *Append) {
	if pos, ok := w.some(r); ok {
		a.Pins = append(a.Pins, Pin{Pos: pos, On: w.rng.IntN(3) > 0, Order: room.Time(r.clock)})
	}
}

// verify is Verify with its problems as one error.
func (w *world) verify(s *Store) error {
	var problems []error
	_, err := s.Verify(context.Background(), w.publicKey, func(p Problem) { problems = append(problems, errors.New(p.String())) })
	return errors.Join(err, errors.Join(problems...))
}

// plan makes up n turns in rooms picked by chance, without submitting them.
func (w *world) plan(n int) {
	for range n {
		w.turn(w.rooms[w.rng.IntN(len(w.rooms))])
	}
}

// kept looks how many turns a store has of each room, and takes those for acknowledged: a
// sender that was cut off asks, and goes on from there.
func (w *world) kept(s *Store) error {
	for _, r := range w.rooms {
		meta, err := s.Room(r.id)
		if err != nil {
			return err
		}
		r.acked.Store(int64(meta.GetClock()))
	}
	return nil
}

// run submits n turns in rooms picked by chance.
func (w *world) run(s *Store, n int) error {
	for _, r := range w.rooms {
		if err := r.submit(s); err != nil {
			return err
		}
	}
	for range n {
		r := w.rooms[w.rng.IntN(len(w.rooms))]
		w.turn(r)
		if err := r.submit(s); err != nil {
			return err
		}
	}
	return nil
}

// submit appends the turns that were not yet.
func (r *testRoom) submit(s *Store) error { return r.submitUnless(new(atomic.Bool), s) }

// submitUnless is submit in a process that may end: when dead is set, nothing counts as
// acknowledged any more, and the caller is parked.
func (r *testRoom) submitUnless(dead *atomic.Bool, s *Store) error {
	for r.acked.Load() < int64(len(r.turns)) {
		if err := r.put(s, r.turns[r.acked.Load()]); err != nil {
			return err
		}
		if dead.Load() {
			select {}
		}
		r.acked.Add(1)
	}
	return nil
}

func (r *testRoom) put(s *Store, a *Append) error {
	if r.installs[a] {
		return s.Install(a)
	}
	return s.Append(a)
}

const testDir = "data/store"

func openMem(t testing.TB, fs vfs.FS) *Store {
	t.Helper()
	s, err := Open(testDir, Options{FS: fs, CacheBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func tokenHash(s string) [32]byte { return sha256.Sum256([]byte(s)) }
