package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// away is a room whose state another node orders, or that is not here yet.
func (n *Node) away(id room.ID) (*chamber, bool) {
	c, err := n.rooms.get(id)
	if err != nil {
		return nil, false // submit says what is wrong
	}
	return c, c.home() != n.name || c.several()
}

func (c *chamber) home() string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.Home
}

func (c *chamber) isStub() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.stub) > 0
}

// takesPart tells whether this node gets the room's events.
func (c *chamber) takesPart() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.stub) == 0 && c.state.Takes(c.n.name)
}

// propose asks a room's home for an entry of its state log. When the home cannot be
// reached the proposal waits until it can: a leave holds here at once.
func (n *Node) propose(ctx context.Context, c *chamber, d room.Draft) (Receipt, error) {
	if d.Kind == room.KindJoin && !c.takesPart() {
		return n.bringIn(ctx, c, d)
	}
	since := c.settled(d.Author)
	ask, err := c.proposal(&d)
	if err != nil {
		return Receipt{}, err
	}
	patience := bringTimeout
	if d.Kind == room.KindLeave {
		patience = leaveTimeout
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := n.bring(within, c, d, ask)
	if errors.Is(err, ErrUnreachable) {
		return n.proposeLater(ctx, c, d, ask, since)
	}
	if err != nil {
		return Receipt{}, err
	}
	if d.Kind == room.KindLeave && !c.takesPart() { // an invitation was declined
		return Receipt{Room: c.id}, n.goAway(ctx, c, d.Author, since)
	}
	return r, nil
}

// patienceWith is how long a user waits for an answer of another node: of one that was away
// a moment ago none is to be expected soon.
func (n *Node) patienceWith(name string) time.Duration {
	if p, known := n.Peers.Lookup(name); known && p.State.Link != peer.Up && !p.State.Since.IsZero() {
		return awayTimeout
	}
	return askTimeout
}

// lost tells whether a node was tried and could not be reached: nobody needs to wait for that
// again. What is proposed to it goes out when its link is up (PeerUp).
func (n *Node) lost(name string) bool {
	p, known := n.Peers.Lookup(name)
	return known && p.State.Link != peer.Up && p.State.Error != ""
}

// proposal is a draft as its home is asked for it. The key makes asking twice harmless.
func (c *chamber) proposal(d *room.Draft) (*roompb.Ask, error) {
	body, err := proto.Marshal(d.Body)
	if err != nil {
		return nil, fmt.Errorf("encode proposal for room %s: %w", c.id, err)
	}
	if d.Key == "" {
		d.Key = rand.Text()
	}
	p := &roompb.ProposeAsk{Room: c.id.Bytes(), Author: string(d.Author), Kind: string(d.Kind), Body: body, Key: d.Key}
	if d.Kind == room.KindLeave {
		p.Tops = c.ownTops()
	}
	return &roompb.Ask{What: &roompb.Ask_Propose{Propose: p}}, nil
}

// ownTops is how far this node's own logs have come.
func (c *chamber) ownTops() []*roompb.Top {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.DeleteFunc(c.tops(), func(t *roompb.Top) bool { return t.GetOrigin() != c.n.name })
}

// mayWait are the changes that are worth making late. Who joins wants to be let in now.
var mayWait = map[room.Kind]bool{
	room.KindLeave: true, room.KindInvite: true, room.KindKick: true, room.KindBan: true, room.KindUnban: true,
	room.KindRole: true, room.KindSettings: true, room.KindNodeBan: true, room.KindNodeUnban: true,
}

func (n *Node) proposeLater(ctx context.Context, c *chamber, d room.Draft, ask *roompb.Ask, since uint64) (Receipt, error) {
	home := c.home()
	if !mayWait[d.Kind] {
		return Receipt{}, c.standsStill()
	}
	if d.Kind != room.KindLeave { // what is plainly refused need not wait
		if err := c.wouldRefuse(&d); err != nil {
			return Receipt{}, err
		}
	}
	if d.Kind == room.KindLeave { // they may have talked on while the home was waited for
		ask.GetPropose().Tops = c.ownTops()
	}
	if err := n.sending.post(home, ask); err != nil {
		return Receipt{}, err
	}
	if !n.lost(home) { // it may have come back just now, or answer late
		n.sending.try(home)
	}
	if d.Kind == room.KindLeave {
		return Receipt{Room: c.id, Waiting: true}, n.goAway(ctx, c, d.Author, since)
	}
	return Receipt{Room: c.id, Waiting: true}, nil
}

// wouldRefuse checks a proposal by the state that is known here.
func (c *chamber) wouldRefuse(d *room.Draft) error {
	e, err := room.Seal(&roompb.Header{
		Room: c.id.Bytes(), Log: d.Kind.Log(), Origin: c.n.name, Incarnation: 1, Seq: 1,
		Author: string(d.Author), Kind: string(d.Kind),
	}, d.Body)
	if err != nil {
		return err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.state.Partial() { // who can tell?
		return nil
	}
	return c.state.Check(e)
}

// settled is the newest entry that says how a user stands: the state log's last, or, of an
// invitation to a room that was here once, the invitation.
func (c *chamber) settled(u room.User) uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return max(c.state.Index, c.state.Member(u).From)
}

// goAway takes a user out of a room here, whatever its home says and whenever; unless the
// home has spoken since the user asked: it did so, and may have let them in again.
func (n *Node) goAway(ctx context.Context, c *chamber, u room.User, since uint64) error {
	s := &submission{gone: u, since: since, done: make(chan result, 1)}
	if err := n.submit(c.id, s); err != nil {
		return err
	}
	_, err := s.wait(ctx)
	return err
}

// leaveAgain asks a room's home once more for what it has forgotten, with whom this node is level: who
// left is a member there, and nothing waits any more. A backup of the home was restored, and nobody else
// had the entry.
func (c *chamber) leaveAgain(peer string) {
	if c.home() != peer || c.n.sending.waitingFor(c.id) > 0 {
		return
	}
	for _, u := range c.stillIn() {
		d := room.Draft{Room: c.id, Author: u, Kind: room.KindLeave}
		err := c.n.prepare(&d)
		if err == nil {
			var ask *roompb.Ask
			if ask, err = c.proposal(&d); err == nil {
				err = c.n.sending.post(peer, ask)
			}
		}
		if err != nil {
			c.n.log.Error("ask again for a leave that the home has forgotten", "room", c.text, "user", u, "err", err)
			continue
		}
		c.n.sending.try(peer)
	}
}

// stillIn are the members who have left as far as this node is concerned.
func (c *chamber) stillIn() (out []room.User) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for u := range c.leaving {
		if c.state.Member(u).Membership == room.Joined {
			out = append(out, u)
		}
	}
	return out
}

