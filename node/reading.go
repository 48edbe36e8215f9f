package node

import (
	"context"
	"fmt"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// readMark asks to move a user's read position. It goes through the room's loop, as
// the user's own messages move that position too and the two must not cross.
type readMark struct {
	user room.User
	pos  uint64
}

// Read moves the caller's read position on to pos; it never moves back.
func (n *Node) Read(ctx context.Context, by Caller, id room.ID, pos uint64) error {
	if _, err := n.readable(by, id); err != nil {
		return err
	}
	s := &submission{read: &readMark{by.User, pos}, done: make(chan result, 1)}
	if err := n.submit(id, s); err != nil {
		return err
	}
	_, err := s.wait(ctx)
	return err
}

func (t *turn) read(s *submission) error {
	c, u := t.c, s.read.user
	if c.state.Member(u).Membership != room.Joined {
		return room.Errorf(room.Forbidden, "You are not in this room.")
	}
	was, _, err := c.n.store.Read(u, c.id)
	if err != nil {
		return fmt.Errorf("read position of %s in %s: %w", u, c.id, err)
	}
	pos := min(s.read.pos, c.headPos)
	if pos <= max(was.Pos, t.reads[u]) {
		s.done <- result{}
		return nil
	}
	rec, ok, err := c.n.store.Record(c.id, pos)
	if err != nil || !ok {
		return fmt.Errorf("read event at %d of %s: %w", pos, c.id, err)
	}
	mark := storage.Read{User: u, Pos: pos, Counted: rec.Counted, Event: rec.Event.ID, Time: t.now}
	t.reads[u] = pos
	t.app.Reads = append(t.app.Reads, mark)
	t.marks = append(t.marks, mark)
	t.replies = append(t.replies, reply{sub: s})
	return nil
}

// read tells the user's own sessions their new counts, and those who have the room on
// show how far the user has come.
func (p *people) read(c *chamber, m storage.Read) {
	for _, f := range p.of(m.User) {
		f.markSummary(c.id)
	}
	c.tell(m.User, &roompb.Signal{Kind: "receipt", Room: c.text, User: string(m.User), Pos: m.Pos, Event: m.Event.String(), Time: m.Time})
}
