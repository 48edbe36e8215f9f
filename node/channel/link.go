package channel

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/limit"
	"hearth/node/room"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// A code is said aloud in a channel: it has no characters that look alike, is good once and for
// a day, and only its hash is kept. 31^8 of them and five guesses a minute: nobody guesses one.
const (
	codeLetters = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
	codeLength  = 8
	CodeLives   = 24 * time.Hour
)

// wrongCodes bounds the guesses in one channel.
var wrongCodes = limit.Rate{Burst: 5, Per: time.Minute}

func newCode() string {
	out := make([]byte, codeLength)
	for i := range out {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(codeLetters))))
		if err != nil {
			panic(err) // never fails, crypto/rand
		}
		out[i] = codeLetters[n.Int64()]
	}
	return string(out)
}

func hashCode(code string) [32]byte {
	return sha256.Sum256([]byte(strings.ToUpper(strings.TrimSpace(code))))
}

// Links are a bridge's links, those that ended too, by channel.
func (b *Book) Links(bridge string) []Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[bridge]
	if e == nil {
		return nil
	}
	out := make([]Link, 0, len(e.links))
	for _, l := range e.links {
		out = append(out, b.viewLink(l))
	}
	slices.SortFunc(out, func(x, y Link) int { return strings.Compare(x.Channel+x.Room.String(), y.Channel+y.Room.String()) })
	return out
}

// LinksOf are the links of a room that live, by bridge.
func (b *Book) LinksOf(r room.ID) []Link {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Link
	for _, name := range slices.Sorted(maps.Keys(b.bridges)) {
		if l := b.bridges[name].links[r]; l != nil && l.stored.GetEnded() == "" {
			out = append(out, b.viewLink(l))
		}
	}
	return out
}

// LinkOf is the link of a channel that lives.
func (b *Book) LinkOf(bridge, channel string) (Link, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, l := b.channel(bridge, channel); l != nil {
		return b.viewLink(l), true
	}
	return Link{}, false
}

// channel is the link of a channel that lives. b.mu is held.
func (b *Book) channel(bridge, channel string) (room.ID, *link) {
	if e := b.bridges[bridge]; e != nil {
		for id, l := range e.links {
			if l.stored.GetChannel() == channel && l.stored.GetEnded() == "" {
				return id, l
			}
		}
	}
	return room.ID{}, nil
}

func (b *Book) viewLink(l *link) Link {
	m := l.stored
	id, _ := room.HashFromBytes(m.GetRoom()) // checked when it was read
	out := Link{
		Bridge: m.GetBridge(), Room: id, Channel: m.GetChannel(), Confirmed: m.GetConfirmed(), ConfirmedBy: m.GetConfirmedBy(), By: m.GetBy(),
		Created: m.GetCreated(), Cursor: m.GetCursor(), Ended: m.GetEnded(), EndedAt: m.GetEndedAt(),
		CodeEnds: m.GetCodeEnds(), Muted: slices.Sorted(maps.Keys(l.muted)), Private: privateOf(m), Blocked: m.GetBlocked(),
	}
	settings, err := b.open(m.GetSettings(), sealedLink(m.GetBridge(), id))
	if err != nil {
		b.config.Log.Error("open the settings of a link", "bridge", m.GetBridge(), "channel", m.GetChannel(), "error", err)
	}
	if e := b.bridges[m.GetBridge()]; e != nil {
		out.Settings, out.Hidden = shown(settings, b.kinds[e.stored.GetKind()].linkSecret)
	}
	edition := sha256.Sum256(m.GetSettings()) // sealed, which the same settings are otherwise each time
	out.Edition = string(edition[:])
	return out
}

// NewLink is a link to be made.
type NewLink struct {
	Bridge   string
	Room     room.ID
	Channel  string
	Settings map[string]string // of this channel alone, such as its key
	By       string
	Agreed   bool     // the administrator of the node also runs the channel: nobody there has to confirm
	Private  *Private // a conversation of two, which has no settings; nil: a channel
}

