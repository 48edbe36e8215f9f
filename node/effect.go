package node

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// refusals is why a draft may not do its kind to a message as that stands now.
var refusals = map[room.Kind]func(*turn, *room.Event, *storage.Row) error{
	room.KindEdit:    (*turn).refuseEdit,
	room.KindDelete:  func(_ *turn, _ *room.Event, about *storage.Row) error { return notDeleted(about) },
	room.KindReact:   func(_ *turn, e *room.Event, about *storage.Row) error { return refuseReaction(e, about, true) },
	room.KindUnreact: func(_ *turn, e *room.Event, about *storage.Row) error { return refuseReaction(e, about, false) },
	room.KindPin:     func(t *turn, e *room.Event, about *storage.Row) error { return t.refusePin(about, true) },
	room.KindUnpin:   func(t *turn, e *room.Event, about *storage.Row) error { return t.refusePin(about, false) },
}

// effects is what each kind does to the message it is about: it changes the standing
// that is stored beside that message, never the message itself. They commute: whatever
// order events come in, every node has the same standing in the end. Later ones win, by
// the order of their times; a deletion wins over all.
var effects = map[room.Kind]func(*turn, *storage.Row, *storage.Row){
	room.KindText:    (*turn).reply,
	room.KindEmote:   (*turn).reply,
	room.KindEdit:    (*turn).edit,
	room.KindDelete:  (*turn).erase,
	room.KindReact:   func(t *turn, row, about *storage.Row) { t.react(row, about, true) },
	room.KindUnreact: func(t *turn, row, about *storage.Row) { t.react(row, about, false) },
	room.KindPin:     func(t *turn, row, about *storage.Row) { t.pin(row, about, true) },
	room.KindUnpin:   func(t *turn, row, about *storage.Row) { t.pin(row, about, false) },
}

// effect applies a checked event to the message it is about, of which about is a copy
// that may be changed.
func (t *turn) effect(row, about *storage.Row) {
	effects[row.Event.Kind()](t, row, about)
	t.stand(about)
}

// target is the message that a draft is about, with a standing that may be changed; nil
// when it is about none. The error says why it may not be done.
func (t *turn) target(row *storage.Row) (*storage.Row, error) {
	e := row.Event
	if e.Kind().Message() {
		return t.place(row)
	}
	target, ok := e.Target()
	if !ok {
		return nil, nil
	}
	about, err := t.shown(target)
	if err != nil {
		return nil, err
	}
	if err := t.c.state.CheckTarget(e, about.Event); err != nil {
		return nil, err
	}
	about = withStanding(about)
	return about, refusals[e.Kind()](t, e, about)
}

// place checks what a message answers and which thread it is in.
func (t *turn) place(row *storage.Row) (*storage.Row, error) {
	e := row.Event
	if to, ok := e.ReplyTo(); ok {
		if _, err := t.shown(to); err != nil {
			return nil, err
		}
	}
	thread, ok := e.Thread()
	if !ok {
		return nil, nil
	}
	root, err := t.shown(thread)
	if err != nil {
		return nil, err
	}
	if !begins(root) {
		return nil, room.Errorf(room.BadRequest, "A thread begins with a message of the room, not with one of another thread.")
	}
	return withStanding(root), nil
}

// begins tells whether a thread may begin with a message.
func begins(root *storage.Row) bool { return root.Thread.IsZero() && root.Event.Kind().Message() }

