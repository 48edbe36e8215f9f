package conn

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"hearth/plugins/irc/ident"
)

// Target is where to connect to.
type Target struct {
	Host, Port string
	TLS        bool
}

// Security says whom to believe, and who we are.
type Security struct {
	Verify bool
	Roots  *x509.CertPool // nil: the system's
	Pin    string         // SHA-256 of the server's certificate, in hexadecimal: this one and no other, whoever signed it
	Client *tls.Certificate
}

const dialTime = 20 * time.Second

// ErrCertificate is a server that is not shown to be the one that was asked for.
var ErrCertificate = errors.New("the server's certificate does not prove that it is the server")

// Dial connects to one of the target's addresses: all that its name has, IPv6 and IPv4 side by side, as
// RFC 8305 has it. The connection is owner's.
func Dial(ctx context.Context, t Target, sec Security, owner ident.Owner) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	d := net.Dialer{KeepAlive: 30 * time.Second}
	c, err := owner.Dial(ctx, d, net.JoinHostPort(t.Host, t.Port))
	if err != nil || !t.TLS {
		return c, err
	}
	secured := tls.Client(c, sec.config(t.Host))
	if err := secured.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, certificateError(t.Host, err)
	}
	return secured, nil
}

func certificateError(host string, err error) error {
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) || errors.Is(err, ErrCertificate) {
		return fmt.Errorf("%w: %s: %w", ErrCertificate, host, err)
	}
	return fmt.Errorf("TLS with %s: %w", host, err)
}

// Plainly says why a server was not reached to people who do not run the bridge: without its address.
func Plainly(err error) string {
	var name *net.DNSError
	var slow net.Error
	switch {
	case errors.Is(err, ErrCertificate):
		return "The server's certificate does not prove that it is the server."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "The server refuses connections."
	case errors.As(err, &slow) && slow.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "The server does not answer."
	case errors.As(err, &name):
		return "The server's name leads nowhere."
	}
	return "The server cannot be reached."
}

func (sec Security) config(host string) *tls.Config {
	c := &tls.Config{ServerName: host, RootCAs: sec.Roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: !sec.Verify || sec.Pin != ""}
	if sec.Client != nil {
		c.Certificates = []tls.Certificate{*sec.Client}
	}
	if sec.Pin != "" {
		c.VerifyConnection = func(state tls.ConnectionState) error {
			sum := sha256.Sum256(state.PeerCertificates[0].Raw)
			if want := strings.ReplaceAll(sec.Pin, ":", ""); !strings.EqualFold(hex.EncodeToString(sum[:]), want) {
				return fmt.Errorf("%w: its SHA-256 is %x", ErrCertificate, sum)
			}
			return nil
		}
	}
	return c
}

// IsLoopback tells whether a host is this machine.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
