package format

import (
	_ "embed"
	"strings"
	"sync"
)

// table has a line for each emoji: itself, the names that Slack has for it (the first is the one to
// write), "s" when it takes a skin tone, and what two tones make of it. The names are iamcal's emoji-data,
// as Slack's are; taken from emoji-picker-element-data 1.8 (en/iamcal), which the page's picker shows.
//
//go:embed emoji.tsv
var table string

// allEmoji are the table's, by what they are called and by what they are. They are read when the first is asked for: a
// bridge that nobody uses costs less.
var allEmoji = sync.OnceValue(func() emojiTable {
	t := emojiTable{map[string]string{}, map[string]string{}}
	for line := range strings.Lines(table) {
		t.read(strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return t
})

type emojiTable struct {
	byName  map[string]string // "thumbsup", "wave::skin-tone-3"
	byEmoji map[string]string // without U+FE0F
}

func (t emojiTable) read(fields []string) {
	names := strings.Split(fields[1], ",")
	t.add(fields[0], names, "")
	if len(fields) > 2 && fields[2] == "s" {
		for tone := range 5 {
			t.add(toned(fields[0], tone), names, "::skin-tone-"+string(rune('2'+tone)))
		}
	}
	if len(fields) > 3 {
		for pair := range strings.FieldsSeq(fields[3]) {
			tones, emoji, _ := strings.Cut(pair, "=")
			t.add(emoji, names, "::skin-tone-"+tones)
		}
	}
}

func (t emojiTable) add(emoji string, names []string, tone string) {
	t.byEmoji[plainEmoji(emoji)] = names[0] + tone
	for _, name := range names {
		t.byName[name+tone] = emoji
	}
}

// toned puts the modifier behind the first character, where U+FE0F would be (UTS 51, 2.4).
func toned(emoji string, tone int) string {
	runes := []rune(emoji)
	return string(runes[0]) + string(rune(0x1F3FB+tone)) + strings.TrimPrefix(string(runes[1:]), "\uFE0F")
}

func plainEmoji(emoji string) string { return strings.ReplaceAll(emoji, "\uFE0F", "") }

// Emoji is the emoji that Slack calls so, with or without a skin tone: "+1", "wave::skin-tone-3". A custom
// one stays as it is written: ":party:".
func Emoji(name string) string {
	if emoji, ok := allEmoji().byName[name]; ok {
		return emoji
	}
	base, _, _ := strings.Cut(name, "::")
	if emoji, ok := allEmoji().byName[base]; ok { // a tone that it does not take
		return emoji
	}
	return ":" + base + ":"
}

// EmojiName is what Slack calls an emoji: "+1" of 👍, "party" of ":party:". "" if it has no name.
func EmojiName(emoji string) string {
	if name, ok := allEmoji().byEmoji[plainEmoji(emoji)]; ok {
		return name
	}
	name := strings.TrimSuffix(strings.TrimPrefix(emoji, ":"), ":")
	if len(name)+2 != len(emoji) || !isEmojiName(name) {
		return ""
	}
	return name
}

// isEmojiName tells whether s may stand between colons.
func isEmojiName(s string) bool {
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune("_-+'", c) || c > 0x7F) {
			return false
		}
	}
	return s != "" && len(s) <= 100
}

// emojiIn finds the first :name: in s that known knows.
func emojiIn(s string, known func(name string) bool) (start, end int, name string) {
	for i := 0; i < len(s); i++ {
		if s[i] != ':' {
			continue
		}
		n := strings.IndexByte(s[i+1:], ':')
		if n < 0 {
			break
		}
		tone := ""
		if rest := s[i+n+1:]; strings.HasPrefix(rest, "::skin-tone-") && len(rest) > 13 && rest[13] == ':' {
			tone = rest[:13]
		}
		if name := s[i+1 : i+1+n]; isEmojiName(name) && known(name) {
			end := i + n + 2 + len(tone)
			return i, end, name + tone
		}
	}
	return 0, 0, ""
}

// withEmoji turns the :names: in s that Slack has for everybody into emoji.
func withEmoji(s string) string {
	var b strings.Builder
	for {
		start, end, name := emojiIn(s, func(name string) bool { _, ok := allEmoji().byName[name]; return ok })
		if end == 0 {
			return b.String() + s
		}
		b.WriteString(s[:start] + Emoji(name))
		s = s[end:]
	}
}
