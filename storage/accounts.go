package storage

import (
	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Account reads a local user; nil when there is none of that name.
func (s *Store) Account(local string) (*storagepb.Account, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.account(local)
}

func (s *Store) account(local string) (*storagepb.Account, error) {
	m := new(storagepb.Account)
	ok, err := s.message(appendName(nil, spaceAccount, local), m)
	if err != nil || !ok {
		return nil, wrapf(err, "read account %s", local)
	}
	return m, nil
}

// Accounts reads at most limit local users, by name, after the given one ("": from the first).
func (s *Store) Accounts(after string, limit int) (accounts []*storagepb.Account, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	from := append(appendName(nil, spaceAccount, after), 0)
	if after == "" {
		from = nil
	}
	err = s.scan(appendSpace(nil, spaceAccount), from, func(_, value []byte) error {
		if len(accounts) >= limit {
			return errStop
		}
		m := new(storagepb.Account)
		accounts = append(accounts, m)
		return decode(value, m)
	})
	return accounts, wrapf(err, "read accounts")
}

// AccountCount counts the local users. It reads them all: not for a hot path.
func (s *Store) AccountCount() (n int, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	defer s.leave()
	err = s.scan(appendSpace(nil, spaceAccount), nil, func(_, _ []byte) error {
		n++
		return nil
	})
	return n, wrapf(err, "count accounts")
}

// CreateAccount keeps a new local user; refused as taken when the name is in use.
func (s *Store) CreateAccount(a *storagepb.Account) error {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	return s.write(func(w *writer) error { return w.createAccount(a) }, "create account %s", a.GetName())
}

func (w *writer) createAccount(a *storagepb.Account) error {
	if err := checkWord("name", a.GetName()); err != nil {
		return err
	}
	old, err := w.s.account(a.GetName())
	if err != nil {
		return err
	}
	if old != nil {
		return room.Errorf(room.Taken, "The name %s is taken.", a.GetName())
	}
	return w.proto(appendName(nil, spaceAccount, a.GetName()), a)
}

// UpdateAccount reads a local user, lets change alter it, and keeps the result, so that no
// other update is lost in between. It is refused as not_found when there is none, and
// changes nothing when change fails.
func (s *Store) UpdateAccount(local string, change func(*storagepb.Account) error) error {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	return s.write(func(w *writer) error {
		a, err := s.account(local)
		if err != nil {
			return err
		}
		if a == nil {
			return room.Errorf(room.NotFound, "There is no account %s.", local)
		}
		if err := change(a); err != nil {
			return err
		}
		return w.proto(appendName(nil, spaceAccount, local), a)
	}, "update account %s", local)
}

// CreateAccountByInvite keeps a new local user and takes one use off an invite, both or
// neither. An administrator's invite makes an administrator: a.Admin is set then. Refused as
// taken when the name is in use, not_found for an unknown invite, gone for a spent one.
func (s *Store) CreateAccountByInvite(a *storagepb.Account, secretHash [32]byte, now int64) (*storagepb.Invite, error) {
	s.accounts.Lock()
	defer s.accounts.Unlock()
	var invite *storagepb.Invite
	err := s.write(func(w *writer) (err error) {
		if invite, err = w.useInvite(spaceInvite, secretHash, now); err != nil {
			return err
		}
		a.Admin = a.Admin || invite.GetAdmin()
		return w.createAccount(a)
	}, "create account %s by invite", a.GetName())
	if err != nil {
		return nil, err
	}
	return invite, nil
}
