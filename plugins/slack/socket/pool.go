// Package socket keeps sockets to Slack's Socket Mode open: envelopes come in JSON, one a text frame, and
// each is acknowledged within three seconds. (docs.slack.dev, "Using Socket Mode")
//
//	{"type":"hello","num_connections":1,...}
//	{"type":"events_api","envelope_id":"E1","payload":{...},"retry_attempt":0,"retry_reason":""}   -> {"envelope_id":"E1"}
//	{"type":"disconnect","reason":"warning" | "refresh_requested" | "link_disabled" | "too_many_websockets"}
//
// Slack closes a socket every hour or so, and says so ten seconds before: another is opened
// then, and the old one is read until it ends. Two are open in steady state, so that one that dies
// without a word leaves the other; Slack allows ten.
package socket

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Pool keeps sockets open until its context ends.
type Pool struct {
	Open func(context.Context) (url string, err error) // apps.connections.open
	// Take keeps an envelope safe and returns what to answer, usually nil. Not ok: Slack is to send it again.
	Take func(context.Context, *Envelope) (answer any, ok bool)
	// Changed is told each time that a socket has begun (by is 1, err nil), has ended (-1), or did not begin (0), and how many are
	// alive now. It must not block.
	Changed func(alive, by int, err error)
	Log     *slog.Logger

	Sockets  int           // 0: 2
	Silence  time.Duration // after which a socket is pinged; 0: 30 s
	Greeting time.Duration // to wait for hello; 0: 15 s
	Base     time.Duration // of the back-off after a failure; 0: 1 s
	Lull     time.Duration // of the back-off after too_many_websockets; 0: 30 s

	heard atomic.Int64
	conns sync.WaitGroup
	mu    sync.Mutex
	alive int
}

const (
	maxBackoff = time.Minute
	maxLull    = 10 * time.Minute
	lingering  = 30 * time.Second // for a socket that is being replaced
)

func (p *Pool) defaults() {
	if p.Sockets == 0 {
		p.Sockets = 2
	}
	for d, v := range map[*time.Duration]time.Duration{&p.Silence: 30 * time.Second, &p.Greeting: 15 * time.Second, &p.Base: time.Second, &p.Lull: 30 * time.Second} {
		if *d == 0 {
			*d = v
		}
	}
}

// Heard is when Slack last said anything on any socket, in ms since 1970.
func (p *Pool) Heard() int64 { return p.heard.Load() }

// Run keeps the sockets open until ctx ends.
func (p *Pool) Run(ctx context.Context) {
	p.defaults()
	var slots sync.WaitGroup
	for range p.Sockets {
		slots.Go(func() { p.slot(ctx) })
	}
	slots.Wait()
	p.conns.Wait()
}

// slot keeps one socket open.
func (p *Pool) slot(ctx context.Context) {
	var delay backoff
	for ctx.Err() == nil {
		c, err := p.begin(ctx)
		if err != nil {
			delay.wait(ctx, p, err)
			continue
		}
		delay = backoff{}
		p.keep(ctx, c)
	}
}

// keep lives with a socket and its successors until one dies.
func (p *Pool) keep(ctx context.Context, c *conn) {
	var delay backoff
	for {
		select {
		case <-c.done:
			return
		case <-c.closing:
		}
		next, err := p.begin(ctx)
		if err != nil {
			select { // it is still good for some seconds
			case <-c.done:
				return
			case <-time.After(delay.next(p, err)):
			}
			continue
		}
		old := c
		p.conns.Go(func() { old.linger(ctx) })
		c, delay = next, backoff{}
	}
}

// linger ends a socket that Slack does not close as it said.
func (c *conn) linger(ctx context.Context) {
	select {
	case <-c.done:
	case <-ctx.Done():
	case <-time.After(lingering):
		c.ws.CloseNow()
	}
}

// begin opens a socket and tells of it, and later of its end.
func (p *Pool) begin(ctx context.Context) (*conn, error) {
	c, err := p.dial(ctx)
	if err != nil {
		if ctx.Err() == nil {
			p.change(0, err)
		}
		return nil, err
	}
	p.change(+1, nil)
	p.conns.Go(func() {
		<-c.done
		p.change(-1, c.err)
	})
	return c, nil
}

func (p *Pool) change(by int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.alive += by
	p.Changed(p.alive, by, err)
}

// backoff is how long to wait before the next attempt.
type backoff struct{ failures int }

func (b *backoff) next(p *Pool, err error) time.Duration {
	base, most := p.Base, maxBackoff
	if errors.Is(err, ErrTooMany) {
		base, most = p.Lull, maxLull
	}
	d := min(most, base<<min(b.failures, 10))
	b.failures++
	return d/2 + rand.N(d)
}

func (b *backoff) wait(ctx context.Context, p *Pool, err error) {
	select {
	case <-ctx.Done():
	case <-time.After(b.next(p, err)):
	}
}
