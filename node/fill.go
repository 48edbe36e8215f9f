package node

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// fill begins to fill the gaps in a room's logs from the newest down, page by page,
// unless somebody does already.
func (c *chamber) fill() {
	if !c.filling.CompareAndSwap(false, true) {
		return
	}
	started := c.n.rooms.start(func() {
		whole := c.mendAll()
		if !whole { // who has it may not have had it yet
			c.n.pause(fillAgain)
		}
		c.filling.Store(false)
		if c.torn() && !c.asleep() {
			c.fill()
		}
	})
	if !started {
		c.filling.Store(false)
	}
}

// What nobody had is asked for again after fillAgain, and the longer the less often: after half
// as long as it has been missing, fillRarely at most. It may never come.
const (
	fillAgain  = 10 * time.Second
	fillRarely = 10 * time.Minute
)

// asleep tells whether the room is another chamber's by now.
func (c *chamber) asleep() bool {
	c.queueMu.Lock()
	defer c.queueMu.Unlock()
	return c.retired
}

// mendAll fills the holes that can be filled; false when there are others: nobody has what
// is missing, or it cannot be judged yet.
func (c *chamber) mendAll() bool {
	for c.n.life.Err() == nil {
		h, ok := c.firstHole()
		if !ok {
			break
		}
		if learnt, shown := c.mend(c.n.life, h); !learnt {
			c.inVain(wish{h.log.name(), false}, shown)
		}
	}
	return !c.torn()
}

// wish is a log that is asked for: of what is missing between its stretches, or, as somebody
// scrolls there, of what is below them too.
type wish struct {
	log   logName
	floor bool
}

// vain is when nobody could give more of a log, the last time and the first since something
// of it came. shown: somebody gave another branch, the last time.
type vain struct {
	last, first time.Time
	shown       bool
}

// inVain notes that nobody could give more of a log. It is passed over for a while: who
// writes an end of a log and withholds what is below must not keep the others from being
// fetched.
func (c *chamber) inVain(w wish, shown bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(c.vain, func(_ wish, v vain) bool { return now.Sub(v.last) >= 2*fillRarely })
	if c.vain == nil {
		c.vain = map[wish]vain{}
	}
	v := c.vain[w]
	if v.first.IsZero() {
		v.first = now
	}
	v.last, v.shown = now, shown
	c.vain[w] = v
}

// hope has all logs asked for as soon as at first: somebody is here who was not.
func (c *chamber) hope() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for w, v := range c.vain {
		c.vain[w] = vain{v.last, v.last, v.shown}
	}
}

// hopeFor does it for logs of which something came. c.mu is held.
func (c *chamber) hopeFor(logs map[logKey]*chain) {
	for _, ch := range logs {
		w := wish{ch.name(), false}
		if v, asked := c.vain[w]; asked {
			c.vain[w] = vain{v.last, v.last, v.shown}
		}
	}
}

// askable tells whether a log may be asked for by who scrolls. c.mu is held.
func (c *chamber) askable(ch *chain) bool {
	v, asked := c.vain[wish{ch.name(), true}]
	return !asked || time.Since(v.last) >= fillAgain
}

// due tells whether a log is asked for though nobody looks at it. c.mu is held.
func (c *chamber) due(ch *chain) bool {
	v, asked := c.vain[wish{ch.name(), false}]
	return !asked || time.Since(v.last) >= min(max(v.last.Sub(v.first)/2, fillAgain), fillRarely)
}

// logName names any log of a room.
type logName struct {
	log roompb.Log
	key logKey
}

func (c *chain) name() logName { return logName{c.log, c.key} }

// torn tells whether a log has holes.
func (c *chamber) torn() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, ch := range c.logs {
		if ch.torn() {
			return true
		}
	}
	return false
}

// hole is what is missing of a log, as it becomes less.
type hole struct {
	log   *chain
	gaps  []gap // newest first
	limit uint32
	tops  bool // who has another event at the top of what is below a gap is to show it
}

