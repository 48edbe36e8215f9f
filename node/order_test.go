package node

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// TestOrder: what a node makes of a room does not depend on how the room's logs come. The
// same disk is copied three times; one copy is given the state log and then each log of
// messages, whole; the others stretches of any size in any order, some twice, with gaps
// that they fill by asking. All end with the same state and the same timeline, and a
// second helping of everything changes nothing.
func TestOrder(t *testing.T) {
	rounds := 1
	if os.Getenv("HEARTH_FULL") != "" {
		rounds = 400
	}
	void, rooms := 0, 25
	for seed := range uint64(rounds) {
		void += playOrders(t, seed, rooms)
	}
	if void < rounds*rooms {
		t.Errorf("in %d rooms %d messages are void: they try too little", rounds*rooms, void)
	}
}

const homeNode, hereNode = "home.test", "here.test"

var farNodes = []string{"c.test", "d.test"}

// telling is a room whose logs are known from end to end, as its home ordered it.
type telling struct {
	t       *testing.T
	rng     *rand.Rand
	home    *leagued
	id      room.ID
	olga    Caller
	keys    map[string]ed25519.PrivateKey
	logs    map[logKey][]*room.Event // of all nodes, and of the state under the zero key
	targets []room.EventID
	clock   room.Time
}

// playOrders tells how many messages are void in the end.
func playOrders(t *testing.T, seed uint64, rooms int) (void int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	l := newLeague(t, homeNode, hereNode)
	keys := map[string]ed25519.PrivateKey{homeNode: l.nodes[homeNode].keys}
	for _, name := range farNodes {
		s := make([]byte, ed25519.SeedSize)
		copy(s, name)
		keys[name] = ed25519.NewKeyFromSeed(s)
		record, err := peer.NewRecord(name, keys[name], nil, "test", time.Now())
		for _, n := range l.nodes {
			if err == nil {
				_, err = n.Peers.Pin(record)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	olga, alice := l.user(homeNode, "olga"), l.user(hereNode, "alice")
	var all []*telling
	for i := range rooms {
		w := &telling{t: t, rng: rng, home: l.nodes[homeNode], olga: olga, keys: keys, logs: map[logKey][]*room.Event{}}
		s, err := l.nodes[homeNode].CreateRoom(t.Context(), olga, NewRoom{Alias: fmt.Sprint("room", i), Name: "room", Public: true})
		if err != nil {
			t.Fatal(err)
		}
		w.id, _ = room.ParseHash(s.Room)
		if _, err := l.nodes[hereNode].Join(t.Context(), alice, w.id, homeNode); err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	l.kill(hereNode)
	disk := l.nodes[hereNode].fs
	for _, w := range all {
		for range 15 + rng.IntN(25) {
			w.step()
		}
		w.learn()
	}
	var want [][]string
	for n := range 3 {
		c := openCopy(t, disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rng}), l.clock, all)
		for i, w := range all {
			c.give(w, n > 0)
			is := c.lines(w, alice)
			if n == 0 {
				want = append(want, is)
				void += c.voids(w)
			} else {
				c.mustCome(w, alice, want[i], fmt.Sprintf("seed %d, room %d, copy %d", seed, i, n))
			}
			pos := c.last(w)
			c.give(w, true)
			c.mustCome(w, alice, want[i], fmt.Sprintf("seed %d, room %d, copy %d, all given twice", seed, i, n))
			if again := c.last(w); again != pos {
				t.Fatalf("seed %d, room %d, copy %d: what came twice was stored again: %d events, were %d", seed, i, n, again, pos)
			}
		}
		c.close()
	}
	return void
}

var orderUsers = []room.User{"cal@c.test", "cat@c.test", "dan@d.test"}

// step has somebody do something. What is refused is as good.
func (w *telling) step() {
	far := orderUsers[w.rng.IntN(len(orderUsers))]
	switch w.rng.IntN(12) {
	case 0, 1, 2:
		w.propose(far, room.KindJoin)
	case 3:
		w.propose(far, room.KindLeave)
	case 4, 5:
		w.rule(far)
	case 6:
		w.submit(room.KindText, &roompb.Body{Text: fmt.Sprint("olga's ", len(w.targets))})
	case 7:
		if len(w.targets) > 0 {
			w.submit(w.about())
		}
	default:
		w.write(far)
	}
}

// rule has olga do something to a user, or to a user's node.
func (w *telling) rule(far room.User) {
	kind := []room.Kind{room.KindKick, room.KindBan, room.KindUnban, room.KindUnban, room.KindRole, room.KindRole, room.KindSettings, room.KindNodeBan, room.KindNodeUnban, room.KindInvite}[w.rng.IntN(10)]
	w.submit(kind, &roompb.Body{
		Subject: string(far), Node: far.Node(), Role: []string{"administrator", "moderator", "member", "readonly"}[w.rng.IntN(4)],
		Settings: &roompb.Settings{Topic: proto.String(fmt.Sprint("topic ", w.rng.IntN(100)))},
	})
}

func (w *telling) submit(k room.Kind, b *roompb.Body) {
	r, err := w.home.Submit(w.t.Context(), room.Draft{Room: w.id, Author: w.olga.User, Kind: k, Body: b})
	if err == nil && k.Message() {
		w.targets = append(w.targets, r.Event)
	}
}

// about is something that is said about a message.
func (w *telling) about() (room.Kind, *roompb.Body) {
	target := w.targets[w.rng.IntN(len(w.targets))].Bytes()
	kind := []room.Kind{room.KindEdit, room.KindDelete, room.KindReact, room.KindUnreact, room.KindPin, room.KindUnpin, room.KindText}[w.rng.IntN(7)]
	if kind == room.KindText {
		return kind, &roompb.Body{Text: "in a thread", Thread: target}
	}
	return kind, &roompb.Body{Target: target, Text: fmt.Sprint("edited ", w.rng.IntN(100)), Emoji: []string{"👍", "🎉"}[w.rng.IntN(2)]}
}

func (w *telling) propose(u room.User, k room.Kind) {
	raw, err := proto.Marshal(&roompb.Body{Salt: make([]byte, room.SaltLen), NodeKey: w.keys[u.Node()].Public().(ed25519.PublicKey)})
	if err != nil {
		w.t.Fatal(err)
	}
	q := &roompb.ProposeAsk{Room: w.id.Bytes(), Author: string(u), Kind: string(k), Body: raw, Key: fmt.Sprint(w.rng.Uint64())}
	for key, log := range w.logs { // who leaves says how far its node has come
		if last := log[len(log)-1]; key.origin == u.Node() {
			q.Tops = append(q.Tops, &roompb.Top{Origin: key.origin, Incarnation: key.incarnation, Seq: uint64(len(log)), Hash: last.ID.Bytes()})
		}
	}
	w.home.Answer(w.t.Context(), u.Node(), &roompb.Ask{What: &roompb.Ask_Propose{Propose: q}})
}

// write has a far node write some events into its log, honest or backdated ones; the home
// sees them, or not.
func (w *telling) write(u room.User) {
	key := logKey{u.Node(), 1 + uint32(w.rng.IntN(8)/7)}
	log, c := w.logs[key], w.chamber()
	c.mu.RLock()
	index := c.state.Index
	c.mu.RUnlock()
	if len(log) > 0 && w.rng.IntN(3) == 0 {
		index = log[len(log)-1].Header.GetStateIndex() // as if it had heard of nothing since
	}
	begun := len(log)
	for range 1 + w.rng.IntN(4) {
		log = append(log, w.seal(key, log, u, index))
	}
	w.logs[key] = log
	if fresh := log[begun:]; w.rng.IntN(10) < 7 {
		_, _ = w.home.TakeParcel(u.Node(), w.parcel(fresh))(w.t.Context())
	}
}

func (w *telling) seal(key logKey, log []*room.Event, u room.User, index uint64) *room.Event {
	kind, b := room.KindText, &roompb.Body{Text: fmt.Sprintf("%s's %d", u.Local(), w.rng.IntN(1000))}
	if len(w.targets) > 0 && w.rng.IntN(3) == 0 {
		kind, b = w.about()
	}
	b.Salt = make([]byte, room.SaltLen)
	w.clock = w.clock.Next(time.Now().UnixMilli())
	h := &roompb.Header{
		Room: w.id.Bytes(), Log: roompb.Log_LOG_MESSAGES, Origin: key.origin, Incarnation: key.incarnation, Seq: uint64(len(log)) + 1,
		Time: uint64(w.clock), StateIndex: index, Author: string(u), Kind: string(kind),
	}
	if len(log) > 0 {
		last := log[len(log)-1]
		h.Prev, h.StateIndex = last.ID.Bytes(), max(index, last.Header.GetStateIndex())
	}
	e, err := room.Seal(h, b)
	if err != nil {
		w.t.Fatal(err)
	}
	if kind.Message() {
		w.targets = append(w.targets, e.ID)
	}
	return e
}

func (w *telling) chamber() *chamber {
	c, err := w.home.rooms.get(w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// learn takes the logs that the home has written.
func (w *telling) learn() {
	c := w.chamber()
	for key := range w.logs {
		if c.nodeKey(key.origin) == nil {
			delete(w.logs, key) // nobody of that node ever joined: it is not heard
		}
	}
	own := logKey{homeNode, 1}
	c.mu.RLock()
	written := map[logKey]*chain{{}: c.entries, own: c.logs[own]}
	c.mu.RUnlock()
	for key, ch := range written {
		for seq := uint64(1); ch != nil && seq <= ch.seq(); seq++ {
			e, err := c.logEvent(ch, seq)
			if err != nil {
				w.t.Fatal(err)
			}
			w.logs[key] = append(w.logs[key], e)
		}
	}
}

// parcel is a stretch under a head of its own.
func (w *telling) parcel(events []*room.Event) *roompb.Parcel {
	head := room.HeadOf(events[len(events)-1])
	room.SignHead(head, w.keys[head.GetOrigin()])
	return parcelOf(w.id, events, head)
}

// copied is the node on a copy of the disk.
type copied struct {
	*Node
	t     *testing.T
	store *storage.Store
	rng   *rand.Rand // answer's alone
	stop  context.CancelFunc
	done  chan struct{}
}

func openCopy(t *testing.T, fs *vfs.MemFS, clock *clock, all []*telling) *copied {
	s, err := storage.Open("data", storage.Options{FS: fs, CacheBytes: 4 << 20, Fatal: func(m string) { t.Log("store: " + m) }})
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(Config{Name: hereNode, Registration: "open", Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Account: cheapPasswords()}, s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	c := &copied{n, t, s, rand.New(rand.NewPCG(all[0].rng.Uint64(), 2)), stop, make(chan struct{})}
	errands := n.Errands()
	go c.answer(ctx, errands, all)
	for _, name := range append(farNodes, homeNode) {
		n.Peers.SetState(name, peer.State{Link: peer.Up})
	}
	return c
}

func (c *copied) close() {
	if err := c.Node.Close(); err != nil {
		c.t.Error(err)
	}
	c.stop()
	<-c.done
	if err := c.store.Close(); err != nil {
		c.t.Error(err)
	}
}

// answer has pages for who asks, of any size, and nothing else.
func (c *copied) answer(ctx context.Context, errands <-chan *Errand, all []*telling) {
	defer close(c.done)
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-errands:
			q := e.Ask.GetPage()
			i := slices.IndexFunc(all, func(w *telling) bool { return string(w.id.Bytes()) == string(q.GetRoom()) })
			if q == nil || i < 0 {
				e.Done(nil, ErrUnreachable)
				continue
			}
			key := logKey{q.Origin, q.Incarnation}
			if q.Log == roompb.Log_LOG_STATE {
				key = logKey{}
			}
			log := all[i].logs[key]
			to := min(q.Below-1, uint64(len(log)))
			from := max(q.Above, to-min(to, 1+c.rng.Uint64N(20)))
			if from >= to {
				e.Done(nil, ErrUnreachable)
				continue
			}
			e.Done(&roompb.Answer{What: &roompb.Answer_Page{Page: parcelOf(all[i].id, log[from:to], nil)}}, nil)
		}
	}
}

// give hands a room's logs over: in order, or cut up and shuffled. What must wait comes again.
func (c *copied) give(w *telling, shuffled bool) {
	c.t.Helper()
	pieces := w.whole()
	if shuffled {
		pieces = w.pieces()
	}
	for pass := 0; len(pieces) > 0; pass++ {
		if pass == 500 {
			c.t.Fatalf("%d parcels still wait", len(pieces))
		}
		var again [][]*room.Event
		for _, p := range pieces {
			later, err := c.TakeParcel(homeNode, w.parcel(p))(c.t.Context())
			if err != nil {
				c.t.Fatalf("a parcel is refused: %v", err)
			}
			if later != nil {
				again = append(again, p)
			}
		}
		pieces = again
	}
}

// whole are the logs from end to end, the state's first.
func (w *telling) whole() (pieces [][]*room.Event) {
	pieces = append(pieces, w.logs[logKey{}])
	for key, log := range w.logs {
		if key != (logKey{}) && len(log) > 0 {
			pieces = append(pieces, log)
		}
	}
	return pieces
}

// pieces are stretches that together are all, some of them more than once, in any order.
func (w *telling) pieces() (pieces [][]*room.Event) {
	for _, log := range w.whole() {
		for from := 0; from < len(log); {
			to := min(len(log), from+1+w.rng.IntN(6))
			pieces = append(pieces, log[from:to])
			if w.rng.IntN(4) == 0 {
				pieces = append(pieces, log[w.rng.IntN(to):to])
			}
			from = to
		}
	}
	w.rng.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
	return pieces
}

// mustCome waits until somebody sees a room as another copy showed it: gaps are filled meanwhile.
func (c *copied) mustCome(w *telling, by Caller, want []string, which string) {
	c.t.Helper()
	for end := time.Now().Add(longWait); ; time.Sleep(2 * time.Millisecond) {
		is := c.lines(w, by)
		if slices.Equal(is, want) {
			return
		}
		if time.Now().After(end) {
			for i := range max(len(is), len(want)) {
				if i >= len(is) || i >= len(want) || is[i] != want[i] {
					c.t.Fatalf("%s: line %d of %d and %d:\n%s\n%s", which, i, len(is), len(want), at(is, i), at(want, i))
				}
			}
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}

func (c *copied) last(w *telling) uint64 {
	ch, err := c.rooms.get(w.id)
	if err != nil {
		c.t.Fatal(err)
	}
	ch.mu.RLock()
	defer ch.mu.RUnlock()
	return ch.headPos
}

// lines are the room's state, its timeline, and the threads, as somebody sees them.
func (c *copied) lines(w *telling, by Caller) (lines []string) {
	c.t.Helper()
	ch, err := c.rooms.get(w.id)
	if err != nil {
		c.t.Fatal(err)
	}
	ch.mu.RLock()
	lines = append(lines, prototext.Format(ch.state.Dump()))
	ch.mu.RUnlock()
	if ch.torn() {
		return append(lines, "gaps")
	}
	for _, e := range c.pages(w, by, room.EventID{}) {
		lines = append(lines, orderLine(e))
		if e.ThreadReplies > 0 {
			root, _ := room.ParseHash(e.Id)
			for _, reply := range c.pages(w, by, root) {
				lines = append(lines, "in thread "+orderLine(reply))
			}
		}
	}
	return lines
}

func (c *copied) pages(w *telling, by Caller, thread room.EventID) (events []*roompb.Event) {
	c.t.Helper()
	var before room.EventID
	for {
		h, err := c.History(c.t.Context(), by, HistoryQuery{Room: w.id, Before: before, Thread: thread, Limit: 100})
		if err != nil {
			c.t.Fatal(err)
		}
		events = append(slices.Clone(h.Events), events...)
		if !h.MoreBefore || len(h.Events) == 0 {
			return events
		}
		before, _ = room.ParseHash(h.Events[0].Id)
	}
}

// orderLine is all of an event that must be the same everywhere.
func orderLine(e *roompb.Event) string {
	e = proto.Clone(e).(*roompb.Event)
	e.Pos, e.Reached, e.Nodes = 0, 0, 0
	return strings.Join(strings.Fields(prototext.Format(e)), " ")
}

// voids is how much of a room is here and void.
func (c *copied) voids(w *telling) (void int) {
	c.t.Helper()
	records, err := c.store.Records(w.id, 1, 10_000, 1<<24)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range records {
		if r.Void {
			void++
		}
	}
	return void
}
