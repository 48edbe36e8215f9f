package relay

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/wire"
)

// peer is the one over there of a private conversation: a link whose channel is a nick. What the person of ours says goes
// out by that person's own connection, and what the nick writes to that connection comes in.
//
// A nick may be anybody's the next moment. So nothing goes out unless the bot sees the nick in one of its channels, where it
// follows every change; and who had an account when the conversation began is known by the account alone, anybody else by the
// address (user@host) that the nick had when it was first seen.
type peer struct {
	person  *pb.Person
	nick    string
	account string // folded; "": none
	address string // user@host; "": not known yet
	known   bool   // address has been read
	sight   sight  // that was told
	unsaid  string // what the room was told of why nothing goes out; "": it does
	refused bool   // the room was told that somebody else writes
}

// sight is what the bot sees of a peer.
type sight int

const (
	unsure sight = iota // who is in the channels has not come yet
	here
	gone
	other // somebody has the nick who is not logged in to the account, or comes from another address
)

const (
	lookTime    = 15 * time.Second // in which the bot comes into its channels
	accountIs   = "account:"
	blockWord   = "!block"
	unblockWord = "!unblock"
)

// privateCaps are what a puppet has a use for when its person may write privately: there it is the only one that hears.
var privateCaps = []string{"echo-message", "account-tag", "server-time"}

// converse makes a link a conversation.
func (ch *channel) converse(l *pb.Private) {
	r, p := ch.r, &peer{person: l.GetPerson(), nick: l.GetGhost().GetName()}
	if account, has := strings.CutPrefix(l.GetGhost().GetId(), accountIs); has {
		p.account = account
	}
	ch.peer, ch.name, r.shifted = p, p.nick, true
	if !r.settings.private {
		ch.stopped = "Private messages are off: the setting `private` of this bridge."
		ch.tell("down", ch.stopped, "")
	}
	r.ask(func(ctx context.Context) func() {
		b, _, err := r.host.Get(ctx, ch.keyKept())
		return func() {
			if err == nil && p.address == "" {
				p.address = string(b)
			}
			p.known, r.shifted = true, true
		}
	})
}

// lives notes the address of a peer, which an account is better than.
func (ch *channel) lives(address string) {
	p, r, key := ch.peer, ch.r, ch.keyKept()
	if address == "" || address == p.address || p.account != "" {
		return
	}
	p.address = address
	r.ask(func(ctx context.Context) func() {
		if err := r.host.Put(ctx, key, []byte(address)); err != nil {
			r.host.Log().Warn("keep the address of a private conversation", "error", err)
		}
		return nil
	})
}

// has tells whether a member of the channel is the peer; sure is false where that is to be known only once WHO is answered.
func (ch *channel) has(p *peer, m *member) (is, sure bool) {
	switch {
	case p.account != "":
		return ch.r.fold(m.account) == p.account, m.account != "" || ch.listed
	case p.address == "" || m.address == p.address:
		return true, true
	case m.address == "": // where the server tells no addresses, it is whoever has the nick
		return ch.listed, ch.listed
	}
	return false, true
}

// conversation is that of one of ours with somebody; nil: there is none.
func (r *relay) conversation(user, nick, account string) *channel {
	for _, ch := range r.links {
		p := ch.peer
		if p == nil || ch.stopped != "" || p.person.GetUser() != user {
			continue
		}
		if r.fold(p.nick) == r.fold(nick) || account != "" && r.fold(account) == p.account {
			return ch
		}
	}
	return nil
}

// seen are the conversations with a nick that is whom it is taken for.
func (r *relay) seen(nick string) (all []*channel) {
	for _, ch := range r.links {
		if p := ch.peer; p != nil && r.fold(p.nick) == r.fold(nick) && r.see(p) == here {
			all = append(all, ch)
		}
	}
	return all
}

