package federation

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"hearth/federation/link"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// outStreams are the rooms' streams that this side has opened, by room. Only the push of a
// room, of which there is one at a time, uses its stream.
type outStreams struct {
	mu   sync.Mutex
	open map[room.ID]*outStream
}

type outStream struct {
	*quic.SendStream
	busy    bool
	used    time.Time
	parcels uint64 // written
	recent  *link.Recent
}

const (
	idleStream  = time.Minute // then a room's stream is closed
	mostStreams = 200         // of rooms; beyond, the one longest idle is closed first
)

// take hands out the room's stream, marked busy; nil when there is none.
func (o *outStreams) take(id room.ID) *outStream {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.open[id]
	if s != nil {
		s.busy = true
	}
	return s
}

func (o *outStreams) add(id room.ID, s *quic.SendStream) *outStream {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.open) >= mostStreams {
		o.closeIdlest()
	}
	out := &outStream{SendStream: s, busy: true, recent: link.NewRecent(id)}
	o.open[id] = out
	return out
}

func (o *outStreams) closeIdlest() {
	var oldest room.ID
	var found *outStream
	for id, s := range o.open {
		if !s.busy && (found == nil || s.used.Before(found.used)) {
			oldest, found = id, s
		}
	}
	if found != nil {
		_ = found.Close() // what was written still arrives
		delete(o.open, oldest)
	}
}

// back takes a stream back; a broken one is not used again.
func (o *outStreams) back(id room.ID, s *outStream, now time.Time, broken bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s.busy, s.used = false, now
	if broken && o.open[id] == s {
		delete(o.open, id)
	}
}

func (o *outStreams) sweep(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, s := range o.open {
		if !s.busy && now.Sub(s.used) > idleStream {
			_ = s.Close() // what was written still arrives
			delete(o.open, id)
		}
	}
}

// news: the node has something new in a room.
func (c *conn) news(id room.ID) {
	c.mu.Lock()
	push := c.link.Dirty(id)
	c.mu.Unlock()
	if push {
		c.push(id)
	} else {
		c.poke() // a Have may be due first
	}
}

// push begins to send what a room is due, on a goroutine of its own: a room whose stream
// stands still holds up no other.
func (c *conn) push(id room.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link.Ended() || c.ctx.Err() != nil {
		return
	}
	c.running.Go(func() { c.pushAll(id) })
}

func (c *conn) pushAll(id room.ID) {
	if c.pushes.Acquire(c.ctx, 1) != nil {
		return
	}
	defer c.pushes.Release(1)
	for c.pushOnce(id) {
	}
}

// pushOnce sends one stretch of what the peer lacks; false when nothing more is due.
func (c *conn) pushOnce(id room.ID) bool {
	c.mu.Lock()
	theirs, own, ok := c.link.Begin(id)
	c.mu.Unlock()
	if !ok {
		return false
	}
	parcels, after, more, err := c.f.node.Collect(c.name, theirs, own, pushBytes)
	if err == nil && len(parcels) > 0 {
		err = c.send(id, parcels)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.link.Drop(id)
		c.f.log.Debug("push to peer", "peer", c.name, "room", id, "error", err)
		return false
	}
	c.link.Pushed(c.f.config.Now(), id, after, more && len(parcels) > 0)
	return true
}

// send writes parcels on the room's stream, with one write.
func (c *conn) send(id room.ID, parcels []*roompb.Parcel) error {
	var b []byte
	s := c.streams.take(id)
	if s == nil {
		str, err := c.openRoom()
		if err != nil {
			return err
		}
		s = c.streams.add(id, str)
		b = append(append(b, link.StreamRoom), id[:]...)
	}
	var err error
	for _, p := range parcels {
		p = &roompb.Parcel{Packets: p.Packets, Head: p.Head} // the stream says the room; and others may have p
		c.shorten(id, s, p)
		if b, err = link.Append(b, p); err != nil {
			break
		}
	}
	if err == nil {
		_ = s.SetWriteDeadline(time.Now().Add(writeWithin))
		_, err = s.Write(b)
		c.f.counters.out.parcel(packets(parcels), len(b))
	}
	c.streams.back(id, s, c.f.config.Now(), err != nil)
	if err != nil {
		s.CancelWrite(0)
		c.writeFailed(err)
	}
	return err
}

