package wire

import (
	"slices"
	"strings"
	"time"
)

// Tags are a message's tags, in order. A key that comes twice means what it said last.
type Tags []Tag

// Tag is one of them; a tag without a value and one with an empty value are the same.
type Tag struct{ Key, Value string }

const maxTags = 128

// Get is the tag's value, and whether there is such a tag.
func (t Tags) Get(key string) (string, bool) {
	for i := len(t) - 1; i >= 0; i-- {
		if t[i].Key == key {
			return t[i].Value, true
		}
	}
	return "", false
}

// Value is the tag's value; "" when there is none.
func (t Tags) Value(key string) string {
	value, _ := t.Get(key)
	return value
}

// Any is the value of the first of the keys that is there: drafts have two names for a while.
func (t Tags) Any(keys ...string) string {
	for _, key := range keys {
		if value := t.Value(key); value != "" {
			return value
		}
	}
	return ""
}

// Time is the server-time, zero without one.
func (t Tags) Time() time.Time {
	at, err := time.Parse("2006-01-02T15:04:05.999Z", t.Value("time"))
	if err != nil {
		return time.Time{}
	}
	return at
}

func (t Tags) with(key, value string) Tags {
	return append(slices.Clip(t), Tag{key, value})
}

// String is the tags as they stand between @ and the space.
func (t Tags) String() string {
	var b strings.Builder
	for i, tag := range t {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(tagKey(tag.Key))
		if tag.Value != "" {
			b.WriteByte('=')
			escape.WriteString(&b, tag.Value)
		}
	}
	return b.String()
}

func tagKey(key string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" ;=\r\n\x00", r) {
			return -1
		}
		return r
	}, key)
}

func parseTags(s string) Tags {
	var tags Tags
	for s != "" && len(tags) < maxTags {
		var tag string
		tag, s, _ = strings.Cut(s, ";")
		key, value, _ := strings.Cut(tag, "=")
		if key != "" {
			tags = append(tags, Tag{key, unescape(value)})
		}
	}
	return tags
}

// IRCv3 message-tags, "Escaping values". NUL cannot be said at all.
var escape = strings.NewReplacer(";", `\:`, " ", `\s`, `\`, `\\`, "\r", `\r`, "\n", `\n`, "\x00", "")

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			break // a lone backslash at the end is dropped
		}
		switch s[i] {
		case ':':
			b.WriteByte(';')
		case 's':
			b.WriteByte(' ')
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
