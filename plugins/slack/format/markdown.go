package format

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// WriteMarkdown is the Markdown that shows blocks as they were over there: what is not meant as a mark
// is escaped.
func WriteMarkdown(blocks []Block) string {
	var b strings.Builder
	for i, block := range blocks {
		if i > 0 {
			b.WriteString(separator(blocks[i-1], block))
		}
		text := strings.TrimRight(blockText(block), "\n")
		if block.Quote {
			text = "> " + strings.ReplaceAll(text, "\n", "\n> ")
		}
		b.WriteString(text)
	}
	return strings.Trim(b.String(), "\n")
}

// separator keeps a block from being read as the end of the one before it.
func separator(before, after Block) string {
	switch {
	case before.Quote && after.Quote && before.Kind == Item && after.Kind == Item:
		return "\n"
	case before.Quote && after.Quote:
		return "\n> \n"
	case before.Quote != after.Quote || before.Kind != Item || after.Kind != Item:
		return "\n\n"
	}
	return "\n"
}

func blockText(block Block) string {
	switch block.Kind {
	case Code:
		return fenced(block)
	case Rule:
		return "---"
	case Heading:
		return strings.Repeat("#", min(max(block.Level, 1), 6)) + " " + strings.ReplaceAll(inline(block.Runs), "\n", " ")
	case Item:
		mark := "- "
		if block.Number > 0 {
			mark = strconv.Itoa(block.Number) + ". "
		}
		pad := strings.Repeat("    ", block.Level)
		return pad + mark + strings.ReplaceAll(inline(block.Runs), "\n", "\n"+pad+strings.Repeat(" ", len(mark)))
	}
	return inline(block.Runs)
}

func fenced(block Block) string {
	text := ""
	for _, run := range block.Runs {
		text += run.Text
	}
	fence := strings.Repeat("`", max(3, longest(text, '`')+1))
	lang := block.Lang
	if strings.ContainsAny(lang, "` \n\t\\&") {
		lang = ""
	}
	return fence + lang + "\n" + strings.TrimSuffix(text, "\n") + "\n" + fence
}

// longest is the length of the longest row of c in s.
func longest(s string, c byte) int {
	most, row := 0, 0
	for i := range len(s) {
		if s[i] == c {
			row++
			most = max(most, row)
		} else {
			row = 0
		}
	}
	return most
}

func inline(runs []Run) string {
	var b strings.Builder
	runs = joined(runs)
	for i, run := range runs {
		next := rune(0)
		if i+1 < len(runs) {
			next, _ = utf8.DecodeRuneInString(runs[i+1].Text)
		}
		b.WriteString(styled(run, b.String(), next))
	}
	return lineStarts(b.String())
}

// joined puts neighbours of one style together.
func joined(runs []Run) []Run {
	var out []Run
	for _, run := range runs {
		if n := len(out); n > 0 && out[n-1].style() == run.style() {
			out[n-1].Text += run.Text
		} else if run.Text != "" || run.URL != "" {
			out = append(out, run)
		}
	}
	return out
}

// styled writes a run between before and next, with its marks around its text, and its spaces outside: "** a**"
// is no bold. Where Markdown has no way to write a style, the text goes without: **!**x is no bold either.
func styled(run Run, before string, next rune) string {
	inner := strings.TrimFunc(run.Text, unicode.IsSpace)
	if inner == "" && !followed(run.URL) {
		return run.Text
	}
	left, right, _ := strings.Cut(run.Text, inner)
	core := literal(inner)
	if run.Code {
		core = codeSpan(inner)
	}
	if run.URL != "" {
		core = link(run.URL, inner, core)
	}
	last, _ := utf8.DecodeLastRuneInString(before + left)
	if right != "" {
		next = ' '
	}
	if marks := marksOf(run); flanks(last, core, next) && (marks == "" || last != rune(marks[0])) {
		return left + marks + core + reversed(marks) + right
	}
	if last == '`' && strings.HasPrefix(core, "`") {
		core = "\u200B" + core
	}
	return left + core + right
}

