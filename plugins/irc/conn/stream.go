package conn

import (
	"bytes"
	"net"
	"sync"
	"time"

	"hearth/plugins/irc/wire"
)

// Stream reads and writes a connection's lines in two goroutines of its own.
type Stream struct {
	conn net.Conn
	mu   sync.Mutex
	out  bytes.Buffer
	wake chan struct{} // one slot
	done chan struct{}
	once sync.Once
	fail error
}

const (
	maxUnwritten = 1 << 20 // bytes; a server that takes none for so long is gone
	writeTime    = 60 * time.Second
	maxBatch     = 256 // lines handed over at once
	lastWords    = 2 * time.Second
)

// NewStream hands what comes to lines, batch by batch: that call may block, and the server then waits.
// The last call is with nil and the reason.
func NewStream(c net.Conn, lines func([]string, error)) *Stream {
	s := &Stream{conn: c, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.read(lines)
	go s.write()
	return s
}

func (s *Stream) read(deliver func([]string, error)) {
	in := wire.NewLines(s.conn)
	var batch []string
	for {
		line, err := in.Next()
		if err != nil {
			if len(batch) > 0 {
				deliver(batch, nil)
			}
			s.close(err)
			deliver(nil, s.fail)
			return
		}
		batch = append(batch, line)
		if !in.Waiting() || len(batch) == maxBatch {
			deliver(batch, nil)
			batch = nil
		}
	}
}

// Write queues lines; it never waits.
func (s *Stream) Write(lines []string) {
	if len(lines) == 0 {
		return
	}
	s.mu.Lock()
	full := s.out.Len() > maxUnwritten
	for _, line := range lines {
		s.out.WriteString(line)
		s.out.WriteString("\r\n")
	}
	s.mu.Unlock()
	if full {
		s.Close()
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Stream) write() {
	for {
		select {
		case <-s.wake:
		case <-s.done:
			s.flush(time.Second) // a QUIT
			s.conn.Close()
			return
		}
		if err := s.flush(writeTime); err != nil {
			// What the server said before it hung up may still be read, and says why.
			s.conn.SetReadDeadline(time.Now().Add(lastWords))
			<-s.done
			s.conn.Close()
			return
		}
	}
}

func (s *Stream) flush(within time.Duration) error {
	s.mu.Lock()
	bytes := bytes.Clone(s.out.Bytes())
	s.out.Reset()
	s.mu.Unlock()
	s.conn.SetWriteDeadline(time.Now().Add(within))
	_, err := s.conn.Write(bytes)
	return err
}

// Close ends the connection after what is queued. It does not wait.
func (s *Stream) Close() { s.close(net.ErrClosed) }

func (s *Stream) close(err error) {
	s.once.Do(func() {
		s.fail = err
		close(s.done)
	})
}
