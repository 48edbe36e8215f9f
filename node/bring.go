package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// bringTimeout is for finding somebody who takes a proposal now; after that it waits.
const bringTimeout = 12 * time.Second

// leaveTimeout is the same for a leave, which holds here at once whatever comes of it.
const leaveTimeout = time.Second

// mostSentOn is how many nodes are asked at most that were not known here as a room's stewards.
const mostSentOn = 4

// sentOn is the home that a refusal names, "" when it names none.
func sentOn(err error) string {
	var refused *room.Error
	if errors.As(err, &refused) {
		return refused.Home
	}
	return ""
}

// moving is how long the entry that makes another node the home may be on its way there.
const moving = 250 * time.Millisecond

// atHome asks a node, and then whichever it is sent on to.
func (n *Node) atHome(home string, ask func(home string) error) error {
	for asked := []string{}; ; {
		err := ask(home)
		next := sentOn(err)
		if asked = append(asked, home); next == "" || next == n.name || next == home || len(asked) > mostSentOn {
			return err
		}
		if slices.Contains(asked, next) { // each says that it is the other
			n.pause(moving)
		}
		home = next
	}
}

// orderers are the nodes that may take a proposal, the likeliest first: who took the last
// one, the home, the other stewards. Without this one.
func (c *chamber) orderers() []string {
	c.mu.RLock()
	all := append([]string{c.leader(), c.state.Home}, c.state.Stewards...)
	c.mu.RUnlock()
	var out []string
	for _, name := range all {
		if name != "" && name != c.n.name && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// bring takes a proposal to where the room's state is ordered: to its home, or to its
// stewards one after the other until one of them can do it. ErrUnreachable: none can.
func (n *Node) bring(ctx context.Context, c *chamber, d room.Draft, ask *roompb.Ask) (Receipt, error) {
	to := c.orderers()
	most := len(to) + mostSentOn
	if c.several() {
		var r Receipt
		var done bool
		var err error
		if r, to, done, err = n.bringHere(ctx, c, d, ask, to); done {
			return r, err
		}
	}
	for i := 0; i < len(to); i++ {
		name := to[i]
		if mayWait[d.Kind] && n.lost(name) {
			continue
		}
		patience := n.patienceWith(name)
		if len(to) > 1 {
			patience = min(patience, agreeTimeout) // the next one may answer sooner
		}
		within, cancel := context.WithTimeout(ctx, patience)
		a, err := n.ask(within, name, ask)
		cancel()
		if next := sentOn(err); next != "" && next != n.name && len(to) < most && !slices.Contains(to, next) {
			to = append(to, next) // the state here is older: perhaps nobody tells this node of another home any more
			continue
		}
		if c.several() && err != nil && again(err) {
			continue
		}
		if err != nil {
			return Receipt{}, err
		}
		n.councils.took(c.id, name)
		return c.proposedThere(ctx, a)
	}
	return Receipt{}, ErrUnreachable
}

// bringHere is bring in a room of several stewards, as far as this node is one of them;
// where it has no say, it tells whom to ask.
func (n *Node) bringHere(ctx context.Context, c *chamber, d room.Draft, ask *roompb.Ask, to []string) (Receipt, []string, bool, error) {
	if alias := d.Body.GetSettings().GetAlias(); alias != "" {
		switch origin := c.origins(); {
		case !c.isSteward(origin):
			return Receipt{}, nil, true, room.Errorf(room.Forbidden, "The room's address is one of the node %s, which no longer has a say in it.", origin)
		case origin != n.name:
			return Receipt{}, []string{origin}, false, nil
		}
	}
	if !c.isSteward(n.name) {
		return Receipt{}, to, false, nil
	}
	if mayWait[d.Kind] && n.minority(c) {
		return Receipt{}, nil, true, ErrUnreachable
	}
	r, err := n.move(ctx, c, d, ask.GetPropose().GetTops(), false)
	return r, to, err != errNoSteward, err
}

// minority tells whether so many of the room's stewards are known to be away that the others
// can agree on nothing.
func (n *Node) minority(c *chamber) bool {
	all := c.stewards()
	here := slices.DeleteFunc(slices.Clone(all), n.lost)
	return 2*len(here) <= len(all)
}

// proposedThere is what another node's answer to a proposal says. It waits a moment for
// the entry to come here, so that who asked for it sees it.
func (c *chamber) proposedThere(ctx context.Context, a *roompb.Answer) (Receipt, error) {
	event, err := room.HashFromBytes(a.GetPropose().GetEvent())
	if err != nil {
		return Receipt{}, err
	}
	c.until(ctx, a.GetPropose().GetIndex())
	return Receipt{Event: event, Room: c.id, Index: a.GetPropose().GetIndex()}, nil
}

func (c *chamber) isSteward(node string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.IsSteward(node)
}

// origins is the node that the room was made on.
func (c *chamber) origins() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.Origin()
}

// bringAgain is for a proposal that waited: to was its room's home when it was made.
func (n *Node) bringAgain(ctx context.Context, to string, ask *roompb.Ask) error {
	if q := ask.GetPropose(); q != nil {
		id, d, err := n.proposed(n.name, q)
		if err != nil {
			return err
		}
		switch c, away := n.away(id); {
		case away:
			_, err := n.bring(ctx, c, d, ask)
			return err
		case c != nil: // this node has become the home meanwhile
			_, err := n.order(ctx, &submission{draft: d, tops: q.GetTops(), done: make(chan result, 1)})
			return err
		}
	}
	_, err := n.ask(ctx, to, ask)
	return err
}

// bringIn is bring for somebody who joins a room that this node has no part in: whichever
// of its stewards lets them in hands the room over too.
func (n *Node) bringIn(ctx context.Context, c *chamber, d room.Draft) (r Receipt, err error) {
	to := c.orderers()
	for i, name := range to {
		r, err = n.enter(ctx, c.id, name, d)
		if err == nil || !again(err) || i == len(to)-1 {
			return r, err
		}
	}
	return Receipt{}, notReached(c.home())
}

// standsStill is why a change of the state has to wait.
func (c *chamber) standsStill() error {
	if !c.several() {
		return notReached(c.home())
	}
	return &room.Error{Code: room.Unavailable, RetryAfter: 10 * time.Second, Message: fmt.Sprintf(
		"Most of the nodes that order this room (%s) cannot be reached. Talk goes on; try this again later.", strings.Join(c.stewards(), ", "))}
}

func (c *chamber) stewards() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clone(c.state.Stewards)
}
