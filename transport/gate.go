package transport

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// gate is the TCP listener's guard: it counts connections by address before anything
// is spent on them, and turns away what does not speak TLS.
type gate struct {
	net.Listener
	addresses *tally[netip.Prefix]
	ended     *counters
}

// Accept waits for the next connection within the limits.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		bound(conn)
		key := network(conn.RemoteAddr().String())
		if g.addresses.enter(key) {
			return &guarded{Conn: conn, leave: func() { g.addresses.leave(key) }}, nil
		}
		g.ended.refused.Inc()
		_ = conn.Close()
	}
}

// kernelBuffer bounds what the kernel holds for a connection, each way. Left alone it
// grows to 4 MB of what a client does not read, and 6 MB of what the node does not.
const kernelBuffer = 256 << 10

func bound(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(kernelBuffer) // without it the connection works as well, only larger
		_ = tcp.SetReadBuffer(kernelBuffer)
	}
}

// guarded is a TCP connection that TLS is expected on.
type guarded struct {
	net.Conn
	sniffed bool
	once    sync.Once
	leave   func()
}

// tlsHandshake is the first byte of every TLS connection (RFC 8446 5.1, ContentType handshake).
const tlsHandshake = 0x16

// Read looks at the first byte: a browser that was told http:// is shown the way.
func (c *guarded) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.sniffed && n > 0 {
		c.sniffed = true
		if b[0] != tlsHandshake {
			c.redirect(b[:n])
			return 0, io.EOF
		}
	}
	return n, err
}

// redirect answers a plain HTTP request on loopback; others get nothing. The port is
// the same one, so only the scheme changes. The host is the one the client asked for,
// with what no host has removed.
func (c *guarded) redirect(request []byte) {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return
	}
	host := c.LocalAddr().String()
	if asked := hostHeader(request); asked != "" {
		host = asked
	}
	text := fmt.Sprintf("This is https://%s/\n", host)
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	fmt.Fprintf(c.Conn, "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://%s/\r\nContent-Type: text/plain\r\n"+
		"Content-Length: %d\r\nConnection: close\r\n\r\n%s", host, len(text), text)
}

func hostHeader(request []byte) string {
	for line := range bytes.Lines(request) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(name, []byte("host")) {
			return hostOnly(string(bytes.TrimSpace(value)))
		}
	}
	return ""
}

func hostOnly(s string) string {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == ':' || r == '[' || r == ']') {
			return ""
		}
	}
	return s
}

// Close gives the address its place back.
func (c *guarded) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}
