package transport

import (
	"net/netip"
	"time"

	"hearth/node/limit"
	"hearth/node/room"
)

// Limits bounds what comes in by the doors. A zero field is no limit; DefaultLimits
// is generous to people and hostile to floods. Loopback addresses are not limited by
// address: this machine's own tools, and proxies, stand behind them.
type Limits struct {
	Sends                 limit.Rate // messages, edits, reactions ..., per account
	Requests              limit.Rate // of any command, per address (IPv6: per /64)
	SessionsPerAccount    int        // WebSocket, WebTransport and SSE together
	ConnectionsPerAddress int        // TCP and QUIC together
	FrameBytes            int        // of a client's frame, and of an HTTP request; 0: 256 KiB
	Handshakes            int        // QUIC handshakes with unproven addresses before Retry is asked of new ones; 0: 64
}

// DefaultLimits suit a node that faces the internet.
func DefaultLimits() Limits {
	return Limits{
		Sends:                 limit.Rate{Burst: 1000, Per: 10 * time.Second},
		Requests:              limit.Rate{Burst: 600, Per: 2 * time.Second},
		SessionsPerAccount:    20,
		ConnectionsPerAddress: 200,
	}
}

// rates are the token buckets of all doors.
type rates struct {
	sends    *limit.Table[room.User]
	requests *limit.Table[netip.Prefix]
}

// buckets each table remembers.
const buckets = 100_000

func newRates(l Limits) *rates {
	r := &rates{}
	if l.Sends.Burst > 0 {
		r.sends = limit.New[room.User](l.Sends, buckets)
	}
	if l.Requests.Burst > 0 {
		r.requests = limit.New[netip.Prefix](l.Requests, buckets)
	}
	return r
}

// take counts one request.
func (r *rates) take(c *call, row *command) error {
	if err := r.takeAddress(c.address); err != nil {
		return err
	}
	if r.sends == nil || !row.sends || c.caller.User == "" {
		return nil
	}
	return refuse(r.sends.Take(c.caller.User, 1, time.Now()), "You are sending too fast. Wait a moment.")
}

// takeAddress counts one request of any kind against its address.
func (r *rates) takeAddress(address string) error {
	key := network(address)
	if r.requests == nil || loopback(key) {
		return nil
	}
	return refuse(r.requests.Take(key, 1, time.Now()), "Too many requests come from your address. Wait a moment.")
}

func refuse(wait time.Duration, sentence string) error {
	if wait <= 0 {
		return nil
	}
	return &room.Error{Code: room.Limited, Message: sentence, RetryAfter: wait}
}
