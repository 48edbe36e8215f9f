package node

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"hearth/node/account"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// league is some nodes in one process, joined by the simplest door there can be: it asks,
// and brings what a peer lacks, while both run and nothing is cut.
type league struct {
	t     testing.TB
	clock *clock

	mu     sync.Mutex
	nodes  map[string]*leagued
	cut    map[[2]string]bool
	asks   int
	silent bool // nothing but asks is carried: entries do not travel
	hold   bool // nobody is reached who is asked for a room's members
}

type leagued struct {
	*Node
	fs    *vfs.MemFS
	store *storage.Store
	stop  context.CancelFunc
	done  sync.WaitGroup
	keys  ed25519.PrivateKey
	skew  atomic.Int64 // ns, of its clock
}

func (d *leagued) now() time.Time { return time.Now().Add(time.Duration(d.skew.Load())) }

func newLeague(t testing.TB, names ...string) *league {
	disks := map[string]*vfs.MemFS{}
	for _, name := range names {
		disks[name] = vfs.NewCrashableMem()
	}
	return leagueOn(t, disks)
}

// leagueOn is a league of nodes on disks that may have something already.
func leagueOn(t testing.TB, disks map[string]*vfs.MemFS) *league {
	l := &league{t: t, clock: &clock{}, nodes: map[string]*leagued{}, cut: map[[2]string]bool{}}
	l.clock.ms.Store(time.Now().UnixMilli())
	names := slices.Sorted(maps.Keys(disks))
	for _, name := range names { // all of them first: who runs looks for the others
		l.nodes[name] = &leagued{fs: disks[name]}
	}
	for _, name := range names {
		l.start(name)
	}
	for _, a := range names {
		for _, b := range names {
			if a == b {
				continue
			}
			record, err := peer.NewRecord(b, l.nodes[b].keys, nil, "test", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.nodes[a].Peers.Pin(record); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Cleanup(func() {
		for _, name := range names {
			l.kill(name)
		}
	})
	return l
}

func (l *league) start(name string) {
	l.t.Helper()
	d := l.nodes[name]
	s, err := storage.Open("data", storage.Options{FS: d.fs, CacheBytes: 4 << 20, Fatal: func(m string) { l.t.Log("store: " + m) }})
	if err != nil {
		l.t.Fatal(err)
	}
	n, err := Open(Config{Name: name, Registration: "open", Now: d.now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Account: cheapPasswords()}, s)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	l.mu.Lock()
	d.Node, d.store, d.stop, d.keys = n, s, stop, n.PrivateKey()
	l.mu.Unlock()
	errands, news := n.Errands(), n.FollowPeers()
	d.done.Go(func() { l.carryErrands(ctx, d, n, errands) })
	d.done.Go(func() { l.carryNews(ctx, n, news) })
}

// kill ends a node; what it had acknowledged stays on its disk.
func (l *league) kill(name string) {
	l.mu.Lock()
	d := l.nodes[name]
	n, s := d.Node, d.store
	d.Node = nil
	l.mu.Unlock()
	if n == nil {
		return
	}
	if err := n.Close(); err != nil {
		l.t.Error(err)
	}
	d.stop()
	d.done.Wait()
	if err := s.Close(); err != nil {
		l.t.Error(err)
	}
}

// reach is a node that runs and can be reached from another.
func (l *league) reach(from, to string) *Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reachable(from, to)
}

// reachable is reach under the lock.
func (l *league) reachable(from, to string) *Node {
	d := l.nodes[to]
	if d == nil || l.cut[[2]string{from, to}] {
		return nil
	}
	return d.Node
}

// asked is reach for an errand.
func (l *league) asked(from string, e *Errand) *Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	to := l.reachable(from, e.To)
	if to == nil || l.hold && e.Ask.GetMembers() != nil {
		return nil
	}
	l.asks++
	return to
}

func (l *league) sever(a, b string, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[[2]string{a, b}], l.cut[[2]string{b, a}] = cut, cut
}

// withhold lets no node bring the members that it lacks, or lets them again.
func (l *league) withhold(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold = on
}

func (l *league) carryErrands(ctx context.Context, d *leagued, n *Node, errands <-chan *Errand) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-errands:
			to := l.asked(n.name, e)
			if to == nil {
				e.Done(nil, ErrUnreachable)
				continue
			}
			// Copies, as by a wire: what one node has, another does not change.
			d.done.Go(func() { e.Done(proto.CloneOf(to.Answer(e.Context(), n.name, proto.CloneOf(e.Ask))), nil) })
		}
	}
}

