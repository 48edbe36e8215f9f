package node

import (
	"context"
	"fmt"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// HistoryQuery asks for a page of a room's timeline. At most one of Before, After,
// Around and Date; none: the newest.
type HistoryQuery struct {
	Room   room.ID
	Before room.EventID // exclusive
	After  room.EventID // exclusive
	Around room.EventID // inclusive
	Date   int64        // ms since 1970: from that moment on
	Limit  int          // at most 200, default 50
	Thread room.EventID // only this thread, its first message included
}

// History is a page, oldest first.
type History struct {
	Events     []*roompb.Event
	MoreBefore bool
	MoreAfter  bool
	Profiles   []*roompb.Profile
	Pos        uint64 // the page has every change up to this pos of the room
}

const (
	historyUsual = 50
	historyMost  = 200
)

// History is a page of a room that the caller may read.
func (n *Node) History(ctx context.Context, by Caller, q HistoryQuery) (*History, error) {
	c, err := n.readable(by, q.Room)
	if err != nil {
		return nil, err
	}
	h := &History{Pos: c.head()} // before reading: what comes meanwhile is not promised
	rows, err := c.page(q, clampLimit(q.Limit, historyUsual, historyMost), h)
	if err == nil && c.incomplete() {
		rows, err = c.deepPage(ctx, q, rows, h)
	}
	if err != nil {
		return nil, err
	}
	n.show(c, rows, h)
	return h, nil
}

// deepPage reads a page again after the logs that begin, here, within it or after it have
// been fetched further down from other nodes: little at first, as often that is enough.
func (c *chamber) deepPage(ctx context.Context, q HistoryQuery, rows []storage.Row, h *History) ([]storage.Row, error) {
	limit := clampLimit(q.Limit, historyUsual, historyMost)
	for n := range deepest {
		until := room.Time(0)
		if len(rows) > 0 && (len(rows) >= limit || h.MoreBefore) {
			until = rows[0].Event.Time()
		}
		if q.Date > 0 {
			until = min(until, room.TimeAt(q.Date))
		}
		ch := c.shallow(until)
		if ch == nil {
			break
		}
		if !c.fetch(ctx, ch, uint32(min(historyMost<<n, maxPage))) {
			continue // of another log there may be more
		}
		*h = History{Pos: c.head()}
		var err error
		if rows, err = c.page(q, limit, h); err != nil {
			return nil, err
		}
	}
	h.MoreBefore = h.MoreBefore || len(rows) > 0 && c.incomplete() // another try, when somebody scrolls on
	return rows, nil
}

func (c *chamber) head() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.headPos
}

// page picks the way through the timeline that the query asks for.
func (c *chamber) page(q HistoryQuery, limit int, h *History) (rows []storage.Row, err error) {
	read := func(p storage.Page) (rows []storage.Row, more bool) {
		if err != nil {
			return nil, false
		}
		p.Thread = q.Thread
		rows, more, err = c.n.store.Timeline(c.id, p)
		return rows, more
	}
	switch {
	case !q.Before.IsZero():
		mark, merr := c.mark(q.Before)
		err = merr
		rows, h.MoreBefore = read(storage.Page{From: mark, Older: true, Limit: limit})
		h.MoreAfter = true
	case !q.After.IsZero():
		mark, merr := c.mark(q.After)
		err = merr
		rows, h.MoreAfter = read(storage.Page{From: mark, Limit: limit})
		h.MoreBefore = true
	case !q.Around.IsZero():
		mark, merr := c.mark(q.Around)
		err = merr
		older, moreBefore := read(storage.Page{From: mark, Older: true, Limit: limit / 2})
		newer, moreAfter := read(storage.Page{From: mark, Inclusive: true, Limit: limit - limit/2})
		rows, h.MoreBefore, h.MoreAfter = append(older, newer...), moreBefore, moreAfter
	case q.Date > 0:
		mark := storage.Mark{Order: room.TimeAt(q.Date)}
		_, h.MoreBefore = read(storage.Page{From: mark, Older: true, Limit: 1})
		rows, h.MoreAfter = read(storage.Page{From: mark, Inclusive: true, Limit: limit})
		if err == nil && len(rows) == 0 { // after the last one: show the end
			rows, h.MoreBefore = read(storage.Page{Older: true, Limit: limit})
		} else {
			h.MoreBefore = h.MoreBefore || c.anyBefore(rows, q.Thread)
		}
	default:
		rows, h.MoreBefore = read(storage.Page{Older: true, Limit: limit})
	}
	if err != nil {
		return nil, fmt.Errorf("read timeline of %s: %w", c.id, err)
	}
	return rows, c.addRoot(q, h, &rows)
}

