package ircdouble

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/plugins/irc/wire"
)

const stamp = "2006-01-02T15:04:05.000Z"

// stamped is m as the server passes it on: with an id, the time and the account.
func (u *user) stamped(m wire.Message) wire.Message {
	u.s.lastID++
	out := wire.Message{Source: source(u.nick), Command: m.Command, Params: m.Params}
	out.Tags = wire.Tags{{Key: "msgid", Value: fmt.Sprint("id", u.s.lastID)}, {Key: "time", Value: time.Now().UTC().Format(stamp)}}
	if u.account != "*" {
		out.Tags = append(out.Tags, wire.Tag{Key: "account", Value: u.account})
	}
	for _, t := range m.Tags {
		if strings.HasPrefix(t.Key, "+") {
			out.Tags = append(out.Tags, t)
		}
	}
	return out
}

func (u *user) say(m wire.Message) {
	if ref := m.Tags.Value("batch"); ref != "" && u.batches[ref] != nil {
		u.batches[ref].lines = append(u.batches[ref].lines, m)
		return
	}
	name := m.Param(0)
	if !strings.HasPrefix(strings.TrimLeft(name, "@+"), "#") {
		u.whisper(m, name)
		return
	}
	u.shout(u.stamped(m), name)
}

// whisper shows a message to one, and to the one who said it by an echo.
func (u *user) whisper(m wire.Message, name string) {
	s, to := u.s, u.s.users[name]
	if to == nil {
		u.reply("401", name, "No such nick/channel")
		return
	}
	if numeric := s.Mute[name]; numeric != "" {
		u.reply(numeric, name, "You cannot write to this user")
		return
	}
	if s.Swallow && u.conn != nil {
		return
	}
	m = u.stamped(m)
	s.said = append(s.said, Said{m.Tags.Value("msgid"), u.nick, name, m.Command, m.Last(), m.Tags, m.Tags.Time()})
	to.send(m)
	if u.caps["echo-message"] {
		u.send(u.labelled(m))
	} else if u.label != "" && u.caps["labeled-response"] {
		u.reply("ACK")
	}
}

// shout shows a message to the channel, to the one who said it by an echo, and keeps it.
func (u *user) shout(m wire.Message, name string) {
	s := u.s
	if numeric := s.Mute[name]; numeric != "" && u.conn != nil {
		u.reply(numeric, name, "Cannot send to channel")
		return
	}
	if s.Swallow && u.conn != nil {
		return
	}
	s.said = append(s.said, Said{m.Tags.Value("msgid"), m.Source.Nick, strings.TrimLeft(name, "@+"), m.Command, m.Last(), m.Tags, m.Tags.Time()})
	r := s.room(name)
	if m.Command == "PRIVMSG" || m.Command == "NOTICE" {
		r.log = append(r.log, m)
	}
	s.show(strings.TrimLeft(name, "@+"), m, u)
	if u.caps["echo-message"] {
		u.send(u.labelled(m))
	} else if u.label != "" && u.caps["labeled-response"] {
		u.reply("ACK")
	}
}

func (u *user) labelled(m wire.Message) wire.Message {
	if u.label != "" {
		m = m.Tagged("label", u.label)
		u.label = ""
	}
	return m
}

func (u *user) relay(m wire.Message) {
	if !strings.Contains(m.Param(1), "/") || u.s.room(m.Param(0)).members[u.nick] != "@" {
		u.send(u.labelled(wire.New("FAIL", "RELAYMSG", "PRIVS_NEEDED", "You cannot relay here")))
		return
	}
	out := u.stamped(wire.New("PRIVMSG", m.Param(0), m.Param(2)))
	out.Source.Nick = m.Param(1)
	u.shout(out.Tagged("draft/relaymsg", u.nick), m.Param(0))
}

