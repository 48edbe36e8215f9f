package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MaxFrame is the largest frame taken from a node.
const MaxFrame = 16 << 20

// Conn carries frames of one session, whatever they hold. One goroutine may read while
// another writes. Close ends both.
type Conn interface {
	// ReadFrame waits for the next frame. The bytes are good until the next call.
	ReadFrame() ([]byte, error)
	// WriteFrame sends one frame; it gives up, and breaks the Conn, after WriteTimeout.
	WriteFrame(frame []byte) error
	Close() error
}

// WriteTimeout is how long a node may take nothing before its Conn counts as broken.
const WriteTimeout = 20 * time.Second

// The names of the transports.
const (
	WebSocket    = "websocket"
	WebTransport = "webtransport"
)

// Dialer makes Conns to one node. Share it: thousands of Conns use one TLS session
// cache and one pin.
type Dialer struct {
	URL   string // https://HOST:PORT, or http:// on loopback
	Trust *Trust
	http  *http.Client
}

// NewDialer checks the address; it opens nothing.
func NewDialer(address string, trust *Trust) (*Dialer, error) {
	address, err := checkURL(address)
	if err != nil {
		return nil, err
	}
	if trust == nil {
		trust = NewTrust(address, "", false)
	}
	return &Dialer{URL: address, Trust: trust, http: &http.Client{Transport: httpTransport(trust)}}, nil
}

// Dial opens a Conn over the named transport; "" is WebSocket.
func (d *Dialer) Dial(ctx context.Context, transport string) (Conn, error) {
	var c Conn
	var err error
	switch transport {
	case "", WebSocket:
		c, err = d.dialWebSocket(ctx)
	case WebTransport:
		c, err = d.dialWebTransport(ctx)
	default:
		return nil, fmt.Errorf("unknown transport %q", transport)
	}
	if err != nil {
		return nil, &Unreachable{URL: d.URL, Err: err}
	}
	return c, nil
}

// checkURL takes https://HOST[:PORT][/], and http:// for programs on the node's own machine.
func checkURL(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("node address %q: %w", address, err)
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return "", fmt.Errorf("node address %q: want https://HOST:PORT", address)
	}
	return u.Scheme + "://" + u.Host, nil
}

func httpTransport(t *Trust) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     t.https("http/1.1"),
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     60 * time.Second,
		MaxIdleConnsPerHost: 4,
		// HTTP/1.1 alone: a WebSocket needs it, and a second protocol gains these programs nothing.
		Protocols: protocols(),
	}
}

func protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// Close gives the idle HTTP connections back. Conns live on.
func (d *Dialer) Close() { d.http.CloseIdleConnections() }
