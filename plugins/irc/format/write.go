package format

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Markdown is the line as CommonMark that shows the same text. Underlining, which that has not, becomes
// emphasis. Where the styles would swallow a character, they are left out.
func (l Line) Markdown() string {
	l = l.trimmed()
	styled := l.styled()
	text := l.Text()
	if lines := FromMarkdown(styled); len(lines) == 1 && lines[0].Text() == spaced(l).Text() {
		return styled
	}
	return escape(text, 0, 0)
}

// trimmed is l with its leading spaces unbreakable, as Markdown takes others for a block of
// code, without those at the end, and with the spaces at a styled run's ends outside of it.
func (l Line) trimmed() Line {
	var out Line
	for _, r := range l {
		text := r.Text
		if len(out) == 0 {
			rest := strings.TrimLeft(text, " ")
			out = out.add(strings.Repeat("\u00a0", len(text)-len(rest)), 0)
			text = rest
		}
		core := strings.TrimLeft(text, " ")
		out = out.add(text[:len(text)-len(core)], 0)
		text, core = core, strings.TrimRight(core, " ")
		out = out.add(core, r.Style)
		out = out.add(text[len(core):], 0)
	}
	if n := len(out); n > 0 {
		if out[n-1].Text = strings.TrimRight(out[n-1].Text, " "); out[n-1].Text == "" {
			out = out[:n-1]
		}
	}
	return out
}

func (l Line) styled() string {
	w := writer{}
	for i, r := range l {
		next := rune(0)
		if i+1 < len(l) {
			next, _ = utf8.DecodeRuneInString(l[i+1].Text)
		}
		w.run(r, next)
	}
	w.turn(0, 0)
	return w.b.String()
}

// writer keeps the marks that are open, innermost last.
type writer struct {
	b    strings.Builder
	open []mark
	last rune // of the text so far
}

type mark struct {
	style Style
	sign  string
}

func (w *writer) run(r Run, next rune) {
	style := r.Style
	if style&Underline != 0 {
		style = style&^Underline | Italic
	}
	first, _ := utf8.DecodeRuneInString(r.Text)
	w.turn(style&^Mono, first)
	if style&Mono != 0 {
		w.b.WriteString(code(r.Text))
	} else {
		w.b.WriteString(escape(r.Text, w.last, next))
	}
	w.last, _ = utf8.DecodeLastRuneInString(r.Text)
}

// turn closes the marks that end and opens those that begin.
func (w *writer) turn(style Style, next rune) {
	keep := 0
	for keep < len(w.open) && style&w.open[keep].style != 0 {
		keep++
	}
	for len(w.open) > keep {
		w.b.WriteString(w.open[len(w.open)-1].sign)
		w.open = w.open[:len(w.open)-1]
	}
	for _, m := range w.open {
		style &^= m.style
	}
	for _, m := range []mark{{Strike, "~~"}, {Bold, "**"}, {Italic, "_"}} {
		if style&m.style == 0 {
			continue
		}
		if m.style == Italic && (isWord(w.last) || w.b.Len() > 0 && w.last == 0) {
			m.sign = "*" // _ does not begin emphasis inside a word
		}
		w.b.WriteString(m.sign)
		w.open = append(w.open, m)
	}
}

// code is a code span that shows text.
func code(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") ||
		strings.HasPrefix(text, " ") && strings.HasSuffix(text, " ") && strings.Trim(text, " ") != "" {
		text = " " + text + " "
	}
	return fence + text + fence
}

var (
	urls   = regexp.MustCompile(`(?i)\bhttps?://[^\s<>\x00-\x1f]+`)
	url    = regexp.MustCompile(`^(?i)https?://[^\s<>\x00-\x1f]+`)
	entity = regexp.MustCompile(`^&(#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);`)
	block  = regexp.MustCompile(`^(#{1,6}( |$)|[-+](\s|$)|[-_=][-_= ]*$|>|~~~)`)
	number = regexp.MustCompile(`^[0-9]{1,9}[.)](\s|$)`)
)

// escape is text so that CommonMark shows it as it stands. before and after are what stands beside it, 0: a line's end.
// Addresses are left alone: a link literal has no escapes.
func escape(text string, before, after rune) string {
	var b strings.Builder
	if before == 0 {
		text = escapeStart(&b, text)
	}
	for text != "" {
		from, to := len(text), len(text)
		if at := urls.FindStringIndex(text); at != nil {
			from, to = at[0], at[1]
		}
		next := after
		if from < len(text) {
			next = 'h'
		}
		before = escapeWords(&b, text[:from], before, next)
		if from < to {
			b.WriteString(link(text[from:to]))
			before, _ = utf8.DecodeLastRuneInString(text[from:to])
		}
		text = text[to:]
	}
	return b.String()
}

// link is an address as it is, or within <> where it has what would be read as formatting.
func link(at string) string {
	if strings.ContainsAny(at, "*_~[]`\\&!") {
		return "<" + at + ">"
	}
	return at
}

// escapeStart writes the beginning of a line that would make it a block, and returns the rest.
func escapeStart(b *strings.Builder, text string) string {
	if block.MatchString(text) {
		b.WriteString("\\" + text[:1])
		return text[1:]
	}
	if at := number.FindString(text); at != "" {
		digits := count(text, 9, isDigit)
		b.WriteString(text[:digits] + "\\" + text[digits:digits+1])
		return text[digits+1:]
	}
	return text
}

func escapeWords(b *strings.Builder, text string, before, after rune) rune {
	for i, r := range text {
		next := after
		if rest := text[i+utf8.RuneLen(r):]; rest != "" {
			next, _ = utf8.DecodeRuneInString(rest)
		}
		if needsEscape(r, before, next, text[i:]) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		before = r
	}
	return before
}

func needsEscape(r, before, next rune, rest string) bool {
	switch r {
	case '\\', '`', '*', '~':
		return true
	case '_':
		return !isWord(before) || !isWord(next)
	case ']':
		return next == '(' || next == ':' || next == '[' || next == 0
	case '<':
		return next == 0 || next == '/' || next == '!' || next == '?' || isWord(next)
	case '&':
		return entity.MatchString(rest)
	}
	return false
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_' }
