package ident

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const patience = 30 * time.Second

func start(t *testing.T) *Server {
	t.Helper()
	s, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// network is an IRC server that takes connections and says nothing.
func network(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	return ln
}

func dial(t *testing.T, s *Server, ln net.Listener, user string) net.Conn {
	t.Helper()
	c, err := Owner{s, user}.Dial(t.Context(), net.Dialer{}, ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// ask asks from an address of this machine, and returns all that is answered.
func ask(t *testing.T, s *Server, from, question string) string {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, question)
	answer, _ := io.ReadAll(c)
	return string(answer)
}

func ports(c net.Conn) (ours, theirs int) {
	return c.LocalAddr().(*net.TCPAddr).Port, c.RemoteAddr().(*net.TCPAddr).Port
}

func TestOnlyTheOtherEndIsTold(t *testing.T) {
	s, ln := start(t), network(t)
	alice, bot := dial(t, s, ln, "alice"), dial(t, s, ln, "hearth")
	a, there := ports(alice)
	b, _ := ports(bot)
	for _, c := range []struct{ from, question, want string }{
		{"127.0.0.1", fmt.Sprintf("%d,%d\r\n", a, there), fmt.Sprintf("%d , %d : USERID : UNIX : alice\r\n", a, there)},
		{"127.0.0.1", fmt.Sprintf(" %d , %d\n", b, there), fmt.Sprintf("%d , %d : USERID : UNIX : hearth\r\n", b, there)},
		{"127.0.0.2", fmt.Sprintf("%d,%d\r\n", a, there), fmt.Sprintf("%d , %d : ERROR : NO-USER\r\n", a, there)}, // not its connection
		{"127.0.0.1", fmt.Sprintf("%d,%d\r\n", a, there+1), fmt.Sprintf("%d , %d : ERROR : NO-USER\r\n", a, there+1)},
		{"127.0.0.1", fmt.Sprintf("%d,%d\r\n", there, a), fmt.Sprintf("%d , %d : ERROR : NO-USER\r\n", there, a)},
		{"127.0.0.1", "0,70000\r\n", "0 , 70000 : ERROR : INVALID-PORT\r\n"},
		{"127.0.0.1", "-1,5\r\n", ""}, {"127.0.0.1", "99999999999,5\r\n", ""}, {"127.0.0.1", "1\r\n", ""}, {"127.0.0.1", "\r\n", ""},
		{"127.0.0.1", "GET / HTTP/1.1\r\n", ""},
		{"127.0.0.1", strings.Repeat("1", 100) + ",1\r\n", ""},
	} {
		if got := ask(t, s, c.from, c.question); got != c.want {
			t.Errorf("%q from %s: %q, want %q", c.question, c.from, got, c.want)
		}
	}
	alice.Close()
	alice.Close()
	if got := ask(t, s, "127.0.0.1", fmt.Sprintf("%d,%d\r\n", a, there)); !strings.HasSuffix(got, "NO-USER\r\n") {
		t.Errorf("after the end: %q", got)
	}
	if len(s.owners) != 1 || len(s.begun) != 0 {
		t.Errorf("left: %v %v", s.owners, s.begun)
	}
}

// A server asks as soon as somebody connects, which may be before Dial has returned: that is waited for.
func TestAskedBeforeItIsKnown(t *testing.T) {
	s, ln := start(t), network(t)
	to := address(ln.Addr())
	s.begin(to)
	answer := make(chan string, 1)
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ours, _ := ports(c)
	go func() { answer <- s.owner(t.Context(), pair{uint16(ours), to}) }()
	select {
	case early := <-answer:
		t.Fatalf("answered %q while the connection was being made", early)
	case <-time.After(20 * time.Millisecond):
	}
	s.made(nil, nil, "") // of another
	own := &owned{Conn: c, s: s, pair: pair{uint16(ours), to}}
	s.made([]netip.AddrPort{to}, own, "alice")
	if got := <-answer; got != "USERID : UNIX : alice" {
		t.Errorf("%q", got)
	}
}

// A try that fails leaves nothing, and whoever asks meanwhile is answered when it is over.
func TestFailedDial(t *testing.T) {
	s, ln := start(t), network(t)
	ln.Close()
	if _, err := (Owner{s, "alice"}).Dial(t.Context(), net.Dialer{}, ln.Addr().String()); err == nil {
		t.Fatal("connected to nobody")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.begin(address(ln.Addr()))
	if got := s.owner(ctx, pair{1, address(ln.Addr())}); got != "ERROR : NO-USER" {
		t.Error(got)
	}
	s.made([]netip.AddrPort{address(ln.Addr())}, nil, "")
	if len(s.owners)+len(s.begun) != 0 {
		t.Errorf("left: %v %v", s.owners, s.begun)
	}
}

// Strangers who say nothing do not keep the networks from asking.
func TestStrangersFillOnlyTheirPart(t *testing.T) {
	s, ln := start(t), network(t)
	strange := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.9")}}
	for range 3 * maxStrange {
		c, err := strange.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	alice := dial(t, s, ln, "alice")
	a, there := ports(alice)
	if got := ask(t, s, "127.0.0.1", fmt.Sprintf("%d,%d\r\n", a, there)); !strings.HasSuffix(got, " : alice\r\n") {
		t.Errorf("%q", got)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) > maxStrange+1 {
		t.Errorf("%d strangers are heard", len(s.open))
	}
}

// Without a server nobody is answered for, and connections are made.
func TestOff(t *testing.T) {
	c := dial(t, nil, network(t), "alice")
	if _, ok := c.(*net.TCPConn); !ok {
		t.Errorf("%T", c)
	}
	(*Server)(nil).Close()
}

func TestPortTaken(t *testing.T) {
	s := start(t)
	if _, err := Listen(s.Addr().String()); err == nil {
		t.Error("two servers on one port")
	}
}
