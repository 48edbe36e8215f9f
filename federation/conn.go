package federation

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/sync/semaphore"

	"hearth/federation/link"
	"hearth/federation/link/linkpb"
	"hearth/node/peer"
	"hearth/node/room"
)

// Bounds of one link.
const (
	writeWithin   = 10 * time.Second // a write that takes longer ends the link: the peer does not read
	bodyWithin    = 30 * time.Second // for the rest of what has begun to come
	linger        = 300 * time.Millisecond
	inWorkBytes   = 8 << 20 // parcels that came and are not stored yet
	mostPushes    = 16      // rooms being written at once
	pushBytes     = 256 << 10
	mostAsked     = 64  // asks under way to the peer
	mostAnswering = 32  // asks of the peer under way here
	mostHeavy     = 4   // of these, with large answers
	mostDatagrams = 256 // that wait to be sent
)

// conn is one connection with a peer, from its handshake to its end. run owns it; the
// machine is driven under mu, its steps by whoever finds them, one at a time.
type conn struct {
	f       *Federation
	quic    *quic.Conn
	key     ed25519.PublicKey // proven by the handshake
	dialled bool
	joining bool   // dialled for an administrator, who wants the node on the list
	expect  string // the name that was dialled; "": any
	name    string // of the peer, once it is settled
	counted bool   // as up, under Federation.mu

	instance string
	ctx      context.Context // ends with the connection
	cut      context.CancelFunc
	poked    chan struct{} // the writer has something to do
	opened   chan struct{} // closed when the link is up
	done     chan struct{} // closed when everything has ended
	running  sync.WaitGroup

	inWork    *semaphore.Weighted
	pushes    *semaphore.Weighted
	asking    *semaphore.Weighted
	answering *semaphore.Weighted
	heavy     *semaphore.Weighted
	datagrams chan []byte
	streams   outStreams

	mu       sync.Mutex
	link     *link.Link
	stepping bool
	ended    *link.End
}

func (f *Federation) newConn(q *quic.Conn, dialled bool) (*conn, error) {
	key, err := keyOf(q.ConnectionState().TLS)
	if err != nil {
		return nil, err
	}
	c := &conn{
		f: f, quic: q, key: key, dialled: dialled,
		poked: make(chan struct{}, 1), opened: make(chan struct{}), done: make(chan struct{}),
		inWork: semaphore.NewWeighted(inWorkBytes), pushes: semaphore.NewWeighted(mostPushes),
		asking: semaphore.NewWeighted(mostAsked), answering: semaphore.NewWeighted(mostAnswering), heavy: semaphore.NewWeighted(mostHeavy),
		datagrams: make(chan []byte, mostDatagrams), streams: outStreams{open: map[room.ID]*outStream{}},
	}
	c.ctx, c.cut = context.WithCancel(q.Context())
	return c, nil
}

// begin makes the machine: the hello says what is true now.
func (c *conn) begin(invite string) {
	c.link = link.New(link.Config{Dialled: c.dialled, Seed: rand.Uint64(), Hello: &linkpb.Hello{
		Features: c.f.features, Record: c.f.book.Own(), Invite: invite, Instance: c.f.instance,
	}}, c.f.config.Now())
}

// run serves the connection until its end, and returns when nothing of it runs any more.
func (c *conn) run() {
	defer close(c.done)
	if !c.f.enter(c) {
		_ = c.quic.CloseWithError(1, "too many connections, or stopping") // it may have gone
		return
	}
	control, err := c.control()
	if err == nil {
		c.running.Go(func() { c.write(control) })
		c.read(control)
	} else {
		_ = c.quic.CloseWithError(0, link.CodeSilent+": No hello came.") // it may have gone
	}
	c.broke()
	c.running.Wait()
	c.cut()
	c.f.left(c)
}

// control is the first bidirectional stream of the dialler.
func (c *conn) control() (*quic.Stream, error) {
	ctx, cancel := context.WithTimeout(c.ctx, link.HelloWithin)
	defer cancel()
	if c.dialled {
		return c.quic.OpenStreamSync(ctx)
	}
	return c.quic.AcceptStream(ctx)
}

