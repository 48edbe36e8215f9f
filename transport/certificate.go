package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// pair is one certificate of the node's own making: ECDSA P-256, signed by itself.
type pair struct {
	leaf *x509.Certificate
	key  *ecdsa.PrivateKey
	tls  *tls.Certificate
}

func newPair(leaf *x509.Certificate, key *ecdsa.PrivateKey) *pair {
	return &pair{leaf: leaf, key: key, tls: &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}}
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// selfSign makes a certificate for names (DNS names and IP addresses), valid from
// start for the given time.
func selfSign(key *ecdsa.PrivateKey, names []string, start time.Time, valid time.Duration) (*pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Hearth node", Organization: []string{"Hearth"}},
		NotBefore:    start,
		NotAfter:     start.Add(valid),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		// Without this a person could make a browser trust the node's key as an authority.
		BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse own certificate: %w", err)
	}
	return newPair(leaf, key), nil
}

func (p *pair) validAt(t time.Time) bool {
	return !t.Before(p.leaf.NotBefore) && t.Before(p.leaf.NotAfter)
}

// covers tells whether the certificate stands for all of names.
func (p *pair) covers(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return p.leaf.VerifyHostname(name) != nil })
}

// encodePairs is the stored form: PEM blocks, key after certificate, pair after pair.
func encodePairs(pairs ...*pair) ([]byte, error) {
	var out []byte
	for _, p := range pairs {
		key, err := x509.MarshalECPrivateKey(p.key)
		if err != nil {
			return nil, fmt.Errorf("encode certificate key: %w", err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.leaf.Raw})...)
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})...)
	}
	return out, nil
}

func decodePairs(data []byte) ([]*pair, error) {
	var pairs []*pair
	for {
		certificate, rest := pem.Decode(data)
		if certificate == nil {
			return pairs, nil
		}
		key, rest := pem.Decode(rest)
		if key == nil {
			return nil, errors.New("decode certificate: its key is missing")
		}
		leaf, err := x509.ParseCertificate(certificate.Bytes)
		if err != nil {
			return nil, fmt.Errorf("decode certificate: %w", err)
		}
		private, err := x509.ParseECPrivateKey(key.Bytes)
		if err != nil {
			return nil, fmt.Errorf("decode certificate key: %w", err)
		}
		pairs, data = append(pairs, newPair(leaf, private)), rest
	}
}