// CheckLink says what is wrong with a link that is to be made, or nil.
func (b *Book) CheckLink(n NewLink) error {
	if strings.TrimSpace(n.Channel) != n.Channel || n.Channel == "" || strings.ContainsAny(n.Channel, "\r\n\x00") {
		return room.Errorf(room.BadRequest, "The channel is missing, or cannot be one: %q.", clip(n.Channel))
	}
	if err := room.CheckLine("channel's name", n.Channel, MaxChannel); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[n.Bridge]
	if e == nil {
		return noBridge(n.Bridge)
	}
	kind, known := b.kinds[e.stored.GetKind()]
	if !known {
		return b.noKind(e.stored.GetKind())
	}
	if id, other := b.channel(n.Bridge, n.Channel); other != nil && id != n.Room {
		return room.Errorf(room.Conflict, "%s is joined to another room by the bridge %s. Unlink it first.", n.Channel, n.Bridge)
	}
	if l := e.links[n.Room]; l != nil && l.stored.GetEnded() == "" {
		if l.stored.GetChannel() != n.Channel {
			return room.Errorf(room.Conflict, "The bridge %s joins this room to %s already. Unlink that first.", n.Bridge, l.stored.GetChannel())
		}
		if l.stored.GetConfirmed() {
			return room.Errorf(room.Conflict, "The bridge %s joins this room to %s already. `hearth bridge set %s --channel '%s'` changes the link's settings.", n.Bridge, n.Channel, n.Bridge, n.Channel)
		}
		if n.Settings == nil {
			return nil // another code
		}
	}
	if n.Private == nil {
		if err := kind.CheckLink(n.Settings); err != nil {
			return err
		}
	}
	live := 0
	for _, l := range e.links {
		if l.stored.GetEnded() == "" {
			live++
		}
	}
	if live >= MaxLinks {
		return room.Errorf(room.Limited, "A bridge has at most %d links. Add another bridge to the same network.", MaxLinks)
	}
	return nil
}

// Link makes a link, or gives one that waits for its confirmation another code. The bot is in the
// room by then. What was said before the link is confirmed is never relayed.
func (b *Book) Link(n NewLink) (code string, err error) {
	if err := b.CheckLink(n); err != nil {
		return "", err
	}
	e, err := b.find(n.Bridge)
	if err != nil {
		return "", err
	}
	m := &storagepb.BridgeLink{Bridge: n.Bridge, Room: n.Room.Bytes(), Channel: n.Channel, Confirmed: n.Agreed, By: n.By, Created: b.millis(), Private: storedPrivate(n.Private)}
	if m.Settings, err = b.close(n.Settings, sealedLink(n.Bridge, n.Room)); err != nil {
		return "", err
	}
	if m.Cursor, err = b.head(n.Room); err != nil {
		return "", err
	}
	if !n.Agreed {
		code = newCode()
		hash := hashCode(code)
		m.CodeHash, m.CodeEnds = hash[:], b.config.Now().Add(CodeLives).UnixMilli()
	}
	e.change.Lock() // so that two links of one channel are not made at once
	defer e.change.Unlock()
	if err := b.CheckLink(n); err != nil {
		return "", err
	}
	if l, ok := b.LinkOf(n.Bridge, n.Channel); ok && n.Settings == nil { // another code for the same link
		m.Settings = b.sealedOf(n.Bridge, l.Room)
	}
	if err := b.sweepLinks(n.Bridge, e); err != nil {
		return "", err
	}
	if err := b.keepLink(e, n.Room, m); err != nil {
		return "", err
	}
	b.poke()
	b.config.Changed(n.Room)
	return code, nil
}

// keepLink puts a new link in the place of the one that the room had before.
func (b *Book) keepLink(e *entry, r room.ID, m *storagepb.BridgeLink) error {
	b.mu.Lock()
	old := e.links[r]
	b.mu.Unlock()
	if old == nil {
		old = newLink(nil)
	}
	old.change.Lock()
	defer old.change.Unlock()
	fresh := old.stored.GetChannel() != m.GetChannel()
	b.mu.Lock()
	m.Counts = add(old.stored.GetCounts(), old.pending)
	b.mu.Unlock()
	if err := b.store.PutBridgeLink(m, fresh); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	old.stored, old.pending, old.status, old.roster = m, nil, Status{State: Down, Since: b.millis()}, nil
	e.links[r] = old
	return nil
}

