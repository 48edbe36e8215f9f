package guard

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestPublic(t *testing.T) {
	for ip, is := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "172.32.0.1": true, "100.128.0.1": true, "198.20.0.1": true, "2606:4700::1111": true, "2a00::1": true, "2001:4860:4860::8888": true,
		"::ffff:1.1.1.1": true,
		"127.0.0.1":      false, "127.255.255.254": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "100.127.255.255": false, "100.100.100.200": false, "0.0.0.0": false, "0.1.2.3": false, "192.0.0.192": false,
		"192.0.2.1": false, "198.51.100.1": false, "203.0.113.1": false, "192.88.99.1": false, "198.18.0.1": false, "198.19.255.255": false,
		"224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::127.0.0.1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::ffff:0:127.0.0.1": false,
		"fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::7f00:1%1": false, "64:ff9b:1::7f00:1": false, "2002:7f00:1::": false, "2002:7f00:1::%1": false,
		"2001::7f00:1": false, "2001:db8::1": false, "3fff::1": false, "100::1": false, "5f00::1": false, "4000::1": false,
	} {
		if Public(netip.MustParseAddr(ip)) != is {
			t.Errorf("%s is public: %v", ip, !is)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// server is one on loopback that counts who comes, and a guard that trusts its certificate.
func server(t *testing.T, h http.HandlerFunc) (*httptest.Server, Guard, *atomic.Int32) {
	var came atomic.Int32
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			came.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return s, Guard{Within: time.Minute, Limit: 1 << 10, Roots: roots}, &came
}

func get(g Guard, address string) ([]byte, error) {
	w, err := g.Client().Get(address)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	return io.ReadAll(w.Body)
}

// However an address is written, and whatever a name answers, nobody on loopback is asked.
func TestHidden(t *testing.T) {
	s, g, came := server(t, func(http.ResponseWriter, *http.Request) {})
	port := s.Listener.Addr().(*net.TCPAddr).Port
	g.resolver = (&names{answers: map[string][]string{
		"loopback.test.": {"127.0.0.1", "::1"}, "metadata.test.": {"169.254.169.254", "fd00:ec2::254"}, "mapped.test.": {"::ffff:127.0.0.1", "::"},
	}}).resolver()
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::7f00:1]", "[::]", "0.0.0.0", "10.0.0.1", "169.254.169.254", "100.64.0.1",
		"[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "loopback.test", "metadata.test", "mapped.test",
		"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", // no addresses to Go, but names that nobody has
	} {
		for _, at := range []string{"", ":443", ":22", ":" + strconv.Itoa(port)} {
			if _, err := get(g, "https://"+host+at+"/"); err == nil {
				t.Errorf("%s%s answered", host, at)
			} else if ip, e := netip.ParseAddr(strings.Trim(host, "[]")); (e == nil && ip.IsValid() || strings.HasSuffix(host, ".test")) && !errors.Is(err, ErrHidden) {
				t.Errorf("%s%s: %v", host, at, err)
			}
		}
	}
	if err := g.check(g.trip(false), "", "1.1.1.1:22", nil); !errors.Is(err, ErrHidden) {
		t.Errorf("another port: %v", err)
	}
	if err := g.check(g.trip(false), "", "1.1.1.1:443", nil); err != nil {
		t.Error(err)
	}
	if came.Load() != 0 {
		t.Errorf("%d came", came.Load())
	}
}

// A name that is public when it is looked at, and loopback when it is asked again: what is dialled is what was looked at.
func TestNameThatChanges(t *testing.T) {
	n := &names{answers: map[string][]string{"rebind.test.": {"1.1.1.1"}}, later: []string{"127.0.0.1"}}
	d := Guard{resolver: n.resolver()}.dialer()
	ends := errors.New("would be dialled")
	var passed []string
	check := d.ControlContext
	d.ControlContext = func(ctx context.Context, network, address string, c syscall.RawConn) error {
		if err := check(ctx, network, address, c); err != nil {
			return err
		}
		passed = append(passed, address)
		return ends // nothing leaves this machine
	}
	ctx := Guard{}.trip(false)
	if _, err := d.DialContext(ctx, "tcp4", "rebind.test:443"); !errors.Is(err, ends) {
		t.Errorf("first: %v", err)
	}
	if _, err := d.DialContext(ctx, "tcp4", "rebind.test:443"); !errors.Is(err, ErrHidden) {
		t.Errorf("later: %v", err)
	}
	if !slices.Equal(passed, []string{"1.1.1.1:443"}) || n.asked.Load() != 2 {
		t.Errorf("%v, %d questions", passed, n.asked.Load())
	}
}

