package federation

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/quic-go/quic-go"
	"go.uber.org/goleak"

	"hearth/node"
	"hearth/node/account"
	"hearth/node/limit"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/test/leak"
	"hearth/test/port"
)

func TestMain(m *testing.M) {
	os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	leak.Main(m, goleak.IgnoreTopFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker")) // one set a process, for good
}

// lodge is a running node with its door for other nodes, on a port of loopback.
type lodge struct {
	t      testing.TB
	name   string
	fs     *vfs.MemFS
	roots  *x509.CertPool
	gossip bool

	store  *storage.Store
	node   *node.Node
	door   *Federation
	udp    *quic.Transport
	port   *quic.EarlyListener
	addr   string
	served sync.WaitGroup
}

// newLodge starts a node that anybody may join.
func newLodge(t testing.TB, name string, options ...func(*lodge)) *lodge {
	t.Helper()
	l := &lodge{t: t, name: name, fs: vfs.NewCrashableMem(), addr: port.Loopback(t)}
	for _, o := range options {
		o(l)
	}
	l.start()
	t.Cleanup(l.stop)
	if err := l.node.Peers.SetPolicy(peer.PolicyOpen); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *lodge) start() {
	l.t.Helper()
	var err error
	if l.store, err = storage.Open("data", storage.Options{FS: l.fs, CacheBytes: 8 << 20, Fatal: func(m string) { l.t.Log("store: " + m) }}); err != nil {
		l.t.Fatal(err)
	}
	log := quietly()
	if os.Getenv("HEARTH_TEST_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", l.name)
	}
	l.node, err = node.Open(node.Config{Name: l.name, Registration: account.Public, Log: log, Account: account.Config{
		Argon: account.Argon{MemoryKiB: 64, Passes: 1}, Registrations: limit.Rate{Burst: 1 << 20, Per: time.Second},
	}}, l.store)
	if err != nil {
		l.t.Fatal(err)
	}
	if l.door, err = New(Config{Node: l.node, Book: l.node.Peers, Version: "test", Gossip: l.gossip, Log: log, Roots: l.roots}); err != nil {
		l.t.Fatal(err)
	}
	l.listen()
	if err := l.door.Start(context.Background(), l.udp, []string{l.addr}); err != nil {
		l.t.Fatal(err)
	}
}

func quietly() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// listen does what transport does for the node's port.
func (l *lodge) listen() {
	l.t.Helper()
	at, err := net.ResolveUDPAddr("udp", l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", at)
	if err != nil {
		l.t.Fatal(err)
	}
	l.addr = conn.LocalAddr().String()
	l.udp = &quic.Transport{Conn: conn}
	c := quicConfig()
	c.MaxStreamReceiveWindow = 256 << 10
	if l.port, err = l.udp.ListenEarly(l.door.TLS(), c); err != nil {
		l.t.Fatal(err)
	}
	l.served.Go(func() { accept(l.port, l.door, &l.served) })
}

func accept(port *quic.EarlyListener, door *Federation, served *sync.WaitGroup) {
	for {
		q, err := port.Accept(context.Background())
		if err != nil {
			return
		}
		served.Go(func() {
			select {
			case <-q.HandshakeComplete():
				door.Serve(q)
			case <-q.Context().Done():
			}
		})
	}
}

func (l *lodge) stop() {
	l.t.Helper()
	if l.node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.door.Close(ctx); err != nil {
		l.t.Errorf("close the door of %s: %v", l.name, err)
	}
	l.shut()
	if err := l.node.Close(); err != nil {
		l.t.Error(err)
	}
	if err := l.store.Close(); err != nil {
		l.t.Error(err)
	}
	l.node = nil
}

// shut takes the port away, without a word to anybody.
func (l *lodge) shut() {
	_ = l.port.Close()
	_ = l.udp.Close()
	_ = l.udp.Conn.Close()
	l.served.Wait()
}

// user registers somebody.
func (l *lodge) user(name string) node.Caller {
	l.t.Helper()
	login, err := l.node.Accounts.Register(context.Background(), account.Registration{Username: name, Password: "correct horse 1", DeviceName: "test"})
	if err != nil {
		l.t.Fatal(err)
	}
	return login.Caller
}

// join makes another node known.
func (l *lodge) join(other *lodge) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name, err := l.door.Join(ctx, other.addr)
	if err != nil {
		l.t.Fatalf("%s joins %s: %v", l.name, other.name, err)
	}
	if name != other.name {
		l.t.Fatalf("%s joined %q, want %s", l.name, name, other.name)
	}
}

