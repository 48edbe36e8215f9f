package format

import (
	"strconv"
	"strings"

	"github.com/slack-go/slack"
)

// MaxPiece is how many characters of text one message of ours has. Slack takes 4,000 in chat.update, and
// about 9,500 in the blocks of one message (slackapi/bolt-js#2867); the marks need room as well.
const MaxPiece = 3000

// Rich writes blocks as one rich_text block. Everything in it is an element of its own kind: a text is
// never a mention, and there is no element that calls a whole channel.
func Rich(blocks []Block) *slack.RichTextBlock {
	rich := slack.NewRichTextBlock("")
	for i := 0; i < len(blocks); i++ {
		block := blocks[i]
		if block.Kind == Item {
			n := sameList(blocks[i:])
			rich.Elements = append(rich.Elements, list(blocks[i:i+n]))
			i += n - 1
			continue
		}
		rich.Elements = append(rich.Elements, element(block, i > 0 && gap(blocks[i-1], block)))
	}
	return rich
}

// gap tells whether two paragraphs follow each other: sections of Slack's have no space between them.
func gap(before, after Block) bool {
	prose := func(b Block) bool { return !b.Quote && (b.Kind == Paragraph || b.Kind == Heading || b.Kind == Rule) }
	return prose(before) && prose(after)
}

func element(block Block, gap bool) slack.RichTextElement {
	runs := block.Runs
	switch {
	case block.Kind == Code:
		pre := &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: elements([]Run{{Text: orSpace(plain(runs))}})}
		if block.Quote {
			pre.Border = 1
		}
		return pre
	case block.Kind == Rule:
		runs = text("———")
	case block.Kind == Heading:
		runs = bold(runs)
	}
	if gap {
		runs = append(text("\n"), runs...)
	}
	if block.Quote {
		return &slack.RichTextQuote{Type: slack.RTEQuote, Elements: elements(runs)}
	}
	return slack.NewRichTextSection(elements(runs)...)
}

func bold(runs []Run) []Run {
	out := append([]Run(nil), runs...)
	for i := range out {
		out[i].Bold = true
	}
	return out
}

// sameList is how many blocks at the beginning are one list of Slack's: of one depth and style, numbered
// without a hole.
func sameList(blocks []Block) int {
	n := 1
	for n < len(blocks) {
		a, b := blocks[n-1], blocks[n]
		if b.Kind != Item || a.Level != b.Level || a.Quote != b.Quote || (a.Number > 0) != (b.Number > 0) ||
			b.Number > 0 && b.Number != a.Number+1 {
			break
		}
		n++
	}
	return n
}

func list(items []Block) *slack.RichTextList {
	style := slack.RTEListBullet
	if items[0].Number > 0 {
		style = slack.RTEListOrdered
	}
	out := slack.NewRichTextList(style, min(items[0].Level, 8))
	if items[0].Number > 1 {
		out.Offset = items[0].Number - 1
	}
	if items[0].Quote {
		out.Border = 1
	}
	for _, item := range items {
		out.Elements = append(out.Elements, slack.NewRichTextSection(elements(item.Runs)...))
	}
	return out
}

func elements(runs []Run) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	for _, run := range runs {
		style := &slack.RichTextSectionTextStyle{Bold: run.Bold, Italic: run.Italic, Strike: run.Strike, Code: run.Code}
		if *style == (slack.RichTextSectionTextStyle{}) {
			style = nil
		}
		switch {
		case run.User != "":
			out = append(out, slack.NewRichTextSectionUserElement(run.User, nil))
		case run.Emoji != "":
			name, tone, _ := strings.Cut(run.Emoji, "::skin-tone-")
			n, _ := strconv.Atoi(tone)
			out = append(out, slack.NewRichTextSectionEmojiElement(name, n, nil))
		case followed(run.URL):
			out = append(out, slack.NewRichTextSectionLinkElement(run.URL, run.Text, style))
		case run.Text != "":
			out = append(out, slack.NewRichTextSectionTextElement(run.Text, style))
		}
	}
	if len(out) == 0 { // Slack refuses a section without elements
		out = append(out, slack.NewRichTextSectionTextElement(" ", nil))
	}
	return out
}

