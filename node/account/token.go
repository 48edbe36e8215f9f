package account

import (
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"sync/atomic"

	"hearth/node/room"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// secretBytes is the length of a token and of an invite's secret: nobody guesses 256 bits, so looking up
// their hash gives away nothing by the time it takes.
const secretBytes = 32

func newSecret() (secret string, hash [32]byte) {
	secret = base64.RawURLEncoding.EncodeToString(random(secretBytes))
	return secret, sha256.Sum256([]byte(secret))
}

// hashSecret is what is stored of a secret; ok is false for what no newSecret has made.
func hashSecret(secret string) (hash [32]byte, ok bool) {
	if len(secret) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return hash, false
	}
	return sha256.Sum256([]byte(secret)), true
}

// signin is what a token stands for.
type signin struct {
	user   string // local name
	device string
}

// tokens finds devices by token: in memory, then in the store.
type tokens struct {
	store *storage.Store

	// revoked counts revocations. A sign-in read from the store while one happened is not kept: it
	// may be the one that was revoked.
	revoked atomic.Uint64

	mu    sync.RWMutex
	known map[[32]byte]signin
}

// maxTokens is how many tokens are kept in memory, about 20 MB. Above it any one is forgotten.
const maxTokens = 100_000

func newTokens(s *storage.Store) *tokens {
	return &tokens{store: s, known: make(map[[32]byte]signin)}
}

// find returns ok false for a token that stands for no device.
func (t *tokens) find(hash [32]byte) (s signin, ok bool, err error) {
	t.mu.RLock()
	s, ok = t.known[hash]
	t.mu.RUnlock()
	if ok {
		return s, true, nil
	}
	for {
		epoch := t.revoked.Load()
		d, err := t.store.DeviceByToken(hash)
		if err != nil || d == nil {
			return signin{}, false, err
		}
		if s := (signin{d.GetUser(), d.GetId()}); t.keep(hash, s, epoch) {
			return s, true, nil
		}
	}
}

func (t *tokens) keep(hash [32]byte, s signin, epoch uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.revoked.Load() != epoch {
		return false
	}
	for old := range t.known {
		if len(t.known) < maxTokens {
			break
		}
		delete(t.known, old)
	}
	t.known[hash] = s
	return true
}

// revoke ends devices of a user, in the store first, and returns the ids of those that there were. None
// named: none is ended.
func (t *tokens) revoke(devices []*storagepb.Device) ([]string, error) {
	if len(devices) == 0 {
		return nil, nil
	}
	ids := make([]string, len(devices))
	for i, d := range devices {
		ids[i] = d.GetId()
	}
	err := t.store.DeleteDevices(devices[0].GetUser(), ids...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.revoked.Add(1)
	for _, d := range devices {
		delete(t.known, [32]byte(d.GetTokenHash()))
	}
	return ids, err
}

// Authenticate finds who a token stands for: in memory, in less than a microsecond, when it was used
// before. Refused as unauthenticated when it stands for nobody, disabled when its account is.
func (a *Accounts) Authenticate(token string) (Caller, error) {
	hash, ok := hashSecret(token)
	if !ok {
		return Caller{}, signedOut()
	}
	s, ok, err := a.tokens.find(hash)
	if err != nil {
		return Caller{}, err
	}
	p := a.people.get(s.user)
	if !ok || p == nil {
		return Caller{}, signedOut()
	}
	if p.disabled {
		return Caller{}, disabled()
	}
	return Caller{User: p.user, Device: s.device, Admin: p.admin}, nil
}

func disabled() error {
	return room.Errorf(room.Disabled, "This account is disabled. Ask an administrator of the node.")
}