// garden makes a public room of that alias.
func (l *lodge) garden(by node.Caller, alias string) room.ID {
	l.t.Helper()
	s, err := l.node.CreateRoom(context.Background(), by, node.NewRoom{Alias: alias, Public: true})
	if err != nil {
		l.t.Fatal(err)
	}
	id, err := room.ParseHash(s.Room)
	if err != nil {
		l.t.Fatal(err)
	}
	return id
}

// enter joins a room of another node.
func (l *lodge) enter(by node.Caller, ref string) room.ID {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	id, via, err := l.node.ResolveRef(ctx, by, ref)
	if err != nil {
		l.t.Fatalf("%s resolves %s: %v", l.name, ref, err)
	}
	if _, err := l.node.Join(ctx, by, id, via); err != nil {
		l.t.Fatalf("%s joins %s: %v", l.name, ref, err)
	}
	return id
}

func (l *lodge) say(by node.Caller, id room.ID, text string) node.Receipt {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := l.node.Submit(ctx, room.Draft{Room: id, Author: by.User, Kind: room.KindText, Body: &roompb.Body{Text: text}})
	if err != nil {
		l.t.Fatalf("%s says %q: %v", by.User, text, err)
	}
	return r
}

// texts are the messages of a room as somebody sees them.
func (l *lodge) texts(by node.Caller, id room.ID) []string {
	l.t.Helper()
	h, err := l.node.History(context.Background(), by, node.HistoryQuery{Room: id, Limit: 200})
	if err != nil {
		l.t.Fatal(err)
	}
	var out []string
	for _, e := range h.Events {
		if e.Kind == string(room.KindText) {
			out = append(out, e.Text)
		}
	}
	return out
}

// sees waits until somebody sees these messages.
func (l *lodge) sees(by node.Caller, id room.ID, want ...string) {
	l.t.Helper()
	until(l.t, fmt.Sprintf("%s sees %v", by.User, want), func() bool {
		return slices.Equal(l.texts(by, id), want)
	}, func() string { return strings.Join(l.texts(by, id), " | ") })
}

// patience is for what others do, on a machine that does much else.
const patience = time.Minute

// until waits for what others do.
func until(t testing.TB, what string, done func() bool, state func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("did not come: %s; now: %s", what, state())
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// linked waits until two nodes have one link.
func (l *lodge) linked(other *lodge) {
	l.t.Helper()
	until(l.t, l.name+" has a link with "+other.name, func() bool {
		return slices.Contains(l.door.Links(), other.name) && slices.Contains(other.door.Links(), l.name)
	}, func() string { return fmt.Sprint(l.door.Links(), other.door.Links()) })
}

// stranger is a node's key and record in the hands of a test.
type stranger struct {
	t      testing.TB
	name   string
	key    ed25519.PrivateKey
	record *roompb.SignedRecord
}

func newStranger(t testing.TB, name string) *stranger {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &stranger{t: t, name: name, key: key}
	if s.record, err = peer.NewRecord(name, key, []string{"127.0.0.1:1"}, "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	return s
}

// dial connects to a node by QUIC, by its own key.
func (s *stranger) dial(l *lodge, change ...func(*tls.Config)) (*quic.Conn, error) {
	s.t.Helper()
	own, err := newCertificate(s.name, s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	c := dialConfig(own, "")
	for _, f := range change {
		f(c)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	q, err := quic.DialAddr(ctx, l.addr, c, quicConfig())
	if err == nil {
		s.t.Cleanup(func() { _ = q.CloseWithError(0, "the test is over") })
	}
	return q, err
}
