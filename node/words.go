package node

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// A deletion that has become void leaves a message whose words were erased here. Those who
// learnt of it when it was void already, the room's home for one, still have them: they are
// fetched from there, and checked against the hash that the header names. So are words that
// somebody left out on their way here.

// mostWanted bounds the messages of a room whose words are looked for.
const mostWanted = 1000

// recallAfter gives a deletion that is on its way the time to come.
const recallAfter = 2 * time.Second

// want notes a message whose words are missing, with the positions of its edits.
func (c *chamber) want(message uint64, edits []uint64) {
	c.mu.Lock()
	if len(c.wanted) < mostWanted {
		c.wanted[message] = slices.Clone(edits)
	}
	c.mu.Unlock()
	c.recall()
}

// An edit that came without its words tells nobody which message it changes: the store
// remembers that it is wanted, by its position, until the words have come or are gone for good.
func (c *chamber) wordlessName(pos uint64) string {
	return fmt.Sprintf("wordless/%s/%d", c.text, pos)
}

// loadWordless reads which edits are wanted.
func (c *chamber) loadWordless() error {
	prefix := "wordless/" + c.text + "/"
	all, err := c.n.store.Values(prefix)
	if err != nil {
		return fmt.Errorf("read edits without words of room %s: %w", c.id, err)
	}
	for _, v := range all[:min(len(all), mostWanted)] {
		if pos, err := strconv.ParseUint(strings.TrimPrefix(v.Name, prefix), 10, 64); err == nil {
			c.wanted[pos] = nil
		}
	}
	c.recall()
	return nil
}

// recall begins to look for words, unless somebody does already.
func (c *chamber) recall() {
	c.mu.RLock()
	none := len(c.wanted) == 0
	c.mu.RUnlock()
	if none || !c.recalling.CompareAndSwap(false, true) {
		return
	}
	started := c.n.rooms.start(func() {
		defer c.recalling.Store(false)
		for some := true; some && c.n.life.Err() == nil; { // where some are, the rest may be in a moment
			c.n.pause(recallAfter)
			some = false
			for pos, edits := range c.takeWanted() {
				some = c.recallOne(c.n.life, pos, edits) || some
			}
		}
	})
	if !started {
		c.recalling.Store(false)
	}
}

// takeWanted is all that is wanted; what is not found is wanted again when somebody looks.
func (c *chamber) takeWanted() map[uint64][]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := maps.Clone(c.wanted)
	clear(c.wanted)
	return out
}

// pause lets time pass, or the node stop.
func (n *Node) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-n.life.Done():
	}
}

// recallOne looks for the words of a message and of its edits, or of an edit alone. Those
// of an edit of which nobody knows the message are wanted until the room's home has spoken.
// It tells whether it has found some.
func (c *chamber) recallOne(ctx context.Context, message uint64, edits []uint64) bool {
	row, ok, err := c.n.store.Row(c.id, message)
	if err != nil || !ok {
		return false
	}
	if row.Void || row.Standing.GetDeleted() || row.Event.Body != nil {
		if row.Event.Kind() == room.KindEdit {
			c.wantAgain(message, true)
		}
		return false
	}
	s := &submission{done: make(chan result, 1)}
	for _, pos := range append([]uint64{message}, edits...) {
		rec, ok, err := c.n.store.Record(c.id, pos)
		if err != nil || !ok || rec.Void || rec.Event.Body != nil {
			continue
		}
		e, sure := c.fetchWords(ctx, rec.Event)
		if e != nil {
			s.words = append(s.words, storage.Record{Pos: pos, Event: e})
		} else if rec.Event.Kind() == room.KindEdit {
			c.wantAgain(pos, sure)
		}
	}
	if len(s.words) > 0 {
		_ = c.n.submit(c.id, s) // full: when somebody looks again
	}
	return len(s.words) > 0
}

// wantAgain keeps in mind that the words of an edit are wanted still; settled: no more.
func (c *chamber) wantAgain(edit uint64, settled bool) {
	if settled {
		if err := c.n.store.PutValue(c.wordlessName(edit), nil); err != nil {
			c.n.log.Error("forget an edit without words", "room", c.text, "err", err)
		}
		return
	}
	c.mu.Lock()
	c.wanted[edit] = nil
	c.mu.Unlock()
}

// fetchWords asks the other nodes for one event with its body, the home first. sure: the home
// has answered, or at the home the event's origin; what they do not have was erased for good.
func (c *chamber) fetchWords(ctx context.Context, e *room.Event) (found *room.Event, sure bool) {
	h := e.Header
	ask := &roompb.Ask{What: &roompb.Ask_Page{Page: &roompb.PageAsk{
		Room: c.id.Bytes(), Origin: h.GetOrigin(), Incarnation: h.GetIncarnation(), Below: h.GetSeq() + 1, Above: h.GetSeq() - 1, Limit: 1, Log: h.GetLog(),
	}}}
	first := c.home()
	if first == c.n.name {
		first = h.GetOrigin()
	}
	for _, peer := range c.sources(first) {
		within, cancel := context.WithTimeout(ctx, askTimeout)
		a, err := c.n.ask(within, peer, ask)
		cancel()
		if err != nil || len(a.GetPage().GetPackets()) == 0 {
			continue
		}
		r, err := openParcel(c.id, a.GetPage())
		if err != nil || r.last().ID != e.ID {
			continue
		}
		if r.last().Body != nil {
			return r.last(), true
		}
		sure = sure || peer == first
	}
	return nil, sure
}

// restore puts words back, and works out anew how the messages stand that they are about.
func (t *turn) restore(s *submission) error {
	before := len(t.app.Restore)
	for _, rec := range s.words {
		was, err := t.find(rec.Event.ID)
		if err != nil {
			return err
		}
		if was.Event.Body != nil || slices.ContainsFunc(t.app.Restore, func(r storage.Record) bool { return r.Pos == rec.Pos }) {
			continue // looked for twice, for its message and by itself
		}
		t.app.Restore = append(t.app.Restore, rec)
		w := &t.withdrawn
		if target, ok := rec.Event.Target(); ok {
			if w.found == nil {
				w.found = map[room.EventID][]storage.Record{}
			}
			w.found[target] = append(w.found[target], rec)
			t.app.Values = append(t.app.Values, storage.Value{Name: t.c.wordlessName(rec.Pos)})
			w.stand(target)
			continue
		}
		whole := *was
		whole.Event = rec.Event
		whole.Thread, _ = rec.Event.Thread()
		t.rows[rec.Event.ID] = &whole
		w.stand(rec.Event.ID)
		if err := t.moveThread(was, &whole); err != nil {
			return err
		}
	}
	if len(t.app.Restore) == before {
		s.done <- result{}
		return nil
	}
	t.reset = true
	t.replies = append(t.replies, reply{sub: s})
	return nil
}

// moveThread is for a message whose words say that it is in another thread than was thought.
func (t *turn) moveThread(was, is *storage.Row) error {
	if was.Thread == is.Thread {
		return nil
	}
	if !was.Thread.IsZero() {
		t.withdrawn.leaveThread(was.Thread, was.Pos)
	}
	about, err := t.affected(is)
	if err == nil && about != nil {
		t.effect(is, about)
	}
	return err
}