func orSpace(s string) string {
	if s == "" {
		return " "
	}
	return s
}

// Plain writes blocks as the text that notifications show, escaped: no mark and no mention is in it.
func Plain(blocks []Block) string {
	var b strings.Builder
	for i, block := range blocks {
		if i > 0 {
			b.WriteByte('\n')
		}
		switch {
		case block.Kind == Rule:
			b.WriteString("———")
		case block.Kind == Item && block.Number > 0:
			b.WriteString(strconv.Itoa(block.Number) + ". ")
		case block.Kind == Item:
			b.WriteString("• ")
		}
		for _, run := range block.Runs {
			switch {
			case run.User != "":
				b.WriteString("<@" + run.User + ">")
			case run.Emoji != "":
				b.WriteString(":" + run.Emoji + ":")
			case run.Text == "":
				b.WriteString(Escape(run.URL))
			default:
				b.WriteString(Escape(run.Text))
			}
		}
	}
	return b.String()
}

// Split cuts blocks into pieces of at most limit characters: between blocks where it can, else
// between lines or words, and never within a character that has several code points joined.
func Split(blocks []Block, limit int) [][]Block {
	var pieces [][]Block
	var piece []Block
	size := 0
	for len(blocks) > 0 {
		block := blocks[0]
		blocks = blocks[1:]
		n := runes(block)
		if size+n <= limit {
			piece, size = append(piece, block), size+n
			continue
		}
		if room := limit - size; n > limit && room > limit/4 {
			head, tail := cut(block, room)
			piece = append(piece, head)
			block = tail
		}
		if len(piece) > 0 {
			pieces = append(pieces, piece)
		}
		piece, size = nil, 0
		blocks = append([]Block{block}, blocks...)
	}
	if len(piece) > 0 {
		pieces = append(pieces, piece)
	}
	return pieces
}

// runes is how much of a piece a block takes; names and marks count as well.
func runes(block Block) int {
	n := 2
	for _, run := range block.Runs {
		n += len([]rune(run.Text)) + len(run.URL) + len(run.User) + len(run.Emoji) + 1
	}
	return n
}

// cut divides a block so that the first part has at most room characters, and at least one run or character.
func cut(block Block, room int) (head, tail Block) {
	head, tail = block, block
	head.Runs, tail.Runs = nil, nil
	used := 2
	for i, run := range block.Runs {
		fixed := len(run.URL) + len(run.User) + len(run.Emoji) + 1
		text := []rune(run.Text)
		if used+fixed+len(text) <= room {
			head.Runs = append(head.Runs, run)
			used += fixed + len(text)
			continue
		}
		if at := cutAt(text, room-used-fixed); at > 0 {
			first := run
			first.Text = string(text[:at])
			head.Runs = append(head.Runs, first)
			run.Text = string(text[at:])
		} else if len(head.Runs) == 0 { // an address that is longer than a message: only its text goes
			run.URL = ""
		}
		tail.Runs = append([]Run{run}, block.Runs[i+1:]...)
		break
	}
	if tail.Kind == Item {
		tail.Kind = Paragraph
	}
	return head, tail
}

// cutAt is where to cut text so that at most n runes are before it: behind a line, a word, or a character.
func cutAt(text []rune, n int) int {
	if n >= len(text) {
		return len(text)
	}
	if n <= 0 {
		return 0
	}
	for _, end := range []rune{'\n', ' '} {
		for i := n; i > n*2/3; i-- {
			if text[i-1] == end {
				return i
			}
		}
	}
	for i := n; i > max(0, n-40); i-- {
		if !joins(text[i]) && text[i-1] != 0x200D {
			return i
		}
	}
	return n
}

// joins tells whether c belongs to the character before it.
func joins(c rune) bool {
	return c == 0x200D || c >= 0xFE00 && c <= 0xFE0F || c >= 0x1F3FB && c <= 0x1F3FF || c >= 0x0300 && c <= 0x036F || c >= 0x20D0 && c <= 0x20FF
}
