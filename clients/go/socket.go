package client

import (
	"context"
	"net"
	"net/http"
	"time"
)

// NewLocalDialer reaches a node by a connection that needs no proof of who is who: the
// Unix socket in its data folder, which only the operator may open. No token, no TLS, and
// no sessions: use it with NewHTTP.
func NewLocalDialer(dial func(context.Context) (net.Conn, error)) *Dialer {
	return &Dialer{
		URL:   "http://operator",
		Trust: NewTrust("", "", false),
		http: &http.Client{Transport: &http.Transport{
			DialContext:     func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			IdleConnTimeout: 10 * time.Second,
		}},
	}
}

// HTTP is the client that speaks to the node, for what is no command (uploads, the page, a backup).
func (d *Dialer) HTTP() *http.Client { return d.http }
