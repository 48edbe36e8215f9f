package transport

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

// Dialect is one protocol on the UDP port. The first whose ALPN a client offers takes
// the connection; without any, the first row: HTTP/3. Config.Dialects adds rows.
type Dialect struct {
	ALPN  []string
	TLS   *tls.Config
	Serve func(*quic.Conn) // called after the handshake; the connection is its own to close
	// Window is how far the connection's receive window may grow; 0: as a client's. The
	// rest of a connection's configuration is one for all: quic-go fixes it before the
	// ALPN is known.
	Window uint64
}

// quicDoor is the UDP side of the port.
type quicDoor struct {
	transport *quic.Transport
	listener  *quic.EarlyListener
	dialects  []Dialect
	wide      sync.Map // *quic.Conn of dialects with a larger window
	serving   sync.WaitGroup

	addresses  *tally[netip.Prefix]
	handshakes atomic.Int64 // under way with clients whose address is not proven
	most       int64
}

// Windows of a client's connection. quic-go's own defaults grow to 15 MB a connection.
const (
	streamWindow     = 256 << 10
	connectionWindow = 1 << 20
)

func clientQUIC() *quic.Config {
	return &quic.Config{
		EnableDatagrams:                  true, // WebTransport requires it
		EnableStreamResetPartialDelivery: true,
		HandshakeIdleTimeout:             5 * time.Second,
		MaxIdleTimeout:                   30 * time.Second,
		KeepAlivePeriod:                  15 * time.Second,
		InitialStreamReceiveWindow:       64 << 10,
		MaxStreamReceiveWindow:           streamWindow,
		InitialConnectionReceiveWindow:   128 << 10,
		MaxConnectionReceiveWindow:       connectionWindow,
		MaxIncomingStreams:               128,   // peers' asks; a client's are bounded by the layers above
		MaxIncomingUniStreams:            256,   // a peer has one a room
		Allow0RTT:                        false, // a replayed request could change things
	}
}

// webTransportConfig must be set as a whole, or Safari refuses.
var webTransportConfig = webtransport.Config{
	MaxIncomingStreams:    8,
	MaxIncomingUniStreams: 8,
	MaxIncomingData:       connectionWindow,
}

// statelessResetKey lets a restarted node tell old connections that they are gone (RFC
// 9000 10.3): derived from the node's key, so it is the same after a restart.
func statelessResetKey(secret []byte) (quic.StatelessResetKey, error) {
	var key quic.StatelessResetKey
	derived, err := hkdf.Key(sha256.New, secret, nil, "hearth quic stateless reset 1", len(key))
	copy(key[:], derived)
	return key, err
}

func (s *Server) openQUIC(udp net.PacketConn, more []Dialect) error {
	key, err := statelessResetKey(s.node.PrivateKey().Seed())
	if err != nil {
		return fmt.Errorf("derive stateless reset key: %w", err)
	}
	q := &quicDoor{addresses: s.addresses, most: int64(s.limits.Handshakes)}
	if q.most == 0 {
		q.most = 64
	}
	q.dialects = append([]Dialect{{
		ALPN:  []string{http3.NextProtoH3},
		TLS:   &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{http3.NextProtoH3}, GetCertificate: s.certificateUDP},
		Serve: s.serveH3,
	}}, more...)
	q.transport = &quic.Transport{
		Conn: udp, StatelessResetKey: &key,
		VerifySourceAddress: func(net.Addr) bool { return q.handshakes.Load() >= q.most },
		ConnContext:         q.admit,
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, GetConfigForClient: q.choose}
	if q.listener, err = q.transport.ListenEarly(config, q.config()); err != nil {
		return fmt.Errorf("listen on %v/udp: %w", udp.LocalAddr(), err)
	}
	s.quic = q
	return nil
}

// config is a client's, with room for the windows of wider dialects.
func (q *quicDoor) config() *quic.Config {
	c := clientQUIC()
	for _, d := range q.dialects {
		c.MaxConnectionReceiveWindow = max(c.MaxConnectionReceiveWindow, d.Window)
	}
	c.AllowConnectionWindowIncrease = q.mayGrow
	return c
}

// mayGrow keeps clients at connectionWindow. Windows grow by doubling (or, less, in the
// wake of a stream's, to at most 384 KiB), so a step of half of it is the last.
func (q *quicDoor) mayGrow(conn *quic.Conn, delta uint64) bool {
	if delta <= connectionWindow/2 {
		return true
	}
	_, wide := q.wide.Load(conn)
	return wide
}

var errTooManyConnections = errors.New("too many connections from this address")

type provenKey struct{}

// admit counts a connection against its address, and as unproven until its handshake
// is done. ctx ends with the connection.
func (q *quicDoor) admit(ctx context.Context, client *quic.ClientInfo) (context.Context, error) {
	key := network(client.RemoteAddr.String())
	if !q.addresses.enter(key) {
		return nil, errTooManyConnections
	}
	context.AfterFunc(ctx, func() { q.addresses.leave(key) })
	if client.AddrVerified {
		return ctx, nil
	}
	q.handshakes.Add(1)
	proven := sync.OnceFunc(func() { q.handshakes.Add(-1) })
	context.AfterFunc(ctx, proven)
	return context.WithValue(ctx, provenKey{}, proven), nil
}

func (q *quicDoor) choose(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	for _, d := range q.dialects {
		if slices.ContainsFunc(d.ALPN, func(p string) bool { return slices.Contains(hello.SupportedProtos, p) }) {
			return d.TLS, nil
		}
	}
	return q.dialects[0].TLS, nil
}

// run accepts until the listener is closed.
func (q *quicDoor) run(ctx context.Context) error {
	for {
		conn, err := q.listener.Accept(ctx)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, quic.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("accept QUIC connection: %w", err)
		}
		q.serving.Go(func() { q.serve(conn) })
	}
}

func (q *quicDoor) serve(conn *quic.Conn) {
	select {
	case <-conn.HandshakeComplete():
	case <-conn.Context().Done():
		return
	}
	if proven, ok := conn.Context().Value(provenKey{}).(func()); ok {
		proven()
	}
	d := &q.dialects[0]
	for i := range q.dialects {
		if slices.Contains(q.dialects[i].ALPN, conn.ConnectionState().TLS.NegotiatedProtocol) {
			d = &q.dialects[i]
		}
	}
	if d.Window > connectionWindow {
		q.wide.Store(conn, nil)
		defer q.wide.Delete(conn)
	}
	d.Serve(conn)
}

// serveH3 is HTTP/3 and WebTransport.
func (s *Server) serveH3(conn *quic.Conn) {
	if err := s.wt.ServeQUICConn(conn); err != nil && !errors.Is(err, http.ErrServerClosed) {
		s.log.Debug("serve HTTP/3 connection", "address", conn.RemoteAddr(), "error", err)
	}
}

// close takes the port down; every connection has been closed by its dialect before.
func (q *quicDoor) close() error {
	err := errors.Join(q.listener.Close(), q.transport.Close(), q.transport.Conn.Close())
	q.serving.Wait()
	return err
}
