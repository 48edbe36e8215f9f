package federation

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"hearth/federation/link"
	"hearth/node"
	"hearth/node/peer"
	"hearth/node/room"
)

// pursuit keeps the link to one peer: it dials while there is none, with growing waits,
// until nobody wants the peer any more.
type pursuit struct {
	f    *Federation
	name string
	wait link.Backoff
	kick chan struct{} // somebody waits: try now

	mu      sync.Mutex
	outcome chan struct{} // closed, and made anew, when a try has ended or a link has come or gone
	tried   time.Time     // when the last try has failed
	resume  time.Time     // not before, as the peer has asked
}

// soon is how long after a failed try another is not worth it.
const soon = time.Second

// want begins to keep a link to a peer.
func (f *Federation) want(name string) *pursuit {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pursuits[name]
	if p == nil {
		p = &pursuit{f: f, name: name, wait: link.Dialling(), kick: make(chan struct{}, 1), outcome: make(chan struct{})}
		f.pursuits[name] = p
		if name != f.name && f.ctx.Err() == nil {
			f.running.Go(p.run)
		}
	}
	return p
}

func (p *pursuit) run() {
	for p.wanted() {
		if c := p.f.linkOf(p.name); c != nil {
			p.wait.Reset()
			p.await(c.done, time.Hour)
			continue
		}
		err := p.try()
		if err == nil {
			continue
		}
		p.failed(err)
		p.await(nil, p.pause())
	}
	p.changed()
}

// wanted takes the pursuit out when nothing more calls for it.
func (p *pursuit) wanted() bool {
	if p.f.ctx.Err() != nil {
		return false
	}
	known, _ := p.f.book.Lookup(p.name)
	wanted := !known.Blocked && (p.f.linkOf(p.name) != nil || known.Listed || known.State.Gossip || p.f.companion(p.name) || p.expected())
	p.f.mu.Lock()
	defer p.f.mu.Unlock()
	if !wanted && !p.expected() {
		delete(p.f.pursuits, p.name)
		return false
	}
	return true
}

// expected tells whether somebody waits for the link right now.
func (p *pursuit) expected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tried.IsZero() || len(p.kick) > 0
}

// pause is how long to wait after a failed try.
func (p *pursuit) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.wait.Next(rand.Float64()), p.resume.Sub(p.f.config.Now()))
}

// await waits for a moment, a kick, a change, or the door's end.
func (p *pursuit) await(done <-chan struct{}, most time.Duration) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-p.f.ctx.Done():
	case <-done:
	case <-p.kick:
	case <-p.waits():
	case <-t.C:
	}
}

// try dials once.
func (p *pursuit) try() error {
	p.f.book.SetState(p.name, peer.State{Link: peer.Connecting, Error: p.lastError()})
	ctx, cancel := context.WithTimeout(p.f.ctx, dialWithin)
	defer cancel()
	return p.f.dial(ctx, p.name)
}

func (p *pursuit) lastError() string {
	known, _ := p.f.book.Lookup(p.name)
	return known.State.Error
}

func (p *pursuit) failed(err error) {
	p.f.counters.failed.Inc()
	p.mu.Lock()
	p.tried = p.f.config.Now()
	p.mu.Unlock()
	if p.f.linkOf(p.name) == nil {
		p.f.log.Debug("dial peer", "peer", p.name, "error", err)
		p.f.book.SetState(p.name, peer.State{Link: peer.Down, Error: sentence(err)})
	}
	p.changed()
}

// lost: the link has ended.
func (p *pursuit) lost(e *link.End) {
	p.mu.Lock()
	p.resume = p.f.config.Now().Add(e.Wait)
	p.mu.Unlock()
	p.changed()
}

func (p *pursuit) waits() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outcome
}

func (p *pursuit) changed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.outcome)
	p.outcome = make(chan struct{})
}

// hopeless tells whether a try has failed only just now.
func (p *pursuit) hopeless() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.tried.IsZero() && p.f.config.Now().Sub(p.tried) < soon
}

// reach finds the link to a peer, or dials and waits for what comes of it.
func (f *Federation) reach(ctx context.Context, name string) (*conn, error) {
	if c := f.linkOf(name); c != nil {
		return c, nil
	}
	if err := room.CheckNodeName(name); err != nil {
		return nil, err
	}
	if err := f.mayCallName(name); err != nil {
		return nil, err
	}
	for range 3 { // a change may be another's
		p := f.want(name)
		if p.hopeless() {
			return nil, node.ErrUnreachable
		}
		outcome := p.waits()
		select {
		case p.kick <- struct{}{}:
		default:
		}
		if c := f.linkOf(name); c != nil {
			return c, nil
		}
		select {
		case <-outcome:
		case <-ctx.Done():
			return nil, node.ErrUnreachable
		case <-f.ctx.Done():
			return nil, node.ErrUnreachable
		}
	}
	if c := f.linkOf(name); c != nil {
		return c, nil
	}
	return nil, node.ErrUnreachable
}

// mayCallName refuses a node that the policy keeps this one from calling.
func (f *Federation) mayCallName(name string) error {
	known, _ := f.book.Lookup(name)
	return f.mayCall(name, known.Key)
}

func (f *Federation) mayCall(name string, key []byte) error {
	err := f.book.MayCall(name, false)
	if err != nil && (f.companion(name) || len(key) > 0 && f.node.Vouches(name, key)) {
		err = f.book.MayCall(name, true)
	}
	return err
}

// companion tells whether this node shares rooms with another, or has something for it.
func (f *Federation) companion(name string) bool {
	names, err := f.node.Companions()
	if err != nil {
		f.log.Warn("read companions", "error", err)
	}
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// sentence is an error for an administrator's eyes.
func sentence(err error) string {
	var r *refusal
	var e *room.Error
	switch {
	case errors.As(err, &r):
		return r.message
	case errors.As(err, &e):
		return e.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "It does not answer. Check that the node runs, and that its UDP port is open."
	}
	return "It cannot be reached: " + err.Error() + "."
}
