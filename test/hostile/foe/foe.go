// Package foe is a node that lies. It knows the protocol from docs/protocol/federation.md and the
// generated messages alone: how records, events, heads and frames are made is written here a second
// time, so that a mistake of the node's own code cannot hide in a test, and so that everything
// can be made wrong on purpose. It checks nothing of what it is sent.
package foe

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

// ALPN is the protocol's name in the TLS handshake.
const ALPN = "hearth-peer/1"

// Foe is the node: a name, and a key.
type Foe struct {
	Name string
	Key  ed25519.PrivateKey
}

// New makes one with a key of its own.
func New(name string) *Foe {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // the system has no randomness
	}
	return &Foe{name, key}
}

// Sent counts what all foes have sent: connections, streams, datagrams, frames, questions, answers, events.
var Sent atomic.Int64

// Public is its public key.
func (f *Foe) Public() []byte { return f.Key.Public().(ed25519.PublicKey) }

// User is one of its users.
func (f *Foe) User(local string) string { return local + "@" + f.Name }

// Record is what the node says of itself, signed, as edit leaves it.
func (f *Foe) Record(edit func(*roompb.Record)) *roompb.SignedRecord {
	now := time.Now()
	r := &roompb.Record{
		Name: f.Name, Key: f.Public(), Addresses: []string{"127.0.0.1:9"}, Version: "hostile",
		Issued: now.UnixMilli(), Expires: now.Add(24 * time.Hour).UnixMilli(),
	}
	if edit != nil {
		edit(r)
	}
	raw := marshal(r)
	return &roompb.SignedRecord{Record: raw, Signature: ed25519.Sign(f.Key, append([]byte("hearth node 1\n"), raw...))}
}

// certificate wraps the key; nothing else in it is looked at.
func (f *Foe) certificate() tls.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, f.Key.Public(), f.Key)
	if err != nil {
		panic(err) // an Ed25519 key signs
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: f.Key}
}

// TLS is the configuration with which it dials.
func (f *Foe) TLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{ALPN}, InsecureSkipVerify: true,
		Certificates: []tls.Certificate{f.certificate()},
	}
}

// Dial makes a connection, by its own configuration or another, and says nothing on it.
func (f *Foe) Dial(ctx context.Context, address string, c *tls.Config) (*quic.Conn, error) {
	if c == nil {
		c = f.TLS()
	}
	Sent.Add(1)
	return quic.DialAddr(ctx, address, c, &quic.Config{EnableDatagrams: true, MaxIdleTimeout: 30 * time.Second, KeepAlivePeriod: 5 * time.Second})
}

// Encode is a message as it travels.
func Encode(m proto.Message) []byte { return marshal(m) }

func marshal(m proto.Message) []byte {
	raw, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", m, err)) // text that is not UTF-8
	}
	return raw
}

// Sum hashes data under a label.
func Sum(label string, data []byte) []byte {
	sum := sha256.Sum256(append([]byte(label+"\n"), data...))
	return sum[:]
}
