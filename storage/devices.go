package storage

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"hearth/storage/storagepb"
)

func appendDevice(b []byte, user, id string) []byte {
	return append(appendOwned(b, spaceDevice, user), id...)
}

// PutDevice keeps a login and the token it goes by; a former token of it is void at once.
func (s *Store) PutDevice(d *storagepb.Device) error {
	if len(d.GetTokenHash()) != hashLen {
		return fmt.Errorf("put device %s: its token's hash has %d bytes", d.GetId(), len(d.GetTokenHash()))
	}
	if err := checkWord("name", d.GetUser()); err != nil {
		return err
	}
	s.accounts.Lock()
	defer s.accounts.Unlock()
	return s.write(func(w *writer) error {
		old, err := s.device(d.GetUser(), d.GetId())
		if err != nil {
			return err
		}
		if old != nil && !bytes.Equal(old.GetTokenHash(), d.GetTokenHash()) {
			if err := w.delete(appendHash(nil, spaceToken, [32]byte(old.GetTokenHash()))); err != nil {
				return err
			}
		}
		key := appendDevice(nil, d.GetUser(), d.GetId())
		if err := w.set(appendHash(nil, spaceToken, [32]byte(d.GetTokenHash())), key[1:]); err != nil {
			return err
		}
		return w.proto(key, d)
	}, "put device %s of %s", d.GetId(), d.GetUser())
}

func (s *Store) device(user, id string) (*storagepb.Device, error) {
	m := new(storagepb.Device)
	ok, err := s.message(appendDevice(nil, user, id), m)
	if err != nil || !ok {
		return nil, wrapf(err, "read device %s of %s", id, user)
	}
	return m, nil
}

// DeviceByToken reads the login that a token stands for; nil when it stands for none.
func (s *Store) DeviceByToken(hash [32]byte) (*storagepb.Device, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	key := appendSpace(nil, spaceDevice)
	ok, err := s.get(appendHash(nil, spaceToken, hash), func(v []byte) error {
		key = append(key, v...)
		return nil
	})
	if err != nil || !ok {
		return nil, wrapf(err, "find device by token")
	}
	m := new(storagepb.Device)
	if ok, err = s.message(key, m); err != nil || !ok {
		return nil, wrapf(err, "read device by token") // it was deleted in between
	}
	return m, nil
}

// Devices reads all logins of a user, oldest first (their ids begin with the time).
func (s *Store) Devices(user string) ([]*storagepb.Device, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.devices(user)
}

func (s *Store) devices(user string) (devices []*storagepb.Device, err error) {
	err = s.scan(appendOwned(nil, spaceDevice, user), nil, func(_, value []byte) error {
		m := new(storagepb.Device)
		devices = append(devices, m)
		return decode(value, m)
	})
	return devices, wrapf(err, "read devices of %s", user)
}

// DeleteDevices ends logins of a user: the named ones, or, when none is named, all. Unknown
// ones are passed over.
func (s *Store) DeleteDevices(user string, ids ...string) error {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	return s.write(func(w *writer) error {
		devices, err := s.devices(user)
		if err != nil {
			return err
		}
		for _, d := range devices {
			if len(ids) > 0 && !slices.Contains(ids, d.GetId()) {
				continue
			}
			if err := w.delete(appendDevice(nil, user, d.GetId())); err != nil {
				return err
			}
			if err := w.delete(appendHash(nil, spaceToken, [32]byte(d.GetTokenHash()))); err != nil {
				return err
			}
		}
		return nil
	}, "delete devices of %s", user)
}

// Touch says when and from where a login was last used.
type Touch struct {
	User, ID string
	Seen     int64 // ms
	Address  string
}

// TouchDevices keeps when logins were last used. It is not synced: a power cut may take the
// last of it. Logins that have ended meanwhile stay ended.
func (s *Store) TouchDevices(touches []Touch) error {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	w := s.newWriter()
	defer w.close()
	for _, t := range touches {
		if err := w.touch(t); err != nil {
			return fmt.Errorf("touch device %s of %s: %w", t.ID, t.User, err)
		}
	}
	return wrapf(wrap(w.b.Commit(pebble.NoSync)), "touch devices")
}

func (w *writer) touch(t Touch) error {
	d, err := w.s.device(t.User, t.ID)
	if err != nil || d == nil {
		return err
	}
	d.Seen, d.Address = t.Seen, t.Address
	return w.proto(appendDevice(nil, t.User, t.ID), d)
}