func (c *chamber) firstHole() (hole, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, ch := range c.logs {
		if ch.torn() && c.due(ch) {
			h := ch.hole(false)
			h.tops = !c.vain[wish{ch.name(), false}].shown // else it may be shown each time, in the place of what fills the hole
			return h, true
		}
	}
	return hole{}, false
}

// hole is all that a log lacks; with floor, what lies below all that is here too.
func (c *chain) hole(floor bool) hole {
	return hole{log: c, gaps: c.gaps(floor), limit: maxPage}
}

// ahead is how many pages are here, or asked for, before the page above them is stored.
const ahead = 2

// mend fills a hole from its upper end down: the next page is asked for while the one
// above it is being stored. It tells whether something was learnt; or else whether a branch was
// shown, which is looked into.
func (c *chamber) mend(ctx context.Context, h hole) (learnt, shown bool) {
	ctx, stop := context.WithCancel(ctx)
	pages := make(chan *received, ahead)
	var asking sync.WaitGroup
	asking.Go(func() {
		defer close(pages)
		for r := c.pageBelow(ctx, &h); r != nil; r = c.pageBelow(ctx, &h) {
			select {
			case pages <- r:
			case <-ctx.Done():
				return
			}
		}
	})
	defer asking.Wait()
	defer stop()
	for r := range pages {
		if again, err := c.n.take(ctx, c, r); err != nil || again != nil {
			return learnt, r.head != nil // of no use yet
		}
		learnt = true
	}
	return learnt, false
}

// fetch brings one page of what is older than a log is here, for somebody who scrolls there.
// It tells whether something was learnt.
func (c *chamber) fetch(ctx context.Context, ch *chain, limit uint32) bool {
	h := ch.hole(true)
	h.limit = limit
	if r := c.pageBelow(ctx, &h); r != nil {
		if again, err := c.n.take(ctx, c, r); again == nil && err == nil {
			return true
		}
	}
	if ctx.Err() == nil {
		c.inVain(wish{ch.name(), true}, false)
	}
	return false
}

// pageBelow asks those who may have it for the uppermost page of a hole, which is that much
// smaller then: the log's origin, then the home, then the others. It is nil when the hole
// is full, or nobody has anything of it.
func (c *chamber) pageBelow(ctx context.Context, h *hole) *received {
	if len(h.gaps) == 0 || ctx.Err() != nil {
		return nil
	}
	ask := &roompb.Ask{What: &roompb.Ask_Page{Page: h.ask(c.id)}}
	for _, peer := range c.sources(h.log.key.origin) {
		within, cancel := context.WithTimeout(ctx, askTimeout)
		a, err := c.n.ask(within, peer, ask)
		cancel()
		if err != nil || len(a.GetPage().GetPackets()) == 0 {
			continue
		}
		r, err := openParcel(c.id, a.GetPage())
		if err == nil && h.parted(r) && peer != h.log.key.origin {
			continue // either of the two is not what the log's node signed, or both are
		}
		if err != nil || h.parted(r) || !c.fits(h, r) {
			c.n.Peers.Raise(peer, "The node answered with messages that do not belong where it said they do.")
			continue
		}
		r.peer, r.asked = peer, true
		h.less(r)
		return r
	}
	return nil
}

// ask is for the newest that is missing. A node that does not know of gaps looks at the first.
func (h *hole) ask(id room.ID) *roompb.PageAsk {
	q := &roompb.PageAsk{
		Room: id.Bytes(), Origin: h.log.key.origin, Incarnation: h.log.key.incarnation,
		Above: h.gaps[0].above, Below: h.gaps[0].below, Limit: h.limit, Log: h.log.log,
	}
	if h.log.log == roompb.Log_LOG_MESSAGES {
		for _, g := range h.gaps[:min(len(h.gaps), maxGaps)] {
			lacks := &roompb.Gap{Above: g.above, Below: g.below}
			if h.tops && !g.top.IsZero() {
				lacks.Top = g.top.Bytes()
			}
			q.Gaps = append(q.Gaps, lacks)
		}
	}
	return q
}

