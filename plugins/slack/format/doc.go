// Package format turns what Slack writes into Markdown, and Markdown into what Slack reads.
//
// Slack has two ways of writing a message: rich_text blocks, a tree in JSON, which is what people's
// own messages have; and mrkdwn, marks within a string, which is what most programs write. Both are
// read into Blocks, and Blocks are written as Markdown. Markdown (CommonMark with strikethrough) is read
// into Blocks too, and written as one rich_text block, in which text is only text: nothing that somebody
// writes in a room can become @channel, and no mark has to be escaped. (docs.slack.dev, "Formatting
// message text", "Rich text block")
package format

// Kind is what a Block is.
type Kind int

const (
	Paragraph Kind = iota
	Heading        // of Level 1 to 6
	Item           // of a list, at depth Level, numbered when Number is above 0
	Code           // Runs[0].Text is the whole text, Lang its language
	Rule
)

// Block is a piece of a message that has its own lines.
type Block struct {
	Kind   Kind
	Quote  bool // stands in a quote
	Level  int
	Number int
	Lang   string
	Runs   []Run
}

// Run is text in one style.
type Run struct {
	Text   string
	Bold   bool
	Italic bool
	Strike bool
	Code   bool
	URL    string // where it leads
	User   string // to Slack: the user whom it names
	Emoji  string // to Slack: the name of a custom emoji
}

func (r Run) style() Run {
	return Run{Bold: r.Bold, Italic: r.Italic, Strike: r.Strike, Code: r.Code, URL: r.URL}
}

// Names is what ids of the workspace are called; "" where that is not known.
type Names interface {
	User(id string) string
	Channel(id string) string
	Group(id string) string
	// Message is where a link to a Slack message leads over here, "" if nowhere.
	Message(url string) string
}

// maxDepth is how deep quotes, lists and styles nest; what lies deeper is flattened.
const maxDepth = 16

// afterAt keeps a name that somebody else chose from being a mention over here: the node reads
// @alice as a user of its own. It is a word joiner: nobody sees it.
const afterAt = "@\u2060"
