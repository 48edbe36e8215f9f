package ident

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// Owner is whose a connection is: what it tells of itself is what the server answers. The zero Owner is nobody's, and nothing is
// answered for it.
type Owner struct {
	Server *Server
	User   string
}

// Dial connects as d does, and answers for the connection while it is open.
func (o Owner) Dial(ctx context.Context, d net.Dialer, addr string) (net.Conn, error) {
	s := o.Server
	if s == nil {
		return d.DialContext(ctx, "tcp", addr)
	}
	// A name may have several addresses, which are tried side by side.
	var mu sync.Mutex
	var begun []netip.AddrPort
	over := false
	d.ControlContext = func(_ context.Context, _, to string, _ syscall.RawConn) error {
		mu.Lock()
		defer mu.Unlock()
		if ap, err := netip.ParseAddrPort(to); err == nil && !over {
			ap = netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
			begun = append(begun, ap)
			s.begin(ap)
		}
		return nil
	}
	c, err := d.DialContext(ctx, "tcp", addr)
	mu.Lock()
	defer mu.Unlock()
	over = true // another address may be tried for a moment still
	if err != nil {
		s.made(begun, nil, "")
		return nil, err
	}
	own := &owned{Conn: c, s: s, pair: pair{address(c.LocalAddr()).Port(), address(c.RemoteAddr())}}
	s.made(begun, own, o.User)
	return own, nil
}

func (s *Server) begin(to netip.AddrPort) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun[to]++
}

// made ends what was begun: c is there, unless it is nil.
func (s *Server) made(begun []netip.AddrPort, c *owned, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c != nil {
		s.owners[c.pair] = user
	}
	for _, to := range begun {
		if s.begun[to]--; s.begun[to] <= 0 {
			delete(s.begun, to)
		}
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// owned is a connection that is answered for.
type owned struct {
	net.Conn
	s    *Server
	pair pair
	once sync.Once
}

func (c *owned) Close() error {
	c.once.Do(func() { // before the port is free for another
		c.s.mu.Lock()
		delete(c.s.owners, c.pair)
		c.s.mu.Unlock()
	})
	return c.Conn.Close()
}
