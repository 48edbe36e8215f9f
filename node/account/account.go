// Package account knows a node's own people: their names and passwords, the devices they are signed in
// on, invites, profiles, and what an administrator may do to them.
//
// A password is kept as an argon2id PHC string, a token and an invite's secret as their SHA-256. A token
// that is revoked is dead when the call returns: the cache asks the store again whenever any was revoked
// meanwhile. Whether somebody is an administrator, or disabled, is looked up at every request.
package account

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"hearth/node/limit"
	"hearth/node/room"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// Who may make an account.
const (
	Public  = "open"   // anybody
	Invited = "invite" // who has an invite link; the default
	Closed  = "closed" // nobody; administrators add people
)

// Config of a node's accounts. A zero field means its default.
type Config struct {
	Node          string           // the node's name: users are local@node
	Registration  string           // Public, Invited (default) or Closed
	Now           func() time.Time // default time.Now
	Argon         Argon
	Guesses       Guesses
	Registrations limit.Rate // new accounts from one network where registration is open; default 30 an hour
	MaxDevices    int        // of one account; the one unused for longest gives way; default 100
}

func (c Config) withDefaults() Config {
	if c.Registration == "" {
		c.Registration = Invited
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Registrations == (limit.Rate{}) {
		c.Registrations = limit.Rate{Burst: 30, Per: time.Hour}
	}
	if c.MaxDevices == 0 {
		c.MaxDevices = 100
	}
	c.Argon = c.Argon.withDefaults()
	c.Guesses = c.Guesses.withDefaults()
	return c
}

// Caller is who asks for something. Admin is as it was when the token was looked up; what needs an
// administrator looks again.
type Caller struct {
	User     room.User
	Device   string
	Admin    bool
	operator bool
}

// Operator is whoever has the node's data folder or its local socket: all an administrator may do, with
// no account.
func Operator() Caller { return Caller{Admin: true, operator: true} }

// Accounts are a node's people. Any goroutine may call its methods. It runs nothing of its own; Flush
// is to be called now and then.
type Accounts struct {
	store     *storage.Store
	config    Config
	hasher    *hasher
	people    *people
	tokens    *tokens
	guesses   *guesses
	newcomers *limit.Table[network]
	seen      *seen

	// change is held from reading an account, an invite or its devices until what was concluded is
	// written: so there is always an administrator, and a password that was changed signs nobody in.
	change sync.Mutex
}

// Open reads the names of all people into memory (about 400 bytes each).
func Open(s *storage.Store, c Config) (*Accounts, error) {
	c = c.withDefaults()
	switch c.Registration {
	case Public, Invited, Closed:
	default:
		return nil, fmt.Errorf("open accounts: registration is %q, not open, invite or closed", c.Registration)
	}
	h, err := newHasher(c.Argon)
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	p, err := loadPeople(s, c.Node)
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	return &Accounts{
		store:     s,
		config:    c,
		hasher:    h,
		people:    p,
		tokens:    newTokens(s),
		guesses:   newGuesses(c.Guesses),
		newcomers: limit.New[network](c.Registrations, 10_000),
		seen:      newSeen(s),
	}, nil
}

// Registration says who may make an account.
func (a *Accounts) Registration() string { return a.config.Registration }

// now is the time in milliseconds since 1970, as the store has it.
func (a *Accounts) now() int64 { return a.config.Now().UnixMilli() }

func (a *Accounts) full(local string) room.User { return room.MakeUser(local, a.config.Node) }

// local is the local name in what somebody typed or a door passed on: alice, @alice, alice@node. It is
// empty for what cannot be anybody here.
func (a *Accounts) local(name string) string {
	name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "@")
	name, node, full := strings.Cut(name, "@")
	if full && node != strings.ToLower(a.config.Node) || room.CheckUsername(name) != nil {
		return ""
	}
	return name
}

// own is the caller's account name.
func (a *Accounts) own(c Caller) (string, error) {
	p := a.people.get(c.User.Local())
	if p == nil || c.User.Node() != a.config.Node {
		return "", signedOut()
	}
	return p.name, nil
}

// update changes an account in the store and in memory. The caller holds a.change.
func (a *Accounts) update(local string, change func(*storagepb.Account) error) error {
	var after *storagepb.Account
	err := a.store.UpdateAccount(local, func(m *storagepb.Account) error {
		after = m
		return change(m)
	})
	if err != nil {
		return err
	}
	a.people.put(after)
	return nil
}

func signedOut() error {
	return room.Errorf(room.Unauthenticated, "You are signed out. Sign in again.")
}
