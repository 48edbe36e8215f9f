package relay

import (
	"fmt"
	"slices"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/format"
	"hearth/plugins/slack/web"
)

// maxText is how much of a message the node takes as text; the whole of a longer one goes as a file.
const maxText = 60_000

// handle does what an event of the channel asks for.
func (c *channel) handle(e *event) error {
	switch e.kind {
	case "message":
		return c.message(web.ReadMessage(e.Raw))
	case "reaction_added", "reaction_removed":
		return c.reaction(e)
	case "pin_added", "pin_removed":
		return c.pin(e)
	}
	return nil
}

// silent are the subtypes of messages that are none: they only say what events say as well, or nothing that
// concerns a room.
var silent = map[string]bool{
	"channel_join": true, "channel_leave": true, "group_join": true, "group_leave": true, "bot_add": true, "bot_remove": true,
	"bot_enable": true, "bot_disable": true, "message_replied": true, "ekm_access_denied": true, "tombstone": true,
	"channel_archive": true, "channel_unarchive": true, "group_archive": true, "group_unarchive": true, "channel_posting_permissions": true,
	"pinned_item": true, "unpinned_item": true, "reply_broadcast": true, "channel_convert_to_private": true, "channel_convert_to_public": true,
	"channel_canvas_updated": true, "assistant_app_thread": true, "joiner_notification": true, "reminder_add": true,
}

// message does what a message event asks for.
func (c *channel) message(m *web.Message) error {
	switch {
	case m.Subtype == "message_changed" && m.Message != nil:
		return c.change(m)
	case m.Subtype == "message_deleted":
		return c.remove(m)
	case c.isOwn(m):
		c.own.note(m)
		return nil
	case m.Hidden || m.Ephemeral || silent[m.Subtype]:
		return nil
	case c.seen.have[m.TS]:
		c.count("duplicate", "", 1)
		return nil
	}
	return c.say(m)
}

// isOwn tells whether the bridge said it: by whom Slack names, by the ts that a post was answered with, and by the mark
// that it put on it, as Slack does not name the author of a reply that is shown in the channel too (slack-go/slack#792).
func (c *channel) isOwn(m *web.Message) bool {
	me := c.l.me
	if m.BotID != "" && m.BotID == me.BotID || m.User != "" && m.User == me.UserID || c.own.posted(m.TS) {
		return true
	}
	p, marked := metaOf(m)
	return marked && p.Node == c.l.h.Open().GetNode() && p.Bridge == c.l.h.Open().GetBridge()
}

// say posts a message.
func (c *channel) say(m *web.Message) error {
	switch {
	case silent[m.Subtype] || m.Hidden || m.Ephemeral || !web.IsTS(m.TS):
		return nil
	case topics[m.Subtype] != nil:
		if err := topics[m.Subtype](c, m); err != nil {
			return err
		}
		return c.settle(m, nil)
	case m.BotID != "" && !c.l.set.bots || c.l.isKnownBot(m):
		c.count("dropped", "known_bot", 1)
		return c.settle(m, nil)
	case isClaim(m.Text):
		if err := c.landed(); err != nil { // what was said before an unlink is in the room
			return err
		}
		if err := c.claimSaid(m); err != nil {
			return err
		}
		return c.settle(m, nil)
	}
	e, err := c.entry(m)
	if err != nil {
		return err
	}
	if e.Text == "" && len(e.Files) == 0 {
		c.count("dropped", "empty", 1)
		return c.settle(m, nil)
	}
	if err := c.parent(e.Thread + e.ReplyTo); err != nil {
		return err
	}
	wait, err := c.postAsync(e)
	if err != nil {
		return err
	}
	return c.settle(m, wait)
}

// settle notes that a message is on its way, so that it is found by what refers to it and does not go twice, and that it is
// done with once it was answered; wait is nil for one that was not posted.
func (c *channel) settle(m *web.Message, wait func() (*pb.Posted, error)) error {
	c.seen.add(m.TS)
	c.parents.add(m.TS)
	thread := m.ThreadTS
	c.inThread(m.TS, thread)
	if thread == m.TS {
		thread = ""
	}
	return c.then(func() error {
		if wait != nil {
			if _, err := wait(); err != nil {
				return err
			}
		}
		c.advance(m.TS, thread)
		return nil
	})
}

// entry is a message as the node takes it.
func (c *channel) entry(m *web.Message) (*pb.Entry, error) {
	e := &pb.Entry{Key: "m/" + m.TS, Kind: "text", Remote: m.TS, Ghost: c.l.people.author(c.ctx, m), Text: c.text(m), Time: web.Time(m.TS).UnixMilli(), Hops: hopsOf(m)}
	if m.Subtype == "me_message" {
		e.Kind = "emote"
	}
	switch {
	case m.Subtype == "thread_broadcast": // also said to all: it stands in the room, and names what it answers
		e.ReplyTo = m.ThreadTS
	case m.ThreadTS != "" && m.ThreadTS != m.TS:
		e.Thread = m.ThreadTS
	}
	if err := c.shorten(e); err != nil {
		return nil, err
	}
	files, err := c.files(m)
	e.Files = append(e.Files, files...)
	if len(e.Files) > maxFiles {
		for _, f := range e.Files[maxFiles:] {
			e.Text += "\n" + f.Name + " " + f.Url
		}
		e.Files = e.Files[:maxFiles]
	}
	return e, err
}

