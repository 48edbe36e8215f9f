// Package guard asks hosts that strangers name, so that nobody has this machine ask its own network for him: https alone,
// without a proxy or cookies, few redirects, little and not for long, and to public addresses.
// The address is looked at where it is dialled, so no name can answer the check with one and the dial with another.
package guard

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	redirects   = 3
	headerLimit = 16 << 10
)

var (
	ErrHidden   = errors.New("the address is not public")
	ErrRedirect = errors.New("the redirect leads nowhere")
)

// Guard says how far its client goes. Any number of goroutines may use one.
type Guard struct {
	Within time.Duration  // for all of a request, the body with it
	Limit  int64          // bytes of a body; reading on is an *http.MaxBytesError
	Roots  *x509.CertPool // who vouches for hosts; nil: whom the system trusts
	// Near: the host that the first address names may be in our own network, and what is there may redirect to such.
	// What is public may not. Ports are free then; otherwise 443 is the only one.
	Near bool

	resolver *net.Resolver
}

// Client is one that keeps to g.
func (g Guard) Client() *http.Client {
	d := g.dialer()
	return &http.Client{Timeout: g.Within, CheckRedirect: follow, Transport: &transport{g, &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := d.DialContext(ctx, network, address)
			if err == nil && !public(c.RemoteAddr().String()) {
				ctx.Value(tripKey{}).(*trip).inside.Store(true)
			}
			return c, err
		},
		TLSClientConfig: &tls.Config{RootCAs: g.Roots}, ForceAttemptHTTP2: true,
		DisableKeepAlives: true, MaxResponseHeaderBytes: headerLimit, // so each request dials for itself
	}}}
}

func (g Guard) dialer() *net.Dialer {
	return &net.Dialer{ControlContext: g.check, Resolver: g.resolver}
}

func follow(r *http.Request, before []*http.Request) error {
	if len(before) > redirects {
		return ErrRedirect
	}
	return nil
}

// trip is one request of those that redirects make.
type trip struct {
	near   bool        // it may go into our own network
	inside atomic.Bool // it went there
}

type tripKey struct{}

type transport struct {
	Guard
	http *http.Transport
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, fmt.Errorf("%s is not asked, only https: %w", r.URL.Scheme, ErrRedirect)
	}
	on := &trip{near: t.Near}
	if r.Response != nil { // a redirect, by this answer
		on.near = r.Response.Request.Context().Value(tripKey{}).(*trip).inside.Load()
	}
	w, err := t.http.RoundTrip(r.WithContext(context.WithValue(r.Context(), tripKey{}, on)))
	if err == nil {
		w.Body = http.MaxBytesReader(nil, w.Body, t.Limit)
	}
	return w, err
}

func (g Guard) check(ctx context.Context, _, address string, _ syscall.RawConn) error {
	if ctx.Value(tripKey{}).(*trip).near || public(address) && (g.Near || portOf(address) == 443) {
		return nil
	}
	return fmt.Errorf("%s: %w", address, ErrHidden)
}

func portOf(address string) uint16 {
	ap, _ := netip.ParseAddrPort(address)
	return ap.Port()
}

func public(address string) bool {
	ap, err := netip.ParseAddrPort(address)
	return err == nil && Public(ap.Addr())
}

// Public tells whether an address is one of the public internet's. Of IPv6 that is what IANA hands out (2000::/3), so
// forms that stand for other addresses (IPv4-compatible, NAT64, site-local) fall outside.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("") // a prefix holds nothing with a zone
	return (ip.Is4() || unicast6.Contains(ip)) && ip.IsGlobalUnicast() && !ip.IsPrivate() &&
		!slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(ip) })
}

var unicast6 = netip.MustParsePrefix("2000::/3")

// special is what IANA's registries of special-purpose addresses (RFC 6890) keep from the public, beyond what netip knows.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network (RFC 791)
	netip.MustParsePrefix("100.64.0.0/10"),   // carriers' NAT (RFC 6598)
	netip.MustParsePrefix("192.0.0.0/24"),    // protocols (RFC 6890)
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation (RFC 5737)
	netip.MustParsePrefix("198.51.100.0/24"), // the same
	netip.MustParsePrefix("203.0.113.0/24"),  // the same
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4's relays (RFC 7526)
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks (RFC 2544)
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved (RFC 1112)
	netip.MustParsePrefix("2001::/23"),       // protocols; Teredo holds IPv4 addresses (RFC 2928, 4380)
	netip.MustParsePrefix("2001:db8::/32"),   // documentation (RFC 3849)
	netip.MustParsePrefix("2002::/16"),       // 6to4 holds IPv4 addresses (RFC 3056)
	netip.MustParsePrefix("3fff::/20"),       // documentation (RFC 9637)
}