// patience is how long an answer is held back until the entry it tells of has come here.
const patience = 3 * time.Second

// until waits for an entry of the state log to come, so that who asked for it sees it.
func (c *chamber) until(ctx context.Context, index uint64) {
	done := make(chan struct{})
	c.mu.Lock()
	if index <= c.state.Index {
		c.mu.Unlock()
		return
	}
	c.waiters[done] = index
	c.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	case <-ctx.Done():
	}
	c.mu.Lock()
	delete(c.waiters, done)
	c.mu.Unlock()
}

// answerPropose appends an entry for a user of the asking node, or says why not.
func (n *Node) answerPropose(ctx context.Context, peer string, q *roompb.ProposeAsk) (*roompb.Answer, error) {
	id, d, err := n.proposed(peer, q)
	if err != nil {
		return nil, err
	}
	c, err := n.rooms.get(id)
	if room.CodeOf(err) == room.NotFound {
		return nil, noSuchRoom()
	}
	if err != nil {
		return nil, err
	}
	a, err := n.proposeHere(ctx, c, peer, d, q)
	if err != nil && !c.showsItself(peer, d.Author) {
		return nil, noSuchRoom()
	}
	return a, err
}

// showsItself tells whether a user of another node may learn that the room is there.
func (c *chamber) showsItself(peer string, u room.User) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.Public || c.state.Takes(peer) || c.state.Member(u).Membership != ""
}

func (n *Node) proposeHere(ctx context.Context, c *chamber, peer string, d room.Draft, q *roompb.ProposeAsk) (*roompb.Answer, error) {
	if c.several() && c.isSteward(n.name) {
		return n.answerMotion(ctx, c, peer, d, q)
	}
	if c.home() != n.name || c.isStub() {
		return nil, c.orderedBy()
	}
	if alias := d.Body.GetSettings().GetAlias(); d.Kind == room.KindSettings && alias != "" {
		n.creating.Lock()
		defer n.creating.Unlock()
		if err := n.checkAliasFree(alias, c.id); err != nil {
			return nil, err
		}
	}
	if err := n.confirm(ctx, c); err != nil {
		return nil, err
	}
	s := &submission{draft: d, tops: q.GetTops(), done: make(chan result, 1)}
	if err := n.submit(c.id, s); err != nil {
		return nil, err
	}
	r, err := s.wait(ctx)
	if err != nil {
		return nil, err
	}
	return c.proposalAnswer(r), nil
}

