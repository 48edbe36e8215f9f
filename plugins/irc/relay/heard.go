package relay

import (
	"slices"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/wire"
)

// heard takes what the bot's server says.
func (r *relay) heard(m wire.Message) {
	if r.gather(m) {
		return
	}
	r.obey(m)
}

func (r *relay) obey(m wire.Message) {
	if take := commands[m.Command]; take != nil {
		take(r, m)
		r.shifted = r.shifted || slices.Contains(moves, m.Command)
	}
}

var commands map[string]func(*relay, wire.Message)

func init() { // the functions name the table in turn
	commands = map[string]func(*relay, wire.Message){
		"PRIVMSG": (*relay).said, "NOTICE": (*relay).said, "TAGMSG": (*relay).tagged, "REDACT": (*relay).redacted, "BATCH": (*relay).batch,
		"JOIN": (*relay).joined, "PART": (*relay).parted, "QUIT": (*relay).quit, "KICK": (*relay).kicked, "NICK": (*relay).renamed,
		"MODE": (*relay).mode, "ACCOUNT": (*relay).account, "AWAY": (*relay).away, "SETNAME": (*relay).setName, "CHGHOST": (*relay).moveHost, "INVITE": (*relay).invited, "RENAME": (*relay).moved, "TOPIC": (*relay).topic,
		"332": (*relay).topicIs, "353": (*relay).names, "366": (*relay).namesEnd, "354": (*relay).whox, "352": (*relay).who, "315": (*relay).whoEnd,
		"FAIL": (*relay).fail, "METADATA": (*relay).metadata, "761": (*relay).keyValue, "774": (*relay).syncLater, "470": (*relay).forwarded,
	}
	for numeric := range refusals {
		if commands[numeric] == nil {
			commands[numeric] = (*relay).joinRefused
		}
	}
	for _, numeric := range []string{"401", "404", "407", "408", "411", "412", "415", "416", "417", "442", "482", "531", "415"} {
		commands[numeric] = (*relay).sendRefused
	}
}

func (r *relay) me(nick string) bool { return r.bot.session.Is(nick) }

// joined: JOIN, with extended-join the account too.
func (r *relay) joined(m wire.Message) {
	ch := r.channel(m.Param(0))
	if r.me(m.Source.Nick) {
		if ch == nil { // moved by an operator, or forwarded: we are nowhere unasked
			r.bot.send(wire.New("PART", m.Param(0), "The bridge was not asked here."))
		} else if !ch.joined {
			ch.entered()
		}
		return
	}
	if ch == nil || !ch.joined {
		return
	}
	account := m.Param(1)
	if account == "*" {
		account = ""
	}
	now := time.Now()
	quiet := ch.storm.back(r.fold(m.Source.Nick), now) || ch.member(m.Source.Nick) != nil
	who := ch.enter(m.Source.Nick, account)
	who.address, who.real = addressOf(m.Source), m.Param(2)
	ch.here(who)
	if !quiet && !who.ours {
		ch.came(who, now, "has joined", "")
	}
}

func (r *relay) parted(m wire.Message) {
	ch := r.channel(m.Param(0))
	if ch == nil {
		return
	}
	if r.me(m.Source.Nick) {
		if ch.joined { // an operator of the network did that
			ch.kicked("The network", m.Param(1))
		}
		return
	}
	ch.leave(m.Source.Nick, m.Param(1), false)
	r.unseen(m.Source.Nick)
}

func (r *relay) quit(m wire.Message) {
	for _, ch := range r.links {
		ch.leave(m.Source.Nick, m.Param(0), true)
	}
	r.unseen(m.Source.Nick)
}

func (r *relay) kicked(m wire.Message) {
	ch := r.channel(m.Param(0))
	if ch == nil {
		return
	}
	why := m.Param(2)
	if r.me(m.Param(1)) {
		ch.kicked(m.Source.Nick, why)
		return
	}
	if who := ch.member(m.Param(1)); who != nil {
		ch.leave(who.nick, "kicked by "+m.Source.Nick+": "+why, false)
		r.unseen(who.nick)
	}
}

