package node

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// A node whose clock was far ahead has written into the future: time never falls along a
// log, so other nodes take nothing more of that log until then, however right the clock is
// by now. So the node begins new logs, whose time begins at the present. What the old ones
// have of up to a day ahead comes to the others when it is time. What is further ahead is
// given up: the old log ends, for the others too, before it, and this node's own people
// have it said again, in the same words and order, at the present. Nobody can hold it
// against them: no node with a right clock has taken it.
//
// A clock that has fallen far behind looks the same from within: everything is in the
// future. So none of this is done unless other nodes, just now, confirm the clock.

// clockFresh is how old what a node told of its clock may be: a pong comes every 5 s.
const clockFresh = time.Minute

// clockConfirmed tells whether more of the linked nodes agree with this node's clock than not.
func (n *Node) clockConfirmed() bool {
	votes, now := 0, n.now()
	for _, p := range n.Peers.List() {
		age := now.Sub(p.State.ClockAt)
		switch {
		case p.State.Link != peer.Up || age < -clockFresh || age > clockFresh: // or this clock has jumped since
		case p.State.ClockAhead.Abs() <= room.MaxClockForward*time.Millisecond:
			votes++
		default:
			votes--
		}
	}
	return votes > 0
}

// farAhead is what nobody waits for.
const farAhead = int64(24 * time.Hour / time.Millisecond)

// leadOf is by how much (ms) a log may be ahead of its node's clock before new ones begin. It
// doubles with each incarnation, of which there are 64 (room.MaxIncarnation): a clock that
// keeps jumping uses up some twenty.
func leadOf(incarnation uint32) int64 { return room.MaxClockForward << min(incarnation-1, 30) }

// ahead tells whether the room's time is further on than this node's clock allows.
func (c *chamber) ahead() bool { return c.clock.Millis() > c.n.millis()+room.MaxClockForward }

// nudge has a turn made in a room in which nothing is said, if it has something to do.
func (c *chamber) nudge() {
	c.mu.RLock()
	due := c.ahead() || c.unsaid
	c.mu.RUnlock()
	if due {
		_ = c.enqueue(&submission{nudge: true, done: make(chan result, 1)}) // full: there is a turn anyhow
	}
}

// loadUnsaid looks whether this node stopped while it said again what it had given up: the
// newest of that comes last.
func (c *chamber) loadUnsaid() error {
	for k, ch := range c.logs {
		if k.origin != c.n.name || !ch.withheld() {
			continue
		}
		recs, err := c.n.store.Log(c.id, ch.log, k.origin, k.incarnation, ch.seq(), ch.seq(), 1, maxParcelBytes)
		if err != nil {
			return err
		}
		c.unsaid = c.unsaid || len(recs) == 1 && !recs[0].Void
	}
	return nil
}

// setRight is done BEFORE anything of a batch is written: see above.
func (c *chamber) setRight() {
	if !c.ahead() && !c.unsaid || !c.n.clockConfirmed() {
		return
	}
	if own := c.own(); own != nil {
		if lead := own.lastTime.Millis() - c.n.millis(); lead > leadOf(own.key.incarnation) {
			c.n.setBack(own.key.incarnation, lead)
		}
	}
	if lead := c.state.Clock.Millis() - c.n.millis(); lead > farAhead && c.state.Home == c.n.name && len(c.peers) > 0 {
		c.n.Peers.Raise(c.n.name, fmt.Sprintf("The rules of room %s were changed while this node's clock was ahead by %v. Other nodes take no change of them until then; talk goes on. To have a room whose rules they take: hearth room refound.", c.text, spell(lead)))
	}
	seen, err := c.seen(c.n.millis() + room.MaxClockForward)
	if err != nil {
		c.n.log.Error("set the time of a room right", "room", c.text, "err", err)
		return
	}
	c.mu.Lock()
	c.clock = seen
	c.mu.Unlock()
	again := map[room.EventID]room.EventID{}
	for {
		more, err := c.giveUp(again)
		if err != nil {
			c.n.log.Error("say again what was written ahead of time", "room", c.text, "err", err)
			return
		}
		if !more {
			break
		}
	}
	c.mu.Lock()
	c.unsaid = false
	c.mu.Unlock()
}

// seen is the newest time of the room up to one (ms), and that of this node's log, whatever
// it is: time never falls there.
func (c *chamber) seen(until int64) (newest room.Time, err error) {
	if c.state.Clock.Millis() <= until {
		newest = c.state.Clock
	}
	for k, ch := range c.logs {
		at := ch.lastTime
		if at.Millis() > until && k != c.n.ownLog() {
			last, err := c.lastInTime(ch, until)
			if err != nil {
				return 0, err
			}
			at = 0
			if last != nil {
				at = last.Time()
			}
		}
		newest = max(newest, at)
	}
	return newest, nil
}

// setBack begins new logs after those of an incarnation, which are ahead by so many ms.
func (n *Node) setBack(incarnation uint32, lead int64) {
	if err := n.beginAnew(incarnation); err != nil {
		n.log.Error("begin logs at the present", "err", err)
		return
	}
	n.Peers.Raise(n.name, fmt.Sprintf("The clock of this node was ahead by %v and was set back. New logs have begun at the present; what was written more than a day ahead, and no node with a right clock has taken, is said again. Keep the clock right by NTP.",
		spell(lead)))
}