// answerMotion is answerPropose of one of several stewards.
func (n *Node) answerMotion(ctx context.Context, c *chamber, peer string, d room.Draft, q *roompb.ProposeAsk) (*roompb.Answer, error) {
	if alias := d.Body.GetSettings().GetAlias(); d.Kind == room.KindSettings && alias != "" {
		switch origin := c.origins(); {
		case origin == n.name:
			if err := n.checkAliasFree(alias, c.id); err != nil {
				return nil, err
			}
		case origin != peer || !q.GetPassed():
			return nil, room.Errorf(room.Forbidden, "The room's address is one of the node %s, which has to be asked for another one.", origin)
		}
	}
	r, err := n.move(ctx, c, d, q.GetTops(), q.GetPassed())
	switch {
	case errors.Is(err, ErrUnreachable):
		err = c.standsStill()
	case err == errNoSteward:
		err = c.orderedBy()
	}
	if err != nil {
		return nil, err
	}
	return c.proposalAnswer(r), nil
}

// orderedBy sends who asks this node for what another one orders there.
func (c *chamber) orderedBy() error { return orderedBy(c.home()) }

func orderedBy(home string) error {
	return &room.Error{Code: room.Unavailable, RetryAfter: resend, Home: home, Message: "The room's state is ordered by the node " + home + ", which has to be asked."}
}

func (c *chamber) proposalAnswer(r Receipt) *roompb.Answer {
	if r.Index == 0 { // answered before: the entry is found by its id
		if row, err := c.find(r.Event); err == nil {
			r.Index = row.Event.Header.GetStateIndex()
		}
	}
	return &roompb.Answer{What: &roompb.Answer_Propose{Propose: &roompb.ProposeAnswer{Event: r.Event.Bytes(), Index: r.Index}}}
}

// proposed checks what can be checked outside the room's loop.
func (n *Node) proposed(peer string, q *roompb.ProposeAsk) (id room.ID, d room.Draft, err error) {
	if id, err = room.HashFromBytes(q.GetRoom()); err != nil {
		return id, d, err
	}
	author, err := room.ParseUser(q.GetAuthor())
	if err != nil {
		return id, d, err
	}
	d = room.Draft{Room: id, Author: author, Kind: room.Kind(q.GetKind()), Body: new(roompb.Body), Key: q.GetKey()}
	switch {
	case author.Node() != peer && !q.GetPassed():
		return id, d, room.Errorf(room.Forbidden, "%s is not a user of %s.", author, peer)
	case author.Node() != peer && !n.isStewardOf(id, peer): // it may have become one a moment ago
		return id, d, room.Errorf(room.Unavailable, "%s is not known here as one of the room's stewards.", peer)
	case !d.Kind.State() || d.Kind == room.KindCreate:
		return id, d, room.Errorf(room.BadRequest, "An event of kind %s is nobody's to propose.", clip(q.GetKind(), 40))
	case len(q.GetKey()) > maxKey || len(q.GetBody()) > room.MaxBody || len(q.GetTops()) > room.MaxTops:
		return id, d, room.Errorf(room.TooLarge, "The proposal is too large.")
	}
	if err := proto.Unmarshal(q.GetBody(), d.Body); err != nil {
		return id, d, room.Errorf(room.BadRequest, "The proposal's body cannot be read.")
	}
	if d.Body.GetGhost() != nil || d.Body.GetBridge() != "" && d.Kind != room.KindJoin {
		return id, d, room.Errorf(room.BadRequest, "Only a bot that joins says what it bridges to, and no entry of the state is a ghost's.")
	}
	if len(d.Body.GetSalt()) != room.SaltLen {
		return id, d, room.Errorf(room.BadRequest, "The proposal's body has no salt.")
	}
	if err := room.CheckBody(d.Kind, d.Body); err != nil {
		return id, d, err
	}
	p, ok := n.Peers.Lookup(author.Node())
	if q.GetPassed() && !ok { // the steward that passes it on knows the author's node
		return id, d, n.disk.admit(d.Kind)
	}
	if len(d.Body.GetNodeKey()) > 0 && author.Node() != n.name && (!ok || string(p.Key) != string(d.Body.GetNodeKey())) {
		return id, d, room.Errorf(room.Forbidden, "The proposal brings another key than the node %s has.", peer)
	}
	return id, d, n.disk.admit(d.Kind)
}
