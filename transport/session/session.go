// Package session is the protocol with one client (docs/protocol/client.md), as a
// state machine: no socket, no goroutine, no clock. Frames and ticks go in; requests
// to run, frames to write and the end come out. A door (transport) drives it:
//
//	BEFORE reading a frame, wait until Held() is false: the client has asked for more
//	  than may be under way at once, and is not read from meanwhile.
//	Receive(now, frame), then run every request that Take() hands out, in that order.
//	Open is run by the driver BEFORE it takes again, and ends in Opened or Refused.
//	AFTER each Answer, Take() again: it may let go of what was held.
//	Tick(now) about once a second.
//	Whenever Due(), Write into one frame and send it; AFTER sending it, when Ended(),
//	  close the connection.
//
// One goroutine at a time: the driver holds its own lock around every call.
package session

import (
	"fmt"
	"time"

	"hearth/node/room"
	"hearth/transport/session/clientpb"
)

// Limits of one session.
type Limits struct {
	FrameBytes int           // of a client's frame, 0: 256 KiB
	InFlight   int           // requests under way at once, 0: 64
	OpenWithin time.Duration // until Open has come, 0: 10 s
	Heartbeat  time.Duration // of silence until a ping; three of them end the session. 0: 15 s
}

// MaxFrame is the size a client's frame may have, and about the size of a server's.
const MaxFrame = 256 << 10

// silences ends a session.
const silences = 3

func (l Limits) orDefault() Limits {
	if l.FrameBytes == 0 {
		l.FrameBytes = MaxFrame
	}
	if l.InFlight == 0 {
		l.InFlight = 64
	}
	if l.OpenWithin == 0 {
		l.OpenWithin = 10 * time.Second
	}
	if l.Heartbeat == 0 {
		l.Heartbeat = 15 * time.Second
	}
	return l
}

type phase uint8

const (
	waiting phase = iota // for Open to come
	opening              // Open is being run
	open
	ended // a Bye is due or was written; nothing is taken in any more
)

// Request is a command to run. Its Body is the session's to keep until the Answer.
type Request struct {
	ID      uint64
	Command string
	Body    []byte
}

// Session is the protocol with one client. Make it with New.
type Session struct {
	limits Limits
	phase  phase

	started time.Time
	heard   time.Time // the last frame
	pings   int       // since then

	underWay []uint64  // requests taken and not answered; few, so a slice
	held     []Request // received and not taken

	outbox outbox
}

// New begins a session: the connection stands, nothing was read.
func New(l Limits, now time.Time) *Session {
	return &Session{limits: l.orDefault(), started: now, heard: now}
}

// Receive takes one frame in. A frame that breaks the protocol ends the session.
func (s *Session) Receive(now time.Time, frame []byte) {
	if s.phase == ended {
		return
	}
	s.heard, s.pings = now, 0
	if len(frame) > s.limits.FrameBytes {
		s.End(TooLarge(s.limits.FrameBytes), 0)
		return
	}
	in, err := decode(frame)
	if err == nil {
		err = s.admit(in.requests)
	}
	if err != nil {
		s.End(err, 0)
		return
	}
	s.outbox.pong = s.outbox.pong || in.ping
}

// TooLarge is how a session ends whose client sent a frame of more than max bytes.
func TooLarge(max int) *room.Error {
	return room.Errorf(room.TooLarge, "A frame has at most %d bytes.", max)
}

func broken(format string, args ...any) *room.Error {
	return room.Errorf(room.Protocol, format, args...)
}

// admit holds requests until they are taken.
func (s *Session) admit(requests []Request) *room.Error {
	for _, r := range requests {
		switch {
		case r.ID == 0:
			return broken("A request's id is not 0.")
		case s.knows(r.ID):
			return broken("Request %d is still under way.", r.ID)
		case s.phase == waiting && len(s.held) == 0 && r.Command != "Open":
			return broken("The first request of a session is Open.")
		case r.Command == "Open" && (s.phase != waiting || len(s.held) > 0):
			s.outbox.add(reply{id: r.ID, err: Error(room.Errorf(room.Conflict, "The session is open already."))})
		default:
			s.held = append(s.held, r)
		}
	}
	return nil
}

