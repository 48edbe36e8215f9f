package sim

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node"
	"hearth/node/account"
	"hearth/node/limit"
	"hearth/node/peer"
	"hearth/storage"
)

// host is a machine with a node on it: its disk, its clock, and the node while it runs.
type host struct {
	w    *world
	name string
	fs   *vfs.MemFS
	skew time.Duration // of its clock

	backup    *vfs.MemFS // an older copy of the disk
	backedUp  time.Time
	liar      *liar // nil: honest
	lied      bool
	setBackAt time.Time
	setBack   bool // to an older copy, and nobody has told the node

	*node.Node // nil while it is down
	store      *storage.Store
	life       int // counts the starts
	ctx        context.Context
	end        context.CancelFunc
	key        ed25519.PrivateKey
	people     []*person
}

// person is a user of a host.
type person struct {
	node.Caller
	h *host
}

func newHost(w *world, name string) *host {
	h := &host{w: w, name: name, fs: vfs.NewCrashableMem()}
	h.start()
	h.key = h.PrivateKey()
	return h
}

func (h *host) up() bool { return h.Node != nil }

// clock is the machine's clock, which may be wrong.
func (h *host) clock() time.Time { return time.Now().Add(h.skew) }

// start opens the store and the node; what was acknowledged is there.
func (h *host) start() {
	h.w.t.Helper()
	log := slog.New(slog.NewTextHandler(lines{h}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := storage.Open("data", storage.Options{FS: h.fs, CacheBytes: 1 << 20, Log: log})
	if err != nil {
		h.w.fail("%s: %v", h.name, err)
	}
	n, err := node.Open(node.Config{
		Name: h.name, Registration: "open", Now: h.clock, Log: log,
		Account: account.Config{Argon: account.Argon{MemoryKiB: 8, Passes: 1}, Registrations: limit.Rate{Burst: 100_000, Per: time.Hour}},
	}, s)
	if err != nil {
		h.w.fail("%s: %v", h.name, err)
	}
	h.Node, h.store = n, s
	h.life++
	h.ctx, h.end = context.WithCancel(context.Background())
	go h.listen(n, h.ctx, h.life)
}

// stop ends the node in order.
func (h *host) stop() {
	if !h.up() {
		return
	}
	n, s := h.Node, h.store
	h.Node, h.store = nil, nil
	h.end()
	if err := n.Close(); err != nil {
		h.w.fail("%s: close node: %v", h.name, err)
	}
	if err := s.Close(); err != nil {
		h.w.fail("%s: close store: %v", h.name, err)
	}
}

// crash is a power cut: of what was not synced, any part is lost.
func (h *host) crash() {
	clone := h.copy(h.w.rng.IntN(101))
	h.stop()
	h.fs = clone
}

// copy is the disk as it would be after a power cut that loses so much.
func (h *host) copy(keptPercent int) *vfs.MemFS {
	return h.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: keptPercent, RNG: rand.New(rand.NewPCG(h.w.rng.Uint64(), 3))})
}

// reincarnate is what `hearth restore` does to a copy before it is used.
func (h *host) reincarnate() {
	s, err := storage.Open("data", storage.Options{FS: h.fs, CacheBytes: 1 << 20})
	if err == nil {
		err = node.Reincarnate(s)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		h.w.fail("restore %s: %v", h.name, err)
	}
}

// listen brings the node's errands and news to the world.
func (h *host) listen(n *node.Node, ctx context.Context, life int) {
	errands, news := n.Errands(), n.FollowPeers()
	here := func(f func()) {
		h.w.post(func() {
			if h.life == life && h.up() {
				f()
			}
		})
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-errands:
			h.w.post(func() {
				if h.life != life || !h.up() {
					e.Done(nil, node.ErrUnreachable)
					return
				}
				h.w.net.errand(h, e, 1)
			})
		case <-news.Wake():
			here(func() { h.w.net.news(h, news) })
		}
	}
}

// meet pins the keys of the other nodes.
func (h *host) meet(others []*host) {
	for _, o := range others {
		if o == h {
			continue
		}
		r, err := peer.NewRecord(o.name, o.key, []string{o.name + ":8443"}, "sim", time.Now())
		if err == nil {
			_, err = h.Peers.Join(r)
		}
		if err != nil {
			h.w.fail("%s meets %s: %v", h.name, o.name, err)
		}
	}
}

// user registers somebody.
func (h *host) user(name string) *person {
	h.w.t.Helper()
	login, err := h.Accounts.Register(h.ctx, account.Registration{Username: name, Password: "correct horse 1", DeviceName: "sim"})
	if err != nil {
		h.w.fail("register %s on %s: %v", name, h.name, err)
	}
	p := &person{login.Caller, h}
	h.people = append(h.people, p)
	return p
}

// lines are the node's own log in the trace.
type lines struct{ h *host }

func (l lines) Write(b []byte) (int, error) {
	line := strings.TrimSpace(string(b))
	if _, rest, ok := strings.Cut(line, "level="); ok {
		line = rest
	}
	h := l.h
	h.w.post(func() { h.w.note("%s: %s", h.name, line) })
	return len(b), nil
}
