package account

import (
	"context"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// requireAdmin lets the operator pass, and who is an administrator at this moment.
func (a *Accounts) requireAdmin(c Caller) error {
	if c.operator {
		return nil
	}
	p := a.people.get(c.User.Local())
	if p == nil || p.user != c.User {
		return signedOut()
	}
	if !p.admin || p.disabled {
		return room.Errorf(room.Forbidden, "Only an administrator of the node may do that.")
	}
	return nil
}

// Entry is a line of the administrator's list.
type Entry struct {
	Profile *roompb.Profile // shared
	Admin   bool
	Created int64 // ms
	Seen    int64 // ms; 0: never
	Devices int
}

// MaxList is how many people a page of the list has.
const MaxList = 200

// List lists people by name, those with query in their name or display name; needs an administrator. next
// is `after` for the page that follows, empty at the end; total counts all pages.
func (a *Accounts) List(c Caller, query, after string, limit int) (list []Entry, next string, total int, err error) {
	if err := a.requireAdmin(c); err != nil {
		return nil, "", 0, err
	}
	if limit <= 0 || limit > MaxList {
		limit = MaxList
	}
	page, total := a.people.page(query, after, limit+1)
	if len(page) > limit {
		page, next = page[:limit], page[limit-1].name
	}
	for _, p := range page {
		e, err := a.entry(p)
		if err != nil {
			return nil, "", 0, err
		}
		list = append(list, e)
	}
	return list, next, total, nil
}

func (a *Accounts) entry(p *person) (Entry, error) {
	devices, err := a.devices(p.name)
	if err != nil {
		return Entry{}, err
	}
	seen := p.seen
	for _, d := range devices {
		seen = max(seen, d.GetSeen())
	}
	return Entry{Profile: p.profile, Admin: p.admin, Created: p.created, Seen: seen, Devices: len(devices)}, nil
}

// Add makes an account without an invite; needs an administrator (or Operator). Refused as taken or
// bad_request.
func (a *Accounts) Add(ctx context.Context, c Caller, n New) (*roompb.Profile, error) {
	if err := a.requireAdmin(c); err != nil {
		return nil, err
	}
	leave, err := a.hasher.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	m, err := a.prepare(ctx, n)
	if err != nil {
		return nil, err
	}
	a.change.Lock()
	defer a.change.Unlock()
	if err := a.create(m, ""); err != nil {
		return nil, err
	}
	return a.people.get(n.Username).profile, nil
}

// Change is what to change of an account; nil leaves a field as it is.
type Change struct {
	Disabled *bool
	Admin    *bool
	Password *string
}

// Set changes an account; needs an administrator (or Operator). Who is disabled, or given a password, is
// signed out everywhere: ended lists the devices. Refused as conflict when nobody would be left to
// administer the node.
func (a *Accounts) Set(ctx context.Context, c Caller, user room.User, change Change) (ended []string, err error) {
	if err := a.requireAdmin(c); err != nil {
		return nil, err
	}
	p := a.people.get(user.Local())
	if p == nil || p.user != user {
		return nil, room.Errorf(room.NotFound, "There is no user %s.", brief(string(user)))
	}
	hash, err := a.newPassword(ctx, p.name, change.Password)
	if err != nil {
		return nil, err
	}
	a.change.Lock()
	defer a.change.Unlock()
	if err := a.requireAdmin(c); err != nil { // still: two who demote each other do not both succeed
		return nil, err
	}
	if err := a.apply(p.name, change, hash); err != nil {
		return nil, err
	}
	if hash != "" || change.Disabled != nil && *change.Disabled {
		ended, err = a.revokeWhere(p.name, all)
	}
	if err == nil && change.Admin != nil && *change.Admin {
		err = a.endBootstrap()
	}
	return ended, err
}

// newPassword hashes a password that is to be set; "" when none is.
func (a *Accounts) newPassword(ctx context.Context, local string, password *string) (string, error) {
	if password == nil {
		return "", nil
	}
	if err := CheckPassword(local, *password); err != nil {
		return "", err
	}
	leave, err := a.hasher.enter()
	if err != nil {
		return "", err
	}
	defer leave()
	return a.hasher.hash(ctx, *password)
}

// apply does the change. The caller holds a.change.
func (a *Accounts) apply(local string, change Change, hash string) error {
	return a.update(local, func(m *storagepb.Account) error {
		if m.GetBridge() != "" {
			return room.Errorf(room.Forbidden, "%s is the bot of a bridge, and nobody signs in as it. `hearth bridge set` stops the bridge, `hearth bridge remove` takes it away.", local)
		}
		ruled := m.GetAdmin() && !m.GetDisabled()
		if change.Disabled != nil {
			m.Disabled = *change.Disabled
		}
		if change.Admin != nil {
			m.Admin = *change.Admin
		}
		if hash != "" {
			m.Password = hash
		}
		if rules := m.GetAdmin() && !m.GetDisabled(); ruled && !rules && a.people.admins() == 1 {
			return room.Errorf(room.Conflict, "This is the last administrator. Make somebody else one first.")
		}
		return nil
	})
}
