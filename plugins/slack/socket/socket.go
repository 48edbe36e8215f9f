package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Envelope is what Slack sends, to be acknowledged.
type Envelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"` // events_api slash_commands interactive; hello and disconnect stay in this package
	Payload json.RawMessage `json:"payload"`
	Retry   int             `json:"retry_attempt"` // it was sent before; that copy may have been lost, so this says nothing
	Reason  string          `json:"reason"`
}

// Why a socket ends, or does not begin.
var (
	ErrTooMany  = errors.New("Slack says that the app has too many sockets open: does another node, or another program, use the same app token?")
	ErrDisabled = errors.New("Socket Mode is switched off in the app's settings")
	ErrSilent   = errors.New("Slack has fallen silent")
	errClosing  = errors.New("Slack is closing the socket")
)

const (
	maxFrame   = 4 << 20
	queued     = 256              // envelopes of a socket that wait for their turn
	ackTimeout = 10 * time.Second // to write an acknowledgement
)

// conn is one socket that has said hello.
type conn struct {
	pool    *Pool
	ws      *websocket.Conn
	heard   atomic.Int64  // unix ms
	closing chan struct{} // Slack has said that it will close it: there is time to open another
	done    chan struct{}
	err     error // once done is closed
}

// dial opens a socket and waits until Slack has greeted.
func (p *Pool) dial(ctx context.Context) (*conn, error) {
	url, err := p.Open(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{pool: p, closing: make(chan struct{}), done: make(chan struct{})}
	greeting, cancel := context.WithTimeout(ctx, p.Greeting)
	defer cancel()
	c.ws, _, err = websocket.Dial(greeting, url, &websocket.DialOptions{
		HTTPClient:     &http.Client{},
		OnPingReceived: func(context.Context, []byte) bool { c.hear(); return true },
	})
	if err != nil {
		return nil, fmt.Errorf("open a socket to Slack: %w", err)
	}
	c.ws.SetReadLimit(maxFrame)
	e, err := c.read(greeting)
	if err == nil && e.Type != "hello" {
		err = reason(e)
	}
	if err != nil {
		c.ws.CloseNow()
		return nil, fmt.Errorf("wait for Slack's hello: %w", err)
	}
	go c.run(ctx)
	return c, nil
}

// reason is why Slack disconnects.
func reason(e *Envelope) error {
	switch e.Reason {
	case "too_many_websockets":
		return ErrTooMany
	case "link_disabled":
		return ErrDisabled
	}
	return errClosing
}

func (c *conn) hear() {
	now := time.Now().UnixMilli()
	c.heard.Store(now)
	c.pool.heard.Store(now)
}

func (c *conn) read(ctx context.Context) (*Envelope, error) {
	_, raw, err := c.ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	c.hear()
	e := &Envelope{}
	if err := json.Unmarshal(raw, e); err != nil {
		c.pool.Log.Warn("Slack sent what is no envelope", "error", err.Error())
		return &Envelope{}, nil
	}
	return e, nil
}

// run reads until the socket ends. What is read waits in a queue of its own, so that pings are
// answered however long the taking takes.
func (c *conn) run(ctx context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	queue := make(chan *Envelope, queued)
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		for e := range queue {
			c.take(ctx, e)
		}
	}()
	go c.watch(ctx, cancel)
	err := c.receive(ctx, queue)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	close(queue)
	<-taken
	cancel(err)
	c.ws.CloseNow()
	c.err = err
	close(c.done)
}

func (c *conn) receive(ctx context.Context, queue chan<- *Envelope) error {
	warned := false
	for {
		e, err := c.read(ctx)
		switch {
		case err != nil:
			return err
		case e.Type == "disconnect" && (e.Reason == "link_disabled" || e.Reason == "too_many_websockets"):
			return reason(e)
		case e.Type == "disconnect":
			if !warned {
				warned = true
				close(c.closing)
			}
		case e.ID != "":
			queue <- e
		}
	}
}

// take acknowledges an envelope once it is kept. What is not, Slack sends again.
func (c *conn) take(ctx context.Context, e *Envelope) {
	answer, ok := c.pool.Take(ctx, e)
	if !ok {
		return
	}
	ack, err := json.Marshal(struct {
		ID      string `json:"envelope_id"`
		Payload any    `json:"payload,omitempty"`
	}{e.ID, answer})
	if err != nil {
		c.pool.Log.Error("answer to Slack cannot be written", "error", err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if err := c.ws.Write(ctx, websocket.MessageText, ack); err != nil {
		c.pool.Log.Info("an acknowledgement did not get through: Slack sends it again", "error", err.Error())
	}
}

// watch ends a socket on which nothing comes any more: Slack pings every few seconds, and answers pings.
func (c *conn) watch(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(c.pool.Silence / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if time.Since(time.UnixMilli(c.heard.Load())) < c.pool.Silence {
			continue
		}
		ping, cancel := context.WithTimeout(ctx, c.pool.Silence/3)
		err := c.ws.Ping(ping)
		cancel()
		if err != nil {
			end(ErrSilent)
			return
		}
		c.hear()
	}
}
