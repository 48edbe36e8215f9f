package format

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxMarks = 2000  // in a text: more are an attack or a dump, and shown as they are
	maxText  = 65536 // bytes that are read as Markdown; the rest is plain
)

var (
	heading = regexp.MustCompile(`^ {0,3}#{1,6}(?: +(.*?))?(?: +#+)? *$`)
	fence   = regexp.MustCompile("^ {0,3}(```+|~~~+)")
	item    = regexp.MustCompile(`^( *)([-+*]|[0-9]{1,9}[.)]) +(\S.*)$`)
	quote   = regexp.MustCompile(`^ {0,3}((?:> ?)+)(.*)$`)
	rule    = regexp.MustCompile(`^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$`)
)

// FromMarkdown reads a room's text into the lines that show it, without empty ones.
func FromMarkdown(text string) []Line {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if len(text) > maxText || marks(text) > maxMarks {
		return plainLines(text)
	}
	r := reader{}
	for _, line := range strings.Split(text, "\n") {
		r.line(line)
	}
	r.paragraph()
	return r.out
}

func plainLines(text string) []Line {
	r := reader{}
	for _, line := range strings.Split(text, "\n") {
		r.put(Plain(line))
	}
	return r.out
}

func marks(text string) int {
	n := 0
	for i := 0; i < len(text); i++ {
		if strings.IndexByte("*_~`[<&\\", text[i]) >= 0 {
			n++
		}
	}
	return n
}

// reader gathers blocks line by line.
type reader struct {
	out   []Line
	text  []string // of the paragraph
	fence string   // of the block of code that is open
}

func (r *reader) put(l Line) {
	if strings.TrimSpace(l.Text()) != "" {
		r.out = append(r.out, l)
	}
}

func (r *reader) line(s string) {
	if r.fence != "" {
		if t := strings.TrimSpace(s); strings.HasPrefix(t, r.fence) && strings.Trim(t, r.fence[:1]) == "" {
			r.fence = ""
		} else {
			r.put(Line{}.add(s, Mono))
		}
		return
	}
	if m := fence.FindStringSubmatch(s); m != nil && !strings.Contains(s[len(m[0]):], "`") {
		r.paragraph()
		r.fence = m[1]
		return
	}
	if strings.TrimSpace(s) == "" {
		r.paragraph()
		return
	}
	if !r.block(s) {
		r.text = append(r.text, strings.TrimLeft(s, " \t"))
	}
}

// block takes a line that is a block of its own.
func (r *reader) block(s string) bool {
	if m := heading.FindStringSubmatch(s); m != nil {
		r.alone(nil, m[1], Bold)
		return true
	}
	if rule.MatchString(s) {
		r.alone(Plain("---"), "", 0)
		return true
	}
	if m := quote.FindStringSubmatch(s); m != nil {
		r.alone(Plain(strings.Repeat(">", strings.Count(m[1], ">"))+" "), m[2], 0)
		return true
	}
	if m := item.FindStringSubmatch(s); m != nil {
		r.alone(Plain(m[1]+strings.NewReplacer("*", "-", "+", "-").Replace(m[2])+" "), m[3], 0)
		return true
	}
	return false
}

func (r *reader) alone(before Line, text string, style Style) {
	r.paragraph()
	for _, l := range inline(text, style) {
		r.put(Join(before, l))
	}
}

func (r *reader) paragraph() {
	if len(r.text) == 0 {
		return
	}
	for _, l := range inline(strings.Join(r.text, "\n"), 0) {
		r.put(spaced(l))
	}
	r.text = nil
}

// spaced is l with the unbreakable spaces at its beginning as others: Markdown made them so.
func spaced(l Line) Line {
	if len(l) == 0 {
		return l
	}
	l = append(Line(nil), l...)
	rest := strings.TrimLeft(l[0].Text, "\u00a0")
	l[0].Text = strings.Repeat(" ", utf8.RuneCountInString(l[0].Text)-utf8.RuneCountInString(rest)) + rest
	return l
}

