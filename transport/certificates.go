package transport

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// certificates are what the node shows of itself where no CA vouches for it. There
// are two kinds, because browsers ask for opposite things:
//
//   - TCP: one certificate for ten years, so that people click through a warning once.
//   - UDP: WebTransport's serverCertificateHashes takes ECDSA P-256 valid for at most 14
//     days in total (W3C WebTransport, "custom certificate requirements"). Each is valid
//     for 13 days from an hour before its first use; the next one is made ahead and its
//     hash published, so that a page loaded before a rotation can connect after it.
type certificates struct {
	vault vault
	now   func() time.Time
	names []string

	mu   sync.Mutex
	long *pair
	// The UDP certificate in use, and the one that follows it a day before its end.
	current, next *pair
}

// vault keeps small values: the node's store.
type vault interface {
	Value(name string) ([]byte, error)
	PutValue(name string, value []byte) error
}

const (
	tcpCertificate = "cert/tcp"
	udpCertificate = "cert/udp"

	longValid  = 10 * 365 * 24 * time.Hour
	shortValid = 13 * 24 * time.Hour
	backdated  = time.Hour      // clients' clocks go wrong
	overlap    = 24 * time.Hour // before the end of one the next, long published, takes over
)

// openCertificates loads or makes both kinds. names are the DNS names and IP
// addresses under which the node is reached.
func openCertificates(v vault, names []string, now func() time.Time) (*certificates, error) {
	c := &certificates{vault: v, now: now, names: names}
	if err := c.openLong(); err != nil {
		return nil, err
	}
	pairs, err := c.load(udpCertificate)
	if err != nil {
		return nil, err
	}
	if len(pairs) == 2 {
		c.current, c.next = pairs[0], pairs[1]
	}
	return c, c.rotate()
}

func (c *certificates) load(name string) ([]*pair, error) {
	data, err := c.vault.Value(name)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	pairs, err := decodePairs(data)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	return pairs, nil
}

func (c *certificates) save(name string, pairs ...*pair) error {
	data, err := encodePairs(pairs...)
	if err == nil {
		err = c.vault.PutValue(name, data)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// openLong makes the TCP certificate anew when it ends or a name is missing. The key
// stays, so that a client that pinned it is not alarmed.
func (c *certificates) openLong() error {
	pairs, err := c.load(tcpCertificate)
	if err != nil {
		return err
	}
	var key *ecdsa.PrivateKey
	if len(pairs) > 0 {
		c.long, key = pairs[0], pairs[0].key
		if c.long.validAt(c.now()) && c.long.covers(c.names) {
			return nil
		}
	}
	if key == nil {
		if key, err = newKey(); err != nil {
			return fmt.Errorf("make certificate key: %w", err)
		}
	}
	if c.long, err = selfSign(key, withOwnAddresses(c.names), c.now().Add(-backdated), longValid); err != nil {
		return err
	}
	return c.save(tcpCertificate, c.long)
}

// withOwnAddresses adds the machine's own addresses: people in the same network type them.
func withOwnAddresses(names []string) []string {
	all := append(slices.Clone(names), "localhost", "127.0.0.1", "::1")
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return all // the names that were asked for do
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLinkLocalUnicast() && !slices.Contains(all, ip.IP.String()) {
			all = append(all, ip.IP.String())
		}
	}
	return all
}

// rotate brings the UDP certificates up to now. Callers but openCertificates hold mu.
func (c *certificates) rotate() error {
	now := c.now()
	if c.current != nil && c.current.validAt(now) && now.Before(c.handover()) {
		return nil
	}
	current := c.next
	if current == nil || !current.validAt(now) || now.After(current.leaf.NotAfter.Add(-overlap)) {
		var err error
		if current, err = c.makeShort(now.Add(-backdated)); err != nil {
			return err
		}
	}
	next, err := c.makeShort(current.leaf.NotAfter.Add(-overlap - backdated))
	if err != nil {
		return err
	}
	if err := c.save(udpCertificate, current, next); err != nil {
		return err
	}
	c.current, c.next = current, next
	return nil
}

// handover is when the next certificate takes over.
func (c *certificates) handover() time.Time { return c.current.leaf.NotAfter.Add(-overlap) }

func (c *certificates) makeShort(start time.Time) (*pair, error) {
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("make certificate key: %w", err)
	}
	return selfSign(key, c.names, start, shortValid)
}

// tcp is for tls.Config.GetCertificate.
func (c *certificates) tcp(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.long.tls, nil }

// udp is for tls.Config.GetCertificate. It rotates when it is time; when that fails
// (a full disk) the certificate in use goes on to its end.
func (c *certificates) udp(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.rotate(); err != nil && !c.current.validAt(c.now()) {
		return nil, err
	}
	return c.current.tls, nil
}

// hashes are the SHA-256 of the UDP certificates, current and next, in base64: what a
// page puts into serverCertificateHashes.
func (c *certificates) hashes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.rotate() // as in udp: what is in use is published
	var out []string
	for _, p := range []*pair{c.current, c.next} {
		sum := sha256.Sum256(p.leaf.Raw)
		out = append(out, base64.StdEncoding.EncodeToString(sum[:]))
	}
	return out
}