// spell is a number of ms for people.
func spell(ms int64) time.Duration { return (time.Duration(ms) * time.Millisecond).Round(time.Minute) }

// withheld tells whether a log was given up from some event on.
func (c *chain) withheld() bool { return c.frozen != "" && c.branch == nil }

// told is a log as other nodes get it; nil when they get nothing of it. One that was given
// up ends where it was, and one of which others would refuse the newest before that: its
// own node, this one, signs that too.
func (c *chamber) told(ch *chain) *chain {
	own, until := ch.key.origin == c.n.name, c.n.millis()+room.MaxClockForward
	switch {
	case ch.withheld() && own:
		return c.shortened(ch, ch.fork, ch.forkHash)
	case ch.withheld():
		return nil
	case !own || ch.frozen != "" || ch.lastTime.Millis() <= until || !c.n.clockConfirmed():
		return ch
	}
	last, err := c.lastInTime(ch, until)
	if err != nil || last == nil {
		return nil
	}
	return c.shortened(ch, last.Header.GetSeq(), last.ID)
}

// shortened is a log of this node's up to a message.
func (c *chamber) shortened(ch *chain, seq uint64, hash room.EventID) *chain {
	if seq == 0 {
		return nil
	}
	out := ch.clone()
	out.frozen, out.hash = "", hash
	for i, part := range out.stretch {
		if part.high >= seq {
			out.stretch[i].high, out.stretch[i].top, out.stretch = seq, hash, out.stretch[:i+1]
			break
		}
	}
	out.head = &roompb.Head{Room: c.id.Bytes(), Log: ch.log, Origin: ch.key.origin, Incarnation: ch.key.incarnation, Seq: seq, Hash: hash.Bytes()}
	room.SignHead(out.head, c.n.key)
	return out
}

// mostAgain bounds the messages of one batch.
const mostAgain = 500

// giveUp takes back what was written too far ahead, and says it again where it was this
// node that did: a batch of it. again is what became of each message.
func (c *chamber) giveUp(again map[room.EventID]room.EventID) (more bool, err error) {
	t := newTurn(c, nil)
	t.reset = true
	for _, k := range slices.SortedFunc(maps.Keys(c.logs), compareKeys) {
		ch := c.logs[k]
		if !ch.withheld() {
			if ch, err = c.tooFar(ch, t.now); err != nil {
				return false, err
			}
			if ch == nil {
				continue
			}
			t.logs[k] = ch
		}
		if err := t.giveUp(ch, again); err != nil {
			return false, err
		}
	}
	if len(t.app.Void)+len(t.logs) == 0 {
		return false, nil
	}
	t.meta.LastTime = min(t.meta.LastTime, t.now)
	if err := t.commit(); err != nil {
		return false, err
	}
	t.publish()
	return true, nil
}

// giveUp is the part of one log.
func (t *turn) giveUp(ch *chain, again map[room.EventID]room.EventID) error {
	recs, err := t.c.beyond(ch)
	if err != nil {
		return err
	}
	for i := range recs {
		if err := t.void(&recs[i]); err != nil {
			return err
		}
	}
	if ch.key.origin != t.c.n.name {
		return nil
	}
	moved := moves{}
	for i := range recs {
		if err := t.sayAgain(&recs[i], again, &moved); err != nil {
			return err
		}
	}
	return t.follow(moved)
}

// tooFar is a log that is given up now, as that leaves it; nil when it is not. This node's
// own are when a newer one has taken their place; others', in the time of a wrong clock
// taken here too, when their node is sure to do the same.
func (c *chamber) tooFar(ch *chain, now int64) (*chain, error) {
	lead := ch.lastTime.Millis() - now
	own := ch.key.origin == c.n.name
	switch {
	case ch.frozen != "" || lead <= farAhead:
		return nil, nil
	case own && ch.key == c.n.ownLog(), !own && lead <= 2*leadOf(ch.key.incarnation):
		return nil, nil
	}
	out := ch.clone()
	out.frozen = fmt.Sprintf("The clock of %s was ahead by %v: what it wrote then is not taken.", ch.key.origin, spell(lead))
	last, err := c.lastInTime(ch, now+room.MaxClockForward)
	if last != nil {
		out.fork, out.forkHash = last.Header.GetSeq(), last.ID
	}
	return out, err
}

// lastInTime is the newest event of a log up to a time (ms); nil when all are later.
func (c *chamber) lastInTime(ch *chain, until int64) (last *room.Event, err error) {
	for _, part := range slices.Backward(ch.stretch) {
		late := sort.Search(int(part.high-part.low+1), func(i int) bool {
			e, missing := c.logEvent(ch, part.low+uint64(i))
			if err = cmp.Or(err, missing); err != nil {
				return true
			}
			if e.Time().Millis() > until {
				return true
			}
			last = e
			return false
		})
		if late > 0 || err != nil {
			return last, err
		}
	}
	return nil, nil
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// beyond is what stands of a log that was given up, the oldest first.
func (c *chamber) beyond(ch *chain) (recs []storage.Record, err error) {
	err = c.eachFrom(ch, ch.fork+1, func(rec *storage.Record) error {
		if !rec.Void {
			recs = append(recs, *rec)
		}
		if len(recs) >= mostAgain {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return recs, err
}
