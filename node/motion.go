package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// motion is a draft on its way through the stewards' agreement.
type motion struct {
	draft room.Draft
	tops  []*roompb.Top
	away  string    // the leader that could not be reached
	since time.Time // when that was
	event *room.Event
	done  chan result // one slot
}

// errMoved: another steward leads.
var errMoved = errors.New("another steward leads")

// errAsIs: what the draft asks for is so already.
var errAsIs = errors.New("the state is so already")

// agreeTimeout is how long a majority of the stewards has to answer before a draft waits.
const agreeTimeout = 5 * time.Second

// leaderPatience is how long a leader that was found away is not asked again.
const leaderPatience = 2 * time.Second

// move takes a draft through the agreement of the room's stewards, of which this node is
// one: by the leader if there is one, else by becoming it. It returns once the entry is in
// the room here, or, when the leader took it, about then. ErrUnreachable: no majority of
// the stewards could be brought together. passed: a steward that does not lead has sent
// it, so it is not sent on.
func (n *Node) move(ctx context.Context, c *chamber, d room.Draft, tops []*roompb.Top, passed bool) (Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, agreeTimeout)
	defer cancel()
	k := n.councils.of(c.id)
	m := &motion{draft: d, tops: tops}
	for ctx.Err() == nil {
		leader, err := k.leader(c)
		if err != nil {
			return Receipt{}, err
		}
		away := m.away == leader && time.Since(m.since) < leaderPatience
		switch {
		case leader == n.name || leader == "" || away:
			r, err := k.put(ctx, c, m)
			if !errors.Is(err, errMoved) {
				return r, err
			}
		case passed:
			return Receipt{}, &room.Error{Code: room.Unavailable, RetryAfter: tick, Message: "Another steward leads: " + leader + "."}
		default:
			r, err := n.passOn(ctx, c, leader, d, tops)
			if err == nil || !again(err) {
				return r, err
			}
			m.away, m.since = leader, time.Now()
		}
	}
	return Receipt{}, ErrUnreachable
}

// again tells whether another steward may do what this one did not.
func again(err error) bool {
	var refused *room.Error
	return errors.Is(err, ErrUnreachable) || errors.As(err, &refused) && refused.Retry()
}

// passOn asks the leader.
func (n *Node) passOn(ctx context.Context, c *chamber, leader string, d room.Draft, tops []*roompb.Top) (Receipt, error) {
	ask, err := c.proposal(&d)
	if err != nil {
		return Receipt{}, err
	}
	ask.GetPropose().Passed, ask.GetPropose().Tops = true, tops
	within, cancel := context.WithTimeout(ctx, min(n.patienceWith(leader), stewardAsk))
	defer cancel()
	a, err := n.ask(within, leader, ask)
	if err != nil {
		return Receipt{}, err
	}
	return c.proposedThere(ctx, a)
}

// leader is who leads now, as far as this steward knows.
func (k *council) leader(c *chamber) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.refresh(c); err != nil {
		return "", err
	}
	if k.group.Idle() {
		return "", errNoSteward
	}
	return k.group.Leader(), nil
}

// put hands a motion to this steward, which looks for votes unless it leads, and waits for
// what becomes of it.
func (k *council) put(ctx context.Context, c *chamber, m *motion) (Receipt, error) {
	m.done, m.event = make(chan result, 1), nil
	if err := k.take(c, m); err != nil {
		return Receipt{}, err
	}
	select {
	case r := <-m.done:
		return r.receipt, r.err
	case <-ctx.Done():
		k.withdraw(m)
		return Receipt{}, ErrUnreachable
	}
}

func (k *council) take(c *chamber, m *motion) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.refresh(c); err != nil {
		return err
	}
	if len(k.waiting) >= mostDraft {
		return &room.Error{Code: room.Busy, Message: "Too much is being changed in this room at once. Try again in a moment.", RetryAfter: time.Second}
	}
	k.waiting = append(k.waiting, m)
	k.idle = 0
	if !k.group.Leads() && len(k.waiting) == 1 {
		k.group.Campaign()
	}
	k.work(c)
	if !k.running && (len(k.waiting) > 0 || k.begun != nil) {
		k.n.rooms.start(k.start)
	}
	return nil
}

// withdraw takes back a motion that nobody waits for. What was proposed may still come
// about: asking again with the same key then finds it.
func (k *council) withdraw(m *motion) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = slices.DeleteFunc(k.waiting, func(o *motion) bool { return o == m })
	if k.begun == m {
		k.begun = nil
	}
}

// seal proposes the first motion that waits, as soon as this steward leads and everything
// before is settled. What the rules refuse is refused at once. k.mu is held.
func (k *council) seal(c *chamber) {
	for len(k.waiting) > 0 && k.begun == nil && k.group.CanSeal() {
		m := k.waiting[0]
		k.waiting = k.waiting[1:]
		done, err := k.settledBefore(c, m)
		switch {
		case done:
			continue
		case err != nil:
			m.done <- result{err: err}
			continue
		}
		e, err := c.sealEntry(m, k.group.State().Index)
		if errors.Is(err, later) {
			k.waiting = slices.Insert(k.waiting, 0, m)
			return // the room has moved on: its poke comes
		}
		if errors.Is(err, errAsIs) {
			c.mu.RLock()
			m.done <- result{receipt: c.asIs()}
			c.mu.RUnlock()
			continue
		}
		if err == nil {
			err = k.group.Propose(e)
		}
		if err != nil {
			m.done <- result{err: err}
			continue
		}
		m.event, k.begun = e, m
	}
}