// read takes in the control stream.
func (c *conn) read(control *quic.Stream) {
	r := bufio.NewReaderSize(control, 4<<10)
	for {
		frame, err := link.ReadBytes(r, link.MaxFrame)
		if err != nil {
			c.failed(err)
			return
		}
		c.mu.Lock()
		c.link.Receive(c.f.config.Now(), frame)
		c.mu.Unlock()
		c.step()
		c.poke()
	}
}

// failed ends the link for what was wrong with a stream: what the peer has sent, or a
// connection that broke.
func (c *conn) failed(err error) {
	if code := room.CodeOf(err); code == room.TooLarge || code == room.Protocol {
		c.end(link.CodeProtocol, err.Error(), 0)
	}
}

// end ends the link with a last word. Any goroutine may call it.
func (c *conn) end(code, message string, wait time.Duration) {
	c.mu.Lock()
	if c.link != nil {
		c.link.End(code, message, wait)
	}
	c.mu.Unlock()
	c.step()
	c.poke()
}

// broke ends the machine for a connection that has ended, or whose control stream has.
func (c *conn) broke() {
	end := endOf(context.Cause(c.quic.Context()))
	c.mu.Lock()
	if c.link != nil {
		c.link.Broke(end)
	}
	c.mu.Unlock()
	c.step()
	c.poke()
}

// endOf reads the words with which the other side has closed the connection.
func endOf(err error) link.End {
	var app *quic.ApplicationError
	if errors.As(err, &app) && app.Remote && app.ErrorMessage != "" {
		return link.End{Code: link.CodeClosed, Message: app.ErrorMessage}
	}
	return link.End{Code: link.CodeClosed, Message: "The connection broke."}
}

func (c *conn) poke() {
	select {
	case c.poked <- struct{}{}:
	default:
	}
}

// write is the goroutine that writes the control stream and lets time pass.
func (c *conn) write(control *quic.Stream) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var buf []byte
	for sweep := c.f.config.Now(); ; {
		now := c.f.config.Now()
		b, pause, over := c.tick(now, buf[:0])
		if buf = b; len(b) > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(writeWithin))
			if _, err := control.Write(b); err != nil {
				c.hangUp(control, true)
				return
			}
		}
		if over {
			c.hangUp(control, false)
			return
		}
		if now.Sub(sweep) > sweepEvery {
			sweep = now
			c.streams.sweep(now)
			c.note()
		}
		if cap(buf) > 64<<10 {
			buf = nil
		}
		timer.Reset(pause)
		select {
		case <-c.poked:
		case <-timer.C:
		}
	}
}

// sweepEvery is how often idle streams are closed and the book is told how things are.
const sweepEvery = 5 * time.Second

// tick lets time pass, carries out what that leads to, and encodes what is due.
func (c *conn) tick(now time.Time, b []byte) (frames []byte, pause time.Duration, over bool) {
	c.mu.Lock()
	c.link.Tick(now)
	c.mu.Unlock()
	c.step()
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := c.link.Write(b)
	if err != nil {
		c.f.log.Error("write to peer", "peer", c.name, "error", err)
	}
	pause = time.Hour
	if due := c.link.Due(); !due.IsZero() {
		pause = max(due.Sub(now), time.Millisecond)
	}
	return b, min(pause, sweepEvery), c.ended != nil // before that somebody is still carrying out the steps
}

// hangUp closes the connection. Where a last word was written the other side is given a
// moment to read it and to hang up itself: closing drops what is on its way.
func (c *conn) hangUp(control *quic.Stream, broken bool) {
	c.mu.Lock()
	e := c.ended
	c.mu.Unlock()
	word := link.CodeClosed
	if e != nil {
		word = e.Code + ": " + e.Message
	}
	if !broken && e != nil && e.Mine {
		_ = control.Close() // what matters is the wait
		select {
		case <-c.quic.Context().Done():
		case <-time.After(linger):
		}
	}
	_ = c.quic.CloseWithError(0, word[:min(len(word), 200)]) // it may have gone
}

// step carries out the machine's steps, in their order, unless somebody does already.
func (c *conn) step() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stepping || c.link == nil {
		return
	}
	c.stepping = true
	defer func() { c.stepping = false }()
	for {
		s, ok := c.link.Next()
		if !ok {
			return
		}
		c.mu.Unlock()
		c.do(&s)
		c.mu.Lock()
	}
}