func (r *relay) renamed(m wire.Message) {
	old, nick := m.Source.Nick, m.Param(0)
	if nick == "" {
		return
	}
	if r.me(nick) {
		r.own(nick)
	}
	if at, ok := r.pictures.at[r.fold(old)]; ok {
		delete(r.pictures.at, r.fold(old))
		r.pictures.at[r.fold(nick)] = at
	}
	for _, ch := range r.seen(old) {
		ch.follow(nick)
	}
	now := time.Now()
	for _, ch := range r.links {
		who := ch.member(old)
		if who == nil {
			continue
		}
		was := who.ghost(r)
		delete(ch.members, r.fold(old))
		who.nick, who.ours = nick, r.isOurs(nick)
		ch.members[r.fold(nick)] = who
		if who.ours {
			continue
		}
		ch.came(&member{nick: old}, now, "is now "+escapeLine(nick), "")
		if at, ok := ch.spoke[r.fold(old)]; ok {
			ch.spoke[r.fold(nick)] = at
		}
		if is := who.ghost(r); is.Id != was.Id {
			ch.gone(was.Id)
		}
		ch.here(who)
	}
}

func (r *relay) account(m wire.Message) {
	account := m.Param(0)
	if account == "*" {
		account = ""
	}
	for _, ch := range r.seen(m.Source.Nick) {
		ch.loggedIn(account)
	}
	for _, ch := range r.links {
		if who := ch.member(m.Source.Nick); who != nil && who.account != account {
			was := who.ghost(r).Id
			who.account = account
			if !who.ours {
				ch.gone(was)
				ch.here(who)
			}
		}
	}
}

// each changes what is known of a nick, wherever it is.
func (r *relay) each(nick string, change func(*member)) {
	for _, ch := range r.links {
		if who := ch.member(nick); who != nil {
			change(who)
			ch.is(who, r.lazyTime)
		}
	}
}

func (r *relay) away(m wire.Message) {
	r.each(m.Source.Nick, func(who *member) { who.away = m.Param(0) })
}

func (r *relay) setName(m wire.Message) {
	r.each(m.Source.Nick, func(who *member) { who.real = m.Param(0) })
}

// moveHost is CHGHOST.
func (r *relay) moveHost(m wire.Message) {
	address := addressOf(wire.Source{User: m.Param(0), Host: m.Param(1)})
	for _, ch := range r.seen(m.Source.Nick) {
		ch.lives(address)
	}
	r.each(m.Source.Nick, func(who *member) { who.address = address })
}

func (r *relay) mode(m wire.Message) {
	ch := r.channel(m.Param(0))
	if ch == nil || len(m.Params) < 2 {
		return
	}
	for _, c := range r.bot.session.Support.Changes(m.Params[1:]) {
		if c.Mode == 'b' && c.Sign == 0 {
			ch.banChanged(c)
		}
		who := ch.member(c.Arg)
		if c.Sign == 0 || who == nil {
			continue
		}
		who.signs = strings.ReplaceAll(who.signs, string(c.Sign), "")
		if c.On {
			who.signs += string(c.Sign)
		}
		ch.here(who)
	}
}

// invited: where the administrator has linked a channel, its operators may let us in; of any other the administrator
// hears. Of others who are invited (invite-notify) the room hears when who invites them has spoken lately.
func (r *relay) invited(m wire.Message) {
	nick, ch, now := m.Param(0), r.channel(m.Param(1)), time.Now()
	switch {
	case !r.me(nick):
		if ch != nil && ch.joined && !r.isOurs(m.Source.Nick) {
			ch.came(&member{nick: m.Source.Nick}, now, "has invited "+escapeLine(nick), "")
		}
	case ch != nil && !ch.joined && ch.stopped == "":
		ch.join()
	case ch == nil && r.invites.take(now):
		r.host.Log().Info("invited to a channel that is not linked; the bridge is nowhere unasked: `hearth bridge link` links it", "channel", short(m.Param(1), 100), "by", m.Source.String())
	}
}

// moved is RENAME of a channel (draft/channel-rename).
func (r *relay) moved(m wire.Message) {
	if ch := r.channel(m.Param(0)); ch != nil && m.Param(1) != "" {
		ch.name = m.Param(1)
		ch.line("rename:"+hash(m.String()), "The channel is called "+escapeLine(ch.name)+" now.")
	}
}

func (r *relay) topic(m wire.Message) {
	if ch := r.channel(m.Param(0)); ch != nil && !r.isOurs(m.Source.Nick) {
		ch.topicFromChannel(m.Param(1), m, time.Now())
	}
}