// shorten leaves out of a parcel what the peer knows, and notes what it will acknowledge.
func (c *conn) shorten(id room.ID, s *outStream, p *roompb.Parcel) {
	c.mu.Lock()
	brief := c.link.Brief()
	c.mu.Unlock()
	s.parcels++
	if !brief {
		return
	}
	if end := s.recent.Shorten(p); end != nil {
		c.mu.Lock()
		c.link.Sent(id, link.Parcel{Stream: uint64(s.StreamID()), Number: s.parcels}, end.Header, end.ID)
		c.mu.Unlock()
	}
}

func packets(parcels []*roompb.Parcel) (n int) {
	for _, p := range parcels {
		n += len(p.GetPackets())
	}
	return n
}

func (c *conn) openRoom() (*quic.SendStream, error) {
	ctx, cancel := context.WithTimeout(c.ctx, writeWithin)
	defer cancel()
	return c.quic.OpenUniStreamSync(ctx)
}

// writeFailed ends the link to a peer that does not read.
func (c *conn) writeFailed(err error) {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		c.end(link.CodeSilent, "The other node does not read what is sent to it.", 0)
	}
}

// acceptUni takes the streams that the peer opens in one direction: rooms, and what is too
// large for a datagram. quic-go bounds their number.
func (c *conn) acceptUni() {
	for {
		s, err := c.quic.AcceptUniStream(c.ctx)
		if err != nil {
			return
		}
		c.running.Go(func() {
			c.failed(c.readUni(s))
			s.CancelRead(0) // after its end, this is nothing
		})
	}
}

func (c *conn) readUni(s *quic.ReceiveStream) error {
	r := bufio.NewReaderSize(s, 4<<10)
	_ = s.SetReadDeadline(time.Now().Add(bodyWithin))
	kind, err := r.ReadByte()
	if err != nil {
		return nil // it was cut before it said anything
	}
	switch kind {
	case link.StreamRoom:
		return c.readRoom(s, r)
	case link.StreamSignal, link.StreamGossip:
		b, err := io.ReadAll(io.LimitReader(r, link.MaxSignal+1))
		if err != nil {
			return nil
		}
		if len(b) > link.MaxSignal {
			return room.Errorf(room.TooLarge, "A signal has at most %d bytes.", link.MaxSignal)
		}
		c.take(kind, b)
		return nil
	}
	return nil // of a later version of the protocol
}

// parcelsAhead is how many parcels of a room's stream may wait for their sync: those that
// wait together share one.
const parcelsAhead = 16

// readRoom takes in the parcels of one room, one after the other. The next one is read
// and handed to the node while those before it are being stored.
func (c *conn) readRoom(s *quic.ReceiveStream, r *bufio.Reader) error {
	var id room.ID
	if _, err := io.ReadFull(r, id[:]); err != nil {
		return nil
	}
	under := &underWay{storing: make(chan func(), parcelsAhead), recent: link.NewRecent(id)}
	c.running.Go(func() {
		for store := range under.storing {
			store()
			under.left.Done()
		}
	})
	defer close(under.storing)
	for {
		_ = s.SetReadDeadline(time.Time{}) // it may be silent as long as the link lives
		n, err := link.ReadLength(r, link.MaxParcel)
		if err != nil {
			return err
		}
		if err := c.readParcel(s, r, id, n, under); err != nil {
			return err
		}
	}
}

// underWay are the parcels of a stream that are handed to the node and not stored yet.
type underWay struct {
	storing chan func() // what is to be done about each, in order
	left    sync.WaitGroup
	parcels uint64 // that came
	recent  *link.Recent
}

func (u *underWay) add(store func()) {
	u.left.Add(1)
	u.storing <- store
}