// in is the gap that an event lies in; -1: in none.
func (h *hole) in(seq uint64) int {
	return slices.IndexFunc(h.gaps, func(g gap) bool { return g.above < seq && seq < g.below })
}

// of tells whether a page is of the hole's log.
func (h *hole) of(r *received) bool {
	return r.log == h.log.log && (r.log != roompb.Log_LOG_MESSAGES || r.key == h.log.key)
}

// parted tells whether a page ends right below what is here, with another event than that names:
// the log's node has told two stories, of which who answers may know the other, or does so now.
func (h *hole) parted(r *received) bool {
	i := h.in(r.last().Header.GetSeq())
	return i >= 0 && h.of(r) && r.last().Header.GetSeq()+1 == h.gaps[i].below && r.last().ID != h.gaps[i].before
}

// fits tells whether a page is of a hole: its last event is the one that the event above it
// names, or, in the midst of a gap, or in the place of what is below one, is signed for.
func (c *chamber) fits(h *hole, r *received) bool {
	last := r.last().Header.GetSeq()
	i := h.in(last)
	if !h.of(r) || i < 0 && !h.denies(r) {
		return false
	}
	if i >= 0 && last+1 == h.gaps[i].below { // and as that names it: it is not parted
		r.head = nil
		return true
	}
	if r.head == nil || r.log != roompb.Log_LOG_MESSAGES {
		return false
	}
	known, err := c.signed(r)
	return known && err == nil
}

// denies tells whether a page ends with another event than the one that is here below a gap.
func (h *hole) denies(r *received) bool {
	return slices.ContainsFunc(h.gaps, func(g gap) bool {
		return g.above == r.last().Header.GetSeq() && !g.top.IsZero() && g.top != r.last().ID
	})
}

// less takes a page out of a hole.
func (h *hole) less(r *received) {
	first, last := r.first().Header, r.last().Header.GetSeq()
	i := h.in(last)
	if i < 0 { // it shows another branch, once
		h.tops = false
		return
	}
	g := h.gaps[i]
	var left []gap
	if last+1 < g.below {
		left = append(left, gap{last, g.below, g.before, r.last().ID})
	}
	if g.above+1 < first.GetSeq() {
		before, _ := room.HashFromBytes(first.GetPrev()) // of a hashed header
		left = append(left, gap{g.above, first.GetSeq(), before, g.top})
	}
	h.gaps = slices.Replace(h.gaps, i, i+1, left...)
}

// sources are the nodes that may have a log, the likeliest first, only those that are up.
func (c *chamber) sources(origin string) []string {
	c.mu.RLock()
	all := append([]string{origin, c.state.Home}, c.peers...)
	c.mu.RUnlock()
	var out []string
	for _, name := range all {
		if name != c.n.name && !slices.Contains(out, name) && c.n.up(name) {
			out = append(out, name)
		}
	}
	return out
}

// deepest bounds the pages that are fetched for one page of history.
const deepest = 20

// shallow is a log that begins, here, after a time, and may be asked for.
func (c *chamber) shallow(until room.Time) *chain {
	for _, ch := range c.all(c.askable) {
		if gaps := ch.gaps(true); len(gaps) > 0 {
			above := ch.stretch[ch.next(gaps[0].below)] // a gap may end at a fork that is not here
			if e, err := c.logEvent(ch, above.low); err == nil && e.Time() > until {
				return ch
			}
		}
	}
	return nil
}

// incomplete tells whether some log is not here from its beginning.
func (c *chamber) incomplete() bool {
	return slices.ContainsFunc(c.all(nil), func(ch *chain) bool { return len(ch.gaps(true)) > 0 })
}

// all are the room's logs, or some.
func (c *chamber) all(which func(*chain) bool) (logs []*chain) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	add := func(ch *chain) {
		if ch != nil && (which == nil || which(ch)) {
			logs = append(logs, ch)
		}
	}
	add(c.entries)
	for _, ch := range c.logs {
		add(ch)
	}
	return logs
}