func (u *user) redact(m wire.Message) {
	i := slices.IndexFunc(u.s.said, func(o Said) bool { return o.ID == m.Param(1) })
	if i < 0 || u.conn != nil && u.s.said[i].Nick != u.nick {
		u.send(u.labelled(wire.New("FAIL", "REDACT", "REDACT_FORBIDDEN", m.Param(0), m.Param(1), "You may not")))
		return
	}
	out := u.stamped(m)
	u.s.said = append(u.s.said, Said{Nick: u.nick, Channel: m.Param(0), Command: "REDACT", Text: m.Param(1)})
	u.s.show(m.Param(0), out, u)
	u.send(u.labelled(out))
}

func (u *user) batch(m wire.Message) {
	ref := m.Param(0)[1:]
	if m.Param(0)[0] == '+' {
		m.Tags = append(m.Tags, wire.Tag{Key: "own-label", Value: u.label})
		u.batches[ref] = &pending{opening: m}
		u.label = ""
		return
	}
	b := u.batches[ref]
	delete(u.batches, ref)
	if b == nil || len(b.lines) == 0 {
		return
	}
	name := b.opening.Param(2)
	first := u.stamped(wire.New("BATCH", "+s"+ref, "draft/multiline", name))
	first.Tags = append(first.Tags, onlyClient(b.opening.Tags)...)
	u.label = b.opening.Tags.Value("own-label")
	var text strings.Builder
	for nick := range u.s.room(name).members {
		to := u.s.users[nick]
		if to == nil || to.conn == nil {
			continue
		}
		if !to.caps["draft/multiline"] || !to.caps["batch"] {
			for _, l := range b.lines {
				to.send(wire.Message{Tags: first.Tags, Source: source(u.nick), Command: l.Command, Params: l.Params})
			}
			continue
		}
		open := first
		if to == u {
			if !u.caps["echo-message"] {
				continue
			}
			open = u.labelled(first)
		}
		to.send(open)
		for _, l := range b.lines {
			out := wire.Message{Source: source(u.nick), Command: l.Command, Params: l.Params}.Tagged("batch", "s"+ref)
			if _, concat := l.Tags.Get("draft/multiline-concat"); concat {
				out = out.Tagged("draft/multiline-concat", "")
			}
			to.send(out)
		}
		to.send(wire.New("BATCH", "-s"+ref))
	}
	for i, l := range b.lines {
		if _, concat := l.Tags.Get("draft/multiline-concat"); i > 0 && !concat {
			text.WriteByte('\n')
		}
		text.WriteString(l.Last())
	}
	u.s.said = append(u.s.said, Said{first.Tags.Value("msgid"), u.nick, name, "PRIVMSG", text.String(), first.Tags, time.Now()})
	r := u.s.room(name)
	r.log = append(r.log, wire.Message{Tags: first.Tags, Source: source(u.nick), Command: "PRIVMSG", Params: []string{name, b.lines[0].Last()}})
}

func onlyClient(tags wire.Tags) wire.Tags {
	return slices.DeleteFunc(slices.Clone(tags), func(t wire.Tag) bool { return !strings.HasPrefix(t.Key, "+") })
}

// history is CHATHISTORY AFTER #channel timestamp=... or msgid=... limit.
func (u *user) history(m wire.Message) {
	name := m.Param(1)
	id, byID := strings.CutPrefix(m.Param(2), "msgid=")
	since, err := time.Parse(stamp, strings.TrimPrefix(m.Param(2), "timestamp="))
	limit, err2 := strconv.Atoi(m.Param(3))
	if m.Param(0) != "AFTER" || err != nil && !byID || err2 != nil {
		u.send(wire.New("FAIL", "CHATHISTORY", "INVALID_PARAMS", m.Param(0), "Only AFTER"))
		return
	}
	u.s.lastID++
	ref := fmt.Sprint("hist", u.s.lastID)
	u.send(u.labelled(wire.New("BATCH", "+"+ref, "chathistory", name)))
	reached := !byID
	for _, l := range u.s.room(name).log {
		if reached && limit > 0 && (byID || l.Tags.Time().After(since)) {
			u.send(l.Tagged("batch", ref))
			limit--
		}
		reached = reached || l.Tags.Value("msgid") == id
	}
	u.send(wire.New("BATCH", "-"+ref))
}
