package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// authority gets the certificate of a public name from a CA (ACME, RFC 8555), for TCP
// and UDP alike. Its challenge is TLS-ALPN-01 (RFC 8737), answered on the node's own
// port: port 443 of the name must lead there.
type authority struct {
	domain string
	config *certmagic.Config
	cache  *certmagic.Cache
}

// newAuthority prepares for one name; nothing is asked for before start.
func newAuthority(domain, email, dir string, port int) *authority {
	storage := &certmagic.FileStorage{Path: filepath.Join(dir, "acme")}
	var config *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return config, nil },
		Logger:           zap.NewNop(),
	})
	config = certmagic.New(cache, certmagic.Config{Storage: storage, Logger: zap.NewNop()})
	config.Issuers = []certmagic.Issuer{certmagic.NewACMEIssuer(config, certmagic.ACMEIssuer{
		CA: certmagic.LetsEncryptProductionCA, Email: email, Agreed: true,
		DisableHTTPChallenge: true, AltTLSALPNPort: port, Logger: zap.NewNop(),
	})}
	return &authority{domain: strings.ToLower(domain), config: config, cache: cache}
}

// start gets the certificate and keeps it fresh, in the background: the node serves
// with its own until there is one.
func (a *authority) start(ctx context.Context) error {
	if err := a.config.ManageAsync(ctx, []string{a.domain}); err != nil {
		return fmt.Errorf("manage certificate of %s: %w", a.domain, err)
	}
	return nil
}

// certificate is the one for a handshake; nil when the handshake is not for the name,
// which is the only one on the list, or when there is none yet.
func (a *authority) certificate(hello *tls.ClientHelloInfo) *tls.Certificate {
	if a == nil || hello == nil || !strings.EqualFold(hello.ServerName, a.domain) {
		return nil
	}
	certificate, err := a.config.GetCertificate(hello)
	if err != nil {
		return nil
	}
	return certificate
}

// close stops what keeps the certificate fresh.
func (a *authority) close() {
	if a != nil {
		a.cache.Stop()
	}
}

func portOf(a net.Addr) int {
	_, text, _ := net.SplitHostPort(a.String())
	port, _ := strconv.Atoi(text)
	return port
}
