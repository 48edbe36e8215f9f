package account

import (
	"context"

	"hearth/node/limit"
	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Login signs somebody in. An unknown name and a wrong password take the same time and get the same
// sentence. Refused as unauthenticated, limited (too many wrong ones), busy (too many at once), disabled
// (only to who has the password).
func (a *Accounts) Login(ctx context.Context, username, password, device, address string) (Login, error) {
	leave, err := a.hasher.enter()
	if err != nil {
		return Login{}, err
	}
	defer leave()
	local, from := a.local(username), limit.Network(address)
	known, err := a.knows(local, from)
	if err != nil {
		return Login{}, err
	}
	undo, err := a.guesses.login(local, from, known, a.config.Now())
	if err != nil {
		return Login{}, err
	}
	before, stale, err := a.verify(ctx, local, password)
	if err != nil {
		if room.CodeOf(err) != room.Unauthenticated {
			undo()
		}
		return Login{}, err
	}
	undo()
	return a.finish(ctx, before, password, stale, device, address)
}

// verify finds the account whose password this is. The caller has a place with the hasher.
func (a *Accounts) verify(ctx context.Context, local, password string) (m *storagepb.Account, stale bool, err error) {
	if local != "" {
		if m, err = a.store.Account(local); err != nil {
			return nil, false, err
		}
	}
	ok, stale, err := a.hasher.verify(ctx, m.GetPassword(), password)
	if err != nil {
		return nil, false, err
	}
	if !ok {
		return nil, false, room.Errorf(room.Unauthenticated, "Wrong username or password.")
	}
	return m, stale, nil
}

// finish admits who has proven to have the password, unless that changed meanwhile.
func (a *Accounts) finish(ctx context.Context, before *storagepb.Account, password string, stale bool, device, address string) (Login, error) {
	local, renewed := before.GetName(), ""
	if stale {
		var err error
		if renewed, err = a.hasher.hash(ctx, password); err != nil {
			return Login{}, err
		}
	}
	a.change.Lock()
	defer a.change.Unlock()
	now, err := a.store.Account(local)
	if err != nil {
		return Login{}, err
	}
	if now.GetPassword() != before.GetPassword() {
		return Login{}, room.Errorf(room.Unauthenticated, "Wrong username or password.")
	}
	if now.GetDisabled() {
		return Login{}, disabled()
	}
	if stale {
		err := a.update(local, func(m *storagepb.Account) error { m.Password = renewed; return nil })
		if err != nil {
			return Login{}, err
		}
	}
	return a.admit(local, device, address)
}

// ChangePassword gives the caller a new password. revokeOthers ends the caller's other devices; their
// ids are returned.
func (a *Accounts) ChangePassword(ctx context.Context, c Caller, old, new string, revokeOthers bool) (ended []string, err error) {
	local, err := a.own(c)
	if err != nil {
		return nil, err
	}
	if err := CheckPassword(local, new); err != nil {
		return nil, err
	}
	leave, err := a.hasher.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	before, err := a.proven(ctx, local, old)
	if err != nil {
		return nil, err
	}
	hash, err := a.hasher.hash(ctx, new)
	if err != nil {
		return nil, err
	}
	return a.replacePassword(c, before, hash, revokeOthers)
}

// proven checks the old password of somebody who is signed in.
func (a *Accounts) proven(ctx context.Context, local, old string) (*storagepb.Account, error) {
	undo, err := a.guesses.own(local, a.config.Now())
	if err != nil {
		return nil, err
	}
	before, _, err := a.verify(ctx, local, old)
	if room.CodeOf(err) == room.Unauthenticated {
		return nil, room.Errorf(room.Forbidden, "The old password is wrong.")
	}
	undo()
	return before, err
}

func (a *Accounts) replacePassword(c Caller, before *storagepb.Account, hash string, revokeOthers bool) ([]string, error) {
	a.change.Lock()
	defer a.change.Unlock()
	err := a.update(before.GetName(), func(m *storagepb.Account) error {
		if m.GetPassword() != before.GetPassword() {
			return room.Errorf(room.Conflict, "The password was changed by somebody else at this moment.")
		}
		m.Password = hash
		return nil
	})
	if err != nil || !revokeOthers {
		return nil, err
	}
	return a.revokeWhere(before.GetName(), func(d *storagepb.Device) bool { return d.GetId() != c.Device })
}
