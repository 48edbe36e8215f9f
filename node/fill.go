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

// fillAgain is after how long what nobody had is asked for again.
const fillAgain = 10 * time.Second

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
		if !c.mend(c.n.life, h) {
			c.inVain(h.log)
		}
	}
	return !c.torn()
}

// inVain notes that nobody could give more of a log. It is passed over for a while: who
// writes an end of a log and withholds what is below must not keep the others from being
// fetched.
func (c *chamber) inVain(ch *chain) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(c.vain, func(_ logName, at time.Time) bool { return now.Sub(at) >= fillAgain })
	if c.vain == nil {
		c.vain = map[logName]time.Time{}
	}
	c.vain[ch.name()] = now
}

// askable tells whether a log may be asked for. c.mu is held.
func (c *chamber) askable(ch *chain) bool {
	at, asked := c.vain[ch.name()]
	return !asked || time.Since(at) >= fillAgain
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

// hole is what is missing of a log: the events between above and below, both exclusive.
type hole struct {
	log          *chain
	above, below uint64
	before       room.EventID // of the event before the one at below
	old          bool         // somebody scrolls there: news for nobody
	limit        uint32       // events of a page
}

func (c *chamber) firstHole() (hole, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, ch := range c.logs {
		if ch.torn() && c.askable(ch) {
			return ch.hole(false)
		}
	}
	return hole{}, false
}

// hole is the newest that a log has; with floor, what lies below all that is here is one.
func (c *chain) hole(floor bool) (h hole, ok bool) {
	h = hole{log: c, limit: maxPage}
	h.above, h.below, h.before, ok = c.gap(floor)
	h.old = floor && h.above == 0
	return h, ok
}

// ahead is how many pages are here, or asked for, before the page above them is stored.
const ahead = 2

// mend fills a hole from its upper end down: the next page is asked for while the one
// above it is being stored. It tells whether something was learnt.
func (c *chamber) mend(ctx context.Context, h hole) (learnt bool) {
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
			return learnt // of no use yet
		}
		learnt = true
	}
	return learnt
}

// fetch brings one page of what is older than a log is here, for somebody who scrolls there.
// It tells whether something was learnt.
func (c *chamber) fetch(ctx context.Context, ch *chain, limit uint32) bool {
	h, ok := ch.hole(true)
	if !ok {
		return false
	}
	h.limit = limit
	if r := c.pageBelow(ctx, &h); r != nil {
		if again, err := c.n.take(ctx, c, r); again == nil && err == nil {
			return true
		}
	}
	if ctx.Err() == nil {
		c.inVain(ch)
	}
	return false
}

// pageBelow asks those who may have it for the uppermost page of a hole, which is that much
// smaller then: the log's origin, then the home, then the others. It is nil when the hole
// is full, or nobody has the page.
func (c *chamber) pageBelow(ctx context.Context, h *hole) *received {
	if h.below <= h.above+1 || ctx.Err() != nil {
		return nil
	}
	ask := &roompb.Ask{What: &roompb.Ask_Page{Page: &roompb.PageAsk{
		Room: c.id.Bytes(), Origin: h.log.key.origin, Incarnation: h.log.key.incarnation, Below: h.below, Above: h.above, Limit: h.limit, Log: h.log.log,
	}}}
	for _, peer := range c.sources(h.log.key.origin) {
		within, cancel := context.WithTimeout(ctx, askTimeout)
		a, err := c.n.ask(within, peer, ask)
		cancel()
		if err != nil || len(a.GetPage().GetPackets()) == 0 {
			continue
		}
		r, err := openParcel(c.id, a.GetPage())
		if err != nil || r.log != h.log.log || h.log.log == roompb.Log_LOG_MESSAGES && r.key != h.log.key || r.last().ID != h.before {
			c.n.Peers.Raise(peer, "The node answered with messages that do not belong where it said they do.")
			continue
		}
		r.peer, r.head, r.old = peer, nil, h.old
		h.below = r.first().Header.GetSeq()
		h.before, _ = room.HashFromBytes(r.first().Header.GetPrev()) // of a hashed header
		return r
	}
	return nil
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
		if _, below, _, ok := ch.gap(true); ok {
			if e, err := c.logEvent(ch, below); err == nil && e.Time() > until {
				return ch
			}
		}
	}
	return nil
}

// incomplete tells whether some log is not here from its beginning.
func (c *chamber) incomplete() bool {
	return slices.ContainsFunc(c.all(nil), func(ch *chain) bool {
		_, _, _, ok := ch.gap(true)
		return ok
	})
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