func (s *Session) knows(id uint64) bool {
	for _, u := range s.underWay {
		if u == id {
			return true
		}
	}
	for _, r := range s.held {
		if r.ID == id {
			return true
		}
	}
	return false
}

// Take hands out the next request to run, if one may be run now.
func (s *Session) Take() (Request, bool) {
	if len(s.held) == 0 || s.phase == opening || s.phase == ended || len(s.underWay) >= s.limits.InFlight {
		return Request{}, false
	}
	r := s.held[0]
	s.held = s.held[1:]
	if len(s.held) == 0 {
		s.held = nil // an idle session keeps no array
	}
	s.underWay = append(s.underWay, r.ID)
	if s.phase == waiting {
		s.phase = opening
	}
	return r, true
}

// Held tells that requests wait: do not read on.
func (s *Session) Held() bool { return len(s.held) > 0 && s.phase != ended }

// Opened tells that Open was granted. Answer it next.
func (s *Session) Opened() {
	if s.phase == opening {
		s.phase = open
	}
}

// Refused tells that Open was not granted, and ends the session: Open's reply and
// the Bye carry the same error.
func (s *Session) Refused(id uint64, err error) {
	if s.phase != opening {
		return
	}
	s.Answer(id, nil, err)
	e := Error(err)
	s.end(e, time.Duration(e.GetRetryAfterMs())*time.Millisecond)
}

// Answer gives the outcome of a request that was taken. body is the session's to keep.
func (s *Session) Answer(id uint64, body []byte, err error) {
	for i, u := range s.underWay {
		if u == id {
			s.underWay = append(s.underWay[:i], s.underWay[i+1:]...)
			if len(s.underWay) == 0 {
				s.underWay = nil
			}
			if !s.silenced() {
				s.outbox.add(reply{id: id, body: body, err: Error(err)})
			}
			return
		}
	}
}

// silenced tells that the Bye was written: nothing comes after it.
func (s *Session) silenced() bool { return s.phase == ended && s.outbox.bye == nil }

// Tick lets time pass: asks silent clients whether they live, ends dead sessions.
func (s *Session) Tick(now time.Time) {
	switch s.phase {
	case waiting:
		if now.Sub(s.started) >= s.limits.OpenWithin {
			s.End(room.Errorf(room.Unauthenticated, "No Open came within %v.", s.limits.OpenWithin), 0)
		}
	case open:
		s.beat(now)
	}
}

func (s *Session) beat(now time.Time) {
	silent := now.Sub(s.heard)
	switch {
	case silent >= silences*s.limits.Heartbeat:
		s.End(room.Errorf(room.Unavailable, "Nothing was heard for %v.", silences*s.limits.Heartbeat), time.Second)
	case silent >= time.Duration(s.pings+1)*s.limits.Heartbeat:
		s.pings++
		s.outbox.ping = true
	}
}

// End ends the session: what is answered goes out, and a Bye. The client comes back
// by itself after reconnect, or not at all when that is 0. The first end counts.
func (s *Session) End(err error, reconnect time.Duration) { s.end(Error(err), reconnect) }

func (s *Session) end(e *clientpb.Error, reconnect time.Duration) {
	if s.phase == ended {
		return
	}
	s.phase = ended
	s.held = nil
	s.outbox.bye = &clientpb.Bye{Error: e, ReconnectAfterMs: uint32(reconnect.Milliseconds())}
}

// Open tells whether the client may be sent what happens in its rooms.
func (s *Session) Open() bool { return s.phase == open }

// Ended tells that nothing more comes in; Due tells whether something is still to go out.
func (s *Session) Ended() bool { return s.phase == ended }

// Due tells whether Write has something to write.
func (s *Session) Due() bool { return !s.outbox.empty() }

// Unwritten is about how many bytes of answers wait to be written. A driver starts
// no costly request while it is high: the client does not read.
func (s *Session) Unwritten() int { return s.outbox.bytes }

// Write moves what is due into f, answers first, until f is about max bytes long.
func (s *Session) Write(f *Frame, max int) { s.outbox.write(f, max) }

func (p phase) String() string {
	return [...]string{"waiting", "opening", "open", "ended"}[p]
}

// String is the session's state in one line, for scripts and logs.
func (s *Session) String() string {
	return fmt.Sprintf("%v under way %v held %d", s.phase, s.underWay, len(s.held))
}
