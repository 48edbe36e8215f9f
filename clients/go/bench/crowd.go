package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// crowd is many clients, each a Conn and the goroutine that reads it.
type crowd struct {
	mu      sync.Mutex // of members, while some are being added
	members []*member
	epoch   time.Time
	items   atomic.Int64 // delivered, to all together
	closing atomic.Bool
	failed  atomic.Pointer[error]
	readers sync.WaitGroup
}

// member is one client of the crowd.
type member struct {
	crowd *crowd
	conn  client.Conn
	bare  bool // speaks the baseline's frames
	next  uint64
	free  chan struct{} // places in the window; one comes back with every answer
	own   string        // baseline: what its own texts begin with after the time
	times []time.Duration
	keep  atomic.Bool // note times
	look  bool        // this one looks at times at all
	late  bool        // an answer frees no place in the window: whoever sees the text does
	frees *member     // whose place a text frees that arrives here
}

// The first ones look at every text: they are the senders, and a bare server's only answer
// is the text itself. Of the others every tenth does.
const (
	lookers   = 8
	maxWindow = 1 << 10
)

func newCrowd() *crowd { return &crowd{epoch: time.Now()} }

// add connects n clients, 16 at a time. token gives the i-th one's; nil: the baseline.
func (c *crowd) add(d *client.Dialer, transport string, n int, token func(i int) string) error {
	first := len(c.members)
	c.mu.Lock()
	c.members = append(c.members, make([]*member, n)...)
	c.mu.Unlock()
	return each(n, 16, func(i int) error {
		m, err := c.connect(d, transport, token, i)
		if err != nil {
			return err
		}
		m.look = i%10 == 0 || i < lookers
		c.mu.Lock()
		c.members[first+i] = m
		c.mu.Unlock()
		c.readers.Go(m.read)
		return nil
	})
}

func (c *crowd) connect(d *client.Dialer, transport string, token func(i int) string, i int) (*member, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := d.Dial(ctx, transport)
	if err != nil {
		return nil, err
	}
	m := &member{crowd: c, conn: conn, bare: token == nil, next: 1, free: make(chan struct{}, maxWindow), own: fmt.Sprintf("[%d] ", i)}
	if !m.bare {
		if _, _, err := client.OpenOn(conn, d.URL, &pb.OpenRequest{Token: token(i), Protocol: 1, Client: "bench"}); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return m, nil
}

func (m *member) read() {
	s := sight{}
	if m.look {
		s.text = m.note
	}
	for {
		frame, err := m.conn.ReadFrame()
		if err == nil && m.bare {
			err = s.lookChunks(frame)
		} else if err == nil {
			err = s.look(frame)
		}
		if err == nil && s.bye {
			err = fmt.Errorf("the node said goodbye")
		}
		if err == nil && s.refused > 0 {
			err = fmt.Errorf("the node refused a message")
		}
		if err != nil {
			if !m.crowd.closing.Load() {
				m.crowd.failed.CompareAndSwap(nil, &err)
			}
			return
		}
		m.crowd.items.Add(int64(s.items))
		for range s.replies {
			if !m.late {
				m.release()
			}
		}
		s.items, s.replies = 0, 0
	}
}

// open gives the member so many places for messages under way.
func (m *member) open(window int) {
	for len(m.free) > 0 {
		<-m.free
	}
	for range min(window, maxWindow) {
		m.free <- struct{}{}
	}
}

func (m *member) release() {
	select {
	case m.free <- struct{}{}:
	default:
	}
}

// note keeps how long a text was under way. The baseline answers nobody: there a sender
// takes the return of its own text for the answer.
func (m *member) note(text []byte) {
	at, ok := sentAt(text)
	if !ok {
		return
	}
	if m.keep.Load() {
		m.times = append(m.times, time.Since(m.crowd.epoch)-at)
	}
	if m.frees != nil {
		m.frees.release()
	}
	if m.bare && len(text) > 17+len(m.own) && string(text[17:17+len(m.own)]) == m.own {
		m.release()
	}
}

// say sends a text to the room, stamped with the time.
func (m *member) say(room string, size int) error {
	text := payload(size, time.Since(m.crowd.epoch))
	if m.bare {
		text = text[:17] + m.own + text[17+len(m.own):]
		return m.conn.WriteFrame(chunk(text))
	}
	m.next++
	return m.conn.WriteFrame(command(m.next, client.Send, &pb.SendRequest{Room: room, Key: client.NewKey(), Text: text}))
}

// beat keeps idle sessions alive until stop is closed; nobody else may write meanwhile.
func (c *crowd) beat(every time.Duration, stop <-chan struct{}) {
	ping := must(protoPing())
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			c.mu.Lock()
			members := slices.Clone(c.members)
			c.mu.Unlock()
			for _, m := range members {
				if m != nil {
					m.conn.WriteFrame(ping)
				}
			}
		case <-stop:
			return
		}
	}
}

func (c *crowd) remember(on bool) {
	for _, m := range c.members {
		m.keep.Store(on)
	}
}

func (c *crowd) times() []time.Duration {
	var all []time.Duration
	for _, m := range c.members {
		all = append(all, m.times...)
	}
	return all
}

func (c *crowd) err() error {
	if e := c.failed.Load(); e != nil {
		return *e
	}
	return nil
}

func (c *crowd) leave() {
	c.closing.Store(true)
	for _, m := range c.members {
		if m != nil {
			m.conn.Close()
		}
	}
	c.readers.Wait()
}