// sweepLinks forgets the link that ended first when too many are remembered. Its counts stay with the bridge.
func (b *Book) sweepLinks(bridge string, e *entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var oldest *storagepb.BridgeLink
	ended := 0
	for _, l := range e.links {
		if l.stored.GetEnded() == "" || l.stored.GetBlocked() { // what was blocked stays so
			continue
		}
		if ended++; oldest == nil || l.stored.GetEndedAt() < oldest.GetEndedAt() {
			oldest = l.stored
		}
	}
	if ended < MaxLinks {
		return nil
	}
	id, err := room.HashFromBytes(oldest.GetRoom())
	if err != nil {
		return err
	}
	m := proto.CloneOf(e.stored)
	m.Counts = add(m.GetCounts(), oldest.GetCounts())
	if err := b.store.PutBridge(m); err != nil {
		return err
	}
	e.stored = m
	if err := b.store.DeleteBridgeLink(bridge, id); err != nil {
		return err
	}
	delete(e.links, id)
	return nil
}

// head is the newest pos of a room: a link begins after it.
func (b *Book) head(r room.ID) (uint64, error) {
	m, err := b.store.Room(r)
	if err != nil {
		return 0, fmt.Errorf("read head of room %s: %w", r, err)
	}
	return m.GetHeadPos(), nil
}

// changeLink alters a link and writes it down, with what events are beyond it. Refused as not_found
// when it has ended.
func (b *Book) changeLink(bridge string, r room.ID, change func(*storagepb.BridgeLink) error, remote ...storage.Remote) error {
	l := b.linkOf(bridge, r)
	if l == nil {
		return noLink(bridge)
	}
	l.change.Lock()
	defer l.change.Unlock()
	b.mu.Lock()
	m, pending := proto.CloneOf(l.stored), l.pending
	l.pending = nil
	gone := b.bridges[bridge] == nil || b.bridges[bridge].links[r] != l
	b.mu.Unlock()
	if gone || m.GetEnded() != "" {
		return noLink(bridge)
	}
	m.Counts = add(m.GetCounts(), pending)
	err := change(m)
	if err == nil {
		err = b.store.AdvanceLink(m, remote...)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		l.pending = add(l.pending, pending)
		return err
	}
	l.stored = m
	return nil
}

func (b *Book) linkOf(bridge string, r room.ID) *link {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.bridges[bridge]; e != nil {
		return e.links[r]
	}
	return nil
}

func noLink(bridge string) error {
	return room.Errorf(room.NotFound, "The bridge %s joins no such room to a channel.", clip(bridge))
}

// Unlink ends a channel's link, with the reason for people. The bot's leaving is the caller's doing.
func (b *Book) Unlink(bridge, channel, why string) error {
	b.mu.Lock()
	id, l := b.channel(bridge, channel)
	b.mu.Unlock()
	if l == nil {
		return joinsNone(bridge, channel)
	}
	err := b.changeLink(bridge, id, func(m *storagepb.BridgeLink) error {
		m.Ended, m.EndedAt, m.CodeHash, m.CodeEnds = clipTo(cmp.Or(why, "unlinked"), maxSentence), b.millis(), nil, 0
		return nil
	})
	if err != nil {
		return err
	}
	b.mu.Lock()
	l.roster = nil
	b.mu.Unlock()
	b.poke()
	b.config.Changed(id)
	return nil
}