// readParcel takes in one parcel of n bytes. Its memory is counted from before it is read
// until it is stored: what is too much waits in the peer.
func (c *conn) readParcel(s *quic.ReceiveStream, r *bufio.Reader, id room.ID, n int, under *underWay) error {
	if err := c.inWork.Acquire(c.ctx, int64(n)); err != nil {
		return err
	}
	p, err := c.parcel(s, r, id, n)
	var as link.Parcel
	if err == nil {
		as, err = c.restore(s, p, under)
	}
	if err != nil {
		c.inWork.Release(int64(n))
		return err
	}
	taken := c.f.node.TakeParcel(c.name, p)
	state := p.GetHead().GetLog() == roompb.Log_LOG_STATE
	under.add(func() {
		defer c.inWork.Release(int64(n))
		c.store(id, p, as, taken)
	})
	if state {
		under.left.Wait() // the keys that what follows is signed by may be in it
	}
	return c.ctx.Err()
}

// restore puts back what the peer has left out of a parcel, and tells as what it is to be
// acknowledged.
func (c *conn) restore(s *quic.ReceiveStream, p *roompb.Parcel, under *underWay) (as link.Parcel, err error) {
	c.mu.Lock()
	brief := c.link.Brief()
	c.mu.Unlock()
	under.parcels++
	if !brief {
		return as, nil
	}
	if end, err := under.recent.Restore(p); err != nil || end == nil {
		return as, err
	}
	return link.Parcel{Stream: uint64(s.StreamID()), Number: under.parcels}, nil
}

func (c *conn) parcel(s *quic.ReceiveStream, r *bufio.Reader, id room.ID, n int) (*roompb.Parcel, error) {
	_ = s.SetReadDeadline(time.Now().Add(bodyWithin))
	b, err := link.ReadBody(r, n)
	if err != nil {
		return nil, err
	}
	p, err := link.DecodeParcel(b, id)
	if err != nil {
		return nil, err
	}
	c.f.counters.in.parcel(len(p.GetPackets()), n)
	return p, c.pace(len(p.GetPackets()))
}

// pace lets the peer's events in at their rate: beyond it they wait, and the peer with them.
func (c *conn) pace(events int) error {
	for {
		wait := c.f.events.Take(c.name, events, c.f.config.Now())
		if wait == 0 {
			return nil
		}
		if err := c.pause(wait); err != nil {
			return err
		}
	}
}

func (c *conn) pause(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// store waits until the node has stored a parcel, and tells the peer what came of it.
func (c *conn) store(id room.ID, p *roompb.Parcel, as link.Parcel, taken func(context.Context) (*roompb.Frontier, error)) {
	again, err := taken(c.ctx)
	switch {
	case c.ctx.Err() != nil:
		return
	case retryable(err):
		c.f.log.Warn("store what a peer sent", "peer", c.name, "room", id, "error", err)
		return // this node's fault: the next digest brings it again
	case err != nil:
		c.charge(err.Error())
		return
	}
	now := c.f.config.Now()
	c.mu.Lock()
	c.link.Heard(now)
	sooner := true
	if again != nil {
		c.link.Lacks(now, again)
	} else if len(p.GetHead().GetRoom()) == len(id) {
		sooner = c.link.Stored(now, p.GetHead(), len(p.GetPackets()), true, as)
	}
	c.mu.Unlock()
	if sooner {
		c.poke()
	}
	if again == nil {
		c.f.tellOrigin(c, p)
	}
}

func retryable(err error) bool {
	e, refusal := errors.AsType[*room.Error](err)
	return refusal && e.Retry()
}

// tellOrigin acknowledges to the node that wrote a log what another has passed on.
func (f *Federation) tellOrigin(from *conn, p *roompb.Parcel) {
	h := p.GetHead()
	if h.GetLog() != roompb.Log_LOG_MESSAGES || h.GetOrigin() == from.name {
		return
	}
	c := f.linkOf(h.GetOrigin())
	if c == nil {
		return
	}
	c.mu.Lock()
	sooner := c.link.Stored(f.config.Now(), h, len(p.GetPackets()), false, link.Parcel{})
	c.mu.Unlock()
	if sooner {
		c.poke()
	}
}
