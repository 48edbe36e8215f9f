package node

import (
	"context"
	"sync"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// enterTimeout is for the whole of joining a room of another node.
const enterTimeout = 20 * time.Second

// Join brings the caller into a room, which may be another node's: via is a node that is
// asked when the room is not known here.
func (n *Node) Join(ctx context.Context, by Caller, id room.ID, via string) (Receipt, error) {
	return n.join(ctx, room.Draft{Room: id, Author: by.User, Kind: room.KindJoin}, via)
}

func (n *Node) join(ctx context.Context, d room.Draft, via string) (Receipt, error) {
	if _, err := n.rooms.get(d.Room); room.CodeOf(err) == room.NotFound && via != "" && via != n.name {
		if err := n.prepare(&d); err != nil {
			return Receipt{}, err
		}
		return n.enter(ctx, d.Room, via, d)
	}
	return n.Submit(ctx, d)
}

// enter joins a room that is not here: its home lets the user in, then hands over the
// state and the newest messages.
func (n *Node) enter(ctx context.Context, id room.ID, home string, d room.Draft) (Receipt, error) {
	leave, err := n.entering.enter(ctx, id) // two of this node's users may join the same room
	if err != nil {
		return Receipt{}, notReached(home)
	}
	defer leave()
	if c, err := n.rooms.get(id); err == nil && c.takesPart() {
		return n.propose(ctx, c, d)
	}
	ctx, cancel := context.WithTimeout(ctx, enterTimeout)
	defer cancel()
	ask, err := newChamber(n, id).proposal(&d)
	if err != nil {
		return Receipt{}, err
	}
	if err := n.noteJoining(id, d.Author); err != nil {
		return Receipt{}, err
	}
	var r Receipt
	err = n.atHome(home, func(home string) error {
		r, err = n.enterBy(ctx, id, home, d.Author, ask)
		return err
	})
	return r, err
}

// enterBy is enter by a node that may be the room's home. When its answer is lost, or this
// node stops meanwhile, the room comes as soon as another node counts this one in (claim.go).
func (n *Node) enterBy(ctx context.Context, id room.ID, home string, u room.User, ask *roompb.Ask) (Receipt, error) {
	a, err := n.ask(ctx, home, ask)
	if err != nil && room.CodeOf(err) != room.Conflict { // in the room already, by an answer that was lost
		if !again(err) {
			n.forgetJoining(id, u)
		}
		return Receipt{}, unreached(err, home)
	}
	if err = n.handOver(ctx, id, home); err != nil {
		return Receipt{}, unreached(err, home)
	}
	n.forgetJoining(id, u)
	event, _ := room.HashFromBytes(a.GetPropose().GetEvent()) // zero when it was answered before
	return Receipt{Event: event, Room: id, Index: a.GetPropose().GetIndex()}, nil
}

func snapshotAsk(id room.ID) *roompb.Ask {
	return &roompb.Ask{What: &roompb.Ask_Snapshot{Snapshot: &roompb.SnapshotAsk{Room: id.Bytes(), Packed: true, Pages: true}}}
}

// handOver has a room's home hand the room over.
func (n *Node) handOver(ctx context.Context, id room.ID, home string) error {
	a, err := n.ask(ctx, home, snapshotAsk(id))
	if err != nil {
		return err
	}
	return n.install(id, home, a.GetSnapshot())
}

// whole is an event that goes alone.
func whole(e *room.Event) *roompb.Packet { return room.Pack(e, room.EventID{}) }

// turnstile lets one at a time through, for each room.
type turnstile struct {
	mu     sync.Mutex
	inside map[room.ID]chan struct{}
}

func (t *turnstile) enter(ctx context.Context, id room.ID) (leave func(), err error) {
	for {
		t.mu.Lock()
		other := t.inside[id]
		if other == nil {
			mine := make(chan struct{})
			if t.inside == nil {
				t.inside = map[room.ID]chan struct{}{}
			}
			t.inside[id] = mine
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				delete(t.inside, id)
				t.mu.Unlock()
				close(mine)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
