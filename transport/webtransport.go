package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/quic-go/quic-go/quicvarint"
	"github.com/quic-go/webtransport-go"

	"hearth/node/room"
	"hearth/transport/session"
)

// streamWithin is how long a client may take to open its stream.
const streamWithin = 10 * time.Second

// serveWebTransport is the door at /wt: one bidirectional stream, opened by the client,
// on which each frame is its length as a QUIC varint, then its bytes.
func (s *Server) serveWebTransport(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		writeError(w, r, room.Errorf(room.BadRequest, "%s is for WebTransport, over HTTP/3.", r.URL.Path))
		return
	}
	conn, err := s.wt.Upgrade(w, r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	go s.serveStream(conn, r.RemoteAddr)
}

func (s *Server) serveStream(conn *webtransport.Session, address string) {
	defer conn.CloseWithError(0, "")
	ctx, cancel := context.WithTimeout(s.ctx, streamWithin)
	stream, err := conn.AcceptStream(ctx)
	cancel()
	if err != nil {
		return
	}
	k := &streamWire{conn: conn, stream: stream}
	l, err := s.start(k, "webtransport", address)
	if err != nil {
		return
	}
	defer l.done()
	if err := readFrames(stream, s.frameBytes(), l.receive); errors.Is(err, errFrameSize) {
		l.refuse(s.errTooLarge())
		_, _ = io.Copy(io.Discard, io.LimitReader(stream, 1<<20)) // until the Bye was read and the client closes
	}
}

var errFrameSize = errors.New("frame too large")

// readFrames reads frames until the stream ends or take wants no more. A length over
// max is an error before a byte of it is read. After take's last frame it reads on to
// the stream's end, taking nothing: the client has a Bye to read.
func readFrames(stream io.Reader, max int, take func([]byte) bool) error {
	r := bufio.NewReaderSize(stream, 1024)
	var buf []byte
	for {
		size, err := quicvarint.Read(r)
		if err != nil {
			return err
		}
		if size > uint64(max) {
			return errFrameSize
		}
		if buf, err = readInto(r, buf, int(size)); err != nil {
			return err
		}
		if !take(buf) {
			_, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			return err
		}
		if cap(buf) > 16<<10 {
			buf = nil // an idle session keeps no large buffer
		}
	}
}

// readInto reads size bytes into buf, growing it only as bytes really come: a length
// alone costs nothing.
func readInto(r io.Reader, buf []byte, size int) ([]byte, error) {
	const step = 16 << 10
	buf = buf[:0]
	for len(buf) < size {
		n := min(size-len(buf), step)
		if cap(buf)-len(buf) < n {
			buf = append(buf, make([]byte, n)...)[:len(buf)]
		}
		at := len(buf)
		buf = buf[:at+n]
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			return buf, err
		}
	}
	return buf, nil
}

// streamWire is a session's WebTransport stream.
type streamWire struct {
	conn   *webtransport.Session
	stream *webtransport.Stream
	armed  time.Time
}

// write puts length and frame together, so that they leave in the same packets.
func (k *streamWire) write(f *session.Frame) error {
	if now := time.Now(); now.Sub(k.armed) > time.Second {
		k.armed = now
		if err := k.stream.SetWriteDeadline(now.Add(writeWithin + time.Second)); err != nil {
			return err
		}
	}
	var length [8]byte
	_, err := k.stream.Write(f.Behind(quicvarint.Append(length[:0], uint64(f.Len()))))
	return err
}

// finish ends our side; QUIC delivers what was written before that. The client closes.
func (k *streamWire) finish(string) {
	_ = k.stream.Close()
	_ = k.stream.SetReadDeadline(time.Now().Add(lingerFor))
}

func (k *streamWire) cut() {
	k.stream.CancelRead(0)
	k.stream.CancelWrite(0)
	_ = k.conn.CloseWithError(0, "")
}
