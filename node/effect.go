package node

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// effects is what each kind does to the message it is about: it changes the standing
// that is stored beside that message, never the message itself.
var effects = map[room.Kind]func(*turn, *room.Event, *storage.Row) error{
	room.KindEdit:    (*turn).edit,
	room.KindDelete:  (*turn).erase,
	room.KindReact:   func(t *turn, e *room.Event, about *storage.Row) error { return t.react(e, about, true) },
	room.KindUnreact: func(t *turn, e *room.Event, about *storage.Row) error { return t.react(e, about, false) },
	room.KindPin:     func(t *turn, e *room.Event, about *storage.Row) error { return t.pin(e, about, true) },
	room.KindUnpin:   func(t *turn, e *room.Event, about *storage.Row) error { return t.pin(e, about, false) },
}

// effect applies a new event to the message it is about, and returns that message as
// it then stands; nil when it is about none.
func (t *turn) effect(row *storage.Row) (*storage.Row, error) {
	e := row.Event
	if e.Kind().Message() {
		return t.place(row)
	}
	target, ok := e.Target()
	if !ok {
		return nil, nil
	}
	about, err := t.find(target)
	if err != nil {
		return nil, err
	}
	if err := t.c.state.CheckTarget(e, about.Event); err != nil {
		return nil, err
	}
	about = withStanding(about)
	if err := effects[e.Kind()](t, e, about); err != nil {
		return nil, err
	}
	t.stand(about)
	return about, nil
}

// place checks what a message answers and which thread it is in; in a thread the
// message that began it counts one more reply.
func (t *turn) place(row *storage.Row) (*storage.Row, error) {
	e := row.Event
	if to, ok := e.ReplyTo(); ok {
		if _, err := t.find(to); err != nil {
			return nil, err
		}
	}
	thread, ok := e.Thread()
	if !ok {
		return nil, nil
	}
	root, err := t.find(thread)
	if err != nil {
		return nil, err
	}
	if !root.Thread.IsZero() || !root.Event.Kind().Message() {
		return nil, room.Errorf(room.BadRequest, "A thread begins with a message of the room, not with one of another thread.")
	}
	root = withStanding(root)
	root.Standing.ThreadReplies++
	root.Standing.ThreadTime = max(root.Standing.ThreadTime, e.Time().Millis())
	t.stand(root)
	return root, nil
}

// find is an event of this room, with its standing as this batch leaves it.
func (t *turn) find(id room.EventID) (*storage.Row, error) {
	if row := t.rows[id]; row != nil {
		return row, nil
	}
	row, err := t.c.find(id)
	if err == nil {
		t.rows[id] = row
	}
	return row, err
}

// find is an event of this room as the store has it.
func (c *chamber) find(id room.EventID) (*storage.Row, error) {
	in, pos, ok, err := c.n.store.Find(id)
	if err != nil {
		return nil, fmt.Errorf("find event %s: %w", id, err)
	}
	if !ok || in != c.id {
		return nil, room.Errorf(room.NotFound, "There is no such message in this room.")
	}
	row, ok, err := c.n.store.Row(c.id, pos)
	if err != nil || !ok {
		return nil, fmt.Errorf("read event %s: %w", id, err)
	}
	return &row, nil
}

// withStanding is a copy whose standing may be changed.
func withStanding(row *storage.Row) *storage.Row {
	out := *row
	out.Standing = &storagepb.Standing{}
	if row.Standing != nil {
		out.Standing = proto.Clone(row.Standing).(*storagepb.Standing)
	}
	return &out
}

// stand notes a message's new standing in the batch.
func (t *turn) stand(row *storage.Row) {
	if t.app.Standings == nil {
		t.app.Standings = map[uint64]*storagepb.Standing{}
	}
	t.app.Standings[row.Pos] = row.Standing
	t.rows[row.Event.ID] = row
}

func notDeleted(row *storage.Row) error {
	if row.Standing.GetDeleted() {
		return room.Errorf(room.Gone, "That message was deleted.")
	}
	return nil
}

