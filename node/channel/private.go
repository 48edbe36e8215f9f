package channel

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/limit"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// Private is who speaks with whom, in a link that is a conversation of two.
type Private struct {
	User  room.User // ours, who has begun it
	Ghost string    // id over there
	Name  string
}

// privateSetting is the setting of bridges that can have private conversations.
const privateSetting = "private"

// MaxPrivate is how many private conversations of one bridge live.
const MaxPrivate = 50

// beginning bounds how many conversations one user begins: enough for people, too few for spam.
var beginning = limit.Rate{Burst: 5, Per: time.Hour}

func privateOf(m *storagepb.BridgeLink) *Private {
	if p := m.GetPrivate(); p != nil {
		return &Private{User: room.User(p.GetUser()), Ghost: p.GetGhost(), Name: p.GetName()}
	}
	return nil
}

func storedPrivate(p *Private) *storagepb.BridgePrivate {
	if p == nil {
		return nil
	}
	return &storagepb.BridgePrivate{User: string(p.User), Ghost: p.Ghost, Name: p.Name}
}

// Whispers tells whether people beyond a bridge can be written to privately.
func (b *Book) Whispers(bridge string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[bridge]
	return e != nil && b.kinds[e.stored.GetKind()].Can[privateSetting] && b.view(e.stored).Settings[privateSetting] == "on"
}

// Conversation is the private conversation that lives of a user with somebody beyond a bridge.
func (b *Book) Conversation(bridge string, u room.User, ghost string) (Link, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.bridges[bridge]; e != nil {
		for _, l := range e.links {
			if p := l.stored.GetPrivate(); p != nil && l.stored.GetEnded() == "" && p.GetUser() == string(u) && p.GetGhost() == ghost {
				return b.viewLink(l), true
			}
		}
	}
	return Link{}, false
}

// Conversing is the private conversation that a room is for; false: for none that lives.
func (b *Book) Conversing(r room.ID) (bridge, channel string, u room.User, private bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, e := range b.bridges {
		if l := e.links[r]; l != nil && l.stored.GetPrivate() != nil && l.stored.GetEnded() == "" {
			return name, l.stored.GetChannel(), room.User(l.stored.GetPrivate().GetUser()), true
		}
	}
	return "", "", "", false
}

// CheckBeginning says why a user may not begin a conversation, or nil, and counts it as begun.
func (b *Book) CheckBeginning(bridge string, p Private) error {
	if !b.Whispers(bridge) {
		return room.Errorf(room.Forbidden, "The bridge %s has no private conversations: its setting `private` is off.", clip(bridge))
	}
	if err := b.roomForOne(bridge, p); err != nil {
		return err
	}
	if wait := b.begun.Take(p.User, 1, b.config.Now()); wait > 0 {
		err := room.Errorf(room.Limited, "You have begun %d private conversations within an hour. Wait a while.", beginning.Burst)
		err.RetryAfter = wait
		return err
	}
	return nil
}

func (b *Book) roomForOne(bridge string, p Private) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[bridge]
	if e == nil {
		return noBridge(bridge)
	}
	live, blocked := 0, 0
	for _, l := range e.links {
		m := l.stored
		with := m.GetPrivate()
		switch {
		case with == nil:
		case m.GetBlocked():
			blocked++
			if with.GetUser() == string(p.User) && (with.GetGhost() == p.Ghost || strings.EqualFold(with.GetName(), p.Name)) {
				return room.Errorf(room.Forbidden, "%s does not want to be written to by you. Only %s can take that back, over there.", clip(p.Name), clip(p.Name))
			}
		case m.GetEnded() == "":
			live++
		}
	}
	if live >= MaxPrivate || blocked >= MaxLinks {
		return room.Errorf(room.Limited, "The bridge %s has as many private conversations as it can. Leave one that has come to its end.", clip(bridge))
	}
	return nil
}

// Renamed notes who the one over there is now, who has changed the nick or logged in.
func (b *Book) Renamed(bridge, channel string, g *roompb.Ghost) error {
	b.mu.Lock()
	id, l := b.channel(bridge, channel)
	same := l == nil || l.stored.GetPrivate() == nil || l.stored.GetPrivate().GetGhost() == g.GetId() && l.stored.GetPrivate().GetName() == g.GetName()
	b.mu.Unlock()
	if same {
		return nil
	}
	return b.changeLink(bridge, id, func(m *storagepb.BridgeLink) error {
		m.Private = &storagepb.BridgePrivate{User: m.GetPrivate().GetUser(), Ghost: g.GetId(), Name: g.GetName()}
		return nil
	})
}

// Block notes that the one over there, who is this now, does not want to be written to by the user of a conversation.
// That it ends is the caller's doing.
func (b *Book) Block(bridge, channel string, g Private) error {
	b.mu.Lock()
	id, l := b.channel(bridge, channel)
	private := l != nil && l.stored.GetPrivate() != nil
	b.mu.Unlock()
	if !private {
		return room.Errorf(room.NotFound, "There is no such private conversation.")
	}
	return b.changeLink(bridge, id, func(m *storagepb.BridgeLink) error {
		m.Blocked, m.Private = true, &storagepb.BridgePrivate{User: m.GetPrivate().GetUser(), Ghost: g.Ghost, Name: g.Name}
		return nil
	})
}

// Unblock takes back what a ghost has blocked; it tells whether there was anything.
func (b *Book) Unblock(bridge, ghost string) (bool, error) {
	e, err := b.find(bridge)
	if err != nil {
		return false, err
	}
	some := false
	for _, l := range b.linksOf(e) {
		was, err := b.unblock(l, ghost)
		if some = some || was; err != nil {
			return some, err
		}
	}
	return some, nil
}

func (b *Book) unblock(l *link, ghost string) (bool, error) {
	l.change.Lock()
	defer l.change.Unlock()
	b.mu.Lock()
	m := l.stored
	b.mu.Unlock()
	if !m.GetBlocked() || m.GetPrivate().GetGhost() != ghost {
		return false, nil
	}
	m = proto.CloneOf(m)
	m.Blocked = false
	if err := b.store.AdvanceLink(m); err != nil {
		return false, err
	}
	b.mu.Lock()
	l.stored = m
	b.mu.Unlock()
	return true, nil
}