// carryNews brings every peer what it lacks, now and then once more.
func (l *league) carryNews(ctx context.Context, n *Node, news *PeerFollower) {
	dirty := map[room.ID]bool{}
	for again := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			again.Stop()
			return
		case <-news.Wake():
		case <-again.C:
		}
		ids, signals := news.Next()
		for _, s := range signals {
			for _, name := range s.To {
				if to := l.reach(n.name, name); to != nil {
					to.ReceiveSignal(n.name, proto.CloneOf(s.Signal))
				}
			}
		}
		for _, id := range ids {
			dirty[id] = true
		}
		for id := range dirty {
			for _, to := range n.PushTo(id) {
				l.bringNews(ctx, n, to, id)
			}
		}
	}
}

func (l *league) bringNews(ctx context.Context, n *Node, to string, id room.ID) {
	p := l.reach(n.name, to)
	l.mu.Lock()
	silent := l.silent
	l.mu.Unlock()
	if p == nil || silent {
		return
	}
	theirs, err := p.Frontier(n.name, id)
	if err != nil || theirs == nil {
		theirs = &roompb.Frontier{Room: id.Bytes()}
	}
	parcels, _, _, err := n.Collect(to, theirs, false, 1<<20)
	if err != nil {
		return
	}
	for _, parcel := range parcels {
		if _, err := p.TakeParcel(n.name, proto.CloneOf(parcel))(ctx); err != nil {
			l.t.Logf("%s refuses a parcel of %s: %v", to, n.name, err)
		}
	}
}

func (l *league) user(node, name string) Caller {
	l.t.Helper()
	login, err := l.nodes[node].Accounts.Register(l.t.Context(), account.Registration{Username: name, Password: "correct horse 1", DeviceName: "test"})
	if err != nil {
		l.t.Fatal(err)
	}
	return login.Caller
}

func (l *league) submit(by Caller, d room.Draft) (Receipt, error) {
	l.t.Helper()
	d.Author = by.User
	ctx, cancel := context.WithTimeout(l.t.Context(), longWait)
	defer cancel()
	return l.nodes[by.User.Node()].Submit(ctx, d)
}

func (l *league) do(by Caller, id room.ID, k room.Kind, b *roompb.Body) Receipt {
	l.t.Helper()
	r, err := l.submit(by, room.Draft{Room: id, Kind: k, Body: b})
	if err != nil {
		l.t.Fatalf("%s %s: %v", by.User, k, err)
	}
	if r.Waiting {
		l.t.Fatalf("%s %s waits", by.User, k)
	}
	return r
}

// stateNow is what a chamber has made of its room, for a test to read alone.
func (c *chamber) stateNow() *room.State {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.Clone()
}

// longWait is for what comes about by itself, on a machine that does much else.
const longWait = time.Minute

// soon waits for something that comes about by itself.
func (l *league) soon(what string, ok func() bool) {
	l.t.Helper()
	for end := time.Now().Add(longWait); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("%s: not within %v", what, longWait)
		}
	}
}

// agree waits until the running nodes of those have the same state.
func (l *league) agree(id room.ID, names ...string) {
	l.t.Helper()
	l.soon("all agree", func() bool {
		first := ""
		for _, name := range names {
			c, err := l.nodes[name].rooms.get(id)
			if err != nil {
				return false
			}
			c.mu.RLock()
			root := c.state.Root().String()
			c.mu.RUnlock()
			if first != "" && root != first {
				return false
			}
			first = root
		}
		return true
	})
}
