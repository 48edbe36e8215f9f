package node

import (
	"fmt"
	"maps"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// publish lets the world see the batch: state, ring, acknowledgements, wake-ups.
func (t *turn) publish() {
	followers, passed := t.enact()
	for _, r := range t.replies {
		r.sub.done <- result{receipt: r.receipt}
	}
	if t.fold != nil {
		followers = t.foldTold()
	}
	t.ensue()
	if t.fold != nil || passed {
		t.c.n.courier.mark(t.c.id)
	}
	if t.reset {
		for _, sub := range followers {
			sub.reset.Store(true)
		}
	}
	if len(t.steps) > 0 || t.reset {
		for _, sub := range followers {
			sub.mark()
		}
		t.c.n.index.mark(t.c.id)
	}
	if t.frozen != "" {
		t.c.summariesChanged()
	}
}

// enact makes the batch the room's. passed: other nodes are to be given some of it.
func (t *turn) enact() (followers []*subscription, passed bool) {
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.fold != nil {
		t.fold.publish(c)
	}
	if t.said && c.logs[t.own] == nil {
		clear(c.reached) // nobody has anything of a new log
	}
	maps.Copy(c.logs, t.logs)
	for _, u := range t.gone {
		c.leaving[u] = struct{}{}
	}
	if t.older != nil {
		c.entries = t.older
	}
	if t.frozen != "" {
		c.frozen, c.proofs = t.frozen, t.proofs
	}
	c.headPos, c.counted, c.clock = t.meta.HeadPos, t.meta.Counted, room.Time(t.meta.Clock)
	c.last = lastOf(t.meta)
	for _, s := range t.steps {
		c.ring.push(s)
	}
	c.tails.note(t.app.Records)
	if len(t.app.Erase)+len(t.app.Restore) > 0 {
		c.tails.drop()
	}
	c.hopeFor(t.logs)
	return c.followers, c.passesOn(t.logs)
}

// foldTold tells of what entries have changed, and returns who follows the room then.
func (t *turn) foldTold() []*subscription {
	c := t.c
	c.n.councils.poke(c.id)
	for _, e := range t.fold.entries {
		c.n.people.stateChanged(c, e, t.fold.changed)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.followers
}

// ensue is what the batch brings about beside the room's stream.
func (t *turn) ensue() {
	c := t.c
	if len(t.erased) > 0 {
		c.n.running.Go(func() { c.n.dropOf(t.erased) })
	}
	for _, m := range t.marks {
		c.n.people.read(c, m)
	}
	for _, row := range t.wanted {
		c.want(row.Pos, row.Standing.GetEdits())
	}
	for _, u := range t.gone {
		c.n.people.standingChanged(c, u)
	}
	for _, l := range t.app.Outbox {
		c.n.sending.try(l.Node)
	}
	if t.fold != nil || len(t.logs) > 0 {
		if _, torn := c.firstHole(); torn {
			c.fill()
		}
	}
}

// encodeItem is done once for all readers.
func (c *chamber) encodeItem(row, about *storage.Row, voided []string) []byte {
	item := &roompb.Item{Event: c.view(row), Voided: voided}
	if about != nil {
		item.Target = c.view(about)
	}
	b, err := proto.Marshal(item)
	if err != nil { // a view is made of valid UTF-8 and scalars only
		panic(fmt.Sprintf("encode item %s: %v", row.Event.ID, err))
	}
	return b
}
