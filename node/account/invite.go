package account

import (
	"cmp"
	"encoding/base64"
	"slices"
	"time"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// Bounds of an invite.
const (
	MaxInviteUses  = 10_000
	MaxInviteValid = 366 * 24 * time.Hour
	maxInvites     = 1_000 // live ones at a time
)

// NewInvite is an invite to be made.
type NewInvite struct {
	Uses  int           // 0: one
	Valid time.Duration // 0: seven days
	Admin bool          // its accounts will be administrators'
	Note  string        // for administrators, at most 100 characters
}

// CreateInvite makes an invite; needs an administrator. The secret is shown once, only its hash is kept.
// Invites that are spent or over are swept out at this occasion.
func (a *Accounts) CreateInvite(c Caller, n NewInvite) (secret string, m *storagepb.Invite, err error) {
	if err := a.requireAdmin(c); err != nil {
		return "", nil, err
	}
	if err := n.check(); err != nil {
		return "", nil, err
	}
	if n.Note, err = line("A note", n.Note, MaxStatus); err != nil {
		return "", nil, err
	}
	a.change.Lock()
	defer a.change.Unlock()
	if err := a.sweepInvites(); err != nil {
		return "", nil, err
	}
	secret, m = a.newInvite(n, string(c.User))
	return secret, m, a.store.PutInvite(m)
}

func (n NewInvite) check() error {
	if n.Uses < 0 || n.Uses > MaxInviteUses {
		return room.Errorf(room.BadRequest, "An invite can be used at most %d times.", MaxInviteUses)
	}
	if n.Valid < 0 || n.Valid > MaxInviteValid {
		return room.Errorf(room.BadRequest, "An invite is valid for at most a year.")
	}
	if n.Admin && n.Uses > 1 {
		return room.Errorf(room.BadRequest, "An invite for administrators can be used only once.")
	}
	return nil
}

func (a *Accounts) newInvite(n NewInvite, by string) (string, *storagepb.Invite) {
	secret, hash := newSecret()
	now := a.config.Now()
	return secret, &storagepb.Invite{
		Id: base64.RawURLEncoding.EncodeToString(random(9)), SecretHash: hash[:], Note: n.Note,
		UsesLeft: uint32(cmp.Or(n.Uses, 1)), Admin: n.Admin, CreatedBy: by,
		Created: now.UnixMilli(), Expires: now.Add(cmp.Or(n.Valid, 7*24*time.Hour)).UnixMilli(),
	}
}

func (a *Accounts) sweepInvites() error {
	invites, err := a.store.Invites()
	if err != nil {
		return err
	}
	live := 0
	for _, m := range invites {
		if usable(m, a.now()) {
			live++
		} else if err := a.store.DeleteInvite(m.GetId()); err != nil {
			return err
		}
	}
	if live >= maxInvites {
		return room.Errorf(room.Conflict, "There are %d invites already. Revoke some first.", live)
	}
	return nil
}

func usable(m *storagepb.Invite, now int64) bool {
	return m.GetUsesLeft() > 0 && (m.GetExpires() == 0 || m.GetExpires() > now)
}

// Invites lists the invites that can still be used, newest first; needs an administrator.
func (a *Accounts) Invites(c Caller) ([]*storagepb.Invite, error) {
	if err := a.requireAdmin(c); err != nil {
		return nil, err
	}
	invites, err := a.store.Invites()
	if err != nil {
		return nil, err
	}
	invites = slices.DeleteFunc(invites, func(m *storagepb.Invite) bool { return !usable(m, a.now()) })
	slices.SortFunc(invites, func(x, y *storagepb.Invite) int {
		return cmp.Or(cmp.Compare(y.GetCreated(), x.GetCreated()), cmp.Compare(x.GetId(), y.GetId()))
	})
	return invites, nil
}

// RevokeInvite takes an invite away; needs an administrator.
func (a *Accounts) RevokeInvite(c Caller, id string) error {
	if err := a.requireAdmin(c); err != nil {
		return err
	}
	a.change.Lock()
	defer a.change.Unlock()
	return a.store.DeleteInvite(id)
}

// InviteValid tells whether a secret could make an account now, and whether an administrator's.
func (a *Accounts) InviteValid(secret string) (valid, admin bool) {
	m, _, err := a.invite(secret)
	return err == nil, err == nil && m.GetAdmin()
}

// invite finds a usable invite. Where registration is closed only the first administrator's is.
func (a *Accounts) invite(secret string) (*storagepb.Invite, [32]byte, error) {
	hash, ok := hashSecret(secret)
	if !ok {
		return nil, hash, room.Errorf(room.NotFound, "This invite is not valid.")
	}
	if a.config.Registration == Closed {
		if first, err := a.isBootstrap(secret); err != nil || !first {
			return nil, hash, cmp.Or(err, closed())
		}
	}
	m, err := a.store.Invite(hash)
	switch {
	case err != nil:
		return nil, hash, err
	case m == nil:
		return nil, hash, room.Errorf(room.NotFound, "This invite is not valid.")
	case !usable(m, a.now()):
		return nil, hash, room.Errorf(room.Gone, "This invite has been used up or has expired.")
	}
	return m, hash, nil
}
