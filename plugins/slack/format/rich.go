package format

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// node is any piece of Slack's blocks: of the fields each kind has its own few.
type node struct {
	Type      string          `json:"type"`
	Text      json.RawMessage `json:"text"` // a string, or an object with one
	Elements  []node          `json:"elements"`
	Fields    []node          `json:"fields"`
	Style     json.RawMessage `json:"style"` // of a list a word, of text an object
	URL       string          `json:"url"`
	Name      string          `json:"name"`
	Unicode   string          `json:"unicode"`
	SkinTone  int             `json:"skin_tone"`
	UserID    string          `json:"user_id"`
	ChannelID string          `json:"channel_id"`
	GroupID   string          `json:"usergroup_id"`
	Range     string          `json:"range"`
	Fallback  string          `json:"fallback"`
	Value     string          `json:"value"`
	Timestamp int64           `json:"timestamp"`
	Indent    int             `json:"indent"`
	Offset    int             `json:"offset"`
	Border    int             `json:"border"`
	Language  string          `json:"language"`
	Title     json.RawMessage `json:"title"`
	AltText   string          `json:"alt_text"`
	ImageURL  string          `json:"image_url"`
	TitleLink string          `json:"title_link"`
}

// string is the node's text, whichever way it is written.
func (n node) string() string { return stringOf(n.Text) }

func stringOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var object struct {
		Text string `json:"text"`
	}
	json.Unmarshal(raw, &object)
	return object.Text
}

// ReadRich reads the blocks of a message. ok is false when there is nothing in them that it
// knows: then the message's text says it.
func ReadRich(raw []byte, names Names) (blocks []Block, ok bool) {
	var pieces []json.RawMessage
	if json.Unmarshal(raw, &pieces) != nil {
		return nil, false
	}
	r := richReader{names: names}
	for _, piece := range pieces {
		var n node
		if json.Unmarshal(piece, &n) != nil {
			continue // one that is written otherwise than we know hides no other
		}
		if read, known := topBlocks[n.Type]; known {
			read(&r, n)
			ok = true
		}
	}
	return r.blocks, ok && len(r.blocks) > 0
}

type richReader struct {
	names  Names
	blocks []Block
}

var topBlocks = map[string]func(*richReader, node){
	"rich_text": func(r *richReader, n node) { r.rich(n.Elements) },
	"section":   (*richReader).section,
	"context":   func(r *richReader, n node) { r.context(n.Elements) },
	"header":    func(r *richReader, n node) { r.add(Block{Kind: Heading, Level: 3, Runs: text(withEmoji(n.string()))}) },
	"divider":   func(r *richReader, n node) { r.add(Block{Kind: Rule}) },
	"markdown":  func(r *richReader, n node) { r.blocks = append(r.blocks, ReadMarkdown(n.string(), Mention{})...) },
	"image":     (*richReader).image,
	"video":     func(r *richReader, n node) { r.add(Block{Runs: []Run{{Text: stringOf(n.Title), URL: n.TitleLink}}}) },
}

func text(s string) []Run { return []Run{{Text: s}} }

func (r *richReader) add(b Block) { r.blocks = append(r.blocks, b) }

func (r *richReader) section(n node) {
	r.mrkdwn(n.Text)
	for _, field := range n.Fields {
		r.mrkdwn(field.Text)
	}
}

// mrkdwn reads a text object: {"type":"mrkdwn","text":...} or {"type":"plain_text",...}. (A field of a
// section is such an object itself, and its text a plain string.)
func (r *richReader) mrkdwn(raw json.RawMessage) {
	if s := stringOf(raw); s != "" {
		r.blocks = append(r.blocks, ReadMrkdwn(s, r.names)...)
	}
}

func (r *richReader) context(elements []node) {
	var runs []Run
	for _, e := range elements {
		if e.Type == "image" {
			continue
		}
		for _, b := range ReadMrkdwn(e.string(), r.names) {
			if len(runs) > 0 {
				runs = append(runs, Run{Text: " "})
			}
			runs = append(runs, b.Runs...)
		}
	}
	if len(runs) > 0 {
		r.add(Block{Runs: runs})
	}
}

func (r *richReader) image(n node) {
	title := stringOf(n.Title)
	if title == "" {
		title = n.AltText
	}
	r.add(Block{Runs: []Run{{Text: title, URL: n.ImageURL}}})
}

func (r *richReader) rich(elements []node) {
	for _, e := range elements {
		switch e.Type {
		case "rich_text_section":
			if runs := trimmed(r.runs(e.Elements)); len(runs) > 0 {
				r.add(Block{Runs: runs})
			}
		case "rich_text_quote":
			r.add(Block{Quote: true, Runs: trimmed(r.runs(e.Elements))})
		case "rich_text_preformatted":
			r.add(Block{Kind: Code, Quote: e.Border > 0, Lang: e.Language, Runs: []Run{{Text: plain(r.runs(e.Elements))}}})
		case "rich_text_list":
			r.list(e)
		}
	}
}

