package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/coder/websocket"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
	"github.com/quic-go/webtransport-go"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/account"
	"hearth/node/limit"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/test/leak"
	"hearth/transport/session/clientpb"
)

func TestMain(m *testing.M) {
	os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	leak.Main(m,
		goleak.IgnoreTopFunction("github.com/blevesearch/bleve_index_api.AnalysisWorker"), // one set a process, for good
		goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*Cache).maintainAssets"))
}

// house is a running node with its doors, and people in it.
type house struct {
	t      testing.TB
	node   *node.Node
	server *Server
	http   *http.Client
	dir    string
	raw    net.Conn
}

// people sign in by name; the password is their name and this.
const secret = " long enough secret"

type option func(*Config, *node.Config)

func withLimits(l Limits) option { return func(c *Config, _ *node.Config) { c.Limits = l } }

func withWeb(files fs.FS) option { return func(c *Config, _ *node.Config) { c.Web = files } }

func inFolder(dir string) option {
	return func(c *Config, n *node.Config) { c.Dir, n.Dir = dir, dir }
}

// openHouse starts a node in memory and its doors on a free port of loopback. The cleanup
// checks that everything stops.
func openHouse(t testing.TB, options ...option) *house {
	t.Helper()
	dir := t.TempDir()
	nc := node.Config{
		Name: "localhost:8443", Dir: dir, Log: quiet(), Registration: account.Public, Version: "test",
		Account: account.Config{
			Argon:         account.Argon{MemoryKiB: 64, Passes: 1},
			Registrations: limit.Rate{Burst: 1 << 20, Per: time.Second},
		},
	}
	c := Config{Listen: "127.0.0.1:0", Dir: dir, Log: quiet(), Version: "test", Web: fstest.MapFS{}}
	for _, o := range options {
		o(&c, &nc)
	}
	store, err := storage.Open(storeOf(c.Dir), storeOptions())
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(nc, store)
	if err != nil {
		t.Fatal(err)
	}
	c.Node = n
	s, err := Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, node: n, server: s, dir: c.Dir}
	h.http = &http.Client{Transport: &http.Transport{TLSClientConfig: insecure(), ForceAttemptHTTP2: true}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.Background()) }()
	t.Cleanup(func() {
		h.http.CloseIdleConnections()
		h.shutdown()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := errors.Join(n.Close(), store.Close()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h
}

// onDisk is set by tests that measure the heap: a store in memory would drown the rest.
const onDisk = "HEARTH_TEST_ON_DISK"

// The store is in memory, but for measurements.
func storeOf(dir string) string { return dir + "/store" }

func storeOptions() storage.Options {
	if os.Getenv("HEARTH_FAN_NODE") != "" || os.Getenv(onDisk) != "" {
		return storage.Options{Log: quiet()}
	}
	return storage.Options{FS: vfs.NewMem(), Log: quiet()}
}

// patience is for what must come, on a machine that does much else.
const patience = time.Minute

func (h *house) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.server.Shutdown(ctx); err != nil {
		h.t.Errorf("shutdown: %v", err)
	}
}

func quiet() *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return slog.New(slog.DiscardHandler)
}

// insecure trusts whatever the node shows: what is tested here is behind that.
func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

func (h *house) url() string { return "https://" + h.server.Addr().String() }

// person is somebody with an account, signed in.
type person struct {
	h     *house
	name  string
	token string
	user  string
	dev   string
}

func (h *house) person(name string) *person {
	h.t.Helper()
	out := &clientpb.LoginResponse{}
	if err := h.call("", "Register", &clientpb.RegisterRequest{Username: name, Password: name + secret}, out); err != nil {
		h.t.Fatalf("register %s: %v", name, err)
	}
	return &person{h: h, name: name, token: out.Token, user: out.User, dev: out.Device}
}

// admin makes an administrator, as the operator does.
func (h *house) admin(name string) *person {
	h.t.Helper()
	p := h.person(name)
	yes := true
	if err := h.operator("AdminUserSet", &clientpb.AdminUserSetRequest{User: p.user, Admin: &yes}, &clientpb.Empty{}); err != nil {
		h.t.Fatalf("make %s administrator: %v", name, err)
	}
	return p
}

// call gives a command by HTTP, in protobuf.
func (h *house) call(token, name string, in, out proto.Message) error {
	return callBy(h.http, h.url(), token, name, in, out)
}

