package wire

import (
	"errors"
	"strings"
)

// Limits, in bytes.
const (
	MaxLine    = 512  // of a line without its tags, with CR LF
	MaxTags    = 8191 // of all tags, with @ and the space
	MaxOwnTags = 4094 // of those that a client sends, without them
	maxParams  = 64   // more than any server sends; RFC 1459 has 15
)

// Message is one line. The zero Message is none: a command is never empty.
type Message struct {
	Tags    Tags
	Source  Source
	Command string // upper case, or three digits
	Params  []string
}

// Source is who a message is from: a person, or a server (that has only a Nick).
type Source struct{ Nick, User, Host string }

// Errors of Parse. A line that cannot be read is skipped; it does not end a connection.
var (
	ErrEmpty   = errors.New("the line has no command")
	ErrTooLong = errors.New("the line is longer than the protocol lets it be")
	ErrCommand = errors.New("the line's command is not one")
)

// New is a message without tags or source, as clients send them.
func New(command string, params ...string) Message {
	return Message{Command: command, Params: params}
}

// Tagged is m with one more tag.
func (m Message) Tagged(key, value string) Message {
	m.Tags = m.Tags.with(key, value)
	return m
}

// Param is the i-th parameter, from 0; "" when there are fewer.
func (m Message) Param(i int) string {
	if i < 0 || i >= len(m.Params) {
		return ""
	}
	return m.Params[i]
}

// Last is the last parameter: the text of most messages; "" when there is none.
func (m Message) Last() string { return m.Param(len(m.Params) - 1) }

// Parse reads a line without its CR LF. What it returns shares line's memory.
func Parse(line string) (Message, error) {
	var m Message
	line = OneLine(line) // a server that sends NUL or a bare CR is not helped by them
	if rest, tagged := strings.CutPrefix(line, "@"); tagged {
		var tags string
		tags, line, _ = strings.Cut(rest, " ")
		if len(tags)+2 > MaxTags+MaxOwnTags {
			return m, ErrTooLong
		}
		m.Tags = parseTags(tags)
	}
	line = strings.TrimLeft(line, " ")
	if rest, from := strings.CutPrefix(line, ":"); from {
		var source string
		source, line, _ = strings.Cut(rest, " ")
		m.Source = ParseSource(source)
	}
	return m, m.parseCommand(strings.TrimLeft(line, " "))
}

func (m *Message) parseCommand(line string) error {
	command, rest, _ := strings.Cut(line, " ")
	if command == "" {
		return ErrEmpty
	}
	if !isCommand(command) {
		return ErrCommand
	}
	m.Command = strings.ToUpper(command)
	for rest = strings.TrimLeft(rest, " "); rest != ""; rest = strings.TrimLeft(rest, " ") {
		if rest[0] == ':' || len(m.Params) == maxParams-1 {
			m.Params = append(m.Params, strings.TrimPrefix(rest, ":"))
			return nil
		}
		var param string
		param, rest, _ = strings.Cut(rest, " ")
		m.Params = append(m.Params, param)
	}
	return nil
}

func isCommand(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return len(s) <= 32
}

// ParseSource reads nick!user@host, of which the latter two may be missing.
func ParseSource(s string) Source {
	s, host, _ := strings.Cut(s, "@")
	nick, user, _ := strings.Cut(s, "!")
	return Source{nick, user, host}
}

func (s Source) String() string {
	out := s.Nick
	if s.User != "" {
		out += "!" + s.User
	}
	if s.Host != "" {
		out += "@" + s.Host
	}
	return out
}

// IsServer tells servers from people: a server's name has a dot and nobody before it.
func (s Source) IsServer() bool {
	return s.User == "" && s.Host == "" && strings.Contains(s.Nick, ".")
}

// String is the line without CR LF. It is always one line: CR, LF and NUL are dropped wherever they stand,
// as what a parameter holds must never become a command of its own. A middle parameter
// that could not be read back as one ends at its first space.
func (m Message) String() string {
	var b strings.Builder
	if len(m.Tags) > 0 {
		b.WriteString("@" + m.Tags.String() + " ")
	}
	if source := word(m.Source.String()); source != "" {
		b.WriteString(":" + source + " ")
	}
	b.WriteString(word(m.Command))
	for i, p := range m.Params {
		b.WriteByte(' ')
		if i < len(m.Params)-1 {
			b.WriteString(middle(p))
			continue
		}
		p = OneLine(p)
		if p == "" || p[0] == ':' || strings.Contains(p, " ") {
			b.WriteByte(':')
		}
		b.WriteString(p)
	}
	return b.String()
}

// Len is the length of the line as the 512 count it: without tags, with CR LF.
func (m Message) Len() int {
	m.Tags = nil
	return len(m.String()) + 2
}

func middle(p string) string {
	if p = strings.TrimLeft(word(p), ":"); p == "" {
		return "*"
	}
	return p
}

func word(s string) string {
	s, _, _ = strings.Cut(OneLine(s), " ")
	return s
}

// OneLine is s without CR, LF and NUL.
func OneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == 0 {
			return -1
		}
		return r
	}, s)
}