// inline reads a text's emphasis, code and links (CommonMark 6), with the lines that it has.
func inline(text string, style Style) []Line {
	p := parser{rest: text}
	p.scan()
	p.emphasize()
	lines := []Line{nil}
	for _, n := range p.nodes {
		parts := []string{n.text}
		if n.style&Mono == 0 {
			parts = strings.Split(n.text, "\n")
		}
		for i, part := range parts {
			if i > 0 {
				lines = append(lines, nil)
			}
			last := len(lines) - 1
			lines[last] = lines[last].add(part, n.style|style)
		}
	}
	return lines
}

// node is a stretch of text, or of marks that may open or close emphasis.
type node struct {
	text        string
	style       Style
	sign        byte // '*', '_', '~', 0: text
	left        int  // marks that are not used up
	whole       int  // marks there were
	open, close bool
}

type parser struct {
	nodes []node
	plain strings.Builder
	prev  rune
	rest  string
}

// inlines takes what stands at the beginning of rest, when it is more than a character.
var inlines map[byte]func(*parser) bool

func init() { // a link's title is inline text again, which Go takes for a cycle
	inlines = map[byte]func(*parser) bool{
		'\\': (*parser).escaped, '`': (*parser).code, '*': (*parser).marks, '_': (*parser).marks, '~': (*parser).marks,
		'[': (*parser).link, '!': (*parser).link, '<': (*parser).autolink, '&': (*parser).entity, 'h': (*parser).literal, 'H': (*parser).literal,
	}
}

func (p *parser) scan() {
	for p.rest != "" {
		if take := inlines[p.rest[0]]; take != nil && take(p) {
			continue
		}
		_, n := utf8.DecodeRuneInString(p.rest)
		p.text(p.rest[:n], n)
	}
	p.flush()
}

// text takes n bytes that show as s.
func (p *parser) text(s string, n int) {
	p.plain.WriteString(s)
	if last, size := utf8.DecodeLastRuneInString(p.rest[:n]); size > 0 {
		p.prev = last
	}
	p.rest = p.rest[n:]
}

func (p *parser) flush() {
	if p.plain.Len() > 0 {
		p.nodes = append(p.nodes, node{text: p.plain.String()})
		p.plain.Reset()
	}
}

func (p *parser) escaped() bool {
	if len(p.rest) < 2 || !isPunct(rune(p.rest[1])) || p.rest[1] >= 0x80 {
		if strings.HasPrefix(p.rest, "\\\n") { // a hard break
			p.text("", 1)
			return true
		}
		return false
	}
	p.text(p.rest[1:2], 2)
	return true
}

func (p *parser) entity() bool {
	at := entity.FindString(p.rest)
	if at == "" || html.UnescapeString(at) == at {
		return false
	}
	p.text(html.UnescapeString(at), len(at))
	return true
}

// code is a code span: as many backticks after it as before it.
func (p *parser) code() bool {
	n := len(p.rest) - len(strings.TrimLeft(p.rest, "`"))
	for at := n; ; {
		i := strings.IndexByte(p.rest[at:], '`')
		if i < 0 {
			p.text(p.rest[:n], n)
			return true
		}
		at += i
		m := len(p.rest[at:]) - len(strings.TrimLeft(p.rest[at:], "`"))
		if m == n {
			p.span(strings.ReplaceAll(p.rest[n:at], "\n", " "), at+n)
			return true
		}
		at += m
	}
}

func (p *parser) span(text string, n int) {
	if len(text) > 1 && text[0] == ' ' && text[len(text)-1] == ' ' && strings.Trim(text, " ") != "" {
		text = text[1 : len(text)-1]
	}
	p.flush()
	p.nodes = append(p.nodes, node{text: text, style: Mono})
	p.prev = '`'
	p.rest = p.rest[n:]
}

