package channel

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// The states of a bridge and of a link. Connected is proven with data.
const (
	Connecting = "connecting"
	Connected  = "connected"
	Degraded   = "degraded" // it works in part, or slowly
	Down       = "down"
	Login      = "login"    // the far network does not accept its password or token any more
	Disabled   = "disabled" // by an administrator, or after too many crashes
	Waiting    = "waiting"  // a link: nobody has confirmed it over there yet
	Ended      = "ended"    // a link
)

// Status is how a bridge, or a link of it, is now.
type Status struct {
	State         string
	Reason        string // for people, with what to do; empty when connected
	Detail        string // more of it, such as addresses: for administrators alone
	Since         int64  // ms; of the state; 0 in SetStatus: the book notes it
	Heard         int64  // ms; when the far network last said anything
	Queue         uint64 // events that wait to be relayed
	OldestSeconds int64  // the age of the oldest of them

	// Of the store: what the host gives is not looked at.
	Relayed    uint64
	Received   uint64
	Dropped    map[string]uint64 // by reason
	Duplicates uint64
	Reconnects uint64
}

func (s *Status) count(counts ...*storagepb.BridgeCounts) {
	var sum *storagepb.BridgeCounts
	for _, c := range counts {
		sum = add(sum, c)
	}
	s.Relayed, s.Received, s.Duplicates, s.Reconnects = sum.GetRelayed(), sum.GetReceived(), sum.GetDuplicates(), sum.GetReconnects()
	s.Dropped = sum.GetDropped()
}

// set takes over what the host says; it tells whether people see a difference.
func (s *Status) set(now Status, millis int64) bool {
	now.Reason, now.Detail = clipTo(now.Reason, maxSentence), clipTo(now.Detail, maxSentence)
	changed := now.State != s.State || now.Reason != s.Reason
	if now.Since == 0 {
		if now.Since = s.Since; now.State != s.State || now.Since == 0 {
			now.Since = millis
		}
	}
	*s = now
	return changed
}

// SetKinds says which kinds of plugins there are.
func (b *Book) SetKinds(kinds []Kind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kinds = map[string]Kind{}
	for _, k := range kinds {
		b.kinds[k.Kind] = k
	}
	select {
	case <-b.looked:
	default:
		close(b.looked)
	}
}

// AwaitKinds returns once the host has looked which kinds of plugins there are, which it does a moment
// after the node is ready; or when ctx ends.
func (b *Book) AwaitKinds(ctx context.Context) {
	select {
	case <-b.looked:
	case <-ctx.Done():
	}
}

// Kinds are the kinds of plugins there are, by name.
func (b *Book) Kinds() []Kind {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.SortedFunc(maps.Values(b.kinds), func(x, y Kind) int { return strings.Compare(x.Kind, y.Kind) })
}

// SetStatus is the host's note of how a bridge is.
func (b *Book) SetStatus(bridge string, s Status) {
	b.mu.Lock()
	e := b.bridges[bridge]
	changed := e != nil && e.status.set(s, b.millis())
	b.mu.Unlock()
	if changed {
		b.tellRooms(bridge)
	}
}

// SetLinkStatus is the host's note of how a link is.
func (b *Book) SetLinkStatus(bridge, channel string, s Status) {
	b.mu.Lock()
	id, l := b.channel(bridge, channel)
	changed := l != nil && l.status.set(s, b.millis())
	b.mu.Unlock()
	if changed {
		b.config.Changed(id)
	}
}

// tellRooms says that the links of a bridge are in another state.
func (b *Book) tellRooms(bridge string) {
	for _, l := range b.Links(bridge) {
		if l.Live() {
			b.config.Changed(l.Room)
		}
	}
}

// StatusOf is how a bridge is now, with what all its links counted. Its queue is theirs.
func (b *Book) StatusOf(bridge string) Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[bridge]
	if e == nil {
		return Status{}
	}
	s := e.status
	s.Queue, s.OldestSeconds = 0, 0
	counts := []*storagepb.BridgeCounts{e.stored.GetCounts(), e.pending}
	for _, l := range e.links {
		counts = append(counts, l.stored.GetCounts(), l.pending)
		if l.stored.GetEnded() == "" {
			s.Queue += l.status.Queue
			s.OldestSeconds = max(s.OldestSeconds, l.status.OldestSeconds)
		}
	}
	s.count(counts...)
	if !e.stored.GetEnabled() {
		s.disable(e.stored.GetReason())
	}
	return s
}

// disable makes it that of a bridge which was stopped, for a reason whose first line is for people, and what
// follows for administrators.
func (s *Status) disable(reason string) {
	s.State = Disabled
	s.Reason, s.Detail, _ = strings.Cut(cmp.Or(reason, "It was stopped by an administrator."), "\n")
}

