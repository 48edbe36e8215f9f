package node

import (
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Stretch is a piece of a room's stream, for who reads at a pace and from a cursor of its own.
type Stretch struct {
	Items [][]byte // encoded roompb.Item, shared: never write to them
	Upto  uint64   // the cursor to go on from
	More  bool     // there is more at this moment
	Gap   bool     // the cursor is of another past than the room's, and was set to its end
}

// Stretch reads what came after a cursor, about maxBytes of it. A follower says when to come again.
func (n *Node) Stretch(by Caller, id room.ID, after uint64, maxBytes int) (Stretch, error) {
	c, err := n.readable(by, id)
	if err != nil {
		return Stretch{}, err
	}
	s := &subscription{c: c, f: new(Follower), cursor: after}
	items, more, err := s.read(maxBytes)
	return Stretch{Items: items.Items, Upto: s.cursor, More: more, Gap: items.Gap}, err
}

// Head is the pos of the newest event of a room.
func (n *Node) Head(by Caller, id room.ID) (uint64, error) {
	c, err := n.readable(by, id)
	if err != nil {
		return 0, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.headPos, nil
}

// Withdrawn is an event of a room that was taken back, as it was said, and what it was about as that stands now, or
// nil: for who has to undo elsewhere what it did.
func (n *Node) Withdrawn(by Caller, id room.ID, event room.EventID) (was, target *roompb.Event, err error) {
	c, err := n.readable(by, id)
	if err != nil {
		return nil, nil, err
	}
	row, err := c.find(event)
	if err == nil && !row.Void {
		err = room.Errorf(room.NotFound, "This message was not taken back.")
	}
	if err != nil {
		return nil, nil, err
	}
	if about := c.about(row.Event); about != nil && !about.Void {
		target = c.view(about)
	}
	return c.view(row), target, nil
}

// Event is one event of a room as it stands now.
func (n *Node) Event(by Caller, id room.ID, event room.EventID) (*roompb.Event, error) {
	c, err := n.readable(by, id)
	if err != nil {
		return nil, err
	}
	row, err := c.shown(event)
	if err != nil {
		return nil, err
	}
	return c.view(row), nil
}
