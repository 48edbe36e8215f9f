package node

import (
	"cmp"
	"encoding/json"
	"fmt"

	"hearth/node/room"
	"hearth/storage"
)

// Notice tells somebody that messages of theirs were not accepted in a room: their right to
// them had ended before the messages reached the room's home. They may have been away when
// that came out, and may not see the room any more. There is one for each room, until it was
// seen; it says what was lost since.
type Notice struct {
	Room  string // id
	Name  string // of the room, or its address
	Why   string // kind of the entry that took the right away: kick, ban, role, leave, nodeban; "": the log was given up
	Text  string // of the first message, shortened
	Time  int64  // when that was written, ms since 1970
	Count int    // messages
	At    int64  // when this came out here, ms since 1970
}

// noticeText is how much of a message a notice repeats, in characters.
const noticeText = 100

func noticeName(u room.User, id string) string { return "notice/" + u.Local() + "/" + id }

// tell writes the notices of a batch that takes messages back, together with it.
func (t *turn) tell() error {
	told := map[room.User]*Notice{}
	for _, rec := range t.withdrawn.texts {
		e := rec.Event
		if e.Author().Node() != t.c.n.name || t.withdrawn.again[rec.Pos] {
			continue
		}
		n := told[e.Author()]
		if n == nil {
			var err error
			if n, err = t.noticeTo(e.Author()); err != nil {
				return err
			}
			told[e.Author()] = n
		}
		if n.Count == 0 {
			n.Text, n.Time = clip(e.Body.GetText(), noticeText), e.Time().Millis()
		}
		n.Count++
	}
	for u, n := range told {
		raw, err := json.Marshal(n)
		if err != nil {
			return fmt.Errorf("encode notice to %s: %w", u, err)
		}
		t.app.Values = append(t.app.Values, storage.Value{Name: noticeName(u, n.Room), Bytes: raw})
	}
	return nil
}

// noticeTo is what is not seen yet of a room, brought up to date.
func (t *turn) noticeTo(u room.User) (*Notice, error) {
	n := &Notice{Room: t.c.text}
	raw, err := t.c.n.store.Value(noticeName(u, n.Room))
	if err != nil {
		return nil, fmt.Errorf("read notice to %s: %w", u, err)
	}
	if raw != nil {
		if err := json.Unmarshal(raw, n); err != nil {
			return nil, fmt.Errorf("read notice to %s: %w", u, err)
		}
	}
	s := stateSummary(t.c.state)
	n.Name, n.At = cmp.Or(s.GetName(), s.GetAlias(), n.Room), t.now
	if t.fold != nil {
		for _, e := range t.fold.entries {
			if takesAway[e.Kind()] && concerns(e, u) {
				n.Why = string(e.Kind())
			}
		}
	}
	return n, nil
}

// concerns tells whether an entry that takes a right away may have taken it from u.
func concerns(e *room.Event, u room.User) bool {
	switch e.Kind() {
	case room.KindLeave:
		return e.Author() == u
	case room.KindNodeBan:
		return e.Body.GetNode() == u.Node()
	}
	return room.User(e.Body.GetSubject()) == u
}

// Notices are what the caller has to be told, after what came out up to a time (ms) has been
// seen: that is forgotten.
func (n *Node) Notices(by Caller, seen int64) (out []Notice, err error) {
	values, err := n.store.Values(noticeName(by.User, ""))
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		var one Notice
		if err := json.Unmarshal(v.Bytes, &one); err != nil {
			return nil, fmt.Errorf("read %s: %w", v.Name, err)
		}
		if one.At > seen {
			out = append(out, one)
			continue
		}
		if err := n.store.PutValue(v.Name, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}
