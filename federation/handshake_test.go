package federation

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"hearth/federation/link"
	"hearth/federation/link/linkpb"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// hello is what a stranger says on the control stream, and what it gets to hear.
func (s *stranger) hello(q *quic.Conn, change ...func(*linkpb.Hello)) (*quic.Stream, *linkpb.Hello, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	control, err := q.OpenStreamSync(ctx)
	if err != nil {
		return nil, nil, err
	}
	h := &linkpb.Hello{Protocol: 1, Record: s.record, Time: time.Now().UnixMilli(), Instance: []byte("first")}
	for _, f := range change {
		f(h)
	}
	s.write(control, &linkpb.Frame{What: &linkpb.Frame_Hello{Hello: h}})
	answer, err := s.read(bufio.NewReader(control), control)
	return control, answer.GetHello(), err
}

func (s *stranger) write(control *quic.Stream, f *linkpb.Frame) {
	s.t.Helper()
	b, err := link.Append(nil, f)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := control.Write(b); err != nil {
		s.t.Logf("write: %v", err)
	}
}

func (s *stranger) read(r *bufio.Reader, control *quic.Stream) (*linkpb.Frame, error) {
	_ = control.SetReadDeadline(time.Now().Add(patience))
	b, err := link.ReadBytes(r, link.MaxFrame)
	if err != nil {
		return nil, err
	}
	return link.DecodeFrame(b)
}

// enter brings a stranger's link up.
func (s *stranger) enter(l *lodge, change ...func(*linkpb.Hello)) (*quic.Conn, *quic.Stream) {
	s.t.Helper()
	q, err := s.dial(l)
	if err != nil {
		s.t.Fatal(err)
	}
	control, h, err := s.hello(q, change...)
	if err != nil || h.GetRefused() != "" {
		s.t.Fatalf("hello: %v %v", h, err)
	}
	return q, control
}

// ended waits until a connection has ended and returns the words of the other side.
func ended(t testing.TB, q *quic.Conn) string {
	t.Helper()
	select {
	case <-q.Context().Done():
	case <-time.After(patience):
		t.Fatal("the connection goes on")
	}
	var app *quic.ApplicationError
	if err := context.Cause(q.Context()); errors.As(err, &app) {
		return app.ErrorMessage
	}
	return ""
}

func withoutCertificate(c *tls.Config) { c.Certificates = nil }

func withECDSA(c *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	c.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
}

// Only a connection whose other side has proven a node's key gets so far as a hello.
func TestTLSRefused(t *testing.T) {
	l := newLodge(t, "a.test")
	s := newStranger(t, "b.test")
	for name, change := range map[string]func(*tls.Config){"no certificate": withoutCertificate, "no node's key": withECDSA} {
		q, err := s.dial(l, change)
		if err != nil {
			continue // refused at once
		}
		if _, h, err := s.hello(q); err == nil {
			t.Errorf("%s: answered %v", name, h)
		}
		ended(t, q)
	}
	if links := l.door.Links(); len(links) > 0 {
		t.Errorf("there are links: %v", links)
	}
}

