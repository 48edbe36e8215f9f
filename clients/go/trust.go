package client

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
)

// Trust decides whether a certificate is the node's, as ssh decides about host keys:
// one that a CA vouches for needs nothing; a self-made one is remembered by its public
// key when it is met first, and must be the same ever after. Safe for concurrent use.
type Trust struct {
	host      string // what a CA's certificate must be for
	mu        sync.Mutex
	pin       string
	firstUse  bool
	roots     *x509.CertPool // nil: the system's
	transport []string       // fingerprints of WebTransport certificates, learnt over HTTPS
}

// NewTrust is about the node at address (a URL), whose pin (may be empty) is known.
// With firstUse, an unknown certificate is taken and remembered when there is no pin;
// without, it is refused.
func NewTrust(address, pin string, firstUse bool) *Trust {
	t := &Trust{pin: pin, firstUse: firstUse}
	if u, err := url.Parse(address); err == nil {
		t.host = u.Hostname()
	}
	return t
}

// Pin is what is remembered now; empty while only CA certificates were met.
func (t *Trust) Pin() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pin
}

// Fingerprint of a certificate: "sha256:" and the base64url of the SHA-256 of its
// public key (SPKI), so that a certificate may be renewed with the same key.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return "sha256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// PinError: the node shows another key than the one remembered.
type PinError struct{ Host, Want, Got string }

func (e *PinError) Error() string {
	if e.Want == "" {
		return fmt.Sprintf("%s has a certificate that no known authority vouches for (%s): log in again to accept it", e.Host, e.Got)
	}
	return fmt.Sprintf("the certificate of %s has CHANGED: remembered %s, got %s. Either the node was set up anew, or "+
		"somebody is listening in. If you know why, log in again with --trust-new-certificate", e.Host, e.Want, e.Got)
}

// https is the TLS configuration for the node's TCP door.
func (t *Trust) https(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		NextProtos:         protocols,
		ClientSessionCache: tls.NewLRUClientSessionCache(64),
		InsecureSkipVerify: true, // VerifyConnection does it all, on resumption too
		VerifyConnection:   t.verifyHTTPS,
	}
}

// quic is the TLS configuration for the node's WebTransport door, whose certificate
// lives for days: its hash was learnt over HTTPS, or a CA vouches for it.
func (t *Trust) quic() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{"h3"},
		InsecureSkipVerify: true,
		VerifyConnection:   t.verifyQUIC,
	}
}

func (t *Trust) verifyHTTPS(s tls.ConnectionState) error {
	leaf, err := leafOf(s)
	if err != nil {
		return err
	}
	got := Fingerprint(leaf)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pin == got || t.vouched(s) {
		return nil
	}
	if t.pin == "" && t.firstUse {
		t.pin = got
		return nil
	}
	return &PinError{Host: t.host, Want: t.pin, Got: got}
}

func (t *Trust) verifyQUIC(s tls.ConnectionState) error {
	leaf, err := leafOf(s)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(leaf.Raw)
	got := base64.StdEncoding.EncodeToString(sum[:])
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.Contains(t.transport, got) || t.pin == Fingerprint(leaf) || t.vouched(s) {
		return nil
	}
	return fmt.Errorf("WebTransport certificate %s is not one the node published", got)
}

// learn replaces the WebTransport certificates' hashes (ServerInfo).
func (t *Trust) learn(hashes []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.transport = hashes
}

func (t *Trust) vouched(s tls.ConnectionState) bool {
	if t.host == "" {
		return false
	}
	pool := x509.NewCertPool()
	for _, c := range s.PeerCertificates[1:] {
		pool.AddCert(c)
	}
	_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{
		DNSName:       t.host, // not s.ServerName, which is empty when the address is an IP
		Roots:         t.roots,
		Intermediates: pool,
	})
	return err == nil
}

func leafOf(s tls.ConnectionState) (*x509.Certificate, error) {
	if len(s.PeerCertificates) == 0 {
		return nil, errors.New("the node showed no certificate")
	}
	return s.PeerCertificates[0], nil
}
