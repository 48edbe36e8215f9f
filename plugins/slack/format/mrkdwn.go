package format

import (
	"strconv"
	"strings"
)

// ReadMrkdwn reads a text with Slack's marks: *bold* _italic_ ~strike~ `code`, ``` of code, > of quotes,
// and <...> of links and mentions. &, < and > that are meant are written &amp; &lt; &gt;.
func ReadMrkdwn(source string, names Names) []Block {
	r := mrkdwnReader{names: names}
	for source != "" {
		before, rest, found := strings.Cut(source, "```")
		code, after, closed := strings.Cut(rest, "```")
		if !found || !closed {
			r.prose(source)
			break
		}
		r.prose(before)
		r.blocks = append(r.blocks, Block{Kind: Code, Runs: text(r.unmarked(strings.Trim(code, "\n")))})
		source = after
	}
	return r.blocks
}

type mrkdwnReader struct {
	names  Names
	blocks []Block
}

func (r *mrkdwnReader) prose(source string) {
	var lines []string
	quote := false
	flush := func() {
		joined := strings.Trim(strings.Join(lines, "\n"), "\n")
		if joined != "" {
			r.blocks = append(r.blocks, Block{Quote: quote, Runs: r.inline(joined, Run{}, 0)})
		}
		lines = nil
	}
	for line := range strings.SplitSeq(source, "\n") {
		body, quoted := strings.CutPrefix(line, "&gt;")
		if quoted != quote {
			flush()
			quote = quoted
		}
		lines = append(lines, strings.TrimPrefix(body, " "))
		if !quoted {
			lines[len(lines)-1] = line
		}
	}
	flush()
}

// unmarked is code: no marks in it, but links are still in brackets.
func (r *mrkdwnReader) unmarked(source string) string {
	var b strings.Builder
	for source != "" {
		before, rest, found := strings.Cut(source, "<")
		b.WriteString(unescape(before))
		if !found {
			break
		}
		inside, after, closed := strings.Cut(rest, ">")
		if !closed {
			b.WriteString("<" + unescape(rest))
			break
		}
		run := r.reference(inside)
		if run.Text == "" {
			run.Text = run.URL
		}
		b.WriteString(run.Text)
		source = after
	}
	return b.String()
}

func (r *mrkdwnReader) inline(s string, style Run, depth int) []Run {
	var runs []Run
	add := func(text string) {
		if text != "" {
			run := style
			run.Text = withEmoji(unescape(text))
			runs = append(runs, run)
		}
	}
	start := 0
	for i := 0; i < len(s); {
		span, end := "", 0
		switch s[i] {
		case '<':
			if n := strings.IndexByte(s[i:], '>'); n > 0 {
				add(s[start:i])
				run := r.reference(s[i+1 : i+n])
				run.Bold, run.Italic, run.Strike = style.Bold, style.Italic, style.Strike
				runs = append(runs, run)
				i += n + 1
				start = i
				continue
			}
		case '`', '*', '_', '~':
			span, end = markedAt(s, i)
		}
		if end == 0 {
			i++
			continue
		}
		add(s[start:i])
		inner := style
		switch s[i] {
		case '`':
			inner.Code, inner.Text = true, r.unmarked(span)
			runs = append(runs, inner)
		case '*':
			inner.Bold = true
		case '_':
			inner.Italic = true
		case '~':
			inner.Strike = true
		}
		if s[i] != '`' {
			if depth < maxDepth {
				runs = append(runs, r.inline(span, inner, depth+1)...)
			} else {
				inner.Text = r.unmarked(span)
				runs = append(runs, inner)
			}
		}
		i, start = end, end
	}
	add(s[start:])
	return runs
}

// maxSpan is how far from a mark its fellow is looked for: a text of marks alone must not take for ever.
const maxSpan = 4000

// markedAt is what stands between the mark at i and its fellow on the same line: a mark opens at a word's
// beginning and closes at a word's end. end is behind the fellow, 0 if there is none.
func markedAt(s string, i int) (span string, end int) {
	mark := s[i]
	if i > 0 && mark != '`' && (isWord(rune(s[i-1])) || s[i-1] >= 0x80) || i+1 >= len(s) || s[i+1] == ' ' || s[i+1] == mark {
		return "", 0
	}
	line := min(len(s), i+maxSpan)
	if n := strings.IndexByte(s[i:line], '\n'); n >= 0 {
		line = i + n
	}
	for j := i + 2; j < line; j++ {
		if s[j] == '<' { // a reference's own characters are no marks
			if n := strings.IndexByte(s[j:line], '>'); n > 0 && mark != '`' {
				j += n
				continue
			}
		}
		if s[j] != mark || s[j-1] == ' ' && mark != '`' {
			continue
		}
		if mark == '`' || j+1 >= len(s) || !isWord(rune(s[j+1])) && s[j+1] < 0x80 {
			return s[i+1 : j], j + 1
		}
	}
	return "", 0
}

// reference reads what stands in <...>: @U1|name #C1|name !here !subteam^S1|@name !date^... or an address.
func (r *mrkdwnReader) reference(inside string) Run {
	target, label, _ := strings.Cut(inside, "|")
	label = unescape(label)
	switch {
	case strings.HasPrefix(target, "@"):
		if name := r.names.User(target[1:]); name != "" || label == "" {
			return Run{Text: userName(target[1:], r.names)}
		}
		return Run{Text: afterAt + strings.TrimPrefix(label, "@")}
	case strings.HasPrefix(target, "#"):
		return Run{Text: channelName(target[1:], label, r.names)}
	case strings.HasPrefix(target, "!subteam^"):
		return Run{Text: groupName(strings.TrimPrefix(target, "!subteam^"), label, r.names)}
	case strings.HasPrefix(target, "!date^"):
		return Run{Text: mrkdwnDate(target, label)}
	case strings.HasPrefix(target, "!"):
		name, _, _ := strings.Cut(target[1:], "^")
		return Run{Text: afterAt + name}
	}
	return linkRun(unescape(target), label, r.names)
}

// mrkdwnDate is <!date^1392734382^{date} at {time}^link|fallback>.
func mrkdwnDate(target, fallback string) string {
	if fallback != "" {
		return fallback
	}
	fields := strings.Split(target, "^")
	unix, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return ""
	}
	return dateOf(unix)
}

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

func unescape(s string) string { return unescaper.Replace(s) }

// Escape writes s so that Slack reads it as it is: no link, no mention, no @channel.
func Escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
