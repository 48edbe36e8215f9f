package relay

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/format"
	"hearth/plugins/irc/wire"
)

// said is PRIVMSG or NOTICE.
func (r *relay) said(m wire.Message) {
	target := m.Param(0)
	name := r.bot.session.Support.Channel(target)
	if name == "" {
		r.whispered(m)
		return
	}
	ch := r.channel(name)
	switch {
	case ch == nil || !ch.joined:
	case r.isEcho(m):
		r.echoed(m)
	case name != target:
		r.count(ch.id, "dropped", "for_operators_only", 1) // to @#channel: not for the room
	case !ch.settled:
		if len(ch.history.held) < maxHeld {
			ch.history.held = append(ch.history.held, m)
		} else {
			r.count(ch.id, "dropped", "overflow", 1)
		}
	default:
		ch.take(m, false)
	}
}

// isEcho tells whether a message that came just now was said by a connection of ours.
func (r *relay) isEcho(m wire.Message) bool {
	if by := m.Tags.Any("draft/relaymsg", "relaymsg"); by != "" {
		return r.isOurs(by)
	}
	return r.isOurs(m.Source.Nick)
}

// take takes in what somebody else said. Whatever does not become an entry is counted.
func (ch *channel) take(m wire.Message, past bool) {
	text := m.Last()
	if !past && ch.command(m, text) {
		return
	}
	if !ch.link.GetConfirmed() {
		return // it was not said to the room
	}
	if why := ch.unwanted(m); why != "" {
		ch.r.count(ch.id, "dropped", why, 1)
		return
	}
	kind := "text"
	if m.Command == "NOTICE" {
		kind = "notice"
	}
	if ctcp, is := strings.CutPrefix(text, "\x01"); is {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(ctcp, "\x01"), " ")
		if !strings.EqualFold(verb, "ACTION") {
			ch.r.count(ch.id, "dropped", "ctcp", 1)
			return
		}
		kind, text = "emote", rest
	}
	if ch.cameBack(m, text, time.Now()) {
		ch.r.count(ch.id, "dropped", "loop", 1)
		return
	}
	ch.enterText(m, kind, text)
}

// unwanted says why a message is not taken in; "" when it is.
func (ch *channel) unwanted(m wire.Message) string {
	r := ch.r
	if m.Source.IsServer() || m.Source.Nick == "" {
		return "server"
	}
	for _, bot := range r.open.GetKnownBots() {
		if bot = r.fold(bot); bot == r.fold(m.Source.Nick) || bot == r.fold(m.Tags.Value("account")) {
			return "known_bot"
		}
	}
	if r.bot == nil { // a puppet hears while the bot is away
		return ""
	}
	if account := r.bot.session.Account; account != "" && r.fold(m.Tags.Value("account")) == r.fold(account) {
		return "own"
	}
	return ""
}

func (ch *channel) enterText(m wire.Message, kind, text string) {
	now := time.Now()
	markdown := ch.markdown(text)
	if markdown == "" {
		ch.r.count(ch.id, "dropped", "empty", 1)
		return
	}
	nick := m.Source.Nick
	account := m.Tags.Value("account")
	if who := ch.member(nick); who != nil && account == "" {
		account = who.account
	}
	e := &pb.Entry{Key: key(m, text, now), Kind: kind, Ghost: ch.r.ghost(nick, account), Text: markdown, Time: at(m, now),
		ReplyTo: m.Tags.Any("+reply", "+draft/reply")}
	if e.Remote = m.Tags.Value("msgid"); e.Remote == "" {
		e.Remote = noID + e.Key
	}
	if by := m.Tags.Any("draft/relaymsg", "relaymsg"); by != "" {
		e.Hops = []string{short(relayedFrom(nick), 64)}
	}
	if ch.seen.again(e.Key) {
		ch.r.count(ch.id, "duplicate", "", 1)
		return
	}
	ch.spoke[ch.r.fold(nick)] = now
	ch.heardAt, ch.last = max(ch.heardAt, e.Time), e
	ch.post(e)
}

// relayedFrom is the network in a name that another bridge has made: bob/discord.
func relayedFrom(nick string) string {
	if i := strings.LastIndexAny(nick, "/"); i >= 0 && i+1 < len(nick) {
		return nick[i+1:]
	}
	return "elsewhere"
}

// noID begins the remote of a message that the network gave no id: nobody there can refer to it.
const noID = "~"

func (ch *channel) markdown(text string) string {
	var lines []string
	for i, line := range strings.Split(text, "\n") {
		l := format.FromIRC(line)
		if i == 0 {
			l = ch.people.address(l, ch.r)
		}
		if md := l.Markdown(); md != "" {
			lines = append(lines, md)
		}
	}
	return strings.Join(lines, "\n")
}

// key is the same whenever a message is seen: its id, or else a hash of its time, author and
// text. Without either the message is never seen again.
func key(m wire.Message, text string, now time.Time) string {
	if id := m.Tags.Value("msgid"); id != "" && len(id) < 190 {
		return "m:" + id
	}
	sent := m.Tags.Value("time")
	if sent == "" {
		sent = fmt.Sprint(now.UnixNano())
	}
	return "h:" + hash(sent+"\x00"+m.Source.Nick+"\x00"+m.Command+"\x00"+text)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// seen are the last keys, so that what history repeats is not even sent to the node.
type seen struct {
	at   map[string]int
	ring []string
	next int
}

const maxSeen = 4096

func (s *seen) again(key string) bool {
	if _, known := s.at[key]; known {
		return true
	}
	if s.at == nil {
		s.at, s.ring = map[string]int{}, make([]string, maxSeen)
	}
	delete(s.at, s.ring[s.next])
	s.ring[s.next] = key
	s.at[key] = s.next
	s.next = (s.next + 1) % maxSeen
	return false
}

func escapeLine(s string) string { return format.FromIRC(s).Markdown() }
