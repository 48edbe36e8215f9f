package federation

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/quic-go/quic-go"
	"google.golang.org/protobuf/proto"

	"hearth/federation/link"
	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// askWithin bounds an ask and its answer.
const askWithin = 30 * time.Second

// ask asks the peer and waits for its answer. Any error but a context's means that the
// same may be asked again.
func (c *conn) ask(ctx context.Context, a *roompb.Ask) (*roompb.Answer, error) {
	raw, err := proto.Marshal(a)
	if err != nil || len(raw) > link.MaxAsk {
		return nil, room.Errorf(room.TooLarge, "The question is too long for another node.")
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if err := c.asking.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer c.asking.Release(1)
	c.f.counters.out.asks.Inc()
	s, err := c.quic.OpenStreamSync(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.name, err)
	}
	free := context.AfterFunc(ctx, func() { _ = s.SetDeadline(time.Now()) })
	defer free()
	defer s.CancelRead(0) // after its end, this is nothing
	if _, err := s.Write(append([]byte{link.StreamAsk}, lengthBefore(raw)...)); err != nil {
		s.CancelWrite(0)
		return nil, fmt.Errorf("ask %s: %w", c.name, err)
	}
	_ = s.Close() // an error shows when reading
	b, err := link.ReadBytes(bufio.NewReaderSize(s, 4<<10), link.MaxAnswer)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.name, err)
	}
	c.heard()
	answer, err := link.DecodeAnswer(b)
	if err != nil {
		c.charge(err.Error())
		return nil, fmt.Errorf("ask %s: %w", c.name, err)
	}
	return answer, nil
}

// acceptBidi takes the streams that the peer opens in both directions: asks, and gossip.
func (c *conn) acceptBidi() {
	for {
		s, err := c.quic.AcceptStream(c.ctx)
		if err != nil {
			return
		}
		c.running.Go(func() { c.failed(c.serveStream(s)) })
	}
}

func (c *conn) serveStream(s *quic.Stream) error {
	_ = s.SetReadDeadline(time.Now().Add(bodyWithin))
	var kind [1]byte
	if _, err := io.ReadFull(s, kind[:]); err != nil {
		hangUp(s)
		return nil
	}
	switch kind[0] {
	case link.StreamAsk:
		defer hangUp(s)
		return c.answer(s)
	case link.StreamGossip:
		_ = s.SetReadDeadline(time.Time{})
		if g := c.f.gossiping(); g != nil {
			g.Accept(c.name, &gossipConn{s, c.quic})
			return nil
		}
	}
	hangUp(s)
	return nil
}

// hangUp frees both directions.
func hangUp(s *quic.Stream) {
	s.CancelRead(0)
	_ = s.Close() // after CancelWrite, this is nothing
}

// answer answers one ask.
func (c *conn) answer(s *quic.Stream) error {
	if err := c.answering.Acquire(c.ctx, 1); err != nil {
		return nil
	}
	defer c.answering.Release(1)
	b, err := link.ReadBytes(bufio.NewReaderSize(s, 1<<10), link.MaxAsk)
	if err != nil {
		return err
	}
	a, err := link.DecodeAsk(b)
	if err != nil {
		return err
	}
	c.heard()
	if heavy(a) {
		if err := c.heavy.Acquire(c.ctx, 1); err != nil {
			return nil
		}
		defer c.heavy.Release(1)
	}
	raw := c.encodeAnswer(a)
	_ = s.SetWriteDeadline(time.Now().Add(askWithin))
	if _, err := s.Write(lengthBefore(raw)); err != nil {
		s.CancelWrite(0)
	}
	return nil
}

// heavy tells whether the answer may be large.
func heavy(a *roompb.Ask) bool {
	switch a.GetWhat().(type) {
	case *roompb.Ask_Snapshot, *roompb.Ask_Blob, *roompb.Ask_Page, *roompb.Ask_Members:
		return true
	}
	return false
}

func (c *conn) encodeAnswer(a *roompb.Ask) []byte {
	raw, err := proto.Marshal(c.answerOf(a))
	if err != nil || len(raw) > link.MaxAnswer {
		c.f.log.Error("answer a peer", "peer", c.name, "bytes", len(raw), "error", err)
		raw, _ = proto.Marshal(&roompb.Answer{Code: string(room.Internal), Message: "The answer is too large."}) // encodes always
	}
	return raw
}

