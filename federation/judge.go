package federation

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"hearth/federation/link"
	"hearth/federation/link/linkpb"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Codes of refusals beside those of package room and of a link's end.
const (
	codeOtherKey = "other_key" // the name belongs to another key
	codeSelf     = "self"      // a node called itself
)

// skew is how far clocks may be apart before an administrator hears of it: events from
// further ahead wait outside (docs/protocol/federation.md section 7).
const skew = 2 * time.Minute

// refusal is why a hello is not welcome.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.message }

// judge looks at a hello: is the peer who it says, and is it let in?
func (c *conn) judge(h *linkpb.Hello) {
	err := c.admit(h)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.link.Welcome(c.f.config.Now())
		return
	}
	r := refusalOf(err)
	c.f.counters.refused.Inc()
	c.link.Refuse(r.code, r.message)
	if !c.dialled && r.code != link.CodeDouble {
		c.f.hellos.Take(networkOf(c.quic), 1, c.f.config.Now())
	}
}

func (c *conn) admit(h *linkpb.Hello) error {
	f := c.f
	r, err := peer.ReadRecord(h.GetRecord(), f.config.Now())
	if err != nil {
		return err
	}
	switch {
	case !bytes.Equal(r.GetKey(), c.key):
		return &refusal{codeOtherKey, "The record that was shown is not of the key that was proven."}
	case r.GetName() == f.name && bytes.Equal(r.GetKey(), f.key()):
		return &refusal{codeSelf, "That is this node itself."}
	case r.GetName() == f.name:
		return &refusal{codeOtherKey, f.namesake().Message}
	case c.expect != "" && r.GetName() != c.expect:
		return &refusal{codeOtherKey, fmt.Sprintf("The node that answers there is %s, not %s.", r.GetName(), c.expect)}
	case f.inQuarantine(r.GetName()):
		return &refusal{link.CodeCharged, "Too much of what came of this node was bad: it may come back in some minutes."}
	}
	if err := c.enter(h, r); err != nil {
		return err
	}
	f.checkClock(r.GetName(), time.UnixMilli(h.GetTime()).Sub(f.config.Now()))
	return f.settle(c, r.GetName(), string(h.GetInstance()))
}

// enter has the book decide, and pin the key.
func (c *conn) enter(h *linkpb.Hello, r *roompb.Record) (err error) {
	switch {
	case c.joining:
		_, err = c.f.book.Join(h.GetRecord())
	case c.dialled:
		if _, err = c.f.book.Pin(h.GetRecord()); err == nil {
			err = c.f.mayCall(r.GetName(), r.GetKey())
		}
	default:
		_, err = c.f.book.Admit(h.GetRecord(), h.GetInvite(), c.f.node.Vouches(r.GetName(), r.GetKey()))
	}
	return err
}

func refusalOf(err error) *refusal {
	var r *refusal
	var e *room.Error
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, peer.ErrOtherKey):
		return &refusal{codeOtherKey, "The name of this node is known there with another key. If it was set up anew, the other node's administrator must forget it first."}
	case errors.As(err, &e):
		return &refusal{string(e.Code), e.Message}
	}
	return &refusal{string(room.Internal), "The node cannot let anybody in at the moment."}
}

// checkClock warns when the clocks of the two nodes are far apart.
func (f *Federation) checkClock(name string, ahead time.Duration) {
	if ahead.Abs() <= skew {
		return
	}
	way := "ahead of"
	if ahead < 0 {
		way = "behind"
	}
	f.book.Raise(name, fmt.Sprintf("The clock of %s is more than %v %s this node's. What one of the two says will show late at the other. Set both by NTP.", name, skew, way))
}

// settle decides which link of two nodes stays, and registers it. A connection of another
// start of the peer replaces what is left of the one before; of two that were dialled by
// the same side the newer one stays; else the one dialled by the lesser name.
func (f *Federation) settle(c *conn, name, instance string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() != nil {
		return &refusal{link.CodeStopping, "The node is stopping."}
	}
	old := f.links[name]
	if old != nil && !old.giveWay(c, instance, f.name < name) {
		return &refusal{link.CodeDouble, "There is a link already."}
	}
	c.name, c.instance = name, instance
	f.links[name] = c
	if old != nil {
		f.running.Go(func() { old.end(link.CodeDouble, "There is a newer link.", 0) })
	}
	return nil
}

// giveWay tells whether a link that stands gives way to a new one. mine: this node has the
// lesser name.
func (c *conn) giveWay(newer *conn, instance string, mine bool) bool {
	if c.instance != instance || c.dialled == newer.dialled || newer.dialled == mine || c.ctx.Err() != nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link.Ended() || c.link.Silent(c.f.config.Now()) > link.PingEvery+2*time.Second
}

// enter counts a connection in; false when there are too many, or the door closes.
func (f *Federation) enter(c *conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ctx.Err() != nil || f.greeting >= mostGreeting {
		return false
	}
	f.greeting++
	f.conns[c] = struct{}{}
	return true
}

// up: the link is up.
func (f *Federation) up(c *conn) {
	f.mu.Lock()
	f.greeting--
	c.counted = true
	f.mu.Unlock()
	f.counters.links.Inc()
	f.log.Info("link is up", "peer", c.name, "address", c.quic.RemoteAddr().String(), "dialled", c.dialled)
	c.note()
	f.want(c.name).changed()
	f.node.PeerUp(c.name)
	if g := f.gossiping(); g != nil {
		g.LinkUp(c.name)
	}
}

// left: the connection has ended.
func (f *Federation) left(c *conn) {
	f.mu.Lock()
	delete(f.conns, c)
	if !c.counted {
		f.greeting--
	}
	last := c.name != "" && f.links[c.name] == c
	if last {
		delete(f.links, c.name)
	}
	p := f.pursuits[c.name]
	f.mu.Unlock()
	if !last {
		return
	}
	c.mu.Lock()
	end := c.ended
	c.mu.Unlock()
	f.log.Info("link is down", "peer", c.name, "why", end.Code, "message", end.Message)
	f.book.SetState(c.name, peer.State{Link: peer.Down, Error: end.Message})
	f.node.PeerDown(c.name)
	if p != nil {
		p.lost(end)
	}
}

func (f *Federation) quarantinePeer(name string, wait time.Duration) {
	if name == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quarantine[name] = f.config.Now().Add(wait)
}

func (f *Federation) inQuarantine(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	until, there := f.quarantine[name]
	if there && !f.config.Now().Before(until) {
		delete(f.quarantine, name)
		return false
	}
	return there
}
