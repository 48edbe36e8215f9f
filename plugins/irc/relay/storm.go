package relay

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// storm gathers those who go within a second or so: more than stormSize at once is a netsplit, and one line.
type storm struct {
	gone  []farewell
	split bool        // the server said so
	timer *time.Timer // nil: nobody has gone who was not told of
	first time.Time   // when the first of gone went
	last  time.Time
	away  map[string]time.Time // folded nicks that a split took: when they come back, that is nothing to tell
}

type farewell struct {
	m    *member
	text string
}

const (
	stormTime = time.Second      // without anybody going
	stormMost = 15 * time.Second // and no longer in all
	stormSize = 5
	awayTime  = 15 * time.Minute
)

// two servers, as a QUIT by netsplit names them
var splitReason = regexp.MustCompile(`^[A-Za-z0-9*_-]+(\.[A-Za-z0-9*_-]+)+ [A-Za-z0-9*_-]+(\.[A-Za-z0-9*_-]+)+$`)

// leave takes somebody out of the channel.
func (ch *channel) leave(nick, how string, quit bool) {
	key := ch.r.fold(nick)
	m := ch.members[key]
	if m == nil {
		return
	}
	delete(ch.members, key)
	if m.ours {
		return
	}
	s := &ch.storm
	s.gone = append(s.gone, farewell{m, how})
	if quit && splitReason.MatchString(how) {
		s.split = true
	}
	s.last = time.Now()
	if s.timer == nil {
		s.first = s.last
		s.timer = ch.r.after(stormTime, ch.calm)
	}
}

// calm waits until no more go, and then tells of them.
func (ch *channel) calm() {
	s := &ch.storm
	if quiet := time.Since(s.last); quiet < stormTime && time.Since(s.first) < stormMost {
		s.timer = ch.r.after(stormTime-quiet, ch.calm)
		return
	}
	ch.farewells()
}

// hush ends the waiting: the connection does, and with it a storm that is under way. Networks that split are those
// that then lose us too.
func (ch *channel) hush() {
	if s := &ch.storm; s.timer != nil {
		s.timer.Stop()
		ch.farewells()
	}
	ch.storm = storm{away: ch.storm.away}
}

// farewells tells of those who went.
func (ch *channel) farewells() {
	s := &ch.storm
	gone, split := s.gone, s.split || len(s.gone) > stormSize
	s.gone, s.split, s.timer = nil, false, nil
	if len(gone) == 0 {
		return
	}
	ids := make([]string, 0, len(gone))
	now := time.Now()
	if s.away == nil || len(s.away) > maxMembers {
		s.away = map[string]time.Time{}
	}
	for _, g := range gone {
		if split {
			s.away[ch.r.fold(g.m.nick)] = now
		}
		id := g.m.ghost(ch.r).Id
		if now := ch.member(g.m.nick); now == nil || now.ghost(ch.r).Id != id { // another may have the nick already
			ids = append(ids, id)
		}
	}
	ch.gone(ids...)
	if split {
		ch.line(fmt.Sprintf("split:%d", now.UnixMilli()), fmt.Sprintf("Netsplit: %d people are gone from %s. They come back by themselves.", len(gone), ch.id))
		return
	}
	for _, g := range gone {
		if ch.member(g.m.nick) == nil {
			ch.came(g.m, now, "has left", g.text)
		}
	}
}

// back tells whether a netsplit had taken nick a while ago.
func (s *storm) back(nick string, now time.Time) bool {
	at, was := s.away[nick]
	delete(s.away, nick)
	return was && now.Sub(at) < awayTime
}

// came says that somebody came or went, when that is of interest.
func (ch *channel) came(m *member, now time.Time, what, why string) {
	if ch.r.settings.joins == "off" || !ch.spokeLately(m.nick, now) {
		return
	}
	text := escapeLine(m.nick) + " " + what
	if why = strings.TrimSpace(why); why != "" {
		text += " (" + escapeLine(short(why, 200)) + ")"
	}
	ch.line(fmt.Sprintf("move:%d:%s", now.UnixMilli(), hash(text)), text)
}
