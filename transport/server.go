// Package transport is the door for clients: WebTransport, WebSocket, the HTTP API,
// Server-Sent Events, files and the web page, all on one port number, TCP and UDP.
// docs/protocol/client.md is what it speaks; transport/session is the protocol itself.
package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/lxzan/gws"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"hearth/node"
	"hearth/node/room"
	"hearth/transport/session"
)

// Config is what the doors need. Node and Listen are required.
type Config struct {
	Node    *node.Node
	Listen  string   // host:port; port 0: one that is free for TCP and UDP
	Names   []string // DNS names and IP addresses of the node, for its own certificates and its address
	Dir     string   // data folder: the operator's socket and ACME's files; "": neither
	Domain  string   // public name: certificates come from a CA by ACME
	Email   string   // for the CA, may be empty
	Web     fs.FS    // the built page; nil: none
	Version string
	Limits  Limits // the zero value is no limits: see DefaultLimits
	Log     *slog.Logger

	// Operator are further routes of the operator's door (http.ServeMux patterns), such
	// as taking a backup: what only who owns the data folder may do.
	Operator map[string]http.Handler

	Dialects []Dialect              // further protocols on the UDP port, such as the federation's
	Metrics  []prometheus.Collector // of other doors, shown beside the own ones
}

// Server is the doors of one node. Listen, then Serve, then Shutdown.
type Server struct {
	node    *node.Node
	log     *slog.Logger
	httpLog *log.Logger
	version string
	limits  Limits
	name    string // host:port for links
	domain  string

	table     *table
	page      *page
	rates     *rates
	accounts  *tally[room.User]
	addresses *tally[netip.Prefix]
	crowd     *crowd
	counters  *counters
	heartbeat time.Duration
	inFlight  int

	certificates *certificates
	authority    *authority
	port         *port
	http         *http.Server
	quic         *quicDoor
	wt           *webtransport.Server
	upgrader     *gws.Upgrader
	operator     *operatorDoor

	ctx      context.Context // ends when Shutdown has dismissed everybody
	stop     context.CancelFunc
	stopping chan struct{} // closed when Shutdown begins
	stopOnce sync.Once
	streams  sync.WaitGroup // SSE
	running  sync.WaitGroup
}

// maxHeader bounds the headers of a request.
const maxHeader = 16 << 10

// Listen takes the port and prepares the doors; nothing is answered before Serve.
func Listen(c Config) (*Server, error) {
	s := &Server{
		node: c.Node, log: cmp.Or(c.Log, slog.Default()), version: c.Version, limits: c.Limits, domain: c.Domain,
		rates: newRates(c.Limits), crowd: newCrowd(), heartbeat: 15 * time.Second, inFlight: 64,
		accounts:  newTally[room.User](c.Limits.SessionsPerAccount, nil),
		addresses: newTally(c.Limits.ConnectionsPerAddress, loopback),
		stopping:  make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.httpLog = slog.NewLogLogger(s.log.Handler(), slog.LevelDebug) // people's broken connections are no news
	s.counters = newCounters(func() float64 { return float64(s.crowd.size()) }, s.handshakes)
	s.counters.registry.MustRegister(append([]prometheus.Collector{peerGauges{c.Node}, bridgeGauges{c.Node.Bridges}}, c.Metrics...)...)
	s.table = newTable()
	s.upgrader = s.newUpgrader()
	var err error
	if s.page, err = newPage(c.Web); err != nil {
		return nil, err
	}
	if s.port, err = bind(s.ctx, c.Listen); err != nil {
		return nil, err
	}
	if err := s.prepare(c); err != nil {
		return nil, errors.Join(err, s.port.close())
	}
	return s, nil
}

func (s *Server) prepare(c Config) error {
	s.name = s.addressFor(c)
	names := append([]string(nil), c.Names...)
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && host != "" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			names = append(names, host)
		}
	}
	var err error
	if s.certificates, err = openCertificates(s.node.Store(), names, s.node.Now); err != nil {
		return err
	}
	if c.Domain != "" {
		if c.Dir == "" {
			return errors.New("a domain needs a data folder for its certificate")
		}
		s.authority = newAuthority(c.Domain, c.Email, c.Dir, portOf(s.Addr()))
	}
	routes := s.routes()
	s.http = s.newHTTP(routes)
	s.wt = &webtransport.Server{
		H3:                   &http3.Server{Handler: routes, MaxHeaderBytes: maxHeader, IdleTimeout: 2 * time.Minute, Logger: s.log},
		Config:               &webTransportConfig,
		ApplicationProtocols: []string{subprotocol},
		CheckOrigin:          sameOrigin,
	}
	webtransport.ConfigureHTTP3Server(s.wt.H3)
	if err := s.openQUIC(s.port.udp, c.Dialects); err != nil {
		return err
	}
	return s.openOperator(c.Dir, c.Operator)
}

