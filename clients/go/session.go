package client

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	pb "hearth/transport/session/clientpb"
)

// session is one connection's worth of a Client: two goroutines, a reader and a writer.
type session struct {
	c     *Client
	conn  Conn
	beat  time.Duration
	early *pb.ServerFrame // what came with the answer to Open
	wake  chan struct{}   // one slot: there is something to write
	wrote chan struct{}   // closed when the writer has ended

	closing sync.Once
	gone    chan struct{}
	heard   atomic.Int64 // when a frame came last, UnixNano
	paused  atomic.Bool  // the reader waits for room in the queue
	pong    atomic.Bool  // owed
	resume  atomic.Bool  // the session was broken to resume
}

const openTimeout = 15 * time.Second

// open dials and does the Open command, the first of every session.
func (c *Client) open(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	conn, err := c.dialer.Dial(ctx, c.o.Transport)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	early, answer, err := c.openOn(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	s := &session{
		early: early,
		c:     c,
		conn:  conn,
		beat:  max(time.Duration(answer.HeartbeatSeconds)*time.Second, time.Second),
		wake:  make(chan struct{}, 1),
		wrote: make(chan struct{}),
		gone:  make(chan struct{}),
	}
	s.heard.Store(time.Now().UnixNano())
	c.begin(s, answer)
	return s, nil
}

func (c *Client) openOn(conn Conn) (early *pb.ServerFrame, answer *pb.OpenResponse, err error) {
	c.mu.Lock()
	req := &pb.OpenRequest{
		Token:      c.token,
		Protocol:   1,
		Client:     c.program(),
		Cursors:    maps.Clone(c.cursors),
		MaxBacklog: c.o.MaxBacklog,
	}
	c.mu.Unlock()
	return OpenOn(conn, c.dialer.URL, req)
}

func (c *Client) program() string {
	if c.o.Program != "" {
		return c.o.Program
	}
	return Version
}

// OpenOn does the Open command on a fresh Conn. What else came with the answer comes
// back too, as one frame. For programs that keep their own Conns.
func OpenOn(conn Conn, url string, req *pb.OpenRequest) (*pb.ServerFrame, *pb.OpenResponse, error) {
	body, err := proto.Marshal(req)
	if err != nil {
		return nil, nil, fmt.Errorf("encode Open: %w", err)
	}
	out, err := proto.Marshal(&pb.ClientFrame{Requests: []*pb.Request{{Id: 1, Command: Open.Name, Body: body}}})
	if err != nil {
		return nil, nil, fmt.Errorf("encode Open: %w", err)
	}
	if err := conn.WriteFrame(out); err != nil {
		return nil, nil, &Unreachable{URL: url, Err: err}
	}
	frame, answer := new(pb.ServerFrame), new(pb.OpenResponse)
	for {
		raw, err := conn.ReadFrame()
		if err != nil {
			return nil, nil, &Unreachable{URL: url, Err: err}
		}
		if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(raw, frame); err != nil {
			return nil, nil, &Unreachable{URL: url, Err: fmt.Errorf("decode frame: %w", err)}
		}
		if frame.Bye != nil {
			return nil, nil, bye(frame.Bye)
		}
		if len(frame.Replies) == 0 {
			continue
		}
		if e := frame.Replies[0].Error; e != nil {
			return nil, nil, refusal(e)
		}
		if err := proto.Unmarshal(frame.Replies[0].Body, answer); err != nil {
			return nil, nil, &Unreachable{URL: url, Err: fmt.Errorf("decode answer to Open: %w", err)}
		}
		frame.Replies = frame.Replies[1:]
		return frame, answer, nil
	}
}

// begin makes s the current session. Calls from before a break go out on it again.
func (c *Client) begin(s *session, answer *pb.OpenResponse) {
	c.mu.Lock()
	c.opened, c.conn = answer, s
	for _, r := range answer.Rooms {
		if _, known := c.cursors[r.Room]; !known {
			c.cursors[r.Room] = r.HeadPos
		}
	}
	watch := c.watch
	c.mu.Unlock()
	c.calls.again(watch)
	s.poke()
	if !c.o.NoEvents {
		c.queue.push(Event{Opened: answer}, nil)
	}
}

func (s *session) poke() {
	poke(s.wake)
}

func (s *session) close() {
	s.closing.Do(func() {
		close(s.gone)
		s.conn.Close()
	})
}

// breakToResume ends the session from this side; the next one brings what was not taken.
func (s *session) breakToResume() {
	s.resume.Store(true)
	s.close()
}

func (s *session) readLoop() error {
	if err := s.take(s.early); err != nil {
		return err
	}
	s.early = nil
	for {
		raw, err := s.conn.ReadFrame()
		if s.resume.Load() {
			return errResume
		}
		if err != nil {
			return &Unreachable{URL: s.c.dialer.URL, Err: err}
		}
		s.heard.Store(time.Now().UnixNano())
		frame := new(pb.ServerFrame)
		if err := proto.Unmarshal(raw, frame); err != nil {
			return &Unreachable{URL: s.c.dialer.URL, Err: fmt.Errorf("decode frame: %w", err)}
		}
		if err := s.take(frame); err != nil {
			return err
		}
	}
}

func (s *session) take(f *pb.ServerFrame) error {
	for _, r := range f.Replies {
		s.c.calls.answer(r)
	}
	if !s.c.o.NoEvents {
		s.deliver(f)
	}
	if f.Ping {
		s.pong.Store(true)
		s.poke()
	}
	if f.Bye != nil {
		return bye(f.Bye)
	}
	return nil
}

func bye(b *pb.Bye) error {
	e := &byeError{after: time.Duration(b.ReconnectAfterMs) * time.Millisecond}
	if b.Error != nil {
		e.reason = refusal(b.Error)
	}
	return e
}

// writeLoop sends what is due in as few frames as it can, and a ping when nothing else
// went out for a heartbeat.
func (s *session) writeLoop() {
	defer close(s.wrote)
	tick := time.NewTicker(s.beat * 4 / 5)
	defer tick.Stop()
	busy := false
	for {
		frame := &pb.ClientFrame{}
		select {
		case <-s.gone:
			return
		case <-s.wake:
			busy = true
		case <-tick.C:
			if s.silent() {
				s.close()
				return
			}
			frame.Ping = !busy
			busy = false
		}
		if err := s.flush(frame); err != nil {
			s.close()
			return
		}
	}
}

// silent: nothing was heard for three heartbeats, though this side was listening.
func (s *session) silent() bool {
	return !s.paused.Load() && time.Since(time.Unix(0, s.heard.Load())) > 3*s.beat
}

func (s *session) flush(frame *pb.ClientFrame) error {
	for {
		frame.Pong = s.pong.Swap(false)
		frame.Requests = s.c.calls.due(s, maxOut)
		if len(frame.Requests) == 0 && !frame.Ping && !frame.Pong {
			return nil
		}
		raw, err := proto.Marshal(frame)
		if err != nil {
			return fmt.Errorf("encode frame: %w", err)
		}
		if err := s.conn.WriteFrame(raw); err != nil {
			return err
		}
		frame = &pb.ClientFrame{}
	}
}

// maxOut bounds the bytes of requests in one frame; one larger request still goes alone.
const maxOut = 128 << 10
