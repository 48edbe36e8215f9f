package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// foreigners are the users of other nodes, as far as this one knows them: their profiles
// are kept here, and asked for when somebody looks.
type foreigners struct {
	n    *Node
	wake chan struct{}

	mu     sync.Mutex
	wanted map[room.User]struct{}
	asked  map[room.User]time.Time
}

const (
	askAgain    = time.Hour // at most this often for one user
	mostAsked   = 10_000
	profileText = 200 // characters of a name or a status that are kept
)

func newForeigners(n *Node) *foreigners {
	return &foreigners{n: n, wake: make(chan struct{}, 1), wanted: map[room.User]struct{}{}, asked: map[room.User]time.Time{}}
}

// Profile is what people see of a user of any node. One of another node that is not
// known yet has a name alone, and is asked for.
func (n *Node) Profile(u room.User) (*roompb.Profile, error) {
	if u.Node() == n.name {
		return n.Accounts.Profile(u)
	}
	p, err := n.store.ForeignProfile(u)
	if err != nil {
		return nil, fmt.Errorf("read profile of %s: %w", u, err)
	}
	n.foreign.want(u)
	if p == nil {
		p = &roompb.Profile{User: string(u)}
	}
	return p, nil
}

// Profiles are the profiles of those users that are known, or may be.
func (n *Node) Profiles(users []room.User) ([]*roompb.Profile, error) {
	out := make([]*roompb.Profile, 0, len(users))
	for _, u := range users {
		p, err := n.Profile(u)
		if room.CodeOf(err) == room.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// lookUp is a user's profile now; of another node's user, as that node says.
func (n *Node) lookUp(u room.User) (*roompb.Profile, error) {
	if u.Node() == n.name {
		return n.Accounts.Profile(u)
	}
	if p, err := n.store.ForeignProfile(u); err != nil || p != nil {
		return p, err
	}
	ctx, cancel := context.WithTimeout(n.life, askTimeout)
	defer cancel()
	a, err := n.ask(ctx, u.Node(), profilesAsk(u))
	if err != nil {
		return nil, unreached(err, u.Node())
	}
	n.foreign.learn(u.Node(), a.GetProfiles().GetProfiles())
	p, err := n.store.ForeignProfile(u)
	if err == nil && p == nil {
		err = room.Errorf(room.NotFound, "There is no user %s.", u)
	}
	return p, err
}

// unreached is what people are told when another node was asked for something: everywhere
// the same.
func unreached(err error, node string) error {
	if errors.Is(err, ErrUnreachable) {
		return notReached(node)
	}
	return err
}

func notReached(node string) error {
	return &room.Error{Code: room.Unavailable, RetryAfter: 10 * time.Second, Message: fmt.Sprintf(
		"The node %s cannot be reached. Try again later; if it stays so, check its name, and that the two nodes know each other (hearth peers).", node)}
}

func profilesAsk(users ...room.User) *roompb.Ask {
	q := &roompb.ProfilesAsk{}
	for _, u := range users {
		q.Users = append(q.Users, string(u))
	}
	return &roompb.Ask{What: &roompb.Ask_Profiles{Profiles: q}}
}

// want asks for a profile soon, unless it was asked for not long ago.
func (f *foreigners) want(u room.User) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.n.now()
	if now.Sub(f.asked[u]) < askAgain || len(f.wanted) >= mostProfiles {
		return
	}
	if len(f.asked) >= mostAsked {
		clear(f.asked)
	}
	f.asked[u] = now
	f.wanted[u] = struct{}{}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *foreigners) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wake:
		}
		for node, users := range f.take() {
			f.n.running.Go(func() { f.ask(ctx, node, users) })
		}
	}
}

func (f *foreigners) take() map[string][]room.User {
	f.mu.Lock()
	defer f.mu.Unlock()
	byNode := map[string][]room.User{}
	for u := range f.wanted {
		byNode[u.Node()] = append(byNode[u.Node()], u)
	}
	clear(f.wanted)
	return byNode
}

func (f *foreigners) ask(ctx context.Context, node string, users []room.User) {
	if !f.n.up(node) {
		f.mu.Lock()
		for _, u := range users {
			delete(f.asked, u) // as soon as somebody looks again
		}
		f.mu.Unlock()
		return
	}
	within, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	a, err := f.n.ask(within, node, profilesAsk(users...))
	if err == nil {
		f.learn(node, a.GetProfiles().GetProfiles())
	}
}

// learn keeps what a node says of its own users, and shows it to those who look at them.
func (f *foreigners) learn(node string, profiles []*roompb.Profile) {
	for _, p := range profiles[:min(len(profiles), mostProfiles)] {
		u, err := room.ParseUser(p.GetUser())
		if err != nil || u.Node() != node {
			continue
		}
		clean := &roompb.Profile{User: string(u), DisplayName: line(p.GetDisplayName()), Status: line(p.GetStatus()), Disabled: p.GetDisabled(), Bridge: line(p.GetBridge())}
		if _, err := room.ParseHash(p.GetAvatar()); err == nil {
			clean.Avatar = p.GetAvatar()
		}
		if err := f.n.store.PutForeignProfile(clean); err != nil {
			f.n.log.Error("keep a profile", "user", u, "err", err)
			return
		}
		f.n.showProfile(u, clean)
	}
}

// line is another node's text when it is one that a user of this node could have written.
func line(s string) string {
	if room.CheckLine("text", s, profileText) != nil {
		return ""
	}
	return s
}
