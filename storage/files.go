package storage

import (
	"encoding/binary"
	"errors"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

func appendFile(b []byte, blob room.Hash, r room.ID, pos uint64) []byte {
	b = append(appendHash(b, spaceFile, blob), r[:]...)
	return binary.BigEndian.AppendUint64(b, pos)
}

var errEnough = errors.New("enough")

// FileRooms calls fn with the rooms in which a file is attached to a message, each once, until
// fn says that it has seen enough.
func (s *Store) FileRooms(blob room.Hash, fn func(room.ID) bool) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	var last room.ID
	err := s.scan(appendHash(nil, spaceFile, blob), nil, func(key, _ []byte) error {
		c := cutKey(key, spaceFile)
		c.hash()
		r := c.hash()
		c.u64()
		if err := c.done(); err != nil || r == last {
			return err
		}
		if last = r; !fn(r) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return wrapf(err, "read the rooms of file %s", blob)
}

// Publication reads what a link shows, by its secret's hash; nil when there is none.
func (s *Store) Publication(secretHash [32]byte) (*storagepb.Publication, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	m := new(storagepb.Publication)
	ok, err := s.message(appendHash(nil, spacePublication, secretHash), m)
	if err != nil || !ok {
		return nil, wrapf(err, "read publication")
	}
	return m, nil
}

// PutPublication keeps what a link shows; nil ends the link.
func (s *Store) PutPublication(secretHash [32]byte, m *storagepb.Publication) error {
	return s.write(func(w *writer) error {
		key := appendHash(nil, spacePublication, secretHash)
		was := new(storagepb.Publication)
		if ok, err := s.message(key, was); err != nil {
			return err
		} else if ok && len(was.GetEvent()) > 0 {
			if err := w.delete(appendPublished(was.GetEvent(), secretHash)); err != nil {
				return err
			}
		}
		if m == nil {
			return w.delete(key)
		}
		if len(m.GetEvent()) > 0 {
			if err := w.set(appendPublished(m.GetEvent(), secretHash), nil); err != nil {
				return err
			}
		}
		return w.proto(key, m)
	}, "put publication")
}

func appendPublished(event []byte, secretHash [32]byte) []byte {
	return append(append(appendSpace(nil, spacePublished), event...), secretHash[:]...)
}

// PublicationsOf are the links to what a message has, by the hashes of their secrets.
func (s *Store) PublicationsOf(e room.EventID) (links [][32]byte, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.scan(appendHash(nil, spacePublished, e), nil, func(key, _ []byte) error {
		c := cutKey(key, spacePublished)
		c.hash()
		links = append(links, c.hash())
		return c.done()
	})
	return links, wrapf(err, "read the links of message %s", e)
}

// publications: each link to what a message has can be found by the message.
func (v *verifier) publications() error {
	return v.each(spacePublication, func(c *cut, _, value []byte) error {
		hash, m := c.hash(), new(storagepb.Publication)
		if err := decode(value, m); err != nil {
			v.problem(room.ID{}, 0, "a link: %v", err)
			return nil
		}
		if len(m.GetEvent()) == 0 {
			return nil
		}
		return v.expect(room.ID{}, 0, entry{key: appendPublished(m.GetEvent(), hash)})
	})
}

// Publications calls fn with every link, until fn fails.
func (s *Store) Publications(fn func(secretHash [32]byte, m *storagepb.Publication) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return wrapf(s.scan(appendSpace(nil, spacePublication), nil, func(key, value []byte) error {
		c := cutKey(key, spacePublication)
		hash := c.hash()
		if err := c.done(); err != nil {
			return err
		}
		m := new(storagepb.Publication)
		if err := decode(value, m); err != nil {
			return err
		}
		return fn(hash, m)
	}), "read publications")
}