// settledBefore answers a motion whose key was used before with what came of it then.
func (k *council) settledBefore(c *chamber, m *motion) (bool, error) {
	if m.draft.Key == "" {
		return false, nil
	}
	key, ok, err := k.n.store.Key(m.draft.Author, k.id, m.draft.Key)
	if err != nil {
		return false, fmt.Errorf("look up key in room %s: %w", k.id, err)
	}
	if !ok {
		return false, nil
	}
	r := Receipt{Event: key.Event, Room: k.id, Pos: key.Pos, Time: key.Time}
	if row, err := c.find(key.Event); err == nil {
		r.Index = row.Event.Header.GetStateIndex()
	}
	m.done <- result{receipt: r}
	return true, nil
}

// sealEntry makes a motion the entry after index, if the rules allow it. later: the room
// is not there any more.
func (c *chamber) sealEntry(m *motion, index uint64) (*room.Event, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	switch {
	case c.state.Index != index:
		return nil, later
	case c.frozen != "":
		return nil, room.Errorf(room.Forbidden, "This room can only be read. %s", c.frozen)
	}
	d := &m.draft
	c.cut(d, m.tops)
	d.Body.Key = d.Key
	e, err := room.Seal(&roompb.Header{
		Room: c.id.Bytes(), Log: roompb.Log_LOG_STATE, Origin: c.state.Origin(), Incarnation: 1,
		Seq: index + 1, StateIndex: index + 1, Prev: c.state.Hash.Bytes(),
		Time: uint64(max(c.clock, c.state.Clock).Next(c.n.millis())), Author: string(d.Author), Kind: string(d.Kind),
	}, d.Body)
	if err != nil {
		return nil, err
	}
	if err = c.state.Check(e); err == nil && !c.state.Changes(e) {
		err = errAsIs
	}
	return e, err
}

// resolve answers the motion that was proposed once the room has come to its place: by
// its entry, or by another one. k.mu is held.
func (k *council) resolve(c *chamber) {
	m := k.begun
	if m == nil {
		return
	}
	h := m.event.Header
	switch {
	case k.at.Index < h.GetSeq() && k.group != nil && (k.group.Busy() || k.group.Leads()):
		return
	case k.at.Index >= h.GetSeq():
		if row, err := c.find(m.event.ID); err == nil {
			m.done <- result{receipt: Receipt{Event: m.event.ID, Room: k.id, Pos: row.Pos, Time: m.event.Time().Millis(), Index: h.GetSeq()}}
			k.begun = nil
			return
		}
	}
	m.event, k.begun = nil, nil // another one took its place
	k.waiting = slices.Insert(k.waiting, 0, m)
}

// pass gives the motions that wait back to those who brought them when another steward
// leads, and can be asked. k.mu is held.
func (k *council) pass(lead string) {
	if lead == "" || lead == k.n.name {
		return
	}
	k.waiting = slices.DeleteFunc(k.waiting, func(m *motion) bool {
		if m.away == lead && time.Since(m.since) < leaderPatience {
			return false
		}
		m.done <- result{err: errMoved}
		return true
	})
}

// give ends all motions. k.mu is held.
func (k *council) give(err error) {
	if k.begun != nil {
		k.waiting = append(k.waiting, k.begun)
		k.begun = nil
	}
	for _, m := range k.waiting {
		m.done <- result{err: err}
	}
	k.waiting = nil
}

// isStewardOf tells whether a node is one of several that order a room.
func (n *Node) isStewardOf(id room.ID, node string) bool {
	c, err := n.rooms.get(id)
	return err == nil && c.several() && c.isSteward(node)
}

// invite tells another node of whom the stewards' agreement brings in. All of them do, as
// any may be gone in a moment.
func (t *turn) invite(r *received) error {
	if e := r.last(); r.peer == t.c.n.name && e.Kind() == room.KindInvite {
		create, err := t.c.find(t.c.id)
		if err != nil {
			return err
		}
		t.app.Outbox = t.c.n.invitations(t.fold.state, e, r.head, create)
	}
	return nil
}

// answerLater remembers, on every steward, what became of a draft: whoever asks again with
// its key is told, whoever leads then.
func (t *turn) answerLater(row *storage.Row) {
	e := row.Event
	if key := e.Body.GetKey(); key != "" && len(key) <= maxKey && t.c.state.IsSteward(t.c.n.name) {
		t.app.Keys = append(t.app.Keys, storage.Key{User: e.Author(), Key: key, Event: e.ID, Pos: row.Pos, Time: e.Time().Millis()})
	}
}
