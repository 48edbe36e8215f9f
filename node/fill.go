package node

import (
	"context"
	"slices"

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
		defer c.filling.Store(false)
		for c.n.life.Err() == nil {
			ch := c.firstTorn()
			if ch == nil || !c.fetch(c.n.life, ch, false) {
				return // nothing is missing, or nobody has it now: PeerUp tries again
			}
		}
	})
	if !started {
		c.filling.Store(false)
	}
}

func (c *chamber) firstTorn() *chain {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, ch := range c.logs {
		if ch.torn() {
			return ch
		}
	}
	return nil
}

// fetch asks those who may have it for the page that comes before what is here of a log:
// its origin, then the home, then the others. It tells whether something was learnt.
func (c *chamber) fetch(ctx context.Context, ch *chain, old bool) bool {
	above, below, before, ok := ch.gap(old)
	if !ok {
		return false
	}
	ask := &roompb.Ask{What: &roompb.Ask_Page{Page: &roompb.PageAsk{
		Room: c.id.Bytes(), Origin: ch.key.origin, Incarnation: ch.key.incarnation, Below: below, Above: above, Limit: maxPage, Log: ch.log,
	}}}
	for _, peer := range c.sources(ch.key.origin) {
		within, cancel := context.WithTimeout(ctx, askTimeout)
		a, err := c.n.ask(within, peer, ask)
		cancel()
		if err != nil || len(a.GetPage().GetPackets()) == 0 {
			continue
		}
		r, err := openParcel(c.id, a.GetPage())
		if err != nil || r.log != ch.log || ch.log == roompb.Log_LOG_MESSAGES && r.key != ch.key || r.last().ID != before {
			c.n.Peers.Raise(peer, "The node answered with messages that do not belong where it said they do.")
			continue
		}
		r.peer, r.head, r.old = peer, nil, old && above == 0
		if _, err := c.n.take(ctx, c, r); err == nil {
			return true
		}
	}
	return false
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

// shallow is a log that begins, here, after a time.
func (c *chamber) shallow(until room.Time) *chain {
	c.mu.RLock()
	var logs []*chain
	for _, ch := range c.logs {
		logs = append(logs, ch)
	}
	if c.entries != nil {
		logs = append(logs, c.entries)
	}
	c.mu.RUnlock()
	for _, ch := range logs {
		if _, below, _, ok := ch.gap(true); ok {
			if e, err := c.logEvent(ch, below); err == nil && e.Time() > until {
				return ch
			}
		}
	}
	return nil
}

// incomplete tells whether some log is not here from its beginning.
func (c *chamber) incomplete() bool { return c.shallow(0) != nil }
