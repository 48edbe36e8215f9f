package node

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/storage"
)

// moves is where messages of a batch stood that were said again, and stand now: rising.
type moves []move

type move struct {
	was  uint64 // pos
	old  room.EventID
	user room.User
	row  *storage.Row
}

// sayAgain says what this node said in a log that was given up, in the log it writes now: in
// the same words, about the same messages. What makes no sense any more is left out: what
// was erased, what its author lost the right to, what is about a message that is gone.
func (t *turn) sayAgain(old *storage.Record, again map[room.EventID]room.EventID, moved *moves) error {
	was := old.Event
	if was.Body == nil {
		return nil
	}
	b := proto.CloneOf(was.Body)
	for _, ref := range []*[]byte{&b.Target, &b.Thread, &b.ReplyTo} {
		if err := t.renew(ref, again); err != nil {
			return err
		}
	}
	if was.Body.GetTarget() != nil && b.Target == nil {
		return nil
	}
	e, err := t.seal(&submission{draft: room.Draft{Room: t.c.id, Author: was.Author(), Kind: was.Kind(), Body: b}})
	if err != nil {
		return err
	}
	if t.left(was.Author()) || t.c.state.Check(e) != nil {
		return nil
	}
	if err := t.learn(e, false, false); err != nil {
		return err
	}
	own := t.chain(t.own)
	own.add(e, e, nil)
	own.end(e, nil) // signed at the end of the batch
	t.logs[t.own], t.said = own, true
	again[was.ID] = e.ID
	if t.withdrawn.again == nil {
		t.withdrawn.again = map[uint64]bool{}
	}
	t.withdrawn.again[old.Pos] = true
	*moved = append(*moved, move{old.Pos, was.ID, was.Author(), t.rows[e.ID]})
	return nil
}

// renew turns a reference to a message that was said again into one to what it is now; to
// one that is gone, into none.
func (t *turn) renew(ref *[]byte, again map[room.EventID]room.EventID) error {
	id, err := room.HashFromBytes(*ref)
	if err != nil || len(*ref) == 0 {
		return nil
	}
	if now, ok := again[id]; ok {
		*ref = now.Bytes()
		return nil
	}
	row, err := t.find(id)
	if room.CodeOf(err) == room.NotFound {
		return nil // of a log that has not come here
	}
	if err == nil && (row.Void || t.withdrawn.poses[row.Pos]) {
		*ref = nil
	}
	return err
}

// follow takes along what points at messages that were said again: a client's keys, by
// which it would say them once more, and how far people have read.
func (t *turn) follow(moved moves) error {
	if len(moved) == 0 {
		return nil
	}
	now := map[room.EventID]*storage.Row{}
	authors := map[room.User]bool{}
	for _, m := range moved {
		now[m.old], authors[m.user] = m.row, true
	}
	for u := range authors {
		keys, err := t.c.n.store.Keys(u, t.c.id)
		if err != nil {
			return fmt.Errorf("read keys of %s: %w", u, err)
		}
		for _, k := range keys {
			if row := now[k.Event]; row != nil {
				k.Event, k.Pos, k.Time = row.Event.ID, row.Pos, row.Event.Time().Millis()
				t.app.Keys = append(t.app.Keys, k)
			}
		}
	}
	reads, err := t.c.n.store.Reads(t.c.id, mostReads)
	if err != nil {
		return fmt.Errorf("read positions in room %s: %w", t.c.id, err)
	}
	for _, r := range reads {
		if row := moved.upTo(r.Pos); row != nil {
			t.reads[r.User] = row.Pos
			t.app.Reads = append(t.app.Reads, storage.Read{User: r.User, Pos: row.Pos, Counted: row.Counted, Event: row.Event.ID, Time: t.now})
		}
	}
	return nil
}

// mostReads bounds the read positions that follow; others have the messages unread once more.
const mostReads = 10_000

// upTo is what the last message that stood at or before a pos has become.
func (m moves) upTo(pos uint64) (row *storage.Row) {
	for _, one := range m {
		if one.was <= pos {
			row = one.row
		}
	}
	return row
}
