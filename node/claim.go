package node

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// claims are what peers say of rooms of which they get nothing here: that this node takes
// part in one that it does not have, or that they take part in one of which they are not as
// far as is known here. Mostly one of the two is a moment behind the other. It may also be
// that the answer to a join was lost, that this node became a steward of a room that it has
// left, or that its folder was set back to an older copy: then nobody but the peer tells it.
type claims struct {
	mu   sync.Mutex
	at   map[claim]time.Time  // when each was last looked into
	wait map[string][]room.ID // by peer; what is first is being looked into
}

// claim is a room and who says something of it. Who of the peers tells the truth is not
// known: each is asked.
type claim struct {
	room room.ID
	peer string
}

const (
	claimAgain = 10 * time.Second
	mostClaims = 10_000
)

// claimed notes a claim, if anything is to be made of it. It never waits.
func (n *Node) claimed(peer string, id room.ID) {
	if !n.heeds(peer, id) {
		return
	}
	cs, now, k := &n.claims, time.Now(), claim{id, peer}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.at == nil {
		cs.at, cs.wait = map[claim]time.Time{}, map[string][]room.ID{}
	}
	if len(cs.at) >= mostClaims {
		maps.DeleteFunc(cs.at, func(_ claim, at time.Time) bool { return now.Sub(at) >= claimAgain })
	}
	if at, ok := cs.at[k]; ok && now.Sub(at) < claimAgain || len(cs.at) >= mostClaims {
		return
	}
	if len(cs.wait[peer]) == 0 && !n.rooms.start(func() { n.lookInto(peer) }) {
		return
	}
	cs.at[k] = now
	cs.wait[peer] = append(cs.wait[peer], id)
}

// heeds tells whether a claim may be one of those that matter. Nobody brings this node into
// a room against its people's will: they asked for it, or were in it.
func (n *Node) heeds(peer string, id room.ID) bool {
	c, err := n.rooms.get(id)
	switch {
	case room.CodeOf(err) == room.NotFound:
		return n.incarnation.Load() > 1 || n.joining(id)
	case err != nil:
		return false
	}
	return c.isStub() || c.home() == n.name && !c.several() && !c.takes(peer)
}

// lookInto goes through a peer's claims, one after the other.
func (n *Node) lookInto(peer string) {
	cs := &n.claims
	for {
		cs.mu.Lock()
		id := cs.wait[peer][0]
		cs.mu.Unlock()
		if err := n.settle(peer, id); err != nil {
			n.log.Debug("look into what a peer says of a room", "room", id.String(), "peer", peer, "err", err)
		}
		cs.mu.Lock()
		rest := slices.Delete(cs.wait[peer], 0, 1)
		if cs.wait[peer] = rest; len(rest) == 0 {
			delete(cs.wait, peer)
			cs.mu.Unlock()
			return
		}
		cs.mu.Unlock()
	}
}

func (n *Node) settle(peer string, id room.ID) error {
	ctx, cancel := context.WithTimeout(n.life, enterTimeout)
	defer cancel()
	if c, err := n.rooms.get(id); err == nil && !c.isStub() {
		_, err := n.remember(ctx, c, peer)
		return err
	}
	leave, err := n.entering.enter(ctx, id)
	if err != nil {
		return err
	}
	defer leave()
	if n.Has(id) {
		return nil
	}
	return n.atHome(peer, func(home string) error { return n.handOver(ctx, id, home) })
}

// remember is for a room's home to which a node shows itself that does not take part as far
// as is known here. It may have entries that this node signed and, set back to an older copy,
// has forgotten. Then it is told how far the state is here, and sends what follows
// (Frontier); an entry in whose place another one is here is a conflict. index is that of the
// newest entry that the peer has shown to be signed by this node and is not here; 0: none.
func (n *Node) remember(ctx context.Context, c *chamber, peer string) (index uint64, err error) {
	all := n.frontiers(ctx, c.id, []string{peer})
	if len(all) == 0 || all[0].GetStateIndex() == 0 || c.hasEntry(all[0].GetStateHash()) {
		return 0, nil
	}
	a, err := n.ask(ctx, peer, snapshotAsk(c.id))
	if err != nil {
		return 0, err
	}
	s := a.GetSnapshot()
	last, err := openPacket(c.id, room.EventID{}, s.GetLast())
	if err != nil || !headOf(s.GetHead(), last) || c.hasEntry(last.ID.Bytes()) {
		return 0, err
	}
	c.mu.Lock()
	signed := c.state.Signed(s.GetHead())
	if signed && c.forgotten != peer {
		c.forgotten = peer
		n.log.Warn("this data folder is older than what another node has of a room's state, which this node has signed", "room", c.text, "peer", peer)
	}
	c.mu.Unlock()
	if !signed {
		return 0, room.Errorf(room.Forbidden, "The head of entry %d is not signed by this node.", last.Header.GetSeq())
	}
	_, err = n.take(ctx, c, &received{peer: peer, log: roompb.Log_LOG_STATE, key: keyOfHeader(last.Header), events: []*room.Event{last}, head: s.GetHead()})
	return last.Header.GetSeq(), err
}

// hasEntry tells whether an entry of the state log is here.
func (c *chamber) hasEntry(hash []byte) bool {
	id, err := room.HashFromBytes(hash)
	if err != nil {
		return false
	}
	_, err = c.find(id)
	return err == nil
}

// joining tells whether somebody of this node asked to join a room and was never told what
// came of it.
func (n *Node) joining(id room.ID) bool {
	all, err := n.store.Values(joiningName(id, ""))
	return err == nil && len(all) > 0
}

// joiningName is where the store remembers that a user asks to join a room that is not here,
// until the answer has come: 8 bytes of ms since 1970.
func joiningName(id room.ID, u room.User) string { return "joining/" + id.String() + "/" + string(u) }

func (n *Node) noteJoining(id room.ID, u room.User) error {
	err := n.store.PutValue(joiningName(id, u), binary.BigEndian.AppendUint64(nil, uint64(n.millis())))
	if err != nil {
		return fmt.Errorf("note that %s joins room %s: %w", u, id, err)
	}
	return nil
}

func (n *Node) forgetJoining(id room.ID, u room.User) {
	if err := n.store.PutValue(joiningName(id, u), nil); err != nil {
		n.log.Error("forget a join that was answered", "room", id.String(), "user", string(u), "err", err)
	}
}

// forgetJoins drops those of before a time: nobody waits for them any more.
func (n *Node) forgetJoins(before time.Time) error {
	all, err := n.store.Values("joining/")
	for _, v := range all {
		if err == nil && len(v.Bytes) == 8 && int64(binary.BigEndian.Uint64(v.Bytes)) < before.UnixMilli() {
			err = n.store.PutValue(v.Name, nil)
		}
	}
	return err
}
