package format

import (
	"strings"
	"unicode/utf8"
)

// Split cuts l into messages of at most most bytes: at a space where there is one, never
// inside a character as people see it, with formatting begun anew in each. keep leaves the space at
// the end of the message before it, for multiline's concatenation; otherwise it is dropped.
// most is at least 16: a server that leaves less cannot be talked to.
func (l Line) Split(most int, keep bool) []string {
	c := cutter{most: max(most, 16), keep: keep}
	for _, r := range l {
		for text := r.Text; text != ""; {
			n := grapheme(text)
			if n > c.most-8 { // marks upon marks: between runes then
				_, n = utf8.DecodeRuneInString(text)
			}
			c.add(text[:n], r.Style)
			text = text[n:]
		}
	}
	c.end(len(c.line), true)
	return c.out
}

// cutter holds the message that is being filled.
type cutter struct {
	most int
	keep bool
	out  []string

	line  []Run // a run a grapheme
	size  int   // of line with its codes
	space int   // index in line after the last space; 0: none
}

func (c *cutter) add(text string, style Style) {
	if c.sized(text, style) > c.most {
		c.cut()
	}
	// What was carried over may fill the next message again, with codes.
	for c.sized(text, style) > c.most && len(c.line) > 0 {
		c.end(len(c.line), false)
	}
	c.size = c.sized(text, style)
	c.line = append(c.line, Run{text, style})
	if text == " " {
		c.space = len(c.line)
	}
}

func (c *cutter) sized(text string, style Style) int {
	var now Style
	if n := len(c.line); n > 0 {
		now = c.line[n-1].Style
	}
	return c.size + len(change(now, style)) + len(text)
}

// cut ends the message at its last space, or where it is, and carries the rest over.
func (c *cutter) cut() {
	if c.space > 0 {
		c.end(c.space, false)
	} else {
		c.end(len(c.line), false)
	}
}

// end puts the first n graphemes out.
func (c *cutter) end(n int, last bool) {
	var line Line
	for _, r := range c.line[:n] {
		line = line.add(r.Text, r.Style)
	}
	rest := append([]Run(nil), c.line[n:]...)
	text := line.IRC()
	if !c.keep && !last {
		text = strings.TrimSuffix(text, " ")
	}
	if text != "" {
		c.out = append(c.out, text)
	}
	c.line, c.size, c.space = c.line[:0], 0, 0
	for _, r := range rest {
		c.size = c.sized(r.Text, r.Style)
		c.line = append(c.line, r)
	}
}
