package storage

import (
	"bytes"
	"crypto/ed25519"
	"maps"
	"slices"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// roomNodes: the index of nodes' rooms says what the room does.
func (v *verifier) roomNodes(r room.ID, m *storagepb.Room) error {
	for _, n := range m.GetNodes() {
		if size := len(n.GetKey()); size != 0 && size != ed25519.PublicKeySize {
			v.problem(r, 0, "the key of node %s has %d bytes", n.GetName(), size)
		}
		if !takesPart(m, n) {
			continue
		}
		ok, err := get(v.at, appendPeerRoom(nil, n.GetName(), r), func([]byte) error { return nil })
		if err != nil {
			return err
		}
		if !ok {
			v.absent[n.GetName()]++
			continue
		}
		v.want[spacePeerRoom]++
	}
	return nil
}

// peerRooms: one node, and one only, is in none of its rooms: the one whose store this is. Its
// name is not known here, but any other node's that the index lacks makes two.
func (v *verifier) peerRooms() error {
	self := 0
	for _, name := range slices.Sorted(maps.Keys(v.absent)) {
		some := false
		err := scan(v.at, appendOwned(nil, spacePeerRoom, name), nil, func(_, _ []byte) error {
			some = true
			return errStop
		})
		if err != nil {
			return err
		}
		if !some {
			self++
		}
		if some || self > 1 {
			v.problem(room.ID{}, 0, "of the rooms of node %s %d are missing in %q", name, v.absent[name], string(spacePeerRoom))
		}
	}
	return v.each(spacePeerRoom, func(c *cut, _, value []byte) error {
		node, r := c.word(), c.hash()
		if len(value) > 0 {
			v.problem(r, 0, "there is something in %q beside the name of node %s", string(spacePeerRoom), node)
		}
		return nil
	})
}

// pasts: standings end before others begin, and are of the user they are kept under.
func (v *verifier) pasts() error {
	return v.each(spacePast, func(c *cut, _, value []byte) error {
		r, u := c.hash(), c.tail()
		m := new(storagepb.Past)
		if err := decode(value, m); err != nil {
			return err
		}
		var until uint64
		for _, p := range m.GetStandings() {
			if p.GetUser() != "" && p.GetUser() != u || p.GetFrom() < until || p.GetUntil() < p.GetFrom() {
				v.problem(r, 0, "the past of %s does not fit together: from %d to %d after %d", u, p.GetFrom(), p.GetUntil(), until)
			}
			until = p.GetUntil()
		}
		return nil
	})
}

// peers: what is known of other nodes and their people is kept under their names.
func (v *verifier) peers() error {
	err := v.each(spacePeer, func(c *cut, _, value []byte) error {
		name := c.tail()
		m := new(storagepb.Peer)
		if err := decode(value, m); err != nil {
			return err
		}
		if m.GetName() != name {
			v.problem(room.ID{}, 0, "the peer %s is recorded as %s", name, m.GetName())
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := v.foreignProfiles(); err != nil {
		return err
	}
	if err := v.complaints(); err != nil {
		return err
	}
	err = v.each(spaceOutbox, func(c *cut, _, _ []byte) error {
		c.word()
		c.take(len(Outgoing{}.ID))
		return nil
	})
	if err != nil {
		return err
	}
	return v.each(spaceNodeInvite, func(c *cut, _, value []byte) error {
		hash := c.hash()
		m := new(storagepb.Invite)
		if err := decode(value, m); err != nil {
			return err
		}
		if !bytes.Equal(m.GetSecretHash(), hash[:]) {
			v.problem(room.ID{}, 0, "the node invite %s is recorded as another", m.GetId())
		}
		return nil
	})
}

func (v *verifier) foreignProfiles() error {
	return v.each(spaceProfile, func(c *cut, _, value []byte) error {
		user := c.tail()
		m := new(roompb.Profile)
		if err := decode(value, m); err != nil {
			return err
		}
		if m.GetUser() != user {
			v.problem(room.ID{}, 0, "the profile of %s is recorded as %s's", user, m.GetUser())
		}
		return nil
	})
}

func (v *verifier) complaints() error {
	err := v.each(spaceBlock, func(c *cut, _, _ []byte) error {
		c.word()
		c.tail()
		return nil
	})
	if err != nil {
		return err
	}
	return v.each(spaceReport, func(c *cut, _, value []byte) error {
		id := c.tail()
		m := new(storagepb.Report)
		if err := decode(value, m); err != nil {
			return err
		}
		if m.GetId() != id {
			v.problem(room.ID{}, 0, "the report %s is recorded as %s", id, m.GetId())
		}
		return nil
	})
}
