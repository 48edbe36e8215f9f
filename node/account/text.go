package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"hearth/node/room"
)

// Longest texts of a profile, in characters.
const (
	MaxDisplayName = 64
	MaxStatus      = 100
)

// line checks one line of text that others will see: composed (NFC), without the characters that show
// nothing or turn the writing of what comes after; spaces at the ends are cut. It is refused when it
// has control characters, is too long, or shows nothing though it is not empty. what names it in the refusal.
func line(what, text string, limit int) (string, error) {
	if !utf8.ValidString(text) {
		return "", room.Errorf(room.BadRequest, "%s is not valid UTF-8.", what)
	}
	if strings.ContainsFunc(text, breaks) {
		return "", room.Errorf(room.BadRequest, "%s is one line, without control characters.", what)
	}
	clean := strings.TrimSpace(norm.NFC.String(strings.Map(visible, text)))
	if utf8.RuneCountInString(clean) > limit {
		return "", room.Errorf(room.BadRequest, "%s has at most %d characters.", what, limit)
	}
	if clean != "" && !strings.ContainsFunc(clean, shows) {
		return "", room.Errorf(room.BadRequest, "%s has nothing in it that can be seen.", what)
	}
	return clean, nil
}

// breaks: control characters, and the separators that break a line (U+2028, U+2029).
func breaks(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) }

// visible drops formatting characters (bidi embeddings, overrides and isolates, zero-width spaces)
// except the two joiners, which Persian and many emoji need, and the tags of flags.
func visible(r rune) rune {
	const nonJoiner, joiner = '\u200c', '\u200d'
	if unicode.Is(unicode.Cf, r) && r != nonJoiner && r != joiner && !isTag(r) {
		return -1
	}
	return r
}

// isTag: the tag characters that spell the flags of England, Scotland and Wales.
func isTag(r rune) bool { return r >= 0xe0020 && r <= 0xe007f }

func shows(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) }

// deviceName is lenient: it comes from the program, not from a person.
func deviceName(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if breaks(r) {
			return -1
		}
		return visible(r)
	}, s)
	r := []rune(strings.TrimSpace(norm.NFC.String(s)))
	return strings.TrimSpace(string(r[:min(len(r), MaxDisplayName)]))
}

// brief cuts foreign text for use in a sentence.
func brief(s string) string {
	r := []rune(strings.ToValidUTF8(s, "?"))
	if len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return string(r)
}