// see looks for a peer in the bot's channels.
func (r *relay) see(p *peer) sight {
	if !p.known || r.bot == nil || r.bot.stream == nil || !r.bot.session.Ready() {
		return unsure
	}
	out, sure := gone, true
	for _, ch := range r.links {
		m := ch.member(p.nick)
		switch {
		case ch.peer != nil:
		case !ch.joined:
			sure = sure && (ch.stopped != "" || time.Since(r.bot.began) > r.lookTime)
		case m == nil || m.ours:
			sure = sure && ch.listed
		default:
			is, certain := ch.has(p, m)
			if is && certain {
				return here
			}
			if sure = sure && certain; certain {
				out = other
			}
		}
	}
	if !sure {
		return unsure
	}
	return out
}

// moves are the commands that change who is seen.
var moves = []string{"JOIN", "PART", "QUIT", "KICK", "NICK", "ACCOUNT", "CHGHOST", "352", "353", "354", "366", "315"}

// lookAround tells of every peer who has come into sight, or gone out of it.
func (r *relay) lookAround() {
	if !r.shifted {
		return
	}
	r.shifted = false
	for _, ch := range r.links {
		if p := ch.peer; p != nil && ch.stopped == "" {
			if now := r.see(p); now != p.sight {
				p.sight = now
				ch.sighted()
			}
			if p.sight == here && p.address == "" {
				ch.lives(r.address(p.nick))
			}
		}
	}
}

// address is where a nick comes from, as far as a channel of the bot's shows it.
func (r *relay) address(nick string) string {
	for _, ch := range r.links {
		if m := ch.member(nick); m != nil && m.address != "" {
			return m.address
		}
	}
	return ""
}

// sighted tells how it stands with the peer.
func (ch *channel) sighted() {
	p := ch.peer
	p.refused = false
	switch p.sight {
	case here:
		g := ch.r.ghost(p.nick, p.account)
		ch.r.host.Roster(&pb.Roster{Channel: ch.id, Whole: true, Here: []*pb.Ghost{g}})
		ch.tell("connected", "", "")
		if p.unsaid != "" {
			p.unsaid = ""
			ch.event(escapeLine(p.nick) + " is there again.")
		}
		ch.lane.wake()
	case gone, other:
		ch.r.host.Roster(&pb.Roster{Channel: ch.id, Whole: true})
		ch.tell("degraded", ch.absence(), "")
	}
}

// absence says why nothing goes out to a peer.
func (ch *channel) absence() string {
	p := ch.peer
	switch {
	case p.sight == other && p.account == "":
		return "Whoever has the nick " + escapeLine(p.nick) + " now comes from another address than the one that you have written with. If you know that it is the same person, leave this room and write to them anew."
	case p.sight == other:
		return "Whoever has the nick " + escapeLine(p.nick) + " now is not logged in to the account that you have written with."
	}
	return escapeLine(p.nick) + " is not on " + ch.r.open.GetNetwork() + ", or in no channel where the bridge could see who has that nick."
}

// event is a line in the room of the conversation.
func (ch *channel) event(text string) {
	ch.r.lines++
	ch.line("private:"+strconv.FormatInt(time.Now().UnixMilli(), 36)+":"+strconv.FormatUint(ch.r.lines, 36), text)
}

// unsaid gives a job up. The room is told once, until it is otherwise; for the counts the reason alone is kept.
func (j *job) unsaid(why, text string) {
	ch := j.ch
	j.drop(why, "A private message was not delivered.")
	if ch.peer.unsaid != text {
		ch.peer.unsaid = text
		ch.event(text + " What you write is not delivered.")
	}
}

// toPeer lets the person's own connection speak, and nobody else's.
func (j *job) toPeer() bool {
	ch, r := j.ch, j.ch.r
	c := r.puppets[ch.peer.person.GetUser()]
	switch ch.peer.sight {
	case here:
	case unsure:
		return false
	default:
		j.unsaid("not_there", ch.absence())
		return false
	}
	if c == nil {
		if len(r.puppets) >= r.settings.maxPuppets || time.Since(r.puppetless) < 10*time.Minute {
			j.unsaid("no_puppet", "There is no connection to "+r.open.GetNetwork()+" for you at the moment: the bridge has as many as it may.")
			return false
		}
		c = r.newPuppet(j.d.GetAuthor())
	}
	c.used = time.Now()
	if c.stream != nil && c.session.Ready() {
		j.client, j.how, j.patience = c, "puppet", time.Time{}
		return true
	}
	if j.patience.IsZero() {
		j.patience = time.Now().Add(puppetTime)
		r.after(puppetTime, func() {})
	}
	if time.Now().After(j.patience) {
		j.unsaid("no_puppet", "Your connection to "+r.open.GetNetwork()+" does not come about.")
	}
	return false
}

