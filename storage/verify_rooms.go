package storage

import (
	"bytes"
	"errors"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// rooms: each knows where its log ends and how many are in it.
func (v *verifier) rooms() error {
	return v.each(spaceRoom, func(c *cut, _, value []byte) error {
		r := c.hash()
		m := new(storagepb.Room)
		if err := decode(value, m); err != nil {
			return err
		}
		v.sum.Rooms++
		if err := v.roomApart(r, m); err != nil {
			return err
		}
		if !bytes.Equal(m.GetId(), r[:]) {
			v.problem(r, 0, "it is recorded as another room")
		}
		if err := v.alias(r, m); err != nil {
			return err
		}
		if err := v.roomEnds(r, m); err != nil {
			return err
		}
		if err := v.roomNodes(r, m); err != nil || m.GetStub() {
			return err // of a room that is not here only who is invited from here is known
		}
		return v.roomMembers(r, m)
	})
}

// alias: the index leads to the room; or, of an address of this node that whoever orders the room
// elsewhere gave it, to the one that has it.
func (v *verifier) alias(r room.ID, m *storagepb.Room) error {
	key := aliasKey(r, m)
	if key == nil {
		return nil
	}
	if m.GetOrigin() == "" && m.GetHome() != room.User(m.GetCreator()).Node() {
		mine, err := get(v.at, key, func(value []byte) error {
			if !bytes.Equal(value, r[:]) {
				return errStop
			}
			return nil
		})
		if errors.Is(err, errStop) || err == nil && !mine {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return v.expect(r, 0, entry{key, r[:]})
}

// roomApart adds what is kept apart of a room.
func (v *verifier) roomApart(r room.ID, m *storagepb.Room) error {
	if len(m.GetStewards())+len(m.GetNodes()) > 0 {
		v.problem(r, 0, "its nodes are recorded twice")
	}
	if err := addRoomNodes(v.at, r, m); err != nil {
		return err
	}
	if len(m.GetStewards())+len(m.GetNodes()) > 0 {
		v.want[spaceRoomNodes]++
	}
	return nil
}

func (v *verifier) roomEnds(r room.ID, m *storagepb.Room) error {
	it, err := v.at.NewIter(prefixBounds(appendRoom(nil, spaceRecord, r)))
	if err != nil {
		return wrap(err)
	}
	defer it.Close()
	var pos, counted uint64
	if it.Last() {
		value, err := it.ValueAndErr()
		if err != nil {
			return wrap(err)
		}
		f, err := parseFrame(value)
		if err != nil {
			return nil // the pass over the log has said so
		}
		counted = f.counted
		if pos, err = posOfKey(it.Key(), spaceRecord); err != nil {
			return err
		}
	}
	if pos != m.GetHeadPos() || counted != m.GetCounted() {
		v.problem(r, 0, "it is said to end at %d with %d counted, and ends at %d with %d", m.GetHeadPos(), m.GetCounted(), pos, counted)
	}
	return wrap(it.Error())
}

func (v *verifier) roomMembers(r room.ID, m *storagepb.Room) error {
	var joined uint32
	err := scan(v.at, appendRoom(nil, spaceMember, r), nil, func(_, value []byte) error {
		member := new(storagepb.Member)
		err := decode(value, member)
		if member.GetMembership() == "join" {
			joined++
		}
		return err
	})
	if err == nil && joined != m.GetMembers() && !m.GetEntering() {
		v.problem(r, 0, "it is said to have %d members, and has %d", m.GetMembers(), joined)
	}
	return err
}

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
		if m.GetPos() == 0 {
			return nil // the room's home has answered, and its event is not here yet
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