func marksOf(run Run) (marks string) {
	for _, mark := range []struct {
		on   bool
		text string
	}{{run.Bold, "**"}, {run.Italic, "*"}, {run.Strike, "~~"}} {
		if mark.on {
			marks += mark.text
		}
	}
	return marks
}

// flanks tells whether marks around core open and close (CommonMark 6.2): next to punctuation within, there must
// be a space or punctuation without.
func flanks(before rune, core string, next rune) bool {
	first, _ := utf8.DecodeRuneInString(core)
	last, _ := utf8.DecodeLastRuneInString(core)
	tilde := core != "" && core[0] == '\\' && strings.HasPrefix(core[1:], "~") || last == '~'
	return !tilde && (!isMark(first) || apart(before)) && (!isMark(last) || apart(next))
}

func isMark(c rune) bool { return unicode.IsPunct(c) || unicode.IsSymbol(c) }

// apart tells whether c is no part of a word; the line's beginning and end are none.
func apart(c rune) bool {
	return c == 0 || c == utf8.RuneError || unicode.IsSpace(c) || isMark(c)
}

func reversed(marks string) string {
	switch marks {
	case "***~~":
		return "~~***"
	case "**~~":
		return "~~**"
	case "*~~":
		return "~~*"
	}
	return marks
}

func codeSpan(text string) string {
	text = strings.ReplaceAll(text, "\n", " ")
	tick := strings.Repeat("`", longest(text, '`')+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return tick + text + tick
}

// link writes a link that people may follow; anything but the web and mail is only its text.
func link(url, text, core string) string {
	if !followed(url) {
		return core
	}
	if text == "" || text == url || "mailto:"+text == url {
		if plainURL(url) {
			return "<" + strings.TrimPrefix(url, "mailto:") + ">"
		}
		core = literal(strings.TrimPrefix(url, "mailto:"))
	}
	url = strings.NewReplacer(" ", "%20", "<", "%3C", ">", "%3E", `\`, "%5C", "\n", "%0A", "&", "\\&").Replace(url)
	return "[" + strings.ReplaceAll(core, "\n", " ") + "](<" + url + ">)"
}

// followed tells whether a link may be made of url.
func followed(url string) bool {
	lower := strings.ToLower(url)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") || strings.HasPrefix(lower, "mailto:")
}

func plainURL(url string) bool {
	return !strings.ContainsFunc(url, func(c rune) bool { return c <= ' ' || c == '<' || c == '>' || c == '\\' || c == 0x7F }) &&
		(!strings.HasPrefix(url, "mailto:") || strings.Contains(url, "@"))
}

// literal escapes what Markdown would take for a mark.
func literal(text string) string {
	var b strings.Builder
	for i, c := range text {
		switch c {
		case '\\', '`', '*', '~', '[', ']', '<':
			b.WriteByte('\\')
		case '_':
			if !within(text, i) {
				b.WriteByte('\\')
			}
		case '&':
			if i+1 < len(text) && (text[i+1] == '#' || isWord(rune(text[i+1]))) {
				b.WriteByte('\\')
			}
		case '\r', 0:
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// within tells whether the byte at i stands between two letters or digits, where _ is no mark.
func within(text string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, _ := utf8.DecodeRuneInString(text[i+1:])
	return isWord(before) && isWord(after)
}

func isWord(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }

// lineStarts escapes what would make a heading, a quote, a list, a rule or code of a line.
func lineStarts(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		body := strings.TrimLeft(line, " \t")
		if pad := len(line) - len(body); pad > 0 {
			body = strings.Repeat("\u00A0", pad) + body
			lines[i] = body
			continue
		}
		if body == "" {
			continue
		}
		digits := len(body) - len(strings.TrimLeft(body, "0123456789"))
		after := strings.TrimLeft(body, "#")
		switch {
		case body[0] == '#' && after != "" && after[0] != ' ' && after[0] != '\t': // #channel is no heading
		case strings.IndexByte("#>-+=", body[0]) >= 0:
			lines[i] = `\` + body
		case digits > 0 && digits < 10 && len(body) > digits && (body[digits] == '.' || body[digits] == ')'):
			lines[i] = body[:digits] + `\` + body[digits:]
		}
	}
	return strings.Join(lines, "\n")
}
