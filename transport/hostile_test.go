package transport

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go/quicvarint"
	"google.golang.org/protobuf/encoding/protowire"

	"hearth/node"
	"hearth/transport/session"
	"hearth/transport/session/clientpb"
)

// TestSlowReader (reliability.md, test 13): a client that stops reading in a busy room
// costs the node little, is thrown out in the end, and nobody else notices.
func TestSlowReader(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	full := os.Getenv("HEARTH_FULL") != ""
	long := 3 * time.Second
	if full { // and nothing else runs while the heap is measured
		long = 6 * time.Second
		t.Setenv(onDisk, "1")
	}
	overDoors(t, func(t *testing.T, door string) {
		if !full {
			t.Parallel()
		}
		h := openHouse(t, func(_ *Config, c *node.Config) { c.Dir = "" }) // no search index: its batches are larger than what is measured
		alice, slow, quick := h.person("alice"), h.person("slow"), h.person("quick")
		garden := alice.room("garden")
		slow.join(garden)
		quick.join(garden)
		reader, sender := quick.visit(door, nil), alice.visit(door, nil)
		busy := func() {
			sent := flood(t, sender, garden, 500, long)
			reader.await("all of it", func() bool { return len(reader.texts(garden)) >= sent })
			reader.forget()
			sender.forget()
		}
		busy() // the store and the room reach their size
		const stuck = 20
		stuckReaders(h, slow, door, stuck)
		busy()
		with := heapNow()
		left := h.server.crowd.size() - 2
		h.awaitSessions(2, writeWithin+patience)
		each := (int64(with) - int64(heapNow())) / stuck
		t.Logf("%d of %d slow readers after %v at 500 messages/s; each held %d KiB", left, stuck, long, each>>10)
		if full && slowdown == 1 && each > 1<<20 { // the race detector keeps books of its own
			t.Errorf("a slow reader costs %d KiB", each>>10)
		}
		again := slow.visit(door, &clientpb.OpenRequest{Cursors: map[string]uint64{garden: 1}, MaxBacklog: 100})
		again.await("told to resync", func() bool { return len(again.items) > 0 && again.items[0].Gap })
	})
}

// awaitSessions waits until no more than n sessions are left.
func (h *house) awaitSessions(n int, within time.Duration) {
	h.t.Helper()
	for deadline := time.Now().Add(within); h.server.crowd.size() > n; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Errorf("%d sessions are left, only %d of them are alive", h.server.crowd.size(), n)
			return
		}
	}
}

// forget drops what was delivered.
func (v *visit) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.items, v.rooms, v.signals = nil, nil, nil
}

// stuckReaders open sessions and never read again.
func stuckReaders(h *house, p *person, door string, n int) []pipe {
	var pipes []pipe
	for range n {
		c, err := doors[door](h)
		if err != nil {
			h.t.Fatal(err)
		}
		h.t.Cleanup(c.close)
		(&fan{t: h.t}).open(c, p.token)
		pipes = append(pipes, c)
	}
	return pipes
}

