package wire

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// LegalNick is name made a nick that any server takes: letters, digits and []\`_^{|}-, not beginning with a
// digit or a hyphen, at most length bytes. Letters with accents lose them; what has no letter at all becomes "user".
func LegalNick(name string, length int) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(name) {
		switch {
		case r < 0x80 && nickByte(byte(r)):
			b.WriteRune(r)
		case r == ' ' || r == '.':
			b.WriteByte('_')
		}
	}
	nick := strings.TrimRight(b.String(), "_-")
	if nick == "" {
		nick = "user"
	}
	if c := nick[0]; c == '-' || c >= '0' && c <= '9' {
		nick = "_" + nick
	}
	return nick[:min(len(nick), max(length, 1))]
}

func nickByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= '}' || c == '-'
}

// NextNick is another nick to try when tries before it were taken: alice_, alice__, then alice1 and on,
// always different and within length.
func NextNick(nick string, tries, length int) string {
	if tries <= 2 && len(nick)+tries <= length {
		return nick + strings.Repeat("_", tries)
	}
	suffix := "_" + itoa(tries)
	return nick[:max(1, min(len(nick), length-len(suffix)))] + suffix
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
