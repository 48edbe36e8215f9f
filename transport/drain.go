package transport

import (
	"sync"
	"time"

	"hearth/node"
	"hearth/node/room"
	"hearth/transport/session"
)

// frames holds frames under assembly, for all sessions.
var frames = sync.Pool{New: func() any { return new(session.Frame) }}

// keepFrame is how large a frame may be to go back to the pool.
const keepFrame = 1 << 20

// The first message after a pause goes out at once; in a busy room the messages of some
// time share a write, which costs a tenth of a write each (transport.md, Cost). How long
// depends on how many clients there are: it is the writes of all of them that cost.
const (
	coalesceLeast = time.Millisecond
	coalesceEach  = 40 * time.Microsecond // so there are at most 25,000 writes a second
	coalesceMost  = 8 * time.Millisecond
)

// coalesce is the least time between two deliveries to one client.
func (s *Server) coalesce() time.Duration {
	return max(coalesceLeast, min(time.Duration(s.crowd.size())*coalesceEach, coalesceMost))
}

// writeLoop writes all that is due, whenever something is, until the session has ended.
// It waits on one channel alone: where hundreds of writers wake for one message each, a
// select of three was nearly half of all that they do besides the write.
func (l *live) writeLoop() {
	defer l.leave()
	p := pacer{}
	for range l.kick {
		p.pause(l)
		if !l.drain(&p) {
			return
		}
	}
}

// urgent tells whether the writer has more to do than deliver.
func (l *live) urgent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machine.Due()
}

// pacer spreads deliveries out.
type pacer struct {
	last  time.Time // of the last delivery
	timer *time.Timer
}

// pause waits until the next delivery is due, or something else is.
func (p *pacer) pause(l *live) {
	if time.Since(p.last) >= coalesceMost {
		return
	}
	for due := p.last.Add(l.s.coalesce()); !l.urgent(); {
		wait := time.Until(due)
		if wait <= 0 {
			return
		}
		if p.timer == nil {
			p.timer = time.NewTimer(wait)
		} else {
			p.timer.Reset(wait)
		}
		select {
		case <-p.timer.C:
		case <-l.kick:
		}
		p.timer.Stop()
	}
}

// drain writes frames until nothing is due. False when the session is over.
func (l *live) drain(p *pacer) bool {
	f := frames.Get().(*session.Frame)
	defer func() {
		if f.Cap() <= keepFrame {
			frames.Put(f)
		}
	}()
	for {
		f.Reset()
		more, ended := l.fill(f, p)
		if f.Len() > 0 {
			if err := l.wire.write(f); err != nil {
				return false
			}
			l.door.frameOut(f.Len())
			l.written()
		}
		if ended {
			l.wire.finish("bye")
			l.linger()
			return false
		}
		if !more {
			return true
		}
	}
}

// fill gathers one frame: answers first, then what happened in the rooms.
func (l *live) fill(f *session.Frame, p *pacer) (more, ended bool) {
	l.mu.Lock()
	l.machine.Write(f, session.MaxFrame)
	follower, open := l.follower, l.machine.Open()
	more, ended = l.machine.Due(), l.machine.Ended()
	l.mu.Unlock()
	if !open || follower == nil {
		return more, ended && !more
	}
	if f.Len() >= session.MaxFrame {
		return true, false // the follower's turn comes with the next frame
	}
	batch, err := follower.Next(session.MaxFrame - f.Len())
	if err != nil {
		l.expel(err)
		return true, false
	}
	if !batch.Empty() {
		appendBatch(f, &batch)
		l.s.counters.delivered(&batch)
		p.last = time.Now()
	}
	return more || batch.More, false
}

// expel ends the session because its follower has ended: the device was signed out, or
// the node stops.
func (l *live) expel(err error) {
	e := refusal(err)
	reconnect := time.Duration(0)
	if e.Retry() {
		reconnect = l.s.jitter()
	}
	if e.Code == room.Internal {
		l.s.log.Error("follower failed", "user", l.caller.User, "error", err)
	}
	l.end(e, reconnect)
}

func appendBatch(f *session.Frame, b *node.Batch) {
	for i := range b.Rooms {
		f.Delivery(b.Rooms[i].Room, b.Rooms[i].Items, b.Rooms[i].Gap)
	}
	for _, summary := range b.Summaries {
		f.Room(summary)
	}
	for _, signal := range b.Signals {
		f.Signal(signal)
	}
}

// written tells those who wait for the client to read.
func (l *live) written() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.poke()
}

// lingerFor is how long a client has to close after the Bye.
const lingerFor = time.Second

func (l *live) linger() {
	timer := time.NewTimer(lingerFor)
	defer timer.Stop()
	select {
	case <-l.gone:
	case <-timer.C:
	}
}