func (c *conn) answerOf(a *roompb.Ask) *roompb.Answer {
	c.f.counters.in.asks.Inc()
	if wait := c.f.asks.Take(c.name, 1, c.f.config.Now()); wait > 0 {
		return &roompb.Answer{Code: string(room.Limited), Message: "Too many questions.", RetryAfterMs: uint32(wait.Milliseconds())}
	}
	ctx, cancel := context.WithTimeout(c.ctx, askWithin)
	defer cancel()
	return c.f.node.Answer(ctx, c.name, a)
}

// runErrands takes what the node wants of others.
func (f *Federation) runErrands(errands <-chan *node.Errand) {
	for {
		select {
		case <-f.ctx.Done():
			f.refuseErrands(errands)
			return
		case e := <-errands:
			f.dispatch(e)
		}
	}
}

// refuseErrands answers what is queued when the door closes; for later ones the node's
// own contexts end.
func (f *Federation) refuseErrands(errands <-chan *node.Errand) {
	for {
		select {
		case e := <-errands:
			e.Done(nil, node.ErrUnreachable)
		default:
			return
		}
	}
}

// dispatch runs an errand on its own goroutine: of one peer only so many at once, so that
// those which wait for a dead node hold up no others.
func (f *Federation) dispatch(e *node.Errand) {
	f.mu.Lock()
	full := f.errands[e.To] >= mostErrands
	if !full {
		f.errands[e.To]++
	}
	f.mu.Unlock()
	if full {
		e.Done(nil, node.ErrUnreachable)
		return
	}
	f.running.Go(func() {
		f.runErrand(e)
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.errands[e.To]--; f.errands[e.To] == 0 {
			delete(f.errands, e.To)
		}
	})
}

func (f *Federation) runErrand(e *node.Errand) {
	ctx, cancel := context.WithCancel(e.Context())
	defer cancel()
	defer context.AfterFunc(f.ctx, cancel)()
	if e.Ask == nil {
		name, err := f.Join(ctx, e.Link)
		e.Name = name
		e.Done(nil, err)
		return
	}
	e.Done(f.askPeer(ctx, e.To, e.Ask))
}

// askPeer asks once more when the link broke meanwhile, or gave way to another.
func (f *Federation) askPeer(ctx context.Context, name string, a *roompb.Ask) (*roompb.Answer, error) {
	for try := 1; ; try++ {
		c, err := f.reach(ctx, name)
		if err != nil {
			return nil, err
		}
		answer, err := c.ask(ctx, a)
		switch {
		case err == nil:
			return answer, nil
		case ctx.Err() != nil, try == 3:
			f.log.Debug("ask a peer", "peer", name, "error", err)
			return nil, node.ErrUnreachable
		case room.CodeOf(err) == room.TooLarge:
			return nil, err
		}
	}
}

// OpenStream opens a stream of gossip to a peer: it finds the link, or dials.
func (f *Federation) OpenStream(ctx context.Context, name string) (net.Conn, error) {
	c, err := f.reach(ctx, name)
	if err != nil {
		return nil, err
	}
	s, err := c.quic.OpenStreamSync(ctx)
	if err != nil {
		return nil, fmt.Errorf("open stream to %s: %w", name, err)
	}
	if _, err := s.Write([]byte{link.StreamGossip}); err != nil {
		s.CancelRead(0)
		s.CancelWrite(0)
		return nil, fmt.Errorf("open stream to %s: %w", name, err)
	}
	return &gossipConn{s, c.quic}, nil
}

// gossipConn is a stream as a net.Conn.
type gossipConn struct {
	*quic.Stream
	conn *quic.Conn
}

func (g *gossipConn) LocalAddr() net.Addr  { return g.conn.LocalAddr() }
func (g *gossipConn) RemoteAddr() net.Addr { return g.conn.RemoteAddr() }

// Close frees both directions; what was written still arrives.
func (g *gossipConn) Close() error {
	g.CancelRead(0)
	return g.Stream.Close()
}
