package gossip

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"
)

var (
	errFull   = errors.New("more nodes than this one keeps")
	errReplay = errors.New("an older record than the one known")
)

// roster is what is known of the others, by memberlist's name. It exists beside memberlist's own table
// because that may not be read while its delegates are called, holds what only its lock makes safe to
// read, and forgets when a record was issued.
type roster struct {
	limit int
	wake  chan struct{}

	mu    sync.Mutex
	byKey map[string]*entry
}

type entry struct {
	peer     Peer
	record   []byte    // nil until one was verified
	verified time.Time // when it was
	alive    bool
	since    time.Time // of not being alive
}

// stale is when a record is verified again: each comes many times, and a signature costs 60 us.
const stale = 30 * time.Second

func newRoster(limit int) *roster {
	return &roster{limit: limit, wake: make(chan struct{}, 1), byKey: make(map[string]*entry)}
}

// admit takes a verified record. Whether its node is alive memberlist says afterwards.
func (r *roster) admit(p Peer, record []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.entry(p)
	if err != nil {
		return err
	}
	if p.Issued < e.peer.Issued {
		return errReplay
	}
	e.peer, e.record, e.verified = p, slices.Clone(record), time.Now()
	return nil
}

// has says whether this record of that key was verified a moment ago.
func (r *roster) has(key string, record []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.byKey[key]
	return e != nil && bytes.Equal(e.record, record) && time.Since(e.verified) < stale
}

// expect remembers who has that key, so that the carrier finds it, before there is a record.
func (r *roster) expect(p Peer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.entry(p)
	return err
}

// entry finds or makes it. A new one counts as not alive since now: one that never comes alive is
// forgotten too.
func (r *roster) entry(p Peer) (*entry, error) {
	key := nameOf(p.Key)
	if e := r.byKey[key]; e != nil {
		return e, nil
	}
	if len(r.byKey) >= r.limit {
		return nil, errFull
	}
	// Issued stays 0: a known peer's record on disk must not refuse the one it gossips.
	e := &entry{peer: Peer{Name: p.Name, Key: p.Key}, since: time.Now()}
	r.byKey[key] = e
	return e, nil
}

func (r *roster) set(key string, alive bool) {
	r.mu.Lock()
	if e := r.byKey[key]; e != nil {
		e.alive, e.since = alive, time.Now()
	}
	r.mu.Unlock()
	r.changed()
}

func (r *roster) changed() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// name is the node name of the one with that key; "" when unknown.
func (r *roster) name(key string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.byKey[key]; e != nil {
		return e.peer.Name
	}
	return ""
}

// living are those of peers that are alive with a good record, as it tells.
func (r *roster) living(peers []Peer) []Peer {
	now := time.Now().UnixMilli()
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Peer
	for _, p := range peers {
		e := r.byKey[nameOf(p.Key)]
		if e != nil && e.alive && e.record != nil && (e.peer.Expires == 0 || e.peer.Expires > now) {
			all = append(all, e.peer)
		}
	}
	slices.SortFunc(all, func(a, b Peer) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// missing are those of peers that are not alive.
func (r *roster) missing(peers []Peer) []Peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(peers), func(p Peer) bool {
		e := r.byKey[nameOf(p.Key)]
		return e != nil && e.alive
	})
}

// sweep forgets who has not been alive for longer than memberlist remembers the dead: it forgets them
// after a round of probing, which takes a second a node.
func (r *roster) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	long := 4*dead + time.Duration(len(r.byKey))*time.Second
	for key, e := range r.byKey {
		if !e.alive && time.Since(e.since) > long {
			delete(r.byKey, key)
		}
	}
}
