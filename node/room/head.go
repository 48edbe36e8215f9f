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

// Cosign is a steward's signature under a head that another one sealed.
func Cosign(h *roompb.Head, node string, key ed25519.PrivateKey) *roompb.Cosignature {
	return &roompb.Cosignature{Node: node, Signature: ed25519.Sign(key, headBytes(h))}
}

// CheckHead says why h is no head of the room's state log, or nil: signed by more than
// half of the stewards. h is of the entry that comes next, or of the last one: then the
// stewards as that entry left them count, which is how a snapshot is checked.
func (s *State) CheckHead(h *roompb.Head) error {
	switch {
	case h.GetLog() != roompb.Log_LOG_STATE || string(h.GetRoom()) != string(s.ID[:]) || len(h.GetHash()) != len(Hash{}):
		return Errorf(BadRequest, "That is no head of the state log of room %s.", s.ID)
	case h.GetSeq() != s.Index && h.GetSeq() != s.Index+1:
		return Errorf(Conflict, "The head is of entry %d; the last one known is %d.", h.GetSeq(), s.Index)
	case h.GetSeq() == s.Index && string(h.GetHash()) != string(s.Hash[:]):
		return Errorf(Conflict, "The head is of another entry %d than the one known.", s.Index)
	}
	if got, need := s.signatures(h), len(s.Stewards)/2+1; got < need {
		return Errorf(Forbidden, "The head of entry %d has valid signatures of %d stewards and needs %d.", h.GetSeq(), got, need)
	}
	return nil
}

// Signed tells whether more than half of the stewards of now signed h, whatever it is the
// head of: with one of another entry at the same place, that proves that they lied.
func (s *State) Signed(h *roompb.Head) bool {
	return len(h.GetRoom()) == len(Hash{}) && len(h.GetHash()) == len(Hash{}) && s.signatures(h) > len(s.Stewards)/2
}

// signatures is how many stewards signed h.
func (s *State) signatures(h *roompb.Head) int { return len(s.Signers(h)) }

// Signers are the stewards of now that signed h, each tried once: whatever h brings along,
// it costs no more work than there are stewards.
func (s *State) Signers(h *roompb.Head) (valid []string) {
	b := headBytes(h)
	for _, steward := range s.Stewards {
		key := s.NodeKey(steward)
		if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, b, signatureOf(h, steward)) {
			valid = append(valid, steward)
		}
	}
	return valid
}

func signatureOf(h *roompb.Head, node string) []byte {
	if h.GetOrigin() == node {
		return h.GetSignature()
	}
	for _, c := range h.GetCosignatures() {
		if c.GetNode() == node {
			return c.GetSignature()
		}
	}
	return nil
}

// SignRoot signs that the state as of h has this root.
func SignRoot(h *roompb.Head, root Hash, key ed25519.PrivateKey) []byte {
	return ed25519.Sign(key, rootBytes(h, root))
}

// VerifyRoot tells whether the holder of key signed that the state as of h has this root.
func VerifyRoot(h *roompb.Head, root Hash, signature []byte, key ed25519.PublicKey) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, rootBytes(h, root), signature)
}

// rootBytes is a label, the bytes that the head's signature covers, and the root (32).
func rootBytes(h *roompb.Head, root Hash) []byte {
	b := append(make([]byte, 0, 256), "hearth root 1\n"...)
	b = append(b, headBytes(h)...)
	return append(b, root[:]...)
}
