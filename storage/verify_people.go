package storage

import (
	"bytes"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// members: a room's member and that user's room are the same record.
func (v *verifier) members() error {
	return v.each(spaceMember, func(c *cut, _, value []byte) error {
		r, u := c.hash(), room.User(c.tail())
		m := new(storagepb.Member)
		if err := decode(value, m); err != nil {
			return err
		}
		if m.GetUser() != string(u) || !bytes.Equal(m.GetRoom(), r[:]) {
			v.problem(r, 0, "the member %s is recorded as %s", u, m.GetUser())
		}
		return v.expect(r, 0, entry{appendUserRoom(nil, spaceUserRoom, u, r), value})
	})
}

// sayings: what is kept about an event is about one that is there.
func (v *verifier) sayings() error {
	about := func(s space) error {
		return v.each(s, func(c *cut, _, _ []byte) error {
			r, pos := c.hash(), c.u64()
			return v.there(r, pos, "standing or pin")
		})
	}
	if err := about(spaceStanding); err != nil {
		return err
	}
	if err := about(spacePin); err != nil {
		return err
	}
	err := v.each(spaceMention, func(c *cut, _, _ []byte) error {
		r, _, pos := c.hash(), c.word(), c.u64()
		return v.there(r, pos, "mention")
	})
	if err != nil {
		return err
	}
	return v.each(spaceKey, func(c *cut, _, value []byte) error {
		u, r, _ := c.word(), c.hash(), c.tail()
		m := new(storagepb.Key)
		if err := decode(value, m); err != nil {
			return err
		}
		e, err := v.event(r, m.GetPos())
		if err == nil && (e == nil || !bytes.Equal(e.ID[:], m.GetEvent())) {
			v.problem(r, m.GetPos(), "a key of %s answered another event", u)
		}
		return err
	})
}

func (v *verifier) there(r room.ID, pos uint64, what string) error {
	ok, err := get(v.at, appendPos(nil, spaceRecord, r, pos), func([]byte) error { return nil })
	if err == nil && !ok {
		v.problem(r, pos, "there is a %s of it, and no event", what)
	}
	return err
}

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