// addressFor is host:port as people should type it.
func (s *Server) addressFor(c Config) string {
	port := portOf(s.Addr())
	host, _, _ := net.SplitHostPort(c.Listen)
	switch {
	case c.Domain != "":
		host = c.Domain
		port = 443 // where ACME's challenge comes, and people
	case len(c.Names) > 0:
		host = c.Names[0]
	case host == "" || net.ParseIP(host) != nil && net.ParseIP(host).IsUnspecified():
		host = "localhost"
	}
	if port == 443 {
		return host
	}
	return net.JoinHostPort(host, fmt.Sprint(port))
}

func (s *Server) newHTTP(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ErrorLog: s.httpLog,
		ReadHeaderTimeout: 10 * time.Second, // and the TLS handshake
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 64, MaxReceiveBufferPerConnection: connectionWindow, MaxReceiveBufferPerStream: streamWindow},
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(service, s.handlers())
	mux.HandleFunc("GET /ws", s.serveWebSocket)
	mux.HandleFunc("/wt", s.serveWebTransport)
	mux.HandleFunc("GET /events", s.serveEvents)
	mux.HandleFunc("POST /blob", s.putBlob)
	mux.HandleFunc("GET /blob/{id}", s.getBlob)
	mux.HandleFunc("POST /file", s.putFile)
	mux.HandleFunc("GET /m/{secret}/{name}", s.getPublished)
	mux.HandleFunc("GET /metrics", s.serveMetrics(s.counters.handler()))
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /.well-known/hearth", s.serveWellKnown)
	mux.HandleFunc("/", s.servePage)
	return mux
}

// tlsTCP is for the TCP side of the port.
func (s *Server) tlsTCP() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: s.certificateTCP}
	if s.authority != nil {
		config.NextProtos = append(config.NextProtos, "acme-tls/1") // the CA's challenge
	}
	return config
}

func (s *Server) certificateTCP(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := s.authority.certificate(hello); c != nil {
		return c, nil
	}
	return s.certificates.tcp(hello)
}

func (s *Server) certificateUDP(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c := s.authority.certificate(hello); c != nil {
		return c, nil
	}
	return s.certificates.udp(hello)
}

// Addr is the address that was taken, for TCP and UDP.
func (s *Server) Addr() net.Addr { return s.port.tcp.Addr() }

// QUIC is the UDP side of the port, for dialling out of: others then see the address that
// they can dial themselves. It is closed by Shutdown.
func (s *Server) QUIC() *quic.Transport { return s.quic.transport }

// URL is where people go: https://HOST:PORT.
func (s *Server) URL() string { return "https://" + s.name }

// Serve answers until ctx ends or a door fails; Shutdown ends it too, with nil.
func (s *Server) Serve(ctx context.Context) error {
	if s.authority != nil {
		if err := s.authority.start(s.ctx); err != nil {
			return err
		}
	}
	failed := make(chan error, 3)
	run := func(door func() error) { s.running.Go(func() { failed <- door() }) }
	run(func() error { return s.serveTCP() })
	run(func() error { return s.quic.run(s.ctx) })
	if s.operator != nil {
		run(func() error { return closedIsFine(s.operator.http.Serve(s.operator.listener)) })
	}
	s.running.Go(func() { s.crowd.tick(s.ctx, time.Second) })
	select {
	case <-ctx.Done():
		return nil
	case <-s.stopping:
		return nil
	case err := <-failed:
		return err
	}
}

func (s *Server) serveTCP() error {
	guard := &gate{Listener: s.port.tcp, addresses: s.addresses, ended: s.counters}
	return closedIsFine(s.http.Serve(tls.NewListener(guard, s.tlsTCP())))
}

func closedIsFine(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Shutdown takes no new connection, tells every session to come back later, each at its
// own moment, waits until they have gone, and closes the port. When ctx ends it cuts
// what is left.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopOnce.Do(func() { close(s.stopping) })
	err := closedIsFine(s.port.tcp.Close())
	s.crowd.dismiss(ctx, s.jitter)
	s.awaitStreams(ctx)
	err = errors.Join(err, s.operator.close(ctx))
	if e := s.http.Shutdown(ctx); e != nil {
		err = errors.Join(err, closedIsFine(s.http.Close()))
	}
	s.stop()
	s.authority.close()
	err = errors.Join(err, closedIsFine(s.wt.Close()), closedIsFine(s.quic.close()))
	s.running.Wait()
	return err
}

// awaitStreams waits until the event streams, which stopping has told, are at their end.
func (s *Server) awaitStreams(ctx context.Context) {
	left := make(chan struct{})
	go func() {
		s.streams.Wait()
		close(left)
	}()
	select {
	case <-left:
	case <-ctx.Done(): // closing the HTTP server ends the rest
	}
}

// jitter spreads reconnecting clients over some seconds.
func (s *Server) jitter() time.Duration {
	return 500*time.Millisecond + rand.N(2500*time.Millisecond)
}

func (s *Server) frameBytes() int { return cmp.Or(s.limits.FrameBytes, session.MaxFrame) }

func (s *Server) handshakes() float64 {
	if s.quic == nil {
		return 0
	}
	return float64(s.quic.handshakes.Load())
}