// confides takes a delivery of a conversation; false: it is to be said like any other.
func (ch *channel) confides(d *pb.Delivery) bool {
	h, kind := ch.r.host, d.GetKind()
	switch {
	case kind == "notice": // of the node, for the person
		ch.event(d.GetText())
		h.Done(d)
	case d.GetAuthor().GetUser() != ch.peer.person.GetUser() || d.GetAuthor().GetGhost() != nil:
		h.Dropped(d, "forbidden", "It is a conversation of two.")
	case kind == "topic" || (kind == "react" || kind == "unreact") && ch.r.settings.reactions == "digest":
		h.Dropped(d, "not_on_irc", "There is no such thing in a private conversation.")
	default:
		return false
	}
	return true
}

// ───────────────────────────── What comes ─────────────────────────────

// privately takes what a puppet hears of private conversations; false: it is something else.
func (r *relay) privately(c *client, m wire.Message) bool {
	if !r.settings.private {
		return false
	}
	if m = c.whole(m); m.Command == "" {
		return true // a part of a message
	}
	switch m.Command {
	case "PRIVMSG", "NOTICE", "TAGMSG":
		if c.session.Is(m.Source.Nick) {
			r.conveyed(c, m)
			return true
		}
		if !c.session.Is(m.Param(0)) {
			return true // said in a channel, where the bot hears it
		}
		account := m.Tags.Value("account")
		ch := r.conversation(c.user, m.Source.Nick, account)
		if ch == nil || !ch.isPeer(c, m, account) {
			return m.Command == "PRIVMSG" && r.unblocks(m)
		}
		ch.hears(c, m)
		return true
	case "401", "404", "477", "486", "489", "531", "716", "FAIL":
		if s := r.refusedPuppet(c, m); s != nil && s.job.ch.peer != nil {
			if m.Command == "401" {
				s.job.unsaid("not_there", s.job.ch.absence())
			} else {
				s.job.unsaid("forbidden", "The network did not take the message: "+escapeLine(short(m.Last(), 200))+".")
			}
			return true
		}
	}
	return false
}

// whole is a message, of a multiline one the whole at its end; without a command while there is more to come.
func (c *client) whole(m wire.Message) wire.Message {
	ref, part := m.Tags.Get("batch")
	switch {
	case part && c.batches[ref] != nil:
		if b := c.batches[ref]; len(b.messages) < maxPieces*maxMultiline {
			b.messages = append(b.messages, m)
		}
		return wire.Message{}
	case m.Command != "BATCH":
		return m
	case m.Param(1) == "draft/multiline":
		if len(c.batches) >= maxBatches || c.batches == nil {
			c.batches = map[string]*batch{}
		}
		c.batches[strings.TrimPrefix(m.Param(0), "+")] = &batch{kind: m.Param(1), opening: m}
		return wire.Message{}
	}
	ref = strings.TrimPrefix(m.Param(0), "-")
	b := c.batches[ref]
	delete(c.batches, ref)
	if b == nil {
		return m
	}
	return b.joined()
}

// conveyed: what a connection of ours said to a peer has come back.
func (r *relay) conveyed(c *client, m wire.Message) {
	label, text := m.Tags.Value("label"), hashText(m.Last())
	i := slices.IndexFunc(r.flight, func(s *shot) bool {
		if s.client != c || s.job.ch.peer == nil {
			return false
		}
		if label != "" {
			return s.label == label
		}
		p := &s.job.pieces[s.index]
		return r.fold(s.job.ch.name) == r.fold(m.Param(0)) && p.command() == m.Command && (p.hash == text || m.Command == "TAGMSG")
	})
	if i >= 0 {
		r.landed(r.flight[i], m.Tags.Value("msgid"))
	}
}

