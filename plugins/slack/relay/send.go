package relay

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/format"
	"hearth/plugins/slack/web"
)

const (
	maxPieces  = 4 // messages that one message of a room becomes; a longer one goes as a file
	attempts   = 4 // to post, before the node is asked to come again later
	quoteChars = 120
)

// refusal is why a delivery can never be relayed: a word that is counted, and a sentence.
type refusal struct{ why, text string }

func (r refusal) Error() string { return r.text }

// send works the outbox off, until the channel ends.
func (c *channel) send() {
	for c.ctx.Err() == nil {
		letter := c.out.next()
		if letter == nil {
			select {
			case <-c.out.wake:
			case <-c.ctx.Done():
			}
			continue
		}
		if c.open() {
			c.deliver(letter)
		} else if c.ctx.Err() == nil {
			c.putOff(letter, 30*c.l.timing.Retry)
		}
	}
}

// open waits a moment until something can be sent in the channel. The node is answered in any case: a bridge that
// says nothing for two minutes is started anew.
func (c *channel) open() bool {
	t := time.NewTimer(10 * c.l.timing.Retry)
	defer t.Stop()
	select {
	case <-c.joined:
		return true
	case <-c.ctx.Done():
	case <-t.C:
	}
	return false
}

// kinds are what a room says, and how Slack is told.
var kinds = map[string]func(*channel, *pb.Delivery) (remote []string, err error){
	"text": (*channel).sendText, "emote": (*channel).sendText, "notice": (*channel).sendText,
	"edit": (*channel).sendEdit, "delete": (*channel).sendDelete,
	"react": (*channel).sendReaction, "unreact": (*channel).sendReaction, "topic": (*channel).sendTopic,
	"pin": (*channel).sendPin, "unpin": (*channel).sendPin,
}

func (c *channel) deliver(letter *letter) {
	d := letter.d
	send := kinds[d.GetKind()]
	if send == nil {
		c.l.h.Dropped(d, "unsupported", "Slack has nothing like it.")
		c.out.finished(letter)
		return
	}
	remote, err := send(c, d)
	if c.ctx.Err() != nil {
		return // not answered: it comes again
	}
	if refused, ok := errors.AsType[refusal](err); ok {
		c.l.h.Dropped(d, refused.why, refused.text)
	} else if err != nil {
		if c.postpone(letter, err) {
			return
		}
		c.l.h.Dropped(d, cmp.Or(web.Code(err), "refused"), "Slack refused it: "+err.Error())
	} else {
		c.l.status.set(c.name, "connected", "")
		c.l.h.Done(d, remote...)
	}
	c.out.finished(letter)
}

// postpone asks the node to come again when err may pass; false when it will not.
func (c *channel) postpone(letter *letter, err error) bool {
	code := web.Code(err)
	after := 30 * c.l.timing.Retry // somebody has to do something first
	var later *web.Later
	switch {
	case code == "not_in_channel" && c.rejoin():
		after = time.Millisecond
	case channelTrouble[code] != "":
		c.trouble(err)
	case errors.As(err, &later):
		after = later.After
	case web.Login(err) != "":
	case web.Unsure(err):
		after = 5 * c.l.timing.Retry
	default:
		return false
	}
	c.l.log.Warn("a message has to wait", "channel", c.name, "kind", letter.d.GetKind(), "for", after.String(), "error", err.Error())
	c.l.failed(err)
	c.putOff(letter, after)
	return true
}

func (c *channel) putOff(letter *letter, after time.Duration) {
	c.out.postponed(letter, after)
	c.l.h.Again(letter.d, after)
}

// rejoin joins a public channel again that the app was taken out of without being told.
func (c *channel) rejoin() bool {
	ch, err := c.l.web.Channel(c.ctx, web.Live, c.id())
	return err == nil && !ch.IsMember && !ch.IsPrivate && !ch.IsArchived && c.l.web.Join(c.ctx, ch.ID) == nil
}

// sendText posts a message, in pieces where it is long, and its files.
func (c *channel) sendText(d *pb.Delivery) ([]string, error) {
	at, err := c.placeOf(d)
	if err != nil {
		return nil, err
	}
	if d.GetAgain() {
		if err := c.lookFor(time.UnixMilli(d.GetTime()), at.look()); err != nil {
			return nil, err
		}
	}
	pieces, whole := c.compose(d, at)
	var remote []string
	for n, piece := range pieces {
		ts, err := c.postPiece(d, n, piece, at)
		if err != nil {
			return nil, err
		}
		remote = append(remote, ts)
	}
	files, err := c.sendFiles(d, at, whole)
	return append(remote, files...), err
}

// remote is what a message is called over there: what the node says, or what this life has posted and the
// node did not know when it spoke.
func (c *channel) remote(r *pb.Ref) []string {
	if len(r.GetRemote()) > 0 {
		return r.GetRemote()
	}
	return c.own.parts(r.GetEvent())
}

// compose writes a message's pieces. whole is its text when it is too long for them, to be sent as a file.
func (c *channel) compose(d *pb.Delivery, at place) (pieces [][]format.Block, whole string) {
	blocks := c.body(d.GetKind(), d.GetText())
	if quote := c.quote(d, at); quote != nil {
		blocks = append([]format.Block{*quote}, blocks...)
	}
	if len(blocks) == 0 {
		return nil, ""
	}
	pieces = format.Split(blocks, format.MaxPiece)
	if len(pieces) > maxPieces {
		end := format.Block{Runs: []format.Run{{Text: "… (the whole text is in the file)", Italic: true}}}
		return [][]format.Block{append(pieces[0], end)}, d.GetText()
	}
	return pieces, ""
}