func (r *relay) topicIs(m wire.Message) {
	ch := r.channel(m.Param(1))
	if ch == nil {
		return
	}
	if ch.link.GetConfirmed() && r.settings.topic == "from_room" && ch.link.GetTopic() != "" && plainTopic(ch.link.GetTopic()) != m.Param(2) {
		ch.topicFromRoom(ch.link.GetTopic())
		return
	}
	ch.topicFromChannel(m.Param(2), wire.Message{}, time.Now())
}

func (r *relay) names(m wire.Message) {
	if ch := r.channel(m.Param(2)); ch != nil && ch.joined {
		ch.names(m.Param(3))
	}
}

func (r *relay) namesEnd(m wire.Message) {
	if ch := r.channel(m.Param(1)); ch != nil && ch.joined {
		ch.named()
		ch.listed = m.Command == "315" || !r.whoComes() || ch.listed
	}
}

// whox is 354, as askWho wants it: token channel user host nick flags account, real name.
func (r *relay) whox(m wire.Message) {
	if ch := r.channel(m.Param(2)); ch != nil && ch.joined && m.Param(1) == whoToken {
		account := m.Param(7)
		if account == "0" {
			account = ""
		}
		ch.who(m.Param(5), m.Param(3)+"@"+m.Param(4), m.Param(6), m.Param(8)).account = account
	}
}

// who is 352: channel user host server nick flags, hops and real name.
func (r *relay) who(m wire.Message) {
	if ch := r.channel(m.Param(1)); ch != nil && ch.joined {
		_, real, _ := strings.Cut(m.Param(7), " ")
		ch.who(m.Param(5), m.Param(2)+"@"+m.Param(3), m.Param(6), real)
	}
}

func (r *relay) whoEnd(m wire.Message) { r.namesEnd(m) }

func (r *relay) joinRefused(m wire.Message) {
	if ch := r.channel(m.Param(1)); ch != nil && !ch.joined {
		ch.refused(m.Command, m.Last())
	} else if m.Command == "403" || m.Command == "477" || m.Command == "489" {
		r.sendRefused(m)
	}
}

func (r *relay) forwarded(m wire.Message) {
	if ch := r.channel(m.Param(1)); ch != nil && !ch.joined {
		ch.refused("470", m.Param(2)+": "+m.Last())
	}
}

// tagged is a message without text: a reaction, or somebody typing.
func (r *relay) tagged(m wire.Message) {
	ch := r.channel(m.Param(0))
	if ch == nil || !ch.link.GetConfirmed() {
		return
	}
	if r.isOurs(m.Source.Nick) {
		r.echoed(m)
		return
	}
	ch.tag(m)
}

// tag takes in what a message without text says.
func (ch *channel) tag(m wire.Message) {
	r := ch.r
	ghost := r.ghost(m.Source.Nick, m.Tags.Value("account"))
	if typing := m.Tags.Value("+typing"); typing != "" {
		r.host.Typing(&pb.Typing{Channel: ch.id, Person: &pb.Person{Name: ghost.Name, Ghost: ghost}, On: typing == "active"})
	}
	target := m.Tags.Any("+reply", "+draft/reply")
	for kind, tags := range map[string][]string{"react": {"+react", "+draft/react"}, "unreact": {"+unreact", "+draft/unreact"}} {
		if emoji := m.Tags.Any(tags...); emoji != "" && target != "" && len(emoji) <= 64 {
			ch.post(&pb.Entry{Key: key(m, kind+emoji, time.Now()), Kind: kind, Ghost: ghost, Target: target, Emoji: emoji, Time: at(m, time.Now())})
		}
	}
}

// redacted is draft/message-redaction: somebody took a message back.
func (r *relay) redacted(m wire.Message) {
	ch := r.channel(m.Param(0))
	if ch == nil || !ch.link.GetConfirmed() || m.Param(1) == "" {
		return
	}
	if r.isOurs(m.Source.Nick) {
		r.echoed(m)
		return
	}
	ch.post(&pb.Entry{Key: "redact:" + m.Param(1), Kind: "delete", Ghost: r.ghost(m.Source.Nick, m.Tags.Value("account")), Target: m.Param(1), Time: at(m, time.Now())})
}
