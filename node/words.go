package node

import (
	"context"
	"maps"
	"slices"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// A deletion that has become void leaves a message whose words were erased here. Those who
// learnt of it when it was void already, the room's home for one, still have them: they are
// fetched from there, and checked against the hash that the header names.

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
		c.n.pause(recallAfter)
		for pos, edits := range c.takeWanted() {
			c.recallOne(c.n.life, pos, edits)
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

func (c *chamber) recallOne(ctx context.Context, message uint64, edits []uint64) {
	row, ok, err := c.n.store.Row(c.id, message)
	if err != nil || !ok || row.Void || row.Standing.GetDeleted() || row.Event.Body != nil {
		return
	}
	s := &submission{words: &words{target: row.Event.ID}, done: make(chan result, 1)}
	for _, pos := range append([]uint64{message}, edits...) {
		rec, ok, err := c.n.store.Record(c.id, pos)
		if err != nil || !ok || rec.Void || rec.Event.Body != nil {
			continue
		}
		if e := c.fetchWords(ctx, rec.Event); e != nil {
			s.words.found = append(s.words.found, storage.Record{Pos: pos, Event: e})
		}
	}
	if len(s.words.found) > 0 {
		_ = c.n.submit(c.id, s) // full: when somebody looks again
	}
}

// fetchWords asks the other nodes for one event with its body, the home first.
func (c *chamber) fetchWords(ctx context.Context, e *room.Event) *room.Event {
	h := e.Header
	ask := &roompb.Ask{What: &roompb.Ask_Page{Page: &roompb.PageAsk{
		Room: c.id.Bytes(), Origin: h.GetOrigin(), Incarnation: h.GetIncarnation(), Below: h.GetSeq() + 1, Above: h.GetSeq() - 1, Limit: 1, Log: h.GetLog(),
	}}}
	c.mu.RLock()
	home := c.state.Home
	c.mu.RUnlock()
	for _, peer := range c.sources(home) {
		within, cancel := context.WithTimeout(ctx, askTimeout)
		a, err := c.n.ask(within, peer, ask)
		cancel()
		if err != nil || len(a.GetPage().GetPackets()) == 0 {
			continue
		}
		if r, err := openParcel(c.id, a.GetPage()); err == nil && r.last().ID == e.ID && r.last().Body != nil {
			return r.last()
		}
	}
	return nil
}

// words are bodies that were fetched for a message.
type words struct {
	target room.EventID
	found  []storage.Record
}

// restore puts words back, and works out anew how the message stands.
func (t *turn) restore(s *submission) error {
	about, err := t.find(s.words.target)
	if err != nil {
		return err
	}
	for _, rec := range s.words.found {
		t.app.Restore = append(t.app.Restore, rec)
		if rec.Pos == about.Pos {
			whole := *about
			whole.Event = rec.Event
			t.rows[s.words.target] = &whole
		} else if t.withdrawn.found == nil {
			t.withdrawn.found = map[room.EventID][]storage.Record{s.words.target: {rec}}
		} else {
			t.withdrawn.found[s.words.target] = append(t.withdrawn.found[s.words.target], rec)
		}
	}
	t.withdrawn.stand(s.words.target)
	t.reset = true
	t.replies = append(t.replies, reply{sub: s})
	return nil
}
