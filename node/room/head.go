package room

import (
	"crypto/ed25519"
	"encoding/binary"

	"hearth/node/room/roompb"
)

// HeadOf is the unsigned head of the log that e ends.
func HeadOf(e *Event) *roompb.Head {
	room := e.Room()
	return &roompb.Head{
		Room: room[:], Log: e.Header.GetLog(), Origin: e.Header.GetOrigin(),
		Incarnation: e.Header.GetIncarnation(), Seq: e.Header.GetSeq(), Hash: e.ID.Bytes(),
	}
}

// SignHead signs h by the node's key.
func SignHead(h *roompb.Head, key ed25519.PrivateKey) { h.Signature = ed25519.Sign(key, headBytes(h)) }

// VerifyHead tells whether h was signed by the holder of key.
func VerifyHead(h *roompb.Head, key ed25519.PublicKey) bool {
	return len(h.GetRoom()) == len(Hash{}) && len(h.GetHash()) == len(Hash{}) &&
		len(key) == ed25519.PublicKeySize && ed25519.Verify(key, headBytes(h), h.GetSignature())
}

// headBytes is what a head's signature covers: a label, then room (32), log (1), the
// origin's length (2) and bytes, incarnation (4), seq (8), hash (32); numbers big-endian.
func headBytes(h *roompb.Head) []byte {
	b := append(make([]byte, 0, 160), "hearth head 1\n"...)
	b = append(b, h.GetRoom()...)
	b = append(b, byte(h.GetLog()))
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.GetOrigin())))
	b = append(b, h.GetOrigin()...)
	b = binary.BigEndian.AppendUint32(b, h.GetIncarnation())
	b = binary.BigEndian.AppendUint64(b, h.GetSeq())
	return append(b, h.GetHash()...)
}
