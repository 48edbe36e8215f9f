package transport

import (
	"net/netip"
	"sync"

	"hearth/node/limit"
)

// tally counts what each key holds, up to max; 0 is no limit. It is as large as the
// number of things held.
type tally[K comparable] struct {
	max  int
	free func(K) bool // keys that are not counted; nil: none

	mu   sync.Mutex
	held map[K]int
}

func newTally[K comparable](max int, free func(K) bool) *tally[K] {
	return &tally[K]{max: max, free: free, held: map[K]int{}}
}

// enter takes a place; false when key has all it may.
func (t *tally[K]) enter(key K) bool {
	if t.exempt(key) {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[key] >= t.max {
		return false
	}
	t.held[key]++
	return true
}

// leave gives a place back that was taken.
func (t *tally[K]) leave(key K) {
	if t.exempt(key) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held[key]--; t.held[key] <= 0 {
		delete(t.held, key)
	}
}

func (t *tally[K]) exempt(key K) bool { return t.max == 0 || t.free != nil && t.free(key) }

// network is what an address counts as: an IPv4 address, an IPv6 /64.
func network(address string) netip.Prefix { return limit.Network(address) }

// loopback addresses are not limited: this machine's tools and proxies stand behind them.
// ::1 counts as ::/64, like every IPv6 address; what is no IP address is a Unix socket.
func loopback(p netip.Prefix) bool {
	return p.Addr().IsLoopback() || p == netip.Prefix{} || p == loopback6
}

var loopback6 = netip.MustParsePrefix("::/64")