// marks is a run of *, _ or ~ (CommonMark 6.2; GFM's strikethrough).
func (p *parser) marks() bool {
	sign := p.rest[0]
	n := len(p.rest) - len(strings.TrimLeft(p.rest, string(sign)))
	if sign == '~' && n > 2 {
		p.text(p.rest[:n], n)
		return true
	}
	next := ' '
	if n < len(p.rest) {
		next, _ = utf8.DecodeRuneInString(p.rest[n:])
	}
	prev := p.prev
	if prev == 0 {
		prev = ' '
	}
	left := !unicode.IsSpace(next) && (!isPunct(next) || unicode.IsSpace(prev) || isPunct(prev))
	right := !unicode.IsSpace(prev) && (!isPunct(prev) || unicode.IsSpace(next) || isPunct(next))
	m := node{sign: sign, left: n, whole: n, open: left, close: right}
	if sign == '_' {
		m.open, m.close = left && (!right || isPunct(prev)), right && (!left || isPunct(next))
	}
	p.flush()
	p.nodes = append(p.nodes, m)
	p.prev, p.rest = rune(sign), p.rest[n:]
	return true
}

var (
	linked     = regexp.MustCompile(`^!?\[((?:[^\[\]\\]|\\.)*)\]\(\s*<?([^\s()<>]*(?:\([^\s()<>]*\))?[^\s()<>]*)>?(?:\s+"[^"]*")?\s*\)`)
	autolinked = regexp.MustCompile(`^<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>\x00-\x1f]*)>`)
)

func (p *parser) link() bool {
	m := linked.FindStringSubmatch(p.rest)
	if m == nil {
		return false
	}
	var title Line
	for _, l := range inline(m[1], 0) {
		title = Join(title, l)
	}
	to := Clean(m[2])
	switch {
	case to == "" || title.Text() == to:
		p.text(title.Text(), len(m[0]))
	case title.Text() == "":
		p.text(to, len(m[0]))
	default:
		p.text(title.Text()+" ("+to+")", len(m[0]))
	}
	return true
}

func (p *parser) autolink() bool {
	m := autolinked.FindStringSubmatch(p.rest)
	if m == nil {
		return false
	}
	p.text(m[1], len(m[0]))
	return true
}

// literal is an address as it is written: nothing in it is formatting.
func (p *parser) literal() bool {
	if isWord(p.prev) {
		return false
	}
	at := url.FindString(p.rest)
	if at == "" {
		return false
	}
	n := len(strings.TrimRight(at, "*_~?!.,:"))
	p.text(p.rest[:n], n)
	return true
}

// emphasize pairs the marks, innermost first (CommonMark, "process emphasis").
func (p *parser) emphasize() {
	for i := range p.nodes {
		for p.nodes[i].close && p.nodes[i].left > 0 {
			o := p.opener(i)
			if o < 0 {
				break
			}
			p.pair(o, i)
		}
	}
	for i := range p.nodes {
		if n := &p.nodes[i]; n.sign != 0 {
			n.text = strings.Repeat(string(n.sign), n.left)
		}
	}
}

func (p *parser) opener(i int) int {
	c := &p.nodes[i]
	for o := i - 1; o >= 0; o-- {
		n := &p.nodes[o]
		if n.sign != c.sign || !n.open || n.left == 0 {
			continue
		}
		if c.sign == '~' && n.whole != c.whole {
			continue
		}
		if c.sign != '~' && (n.close || c.open) && (n.whole+c.whole)%3 == 0 && (n.whole%3 != 0 || c.whole%3 != 0) {
			continue
		}
		return o
	}
	return -1
}

// pair styles what is between, where marks without a partner are text.
func (p *parser) pair(o, c int) {
	used, style := 1, Italic
	switch {
	case p.nodes[c].sign == '~':
		used, style = p.nodes[c].left, Strike
	case p.nodes[o].left > 1 && p.nodes[c].left > 1:
		used, style = 2, Bold
	}
	p.nodes[o].left -= used
	p.nodes[c].left -= used
	for i := o + 1; i < c; i++ {
		p.nodes[i].style |= style
		p.nodes[i].open, p.nodes[i].close = false, false
	}
}

func isPunct(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }
