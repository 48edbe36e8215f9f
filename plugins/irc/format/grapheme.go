package format

import (
	"unicode"
	"unicode/utf8"
)

// grapheme is the length of what a reader sees as the first character of s: a rune with the
// marks, joiners and modifiers that belong to it (the rules of UAX #29 that matter to chat: flags,
// families, skin tones, accents, Hangul). At most 128 bytes, so that no heap of marks outgrows a line.
func grapheme(s string) int {
	first, n := utf8.DecodeRuneInString(s)
	last, flags := first, 0
	if isFlag(first) {
		flags = 1
	}
	for n < len(s) && n < 128 {
		r, size := utf8.DecodeRuneInString(s[n:])
		switch {
		case extends(r):
		case last == zwj && r > 0x2000: // a family
		case flags == 1 && isFlag(r):
			flags = 2
		case hangul(last, r):
		default:
			return n
		}
		last = r
		n += size
	}
	return n
}

// First is the length of the first character of s, as a reader sees it.
func First(s string) int {
	if s == "" {
		return 0
	}
	return grapheme(s)
}

const zwj = '\u200d'

func extends(r rune) bool {
	return r == zwj || r >= 0x1f3fb && r <= 0x1f3ff || r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0020 && r <= 0xe007f ||
		r >= 0x300 && unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc)
}

func isFlag(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// hangul tells whether two letters make one syllable.
func hangul(a, b rune) bool {
	vowel := b >= 0x1160 && b <= 0x11a7
	tail := b >= 0x11a8 && b <= 0x11ff
	return a >= 0x1100 && a <= 0x11ff && (vowel || tail) || a >= 0xac00 && a <= 0xd7a3 && (vowel || tail)
}
