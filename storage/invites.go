package storage

import (
	"fmt"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Invites of people (spaceInvite) and of nodes (spaceNodeInvite) are alike.

func (w *writer) useInvite(sp space, secretHash [32]byte, now int64) (*storagepb.Invite, error) {
	m, err := w.s.invite(sp, secretHash)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, room.Errorf(room.NotFound, "This invite is not valid.")
	}
	if m.GetUsesLeft() == 0 || m.GetExpires() != 0 && m.GetExpires() <= now {
		return nil, room.Errorf(room.Gone, "This invite has been used up or has expired.")
	}
	m.UsesLeft--
	return m, w.proto(appendHash(nil, sp, secretHash), m)
}

// Invite reads an invite by its secret's hash; nil when there is none.
func (s *Store) Invite(secretHash [32]byte) (*storagepb.Invite, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.invite(spaceInvite, secretHash)
}

func (s *Store) invite(sp space, secretHash [32]byte) (*storagepb.Invite, error) {
	m := new(storagepb.Invite)
	ok, err := s.message(appendHash(nil, sp, secretHash), m)
	if err != nil || !ok {
		return nil, wrapf(err, "read invite")
	}
	return m, nil
}

// Invites reads all invites, spent ones too.
func (s *Store) Invites() ([]*storagepb.Invite, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.invites(spaceInvite)
}

func (s *Store) invites(sp space) (invites []*storagepb.Invite, err error) {
	err = s.scan(appendSpace(nil, sp), nil, func(_, value []byte) error {
		m := new(storagepb.Invite)
		invites = append(invites, m)
		return decode(value, m)
	})
	return invites, wrapf(err, "read invites")
}

// PutInvite keeps an invite, under the hash of its secret.
func (s *Store) PutInvite(m *storagepb.Invite) error { return s.putInvite(spaceInvite, m) }

func (s *Store) putInvite(sp space, m *storagepb.Invite) error {
	if len(m.GetSecretHash()) != hashLen {
		return fmt.Errorf("put invite %s: its secret's hash has %d bytes", m.GetId(), len(m.GetSecretHash()))
	}
	s.accounts.Lock()
	defer s.accounts.Unlock()
	return s.write(func(w *writer) error {
		return w.proto(appendHash(nil, sp, [32]byte(m.GetSecretHash())), m)
	}, "put invite %s", m.GetId())
}

// DeleteInvite takes an invite away; refused as not_found when there is none of that id.
func (s *Store) DeleteInvite(id string) error { return s.deleteInvite(spaceInvite, id) }

func (s *Store) deleteInvite(sp space, id string) error {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	return s.write(func(w *writer) error {
		invites, err := s.invites(sp)
		if err != nil {
			return err
		}
		for _, m := range invites {
			if m.GetId() == id {
				return w.delete(appendHash(nil, sp, [32]byte(m.GetSecretHash())))
			}
		}
		return room.Errorf(room.NotFound, "There is no such invite.")
	}, "delete invite %s", id)
}
