package client

import (
	"context"
	"fmt"
	"io"

	"github.com/coder/websocket"
)

// Subprotocol is what a WebSocket asks for; one binary message is one frame.
const Subprotocol = "hearth.v1"

type wsConn struct {
	c   *websocket.Conn
	buf []byte
}

func (d *Dialer) dialWebSocket(ctx context.Context) (Conn, error) {
	c, _, err := websocket.Dial(ctx, d.URL+"/ws", &websocket.DialOptions{
		HTTPClient:   d.http,
		Subprotocols: []string{Subprotocol},
	})
	if err != nil {
		return nil, err
	}
	if c.Subprotocol() != Subprotocol {
		c.CloseNow()
		return nil, fmt.Errorf("the node does not speak %s", Subprotocol)
	}
	c.SetReadLimit(MaxFrame)
	return &wsConn{c: c}, nil
}

// ReadFrame reads with a context that cannot end: an ended one would close the
// connection anyway, and watching it costs allocations.
func (w *wsConn) ReadFrame() ([]byte, error) {
	kind, r, err := w.c.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageBinary {
		return nil, fmt.Errorf("the node sent a %v message, not a frame", kind)
	}
	w.buf, err = readAll(r, shrink(w.buf))
	return w.buf, err
}

func (w *wsConn) WriteFrame(frame []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), WriteTimeout)
	defer cancel()
	return w.c.Write(ctx, websocket.MessageBinary, frame)
}

func (w *wsConn) Close() error { return w.c.CloseNow() }

// keep is the largest buffer an idle Conn holds on to.
const keep = 64 << 10

func shrink(buf []byte) []byte {
	if cap(buf) > keep {
		return nil
	}
	return buf[:0]
}

func readAll(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)] // grows as append does
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}
