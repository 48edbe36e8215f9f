package storage

import (
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// PutForeignProfile keeps how other nodes describe their people.
func (s *Store) PutForeignProfile(profiles ...*roompb.Profile) error {
	return s.write(func(w *writer) error {
		for _, m := range profiles {
			if err := w.proto(appendName(nil, spaceProfile, m.GetUser()), m); err != nil {
				return err
			}
		}
		return nil
	}, "put %d profiles", len(profiles))
}

// ForeignProfile reads what was last kept of a user of another node; nil when nothing was.
func (s *Store) ForeignProfile(u room.User) (*roompb.Profile, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	m := new(roompb.Profile)
	ok, err := s.message(appendName(nil, spaceProfile, string(u)), m)
	if err != nil || !ok {
		return nil, wrapf(err, "read profile of %s", u)
	}
	return m, nil
}
