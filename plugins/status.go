package plugins

import (
	"fmt"
	"slices"
	"time"

	"hearth/node"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

// states are those that a plugin may say it is in.
var states = []string{channel.Connecting, channel.Connected, channel.Degraded, channel.Down, channel.Login}

func (l *life) takeStatus(s *pb.Status) {
	if !slices.Contains(states, s.GetState()) {
		l.book.Logf(l.name, "the plugin says that its state is %q, which is none", s.GetState())
		return
	}
	l.mu.Lock()
	if s.GetChannel() == "" {
		l.state = s
	} else if a := l.lanes[s.GetChannel()]; a != nil {
		a.state = s
	}
	l.heard = max(l.heard, s.GetHeard())
	l.mu.Unlock()
	l.note()
}

// note tells the book how the bridge and its links are.
func (l *life) note() {
	l.mu.Lock()
	whole := l.judge(l.state)
	type one struct {
		*lane
		next   uint64
		status channel.Status
	}
	var links []one
	for _, a := range l.lanes {
		s := channel.Status{State: whole.State, Reason: whole.Reason, Detail: whole.Detail, Heard: whole.Heard}
		if a.state != nil {
			s = channel.Status{State: a.state.GetState(), Reason: a.state.GetReason(), Detail: a.state.GetDetail(), Heard: max(a.state.GetHeard(), 0)}
		}
		s.Queue, s.OldestSeconds = a.out.waiting(l.n.Now())
		links = append(links, one{a, a.out.next, s})
	}
	l.mu.Unlock()
	if l.book.Generation(l.name) == l.born { // else it ends in a moment, and how it was is no news
		l.book.SetStatus(l.name, whole)
	}
	for _, s := range links {
		if head, err := l.n.Head(l.caller, s.room); err == nil && s.status.Queue > 0 && head > s.next {
			s.status.Queue += head - s.next // what was not even looked at
		}
		l.book.SetLinkStatus(l.name, s.channel, s.status)
	}
}

// noteWaiting tells the book what waits for bridges whose plugin does not run.
func (h *Host) noteWaiting() {
	for _, b := range h.book.Bridges() {
		h.mu.Lock()
		k := h.keepers[b.Name]
		h.mu.Unlock()
		if k != nil && k.lives.Load() {
			continue
		}
		for _, link := range h.book.Links(b.Name) {
			if link.Live() && link.Confirmed {
				s := channel.Status{State: channel.Down}
				s.Queue, s.OldestSeconds = h.waiting(link)
				h.book.SetLinkStatus(b.Name, link.Channel, s)
			}
		}
	}
}

// waiting is how much of a room is behind a link's cursor, and the age of the oldest of it in seconds. What the
// bot itself said does not wait; of what is far behind the cursor all is counted.
func (h *Host) waiting(link channel.Link) (n uint64, oldest int64) {
	caller := node.Caller{User: h.book.Bot(link.Bridge)}
	s, err := h.Node.Stretch(caller, link.Room, link.Cursor, stretchBytes)
	if err != nil {
		return 0, 0
	}
	items, err := decodeItems(s.Items)
	if err != nil {
		return 0, 0
	}
	for _, item := range items {
		if e := item.GetEvent(); e.GetAuthor() != string(caller.User) {
			if n++; n == 1 {
				oldest = max(0, h.Node.Now().UnixMilli()-e.GetTime()) / 1000
			}
		}
	}
	if head, err := h.Node.Head(caller, link.Room); err == nil && s.More && head > s.Upto {
		n += head - s.Upto
	}
	return n, oldest
}

// judge is what is shown of what the plugin says: connected is proven with data. l.mu is held.
func (l *life) judge(s *pb.Status) channel.Status {
	out := channel.Status{State: s.GetState(), Reason: s.GetReason(), Detail: s.GetDetail(), Heard: l.heard}
	if s.GetState() != channel.Connected {
		return out
	}
	switch quiet := l.n.Now().Sub(time.UnixMilli(l.heard)); {
	case l.slow:
		out.State, out.Reason = channel.Degraded, "Its plugin has not answered for a while. It will be started again."
	case l.heard > 0 && quiet > l.h.Times.Quiet:
		out.State, out.Reason = channel.Degraded, fmt.Sprintf("Nothing was heard from the network for %s.", quiet.Round(time.Minute))
	}
	return out
}

const (
	maxRank  = 30 // characters
	maxWords = 100
)

// inLine is what is said of a ghost, or nothing where it is too long or no line.
func inLine(s string, most int) string {
	if room.CheckLine("word", s, most) != nil {
		return ""
	}
	return s
}

// roster is who is in a channel, as the plugin has told piece by piece.
type roster struct{ here map[string]*roompb.Ghost }

func newRoster() *roster { return &roster{map[string]*roompb.Ghost{}} }

func (l *life) takeRoster(r *pb.Roster) {
	l.mu.Lock()
	a := l.lanes[r.GetChannel()]
	if a == nil {
		l.mu.Unlock()
		return
	}
	if r.GetWhole() {
		a.roster = newRoster()
	}
	for _, g := range r.GetHere() {
		if ghost, err := l.ghost(g, nil); err == nil && len(a.roster.here) < channel.MaxRoster {
			ghost.Rank = inLine(g.GetRank(), maxRank)
			ghost.Away, ghost.RealName = inLine(g.GetAway(), maxWords), inLine(g.GetRealName(), maxWords)
			a.roster.here[ghost.GetId()] = ghost
		}
	}
	for _, id := range r.GetGone() {
		delete(a.roster.here, id)
	}
	here := make([]*roompb.Ghost, 0, len(a.roster.here))
	for _, g := range a.roster.here {
		here = append(here, g)
	}
	l.mu.Unlock()
	l.book.SetRoster(l.name, r.GetChannel(), here)
	if len(here) == 1 {
		if err := l.book.Renamed(l.name, r.GetChannel(), here[0]); err != nil {
			l.book.Logf(l.name, "%s: who it is with cannot be written down: %v", r.GetChannel(), err)
		}
	}
}

// takeTyping passes on who types over there, by name: what is nobody's is nobody's affair.
func (l *life) takeTyping(t *pb.Typing) {
	a := l.lane(t.GetChannel())
	if a == nil || !a.confirmed.Load() || l.book.Muted(l.name, a.room, t.GetPerson().GetGhost().GetId()) {
		return
	}
	if ghost, err := l.ghost(t.GetPerson().GetGhost(), nil); err == nil {
		l.n.Typing(l.caller, a.room, ghost, t.GetOn())
	}
}

func (l *life) takeCount(c *pb.Count) {
	n := channel.Counts{}
	switch c.GetWhat() {
	case "dropped":
		n.Dropped = map[string]uint64{c.GetReason(): c.GetN()}
	case "duplicate":
		n.Duplicates = c.GetN()
	case "reconnect":
		n.Reconnects = c.GetN()
	}
	l.book.Count(l.name, l.roomOf(c.GetChannel()), n)
}