// maxFiles is how many files one message of a room has.
const maxFiles = 10

// shorten makes a file of a text that is longer than a message of a room may be.
func (c *channel) shorten(e *pb.Entry) error {
	if len(e.Text) <= maxText {
		return nil
	}
	handle, err := c.l.h.Store(c.ctx, &pb.Store{Name: "message.md", Type: "text/markdown", Size: uint64(len(e.Text))}, strings.NewReader(e.Text))
	if err != nil {
		return fmt.Errorf("store a long message: %w", err)
	}
	e.Files = append(e.Files, &pb.File{Handle: handle, Name: "message.md", Type: "text/markdown", Size: uint64(len(e.Text))})
	e.Text = strings.ToValidUTF8(e.Text[:2000], "") + " …"
	return nil
}

// text is what a message says, as Markdown. What Slack adds to links by itself is not part of it.
func (c *channel) text(m *web.Message) string {
	blocks, ok := format.ReadRich(m.Blocks, c.names())
	if !ok {
		blocks = format.ReadMrkdwn(m.Text, c.names())
	}
	if len(blocks) == 0 || m.BotID != "" {
		for _, a := range m.Attachments {
			if a.FromURL == "" {
				blocks = append(blocks, c.attached(a)...)
			}
		}
	}
	return format.WriteMarkdown(blocks)
}

func (c *channel) attached(a web.Attachment) []format.Block {
	if blocks, ok := format.ReadRich(a.Blocks, c.names()); ok {
		return blocks
	}
	var blocks []format.Block
	if a.Title != "" {
		blocks = append(blocks, format.Block{Quote: true, Runs: []format.Run{{Text: a.Title, URL: a.TitleLink, Bold: a.TitleLink == ""}}})
	}
	for _, s := range []string{a.Pretext, a.Text} {
		for _, b := range format.ReadMrkdwn(s, c.names()) {
			b.Quote = true
			blocks = append(blocks, b)
		}
	}
	if len(blocks) == 0 && a.Fallback != "" {
		blocks = format.ReadMrkdwn(a.Fallback, c.names())
	}
	return blocks
}

// parent posts the message that began a thread when it was never seen: once, for the replies to hang on.
func (c *channel) parent(thread string) error {
	if thread == "" || c.parents.have[thread] {
		return nil
	}
	page, err := c.l.web.Replies(c.ctx, web.Live, c.id(), thread, "", "", 1)
	if err != nil && web.Code(err) != "thread_not_found" && web.Code(err) != "message_not_found" {
		return c.trouble(err)
	}
	c.parents.add(thread)
	for _, m := range page.Messages {
		if m.TS != thread || c.isOwn(m) || silent[m.Subtype] || c.seen.have[thread] {
			continue
		}
		e, err := c.entry(m)
		if err != nil {
			return err
		}
		if e.Text == "" && len(e.Files) == 0 {
			continue
		}
		if _, err := c.post(e); err != nil {
			return err
		}
		c.seen.add(m.TS)
	}
	return nil
}

// change is an edit, or only what Slack does to a message by itself: unfurled links, a reply counted.
func (c *channel) change(e *web.Message) error {
	m, before := e.Message, e.Previous
	if c.isOwn(m) {
		return nil
	}
	if m.Subtype == "tombstone" || c.emptied(m) {
		return c.deleted(m.TS, before)
	}
	if before == nil && m.Edited == nil {
		return nil
	}
	if before != nil {
		if err := c.lateFiles(m, before); err != nil {
			return err
		}
		if c.text(m) == c.text(before) {
			return nil
		}
	}
	if err := c.overtaken(m); err != nil {
		return err
	}
	at := e.EventTS
	if m.Edited != nil && m.Edited.TS != "" {
		at = m.Edited.TS
	}
	if at == "" {
		at = e.TS
	}
	return c.edit(m, at)
}

// emptied tells whether a message was only files, and all were deleted.
func (c *channel) emptied(m *web.Message) bool {
	there := func(f web.File) bool { return f.Mode != "tombstone" }
	return len(m.Files) > 0 && !slices.ContainsFunc(m.Files, there) && c.text(m) == ""
}

// overtaken posts a message whose change came before itself, as when Slack has to send it again. The node
// knows it by its key if an earlier life has posted it.
func (c *channel) overtaken(m *web.Message) error {
	if c.seen.have[m.TS] || m.TS <= c.since() || time.Since(web.Time(m.TS)) > c.l.set.catchUp {
		return nil
	}
	return c.say(m)
}

// late is how long Slack may take to bring an event: it sends again after one minute and after five.
const late = 10 * time.Minute

