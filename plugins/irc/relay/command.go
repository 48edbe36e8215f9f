package relay

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/wire"
)

// command obeys !link and !unlink of the channel's operators; false: it is none.
func (ch *channel) command(m wire.Message, text string) bool {
	words := strings.Fields(text)
	if m.Command != "PRIVMSG" || len(words) == 0 {
		return false
	}
	switch {
	case strings.EqualFold(words[0], "!link") && len(words) == 2 && !ch.link.GetConfirmed():
		ch.claim(m.Source.Nick, words[1])
	case strings.EqualFold(words[0], "!unlink") && len(words) == 1 && ch.link.GetConfirmed():
		ch.claim(m.Source.Nick, "")
	default:
		return false
	}
	return true
}

// claim tells the node that somebody gave a code or, without one, wants the link to end. Only
// operators may, which IRC shows by the sign before a nick.
func (ch *channel) claim(nick, code string) {
	r := ch.r
	who := ch.member(nick)
	if who == nil || !r.bot.session.Support.IsOperator(who.signs) {
		r.answer(nick, "Only an operator of "+ch.name+" can do that.")
		return
	}
	ask := &pb.Claim{Channel: ch.id, Code: code, By: nick, Entitled: true}
	room := ch.link.GetRoomName()
	r.ask(func(ctx context.Context) func() {
		ok, err := r.host.Claim(ctx, ask)
		return func() {
			switch {
			case err != nil:
				r.answer(nick, "That did not work: "+inWords(err))
			case !ok:
				r.answer(nick, "That code is not the one. Ask the administrator of "+r.open.GetNode()+" for a new one.")
			case code != "" && r.bot != nil:
				ch.confirm() // the node's own word for it may come a moment later than the next message
				r.bot.send(wire.New("NOTICE", ch.name, ch.greeting(room)))
			}
		}
	})
}

// inWords is an error for people: without its code.
func inWords(err error) string {
	if e, ok := errors.AsType[*bridge.Error](err); ok {
		return e.Text
	}
	return err.Error()
}

func (ch *channel) confirm() {
	l := proto.Clone(ch.link).(*pb.Link)
	l.Confirmed = true
	ch.r.link(l)
}

// greeting tells the channel what has begun, as it concerns all who are in it.
func (ch *channel) greeting(room string) string {
	text := ch.name + " is now linked to " + room + ": what is said here is shown and kept there, with your nick. An operator ends that with !unlink."
	if c := ch.r.settings.contact; c != "" {
		text += " Contact: " + c
	}
	return short(text, max(100, ch.r.bot.session.Fits(ch.name)))
}

// answer says something to one person, by NOTICE, which nobody answers; strangers cannot make us say it often.
func (r *relay) answer(nick, text string) {
	if r.bot != nil && r.private.take(time.Now()) {
		r.bot.send(wire.New("NOTICE", nick, short(text, r.bot.session.Fits(nick))))
	}
}

// whispered is a message to the bot itself. Private messages are not relayed. A NOTICE is never answered.
func (r *relay) whispered(m wire.Message) {
	if m.Command == "NOTICE" && r.settings.quiet == "chanserv" && r.fold(m.Source.Nick) == r.fold("ChanServ") {
		r.host.Log().Info("ChanServ says", "what", short(m.Last(), 300)) // such as that it may not
	}
	if m.Command != "PRIVMSG" || m.Source.IsServer() || r.me(m.Source.Nick) {
		return
	}
	if ctcp, is := strings.CutPrefix(m.Last(), "\x01"); is {
		r.ctcpAsked(m.Source.Nick, strings.TrimSuffix(ctcp, "\x01"))
		return
	}
	if r.unblocks(m) {
		return
	}
	r.count("", "dropped", "private", 1)
	text := "I am a bridge to " + r.open.GetNode() + " and relay channels only."
	if r.settings.contact != "" {
		text += " Contact: " + r.settings.contact
	}
	r.answer(m.Source.Nick, text)
}

// ctcpAsked answers what a good citizen answers, and rarely.
func (r *relay) ctcpAsked(nick, text string) {
	verb, rest, _ := strings.Cut(text, " ")
	answer := ""
	switch verb = strings.ToUpper(verb); verb {
	case "VERSION":
		answer = "Hearth bridge " + Version
	case "PING":
		answer = short(rest, 64)
	case "CLIENTINFO":
		answer = "ACTION CLIENTINFO PING VERSION"
	default:
		return
	}
	if r.ctcp.take(time.Now()) {
		r.bot.send(wire.New("NOTICE", nick, "\x01"+verb+" "+answer+"\x01"))
	}
}
