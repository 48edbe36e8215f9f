package node

import (
	"context"
	"errors"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// submission is a draft, a read position or a peer's parcel on its way through the loop.
type submission struct {
	draft  room.Draft
	tops   []*roompb.Top // a leave's: how far the leaving user's node says that its logs had come
	read   *readMark
	gone   room.User // leaves this node's copy of the room at once
	since  uint64    // gone: the newest entry about them when they asked to go
	parcel *received
	fork   *proof
	words  []storage.Record // bodies that were fetched, by their places
	whole  *opened          // the state of a room that was entered with a part of it
	nudge  bool             // nothing: what every turn begins with is due
	done   chan result      // one slot
}

// state tells whether it changes the state.
func (s *submission) state() bool {
	if s.parcel != nil {
		return s.parcel.log == roompb.Log_LOG_STATE
	}
	return s.whole != nil || s.draft.Kind.State()
}

type result struct {
	receipt Receipt
	err     error
}

// Receipt says what became of a draft.
type Receipt struct {
	Event room.EventID
	Room  room.ID
	Pos   uint64
	Time  int64  // ms since 1970
	Index uint64 // of the state log: the entry itself, or what a message was written under
	// Waiting: the room's home could not be reached; the entry is asked for again until it answers.
	Waiting bool
}

// SubmitAsync hands a draft to its room and returns a function that waits for what
// becomes of it. The order of calls is the order in the room. Changes of the state go to
// the room's home.
func (n *Node) SubmitAsync(d room.Draft) func(context.Context) (Receipt, error) {
	s := &submission{draft: d, done: make(chan result, 1)}
	if subject := room.User(d.Body.GetSubject()); needsSubject[d.Kind] && subject.Node() != n.name {
		return func(ctx context.Context) (Receipt, error) { return n.submitSlowly(ctx, s) }
	}
	if d.Kind == room.KindSettings && d.Body.GetSettings().GetAlias() != "" {
		return func(ctx context.Context) (Receipt, error) { return n.rename(ctx, s) }
	}
	err := n.prepare(&s.draft)
	if c, away := n.away(d.Room); err == nil && c != nil {
		if n.greet(n.life, c); s.draft.Kind.State() && (away || !n.sure(c) || n.justStarted(c)) {
			return func(ctx context.Context) (Receipt, error) { return n.order(ctx, s) }
		}
	}
	if err == nil {
		err = n.submit(d.Room, s)
	}
	if err != nil {
		return func(context.Context) (Receipt, error) { return Receipt{}, err }
	}
	return s.wait
}

// submitSlowly is for a draft whose subject another node is asked about: nothing else waits.
func (n *Node) submitSlowly(ctx context.Context, s *submission) (Receipt, error) {
	if err := n.prepare(&s.draft); err != nil {
		return Receipt{}, err
	}
	return n.order(ctx, s)
}

// rename is for a draft that gives its room another address: of this node's own, each is one room's.
func (n *Node) rename(ctx context.Context, s *submission) (Receipt, error) {
	if err := n.prepare(&s.draft); err != nil {
		return Receipt{}, err
	}
	if c, away := n.away(s.draft.Room); c != nil && c.origins() == n.name {
		n.creating.Lock()
		err := n.checkAliasFree(s.draft.Body.GetSettings().GetAlias(), c.id)
		if err != nil || away { // nobody waits for other nodes' stewards while holding this
			n.creating.Unlock()
		} else {
			defer n.creating.Unlock()
		}
		if err != nil {
			return Receipt{}, err
		}
	}
	return n.order(ctx, s)
}

// order takes a prepared change of the state to where it is ordered.
func (n *Node) order(ctx context.Context, s *submission) (Receipt, error) {
	c, away := n.away(s.draft.Room)
	if away {
		return n.propose(ctx, c, s.draft)
	}
	if c != nil {
		n.awaitPeer(ctx, c)
		if err := n.confirm(ctx, c); err != nil {
			return Receipt{}, err
		}
	}
	if err := n.submit(s.draft.Room, s); err != nil {
		return Receipt{}, err
	}
	return s.wait(ctx)
}

func (s *submission) wait(ctx context.Context) (Receipt, error) {
	select {
	case r := <-s.done:
		return r.receipt, r.err
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
}

// Submit is everything that a user of this node does to a room: it returns when the
// event is synced, or with the reason why it was refused.
func (n *Node) Submit(ctx context.Context, d room.Draft) (Receipt, error) {
	return n.SubmitAsync(d)(ctx)
}

func (n *Node) submit(id room.ID, s *submission) error {
	for {
		c, err := n.rooms.get(id)
		if err != nil {
			return err
		}
		if err := c.enqueue(s); !errors.Is(err, errRetired) {
			return err
		}
	}
}