// ensure posts the message ts, of the last minutes, when something is said about it and it has not come yet.
func (c *channel) ensure(ts string) error {
	if c.seen.have[ts] || c.own.posted(ts) || ts <= c.since() || time.Since(web.Time(ts)) > late {
		return nil
	}
	page, err := c.l.web.Replies(c.ctx, web.Live, c.id(), ts, "", "", 1)
	if err != nil && web.Code(err) != "thread_not_found" && web.Code(err) != "message_not_found" {
		return c.trouble(err)
	}
	for _, m := range page.Messages {
		if m.TS == ts && !c.isOwn(m) {
			return c.say(m)
		}
	}
	return nil
}

func (c *channel) since() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.Since
}

func (c *channel) edit(m *web.Message, at string) error {
	if c.seen.have[m.TS+"/"+at] {
		return nil
	}
	e := &pb.Entry{Key: "e/" + m.TS + "/" + at, Kind: "edit", Target: m.TS, Ghost: c.l.people.author(c.ctx, m), Text: c.text(m), Time: web.Time(at).UnixMilli(), Hops: hopsOf(m)}
	if e.Text == "" {
		return nil // its text was taken away and its files left: there is nothing to write
	}
	if len(e.Text) > maxText {
		e.Text = strings.ToValidUTF8(e.Text[:maxText], "") + " …"
	}
	c.seen.add(m.TS + "/" + at)
	return c.submit(e)
}

// lateFiles posts files that were added to a message after it was said.
func (c *channel) lateFiles(m, before *web.Message) error {
	added := *m
	added.Files = slices.DeleteFunc(slices.Clone(m.Files), func(f web.File) bool {
		return f.Mode == "tombstone" || slices.ContainsFunc(before.Files, func(b web.File) bool { return b.ID == f.ID })
	})
	if len(added.Files) == 0 {
		return nil
	}
	files, err := c.files(&added)
	if err != nil || len(files) == 0 {
		return err
	}
	_, err = c.post(&pb.Entry{Key: "f/" + m.TS + "/" + added.Files[0].ID, Kind: "text", ReplyTo: m.TS, Ghost: c.l.people.author(c.ctx, m), Files: files})
	return err
}

// remove is a deletion. One of ours is not undone in the room: what somebody said there is theirs.
func (c *channel) remove(e *web.Message) error {
	if c.own.posted(e.DeletedTS) || e.Previous != nil && c.isOwn(e.Previous) {
		return nil
	}
	return c.deleted(e.DeletedTS, e.Previous)
}

func (c *channel) deleted(ts string, before *web.Message) error {
	if !web.IsTS(ts) {
		return nil
	}
	by := &pb.Ghost{Id: "slack", Name: "Slack"}
	if before != nil {
		by = c.l.people.author(c.ctx, before)
	}
	c.seen.add(ts)
	return c.submit(&pb.Entry{Key: "d/" + ts, Kind: "delete", Target: ts, Ghost: by})
}

// topics are the messages that tell of the channel itself.
var topics = map[string]func(*channel, *web.Message) error{
	"channel_topic": (*channel).topic, "group_topic": (*channel).topic,
	"channel_purpose": (*channel).purpose, "group_purpose": (*channel).purpose,
	"channel_name": (*channel).renamed, "group_name": (*channel).renamed,
}

func (c *channel) topic(m *web.Message) error {
	topic := oneLine(words(format.ReadMrkdwn(m.Topic, c.names())), 250)
	if c.l.set.topicIn {
		_, err := c.post(&pb.Entry{Key: "t/" + m.TS, Kind: "topic", Ghost: c.l.people.author(c.ctx, m), Text: topic, Time: web.Time(m.TS).UnixMilli()})
		return err
	}
	return c.line("t/"+m.TS, fmt.Sprintf("%s set the channel's topic: %s", c.l.people.author(c.ctx, m).Name, topic))
}

func (c *channel) purpose(m *web.Message) error {
	return c.line("p/"+m.TS, fmt.Sprintf("%s set the channel's description: %s", c.l.people.author(c.ctx, m).Name, oneLine(words(format.ReadMrkdwn(m.Purpose, c.names())), 250)))
}

func (c *channel) renamed(m *web.Message) error {
	return c.line("n/"+m.TS, fmt.Sprintf("%s renamed the channel in Slack: it is called #%s now.", c.l.people.author(c.ctx, m).Name, oneLine(m.Name, 80)))
}

// names is what ids are called in a channel's text.
type names struct {
	c     *channel
	links *int // to messages, looked up so far
}

func (c *channel) names() names { return names{c, new(int)} }

func (n names) User(id string) string { return n.c.l.people.name(n.c.ctx, id) }

func (n names) Group(id string) string {
	n.c.l.mu.Lock()
	defer n.c.l.mu.Unlock()
	return n.c.l.groups[id]
}

func (n names) Channel(id string) string {
	if c := n.c.l.channelByID(id); c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.kept.Called
	}
	return n.c.l.people.channelName(n.c.ctx, id)
}
