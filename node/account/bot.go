package account

import (
	"hearth/node/room"
	"hearth/storage/storagepb"
)

// PutBot makes the account that a bridge speaks as, or takes it back into service: it has no password,
// so nobody signs in as it, and its name is nobody else's. what says for people what it is: "IRC libera".
// Refused as taken when the name is somebody's.
func (a *Accounts) PutBot(local, what string) error {
	if err := room.CheckUsername(local); err != nil {
		return err
	}
	a.change.Lock()
	defer a.change.Unlock()
	old, err := a.store.Account(local)
	switch {
	case err != nil:
		return err
	case old == nil:
		return a.create(&storagepb.Account{Name: local, Bridge: what, Created: a.now()}, "")
	case old.GetBridge() == "":
		return room.Errorf(room.Taken, "The name %s is a user's. Give the bridge another one.", local)
	}
	return a.update(local, func(m *storagepb.Account) error {
		m.Bridge, m.Disabled = what, false
		return nil
	})
}

// RetireBot ends the account of a bridge that was taken away. What was said by it stays, so its
// name stays taken.
func (a *Accounts) RetireBot(local string) error {
	a.change.Lock()
	defer a.change.Unlock()
	return a.update(local, func(m *storagepb.Account) error {
		if m.GetBridge() == "" {
			return room.Errorf(room.BadRequest, "%s is no bridge.", local)
		}
		m.Disabled = true
		return nil
	})
}

// Bots are the names of all bridges' accounts, those that were retired too.
func (a *Accounts) Bots() []string { return a.people.bots() }