func (c *conn) do(s *link.Step) {
	switch s.Do {
	case link.Judge:
		c.judge(s.Hello)
	case link.Opened:
		c.arrived()
	case link.Sum:
		c.sum()
	case link.Tell:
		c.tell(s.Room)
	case link.Compare:
		c.compare(s)
	case link.Reached:
		c.f.node.Acked(c.name, s.Room, s.Tops, s.StateIndex)
	case link.Level:
		c.f.node.Level(c.name)
	case link.Push:
		c.push(s.Room)
	case link.Ended:
		c.over(s.End)
	}
}

// arrived opens the link for everything but the control stream.
func (c *conn) arrived() {
	close(c.opened)
	c.running.Go(c.acceptUni)
	c.running.Go(c.acceptBidi)
	c.running.Go(c.receiveDatagrams)
	c.running.Go(c.sendDatagrams)
	c.f.up(c)
}

func (c *conn) isUp() bool {
	select {
	case <-c.opened:
	default:
		return false
	}
	return c.ctx.Err() == nil
}

// over notes the end; the writer hangs up.
func (c *conn) over(e *link.End) {
	c.mu.Lock()
	c.ended = e
	c.mu.Unlock()
	if e.Mine && e.Code == link.CodeCharged && c.name != "" { // not a refusal, while that lasts
		c.f.quarantinePeer(c.name, e.Wait)
		c.f.book.Raise(c.name, "The link to "+c.name+" was ended for five minutes. "+e.Message)
	}
}

// sum compares the rooms that both share.
func (c *conn) sum() {
	digests, err := c.f.node.Digests(c.name)
	if err != nil {
		c.f.log.Warn("sum up rooms", "peer", c.name, "error", err)
	}
	sums := make([]link.RoomSum, len(digests))
	for i, d := range digests {
		sums[i] = link.RoomSum{Room: d.Room, Sum: d.Sum}
	}
	c.mu.Lock()
	c.link.Sums(sums)
	c.mu.Unlock()
}

// tell says what this node has of a room.
func (c *conn) tell(id room.ID) {
	f, err := c.f.node.Frontier(c.name, id)
	if err != nil {
		c.f.log.Warn("read frontier", "room", id, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f == nil {
		c.link.Drop(id)
		return
	}
	c.link.Tell(c.f.config.Now(), f)
}

// compare tells the peer what this node has, if the peer has more.
func (c *conn) compare(s *link.Step) {
	ours, err := c.f.node.Frontier(c.name, s.Room)
	if err != nil {
		c.f.log.Warn("read frontier", "room", s.Room, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case ours == nil:
		c.link.Drop(s.Room) // nothing of it is this peer's business
	case link.Behind(ours, s.Frontier):
		c.link.Lacks(c.f.config.Now(), ours) // it waits for that before it sends anything
	}
}

// note tells the book how the link is.
func (c *conn) note() {
	if !c.isUp() {
		return
	}
	c.mu.Lock()
	s := peer.State{Link: peer.Up, RTT: c.link.RTT(), ClockAhead: c.link.ClockAhead(), ClockAt: c.link.ClockAt()}
	c.mu.Unlock()
	if s.RTT == 0 { // no pong yet
		s.RTT = c.quic.ConnectionStats().SmoothedRTT
	}
	c.f.book.SetState(c.name, s)
	c.f.checkClock(c.name, s.ClockAhead)
}

// charge counts something bad that the peer has sent.
func (c *conn) charge(what string) {
	c.f.counters.charges.Inc()
	c.f.log.Debug("charge peer", "peer", c.name, "for", what)
	c.mu.Lock()
	c.link.Charge(c.f.config.Now(), what)
	c.mu.Unlock()
	c.step()
	c.poke()
}

// heard: something came on a stream other than the control stream.
func (c *conn) heard() {
	c.mu.Lock()
	c.link.Heard(c.f.config.Now())
	c.mu.Unlock()
}

// lengthBefore puts b behind its length.
func lengthBefore(b []byte) []byte {
	return append(binary.AppendUvarint(make([]byte, 0, len(b)+binary.MaxVarintLen32), uint64(len(b))), b...)
}
