package format

import "strings"

// The codes, as modern.ircdocs.horse/formatting has them: each turns a style over, reset ends all.
const (
	codeBold      = 0x02
	codeColour    = 0x03 // followed by up to two digits, a comma and two more
	codeHex       = 0x04 // followed by six hexadecimal digits, a comma and six more
	codeReset     = 0x0f
	codeMono      = 0x11
	codeReverse   = 0x16
	codeItalic    = 0x1d
	codeStrike    = 0x1e
	codeUnderline = 0x1f
)

var codes = []struct {
	style Style
	code  byte
}{{Bold, codeBold}, {Italic, codeItalic}, {Underline, codeUnderline}, {Strike, codeStrike}, {Mono, codeMono}}

// FromIRC reads a message's text.
func FromIRC(s string) Line {
	var line Line
	var style Style
	from := 0
	for i := 0; i < len(s); {
		next, n := turn(s[i:], style)
		if n == 0 {
			i++
			continue
		}
		line = line.add(s[from:i], style)
		style = next
		i += n
		from = i
	}
	return line.add(s[from:], style)
}

// turn is the style after the code at the beginning of s, and the code's length; 0: there is none.
func turn(s string, style Style) (Style, int) {
	switch s[0] {
	case codeReset:
		return 0, 1
	case codeReverse:
		return style, 1
	case codeColour:
		return style, colourLen(s, 2, isDigit)
	case codeHex:
		return style, colourLen(s, 6, isHex)
	}
	for _, c := range codes {
		if s[0] == c.code {
			return style ^ c.style, 1
		}
	}
	return style, 0
}

// colourLen is the length of a colour code: a foreground of at most digits, and a background after a comma.
func colourLen(s string, digits int, is func(byte) bool) int {
	n := 1 + count(s[1:], digits, is)
	if n == 1 || n >= len(s) || s[n] != ',' {
		return n
	}
	if back := count(s[n+1:], digits, is); back > 0 {
		n += 1 + back
	}
	return n
}

func count(s string, most int, is func(byte) bool) int {
	n := 0
	for n < len(s) && n < most && is(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// IRC is the line with IRC's codes. It is one line, and begins and ends without a style.
func (l Line) IRC() string {
	var b strings.Builder
	var now Style
	for _, r := range l {
		b.WriteString(change(now, r.Style))
		b.WriteString(r.Text)
		now = r.Style
	}
	return b.String()
}

// change is what turns one style into another. A comma or digit after a code is safe, as no colours are sent.
func change(from, to Style) string {
	if from != 0 && to == 0 {
		return string(rune(codeReset))
	}
	var b []byte
	for _, c := range codes {
		if (from^to)&c.style != 0 {
			b = append(b, c.code)
		}
	}
	return string(b)
}
