package relay

import (
	"regexp"
	"strings"
	"time"

	"hearth/plugins/irc/format"
	"hearth/plugins/irc/wire"
)

// loops is the guard against other bridges in the channel that bring back what was said there: their names for the
// network may be others than ours, and IRC carries no list of the networks that a line has passed. So
// what was said lately is known by its first speaker and its words, which a relayed line shows as "<name> words".
// Such a line that others said before has come back. From somebody who is marked as a bot it is dropped at once; anybody else may
// be quoting, once: the second return is dropped whoever it is from. And a line that has passed four bridges goes no further.
type loops struct{ said map[string]*utterance }

type utterance struct {
	by      string // folded nick of who said it first; "": us
	depth   int
	returns int
	at      time.Time
}

const (
	loopTime  = 2 * time.Minute
	maxDepth  = 3 // names before a line
	maxSpoken = 2000
)

var relayed = regexp.MustCompile(`^<([^<>\s][^<>]{0,80})> `)

// unwrap finds who said a line first, and what: "<bob/net> <Al> hi" is Al's "hi", behind two names.
func unwrap(nick, text string) (name, words string, depth int) {
	name, words = nick, strings.ReplaceAll(format.FromIRC(text).Text(), zeroWidth, "")
	for m := relayed.FindStringSubmatch(words); m != nil; m = relayed.FindStringSubmatch(words) {
		name, words = m[1], words[len(m[0]):]
		depth++
	}
	name, _, _ = strings.Cut(name, "/")
	return name, strings.TrimSpace(words), depth
}

// heard tells whether a line that by said has come back.
func (l *loops) heard(by, name, words string, depth int, bot bool, now time.Time) bool {
	key := hash(name + "\x00" + words)
	first := l.said[key]
	if first == nil || now.Sub(first.at) > loopTime || depth == 0 {
		l.note(key, &utterance{by: by, depth: depth, at: now}, now)
		return depth > maxDepth
	}
	if by == first.by && depth <= first.depth { // it says the same again
		first.at = now
		return depth > maxDepth
	}
	first.returns++
	first.at = now
	return bot || first.returns > 1 || depth > maxDepth
}

func (l *loops) note(key string, u *utterance, now time.Time) {
	if len(l.said) >= maxSpoken {
		l.forget(now)
	}
	if l.said == nil || len(l.said) >= maxSpoken {
		l.said = map[string]*utterance{}
	}
	l.said[key] = u
}

func (l *loops) forget(now time.Time) {
	for key, u := range l.said {
		if now.Sub(u.at) > loopTime {
			delete(l.said, key)
		}
	}
}

// speaks notes a line of ours, so that it is known when others bring it back.
func (ch *channel) speaks(nick, text string) {
	name, words, depth := unwrap(nick, text)
	key := hash(ch.r.fold(name) + "\x00" + words)
	now := time.Now()
	if first := ch.loops.said[key]; first == nil || first.by == "" || now.Sub(first.at) > loopTime {
		ch.loops.note(key, &utterance{depth: depth, at: now}, now)
	}
}

// cameBack tells whether a message has come back to where it was said.
func (ch *channel) cameBack(m wire.Message, text string, now time.Time) bool {
	nick := ch.r.fold(m.Source.Nick)
	name, words, depth := unwrap(m.Source.Nick, text)
	return ch.loops.heard(nick, ch.r.fold(name), words, depth, ch.isBot(m), now)
}

// isBot tells whether somebody is marked as a bot (IRCv3 bot-mode): by a tag, or in the list of who is here.
func (ch *channel) isBot(m wire.Message) bool {
	for _, tag := range []string{"bot", "draft/bot", "inspircd.org/bot"} {
		if _, is := m.Tags.Get(tag); is {
			return true
		}
	}
	who := ch.member(m.Source.Nick)
	return who != nil && who.bot
}
