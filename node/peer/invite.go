package peer

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Bounds of a node's invite.
const (
	maxInviteUses  = 10_000
	maxInviteValid = 366 * 24 * time.Hour
	maxInvites     = 1_000
	maxNote        = 100
	secretBytes    = 16
	maxSecret      = 64
)

// MakeInvite makes a secret by which others are let in: uses of them (0: one), within
// valid (0: seven days). Only its hash is kept.
func (b *Book) MakeInvite(uses int, valid time.Duration, note, by string) (secret string, err error) {
	if uses < 0 || uses > maxInviteUses || valid < 0 || valid > maxInviteValid || len([]rune(note)) > maxNote {
		return "", room.Errorf(room.BadRequest, "A node's invite is for at most %d nodes and a year, with a note of at most %d characters.", maxInviteUses, maxNote)
	}
	if err := b.sweepInvites(); err != nil {
		return "", err
	}
	raw := make([]byte, secretBytes)
	rand.Read(raw) // never fails, crypto/rand
	secret = base64.RawURLEncoding.EncodeToString(raw)
	hash := sha256.Sum256([]byte(secret))
	id := make([]byte, 9)
	rand.Read(id)
	now := b.now()
	return secret, b.store.PutNodeInvite(&storagepb.Invite{
		Id: base64.RawURLEncoding.EncodeToString(id), SecretHash: hash[:], Note: note, UsesLeft: uint32(cmp.Or(uses, 1)),
		Created: now.UnixMilli(), Expires: now.Add(cmp.Or(valid, 7*24*time.Hour)).UnixMilli(), CreatedBy: by,
	})
}

// sweepInvites takes spent invites out, and refuses one more when too many are left.
func (b *Book) sweepInvites() error {
	invites, err := b.store.NodeInvites()
	if err != nil {
		return err
	}
	live := 0
	for _, m := range invites {
		if m.GetUsesLeft() > 0 && m.GetExpires() > b.now().UnixMilli() {
			live++
		} else if err := b.store.DeleteNodeInvite(m.GetId()); err != nil && room.CodeOf(err) != room.NotFound {
			return err
		}
	}
	if live >= maxInvites {
		return room.Errorf(room.Limited, "There are %d node invites already.", live)
	}
	return nil
}

func hashSecret(secret string) ([32]byte, error) {
	if len(secret) > maxSecret {
		return [32]byte{}, room.Errorf(room.NotFound, "This invite is not valid.")
	}
	return sha256.Sum256([]byte(secret)), nil
}
