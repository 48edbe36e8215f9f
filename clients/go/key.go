package client

import (
	"crypto/rand"
	"encoding/base64"

	"google.golang.org/protobuf/proto"

	pb "hearth/transport/session/clientpb"
)

// NewKey is a fresh idempotency key: 22 characters, 128 random bits.
func NewKey() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// withKey fills an absent idempotency key BEFORE the first attempt, so that every
// later attempt carries the same one.
func withKey(req proto.Message) {
	key := keyOf(req)
	if key != nil && *key == "" {
		*key = NewKey()
	}
}

func keyOf(req proto.Message) *string {
	switch r := req.(type) {
	case *pb.SendRequest:
		return &r.Key
	case *pb.RoomCreateRequest:
		return &r.Key
	case *pb.EditRequest:
		return &r.Key
	case *pb.TargetRequest:
		return &r.Key
	case *pb.ReactRequest:
		return &r.Key
	case *pb.PinRequest:
		return &r.Key
	}
	return nil
}
