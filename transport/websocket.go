package transport

import (
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lxzan/gws"

	"hearth/node/room"
	"hearth/transport/session"
)

// subprotocol names the client protocol in a WebSocket handshake.
const subprotocol = "hearth.v1"

// writeWithin is how long a client may take to let one frame go out.
const writeWithin = 10 * time.Second

// wsReadBuffer is small on purpose: an idle connection keeps it. Frames larger than it
// are read straight into their own memory.
const wsReadBuffer = 512

// wsReadSlack is how much larger than the limit a frame may be and still be read, so
// that it can be refused with a Bye; beyond it the connection closes with status 1009.
const wsReadSlack = 4 << 10

func (s *Server) newUpgrader() *gws.Upgrader {
	return gws.NewUpgrader(socketEvents{}, &gws.ServerOption{
		ReadMaxPayloadSize: s.frameBytes() + wsReadSlack,
		ReadBufferSize:     wsReadBuffer,
		WriteBufferSize:    wsReadBuffer,
		HandshakeTimeout:   5 * time.Second,
		SubProtocols:       []string{subprotocol},
		NewSession:         func() gws.SessionStorage { return new(socket) },
		Recovery:           gws.Recovery,
	})
}

// serveWebSocket is the door at /ws.
func (s *Server) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	if !sameOrigin(r) {
		writeError(w, r, room.Errorf(room.Forbidden, "Pages of other sites may not connect here."))
		return
	}
	if !offers(r, subprotocol) {
		writeError(w, r, room.Errorf(room.BadRequest, "Ask for the WebSocket subprotocol %s.", subprotocol))
		return
	}
	conn, err := s.upgrader.Upgrade(w, r)
	if err != nil {
		return // answered by the upgrader
	}
	sock := conn.Session().(*socket)
	sock.conn = conn
	if sock.live, err = s.start(sock, "websocket", r.RemoteAddr); err != nil {
		_ = conn.WriteClose(1012, []byte("the node is stopping"))
		return
	}
	// Not in the handler's goroutine: it would keep the request in memory for good.
	go conn.ReadLoop()
}

// sameOrigin lets pages of this node in, and programs, which send no Origin.
func sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

func offers(r *http.Request, protocol string) bool {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(p) == protocol {
				return true
			}
		}
	}
	return false
}

// socket is a session's WebSocket. It also stands in for gws's session storage, which
// is how gws hands a connection's own state to its event handler.
type socket struct {
	conn  *gws.Conn
	live  *live
	armed time.Time // when the write deadline was last set
}

// write sends one binary message, past gws, which would copy it once more: a write to the
// connection is whole, so nothing that gws sends gets between. The deadline is set once a
// second, not once a write: it then is 10 to 11 s.
func (k *socket) write(f *session.Frame) error {
	if now := time.Now(); now.Sub(k.armed) > time.Second {
		k.armed = now
		if err := k.conn.SetWriteDeadline(now.Add(writeWithin + time.Second)); err != nil {
			return err
		}
	}
	var header [10]byte
	_, err := k.conn.NetConn().Write(f.Behind(appendHeader(header[:0], f.Len())))
	return err
}

// appendHeader is how a whole binary message of n bytes from a server begins (RFC 6455 5.2).
func appendHeader(b []byte, n int) []byte {
	const binaryMessage = 0x82 // FIN, opcode 2
	switch {
	case n < 126:
		return append(b, binaryMessage, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, binaryMessage, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, binaryMessage, 127), uint64(n))
	}
}

// finish says goodbye and leaves the client to close, so that what was written is read:
// closing with unread bytes underneath would reset the connection.
func (k *socket) finish(string) {
	_ = k.conn.SetReadDeadline(time.Now().Add(lingerFor))
	_ = k.conn.WriteMessage(gws.OpcodeCloseConnection, []byte{0x03, 0xe8}) // 1000
}

func (k *socket) cut() { _ = k.conn.NetConn().Close() }

// socketEvents hands what gws reads to the socket's session.
type socketEvents struct{}

func (socketEvents) OnOpen(*gws.Conn) {}

func (socketEvents) OnMessage(conn *gws.Conn, m *gws.Message) {
	k := conn.Session().(*socket)
	defer m.Close()
	if m.Opcode != gws.OpcodeBinary {
		k.live.refuse(room.Errorf(room.Protocol, "Frames are binary messages."))
		return
	}
	k.live.receive(m.Bytes())
}

func (socketEvents) OnPing(conn *gws.Conn, payload []byte) { _ = conn.WritePong(payload) }

func (socketEvents) OnPong(*gws.Conn, []byte) {}

func (socketEvents) OnClose(conn *gws.Conn, _ error) { conn.Session().(*socket).live.done() }

// What gws asks of a session storage; there is nothing to store.

func (k *socket) Len() int                               { return 0 }
func (k *socket) Load(string) (any, bool)                { return nil, false }
func (k *socket) Delete(string)                          {}
func (k *socket) Store(string, any)                      {}
func (k *socket) Range(func(key string, value any) bool) {}

var _ gws.SessionStorage = (*socket)(nil)

// errTooLarge is what a door refuses before it reads.
func (s *Server) errTooLarge() error { return session.TooLarge(s.frameBytes()) }