// What is public leads nowhere into our network; what is inside may, if it was named as such.
func TestRedirectInside(t *testing.T) {
	s, g, came := server(t, func(http.ResponseWriter, *http.Request) {})
	g.Near = true
	for _, inside := range []bool{false, true} {
		ctx := g.trip(false)
		ctx.Value(tripKey{}).(*trip).inside.Store(inside)
		before, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://example.org/", nil)
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		r.Response = &http.Response{Request: before}
		w, err := g.Client().Transport.RoundTrip(r)
		if err == nil {
			w.Body.Close()
		}
		if inside != (err == nil) || !inside && (!errors.Is(err, ErrHidden) || came.Load() != 0) {
			t.Errorf("inside %v: %v", inside, err)
		}
	}
}

func TestRedirectsAndSize(t *testing.T) {
	s, g, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/3", "/2", "/1":
			http.Redirect(w, r, "/"+strconv.Itoa(int(r.URL.Path[1]-'1')), http.StatusFound)
		case "/0":
			w.Write([]byte("here"))
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/clear":
			http.Redirect(w, r, "http://"+r.Host+"/0", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/large":
			w.Write(make([]byte, 1<<10+1))
		case "/header":
			w.Header().Set("X", strings.Repeat("x", headerLimit))
		}
	})
	g.Near = true
	if b, err := get(g, s.URL+"/3"); err != nil || !bytes.Equal(b, []byte("here")) {
		t.Errorf("%q, %v", b, err)
	}
	for _, path := range []string{"/round", "/clear", "/file"} {
		if _, err := get(g, s.URL+path); !errors.Is(err, ErrRedirect) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if b, err := get(g, s.URL+"/large"); len(b) != 1<<10 || !isLarge(err) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, err := get(g, s.URL+"/header"); err == nil {
		t.Error("a large header was taken")
	}
	if _, err := get(g, strings.Replace(s.URL, "https", "http", 1)); !errors.Is(err, ErrRedirect) {
		t.Errorf("in the clear: %v", err)
	}
}

func isLarge(err error) bool { _, is := errors.AsType[*http.MaxBytesError](err); return is }

func (Guard) trip(near bool) context.Context {
	return context.WithValue(context.Background(), tripKey{}, &trip{near: near})
}

// names is a name server in memory.
type names struct {
	answers map[string][]string // by name
	later   []string            // what it says of any name from the second question on
	asked   atomic.Int32
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go n.serve(far)
		return near, nil
	}}
}

// serve answers as DNS does over TCP: two bytes of length before each message (RFC 1035, 4.2.2).
func (n *names) serve(c net.Conn) {
	defer c.Close()
	size := make([]byte, 2)
	for {
		if _, err := io.ReadFull(c, size); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(size))
		if _, err := io.ReadFull(c, q); err != nil {
			return
		}
		a := n.answer(q)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)); err != nil {
			return
		}
	}
}

func (n *names) answer(q []byte) []byte {
	name, end := "", 12
	for q[end] != 0 {
		name += string(q[end+1:end+1+int(q[end])]) + "."
		end += 1 + int(q[end])
	}
	kind := binary.BigEndian.Uint16(q[end+1:])
	of := n.answers[name]
	if n.asked.Add(1) > 1 && n.later != nil {
		of = n.later
	}
	a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end+5]...)
	for _, s := range of {
		ip := netip.MustParseAddr(s)
		if (kind == 1) != ip.Is4() {
			continue
		}
		a[7]++
		a = append(a, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(ip.BitLen()/8))
		a = append(a, ip.AsSlice()...)
	}
	return a
}