// A hello is refused with a code and a sentence.
func TestHelloRefused(t *testing.T) {
	l := newLodge(t, "a.test")
	s, other := newStranger(t, "b.test"), newStranger(t, "c.test")
	old, err := peer.NewRecord("b.test", s.key, nil, "test", time.Now().Add(-8*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ahead, err := peer.NewRecord("b.test", s.key, nil, "test", time.Now().Add(30*24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	forged := &roompb.SignedRecord{Record: s.record.Record, Signature: slices.Repeat([]byte{1}, 64)}
	for name, c := range map[string]struct {
		change func(*linkpb.Hello)
		code   string
	}{
		"another's record": {func(h *linkpb.Hello) { h.Record = other.record }, codeOtherKey},
		"expired":          {func(h *linkpb.Hello) { h.Record = old }, string(room.Gone)},
		"from the future":  {func(h *linkpb.Hello) { h.Record = ahead }, string(room.Conflict)},
		"forged":           {func(h *linkpb.Hello) { h.Record = forged }, string(room.BadRequest)},
		"no record":        {func(h *linkpb.Hello) { h.Record = nil }, string(room.BadRequest)},
		"version 2":        {func(h *linkpb.Hello) { h.Protocol = 2 }, link.CodeProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := s.dial(l)
			if err != nil {
				t.Fatal(err)
			}
			_, h, err := s.hello(q, c.change)
			if err != nil || h.GetRefused() != c.code || h.GetMessage() == "" {
				t.Errorf("answered %v, %v; want the code %s and a sentence", h, err, c.code)
			}
			ended(t, q)
		})
	}
	if _, known := l.node.Peers.Lookup("b.test"); known {
		t.Error("a refused node was pinned")
	}
}

// The first key seen under a name stays; another is refused, and the administrator hears
// of it, until the name is forgotten.
func TestOtherKey(t *testing.T) {
	l := newLodge(t, "a.test")
	q, _ := newStranger(t, "b.test").enter(l)
	_ = q.CloseWithError(0, "")
	squatter := newStranger(t, "b.test")
	q, err := squatter.dial(l)
	if err != nil {
		t.Fatal(err)
	}
	if _, h, err := squatter.hello(q); err != nil || h.GetRefused() != codeOtherKey {
		t.Fatalf("answered %v, %v", h, err)
	}
	alarms := l.node.Peers.Alarms()
	if len(alarms) != 1 || alarms[0].Peer != "b.test" || !strings.Contains(alarms[0].Text, peer.Fingerprint(squatter.key.Public().(ed25519.PublicKey))) {
		t.Errorf("alarms: %v", alarms)
	}
	if err := l.node.Peers.Forget("b.test"); err != nil {
		t.Fatal(err)
	}
	squatter.enter(l)
}

// Who says nothing, or not all, is let go within seconds.
func TestHalfHandshakes(t *testing.T) {
	t.Parallel()
	l := newLodge(t, "a.test")
	s := newStranger(t, "b.test")
	silent, err := s.dial(l)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := s.dial(l)
	if err != nil {
		t.Fatal(err)
	}
	control, err := slow.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := control.Write([]byte{200, 1, 'x'}); err != nil { // of 200 bytes, one
		t.Fatal(err)
	}
	ended(t, silent)
	ended(t, slow)
	until(t, "nothing is left of them", func() bool {
		l.door.mu.RLock()
		defer l.door.mu.RUnlock()
		return len(l.door.conns) == 0 && l.door.greeting == 0
	}, func() string { return "" })
	for range 300 { // packets of no handshake
		c, err := net.Dial("udp", l.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(slices.Repeat([]byte{0xc3}, 1200))
		_ = c.Close()
	}
	newStranger(t, "c.test").enter(l)
}

// A frame that is too long, or none, ends the link; the length alone is enough.
func TestBadFrames(t *testing.T) {
	l := newLodge(t, "a.test")
	for name, bytes := range map[string][]byte{
		"2^31 long":     {0x80, 0x80, 0x80, 0x80, 0x08},
		"70 bits":       slices.Repeat([]byte{0xff}, 11),
		"no frame":      {3, 0xff, 0xff, 0xff},
		"second hello":  frameBytes(t, &linkpb.Frame{What: &linkpb.Frame_Hello{Hello: &linkpb.Hello{Protocol: 1}}}),
		"short hash":    frameBytes(t, &linkpb.Frame{What: &linkpb.Frame_Have{Have: &linkpb.Have{Frontier: &roompb.Frontier{Room: []byte("x")}}}}),
		"digest of one": frameBytes(t, &linkpb.Frame{What: &linkpb.Frame_Digest{Digest: &linkpb.Digest{All: []byte("x")}}}),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStranger(t, "b-"+strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), "^", "")+".test")
			q, control := s.enter(l)
			if _, err := control.Write(bytes); err != nil {
				t.Fatal(err)
			}
			if word := ended(t, q); name != "70 bits" && !strings.HasPrefix(word, link.CodeProtocol) {
				t.Errorf("it ended with %q", word)
			}
		})
	}
}