// SetLink changes settings of a channel's link: those that are named; an empty value takes one away. All else stays:
// who confirmed it, how far it has come, what messages are over there.
func (b *Book) SetLink(bridge, channel string, changed map[string]string) error {
	of, ok := b.Bridge(bridge)
	if !ok {
		return noBridge(bridge)
	}
	kind, err := b.kind(of.Kind)
	if err != nil {
		return err
	}
	b.mu.Lock()
	id, l := b.channel(bridge, channel)
	b.mu.Unlock()
	if l == nil {
		return joinsNone(bridge, channel)
	}
	err = b.changeLink(bridge, id, func(m *storagepb.BridgeLink) error {
		if m.GetChannel() != channel { // another was linked meanwhile
			return joinsNone(bridge, channel)
		}
		_, sealed, err := b.alter(m.GetSettings(), sealedLink(bridge, id), changed, kind.CheckLink)
		if err == nil {
			m.Settings = sealed
		}
		return err
	})
	if err == nil {
		b.poke()
		b.config.Changed(id)
	}
	return err
}

func joinsNone(bridge, channel string) error {
	return room.Errorf(room.NotFound, "The bridge %s joins no room to %s.", clip(bridge), clip(channel))
}

// Claim confirms a link by the code that an operator of the channel said there. From here on what is
// said in the room is relayed. A code that was right before is right again.
func (b *Book) Claim(bridge, channel, code, by string) (bool, error) {
	b.mu.Lock()
	id, l := b.channel(bridge, channel)
	b.mu.Unlock()
	if l == nil {
		return false, nil
	}
	try := bridge + "\x00" + channel
	if wait := b.guesses.Take(try, 1, b.config.Now()); wait > 0 {
		e := room.Errorf(room.Limited, "Too many wrong codes were said in %s. Wait a minute.", clip(channel))
		e.RetryAfter = wait
		return false, e
	}
	right, fresh, hash := false, false, hashCode(code)
	err := b.changeLink(bridge, id, func(m *storagepb.BridgeLink) (err error) {
		if right = m.GetCodeEnds() > b.millis() && subtle.ConstantTimeCompare(hash[:], m.GetCodeHash()) == 1; !right || m.GetConfirmed() {
			return nil
		}
		fresh = true
		m.Confirmed, m.ConfirmedBy = true, clip(by)
		m.Cursor, err = b.head(id)
		return err
	})
	if err != nil || !right {
		return false, err
	}
	b.guesses.Return(try, 1, b.config.Now())
	if fresh {
		b.poke()
		b.config.Changed(id)
	}
	return true, nil
}

// LinkSecrets are the settings of a link, for its plugin.
func (b *Book) LinkSecrets(bridge string, r room.ID) (map[string]string, error) {
	settings, err := b.open(b.sealedOf(bridge, r), sealedLink(bridge, r))
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.bridges[bridge]; e != nil {
		defaults(b.kinds[e.stored.GetKind()].LinkSettings, settings)
	}
	return settings, nil
}

// Mute says whether a ghost is not to be heard in a room any more.
func (b *Book) Mute(bridge string, r room.ID, ghost string, on bool) error {
	l := b.linkOf(bridge, r)
	switch {
	case l == nil:
		return noLink(bridge)
	case ghost == "":
		return room.Errorf(room.BadRequest, "Who shall be muted is missing.")
	}
	if err := room.CheckLine("ghost's id", ghost, room.MaxGhost); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if on && len(l.muted) >= MaxMutes {
		return room.Errorf(room.Limited, "%d are muted in this room already.", MaxMutes)
	}
	if err := b.store.PutBridgeMute(bridge, r, ghost, on); err != nil {
		return err
	}
	if l.muted[ghost] = on; !on {
		delete(l.muted, ghost)
	}
	b.poke()
	return nil
}

// Muted tells whether a ghost is not to be heard in a room.
func (b *Book) Muted(bridge string, r room.ID, ghost string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[bridge]
	return e != nil && e.links[r] != nil && e.links[r].muted[ghost]
}

// sealedOf is a link's settings as they are stored.
func (b *Book) sealedOf(bridge string, r room.ID) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.bridges[bridge]; e != nil && e.links[r] != nil {
		return e.links[r].stored.GetSettings()
	}
	return nil
}