// LinkStatus is how a room's link is now: as bad as its bridge is.
func (b *Book) LinkStatus(bridge string, r room.ID) Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[bridge]
	if e == nil || e.links[r] == nil {
		return Status{}
	}
	l := e.links[r]
	s := l.status
	s.count(l.stored.GetCounts(), l.pending)
	switch up := e.status.State; {
	case l.stored.GetEnded() != "":
		s.State, s.Reason, s.Detail, s.Since = Ended, l.stored.GetEnded(), "", l.stored.GetEndedAt()
	case !e.stored.GetEnabled():
		s.disable(e.stored.GetReason())
	case up != Connected && up != Degraded:
		s.State, s.Reason, s.Detail, s.Since = up, e.status.Reason, e.status.Detail, e.status.Since
	case !l.stored.GetConfirmed():
		why := fmt.Sprintf("It waits for an operator of %s to confirm it there.", l.stored.GetChannel())
		if l.stored.GetCodeEnds() <= b.millis() {
			why = "Nobody confirmed it in time. Link it again for another code."
		}
		if s.State == Connecting || s.State == Connected {
			s.Reason, s.Detail = "", ""
		}
		s.State, s.Reason = Waiting, strings.TrimSpace(why+" "+s.Reason) // such as that it is not let in
	}
	return s
}

// SetRoster is who is in a channel now, all of them; the host puts it together. It is kept in memory,
// and nobody in it is a member of the room.
func (b *Book) SetRoster(bridge, channel string, here []*roompb.Ghost) {
	sorted := slices.Clone(here[:min(len(here), MaxRoster)])
	slices.SortFunc(sorted, func(x, y *roompb.Ghost) int {
		return strings.Compare(strings.ToLower(x.GetName())+"\x00"+x.GetId(), strings.ToLower(y.GetName())+"\x00"+y.GetId())
	})
	b.mu.Lock()
	id, l := b.channel(bridge, channel)
	if l != nil {
		l.roster = sorted
	}
	b.mu.Unlock()
	if l != nil {
		b.config.Changed(id)
	}
}

// Roster is who is beyond a room's link, by name. It is shared: never write to it.
func (b *Book) Roster(bridge string, r room.ID) []*roompb.Ghost {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.bridges[bridge]; e != nil && e.links[r] != nil {
		return e.links[r].roster
	}
	return nil
}

// Line is a line of what a bridge's plugin, and the host about it, had to say.
type Line struct {
	Seq  uint64 // from 1 on
	Time int64  // ms
	Text string
}

const (
	maxLines = 500
	maxLine  = 2000 // characters
)

// ring is the last lines.
type ring struct {
	lines []Line
	last  uint64
}

func (r *ring) add(l Line) {
	r.last++
	l.Seq = r.last
	if len(r.lines) == maxLines {
		copy(r.lines, r.lines[1:])
		r.lines = r.lines[:maxLines-1]
	}
	r.lines = append(r.lines, l)
}

// hidden is what stands in a log where a secret stood.
const hidden = "•••"

// minSecret is the length of a secret from which on it is looked for in log lines: a shorter one
// would be found in half the words there are.
const minSecret = 6

// Logf keeps a line. Secrets of the bridge and of its links are struck out, should a plugin have said one.
func (b *Book) Logf(bridge, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[bridge]
	if e == nil {
		return
	}
	for _, secret := range b.secrets(e) {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(strings.TrimRight(text, "\r\n"), "?"))
	e.log.add(Line{Time: b.millis(), Text: clipTo(text, maxLine)})
}

// secrets are the values that must not be in a log, the longest first, as one may be part of another. b.mu is held.
func (b *Book) secrets(e *entry) (out []string) {
	kind, name := b.kinds[e.stored.GetKind()], e.stored.GetName()
	add := func(sealed, of []byte, secret func(string) bool) {
		settings, _ := b.open(sealed, of) // of what cannot be opened the plugin knows nothing either
		for name, value := range settings {
			if secret(name) && len(value) >= minSecret {
				out = append(out, value)
			}
		}
	}
	add(e.stored.GetSettings(), sealedBridge(name), kind.secret)
	for id, l := range e.links {
		if sealed := l.stored.GetSettings(); len(sealed) > 0 {
			add(sealed, sealedLink(name, id), kind.linkSecret)
		}
	}
	slices.SortFunc(out, func(x, y string) int { return len(y) - len(x) })
	return out
}

// Logs are a bridge's last lines, at most n of them, after the one that was seen last (0: all).
func (b *Book) Logs(bridge string, after uint64, n int) ([]Line, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[bridge]
	if e == nil {
		return nil, noBridge(bridge)
	}
	lines := e.log.lines
	if i := slices.IndexFunc(lines, func(l Line) bool { return l.Seq > after }); i >= 0 {
		lines = lines[i:]
	} else {
		lines = nil
	}
	return slices.Clone(lines[max(0, len(lines)-n):]), nil
}
