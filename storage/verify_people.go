package storage

import (
	"bytes"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// people: accounts, logins and files, and the indexes that find them.
func (v *verifier) people() error {
	err := v.each(spaceAccount, func(c *cut, _, value []byte) error {
		name := c.tail()
		m := new(storagepb.Account)
		if err := decode(value, m); err != nil {
			return err
		}
		if m.GetName() != name {
			v.problem(room.ID{}, 0, "the account %s is recorded as %s", name, m.GetName())
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := v.devices(); err != nil {
		return err
	}
	return v.blobs()
}

func (v *verifier) devices() error {
	return v.each(spaceDevice, func(c *cut, key, value []byte) error {
		user, id := c.word(), c.tail()
		m := new(storagepb.Device)
		if err := decode(value, m); err != nil {
			return err
		}
		if m.GetUser() != user || m.GetId() != id || len(m.GetTokenHash()) != hashLen {
			v.problem(room.ID{}, 0, "the device %s of %s is another's", id, user)
			return nil
		}
		return v.expect(room.ID{}, 0, entry{appendHash(nil, spaceToken, [32]byte(m.GetTokenHash())), key[1:]})
	})
}

func (v *verifier) blobs() error {
	return v.each(spaceBlob, func(c *cut, _, value []byte) error {
		id := c.hash()
		m := new(storagepb.Blob)
		if err := decode(value, m); err != nil {
			return err
		}
		if !bytes.Equal(m.GetId(), id[:]) {
			v.problem(room.ID{}, 0, "the blob %s is recorded as another", id)
		}
		return v.expect(room.ID{}, 0, entry{appendOwner(nil, m.GetOwner(), id[:]), appendPosValue(nil, uint64(m.GetSize()))})
	})
}