// anyBefore tells whether something stands before the first of rows.
func (c *chamber) anyBefore(rows []storage.Row, thread room.EventID) bool {
	if len(rows) == 0 {
		return false
	}
	older, _, err := c.n.store.Timeline(c.id, storage.Page{Thread: thread, From: storage.MarkOf(rows[0].Event), Older: true, Limit: 1})
	return err == nil && len(older) > 0
}

// addRoot puts the message that began the thread before its first reply.
func (c *chamber) addRoot(q HistoryQuery, h *History, rows *[]storage.Row) error {
	if q.Thread.IsZero() || h.MoreBefore || q.Before == q.Thread {
		return nil
	}
	root, err := c.find(q.Thread)
	if err != nil || root.Void {
		return err
	}
	*rows = append([]storage.Row{*root}, *rows...)
	return nil
}

// mark is an event's place in the timeline.
func (c *chamber) mark(id room.EventID) (storage.Mark, error) {
	row, err := c.find(id)
	if err != nil {
		return storage.Mark{}, err
	}
	return storage.MarkOf(row.Event), nil
}

// show turns rows into what people see, with the profiles of all they name.
func (n *Node) show(c *chamber, rows []storage.Row, h *History) {
	h.Events = make([]*roompb.Event, 0, len(rows))
	named := map[string]bool{}
	for i := range rows {
		v := c.view(&rows[i])
		h.Events = append(h.Events, v)
		if v.Deleted && !rows[i].Standing.GetDeleted() {
			c.want(rows[i].Pos, rows[i].Standing.GetEdits())
		}
		named[v.Author], named[v.Subject] = true, true
		if v.Quote != nil {
			named[v.Quote.Author] = true
		}
	}
	h.Profiles = n.profiles(named)
}

func (n *Node) profiles(users map[string]bool) []*roompb.Profile {
	out := make([]*roompb.Profile, 0, len(users))
	for u := range users {
		if u == "" {
			continue
		}
		if p, err := n.Profile(room.User(u)); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// Edition is one wording of a message.
type Edition struct {
	Text string
	Time int64
}

// EditHistory is every wording of a message, the original first; Gone once deleted.
func (n *Node) EditHistory(by Caller, id room.ID, event room.EventID) ([]Edition, error) {
	c, err := n.readable(by, id)
	if err != nil {
		return nil, err
	}
	row, err := c.shown(event)
	if err != nil {
		return nil, err
	}
	if err := notDeleted(row); err != nil {
		return nil, err
	}
	out := []Edition{{row.Event.Body.GetText(), row.Event.Time().Millis()}}
	for _, pos := range row.Standing.GetEdits() {
		rec, ok, err := n.store.Record(id, pos)
		if err != nil || !ok {
			return nil, fmt.Errorf("read edit at %d of %s: %w", pos, id, err)
		}
		out = append(out, Edition{rec.Event.Body.GetText(), rec.Event.Time().Millis()})
	}
	return out, nil
}

// Pins is the pinned messages of a room, in the order in which they were said.
func (n *Node) Pins(by Caller, id room.ID) (*History, error) {
	c, err := n.readable(by, id)
	if err != nil {
		return nil, err
	}
	h := &History{Pos: c.head()}
	pins, err := n.store.Pins(id)
	if err != nil {
		return nil, fmt.Errorf("read pins of %s: %w", id, err)
	}
	rows := make([]storage.Row, 0, len(pins))
	for _, pos := range pins {
		row, ok, err := n.store.Row(id, pos)
		if err != nil || !ok {
			return nil, fmt.Errorf("read pin at %d of %s: %w", pos, id, err)
		}
		rows = append(rows, row)
	}
	n.show(c, rows, h)
	return h, nil
}
