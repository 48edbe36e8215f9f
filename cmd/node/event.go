package main

import (
	"fmt"
	"strings"
	"time"

	"hearth/node/room/roompb"
)

// eventLine is an event as scripts see it. The first six are always there.
type eventLine struct {
	Event  string `json:"event"`
	Room   string `json:"room"`
	Author string `json:"author"`
	Time   int64  `json:"time"` // milliseconds since 1970: when it came
	Kind   string `json:"kind"`
	Text   string `json:"text"`

	Pos      uint64     `json:"pos"`
	Ghost    string     `json:"ghost,omitempty"`   // who said it, beyond the bridge whose bot is the author
	Network  string     `json:"network,omitempty"` // the ghost's
	Sent     int64      `json:"sent,omitempty"`    // when the ghost said it, as the far network tells
	Bridge   string     `json:"bridge,omitempty"`  // join of a bridge's bot: what the room is joined to
	Target   string     `json:"target,omitempty"`  // edit, delete, react ...: the message it is about
	ReplyTo  string     `json:"reply_to,omitempty"`
	Thread   string     `json:"thread,omitempty"`
	Mentions []string   `json:"mentions,omitempty"`
	Emoji    string     `json:"emoji,omitempty"`
	Subject  string     `json:"subject,omitempty"`
	Role     string     `json:"role,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Edited   int64      `json:"edited,omitempty"`
	Deleted  bool       `json:"deleted,omitempty"`
	Files    []fileLine `json:"files,omitempty"`
	Voided   bool       `json:"voided,omitempty"` // an entry of the state log took it back; only its author sees it
}

func lineOf(room string, e *roompb.Event) eventLine {
	return eventLine{
		Event: e.Id, Room: room, Author: e.Author, Time: e.Time, Kind: e.Kind, Text: e.Text,
		Pos: e.Pos, Target: e.Target, ReplyTo: e.ReplyTo, Thread: e.Thread, Mentions: e.Mentions,
		Emoji: e.Emoji, Subject: e.Subject, Role: e.Role, Reason: e.Reason,
		Edited: e.Edited, Deleted: e.Deleted, Voided: e.Voided,
		Ghost: e.Ghost.GetName(), Network: e.Ghost.GetNetwork(), Sent: e.Sent, Bridge: e.Bridge, Files: fileLines(e.Files),
	}
}

// itemLine: an edit's line carries the text as it now is.
func itemLine(room string, item *roompb.Item) eventLine {
	l := lineOf(room, item.Event)
	if l.Kind == "edit" && l.Text == "" {
		l.Text = item.Target.GetText()
	}
	return l
}

// sentences say what an event does where it is not plain talk: author first, then
// subject, text, emoji, role (kinds use what they need by index).
var sentences = map[string]string{
	"emote":    "* %[1]s %[3]s",
	"edit":     "%[1]s changed a message to: %[3]s",
	"delete":   "%[1]s deleted a message",
	"react":    "%[1]s reacted %[4]s",
	"unreact":  "%[1]s took back %[4]s",
	"pin":      "%[1]s pinned a message",
	"unpin":    "%[1]s unpinned a message",
	"create":   "%[1]s made the room",
	"join":     "%[1]s joined",
	"leave":    "%[1]s left",
	"invite":   "%[1]s invited %[2]s",
	"kick":     "%[1]s removed %[2]s",
	"ban":      "%[1]s banned %[2]s",
	"unban":    "%[1]s lifted the ban of %[2]s",
	"role":     "%[1]s made %[2]s %[5]s",
	"settings": "%[1]s changed the room's settings",

	"nodeban":   "%[1]s banned the node %[2]s",
	"nodeunban": "%[1]s lifted the ban of the node %[2]s",
	"stewards":  "%[1]s changed which nodes order the room's rules: %[2]s",
}

func (l eventLine) String() string {
	format, known := sentences[l.Kind]
	if !known {
		format = "%[1]s: %[3]s"
	}
	if l.Bridge != "" {
		format = "%[1]s joined, as the bridge to " + strings.ReplaceAll(l.Bridge, "%", "%%")
	}
	if l.Deleted {
		format = "%[1]s: (deleted)"
	}
	if l.Voided {
		format += " (void: the room's rules did not allow it any more)"
	}
	text := fmt.Sprintf(format, l.who(), l.Subject, l.Text, l.Emoji, l.Role)
	for _, f := range l.Files {
		text += " " + f.String()
	}
	return l.at() + " " + printable(text)
}

// earlier is how long a message may be on its way before it is said that it was.
const earlier = 5 * time.Minute

// at is when it was said, and when it came here, should that be much later.
func (l eventLine) at() string {
	came := time.UnixMilli(l.Time)
	if l.Sent == 0 {
		return came.Format(time.DateTime)
	}
	said := time.UnixMilli(l.Sent)
	if came.Sub(said) > earlier {
		return said.Format(time.DateTime) + " (came " + came.Format(time.DateTime) + ")"
	}
	return said.Format(time.DateTime)
}

// who said it, as people see it.
func (l eventLine) who() string {
	if l.Ghost != "" {
		return l.Ghost + " (" + l.Network + ")"
	}
	return l.Author
}

// printable keeps a message from steering the reader's terminal.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' && c != '\t' || c >= 0x7f && c < 0xa0 {
			return '\ufffd'
		}
		return c
	}, s)
}
