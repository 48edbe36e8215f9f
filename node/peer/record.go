package peer

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Bounds of a record.
const (
	// MaxRecord is the size of a signed record on the wire: gossip has 512 bytes for it
	// and what stands beside it.
	MaxRecord     = 480
	maxForeign    = 4096 // what is looked at at all
	maxAddresses  = 16
	maxAddress    = 255
	recordValid   = 7 * 24 * time.Hour
	recordsAhead  = time.Hour // a record from further ahead is of a node whose clock is wrong
	recordLabel   = "hearth node 1\n"
	recordVersion = 32 // characters of a version that are kept
)

// Fingerprint names a key for people: base64url of its SHA-256, 43 characters.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// NewRecord signs what a node says of itself, valid for a week. Addresses that do not fit
// into MaxRecord are left out, the last first.
func NewRecord(name string, key ed25519.PrivateKey, addresses []string, version string, now time.Time) (*roompb.SignedRecord, error) {
	r := &roompb.Record{
		Name: name, Key: key.Public().(ed25519.PublicKey), Addresses: addresses[:min(len(addresses), maxAddresses)],
		Issued: now.UnixMilli(), Expires: now.Add(recordValid).UnixMilli(), Version: version[:min(len(version), recordVersion)],
	}
	for {
		s, err := sign(key, r)
		if err != nil || proto.Size(s) <= MaxRecord || len(r.Addresses) == 0 {
			return s, err
		}
		r.Addresses = r.Addresses[:len(r.Addresses)-1]
	}
}

func sign(key ed25519.PrivateKey, r *roompb.Record) (*roompb.SignedRecord, error) {
	raw, err := proto.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode record of %s: %w", r.GetName(), err)
	}
	return &roompb.SignedRecord{Record: raw, Signature: ed25519.Sign(key, append([]byte(recordLabel), raw...))}, nil
}

// ReadRecord checks a record that came from outside: its form, its signature by the key it
// names, and that it is valid at now.
func ReadRecord(s *roompb.SignedRecord, now time.Time) (*roompb.Record, error) {
	r, err := readSigned(s)
	if err != nil {
		return nil, err
	}
	switch issued, expires := time.UnixMilli(r.GetIssued()), time.UnixMilli(r.GetExpires()); {
	case !expires.After(now):
		return nil, room.Errorf(room.Gone, "The record of %s has expired. Check the clocks of both machines.", r.GetName())
	case issued.After(now.Add(recordsAhead)):
		return nil, room.Errorf(room.Conflict, "The record of %s is from %v ahead. Check the clocks of both machines.", r.GetName(), issued.Sub(now).Round(time.Minute))
	}
	return r, nil
}

// readSigned is ReadRecord without a clock: for what the store has kept.
func readSigned(s *roompb.SignedRecord) (*roompb.Record, error) {
	if len(s.GetRecord()) == 0 || len(s.GetRecord()) > maxForeign {
		return nil, room.Errorf(room.BadRequest, "A node's record has 1 to %d bytes, not %d.", maxForeign, len(s.GetRecord()))
	}
	r := new(roompb.Record)
	if err := (proto.UnmarshalOptions{RecursionLimit: 64}).Unmarshal(s.GetRecord(), r); err != nil {
		return nil, room.Errorf(room.BadRequest, "A node's record cannot be read: %v", err)
	}
	if err := checkRecord(r); err != nil {
		return nil, err
	}
	if !ed25519.Verify(r.GetKey(), append([]byte(recordLabel), s.GetRecord()...), s.GetSignature()) {
		return nil, room.Errorf(room.BadRequest, "The record of %s is not signed by the key it names.", r.GetName())
	}
	return r, nil
}

func checkRecord(r *roompb.Record) error {
	if err := room.CheckNodeName(r.GetName()); err != nil {
		return err
	}
	if len(r.GetKey()) != ed25519.PublicKeySize {
		return room.Errorf(room.BadRequest, "The key of %s has %d bytes, not %d.", r.GetName(), len(r.GetKey()), ed25519.PublicKeySize)
	}
	if len(r.GetAddresses()) > maxAddresses || len(r.GetVersion()) > 4*recordVersion {
		return room.Errorf(room.BadRequest, "The record of %s is too long.", r.GetName())
	}
	for _, a := range r.GetAddresses() {
		if err := CheckAddress(a); err != nil {
			return err
		}
	}
	return nil
}

// CheckAddress says what is wrong with an address that others are to dial, or nil.
func CheckAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	n, number := strconv.ParseUint(port, 10, 16)
	if err != nil || host == "" || number != nil || n == 0 || len(address) > maxAddress {
		return room.Errorf(room.BadRequest, "%q is not an address such as node.example:8443 or 192.0.2.7:8443.", address[:min(len(address), 80)])
	}
	return nil
}
