package account

import (
	"strings"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// MaxFind is how many users one search finds.
const MaxFind = 50

// ProfileChange is what to change of a profile; nil leaves a field as it is, empty clears it.
type ProfileChange struct {
	DisplayName *string // at most MaxDisplayName characters
	Status      *string // at most MaxStatus characters
	Avatar      *string // the id of a picture that was uploaded
}

// SetProfile changes the caller's profile and returns it as it is now.
func (a *Accounts) SetProfile(c Caller, change ProfileChange) (*roompb.Profile, error) {
	local, err := a.own(c)
	if err != nil {
		return nil, err
	}
	set, err := a.checkProfile(change)
	if err != nil {
		return nil, err
	}
	a.change.Lock()
	defer a.change.Unlock()
	if err := a.update(local, func(m *storagepb.Account) error { set(m); return nil }); err != nil {
		return nil, err
	}
	return a.people.get(local).profile, nil
}

// checkProfile returns what to do to the account.
func (a *Accounts) checkProfile(c ProfileChange) (set func(*storagepb.Account), err error) {
	var name, status string
	if c.DisplayName != nil {
		if name, err = line("A display name", *c.DisplayName, MaxDisplayName); err != nil {
			return nil, err
		}
	}
	if c.Status != nil {
		if status, err = line("A status", *c.Status, MaxStatus); err != nil {
			return nil, err
		}
	}
	if c.Avatar != nil && *c.Avatar != "" {
		if err := a.checkAvatar(*c.Avatar); err != nil {
			return nil, err
		}
	}
	return func(m *storagepb.Account) {
		if c.DisplayName != nil {
			m.DisplayName = name
		}
		if c.Status != nil {
			m.Status = status
		}
		if c.Avatar != nil {
			m.Avatar = *c.Avatar
		}
	}, nil
}

func (a *Accounts) checkAvatar(id string) error {
	hash, err := room.ParseHash(id)
	if err != nil {
		return err
	}
	m, err := a.store.Blob(hash)
	if err != nil {
		return err
	}
	if m == nil || !strings.HasPrefix(m.GetType(), "image/") {
		return room.Errorf(room.NotFound, "That picture is not on this node. Upload it first.")
	}
	return nil
}

// Profile is how a user shows; refused as not_found for one who is not of this node. It is shared: never
// write to it.
func (a *Accounts) Profile(user room.User) (*roompb.Profile, error) {
	if p := a.people.get(user.Local()); p != nil && p.user == user {
		return p.profile, nil
	}
	return nil, room.Errorf(room.NotFound, "There is no user %s.", brief(string(user)))
}

// Find returns people with a name, or a word of a display name, that begins with query; limit 0 is
// MaxFind, nobody who is disabled. The profiles are shared.
func (a *Accounts) Find(query string, limit int) ([]*roompb.Profile, error) {
	if limit < 0 || limit > MaxFind {
		return nil, room.Errorf(room.BadRequest, "At most %d people at once.", MaxFind)
	}
	if limit == 0 {
		limit = MaxFind
	}
	query = strings.TrimSuffix(fold(strings.TrimPrefix(strings.TrimSpace(query), "@")), "@"+a.config.Node)
	found := a.people.find(query, limit)
	profiles := make([]*roompb.Profile, len(found))
	for i, p := range found {
		profiles[i] = p.profile
	}
	return profiles, nil
}
