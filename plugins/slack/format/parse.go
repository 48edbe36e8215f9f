package format

import (
	"html"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	gtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Mention finds in what people write in a room what Slack has an id or a picture for. The zero
// Mention finds nothing.
type Mention struct {
	User  func(after string) (id string, length int) // whom the text behind an @ begins with
	Emoji func(name string) bool                     // whether the workspace has a custom emoji of the name
	Link  func(url string) string                    // where over there a link leads to a message of a room, "" if nowhere
}

// grammar is CommonMark with strikethrough and bare addresses, and without HTML: that is text.
var grammar = parser.NewParser(
	parser.WithBlockParsers(
		util.Prioritized(parser.NewSetextHeadingParser(), 100),
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(parser.NewListParser(), 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewCodeBlockParser(), 500),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(parser.NewBlockquoteParser(), 800),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	),
	parser.WithInlineParsers(
		util.Prioritized(parser.NewCodeSpanParser(), 100),
		util.Prioritized(parser.NewLinkParser(), 200),
		util.Prioritized(parser.NewAutoLinkParser(), 300),
		util.Prioritized(parser.NewEmphasisParser(), 500),
		util.Prioritized(extension.NewStrikethroughParser(), 500),
		util.Prioritized(extension.NewLinkifyParser(), 999),
	),
	parser.WithParagraphTransformers(util.Prioritized(parser.LinkReferenceParagraphTransformer, 100)),
)

var deep = regexp.MustCompile(`(?m)^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])){40}`)

// affordable tells whether reading source as Markdown costs what a message may cost: the page has the
// same bounds (clients/web/src/ui/markdown/tree.ts).
func affordable(source string) bool {
	if len(source) > 65_536 || strings.Count(source, "\n") > 3000 || deep.MatchString(source) {
		return false
	}
	marks := 0
	for i := range len(source) {
		if strings.IndexByte("*_[]`~<>!&\\@", source[i]) >= 0 {
			marks++
		}
	}
	return marks <= 4000
}

// ReadMarkdown reads what was said in a room.
func ReadMarkdown(source string, mention Mention) []Block {
	source = strings.ReplaceAll(source, "\r\n", "\n")
	if !affordable(source) {
		return []Block{{Runs: text(source)}}
	}
	r := markdownReader{source: []byte(source), mention: mention}
	r.children(grammar.Parse(gtext.NewReader(r.source)), place{})
	return r.out
}

type markdownReader struct {
	source  []byte
	mention Mention
	out     []Block
}

// place is where in quotes and lists a block stands.
type place struct {
	quote  bool
	level  int // of lists: 1 is the first
	number int
	item   bool // the next paragraph is a list item's first
}

func (r *markdownReader) children(n ast.Node, at place) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		r.block(c, at)
		at.item = false
	}
}

func (r *markdownReader) block(n ast.Node, at place) {
	switch n := n.(type) {
	case *ast.Paragraph, *ast.TextBlock:
		r.out = append(r.out, r.paragraph(n, at))
	case *ast.Heading:
		r.out = append(r.out, Block{Kind: Heading, Level: n.Level, Quote: at.quote, Runs: r.inlines(n, Run{}, 0)})
	case *ast.FencedCodeBlock:
		r.out = append(r.out, Block{Kind: Code, Quote: at.quote, Lang: string(n.Language(r.source)), Runs: text(r.lines(n))})
	case *ast.CodeBlock:
		r.out = append(r.out, Block{Kind: Code, Quote: at.quote, Runs: text(r.lines(n))})
	case *ast.ThematicBreak:
		r.out = append(r.out, Block{Kind: Rule, Quote: at.quote})
	case *ast.Blockquote:
		at.quote = true
		r.children(n, at)
	case *ast.List:
		r.list(n, at)
	}
}

func (r *markdownReader) paragraph(n ast.Node, at place) Block {
	block := Block{Quote: at.quote, Runs: r.inlines(n, Run{}, 0)}
	if at.level > 0 {
		block.Kind, block.Level, block.Number = Item, min(at.level-1, maxDepth), at.number
		if !at.item { // a second paragraph of an item is its text too
			if last := len(r.out) - 1; last >= 0 && r.out[last].Kind == Item {
				block.Runs = append(append(r.out[last].Runs, Run{Text: "\n"}), block.Runs...)
				block.Number, block.Level = r.out[last].Number, r.out[last].Level
				r.out = r.out[:last]
			}
		}
	}
	return block
}

