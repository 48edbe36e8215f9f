// Package ident is a server for the Identification Protocol (RFC 1413): an IRC server asks it who a connection of ours
// belongs to. It tells that only to whom the connection is with, so that nobody else learns who speaks.
package ident

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Server answers for the connections that Dial makes. A nil one answers nobody.
type Server struct {
	ln     net.Listener
	asking sync.WaitGroup

	mu      sync.Mutex
	ended   bool
	owners  map[pair]string
	begun   map[netip.AddrPort]int // to where connections are being made
	changed chan struct{}          // closed when one of these was made, or not
	open    map[net.Conn]bool      // questions; true: of one that we have to do with
}

// pair is a connection as its two ends know it.
type pair struct {
	ours   uint16
	theirs netip.AddrPort
}

const (
	maxQuestion = 64 // bytes
	askTime     = 10 * time.Second
	maxOpen     = 128 // questions at a time of those whom we are connected to
	maxStrange  = 16  // and of all others
)

// Listen begins to answer at an address such as ":113".
func Listen(addr string) (*Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{ln: ln, owners: map[pair]string{}, begun: map[netip.AddrPort]int{}, changed: make(chan struct{}), open: map[net.Conn]bool{}}
	s.asking.Go(s.accept)
	return s, nil
}

// Addr is where it listens.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Close ends the server and waits for it.
func (s *Server) Close() {
	if s == nil {
		return
	}
	s.ln.Close()
	s.mu.Lock()
	s.ended = true
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.asking.Wait()
}

func (s *Server) accept() {
	for {
		c, err := s.ln.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no more files at the moment
			time.Sleep(100 * time.Millisecond)
		case s.enter(c):
			s.asking.Go(func() {
				s.answer(c)
				s.leave(c)
			})
		default:
			c.Close()
		}
	}
}

// enter tells whether a question is heard: strangers may not keep the networks from asking.
func (s *Server) enter(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, same, limit := s.knows(address(c.RemoteAddr()).Addr()), 0, maxStrange
	if known {
		limit = maxOpen
	}
	for _, other := range s.open {
		if other == known {
			same++
		}
	}
	if s.ended || same >= limit {
		return false
	}
	s.open[c] = known
	return true
}

func (s *Server) leave(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	c.Close()
}

// knows tells whether we are connected to an address, or about to be.
func (s *Server) knows(ip netip.Addr) bool {
	for p := range s.owners {
		if p.theirs.Addr() == ip {
			return true
		}
	}
	for to := range s.begun {
		if to.Addr() == ip {
			return true
		}
	}
	return false
}

// answer takes one question: "OUR-PORT , THEIR-PORT".
func (s *Server) answer(c net.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	end, _ := ctx.Deadline()
	c.SetDeadline(end)
	line, err := bufio.NewReader(io.LimitReader(c, maxQuestion)).ReadString('\n')
	if err != nil {
		return
	}
	first, second, ok := strings.Cut(strings.TrimSpace(line), ",")
	ours, err1 := strconv.ParseUint(strings.TrimSpace(first), 10, 32)
	theirs, err2 := strconv.ParseUint(strings.TrimSpace(second), 10, 32)
	if !ok || err1 != nil || err2 != nil {
		return // RFC 1413: what is no question is not answered
	}
	says := "ERROR : INVALID-PORT"
	if 0 < ours && ours < 1<<16 && 0 < theirs && theirs < 1<<16 {
		says = s.owner(ctx, pair{uint16(ours), netip.AddrPortFrom(address(c.RemoteAddr()).Addr(), uint16(theirs))})
	}
	fmt.Fprintf(c, "%d , %d : %s\r\n", ours, theirs, says)
}

// owner says whose a connection is. A server may ask before we know of the connection ourselves: then that is waited for.
func (s *Server) owner(ctx context.Context, p pair) string {
	for {
		s.mu.Lock()
		user, known := s.owners[p]
		begun, changed := s.begun[p.theirs] > 0, s.changed
		s.mu.Unlock()
		switch {
		case known:
			return "USERID : UNIX : " + user
		case !begun:
			return "ERROR : NO-USER"
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return "ERROR : NO-USER"
		}
	}
}

// address is an end of a connection, an IPv4 address as such whichever socket it came by.
func address(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	to := tcp.AddrPort()
	return netip.AddrPortFrom(to.Addr().Unmap().WithZone(""), to.Port())
}
