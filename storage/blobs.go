package storage

import (
	"fmt"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

func appendOwner(b []byte, owner string, id []byte) []byte {
	return append(appendOwned(b, spaceOwner, owner), id...)
}

// Blob reads what is known of a file; nil when nothing is.
func (s *Store) Blob(id room.Hash) (*storagepb.Blob, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.blob(id)
}

func (s *Store) blob(id room.Hash) (*storagepb.Blob, error) {
	m := new(storagepb.Blob)
	ok, err := s.message(appendHash(nil, spaceBlob, id), m)
	if err != nil || !ok {
		return nil, wrapf(err, "read blob %s", id)
	}
	return m, nil
}

// PutBlob keeps what is known of a file; its size counts against its owner's quota.
func (s *Store) PutBlob(m *storagepb.Blob) error {
	if len(m.GetId()) != hashLen {
		return fmt.Errorf("put blob: its id has %d bytes", len(m.GetId()))
	}
	if err := checkWord("name", m.GetOwner()); err != nil {
		return err
	}
	s.accounts.Lock()
	defer s.accounts.Unlock()
	id := room.Hash(m.GetId())
	return s.write(func(w *writer) error {
		if err := w.disown(id); err != nil {
			return err
		}
		if err := w.set(appendOwner(nil, m.GetOwner(), id[:]), appendPosValue(nil, uint64(m.GetSize()))); err != nil {
			return err
		}
		return w.proto(appendHash(nil, spaceBlob, id), m)
	}, "put blob %s", id)
}

// DeleteBlob forgets a file; nothing happens when it is not known.
func (s *Store) DeleteBlob(id room.Hash) error {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	return s.write(func(w *writer) error {
		if err := w.disown(id); err != nil {
			return err
		}
		return w.delete(appendHash(nil, spaceBlob, id))
	}, "delete blob %s", id)
}

// disown takes a known file off its owner's quota.
func (w *writer) disown(id room.Hash) error {
	old, err := w.s.blob(id)
	if err != nil || old == nil {
		return err
	}
	return w.delete(appendOwner(nil, old.GetOwner(), id[:]))
}

// BlobBytesOf adds up the sizes of a user's files.
func (s *Store) BlobBytesOf(owner string) (total int64, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	err = s.scan(appendOwned(nil, spaceOwner, owner), nil, func(_, value []byte) error {
		size, err := parsePosValue(value)
		total += int64(size)
		return err
	})
	return total, wrapf(err, "add up blobs of %s", owner)
}

// Blobs calls fn with every known file, by id, until fn fails.
func (s *Store) Blobs(fn func(*storagepb.Blob) error) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	return wrapf(s.scan(appendSpace(nil, spaceBlob), nil, func(_, value []byte) error {
		m := new(storagepb.Blob)
		if err := decode(value, m); err != nil {
			return err
		}
		return fn(m)
	}), "read blobs")
}

// Value reads one of the node's own things; nil when it was never put.
func (s *Store) Value(name string) (value []byte, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	_, err = s.get(appendName(nil, spaceValue, name), func(v []byte) error {
		value = append([]byte{}, v...)
		return nil
	})
	return value, wrapf(err, "read value %s", name)
}

// Values reads those of the node's own things whose names begin so, by name.
func (s *Store) Values(prefix string) (values []Value, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.scan(appendName(nil, spaceValue, prefix), nil, func(key, v []byte) error {
		values = append(values, Value{Name: string(key[1:]), Bytes: append([]byte{}, v...)})
		return nil
	})
	return values, wrapf(err, "read values %s", prefix)
}

// PutValue keeps one of the node's own things; nil takes it away.
func (s *Store) PutValue(name string, value []byte) error {
	return s.write(func(w *writer) error {
		key := appendName(nil, spaceValue, name)
		if value == nil {
			return w.delete(key)
		}
		return w.set(key, value)
	}, "put value %s", name)
}
