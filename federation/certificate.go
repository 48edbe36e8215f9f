package federation

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"hearth/node/peer"
)

// ALPN is the protocol's name on the node's UDP port.
const ALPN = "hearth-peer/1"

// newCertificate wraps the node's key, as TLS wants it. Nothing in it but the key is ever
// looked at: no name, no date, no authority (cf. libp2p's TLS handshake).
func newCertificate(name string, key ed25519.PrivateKey) (tls.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name[:min(len(name), 64)]},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280: no end
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("sign the node's certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// tlsConfig is for both sides: each shows its certificate and proves its key. Sessions are
// never resumed: a resumed one proves less.
func tlsConfig(own tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{ALPN}, Certificates: []tls.Certificate{own},
		ClientAuth: tls.RequireAnyClientCert, SessionTicketsDisabled: true,
		InsecureSkipVerify: true, // no authority is asked: VerifyConnection looks at the key
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := keyOf(s)
			return err
		},
	}
}

var errNoNodeKey = errors.New("the other side shows no node's key")

// keyOf is the key that the other side has proven. Only for a handshake that is complete:
// before, nobody has proven anything.
func keyOf(s tls.ConnectionState) (ed25519.PublicKey, error) {
	if s.NegotiatedProtocol != ALPN {
		return nil, fmt.Errorf("the other side speaks %q, not %s", s.NegotiatedProtocol, ALPN)
	}
	if len(s.PeerCertificates) != 1 {
		return nil, errNoNodeKey
	}
	key, ok := s.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, errNoNodeKey
	}
	return key, nil
}

// errFingerprint: who sent the invite link is not who answers.
var errFingerprint = errors.New("another node answers there than the one that made the link")

// dialConfig is tlsConfig for a node whose key must have a fingerprint; "" for any.
func dialConfig(own tls.Certificate, fingerprint string) *tls.Config {
	c := tlsConfig(own)
	c.VerifyConnection = func(s tls.ConnectionState) error {
		key, err := keyOf(s)
		if err == nil && fingerprint != "" && peer.Fingerprint(key) != fingerprint {
			return errFingerprint
		}
		return err
	}
	return c
}