// flood sends 2 KB messages at a rate for a time; it fails when acknowledging slows down, and not only
// once, as a machine that is shared may be slow.
func flood(t *testing.T, v *visit, room string, rate int, long time.Duration) (sent int) {
	t.Helper()
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	text := strings.Repeat("word ", 400)
	var last <-chan *clientpb.Reply
	asked, slow := 0, 0
	for end := time.Now().Add(long); time.Now().Before(end); {
		<-tick.C
		c, err := v.begin("Send", &clientpb.SendRequest{Room: room, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		sent++
		if sent%rate == 0 { // once a second, wait for the ack
			begun := time.Now()
			if err := finish(c, &clientpb.EventResponse{}); err != nil {
				t.Fatal(err)
			}
			asked++
			if time.Since(begun) > 2*time.Second {
				slow++
			}
		}
		last = c
	}
	if last != nil {
		_ = finish(last, &clientpb.EventResponse{}) // answered before, when it was the one of its second
	}
	if 2*slow > asked {
		t.Errorf("%d of %d acks took more than 2 s", slow, asked)
	}
	return sent
}

func heapNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// TestBombs (reliability.md, test 14): what is small outside and large inside is refused
// with a code, for little work and memory. Test pictures are blob's own affair.
func TestBombs(t *testing.T) {
	h := openHouse(t)
	alice := h.person("alice")
	for name, bomb := range map[string]func(t *testing.T, h *house, p *person) string{
		"gzip of zeros":            gzipBomb(bytes.Repeat([]byte{0}, 64<<20), "application/proto"),
		"gzip of JSON":             gzipBomb(bytes.Repeat([]byte(" "), 64<<20), "application/json"),
		"body of 64 MB":            plainBomb,
		"unknown encoding":         zstdBomb,
		"deep groups":              deepBomb,
		"length 2^31 by WebSocket": wsLengthBomb,
		"length 2^62 by stream":    wtLengthBomb,
		"JSON nested deeply":       jsonBomb,
		"many requests":            manyBomb,
	} {
		t.Run(name, func(t *testing.T) {
			bomb(t, h, alice) // connections and pools are warm
			var used time.Duration
			var size uint64
			for range 6 { // the least of them: the client's work is in these figures, and all else of the process
				cpuBefore, before := ownCPU(), allocated()
				if code := bomb(t, h, alice); code == "ok" || code == "" {
					t.Errorf("answered %q", code)
				}
				if used, size = ownCPU()-cpuBefore, allocated()-before; used <= slowdown*100*time.Millisecond && size <= 32<<20 {
					return
				}
			}
			t.Errorf("took %v of CPU and %d KiB", used, size>>10)
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func postRaw(h *house, p *person, body io.Reader, header ...string) string {
	r, _ := http.NewRequest("POST", h.url()+procedure("Send"), body)
	r.Header.Set("Authorization", "Bearer "+p.token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w, err := h.http.Do(r)
	if err != nil {
		return "refused: " + err.Error()
	}
	defer w.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(w.Body, 1<<20))
	if w.StatusCode == 200 {
		return "ok"
	}
	return fmt.Sprint(w.StatusCode, " ", string(answer))
}

func gzipBomb(plain []byte, kind string) func(*testing.T, *house, *person) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(plain)
	_ = z.Close()
	return func(_ *testing.T, h *house, p *person) string {
		return postRaw(h, p, bytes.NewReader(b.Bytes()), "Content-Type", kind, "Content-Encoding", "gzip")
	}
}

func plainBomb(_ *testing.T, h *house, p *person) string {
	return postRaw(h, p, io.LimitReader(zeros{}, 64<<20), "Content-Type", "application/proto")
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func zstdBomb(_ *testing.T, h *house, p *person) string {
	return postRaw(h, p, strings.NewReader("\x28\xb5\x2f\xfd"), "Content-Type", "application/proto", "Content-Encoding", "zstd")
}

// deepBomb nests unknown groups a hundred thousand deep.
func deepBomb(_ *testing.T, h *house, p *person) string {
	var b []byte
	for range 100_000 {
		b = protowire.AppendTag(b, 100, protowire.StartGroupType)
	}
	return postRaw(h, p, bytes.NewReader(b), "Content-Type", "application/proto")
}

func jsonBomb(_ *testing.T, h *house, p *person) string {
	return postRaw(h, p, strings.NewReader(`{"unknown":`+strings.Repeat("[", 200_000)), "Content-Type", "application/json")
}

// wsLengthBomb announces a message of 2^31 bytes.
func wsLengthBomb(t *testing.T, h *house, _ *person) string {
	c, err := h.upgradeRaw()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	frame := []byte{0x82, 0xff}
	frame = binary.BigEndian.AppendUint64(frame, 1<<31)
	frame = append(frame, 1, 2, 3, 4)
	if _, err := c.Write(frame); err != nil {
		return err.Error()
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	answer, err := io.ReadAll(c)
	if err != nil && len(answer) == 0 {
		t.Errorf("not closed: %v", err)
	}
	if !bytes.Contains(answer, []byte{0x03, 0xf1}) { // 1009
		t.Errorf("answered %x", answer)
	}
	return "closed"
}

// wtLengthBomb announces a frame of 2^62 - 1 bytes.
func wtLengthBomb(t *testing.T, h *house, _ *person) string {
	p, err := h.wt()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if _, err := p.(*wtPipe).stream.Write(quicvarint.Append(nil, 1<<62-1)); err != nil {
		t.Fatal(err)
	}
	b, err := p.read()
	if err != nil {
		t.Fatal(err)
	}
	f := &clientpb.ServerFrame{}
	mustUnmarshal(t, b, f)
	return f.Bye.GetError().GetCode()
}

// manyBomb is one frame with as many empty requests as fit.
func manyBomb(t *testing.T, h *house, _ *person) string {
	v := h.dial("websocket")
	one := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte{0x08, 0x01})
	if err := v.pipe.write(bytes.Repeat(one, (session.MaxFrame-8)/len(one))); err != nil {
		t.Fatal(err)
	}
	return v.awaitBye().Error.GetCode()
}

// TestHalfOpen (reliability.md, test 12, small): connections that never say anything are
// reaped.
func TestHalfOpen(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a deadline of 10 s")
	}
	t.Parallel()
	h := openHouse(t)
	silent := h.dial("websocket")
	tcp := dialTCP(t, h)
	half := dialTCP(t, h)
	if _, err := half.Write([]byte{0x16, 0x03, 0x01, 0x02}); err != nil {
		t.Fatal(err)
	}
	if bye := silent.awaitBye(); bye.Error.GetCode() != "unauthenticated" {
		t.Errorf("bye %v", bye)
	}
	for _, c := range []io.Reader{tcp, half} {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("an answer to nothing")
		} else if strings.Contains(err.Error(), "timeout") {
			t.Error("a silent connection is kept for more than 30 s")
		}
	}
}

// TestConnectionsPerAddress counts what comes from elsewhere; loopback is exempt, so the
// tally is asked directly.
func TestConnectionsPerAddress(t *testing.T) {
	tally := newTally(2, loopback)
	a, b := network("[2001:db8::1]:1000"), network("[2001:db8::2]:2000")
	if !tally.enter(a) || !tally.enter(b) || tally.enter(a) {
		t.Error("a /64 has two places")
	}
	tally.leave(b)
	if !tally.enter(a) {
		t.Error("the place was not given back")
	}
	for range 100 {
		if !tally.enter(network("127.0.0.1:5")) || !tally.enter(network("[::1]:5")) {
			t.Fatal("loopback is limited")
		}
	}
	if len(tally.held) != 1 {
		t.Errorf("%d keys held", len(tally.held))
	}
}

// TestRetry: once handshakes with unproven addresses pile up, new clients are asked to
// prove theirs first; they still get in.
func TestRetry(t *testing.T) {
	h := openHouse(t, withLimits(Limits{Handshakes: 1}))
	h.server.quic.handshakes.Add(1)
	defer h.server.quic.handshakes.Add(-1)
	p, err := h.wt()
	if err != nil {
		t.Fatal(err)
	}
	p.close()
	if n := h.server.quic.handshakes.Load(); n != 1 {
		t.Errorf("%d handshakes counted: a proven address is none", n)
	}
}

// TestCA: only the one name on the list is ever asked of the CA.
func TestCA(t *testing.T) {
	a := newAuthority("node.example", "", t.TempDir(), 443)
	defer a.close()
	for _, name := range []string{"", "other.example", "node.example.evil.example", "127.0.0.1"} {
		if c := a.certificate(helloFor(name)); c != nil {
			t.Errorf("%q has a certificate", name)
		}
	}
	if c := a.certificate(helloFor("node.example")); c != nil {
		t.Error("a certificate before one was got")
	}
	var none *authority
	if none.certificate(helloFor("node.example")) != nil {
		t.Error("no domain, but a certificate")
	}
}

func TestHeartbeatOverTheWire(t *testing.T) {
	h := openHouse(t)
	h.server.heartbeat = 1200 * time.Millisecond // the doors look once a second
	alice := h.person("alice")
	p, err := h.ws()
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	(&fan{t: t}).open(p, alice.token)
	var pings int
	for {
		b, err := p.read()
		if err != nil {
			t.Fatal(err)
		}
		f := &clientpb.ServerFrame{}
		mustUnmarshal(t, b, f)
		if f.Ping {
			pings++
		}
		if f.Bye != nil {
			if pings == 0 || f.Bye.Error.GetCode() != "unavailable" {
				t.Errorf("%d pings, bye %v", pings, f.Bye)
			}
			return
		}
	}
}
