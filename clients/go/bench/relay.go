package main

import (
	"net"
	"sync"
	"sync/atomic"
)

// relay passes UDP packets between a node and whoever calls at its address, and counts them.
type relay struct {
	addr   string
	front  *net.UDPConn
	target *net.UDPAddr
	in     traffic // to the node
	out    traffic // from the node
	mu     sync.Mutex
	ways   map[string]*net.UDPConn // by caller
	closed bool
}

type traffic struct{ bytes, packets atomic.Int64 }

// ipHeaders is what IPv4 and UDP put before each packet's payload.
const ipHeaders = 28

func (t *traffic) note(n int) {
	t.bytes.Add(int64(n))
	t.packets.Add(1)
}

func newRelay(target string) (*relay, error) {
	to, err := net.ResolveUDPAddr("udp", target)
	if err != nil {
		return nil, err
	}
	front, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	r := &relay{addr: front.LocalAddr().String(), front: front, target: to, ways: map[string]*net.UDPConn{}}
	go r.forth()
	return r, nil
}

func (r *relay) forth() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := r.front.ReadFromUDP(buf)
		if err != nil {
			return
		}
		way := r.way(from)
		if way == nil {
			return
		}
		r.in.note(n)
		_, _ = way.Write(buf[:n]) // a lost packet is a lost packet
	}
}

func (r *relay) way(from *net.UDPAddr) *net.UDPConn {
	r.mu.Lock()
	defer r.mu.Unlock()
	if way := r.ways[from.String()]; way != nil || r.closed {
		return way
	}
	way, err := net.DialUDP("udp", nil, r.target)
	if err != nil {
		return nil
	}
	r.ways[from.String()] = way
	go r.back(way, from)
	return way
}

func (r *relay) back(way *net.UDPConn, to *net.UDPAddr) {
	buf := make([]byte, 1<<16)
	for {
		n, err := way.Read(buf)
		if err != nil {
			return
		}
		r.out.note(n)
		_, _ = r.front.WriteToUDP(buf[:n], to)
	}
}

func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.front.Close()
	for _, w := range r.ways {
		w.Close()
	}
}

// tally is what passed relays, both ways.
type tally struct{ bytes, packets int64 }

func tallyOf(relays []*relay) (t tally) {
	for _, r := range relays {
		t.bytes += r.in.bytes.Load() + r.out.bytes.Load()
		t.packets += r.in.packets.Load() + r.out.packets.Load()
	}
	return t
}

func (t tally) minus(o tally) tally { return tally{t.bytes - o.bytes, t.packets - o.packets} }
func (t tally) ip() int64           { return t.bytes + ipHeaders*t.packets }
