package plugins

import (
	"context"
	"errors"
	"time"

	"hearth/node"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

const (
	followBytes = 1 << 20         // of items that are thrown away: the follower is only a bell
	lazily      = 5 * time.Second // between two notes of a cursor that passed over nothing that counts
)

// relay owns the outboxes: it fills the window, takes the outcomes, and writes down how far each link
// has come.
func (l *life) relay() {
	f, wake := l.follow()
	if f == nil {
		return
	}
	defer func() { f.Close() }()
	l.watchRooms(f)
	alarm := time.NewTimer(l.h.Times.Tick)
	defer alarm.Stop()
	lazy := time.Now()
	for _, a := range l.allLanes() {
		l.pump(a)
	}
	var marks []chan struct{}
	for {
		select {
		case <-l.ctx.Done():
			l.writeAll(true)
			return
		case o := <-l.outcomes:
			marks = l.settleAll(o, marks)
		case <-wake:
			if !l.ring(f) {
				again, bell := l.follow()
				if again == nil {
					continue
				}
				f.Close()
				f, wake = again, bell
				l.watchRooms(f)
			}
		case <-l.k.linked:
			l.relink()
			l.watchRooms(f)
			l.note()
		case <-alarm.C:
		}
		for _, a := range l.allLanes() {
			l.pump(a)
		}
		full := time.Since(lazy) > lazily
		if full {
			lazy = time.Now()
		}
		l.writeAll(full)
		for _, mark := range marks {
			close(mark)
		}
		marks = nil
		alarm.Reset(l.nextLook())
	}
}

// nextLook is when a lane that waits may go on, at most a tick from now.
func (l *life) nextLook() time.Duration {
	next := l.h.Times.Tick
	for _, a := range l.allLanes() {
		if d := time.Until(a.out.paused); d > 0 {
			next = min(next, d)
		}
	}
	return next
}

// follow hears of what is new in the bot's rooms. Whatever came before is looked at too. nil: the
// stream ends.
func (l *life) follow() (*node.Follower, <-chan struct{}) {
	f, err := l.n.Follow(l.caller, node.FollowOptions{MaxBacklog: 1})
	if err != nil {
		l.end(err)
		return nil, nil
	}
	for _, a := range l.allLanes() {
		a.out.behind = true
	}
	return f, f.Wake()
}

// ring notes which rooms have something new, and passes on who is typing. False: the follower has
// come to its end.
func (l *life) ring(f *node.Follower) bool {
	b, err := f.Next(followBytes)
	if err != nil {
		return false
	}
	for _, a := range l.allLanes() {
		for _, r := range b.Rooms {
			if r.Room == a.room.String() {
				a.out.behind = true
			}
		}
		for _, s := range b.Signals {
			if s.GetKind() == "typing" && s.GetRoom() == a.room.String() {
				l.sendTyping(a, s)
			}
		}
	}
	return true
}

// mostWatched is how many rooms a follower may have on show.
const mostWatched = 8

func (l *life) watchRooms(f *node.Follower) {
	if !l.can.GetTyping() || l.ctx.Err() != nil {
		return
	}
	var rooms []room.ID
	for _, a := range l.allLanes() {
		if a.confirmed.Load() && len(rooms) < mostWatched {
			rooms = append(rooms, a.room)
		}
	}
	if _, err := f.Watch(rooms); err != nil {
		l.book.Logf(l.name, "who is typing is not passed on: %v", err)
	}
}

func (l *life) sendTyping(a *lane, s *roompb.Signal) {
	if !a.confirmed.Load() || s.GetUser() == string(l.caller.User) || l.beenHere(s.GetGhost()) {
		return
	}
	l.send(&pb.HostFrame{Frame: &pb.HostFrame_Typing{Typing: &pb.Typing{
		Channel: a.channel, Person: l.person(s.GetUser(), s.GetGhost()), On: s.GetOn(),
	}}})
}

// relink brings the lanes together with the links there are.
func (l *life) relink() {
	now := map[string]channel.Link{}
	for _, link := range l.book.Links(l.name) {
		if link.Live() {
			now[link.Channel] = link
		}
	}
	for _, a := range l.allLanes() {
		link, there := now[a.channel]
		if there && link.Room == a.room && link.Created == a.link.Created {
			delete(now, link.Channel)
			l.change(a, link)
		} else {
			l.drop(a)
		}
	}
	for _, link := range now {
		l.add(link)
		l.sendLink(link)
	}
}

// change takes over what is new about a link.
func (l *life) change(a *lane, link channel.Link) {
	l.tellMutes(a, link)
	confirmed, set := link.Confirmed && !a.confirmed.Load(), link.Edition != a.link.Edition
	l.mu.Lock()
	if a.link = link; confirmed {
		a.out = newOutbox(link.Cursor)
	}
	l.mu.Unlock()
	a.confirmed.Store(link.Confirmed)
	if confirmed || set {
		l.sendLink(link)
	}
}

func (l *life) tellMutes(a *lane, link channel.Link) {
	before := map[string]bool{}
	for _, g := range a.link.Muted {
		before[g] = true
	}
	tell := func(ghost string, on bool) {
		l.send(&pb.HostFrame{Frame: &pb.HostFrame_Mute{Mute: &pb.Mute{Channel: link.Channel, Ghost: ghost, On: on}}})
	}
	for _, g := range link.Muted {
		if !before[g] {
			tell(g, true)
		}
		delete(before, g)
	}
	for g := range before {
		tell(g, false)
	}
}

func (l *life) sendLink(link channel.Link) {
	l.send(&pb.HostFrame{Frame: &pb.HostFrame_Link{Link: l.describe(link)}})
}

func (l *life) drop(a *lane) {
	a.stop()
	l.mu.Lock()
	delete(l.lanes, a.channel)
	l.mu.Unlock()
	l.unheard.Add(-int32(a.out.unanswered()))
	l.send(&pb.HostFrame{Frame: &pb.HostFrame_Unlink{Unlink: a.channel}})
}

// pump delivers what the window has room for.
func (l *life) pump(a *lane) {
	if !a.confirmed.Load() || time.Now().Before(a.out.paused) {
		return
	}
	if f := a.out.unsent(); f != nil && f.again {
		l.mu.Lock()
		l.age(a)
		l.mu.Unlock()
	}
	for l.room(a) && l.ctx.Err() == nil {
		if f := a.out.unsent(); f != nil {
			l.deliver(a, f)
			continue
		}
		item, err := l.peek(a)
		if err != nil {
			l.pause(a, err)
			return
		}
		if item == nil {
			if !l.sayStale(a) {
				return
			}
			continue
		}
		v, err := l.verdict(a, item)
		switch {
		case err != nil:
			l.pause(a, err)
			return
		case v.wait:
			return
		case v.stale:
			a.out.stale.add(item.GetEvent())
			l.mu.Lock()
			a.out.shift()
			l.mu.Unlock()
			continue
		case v.delivery != nil && l.sayStale(a):
			continue // that line first
		}
		l.shift(a, item, v)
	}
}

// shift takes an item out of the buffer, as what has become of it.
func (l *life) shift(a *lane, item *roompb.Item, v verdict) {
	e := item.GetEvent()
	f := &flight{pos: e.GetPos(), time: e.GetTime(), dropped: v.dropped, delivery: v.delivery, done: v.delivery == nil}
	f.event, _ = room.ParseHash(e.GetId())
	if v.dropped != "" {
		f.n = 1
	}
	l.mu.Lock()
	a.out.shift()
	for _, u := range v.undone { // the item is behind the cursor once all of them are answered
		a.out.flights = append(a.out.flights, &flight{pos: max(e.GetPos(), 1) - 1, time: e.GetTime(), event: u.again, anew: !u.again.IsZero(), delivery: u.delivery})
	}
	a.out.flights = append(a.out.flights, f)
	l.mu.Unlock()
}

// room tells whether one more delivery fits into the window. With several links, one of them
// has no more than a quarter of it.
func (l *life) room(a *lane) bool {
	most := window
	l.mu.Lock()
	if len(l.lanes) > 1 {
		most = window / 4
	}
	l.mu.Unlock()
	if len(a.out.flights) >= mostFlights {
		a.out.gather(l, a)
	}
	return a.out.sentNow() < most && len(a.out.flights) < mostFlights && int(l.unheard.Load()) < window
}

const (
	mostFlights  = 4 * window // answered ones too, behind one that is not
	stretchBytes = 128 << 10
	retryRead    = time.Second
)

// peek is the next item of a room; nil when there is none.
func (l *life) peek(a *lane) (*roompb.Item, error) {
	o := &a.out
	for len(o.buffer) == 0 && o.behind {
		o.behind = false
		s, err := l.n.Stretch(l.caller, a.room, o.next, stretchBytes)
		if err != nil {
			o.behind = true
			return nil, err
		}
		if s.Gap {
			l.book.Logf(l.name, "%s: the room goes on from an older past; what lies between is not relayed", a.channel)
		}
		items, err := decodeItems(s.Items)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		o.buffer, o.next, o.behind = items, s.Upto, s.More
		l.mu.Unlock()
	}
	if len(o.buffer) == 0 {
		return nil, nil
	}
	return o.buffer[0], nil
}

// pause is for a lane that cannot go on now: the room may be loading, or the bot not in it any more.
func (l *life) pause(a *lane, err error) {
	a.out.paused = time.Now().Add(retryRead)
	if l.ctx.Err() == nil && !errors.Is(err, context.Canceled) && a.out.failed != err.Error() {
		a.out.failed = err.Error()
		l.book.Logf(l.name, "%s: the room cannot be read: %v", a.channel, err)
	}
}

func (l *life) deliver(a *lane, f *flight) {
	f.delivery.Again = f.again || f.pos <= a.out.head && a.out.first(f)
	l.mu.Lock()
	f.sent = true
	l.mu.Unlock()
	if l.unheard.Add(1) == 1 {
		l.progress.Store(time.Now().UnixNano())
	}
	l.send(&pb.HostFrame{Frame: &pb.HostFrame_Delivery{Delivery: f.delivery}})
}

// settleAll takes all outcomes that are there, and the marks among them.
func (l *life) settleAll(o answered, marks []chan struct{}) []chan struct{} {
	for {
		if o.Outcome != nil {
			l.settle(o.Outcome)
		} else {
			marks = append(marks, o.written)
		}
		if len(l.outcomes) == 0 {
			return marks
		}
		o = <-l.outcomes
	}
}

// settle takes an outcome. One that was not asked for, or not any more, is nothing.
func (l *life) settle(o *pb.Outcome) {
	a := l.lane(o.GetChannel())
	if a == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := a.out.find(o.GetId())
	if f == nil || f.done {
		return
	}
	if o.GetAgainMs() > 0 {
		l.unheard.Add(-int32(a.out.takeBack(f)))
		a.out.paused = time.Now().Add(min(time.Duration(o.GetAgainMs())*time.Millisecond, mostAgain))
		return
	}
	if f.sent {
		l.unheard.Add(-1)
	}
	f.done, f.sent = true, false
	switch {
	case f.n > 0: // a notice about what was dropped already
	case o.GetDropped() != "":
		f.dropped, f.n = reason(o.GetDropped()), 1
		l.book.Logf(l.name, "%s: not relayed (%s): %s", a.channel, f.dropped, o.GetText())
	default:
		f.relayed, f.remote = true, l.remotes(o.GetRemote())
		if len(f.remote) == 0 && undoable[f.delivery.GetKind()] {
			f.remote = []string{traceOf(f.delivery)}
		}
	}
}

const mostAgain = 10 * time.Minute

// reason is a word that may be counted by.
func reason(s string) string {
	if len(s) > 40 || room.CheckLine("reason", s, 40) != nil {
		return "other"
	}
	return s
}

// remotes are ids that the book takes.
func (l *life) remotes(ids []string) (out []string) {
	for _, id := range ids {
		if id == "" || len(id) > channel.MaxRemote || len(out) == channel.MaxRemotes {
			l.book.Logf(l.name, "an id of %d bytes, or more than %d of them, cannot be kept", len(id), channel.MaxRemotes)
			continue
		}
		out = append(out, id)
	}
	return out
}

// writeAll writes down how far the links have come: at once what counts, lazily a cursor that passed
// over nothing that does.
func (l *life) writeAll(full bool) {
	for _, a := range l.allLanes() {
		a.out.gather(l, a)
		p := a.out.pending
		if !p.counts && !(full && p.moved) {
			continue
		}
		a.out.pending = pending{}
		err := l.book.Advance(channel.Progress{Bridge: l.name, Room: a.room, Cursor: p.cursor, Remote: p.remote, Anew: p.anew, Counts: p.sum})
		if err != nil && room.CodeOf(err) != room.NotFound {
			// What was answered comes again: the plugin knows its ids.
			l.end(err)
			return
		}
		a.link.Cursor = max(a.link.Cursor, p.cursor)
	}
}