// reply counts one more in the thread.
func (t *turn) reply(row, root *storage.Row) {
	root.Standing.ThreadReplies++
	root.Standing.ThreadTime = max(root.Standing.ThreadTime, row.Event.Time().Millis())
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

// shown is find for what people name: nobody sees what is void.
func (t *turn) shown(id room.EventID) (*storage.Row, error) {
	return notVoid(t.find(id))
}

func (c *chamber) shown(id room.EventID) (*storage.Row, error) {
	return notVoid(c.find(id))
}

func notVoid(row *storage.Row, err error) (*storage.Row, error) {
	if err == nil && row.Void {
		return nil, noSuchMessage()
	}
	return row, err
}

func noSuchMessage() error {
	return room.Errorf(room.NotFound, "There is no such message in this room.")
}

// find is an event of this room as the store has it.
func (c *chamber) find(id room.EventID) (*storage.Row, error) {
	in, pos, ok, err := c.n.store.Find(id)
	if err != nil {
		return nil, fmt.Errorf("find event %s: %w", id, err)
	}
	if !ok || in != c.id {
		return nil, noSuchMessage()
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
	if wordless(row) {
		return room.Errorf(room.Gone, "That message was deleted.")
	}
	return nil
}

// maxEdits bounds the standing of one message.
const maxEdits = 1000

func (t *turn) refuseEdit(_ *room.Event, about *storage.Row) error {
	if len(about.Standing.GetEdits()) >= maxEdits {
		return room.Errorf(room.TooLarge, "A message can be edited %d times.", maxEdits)
	}
	return notDeleted(about)
}

// edit keeps the edits in the order of their times: they are all of one author, so of
// one log, whose times rise.
func (t *turn) edit(row, about *storage.Row) {
	s, e := about.Standing, row.Event
	if s.Deleted {
		t.app.Erase = append(t.app.Erase, row.Pos)
		if len(s.Edits) < maxEdits {
			s.Edits = append(s.Edits, row.Pos)
		}
		return
	}
	if len(s.Edits) >= maxEdits || e.Body == nil {
		return
	}
	if e.Header.GetTime() <= s.EditedOrder {
		s.Edits = slices.Insert(s.Edits, t.editPlace(s.Edits, e), row.Pos)
		return
	}
	s.Edits = append(s.Edits, row.Pos)
	s.Text, s.Mentions, s.MentionRoom = e.Body.GetText(), e.Body.GetMentions(), e.Body.GetMentionRoom()
	s.Edited, s.EditedOrder = e.Time().Millis(), e.Header.GetTime()
	if t.meta.LastPos == about.Pos {
		t.meta.LastText = clip(s.Text, 100)
	}
}

// editPlace is where an edit that comes late stands among the others.
func (t *turn) editPlace(edits []uint64, e *room.Event) int {
	i, _ := slices.BinarySearchFunc(edits, e.Time(), func(pos uint64, at room.Time) int {
		return cmp.Compare(t.timeAt(pos), at)
	})
	return i
}

func (t *turn) timeAt(pos uint64) room.Time {
	for i := range t.app.Records {
		if t.app.Records[i].Pos == pos {
			return t.app.Records[i].Event.Time()
		}
	}
	rec, _, err := t.c.n.store.Record(t.c.id, pos)
	if err != nil || rec.Event == nil {
		return 0
	}
	return rec.Event.Time()
}

// erase takes the words away for good, from the message and from its edits; that it was
// there, and who deleted it first, stays.
func (t *turn) erase(row, about *storage.Row) {
	was, e := about.Standing, row.Event
	if was.GetDeleted() {
		if at := e.Header.GetTime(); at < was.DeletedOrder || at == was.DeletedOrder && string(e.Author()) < was.DeletedBy {
			was.DeletedBy, was.DeletedOrder = string(e.Author()), e.Header.GetTime()
		}
		return
	}
	t.app.Erase = append(append(t.app.Erase, about.Pos), was.GetEdits()...)
	t.erased = append(t.erased, about.Event)
	if was.GetPinned() {
		t.app.Pins = append(t.app.Pins, storage.Pin{Pos: about.Pos})
	}
	about.Standing = &storagepb.Standing{
		Deleted: true, DeletedBy: string(e.Author()), DeletedOrder: e.Header.GetTime(),
		ThreadReplies: was.GetThreadReplies(), ThreadTime: was.GetThreadTime(),
		Edits: was.GetEdits(), // should the deletion become void, see words.go
	}
	if t.meta.LastPos == about.Pos {
		t.meta.LastText = ""
	}
}

func refuseReaction(e *room.Event, about *storage.Row, on bool) error {
	if err := notDeleted(about); err != nil {
		return err
	}
	users, kinds, mine := 0, 0, false
	for _, r := range about.Standing.GetReactions() {
		shown := reactors(r)
		if len(shown) > 0 {
			kinds++
		}
		if r.GetEmoji() == e.Body.GetEmoji() {
			users, mine = len(shown), slices.Contains(shown, e.Actor())
		}
	}
	switch {
	case on == mine:
		return room.Errorf(room.Conflict, "Your reaction is so already.")
	case on && users == 0 && kinds >= room.MaxReactions:
		return room.Errorf(room.TooLarge, "A message has at most %d different reactions.", room.MaxReactions)
	case on && users >= room.MaxReactors:
		return room.Errorf(room.TooLarge, "A message has at most %d reactions of one kind.", room.MaxReactors)
	}
	return nil
}

// reactors are those whose reaction stands, in the order in which they reacted.
func reactors(r *storagepb.Standing_Reaction) []string {
	on := make([]*storagepb.Standing_Reaction_User, 0, len(r.GetUsers()))
	for _, u := range r.GetUsers() {
		if u.GetOn() {
			on = append(on, u)
		}
	}
	slices.SortFunc(on, func(a, b *storagepb.Standing_Reaction_User) int {
		return cmp.Or(cmp.Compare(a.GetOrder(), b.GetOrder()), strings.Compare(a.GetUser(), b.GetUser()))
	})
	out := make([]string, len(on))
	for i, u := range on {
		out[i] = u.GetUser()
	}
	return out[:min(len(out), room.MaxReactors)]
}

// reactions are those that stand, the one that was there first first.
func reactions(s *storagepb.Standing) []*roompb.Reaction {
	type kind struct {
		first uint64
		shown *roompb.Reaction
	}
	var kinds []kind
	for _, r := range s.GetReactions() {
		k := kind{math.MaxUint64, &roompb.Reaction{Emoji: r.GetEmoji(), Users: reactors(r)}}
		for _, u := range r.GetUsers() {
			if u.GetOn() {
				k.first = min(k.first, u.GetOrder())
				name(k.shown, u)
			}
		}
		if len(k.shown.Users) > 0 {
			kinds = append(kinds, k)
		}
	}
	slices.SortFunc(kinds, func(a, b kind) int {
		return cmp.Or(cmp.Compare(a.first, b.first), strings.Compare(a.shown.Emoji, b.shown.Emoji))
	})
	var out []*roompb.Reaction
	for _, k := range kinds[:min(len(kinds), room.MaxReactions)] {
		out = append(out, k.shown)
	}
	return out
}

// name says what a ghost is called that reacted.
func name(r *roompb.Reaction, u *storagepb.Standing_Reaction_User) {
	if u.GetName() == "" {
		return
	}
	if r.Names == nil {
		r.Names = map[string]string{}
	}
	r.Names[u.GetUser()] = u.GetName()
}

// Bounds of what other nodes can make one message's standing hold; what people may do
// ends long before.
const (
	mostReactions = 4 * room.MaxReactions
	mostReactors  = 4 * room.MaxReactors
)

// react keeps, for each user, the last thing they did.
func (t *turn) react(row, about *storage.Row, on bool) {
	s, e := about.Standing, row.Event
	if s.Deleted || e.Body == nil {
		return
	}
	i := slices.IndexFunc(s.Reactions, func(r *storagepb.Standing_Reaction) bool { return r.GetEmoji() == e.Body.GetEmoji() })
	if i < 0 {
		if len(s.Reactions) >= mostReactions {
			return
		}
		i, s.Reactions = len(s.Reactions), append(s.Reactions, &storagepb.Standing_Reaction{Emoji: e.Body.GetEmoji()})
	}
	r := s.Reactions[i]
	j := slices.IndexFunc(r.Users, func(u *storagepb.Standing_Reaction_User) bool { return u.GetUser() == e.Actor() })
	switch {
	case j < 0 && len(r.Users) < mostReactors:
		r.Users = append(r.Users, &storagepb.Standing_Reaction_User{User: e.Actor(), Order: e.Header.GetTime(), On: on, Name: e.Body.GetGhost().GetName()})
	case j >= 0 && r.Users[j].Order < e.Header.GetTime():
		r.Users[j].Order, r.Users[j].On = e.Header.GetTime(), on
	}
}

func (t *turn) refusePin(about *storage.Row, on bool) error {
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
	return nil
}

func (t *turn) pin(row, about *storage.Row, on bool) {
	s, e := about.Standing, row.Event
	if at := e.Header.GetTime(); s.Deleted || at < s.PinnedOrder || at == s.PinnedOrder && !on { // at the same time: pinned wins
		return
	}
	s.Pinned, s.PinnedOrder = on, e.Header.GetTime()
	t.app.Pins = append(t.app.Pins, storage.Pin{Pos: about.Pos, On: on, Order: e.Time()})
}