func (r *markdownReader) list(n *ast.List, at place) {
	at.level++
	at.number = 0
	if n.IsOrdered() {
		at.number = max(n.Start, 1)
	}
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		at.item = true
		if c.FirstChild() == nil {
			r.out = append(r.out, Block{Kind: Item, Quote: at.quote, Level: min(at.level-1, maxDepth), Number: at.number})
		}
		r.children(c, at)
		if at.number > 0 {
			at.number++
		}
	}
}

func (r *markdownReader) lines(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(r.source))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (r *markdownReader) inlines(n ast.Node, style Run, depth int) []Run {
	var runs []Run
	said := "" // texts that follow each other are one
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			said += unmark(string(t.Value(r.source)))
			if t.SoftLineBreak() || t.HardLineBreak() {
				said += "\n"
			}
			continue
		}
		runs = append(append(runs, r.words(said, style)...), r.inline(c, style, depth)...)
		said = ""
	}
	return append(runs, r.words(said, style)...)
}

func (r *markdownReader) inline(n ast.Node, style Run, depth int) []Run {
	if depth > maxDepth {
		style.Text = string(n.Text(r.source)) //nolint:staticcheck // all that is left of what is too deep
		return []Run{style}
	}
	switch n := n.(type) {
	case *ast.String:
		return r.words(string(n.Value), style)
	case *ast.CodeSpan:
		style.Code = true
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			if t, ok := c.(*ast.Text); ok {
				style.Text += strings.ReplaceAll(string(t.Value(r.source)), "\n", " ")
			}
		}
		return []Run{style}
	case *ast.Emphasis:
		style.Bold = style.Bold || n.Level == 2
		style.Italic = style.Italic || n.Level == 1
	case *extast.Strikethrough:
		style.Strike = true
	case *ast.AutoLink:
		style.URL, style.Text = string(n.URL(r.source)), string(n.Label(r.source))
		if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(style.URL, "mailto:") {
			style.URL = "mailto:" + style.URL
		}
		if to := r.leads(style.URL); to != style.URL {
			style.URL, style.Text = to, to
		}
		return []Run{style}
	case *ast.Link:
		style.URL = r.leads(unmark(string(n.Destination)))
	case *ast.Image:
		style.URL = unmark(string(n.Destination))
	}
	return r.inlines(n, style, depth+1)
}

// leads is where a link leads over there.
func (r *markdownReader) leads(url string) string {
	if r.mention.Link != nil {
		if to := r.mention.Link(url); to != "" {
			return to
		}
	}
	return url
}

// unmark takes the escapes out of a text: \* is *, &amp; is &.
func unmark(s string) string {
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && util.IsPunct(s[i+1]):
			i++
			b.WriteByte(s[i])
		case s[i] == '&':
			n := strings.IndexByte(s[i:min(len(s), i+40)], ';')
			if n < 0 {
				b.WriteByte('&')
				continue
			}
			b.WriteString(html.UnescapeString(s[i : i+n+1]))
			i += n
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// words finds mentions and custom emoji in a text.
func (r *markdownReader) words(s string, style Run) []Run {
	var runs []Run
	add := func(run Run) {
		if run.Text != "" || run.User != "" || run.Emoji != "" {
			runs = append(runs, run)
		}
	}
	if style.URL != "" && s != "" { // a link's text is only text
		style.Text = s
		return []Run{style}
	}
	start := 0
	for i := 0; i < len(s); {
		run, length := style, 0
		switch {
		case s[i] == '@' && r.mention.User != nil && (i == 0 || !isWord(rune(s[i-1]))):
			if id, n := r.mention.User(s[i+1:]); n > 0 {
				run.User, length = id, n+1
			}
		case s[i] == ':' && r.mention.Emoji != nil:
			if at, end, name := emojiIn(s[i:], r.mention.Emoji); end > 0 && at == 0 {
				run.Emoji, length = name, end
			}
		}
		if length == 0 {
			i++
			continue
		}
		before := style
		before.Text = s[start:i]
		add(before)
		add(run)
		i += length
		start = i
	}
	style.Text = s[start:]
	add(style)
	return runs
}