func (c *channel) body(kind, text string) []format.Block {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	blocks := format.ReadMarkdown(text, format.Mention{User: c.l.people.find, Emoji: c.l.isEmoji, Link: c.linkOut()})
	if kind == "emote" {
		for i := range blocks {
			for n := range blocks[i].Runs {
				blocks[i].Runs[n].Italic = true
			}
		}
	}
	return blocks
}

func (l *life) isEmoji(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.emoji[name]
}

// quote is what a message answers, where Slack does not show that by itself.
func (c *channel) quote(d *pb.Delivery, at place) *format.Block {
	r := d.GetReplyTo()
	if r == nil && d.GetThread() != nil && at.thread == "" {
		r = d.GetThread()
	}
	remote := c.remote(r)
	if r == nil || at.thread != "" && r.GetEvent() == d.GetThread().GetEvent() || at.broadcast && slices.Contains(remote, at.thread) {
		return nil
	}
	text := []rune(oneLine(words(format.ReadMarkdown(r.GetText(), format.Mention{})), 1000))
	if len(text) > quoteChars {
		text = append(text[:quoteChars], '…')
	}
	run := format.Run{Text: ": " + string(text)}
	if len(remote) > 0 {
		run.URL = permalink(c.l.me.URL, c.id(), remote[0])
		run.Text = cmp.Or(string(text), "a message")
	}
	name := format.Run{Text: cmp.Or(nameOf(r.GetAuthor()), "Somebody"), Bold: true}
	if g := r.GetAuthor().GetGhost(); g.GetNetwork() == c.l.h.Open().GetNetwork() && g.GetName() != "" { // who is of this workspace is called as here
		name.Text = oneLine(g.GetName(), 80)
	}
	return &format.Block{Quote: true, Runs: []format.Run{name, {Text: " "}, run}}
}

// nameOf is how somebody is shown: a ghost of another network with that network.
func nameOf(p *pb.Person) string {
	if g := p.GetGhost(); g != nil {
		return oneLine(g.GetName()+" ("+g.GetNetwork()+")", 80)
	}
	return oneLine(cmp.Or(p.GetName(), p.GetUser()), 80)
}

// message is what a piece is posted or updated with: the name and picture each time, or Slack shows the bot's own.
func (c *channel) content(d *pb.Delivery, n int, piece []format.Block, formatted bool) []slack.MsgOption {
	open := c.l.h.Open()
	hops := d.GetHops()
	if g := d.GetAuthor().GetGhost(); g != nil && g.GetNetwork() != "" && !slices.Contains(hops, g.GetNetwork()) {
		hops = append(slices.Clone(hops), g.GetNetwork())
	}
	options := []slack.MsgOption{
		slack.MsgOptionText(format.Plain(piece), false),
		slack.MsgOptionMetadata(meta{Node: open.GetNode(), Bridge: open.GetBridge(), Event: eventOf(d), Part: n, Hops: hops}.slack()),
		slack.MsgOptionParse(false),
	}
	if formatted {
		options = append(options, slack.MsgOptionBlocks(format.Rich(piece)))
	}
	if name := nameOf(d.GetAuthor()); name != "" && d.GetKind() != "notice" {
		options = append(options, slack.MsgOptionUsername(name))
		if url := d.GetAuthor().GetAvatarUrl(); url != "" {
			options = append(options, slack.MsgOptionIconURL(url))
		}
	}
	return options
}

// eventOf is the event whose message it is.
func eventOf(d *pb.Delivery) string {
	if d.GetKind() == "edit" {
		return d.GetTarget().GetEvent()
	}
	return d.GetId()
}

// postPiece posts a piece once. When an answer is lost the channel is looked at before another attempt.
func (c *channel) postPiece(d *pb.Delivery, n int, piece []format.Block, at place) (string, error) {
	key := part(eventOf(d), n)
	options := append(c.content(d, n, piece, true), at.options()...)
	delay := c.l.timing.Retry
	for attempt := 1; ; attempt++ {
		if ts := c.own.find(key); ts != "" {
			return ts, nil
		}
		began := time.Now()
		ts, err := c.l.web.Post(c.ctx, web.Live, c.id(), options...)
		if err == nil {
			c.l.echoes.await(ts, began)
			c.own.add(key, ts)
			c.inThread(ts, at.thread)
			return ts, nil
		}
		if badlyFormatted(err) {
			options = append(c.content(d, n, piece, false), at.options()...)
		}
		if web.Unsure(err) {
			c.own.uncertain(at.look())
		}
		if !web.Unsure(err) && !badlyFormatted(err) || attempt == attempts {
			return "", err
		}
		c.l.failed(err)
		if !pause(c.ctx, delay) {
			return "", err
		}
		delay *= 2
		if err := c.lookFor(time.UnixMilli(d.GetTime()), at.look()); err != nil {
			return "", err
		}
	}
}

func (c *channel) sendTopic(d *pb.Delivery) ([]string, error) {
	if !c.l.set.topicOut {
		return nil, refusal{"not_wanted", "The bridge's setting `topic` does not let topics go to Slack."}
	}
	return nil, c.l.web.SetTopic(c.ctx, c.id(), format.Escape(oneLine(d.GetText(), 250)))
}

// uploadPatience is how long a delivery waits for its upload: then the node is told to come again, and finds
// it further on. (It starts a bridge anew that says nothing for two minutes.)
const uploadPatience = 25 * time.Second

// errTooLarge is for a file that is not carried as one.
var errTooLarge = errors.New("the file is larger than the setting max_file_mb")

// comment names who sent a file: Slack shows the app as the one who did.
func comment(d *pb.Delivery) string {
	return fmt.Sprintf("*%s*", strings.NewReplacer("*", "", "_", "", "~", "", "`", "").Replace(format.Escape(cmp.Or(nameOf(d.GetAuthor()), "Somebody"))))
}
