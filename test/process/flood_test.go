package process

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// Test 12 of reliability.md, for the peers' door: strangers who begin handshakes and never end them, and
// strangers who end them and then say nothing. Honest people hardly notice, memory stays in bounds, and
// after half a minute the strangers are gone.
func TestHalfHandshakes(t *testing.T) {
	f := newFederation(t, 1)
	n := f.nodes[0]
	count := 300
	if full() {
		count = 2000
	}
	calm := slowestButOne(n.logins(40))
	before, files := n.memory(), n.files()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var strangers sync.WaitGroup
	deaf, mute := newStrangers(t, true), newStrangers(t, false)
	halfTCP := make([]net.Conn, 0, count)
	for range count {
		strangers.Go(func() { deaf.call(ctx, n.address()) })
		strangers.Go(func() { mute.call(ctx, n.address()) })
		if c, err := net.Dial("tcp", n.address()); err == nil {
			c.Write([]byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01}) // the beginning of a ClientHello
			halfTCP = append(halfTCP, c)
		}
	}
	allowed := max(500*time.Millisecond, 3*calm) // a busy machine is slow without strangers too
	took := n.logins(40)
	at := n.memory()
	slow := slowestButOne(took)
	for range 3 { // and is not always equally busy
		if slow > allowed {
			slow = min(slow, slowestButOne(n.logins(40)))
		}
	}
	t.Logf("%d of each kind of stranger: memory %d MB -> %d MB, honest logins p50 %v, p97 %v", count, before>>20, at>>20,
		took[len(took)/2].Round(time.Millisecond), slow.Round(time.Millisecond))
	if at-before > 300<<20 {
		t.Errorf("memory grew by %d MB", (at-before)>>20)
	}
	if slow > allowed {
		t.Errorf("an honest login took %v, before the strangers came %v", slow, calm)
	}
	reaped := within(t, time.Minute, func() error {
		for _, c := range halfTCP {
			c.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := c.Read(make([]byte, 512)); errors.Is(err, os.ErrDeadlineExceeded) {
				return errors.New("a half-open TCP connection is still there")
			}
		}
		if left := mute.open(); left > 0 {
			return fmt.Errorf("%d silent QUIC connections are still there", left)
		}
		if now := n.files(); now > files+10 {
			return fmt.Errorf("%d files are open, %d were before", now, files)
		}
		return nil
	})
	t.Logf("all gone after %v", reaped.Round(time.Second))
	for _, c := range halfTCP {
		c.Close()
	}
	cancel()
	strangers.Wait()
	f.verify(n)
}

// slowestButOne sorts: the machine has other things to do too.
func slowestButOne(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)-2]
}

// strangers are QUIC clients on one socket. The deaf hear nothing, so their handshakes never end.
type strangers struct {
	*quic.Transport
	certificate tls.Certificate

	mu    sync.Mutex
	conns []*quic.Conn
}

func newStrangers(t *testing.T, deaf bool) *strangers {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conn net.PacketConn = udp
	if deaf {
		conn = deafConn{udp}
	}
	s := &strangers{Transport: &quic.Transport{Conn: conn}, certificate: stranger(t)}
	t.Cleanup(func() { s.Close(); udp.Close() })
	return s
}

// call dials, with a key nobody knows, and says nothing.
func (s *strangers) call(ctx context.Context, address string) {
	to, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return
	}
	c, err := s.Dial(ctx, to, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"hearth-peer/1"},
		Certificates: []tls.Certificate{s.certificate}}, &quic.Config{HandshakeIdleTimeout: time.Minute,
		MaxIdleTimeout: 10 * time.Minute, KeepAlivePeriod: 5 * time.Second, EnableDatagrams: true})
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, c)
}

func (s *strangers) open() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if c.Context().Err() == nil {
			n++
		}
	}
	return n
}

// deafConn sends and hears nothing.
type deafConn struct{ net.PacketConn }

// SetReadBuffer only spares quic-go's complaint.
func (c deafConn) SetReadBuffer(int) error { return nil }

func (c deafConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		if _, _, err := c.PacketConn.ReadFrom(b); err != nil {
			return 0, nil, err
		}
	}
}

// stranger is a certificate as a node makes it: by its own key.
func stranger(t *testing.T) tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func (n *node) address() string {
	u, err := url.Parse(n.url)
	if err != nil {
		n.t.Fatal(err)
	}
	return u.Host
}

// memory is the resident set, in bytes.
func (n *node) memory() int64 {
	n.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.run.PID()))
	if err != nil {
		n.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kB int64
	fmt.Sscan(rest, &kB)
	return kB << 10
}

// files is how many the process has open, sockets too.
func (n *node) files() int {
	n.t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.run.PID()))
	if err != nil {
		n.t.Fatal(err)
	}
	return len(open)
}

// logins tells how long each of some honest logins took.
func (n *node) logins(count int) []time.Duration {
	n.t.Helper()
	var took []time.Duration
	for range count {
		d, err := client.NewDialer(n.url, client.NewTrust(n.url, "", true))
		if err != nil {
			n.t.Fatal(err)
		}
		began := time.Now()
		if _, err := client.Call(n.t.Context(), client.NewHTTP(d, ""), client.Login,
			&pb.LoginRequest{Username: n.user, Password: password, DeviceName: "flood"}); err != nil {
			n.t.Errorf("an honest login: %v", err)
		}
		took = append(took, time.Since(began))
		d.Close()
	}
	return took
}
