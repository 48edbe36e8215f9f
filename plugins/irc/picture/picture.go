// Package picture fetches small pictures from addresses that strangers name. So it speaks https to public hosts alone, without a
// proxy, follows few redirections, takes little and not for long, and looks at the bytes
// for what they are: a name that leads into the node's own network leads nowhere.
package picture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

const (
	// Limit is how large a picture may be, in bytes.
	Limit       = 512 << 10
	within      = 15 * time.Second
	redirects   = 3
	maxAddress  = 1000 // bytes of a URL
	headerLimit = 16 << 10
)

var errHidden = errors.New("the address is not public")

// kinds are those that every browser shows and none runs.
var kinds = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// Public is a client that reaches public addresses alone.
var Public = &http.Client{
	Timeout: within,
	Transport: &http.Transport{
		DialContext:            (&net.Dialer{Timeout: within, Control: public}).DialContext,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: headerLimit,
	},
}

// public is asked with the address that a name has led to, so that no name can hide one.
func public(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !isPublic(ap.Addr().Unmap()) || ap.Port() != 443 {
		return fmt.Errorf("%s: %w", address, errHidden)
	}
	return nil
}

// Carriers' address space (RFC 6598), and prefixes behind which IPv4 addresses stand (RFC 6052, 8215, 3056).
var others = []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16")}

func isPublic(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(others, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// Fetch is the picture at an address and its type, by a client such as Public.
func Fetch(ctx context.Context, client *http.Client, address string) (b []byte, kind string, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(address) > maxAddress {
		return nil, "", errors.New("a picture is at an https address")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, "", err
	}
	c := *client
	c.CheckRedirect = func(r *http.Request, before []*http.Request) error {
		if len(before) > redirects || r.URL.Scheme != "https" {
			return errors.New("the redirection leads nowhere")
		}
		return nil
	}
	answer, err := c.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, "", errors.New("the answer is " + answer.Status)
	}
	if b, err = io.ReadAll(io.LimitReader(answer.Body, Limit+1)); err != nil {
		return nil, "", err
	}
	if len(b) > Limit {
		return nil, "", fmt.Errorf("the picture is larger than %d KB", Limit>>10)
	}
	if kind = http.DetectContentType(b); !slices.Contains(kinds, kind) {
		return nil, "", fmt.Errorf("it is no picture, but %s", kind)
	}
	return b, kind, nil
}