// list reads one list of one depth. Slack writes a nested list as lists that follow each other.
func (r *richReader) list(n node) {
	level := 0
	if i := len(r.blocks) - 1; i >= 0 && r.blocks[i].Kind == Item {
		level = min(max(n.Indent, 0), r.blocks[i].Level+1, maxDepth)
	}
	for i, e := range n.Elements {
		block := Block{Kind: Item, Level: level, Quote: n.Border > 0, Runs: trimmed(r.runs(e.Elements))}
		if stringOf(n.Style) == "ordered" {
			block.Number = min(max(n.Offset, 0), 1_000_000) + i + 1
		}
		r.add(block)
	}
}

// trimmed is runs without the line breaks that Slack writes before a list or code.
func trimmed(runs []Run) []Run {
	for len(runs) > 0 {
		last := &runs[len(runs)-1]
		if last.URL != "" {
			break
		}
		if last.Text = strings.TrimRight(last.Text, "\n"); last.Text != "" {
			break
		}
		runs = runs[:len(runs)-1]
	}
	for len(runs) > 0 && runs[0].URL == "" {
		if runs[0].Text = strings.TrimLeft(runs[0].Text, "\n"); runs[0].Text != "" {
			break
		}
		runs = runs[1:]
	}
	return runs
}

func plain(runs []Run) string {
	var b strings.Builder
	for _, run := range runs {
		if run.Text == "" {
			run.Text = run.URL
		}
		b.WriteString(run.Text)
	}
	return b.String()
}

func (r *richReader) runs(elements []node) []Run {
	var runs []Run
	for _, e := range elements {
		run := r.run(e)
		var style struct{ Bold, Italic, Strike, Code bool }
		if e.Style != nil && json.Unmarshal(e.Style, &style) == nil {
			run.Bold, run.Italic, run.Strike, run.Code = style.Bold, style.Italic, style.Strike, style.Code
		}
		runs = append(runs, run)
	}
	return runs
}

func (r *richReader) run(e node) Run {
	switch e.Type {
	case "text", "tag":
		return Run{Text: e.string()}
	case "link", "file", "attachment_mention", "message_mention", "list_record":
		return linkRun(e.URL, e.string(), r.names)
	case "user", "canvas_user_mention":
		return Run{Text: userName(e.UserID, r.names)}
	case "usergroup":
		return Run{Text: groupName(e.GroupID, "", r.names)}
	case "channel":
		return Run{Text: channelName(e.ChannelID, "", r.names)}
	case "broadcast":
		return Run{Text: afterAt + e.Range}
	case "emoji":
		return Run{Text: emojiText(e)}
	case "date":
		return Run{Text: dateText(e)}
	case "color":
		return Run{Text: e.Value}
	}
	return Run{Text: e.string(), URL: e.URL}
}

// linkRun is a link; one to a message that we have leads there.
func linkRun(url, text string, names Names) Run {
	if over := names.Message(url); over != "" {
		if text == url {
			text = ""
		}
		url = over
	}
	if !followed(url) && text == "" {
		text = url
	}
	return Run{Text: text, URL: url}
}

func userName(id string, names Names) string {
	if name := names.User(id); name != "" {
		return afterAt + name
	}
	return afterAt + "somebody"
}

func groupName(id, label string, names Names) string {
	if name := names.Group(id); name != "" {
		return afterAt + name
	}
	if label != "" {
		return afterAt + strings.TrimPrefix(label, "@")
	}
	return afterAt + "group"
}

func channelName(id, label string, names Names) string {
	if name := names.Channel(id); name != "" {
		return "#" + name
	}
	if label != "" {
		return "#" + strings.TrimPrefix(label, "#")
	}
	return "#private-channel"
}

// emojiText is the emoji itself: Slack says which characters it is of, as "1f44d-1f3fd".
func emojiText(e node) string {
	if e.Unicode == "" {
		name := e.Name
		if e.SkinTone > 1 {
			name += "::skin-tone-" + strconv.Itoa(e.SkinTone)
		}
		return Emoji(name)
	}
	if emoji := Emoji(e.Name); emoji[0] != ':' && e.SkinTone == 0 && !strings.Contains(e.Unicode, "-1f3f") {
		return emoji
	}
	var b strings.Builder
	for hex := range strings.SplitSeq(e.Unicode, "-") {
		c, err := strconv.ParseUint(hex, 16, 21)
		if err != nil {
			return Emoji(e.Name)
		}
		b.WriteRune(rune(c))
	}
	return b.String()
}

func dateText(e node) string {
	if e.Fallback != "" {
		return e.Fallback
	}
	return dateOf(e.Timestamp)
}

func dateOf(unix int64) string {
	return time.Unix(unix, 0).UTC().Format("2006-01-02 15:04 MST")
}
