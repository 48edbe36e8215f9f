package account

import (
	"context"
	"crypto/subtle"

	"hearth/node/limit"
	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Registration is what somebody gives to get an account.
type Registration struct {
	Username    string
	Password    string
	Invite      string // secret of an invite; needed unless registration is open
	DisplayName string
	DeviceName  string
	Address     string
}

// Register makes an account and signs it in. Refused as forbidden (registration is closed, or needs an
// invite), not_found or gone (the invite), taken, bad_request (the sentence says what is wrong), limited, busy.
func (a *Accounts) Register(ctx context.Context, r Registration) (Login, error) {
	if err := a.mayRegister(r.Invite); err != nil {
		return Login{}, err
	}
	leave, err := a.hasher.enter()
	if err != nil {
		return Login{}, err
	}
	defer leave()
	undo, err := a.countNewcomer(r)
	if err != nil {
		return Login{}, err
	}
	m, err := a.prepare(ctx, New{Username: r.Username, Password: r.Password, DisplayName: r.DisplayName})
	if err != nil {
		undo()
		return Login{}, err
	}
	a.change.Lock()
	defer a.change.Unlock()
	if err := a.create(m, r.Invite); err != nil {
		undo()
		return Login{}, err
	}
	return a.admit(m.GetName(), r.DeviceName, r.Address)
}

func (a *Accounts) mayRegister(invite string) error {
	if invite == "" {
		switch a.config.Registration {
		case Invited:
			return room.Errorf(room.Forbidden, "You need an invite link to make an account here.")
		case Closed:
			return closed()
		}
		return nil
	}
	_, _, err := a.invite(invite)
	return err
}

func closed() error { return room.Errorf(room.Forbidden, "This node takes no new accounts.") }

// countNewcomer bounds how many accounts a network makes where anybody may.
func (a *Accounts) countNewcomer(r Registration) (undo func(), err error) {
	if r.Invite != "" {
		return func() {}, nil
	}
	from, now := limit.Network(r.Address), a.config.Now()
	if wait := a.newcomers.Take(from, 1, now); wait > 0 {
		e := room.Errorf(room.Limited, "Too many new accounts from your network. Try again later.")
		e.RetryAfter = wait
		return nil, e
	}
	return func() { a.newcomers.Return(from, 1, now) }, nil
}

// New is an account to be made.
type New struct {
	Username    string
	Password    string
	DisplayName string
	Admin       bool
}

// prepare checks a new account and hashes its password. The caller has a place with the hasher.
func (a *Accounts) prepare(ctx context.Context, n New) (*storagepb.Account, error) {
	if err := room.CheckUsername(n.Username); err != nil {
		return nil, err
	}
	if a.people.get(n.Username) != nil {
		return nil, room.Errorf(room.Taken, "The name %s is taken.", n.Username)
	}
	if err := CheckPassword(n.Username, n.Password); err != nil {
		return nil, err
	}
	name, err := line("A display name", n.DisplayName, MaxDisplayName)
	if err != nil {
		return nil, err
	}
	hash, err := a.hasher.hash(ctx, n.Password)
	if err != nil {
		return nil, err
	}
	return &storagepb.Account{Name: n.Username, Password: hash, Admin: n.Admin, DisplayName: name, Created: a.now()}, nil
}

// create keeps a new account; with an invite, takes a use off that. The caller holds a.change.
func (a *Accounts) create(m *storagepb.Account, invite string) error {
	if err := a.keep(m, invite); err != nil {
		return err
	}
	a.people.put(m)
	if m.GetAdmin() {
		return a.endBootstrap()
	}
	return nil
}

func (a *Accounts) keep(m *storagepb.Account, invite string) error {
	if invite == "" {
		return a.store.CreateAccount(m)
	}
	_, hash, err := a.invite(invite)
	if err != nil {
		return err
	}
	_, err = a.store.CreateAccountByInvite(m, hash, a.now())
	return err
}

// ─────────────────────── The first administrator ───────────────────────

// bootstrapKey names the stored secret of the link that makes the first administrator. It is the only
// secret kept as it is: it must be printed again at every start until it is used.
const bootstrapKey = "account/bootstrap"

// BootstrapInvite is the secret of the one-time invite that makes the first administrator. It stays the
// same over restarts; ok is false once there is an administrator.
func (a *Accounts) BootstrapInvite() (secret string, ok bool, err error) {
	a.change.Lock()
	defer a.change.Unlock()
	if a.people.admins() > 0 {
		return "", false, a.endBootstrap()
	}
	stored, err := a.store.Value(bootstrapKey)
	if err != nil {
		return "", false, err
	}
	if _, _, err := a.invite(string(stored)); len(stored) > 0 && err == nil {
		return string(stored), true, nil
	}
	// The invite first: a crash in between leaves one that nobody has the secret of.
	secret, m := a.newInvite(NewInvite{Uses: 1, Admin: true, Note: "the first administrator"}, "")
	m.Expires = 0
	if err := a.store.PutInvite(m); err != nil {
		return "", false, err
	}
	return secret, true, a.store.PutValue(bootstrapKey, []byte(secret))
}

// endBootstrap takes the link away. The caller holds a.change.
func (a *Accounts) endBootstrap() error {
	secret, err := a.store.Value(bootstrapKey)
	if err != nil || secret == nil {
		return err
	}
	hash, _ := hashSecret(string(secret))
	m, err := a.store.Invite(hash)
	if err != nil {
		return err
	}
	if m != nil {
		if err := a.store.DeleteInvite(m.GetId()); err != nil {
			return err
		}
	}
	return a.store.PutValue(bootstrapKey, nil)
}

// isBootstrap tells the first administrator's link from others: it works where registration is closed, too.
func (a *Accounts) isBootstrap(secret string) (bool, error) {
	stored, err := a.store.Value(bootstrapKey)
	return len(stored) > 0 && subtle.ConstantTimeCompare(stored, []byte(secret)) == 1, err
}