func callBy(client *http.Client, url, token, name string, in, out proto.Message) error {
	body, err := proto.Marshal(in)
	if err != nil {
		return err
	}
	r, _ := http.NewRequest("POST", url+procedure(name), bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/proto")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w, err := client.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	answer, err := io.ReadAll(w.Body)
	if err != nil {
		return err
	}
	if w.StatusCode != 200 {
		return refusalIn(w.StatusCode, answer)
	}
	return proto.Unmarshal(answer, out)
}

// operator gives a command by the operator's door.
func (h *house) operator(name string, in, out proto.Message) error {
	client := &http.Client{Transport: &http.Transport{DialContext: dialOperator(h)}}
	defer client.CloseIdleConnections()
	return callBy(client, "http://operator", "", name, in, out)
}

// refused is a refusal as a client sees it.
type refused struct{ e *clientpb.Error }

func (r refused) Error() string { return r.e.GetCode() + ": " + r.e.GetMessage() }

func codeIn(err error) string {
	var r refused
	if errors.As(err, &r) {
		return r.e.GetCode()
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// refusalIn reads a Connect error with our detail.
func refusalIn(status int, body []byte) error {
	wire, err := connectDetail(body)
	if err != nil {
		return fmt.Errorf("status %d: %s", status, body)
	}
	return refused{wire}
}

// mustCall fails the test when the command is refused.
func (p *person) mustCall(name string, in, out proto.Message) {
	p.h.t.Helper()
	if err := p.h.call(p.token, name, in, out); err != nil {
		p.h.t.Fatalf("%s by %s: %v", name, p.name, err)
	}
}

func (p *person) call(name string, in, out proto.Message) error {
	return p.h.call(p.token, name, in, out)
}

// room makes a public room.
func (p *person) room(alias string) string {
	p.h.t.Helper()
	out := &roompb.RoomSummary{}
	p.mustCall("RoomCreate", &clientpb.RoomCreateRequest{Alias: alias, Name: alias, Public: true, Key: alias}, out)
	return out.Room
}

func (p *person) join(room string) {
	p.h.t.Helper()
	p.mustCall("RoomJoin", &clientpb.RoomRequest{Room: room}, &roompb.RoomSummary{})
}

func (p *person) send(room, text string) *clientpb.EventResponse {
	p.h.t.Helper()
	out := &clientpb.EventResponse{}
	p.mustCall("Send", &clientpb.SendRequest{Room: room, Text: text}, out)
	return out
}

// pipe carries frames: the two session doors.
type pipe interface {
	write([]byte) error
	read() ([]byte, error)
	close()
}

type wsPipe struct{ c *websocket.Conn }

func (h *house) ws() (pipe, error) { return dialWS(h.url()) }

func dialWS(url string) (pipe, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// A connection of its own: the pooled ones speak HTTP/2.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: insecure()}}
	c, _, err := websocket.Dial(ctx, url+"/ws", &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{subprotocol}})
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(-1)
	return &wsPipe{c}, nil
}

func (p *wsPipe) write(b []byte) error {
	return p.c.Write(context.Background(), websocket.MessageBinary, b)
}

func (p *wsPipe) read() ([]byte, error) {
	_, b, err := p.c.Read(context.Background())
	return b, err
}

func (p *wsPipe) close() { p.c.CloseNow() }

type wtPipe struct {
	d      *webtransport.Transport
	s      *webtransport.Session
	stream *webtransport.Stream
}

func (h *house) wt() (pipe, error) { return h.wtAt(h.url()) }

func (h *house) wtAt(url string) (pipe, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d := &webtransport.Transport{
		TLSClientConfig: insecure(),
		QUICConfig:      &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true, MaxIdleTimeout: 30 * time.Second},
	}
	_, s, err := d.Dial(ctx, url+"/wt", nil)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	stream, err := s.OpenStreamSync(ctx)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &wtPipe{d: d, s: s, stream: stream}, nil
}

func (p *wtPipe) write(b []byte) error {
	_, err := p.stream.Write(append(quicvarint.Append(nil, uint64(len(b))), b...))
	return err
}

func (p *wtPipe) read() ([]byte, error) {
	n, err := quicvarint.Read(quicvarint.NewReader(p.stream))
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(p.stream, b)
	return b, err
}

func (p *wtPipe) close() {
	p.s.CloseWithError(0, "")
	p.d.Close()
}

// doors are the session doors by name.
var doors = map[string]func(*house) (pipe, error){"websocket": (*house).ws, "webtransport": (*house).wt}

// visit is an open session: it answers pings and keeps what comes.
type visit struct {
	t      testing.TB
	pipe   pipe
	opened *clientpb.OpenResponse

	mu      sync.Mutex
	id      uint64
	replies map[uint64]chan *clientpb.Reply
	items   []*clientpb.Delivery
	rooms   []*roompb.RoomSummary
	signals []*roompb.Signal
	bye     *clientpb.Bye
	changed *sync.Cond
	ended   bool
}

// dial begins a session without opening it.
func (h *house) dial(door string) *visit {
	h.t.Helper()
	p, err := doors[door](h)
	if err != nil {
		h.t.Fatalf("connect to %s: %v", door, err)
	}
	v := &visit{t: h.t, pipe: p, replies: map[uint64]chan *clientpb.Reply{}}
	v.changed = sync.NewCond(&v.mu)
	done := make(chan struct{})
	go func() { defer close(done); v.readAll() }()
	h.t.Cleanup(func() {
		p.close()
		<-done
	})
	return v
}

func (p *person) visit(door string, in *clientpb.OpenRequest) *visit {
	p.h.t.Helper()
	v := p.h.dial(door)
	in = proto.CloneOf(in)
	if in == nil {
		in = &clientpb.OpenRequest{}
	}
	in.Token, in.Protocol = p.token, 1
	v.opened = &clientpb.OpenResponse{}
	if err := v.do("Open", in, v.opened); err != nil {
		p.h.t.Fatalf("open by %s: %v", door, err)
	}
	return v
}

func (v *visit) readAll() {
	for {
		b, err := v.pipe.read()
		f := &clientpb.ServerFrame{}
		if err == nil {
			err = proto.Unmarshal(b, f)
		}
		v.mu.Lock()
		v.take(f, err)
		v.changed.Broadcast()
		v.mu.Unlock()
		if err != nil {
			return
		}
		if f.Ping {
			_ = v.frame(&clientpb.ClientFrame{Pong: true})
		}
	}
}

func (v *visit) take(f *clientpb.ServerFrame, err error) {
	for _, r := range f.Replies {
		if c := v.replies[r.Id]; c != nil {
			c <- r
			delete(v.replies, r.Id)
		}
	}
	v.items = append(v.items, f.Deliveries...)
	v.rooms = append(v.rooms, f.Rooms...)
	v.signals = append(v.signals, f.Signals...)
	if f.Bye != nil {
		v.bye = f.Bye
	}
	if err != nil {
		v.ended = true
		for _, c := range v.replies {
			close(c)
		}
		v.replies = nil
	}
}

func (v *visit) frame(f *clientpb.ClientFrame) error {
	b, err := proto.Marshal(f)
	if err != nil {
		return err
	}
	return v.pipe.write(b)
}

var errSessionEnded = errors.New("the session ended")

// begin sends a request and returns where its reply will come.
func (v *visit) begin(name string, in proto.Message) (<-chan *clientpb.Reply, error) {
	body, err := proto.Marshal(in)
	if err != nil {
		return nil, err
	}
	c := make(chan *clientpb.Reply, 1)
	v.mu.Lock()
	v.id++
	id := v.id
	if v.ended {
		v.mu.Unlock()
		return nil, errSessionEnded
	}
	v.replies[id] = c
	v.mu.Unlock()
	return c, v.frame(&clientpb.ClientFrame{Requests: []*clientpb.Request{{Id: id, Command: name, Body: body}}})
}

func (v *visit) do(name string, in, out proto.Message) error {
	c, err := v.begin(name, in)
	if err != nil {
		return err
	}
	return finish(c, out)
}

func finish(c <-chan *clientpb.Reply, out proto.Message) error {
	select {
	case r, ok := <-c:
		if !ok {
			return errSessionEnded
		}
		if r.Error != nil {
			return refused{r.Error}
		}
		return proto.Unmarshal(r.Body, out)
	case <-time.After(patience):
		return fmt.Errorf("no reply in %v", patience)
	}
}

// await waits until cond, which is called with v.mu held, says yes.
func (v *visit) await(what string, cond func() bool) {
	v.t.Helper()
	stop := time.AfterFunc(patience, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.ended = true
		v.changed.Broadcast()
	})
	defer stop.Stop()
	v.mu.Lock()
	defer v.mu.Unlock()
	for !cond() {
		if v.ended {
			v.t.Fatalf("%s: the session ended or was too slow, bye %v", what, v.bye)
		}
		v.changed.Wait()
	}
}

// texts are the texts that were delivered of a room, in order.
func (v *visit) texts(room string) []string {
	var out []string
	for _, d := range v.items {
		if d.Room != room {
			continue
		}
		for _, item := range d.Items {
			if item.Event.GetKind() == "text" {
				out = append(out, item.Event.GetText())
			}
		}
	}
	return out
}

// awaitBye waits for the end.
func (v *visit) awaitBye() *clientpb.Bye {
	v.t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		v.mu.Lock()
		bye, ended := v.bye, v.ended
		v.mu.Unlock()
		if bye != nil {
			return bye
		}
		if ended {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	v.t.Fatal("no Bye came")
	return nil
}
