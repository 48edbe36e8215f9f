package relay

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/format"
	"hearth/plugins/irc/wire"
)

// piece is what gets one id on the network: a message, or a multiline batch.
type piece struct {
	lines []wire.Message
	hash  string
}

// command is the piece's, without the batch around it.
func (p *piece) command() string {
	if p.lines[0].Command == "BATCH" {
		return p.lines[1].Command
	}
	return p.lines[0].Command
}

const (
	maxLines     = 3    // that a text may have as it is
	maxBytes     = 1024 // likewise
	maxMultiline = 12   // lines in a multiline message; beyond that a link is kinder to those without it
	maxPieces    = 10   // of a text that could not be published
	zeroWidth    = "\u200b"
	quoteLen     = 60 // characters
	quoteRecent  = 10 * time.Minute
)

// render makes the pieces; it may leave them nil and come again.
func (j *job) render() {
	if render := renderers[j.d.GetKind()]; render != nil {
		render(j)
		return
	}
	j.drop("unsupported", "IRC has no "+j.d.GetKind()+".")
}

var renderers = map[string]func(*job){
	"text": (*job).text, "emote": (*job).text, "notice": (*job).notice, "edit": (*job).correction, "delete": (*job).redaction,
	"react": (*job).reaction, "unreact": (*job).reaction, "topic": (*job).topic,
}

func (j *job) text() {
	lines := format.FromMarkdown(j.mentions(j.d.GetText()))
	for _, f := range j.d.GetFiles() {
		lines = append(lines, fileLine(f))
	}
	if len(lines) == 0 {
		j.drop("empty", "There is nothing to show on IRC.")
		return
	}
	lines = append(j.quote(&lines), lines...)
	size := 0
	for _, l := range lines {
		size += len(l.IRC()) + 1
	}
	// What is private is on no page that a link opens.
	switch long := (len(lines) > maxLines || size > maxBytes) && j.ch.peer == nil; {
	case long && j.multiline(lines, size):
	case long && j.link == "":
		j.publish()
	case long && j.link != unpublished:
		j.pieces = j.messages([]format.Line{format.Join(excerpt(lines[0]), format.Plain(fmt.Sprintf(" … (%d lines) %s", len(lines), j.link)))})
	default:
		j.pieces = j.messages(lines)
		if len(j.pieces) > maxPieces {
			left := len(j.pieces) - maxPieces
			j.pieces = append(j.pieces[:maxPieces], j.messages([]format.Line{format.Plain(fmt.Sprintf("… and %d lines more, in the room only.", left))})...)
		}
	}
}

func excerpt(l format.Line) format.Line {
	if text := l.Text(); len(text) > 300 {
		return format.Plain(short(text, 300))
	}
	return l
}

// unpublished: the node has no address that others reach.
const unpublished = "-"

// publish asks the node for a page with the whole text.
func (j *job) publish() {
	if j.asking {
		return
	}
	j.asking = true
	r := j.ch.r
	ask := &pb.Publish{What: &pb.Publish_Text{Text: j.d.GetText()}, Name: "message", Channel: j.ch.id}
	r.ask(func(ctx context.Context) func() {
		url, err := r.host.Publish(ctx, ask)
		return func() {
			if j.link = url; err != nil || url == "" {
				j.link = unpublished
			}
		}
	})
}

// fileLine is a file as a link, with what it is and how large.
func fileLine(f *pb.File) format.Line {
	kind, _, _ := strings.Cut(f.GetType(), "/")
	what := size(f.GetSize())
	switch {
	case kind == "audio" && f.GetSeconds() > 0:
		what = fmt.Sprintf("voice, %d:%02d", f.GetSeconds()/60, f.GetSeconds()%60)
	case kind == "image" || kind == "video" || kind == "audio":
		what = kind + ", " + what
	}
	at := f.GetUrl()
	if at == "" {
		at = "[in the room only]"
	}
	return format.Plain(short(f.GetName(), 100) + " (" + what + "): " + at)
}