// isPeer tells whether a message is from whom the conversation is with, and not from somebody who has the nick now.
func (ch *channel) isPeer(c *client, m wire.Message, account string) bool {
	r, p := ch.r, ch.peer
	switch {
	case p.account == "":
		now := r.see(p)
		if now == here || now == unsure && p.address != "" && p.address == addressOf(m.Source) {
			return true
		}
	case c.session.Has("account-tag"):
		if r.fold(account) == p.account {
			ch.follow(m.Source.Nick)
			return true
		}
	case r.see(p) == here: // the bot's list has the account
		return true
	}
	if m.Command == "PRIVMSG" && !p.refused {
		p.refused = true
		ch.event("Somebody with the nick " + escapeLine(m.Source.Nick) + " has written to you of whom nobody can tell whether it is the same person. It is not shown.")
	}
	return false
}

// follow notes that the peer has another nick now.
func (ch *channel) follow(nick string) {
	p := ch.peer
	if p.nick == nick {
		return
	}
	ch.event(escapeLine(p.nick) + " is now " + escapeLine(nick) + ".")
	p.nick, ch.name, p.sight, ch.r.shifted = nick, nick, unsure, true
}

// loggedIn notes that the peer has an account now: from here on it is known by that.
func (ch *channel) loggedIn(account string) {
	if p := ch.peer; p.account == "" && account != "" {
		p.account, p.sight, ch.r.shifted = ch.r.fold(account), unsure, true
	}
}

// hears takes in what the peer writes.
func (ch *channel) hears(c *client, m wire.Message) {
	if _, tagged := m.Tags.Get("account"); !tagged && ch.peer.account != "" {
		m = m.Tagged("account", ch.peer.account)
	}
	switch {
	case m.Command == "TAGMSG":
		ch.tag(m)
	case m.Command == "PRIVMSG" && strings.EqualFold(strings.TrimSpace(m.Last()), blockWord):
		ch.block(c)
	default:
		ch.take(m, true)
	}
}

// block ends the conversation as the peer wants: it cannot be begun again until that one takes it back.
func (ch *channel) block(c *client) {
	r, nick, whose := ch.r, ch.peer.nick, ch.peer.person.GetUser()
	ask := &pb.Block{Ghost: r.ghost(nick, ch.peer.account), Channel: ch.id, On: true}
	r.ask(func(ctx context.Context) func() {
		_, err := r.host.Block(ctx, ask)
		return func() {
			text := "You will not hear from " + whose + " any more. " + unblockWord + " takes that back."
			if err != nil {
				text = "That did not work: " + inWords(err)
			}
			if !c.gone {
				c.send(wire.New("NOTICE", nick, short(text, c.session.Fits(nick))))
			}
		}
	})
}

// unblocks takes back whatever somebody has blocked, who says so to any of our connections; false: they say something else.
func (r *relay) unblocks(m wire.Message) bool {
	if !r.settings.private || !strings.EqualFold(strings.TrimSpace(m.Last()), unblockWord) {
		return false
	}
	if !r.blocks.take(time.Now()) {
		return true
	}
	nick := m.Source.Nick
	ghosts := []*pb.Ghost{r.ghost(nick, "")}
	if account := m.Tags.Value("account"); account != "" {
		ghosts = append(ghosts, r.ghost(nick, account))
	}
	r.ask(func(ctx context.Context) func() {
		some := false
		for _, g := range ghosts {
			was, err := r.host.Block(ctx, &pb.Block{Ghost: g})
			if some = some || was; err != nil {
				r.host.Log().Warn("take a block back", "error", err)
			}
		}
		return func() {
			if some {
				r.answer(nick, "People of "+r.open.GetNode()+" whom you had blocked can write to you again.")
			} else {
				r.answer(nick, "You have blocked nobody here.")
			}
		}
	})
	return true
}
