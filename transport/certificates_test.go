package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"sync"
	"testing"
	"time"
)

// memory is a vault for tests of the certificates alone.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	puts   int
}

func (m *memory) Value(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[name], nil
}

func (m *memory) PutValue(name string, v []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[string][]byte{}
	}
	m.values[name] = v
	m.puts++
	return nil
}

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func openTestCertificates(t *testing.T, v vault, c *clock, names ...string) *certificates {
	t.Helper()
	certs, err := openCertificates(v, names, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return certs
}

func shown(t *testing.T, c *certificates) (hash string) {
	t.Helper()
	cert, err := c.udp(nil)
	if err != nil {
		t.Fatal(err)
	}
	leaf := cert.Leaf
	if total := leaf.NotAfter.Sub(leaf.NotBefore); total > 14*24*time.Hour {
		t.Errorf("valid for %v: browsers take 14 days", total)
	}
	if key, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("the key is %T", leaf.PublicKey)
	}
	if now := c.now(); now.Before(leaf.NotBefore.Add(30*time.Minute)) || now.After(leaf.NotAfter.Add(-time.Hour)) {
		t.Errorf("at %v a certificate from %v to %v is shown", now, leaf.NotBefore, leaf.NotAfter)
	}
	sum := sha256.Sum256(leaf.Raw)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// TestRotation walks through a hundred days, hour by hour, with a restart every nine:
// what is shown was always published at least a day before.
func TestRotation(t *testing.T) {
	v, c := &memory{}, &clock{at: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	certs := openTestCertificates(t, v, c, "node.example")
	published := map[string]time.Time{}
	seen := map[string]bool{}
	for hour := range 100 * 24 {
		if hour%(9*24) == 0 {
			certs = openTestCertificates(t, v, c, "node.example")
		}
		hash := shown(t, certs)
		for _, h := range certs.hashes() {
			if _, ok := published[h]; !ok {
				published[h] = c.at
			}
		}
		if !seen[hash] && hour > 0 && c.at.Sub(published[hash]) < 24*time.Hour {
			t.Fatalf("hour %d: shown %v after it was published", hour, c.at.Sub(published[hash]))
		}
		seen[hash] = true
		c.at = c.at.Add(time.Hour)
	}
	if len(seen) < 8 || len(seen) > 10 {
		t.Errorf("%d certificates in 100 days", len(seen))
	}
}

func TestRotationAfterLongSleep(t *testing.T) {
	v, c := &memory{}, &clock{at: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	openTestCertificates(t, v, c, "node.example")
	for _, jump := range []time.Duration{400 * 24 * time.Hour, -800 * 24 * time.Hour} {
		c.at = c.at.Add(jump)
		shown(t, openTestCertificates(t, v, c, "node.example"))
	}
}

func TestLongCertificate(t *testing.T) {
	v, c := &memory{}, &clock{at: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}
	first := openTestCertificates(t, v, c, "node.example", "192.0.2.1")
	again := openTestCertificates(t, v, c, "node.example", "192.0.2.1")
	if !first.long.leaf.Equal(again.long.leaf) {
		t.Error("a restart made a new certificate")
	}
	for _, name := range []string{"node.example", "192.0.2.1", "localhost", "127.0.0.1", "::1"} {
		if err := again.long.leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	renamed := openTestCertificates(t, v, c, "other.example")
	if renamed.long.leaf.Equal(first.long.leaf) || !renamed.long.key.Equal(first.long.key) {
		t.Error("a new name needs a new certificate with the same key")
	}
	if !slices.Equal(first.hashes(), renamed.hashes()) {
		t.Error("a restart changed the UDP certificates")
	}
}