func size(n uint64) string {
	switch {
	case n < 1000:
		return strconv.FormatUint(n, 10) + " B"
	case n < 1000_000:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// quote says what a reply or a message of a thread is about: a nick before it, when that person is here and spoke
// just now, or else a line with the beginning of what they said.
func (j *job) quote(lines *[]format.Line) []format.Line {
	ref := j.d.GetReplyTo()
	if ref == nil {
		ref = j.d.GetThread()
	}
	if ref == nil || len(*lines) == 0 {
		return nil
	}
	nick := j.ch.nickOf(ref.GetAuthor())
	if nick == "" {
		return nil
	}
	if time.UnixMilli(j.d.GetTime()).Sub(time.UnixMilli(ref.GetTime())) < quoteRecent {
		if first := (*lines)[0]; !strings.HasPrefix(j.ch.r.fold(first.Text()), j.ch.r.fold(nick)) {
			(*lines)[0] = format.Join(format.Plain(nick+": "), first)
		}
		return nil
	}
	said := ""
	if all := format.FromMarkdown(ref.GetText()); len(all) > 0 {
		said = all[0].Text()
	}
	if runes := []rune(said); len(runes) > quoteLen {
		said = string(runes[:quoteLen]) + "…"
	}
	return []format.Line{format.Plain("> <" + nick + "> " + said)}
}

// nickOf is how IRC knows somebody.
func (ch *channel) nickOf(p *pb.Person) string {
	if g := p.GetGhost(); g != nil && p.GetUser() == "" || p.GetGhost().GetName() != "" {
		return p.GetGhost().GetName()
	}
	if p.GetUser() == "" {
		return ""
	}
	return ch.r.shown(p)
}

var atName = regexp.MustCompile(`(^|[\s(])@([^\s@:,.!?()]{1,64}(?:@[^\s,!?()]+[^\s,.:!?()])?)([:,]?)`)

// mentions writes @bob as bob, when bob is in the channel, and @alice@node as alice.
func (j *job) mentions(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	first := true
	return atName.ReplaceAllStringFunc(text, func(at string) string {
		m := atName.FindStringSubmatch(at)
		name, mark := m[2], m[3]
		beginning := first && strings.HasPrefix(text, at)
		first = false
		who := j.ch.member(name)
		if who == nil {
			return at
		}
		if beginning && mark == "" {
			mark = ":"
		}
		return m[1] + escapeLine(who.nick) + mark
	})
}

// notice is the node's own word, such as what was not relayed.
func (j *job) notice() {
	for _, l := range format.FromMarkdown(j.d.GetText()) {
		for _, text := range l.Split(j.fits(), false) {
			j.pieces = append(j.pieces, plainPiece(wire.New("NOTICE", j.ch.name, text)))
		}
	}
	if len(j.pieces) == 0 {
		j.drop("empty", "There is nothing to show on IRC.")
	}
}

func plainPiece(m wire.Message) piece { return piece{[]wire.Message{m}, hashText(m.Last())} }

func (j *job) redaction() {
	ids := known(j.d.GetTarget())
	if j.ch.r.settings.deletes != "redact" || !j.client.session.Has("draft/message-redaction") || len(ids) == 0 {
		j.drop("not_on_irc", "What was said on IRC stays there.")
		return
	}
	for _, id := range ids {
		j.pieces = append(j.pieces, plainPiece(wire.New("REDACT", j.ch.name, id)))
	}
}

// known are the ids by which the network knows a message.
func known(ref *pb.Ref) []string {
	return slices.DeleteFunc(slices.Clone(ref.GetRemote()), func(id string) bool { return strings.HasPrefix(id, noID) })
}

func (j *job) reaction() {
	ids := known(j.d.GetTarget())
	how := j.ch.r.settings.reactions
	switch {
	case how == "tags" && len(ids) > 0 && j.taggable("react"):
		m := wire.New("TAGMSG", j.ch.name).Tagged("+reply", ids[0]).Tagged("+draft/reply", ids[0]).Tagged("+draft/"+j.d.GetKind(), j.d.GetEmoji())
		j.pieces = []piece{plainPiece(m)}
	case how == "digest":
		j.digest()
	default:
		j.drop("not_on_irc", "Reactions are not shown on this network.")
	}
}

// taggable tells whether client tags go through, and this one.
func (j *job) taggable(tag string) bool {
	s := j.client.session
	return s.Has("message-tags") && !slices.ContainsFunc(strings.Split(s.Support.Value("CLIENTTAGDENY"), ","), func(deny string) bool {
		return deny == "*" || deny == tag || deny == "draft/"+tag
	})
}

func (j *job) topic() {
	if !j.ch.topicFromRoom(j.d.GetText()) {
		j.drop("not_on_irc", "Topics are not taken over to this channel.")
		return
	}
	j.done()
}

// messages are the lines as messages, each cut to fit.
func (j *job) messages(lines []format.Line) []piece {
	var out []piece
	for i, l := range lines {
		before := j.prefix(i)
		most := j.fits() - len(before.IRC())
		if j.d.GetKind() == "emote" {
			most -= len("\x01ACTION \x01")
		}
		for _, text := range l.Split(most, false) {
			m := j.say(before.IRC() + text)
			if len(out) == 0 {
				m = j.replying(m)
			}
			out = append(out, plainPiece(m))
		}
	}
	return out
}

// say is a message with the text, in the way the job speaks.
func (j *job) say(text string) wire.Message {
	if j.d.GetKind() == "emote" && j.how != "bot" {
		text = "\x01ACTION " + text + "\x01"
	}
	if j.how == "relaymsg" {
		return wire.New("RELAYMSG", j.ch.name, j.relayNick(), text)
	}
	return wire.New("PRIVMSG", j.ch.name, text)
}

func (j *job) replying(m wire.Message) wire.Message {
	ref := j.d.GetReplyTo()
	if ref == nil {
		ref = j.d.GetThread()
	}
	if j.d.GetKind() == "edit" {
		ref = j.d.GetTarget()
	}
	if ids := known(ref); len(ids) > 0 && j.taggable("reply") && m.Command == "PRIVMSG" {
		m = m.Tagged("+reply", ids[0]).Tagged("+draft/reply", ids[0])
	}
	return m
}

// fits is how many bytes a message of the job's may have.
func (j *job) fits() int {
	n := j.client.session.Fits(j.ch.name)
	if j.how == "relaymsg" { // the name is another, and the server makes up the rest
		n -= max(0, len(j.relayNick())+60-len(j.client.session.Source.Nick))
	}
	return n
}

// prefix says who speaks, where the nick does not. The name is broken by a character that nobody sees, so that
// people on both networks are not pinged by themselves.
func (j *job) prefix(line int) format.Line {
	if j.how != "bot" || j.d.GetAuthor() == nil {
		return nil
	}
	name := unpinged(j.ch.r.shown(j.d.GetAuthor()))
	if j.d.GetKind() == "emote" {
		return format.Join(format.Plain("* " + name + " "))
	}
	return format.Plain("<" + name + "> ")
}

func unpinged(name string) string {
	if n := format.First(name); n > 0 && n < len(name) {
		return name[:n] + zeroWidth + name[n:]
	}
	return name
}

// shown is a person's name on IRC.
func (r *relay) shown(p *pb.Person) string {
	name := p.GetName()
	if g := p.GetGhost(); g != nil {
		name = g.GetName() + "/" + g.GetNetwork()
	}
	if name == "" {
		name, _, _ = strings.Cut(p.GetUser(), "@")
	}
	name = strings.TrimSpace(strings.NewReplacer("<", "", ">", "").Replace(format.Clean(name)))
	if runes := []rune(name); len(runes) > 32 {
		name = string(runes[:32])
	}
	if name == "" {
		name = "somebody"
	}
	return name
}

// shownNick is that name as IRC people write it when they address somebody: without spaces.
func (r *relay) shownNick(p *pb.Person) string { return strings.ReplaceAll(r.shown(p), " ", "_") }

// relayNick is a name for RELAYMSG, with one of the characters that the server wants in it.
func (j *job) relayNick() string {
	s := j.client.session
	separators := s.Value("draft/relaymsg")
	if separators == "" {
		separators = "/"
	}
	suffix := separators[:1] + j.ch.r.settings.suffix
	return wire.LegalNick(j.ch.r.shown(j.d.GetAuthor()), max(4, s.Support.NickLen-len(suffix))) + suffix
}

// multiline makes one message of the lines, where the server takes such (draft/multiline); false: it does not.
func (j *job) multiline(lines []format.Line, size int) bool {
	s := j.client.session
	if !s.Has("draft/multiline") || !s.Has("batch") || j.plain || j.how == "relaymsg" || j.d.GetKind() == "emote" || len(lines) > maxMultiline {
		return false
	}
	most, bytes := limits(s.Value("draft/multiline"))
	j.ch.r.batchID++
	id := "h" + strconv.FormatUint(j.ch.r.batchID, 36)
	out := []wire.Message{j.replying(wire.New("PRIVMSG"))}
	out[0].Command, out[0].Params = "BATCH", []string{"+" + id, "draft/multiline", j.ch.name}
	total := 0
	for i, l := range lines {
		if i == 0 {
			l = format.Join(j.prefix(0), l)
		}
		for k, text := range l.Split(j.fits(), true) {
			m := wire.New("PRIVMSG", j.ch.name, text).Tagged("batch", id)
			if k > 0 {
				m = m.Tagged("draft/multiline-concat", "")
			}
			out = append(out, m)
			total += len(text) + 1
		}
	}
	if total > bytes || len(out)-1 > most {
		return false
	}
	j.pieces = []piece{{append(out, wire.New("BATCH", "-"+id)), hashText(out[1].Last())}}
	return true
}

// limits reads max-bytes=40000,max-lines=10.
func limits(value string) (lines, bytes int) {
	lines, bytes = maxMultiline*4, 4096
	for _, each := range strings.Split(value, ",") {
		key, value, _ := strings.Cut(each, "=")
		n, err := strconv.Atoi(value)
		switch {
		case err != nil || n < 1:
		case key == "max-bytes":
			bytes = n
		case key == "max-lines":
			lines = n
		}
	}
	return lines, bytes
}
