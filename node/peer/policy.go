package peer

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// Policy says which nodes this one talks to.
type Policy string

const (
	// PolicyOpen: any node that proves its key.
	PolicyOpen Policy = "open"
	// PolicyInvite: nodes with an invite, those that an administrator joins, and those that
	// gossip or a shared room brings in: an invitation is into the federation, so whom one
	// of its nodes has let in the others let in too.
	PolicyInvite Policy = "invite"
	// PolicyList: only nodes that an administrator joined, or gave an invite.
	PolicyList Policy = "list"
)

// ParsePolicy reads a policy's name.
func ParsePolicy(s string) (Policy, error) {
	p := Policy(s)
	if !slices.Contains([]Policy{PolicyOpen, PolicyInvite, PolicyList}, p) {
		return "", room.Errorf(room.BadRequest, "%q is not a policy: open, invite or list.", s)
	}
	return p, nil
}

// Policy is the one in force.
func (b *Book) Policy() Policy {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.policy
}

// SetPolicy changes it. Links that stand are not ended.
func (b *Book) SetPolicy(p Policy) error {
	if _, err := ParsePolicy(string(p)); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.store.PutValue(valuePolicy, []byte(p)); err != nil {
		return err
	}
	b.policy = p
	return nil
}

// Admit decides about a node that has proven its key and asks to be let in, and pins it.
// The secret is that of an invite link, or empty; vouched says that a room which both
// take part in names this key for it.
func (b *Book) Admit(s *roompb.SignedRecord, secret string, vouched bool) (Peer, error) {
	r, err := ReadRecord(s, b.now())
	if err != nil {
		return Peer{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.checkKey(r); err != nil {
		return Peer{}, err
	}
	if b.welcome(r.GetName(), vouched) == nil {
		return b.pin(r, s)
	}
	return b.admitByInvite(r, s, secret, vouched)
}

func (b *Book) admitByInvite(r *roompb.Record, s *roompb.SignedRecord, secret string, vouched bool) (Peer, error) {
	refusal := b.welcome(r.GetName(), vouched)
	if e := b.peers[r.GetName()]; e != nil && e.stored.GetBlocked() || secret == "" {
		return Peer{}, refusal
	}
	hash, err := hashSecret(secret)
	if err != nil {
		return Peer{}, err
	}
	e, err := b.write(r, s, func(p *storagepb.Peer) error {
		_, err := b.store.PutPeerByInvite(p, hash, b.now().UnixMilli())
		return err
	})
	if err != nil {
		return Peer{}, err
	}
	if err := b.list(r.GetName()); err != nil {
		return Peer{}, err
	}
	return b.view(e), nil
}

// welcome says why a node is not let in without an invite; nil: it is.
func (b *Book) welcome(name string, vouched bool) error {
	e := b.peers[name]
	switch {
	case e != nil && e.stored.GetBlocked():
		return room.Errorf(room.Forbidden, "The node %s is blocked here.", name)
	case b.policy == PolicyOpen, b.listed[name]:
		return nil
	case b.policy == PolicyInvite && (e != nil || vouched):
		return nil
	case b.policy == PolicyList:
		return room.Errorf(room.Forbidden, "The node %s talks only to nodes on its list: its administrator must put %s there, or send an invite link.", b.self, name)
	}
	return room.Errorf(room.Forbidden, "The node %s lets others in by invitation: ask its administrator for an invite link.", b.self)
}

// MayCall says whether this node may go to another on its own, for a user's wish; nil: it may.
func (b *Book) MayCall(name string, vouched bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.peers[name]
	switch {
	case e != nil && e.stored.GetBlocked():
		return room.Errorf(room.Forbidden, "The node %s is blocked here.", name)
	case b.welcome(name, vouched) != nil:
		return room.Errorf(room.Forbidden, "This node does not know the node %s, and talks only to nodes that an administrator has joined.", name)
	}
	return nil
}

// Join pins a node that an administrator wished to join, and puts it on the list.
func (b *Book) Join(s *roompb.SignedRecord) (Peer, error) {
	p, err := b.Pin(s)
	if err != nil {
		return Peer{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p.Listed = true
	return p, b.list(p.Name)
}

// Knows tells whether name may be gossiped about under key: a node that is known by this
// key, or that may be learnt of; never one that is blocked.
func (b *Book) Knows(name string, key ed25519.PublicKey) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.peers[name]
	if e == nil {
		return b.policy != PolicyList
	}
	return !e.stored.GetBlocked() && bytes.Equal(e.stored.GetKey(), key) && (b.policy != PolicyList || b.listed[name])
}

func (b *Book) list(name string) error {
	if b.listed[name] {
		return nil
	}
	b.listed[name] = true
	if err := b.putList(); err != nil {
		delete(b.listed, name)
		return err
	}
	return nil
}

func (b *Book) unlist(name string) error {
	if !b.listed[name] {
		return nil
	}
	delete(b.listed, name)
	return b.putList()
}

func (b *Book) putList() error {
	names := make([]string, 0, len(b.listed))
	for name := range b.listed {
		names = append(names, name)
	}
	slices.Sort(names)
	if err := b.store.PutValue(valueListed, []byte(strings.Join(names, "\n"))); err != nil {
		return fmt.Errorf("keep list of nodes: %w", err)
	}
	return nil
}
