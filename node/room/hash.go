// Package room holds the facts and rules of a room: events and how they are hashed,
// chained and signed, the state they fold to, and who may do what. It is pure: no
// clock, no I/O, no randomness; all of it can be replayed anywhere with one result.
package room

import (
	"crypto/sha256"
	"encoding/base64"
)

// Hash names a room, an event or a blob by its content: SHA-256 under a label that
// keeps the three apart. The zero Hash names nothing.
type Hash [sha256.Size]byte

// ID is a room's id: the hash of the event that created it.
type ID = Hash

// EventID is the hash of an event's header.
type EventID = Hash

// String is base64url without padding, 43 characters.
func (h Hash) String() string { return base64.RawURLEncoding.EncodeToString(h[:]) }

// IsZero tells whether h names nothing.
func (h Hash) IsZero() bool { return h == Hash{} }

// Bytes is h as a slice, or nil when it names nothing.
func (h Hash) Bytes() []byte {
	if h.IsZero() {
		return nil
	}
	return h[:]
}

// ParseHash reads what String wrote.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != base64.RawURLEncoding.EncodedLen(len(h)) {
		return Hash{}, Errorf(BadRequest, "an id has 43 characters, not %d", len(s))
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(h[:], []byte(s)); err != nil {
		return Hash{}, Errorf(BadRequest, "an id has only letters, digits, - and _")
	}
	return h, nil
}

// HashFromBytes takes 32 bytes, or none for the zero Hash.
func HashFromBytes(b []byte) (Hash, error) {
	var h Hash
	if len(b) != 0 && len(b) != len(h) {
		return Hash{}, Errorf(BadRequest, "a hash has 32 bytes, not %d", len(b))
	}
	copy(h[:], b)
	return h, nil
}

// sum hashes data under a label, so that a header can never pass for a body.
func sum(label string, data []byte) Hash {
	buf := make([]byte, 0, 512)
	buf = append(buf, label...)
	buf = append(buf, '\n')
	return sha256.Sum256(append(buf, data...))
}
