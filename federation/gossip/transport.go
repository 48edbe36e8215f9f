package gossip

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
	"hearth/node/limit"
)

const (
	port          = 1   // of every address; 0 would mean "the default one" to memberlist
	packetsQueued = 512 // incoming, until memberlist takes them
	streamsAtOnce = 64  // incoming
	streamsOfPeer = 4   // incoming, of one
)

// packetRate is what one peer may send: some ten times what memberlist sends at its busiest.
var packetRate = limit.Rate{Burst: 400, Per: 2 * time.Second}

var (
	errNameless = errors.New("no node named")
	errUnknown  = errors.New("unknown node")
)

// transport is memberlist's: packets and streams on the Carrier. Nothing here dials an address.
type transport struct {
	ctx     context.Context
	self    string
	out     Carrier
	roster  *roster
	most    int // nodes in a list
	packets chan *memberlist.Packet
	streams chan net.Conn
	rates   *limit.Table[string]

	mu   sync.Mutex
	open map[*stream]string // with the peer, of those that a peer opened
}

func newTransport(ctx context.Context, self string, out Carrier, r *roster, limits int) *transport {
	return &transport{ctx: ctx, self: self, out: out, roster: r, most: most(limits),
		packets: make(chan *memberlist.Packet, packetsQueued),
		streams: make(chan net.Conn, streamsAtOnce),
		rates:   limit.New[string](packetRate, 1024),
		open:    make(map[*stream]string)}
}

// most is how many nodes another's list may have: its limit and its dead, who are kept for a while.
func most(limit int) int { return 2*limit + 64 }

// addressOf is memberlist's address of a node: a unique local one (RFC 4193) made from its name.
func addressOf(name string) net.IP {
	h := sha256.Sum256([]byte("hearth gossip address\n" + name))
	return append(net.IP{0xfd}, h[:15]...)
}

// joinAddress is what memberlist's Join takes for a node.
func joinAddress(name string) string {
	return name + "/" + net.JoinHostPort(addressOf(name).String(), strconv.Itoa(port))
}

func (t *transport) packet(from string, b []byte, at time.Time) {
	if t.rates.Take(from, 1, at) > 0 || !packetIsFine(b) {
		return
	}
	select {
	case t.packets <- &memberlist.Packet{Buf: b, From: address(from), Timestamp: at}:
	default: // memberlist is behind: as on a network
	}
}

func (t *transport) accept(from string, c net.Conn) {
	s := t.stream(from, c, inbound)
	if s == nil {
		c.Close()
		return
	}
	select {
	case t.streams <- s:
		<-s.closed
	default:
		s.Close()
	}
}

// stream counts and guards a stream; nil when there are too many.
func (t *transport) stream(from string, c net.Conn, way direction) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() != nil || way == inbound && !t.room(from) {
		return nil
	}
	s := guard(c, address(from), way, t.most, t.forget)
	t.open[s] = from
	return s
}

func (t *transport) room(from string) bool {
	all, theirs := 0, 0
	for s, peer := range t.open {
		if s.way != inbound {
			continue
		}
		all++
		if peer == from {
			theirs++
		}
	}
	return all < streamsAtOnce && theirs < streamsOfPeer
}

func (t *transport) forget(s *stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, s)
}

// drop ends all streams, those that memberlist did not get to take too.
func (t *transport) drop() {
	t.mu.Lock()
	var all []*stream
	for s := range t.open {
		all = append(all, s)
	}
	t.mu.Unlock()
	for _, s := range all {
		s.Close()
	}
}

// FinalAdvertiseAddr implements memberlist.Transport.
func (t *transport) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return addressOf(t.self), port, nil
}

// WriteToAddress implements memberlist.NodeAwareTransport.
func (t *transport) WriteToAddress(b []byte, to memberlist.Address) (time.Time, error) {
	name := t.roster.name(to.Name)
	if name == "" {
		return time.Time{}, errUnknown
	}
	t.out.SendPacket(name, b)
	return time.Now(), nil
}

// DialAddressTimeout implements memberlist.NodeAwareTransport.
func (t *transport) DialAddressTimeout(to memberlist.Address, timeout time.Duration) (net.Conn, error) {
	name := t.roster.name(to.Name)
	if name == "" {
		return nil, errUnknown
	}
	ctx, cancel := context.WithTimeout(t.ctx, timeout)
	defer cancel()
	c, err := t.out.OpenStream(ctx, name)
	if err != nil {
		return nil, err
	}
	if s := t.stream(name, c, outbound); s != nil {
		return s, nil
	}
	c.Close()
	return nil, net.ErrClosed
}

// PacketCh implements memberlist.Transport.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh implements memberlist.Transport.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// Shutdown implements memberlist.Transport. Streams end in drop, after memberlist has stopped taking them.
func (t *transport) Shutdown() error { return nil }

// WriteTo implements memberlist.Transport: without a name there is no key to check, so it does not send.
func (t *transport) WriteTo([]byte, string) (time.Time, error) { return time.Time{}, errNameless }

// DialTimeout implements memberlist.Transport, as WriteTo.
func (t *transport) DialTimeout(string, time.Duration) (net.Conn, error) { return nil, errNameless }

// address is where something came from, for memberlist's log.
type address string

func (address) Network() string  { return "hearth" }
func (a address) String() string { return string(a) }