func (t *turn) edit(e *room.Event, about *storage.Row) error {
	if err := notDeleted(about); err != nil {
		return err
	}
	s := about.Standing
	if len(s.Edits) >= maxEdits {
		return room.Errorf(room.TooLarge, "A message can be edited %d times.", maxEdits)
	}
	s.Text, s.Mentions, s.MentionRoom = e.Body.GetText(), e.Body.GetMentions(), e.Body.GetMentionRoom()
	s.Edited, s.EditedOrder = e.Time().Millis(), e.Header.GetTime()
	s.Edits = append(s.Edits, t.meta.HeadPos+1)
	if t.meta.LastPos == about.Pos {
		t.meta.LastText = clip(s.Text, 100)
	}
	return nil
}

// maxEdits bounds the standing of one message.
const maxEdits = 1000

// erase takes the words away for good, from the message and from its edits; that it was
// there, and who deleted it, stays.
func (t *turn) erase(e *room.Event, about *storage.Row) error {
	if err := notDeleted(about); err != nil {
		return err
	}
	was := about.Standing
	t.app.Erase = append(append(t.app.Erase, about.Pos), was.GetEdits()...)
	if was.GetPinned() {
		t.app.Pins = append(t.app.Pins, storage.Pin{Pos: about.Pos})
	}
	about.Standing = &storagepb.Standing{
		Deleted: true, DeletedBy: string(e.Author()), DeletedOrder: e.Header.GetTime(),
		ThreadReplies: was.GetThreadReplies(), ThreadTime: was.GetThreadTime(),
	}
	if t.meta.LastPos == about.Pos {
		t.meta.LastText = ""
	}
	return nil
}

func (t *turn) react(e *room.Event, about *storage.Row, on bool) error {
	if err := notDeleted(about); err != nil {
		return err
	}
	r, err := reactionOf(about.Standing, e.Body.GetEmoji())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Users, func(u *storagepb.Standing_Reaction_User) bool { return u.GetUser() == string(e.Author()) })
	switch {
	case on && i >= 0, !on && i < 0:
		return room.Errorf(room.Conflict, "Your reaction is so already.")
	case on && len(r.Users) >= room.MaxReactors:
		return room.Errorf(room.TooLarge, "A message has at most %d reactions of one kind.", room.MaxReactors)
	case on:
		r.Users = append(r.Users, &storagepb.Standing_Reaction_User{User: string(e.Author()), Order: e.Header.GetTime(), On: true})
	default:
		r.Users = slices.Delete(r.Users, i, i+1)
	}
	about.Standing.Reactions = slices.DeleteFunc(about.Standing.Reactions, func(r *storagepb.Standing_Reaction) bool { return len(r.GetUsers()) == 0 })
	return nil
}

func reactionOf(s *storagepb.Standing, emoji string) (*storagepb.Standing_Reaction, error) {
	for _, r := range s.Reactions {
		if r.GetEmoji() == emoji {
			return r, nil
		}
	}
	if len(s.Reactions) >= room.MaxReactions {
		return nil, room.Errorf(room.TooLarge, "A message has at most %d different reactions.", room.MaxReactions)
	}
	r := &storagepb.Standing_Reaction{Emoji: emoji}
	s.Reactions = append(s.Reactions, r)
	return r, nil
}

func (t *turn) pin(e *room.Event, about *storage.Row, on bool) error {
	if err := notDeleted(about); err != nil {
		return err
	}
	if about.Standing.GetPinned() == on {
		return room.Errorf(room.Conflict, "The message is so already.")
	}
	if on {
		pins, err := t.c.n.store.Pins(t.c.id)
		if err != nil {
			return fmt.Errorf("read pins of room %s: %w", t.c.id, err)
		}
		if len(pins)+len(t.app.Pins) >= room.MaxPins {
			return room.Errorf(room.TooLarge, "A room has at most %d pinned messages: unpin one first.", room.MaxPins)
		}
	}
	about.Standing.Pinned, about.Standing.PinnedOrder = on, e.Header.GetTime()
	t.app.Pins = append(t.app.Pins, storage.Pin{Pos: about.Pos, On: on, Order: e.Time()})
	return nil
}
