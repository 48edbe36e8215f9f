// Package format turns the Markdown of a room into IRC's formatting, and back, and cuts it
// into pieces that fit a line. It is pure. What a person wrote is never lost: where a style
// cannot be said, the text is said without it.
//
// Between the two stands a Line: runs of text, each in a Style. No Line holds a control character.
package format

import "strings"

// Style is how a run looks; styles add up. Colours are not kept: they mean nothing without the eyes they were chosen for.
type Style uint8

const (
	Bold Style = 1 << iota
	Italic
	Underline
	Strike
	Mono
)

// Run is a stretch of text in one style.
type Run struct {
	Text  string
	Style Style
}

// Line is what stands on one line.
type Line []Run

// Plain is a line without any style.
func Plain(text string) Line { return Line{}.add(text, 0) }

// Text is the line without its styles.
func (l Line) Text() string {
	var b strings.Builder
	for _, r := range l {
		b.WriteString(r.Text)
	}
	return b.String()
}

// add appends text, cleaned, to the last run if that has the style.
func (l Line) add(text string, style Style) Line {
	text = Clean(text)
	if text == "" {
		return l
	}
	if n := len(l); n > 0 && l[n-1].Style == style {
		l[n-1].Text += text
		return l
	}
	return append(l, Run{text, style})
}

// Join is the lines one after the other.
func Join(lines ...Line) Line {
	var out Line
	for _, l := range lines {
		for _, r := range l {
			out = out.add(r.Text, r.Style)
		}
	}
	return out
}

// Clean is s without control characters, which on IRC begin commands (CR, LF), CTCP (0x01)
// or formatting, and without bytes that are not UTF-8. A tab is a space.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r == '\uFFFD' || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029':
			return -1
		}
		return r
	}, s)
}
