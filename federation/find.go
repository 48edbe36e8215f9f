package federation

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"hearth/node/peer"
	"hearth/node/room"
)

// finder asks https://NAME/.well-known/hearth, which the web's certificate authorities
// vouch for, where a node is and which key it has.
type finder struct{ roots *x509.CertPool }

const (
	findWithin    = 5 * time.Second
	findBytes     = 64 << 10
	findRedirects = 3
)

func newFinder(roots *x509.CertPool) *finder { return &finder{roots} }

// found is what a node says of itself there.
type found struct {
	Name      string            `json:"name"`
	Key       ed25519.PublicKey `json:"-"`
	Encoded   string            `json:"key"`
	Addresses []string          `json:"addresses"`
}

func (f *finder) find(ctx context.Context, name string) (found, error) {
	ctx, cancel := context.WithTimeout(ctx, findWithin)
	defer cancel()
	client, closeIdle := f.client()
	defer closeIdle()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+name+"/.well-known/hearth", nil)
	if err != nil {
		return found{}, fmt.Errorf("find %s: %w", name, err)
	}
	w, err := client.Do(r)
	if err != nil {
		return found{}, fmt.Errorf("find %s: %w", name, err)
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusOK {
		return found{}, room.Errorf(room.NotFound, "https://%s answers %s: there seems to be no Hearth node.", name, w.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(w.Body, findBytes))
	if err != nil {
		return found{}, fmt.Errorf("find %s: %w", name, err)
	}
	return readFound(name, raw)
}

func readFound(name string, raw []byte) (found, error) {
	var out found
	if err := json.Unmarshal(raw, &out); err != nil {
		return found{}, room.Errorf(room.NotFound, "https://%s does not describe a Hearth node.", name)
	}
	key, err := base64.RawURLEncoding.DecodeString(out.Encoded)
	switch {
	case err != nil || len(key) != ed25519.PublicKeySize:
		return found{}, room.Errorf(room.NotFound, "https://%s names no key of a Hearth node.", name)
	case out.Name != name:
		return found{}, room.Errorf(room.Conflict, "The node at https://%s is called %q.", name, out.Name[:min(len(out.Name), 80)])
	case len(out.Addresses) == 0 || len(out.Addresses) > 16:
		return found{}, room.Errorf(room.NotFound, "https://%s names no address of its node.", name)
	}
	for i, a := range out.Addresses {
		if _, _, err := net.SplitHostPort(a); err != nil {
			out.Addresses[i] = net.JoinHostPort(strings.Trim(a, "[]"), "443")
		}
		if err := peer.CheckAddress(out.Addresses[i]); err != nil {
			return found{}, err
		}
	}
	out.Key = key
	return out, nil
}

// errPrivate: a public page led to an address inside somebody's network.
var errPrivate = errors.New("refused to follow to a private address")

// client follows at most three redirects, and to addresses that are not public only when
// the name it was given leads to such itself. The address is checked where it is dialled,
// so that no name can change its mind in between.
func (f *finder) client() (*http.Client, func()) {
	var redirected, inside atomic.Bool
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		public := isPublic(address)
		if redirected.Load() && !public && !inside.Load() {
			return errPrivate
		}
		if !redirected.Load() && !public {
			inside.Store(true)
		}
		return nil
	}}
	transport := &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: f.roots}, DisableKeepAlives: true,
		MaxResponseHeaderBytes: 16 << 10, ForceAttemptHTTP2: true,
	}
	return &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		redirected.Store(true)
		if len(via) > findRedirects || r.URL.Scheme != "https" {
			return errors.New("refused to follow the redirect")
		}
		return nil
	}}, transport.CloseIdleConnections
}

// shared is carriers' address space (RFC 6598); nat64 stands for IPv4 addresses.
var (
	shared = netip.MustParsePrefix("100.64.0.0/10")
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
)

func isPublic(address string) bool {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return false
	}
	ip := ap.Addr().Unmap()
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip) && !nat64.Contains(ip)
}
