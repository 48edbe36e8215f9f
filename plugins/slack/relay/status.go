package relay

import (
	"sync"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

// status tells the node how the bridge is: the worst of what its parts say.
type status struct {
	h *bridge.Host

	mu       sync.Mutex
	tokenBad string  // why the bot token does not work
	off      string  // why no socket can be opened, for an administrator
	lost     trouble // why none is open just now
	failing  trouble // calls do not get through
	deafness string  // posts do not come back
	marks    string  // posts come back without their marks
	alive    bool
	last     map[string]string // by channel: what was said last
	heardAt  int64
}

// trouble is a reason, and what only administrators read of it.
type trouble struct{ reason, detail string }

func newStatus(h *bridge.Host) *status { return &status{h: h, last: map[string]string{}} }

// set says how a channel is. What was said already is not said again.
func (s *status) set(channel, state, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(channel, state, trouble{reason: reason})
}

// down says what ails a channel, with the error for administrators.
func (s *status) down(channel, reason string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say(channel, "down", trouble{reason, err.Error()})
}

// forget is for a channel that was left: one that is linked under the same name says how it is from the start.
func (s *status) forget(channel string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.last, channel)
}

func (s *status) say(channel, state string, why trouble) {
	if s.last[channel] == state+" "+why.reason {
		return
	}
	s.last[channel] = state + " " + why.reason
	s.h.Status(&pb.Status{Channel: channel, State: state, Reason: why.reason, Detail: oneLine(why.detail, 500), Heard: s.heardAt})
}

func (s *status) token(why string) { s.change(func() { s.tokenBad, s.failing = why, trouble{} }) }

func (s *status) trouble(why trouble) { s.change(func() { s.failing = why }) }

func (s *status) deaf(why string) { s.change(func() { s.deafness = why }) }

func (s *status) unmarked(why string) { s.change(func() { s.marks = why }) }

// socket says how many sockets are alive, or, with the Events API, that the door is open.
func (s *status) socket(alive int, state string, why trouble) {
	s.change(func() {
		s.alive = alive > 0
		s.off, s.lost = "", trouble{}
		if state == "login" {
			s.off = why.reason
		} else if alive == 0 {
			s.lost = why
		}
	})
}

// heard tells when Slack last said something. It goes along with what is said next, and by itself when it is news.
func (s *status) heard(at int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at > s.heardAt {
		s.heardAt = at
		delete(s.last, "")
	}
	s.judge()
}

func (s *status) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.judge()
}

func (s *status) judge() {
	switch {
	case s.tokenBad != "":
		s.say("", "login", trouble{reason: s.tokenBad})
	case s.off != "":
		s.say("", "login", trouble{reason: s.off})
	case s.lost.reason != "":
		s.say("", "degraded", s.lost)
	case s.failing.reason != "":
		s.say("", "degraded", s.failing)
	case s.deafness != "":
		s.say("", "degraded", trouble{reason: s.deafness})
	case s.marks != "":
		s.say("", "degraded", trouble{reason: s.marks})
	case s.alive:
		s.say("", "connected", trouble{})
	}
}