func frameBytes(t testing.TB, f *linkpb.Frame) []byte {
	t.Helper()
	b, err := link.Append(nil, f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A peer that sends what is bad again and again loses its link, and may not come back for
// some minutes; the administrator hears of it.
func TestBadParcelsAreCharged(t *testing.T) {
	t.Parallel()
	l := newLodge(t, "a.test")
	id := l.garden(l.user("ann"), "garden")
	s := newStranger(t, "b.test")
	q, _ := s.enter(l)
	rooms, err := q.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	bad, err := link.Append(nil, &roompb.Parcel{Room: id[:], Packets: []*roompb.Packet{{Header: []byte("no header")}}, Head: &roompb.Head{}})
	if err != nil {
		t.Fatal(err)
	}
	b := append([]byte{link.StreamRoom}, id[:]...)
	for range 12 {
		b = append(b, bad...)
	}
	if _, err := rooms.Write(b); err != nil {
		t.Fatal(err)
	}
	if word := ended(t, q); !strings.HasPrefix(word, link.CodeCharged) {
		t.Errorf("it ended with %q", word)
	}
	until(t, "the alarm", func() bool { return len(l.node.Peers.Alarms()) > 0 }, func() string { return "none" })
	if alarms := l.node.Peers.Alarms(); len(alarms) != 1 || alarms[0].Peer != "b.test" {
		t.Errorf("alarms: %v", alarms)
	}
	if q, err = s.dial(l); err != nil {
		t.Fatal(err)
	}
	if _, h, err := s.hello(q); err != nil || h.GetRefused() != link.CodeCharged {
		t.Errorf("it came back: %v %v", h, err)
	}
}

// A parcel of 2^31 bytes is refused when its length is read.
func TestOversizeParcel(t *testing.T) {
	l := newLodge(t, "a.test")
	id := l.garden(l.user("ann"), "garden")
	q, _ := newStranger(t, "b.test").enter(l)
	rooms, err := q.OpenUniStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rooms.Write(append(append([]byte{link.StreamRoom}, id[:]...), 0x80, 0x80, 0x80, 0x80, 0x08)); err != nil {
		t.Fatal(err)
	}
	if word := ended(t, q); !strings.HasPrefix(word, link.CodeProtocol) {
		t.Errorf("it ended with %q", word)
	}
}

// A flood of questions is answered, beyond the rate with a refusal that says when to come back.
func TestAskFlood(t *testing.T) {
	t.Parallel()
	l := newLodge(t, "a.test")
	q, _ := newStranger(t, "b.test").enter(l)
	ask, err := link.Append([]byte{link.StreamAsk}, &roompb.Ask{What: &roompb.Ask_Directory{Directory: &roompb.DirectoryAsk{Limit: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	var limited atomic.Int64
	var askers sync.WaitGroup
	for range 24 { // side by side: a slow machine asks fast enough too
		askers.Go(func() {
			for range 200 {
				a, err := askOnce(q, ask)
				if err != nil {
					t.Error(err)
					return
				}
				if a.GetCode() == string(room.Limited) && a.GetRetryAfterMs() > 0 {
					limited.Add(1)
				}
			}
		})
	}
	askers.Wait()
	if limited.Load() == 0 {
		t.Error("nothing was refused")
	}
}

func askOnce(q *quic.Conn, ask []byte) (*roompb.Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := q.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	_, _ = s.Write(ask)
	_ = s.Close()
	b, err := link.ReadBytes(bufio.NewReader(s), link.MaxAnswer)
	if err != nil {
		return nil, err
	}
	return link.DecodeAnswer(b)
}
