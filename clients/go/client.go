package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	pb "hearth/transport/session/clientpb"
)

// Options say how a Client behaves. The zero value of each field is usable.
type Options struct {
	Transport string // WebSocket ("") or WebTransport
	Program   string // name and version, shown in the list of devices
	// Cursors: room -> pos of the last item the program has. A room not named starts at its head.
	Cursors    map[string]uint64
	MaxBacklog uint32 // items a room may be behind before the node tells of a gap; 0: every one
	NoEvents   bool   // the program only sends: what arrives is thrown away
	Queue      int    // items kept for Next before reading stops; 0: 1024
	// MaxPause bounds the pauses between attempts to reconnect; 0: 15 s.
	MaxPause time.Duration
	// Wait: Dial goes on trying when the first attempt does not reach the node.
	Wait bool
}

// Client is a session that outlives its connections. Do and Next may be called from
// any goroutine. It ends by Close, or when the node says for good that it must.
type Client struct {
	dialer *Dialer
	token  string
	o      Options

	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when run has returned

	mu      sync.Mutex
	conn    *session // nil while there is no open session
	opened  *pb.OpenResponse
	calls   calls
	cursors map[string]uint64 // where to resume: what the queue has taken
	seen    map[string]uint64 // pos of the last item taken, by room
	watch   []byte            // the newest Watch, repeated in each session
	queue   queue
}

// Dial opens a session for the token's owner, and keeps it. ctx bounds the first attempt only.
func Dial(ctx context.Context, d *Dialer, token string, o Options) (*Client, error) {
	c := &Client{
		dialer:  d,
		token:   token,
		o:       o,
		done:    make(chan struct{}),
		cursors: maps.Clone(o.Cursors),
		seen:    maps.Clone(o.Cursors),
		queue:   newQueue(o.Queue),
		calls:   newCalls(),
	}
	if c.cursors == nil {
		c.cursors, c.seen = map[string]uint64{}, map[string]uint64{}
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	s, err := c.open(ctx)
	if err != nil && !(o.Wait && passing(err)) {
		c.cancel(err)
		return nil, err
	}
	go c.run(s)
	return c, nil
}

// Close ends the session; calls under way and Next return ErrClosed.
func (c *Client) Close() error {
	c.cancel(ErrClosed)
	<-c.done
	return nil
}

// Err is why the Client ended; nil while it lives.
func (c *Client) Err() error { return context.Cause(c.ctx) }

// Opened is the node's answer to the newest Open; nil before the first.
func (c *Client) Opened() *pb.OpenResponse {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened
}

// run holds one session after the other until the Client ends. s may be nil.
func (c *Client) run(s *session) {
	defer close(c.done)
	pause := backoff{first: 200 * time.Millisecond, most: cmp.Or(c.o.MaxPause, 15*time.Second)}
	var err error
	for {
		if s != nil {
			pause.reset()
			err = c.hold(s)
		}
		if c.ctx.Err() != nil || !passing(err) {
			break
		}
		if !c.sleep(waitBefore(err, &pause)) {
			break
		}
		s, err = c.open(c.ctx)
	}
	c.cancel(err) // no-op when Close was first
	c.calls.fail(c.Err())
	c.queue.end()
}

// hold serves an open session until it breaks, and says why it did.
func (c *Client) hold(s *session) error {
	stop := context.AfterFunc(c.ctx, s.close)
	defer stop()
	go s.writeLoop()
	err := s.readLoop()
	s.close()
	c.mu.Lock()
	c.conn = nil
	c.mu.Unlock()
	<-s.wrote
	c.calls.broken(s)
	return err
}

// passing says whether coming back later makes sense after err.
func passing(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Retry
	}
	if _, ok := errors.AsType[*PinError](err); ok {
		return false
	}
	if b, ok := errors.AsType[*byeError](err); ok {
		return b.after > 0
	}
	return true
}

// waitBefore: a break of a session that worked is met at once, by the first of the back-off's
// pauses; a refusal or a Bye says itself how long to stay away.
func waitBefore(err error, b *backoff) time.Duration {
	if errors.Is(err, errResume) {
		return 0
	}
	pause := b.next()
	if e, ok := errors.AsType[*Error](err); ok && e.After > 0 {
		return e.After + pause/4
	}
	if bye, ok := errors.AsType[*byeError](err); ok {
		return bye.after
	}
	return pause
}

func (c *Client) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// byeError ends a session by the node's wish.
type byeError struct {
	reason *Error
	after  time.Duration // 0: for good
}

func (b *byeError) Error() string { return fmt.Sprintf("the node ended the session: %v", b.reason) }

// Unwrap shows the reason only where it is final: a reason with a time to come back is
// no refusal to anybody.
func (b *byeError) Unwrap() error {
	if b.after > 0 || b.reason == nil {
		return nil
	}
	return b.reason
}

// errResume: this side broke the session itself, to have again what it did not take.
var errResume = errors.New("resume from the cursors")
