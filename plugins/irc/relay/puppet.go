package relay

import (
	"net"
	"slices"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/conn"
	"hearth/plugins/irc/wire"
)

// puppetCaps are what a puppet has a use for: it speaks, and the bot listens.
var puppetCaps = []string{"message-tags", "batch", "draft/multiline", "labeled-response", "cap-notify", "standard-replies", "chghost"}

// voice decides who says the job; false: not yet, or it cannot be said at all.
func (j *job) voice() bool {
	r := j.ch.r
	j.client, j.how = r.bot, "bot"
	if j.ch.peer != nil {
		return j.toPeer()
	}
	p := j.d.GetAuthor()
	if p == nil || j.d.GetKind() == "notice" || j.d.GetKind() == "topic" || j.d.GetKind() == "react" && r.settings.reactions == "digest" {
		return true
	}
	switch r.settings.mode {
	case "relaymsg":
		if r.bot.session.Has("draft/relaymsg") && time.Since(j.ch.noRelay) > time.Hour && (j.d.GetKind() == "text" || j.d.GetKind() == "emote" || j.d.GetKind() == "edit") {
			j.how = "relaymsg"
		}
	case "puppets":
		return j.puppet(p)
	}
	return true
}

// puppet lets the author's own connection speak. Who may not have one is relayed by the bot; who is banned from the
// channel is not relayed there at all.
func (j *job) puppet(p *pb.Person) bool {
	r := j.ch.r
	if p.GetGhost() != nil || p.GetUser() == "" {
		return true
	}
	if j.ch.isBanned(p.GetUser()) {
		j.drop("banned", "The channel's operators have banned "+p.GetUser()+" there.")
		return false
	}
	c := r.puppets[p.GetUser()]
	if c == nil {
		if len(r.puppets) >= r.settings.maxPuppets || time.Since(r.puppetless) < 10*time.Minute {
			return true
		}
		c = r.newPuppet(p)
	}
	c.used = time.Now()
	if time.Since(c.refused[r.fold(j.ch.name)]) < 10*time.Minute {
		return true
	}
	if j.patience.IsZero() {
		j.patience = time.Now().Add(puppetTime)
		r.after(puppetTime, func() {})
	}
	if c.in(j.ch) {
		j.ch.empower(c, p.GetRole())
		j.client, j.how = c, "puppet"
		return true
	}
	return time.Now().After(j.patience)
}

func (r *relay) newPuppet(p *pb.Person) *client {
	c := &client{r: r, user: p.GetUser(), used: time.Now(), joined: map[string]bool{}, given: map[string]bool{}, refused: map[string]time.Time{}}
	r.puppets[c.user] = c
	name, _, _ := strings.Cut(c.user, "@")
	login := conn.Config{
		Nick: wire.LegalNick(r.shownNick(p), max(9, r.bot.session.Support.NickLen)), User: wire.LegalNick(name, 10), Realname: "@" + c.user,
		Password: r.settings.login.Password, Flood: r.flood, Wanted: puppetCaps,
	}
	if r.settings.private {
		login.Wanted = slices.Concat(puppetCaps, privateCaps)
	}
	if c := r.settings.contact; c != "" {
		login.Realname += " (" + c + ")"
	}
	t := r.secured(r.settings.targets[r.target%len(r.settings.targets)])
	// One after the other: a crowd of connections at once is an attack to a network.
	wait := max(0, time.Until(r.nextPuppet))
	r.nextPuppet = time.Now().Add(wait + r.settings.connectWait)
	r.after(wait, func() {
		r.dial(t, login.User, func(nc net.Conn, err error) {
			switch {
			case r.puppets[c.user] != c || r.bot == nil:
				if nc != nil {
					nc.Close()
				}
			case err != nil:
				delete(r.puppets, c.user)
			default:
				c.run(nc, login)
			}
		})
	})
	return c
}

// in tells whether a puppet is in the channel, and asks to be let in.
func (c *client) in(ch *channel) bool {
	if c.stream == nil || !c.session.Ready() {
		return false
	}
	name := c.r.fold(ch.name)
	if in, asked := c.joined[name]; asked {
		return in
	}
	c.joined[name] = false
	params := []string{ch.name}
	if key := ch.link.GetSettings()["key"]; key != "" {
		params = append(params, key)
	}
	c.send(wire.New("JOIN", params...))
	return false
}

func (c *client) leave(ch *channel) {
	name := c.r.fold(ch.name)
	if c.joined[name] && c.stream != nil {
		c.send(wire.New("PART", ch.name, "The link has ended."))
	}
	c.away(name)
}

// away: it is not in a channel any more, and what it was there is gone.
func (c *client) away(name string) {
	delete(c.joined, name)
	delete(c.given, name)
}

// puppetReady has nothing to do: the jobs that wait for it ask to be let in.
func (r *relay) puppetReady(*client) {}

// puppetHeard takes what a puppet's server says of it alone; all else the bot hears.
func (r *relay) puppetHeard(c *client, m wire.Message) {
	if r.privately(c, m) {
		return
	}
	switch m.Command {
	case "JOIN":
		if c.session.Is(m.Source.Nick) {
			c.joined[r.fold(m.Param(0))] = true
			r.own(c.session.Source.Nick)
			if ch := r.channel(m.Param(0)); ch != nil {
				delete(ch.banned, c.user)
				ch.enter(c.session.Source.Nick, "").ours = true
			}
		}
	case "NICK":
		r.own(c.session.Source.Nick)
	case "PART":
		if c.session.Is(m.Source.Nick) {
			c.away(r.fold(m.Param(0)))
		}
	case "KICK":
		if ch := r.channel(m.Param(0)); ch != nil && c.session.Is(m.Param(1)) {
			c.away(r.fold(ch.name))
			ch.kickedPuppet(c, m.Source.Nick, m.Param(2))
		}
	case "471", "473", "475", "477", "489", "405": // the bot says it then
		name := r.fold(m.Param(1))
		delete(c.joined, name)
		c.refused[name] = time.Now()
	case "474":
		if ch := r.channel(m.Param(1)); ch != nil {
			ch.ban(c.user, "")
		}
	case "PRIVMSG":
		if r.bot != nil && c.session.Is(m.Param(0)) && !strings.HasPrefix(m.Last(), "\x01") {
			r.count("", "dropped", "private", 1)
			if r.private.take(time.Now()) {
				c.send(wire.New("NOTICE", m.Source.Nick, "I am on "+r.open.GetNode()+" and do not see private messages."))
			}
		}
	case "401", "404", "482":
		if s := r.refusedPuppet(c, m); s != nil {
			s.job.drop("forbidden", "The network did not take the message: "+m.Last())
		}
	case "FAIL":
		r.fail(m)
	}
}

func (r *relay) refusedPuppet(c *client, m wire.Message) *shot {
	for _, s := range r.flight {
		if s.client == c && (s.label != "" && s.label == m.Tags.Value("label") || s.label == "" && r.fold(s.job.ch.name) == r.fold(m.Param(1))) {
			return s
		}
	}
	return nil
}

// puppetEnded: the next thing its person says connects it again, unless the network wants no more of them.
func (r *relay) puppetEnded(c *client, e conn.Ended) {
	if r.puppets[c.user] == c {
		delete(r.puppets, c.user)
	}
	if e.Why != conn.Lost {
		r.puppetless = time.Now()
		r.host.Log().Warn("a puppet's connection ended; for ten minutes no new ones", "why", e.Text, "detail", e.Detail)
	}
}

// reap sends puppets home whose person has not spoken for long.
func (r *relay) reap(now time.Time) {
	for user, c := range r.puppets {
		if now.Sub(c.used) > r.settings.puppetIdle {
			delete(r.puppets, user)
			r.doubt(c)
			c.quit("Idle.")
		}
	}
}

func (r *relay) sendPuppetsHome() {
	for user, c := range r.puppets {
		delete(r.puppets, user)
		r.doubt(c)
		c.quit("The bridge is going down.")
	}
}

// typing is shown by puppets only: a bot that writes all the time tells nothing.
func (r *relay) typing(t *pb.Typing) {
	ch, c := r.links[t.GetChannel()], r.puppets[t.GetPerson().GetUser()]
	if ch == nil || c == nil || c.stream == nil || !c.joined[r.fold(ch.name)] && (ch.peer == nil || ch.peer.sight != here) || !c.session.Has("message-tags") || c.session.Waiting() > 0 {
		return
	}
	state := "done"
	if t.GetOn() {
		state = "active"
	}
	if time.Since(c.typed) > 3*time.Second || !t.GetOn() {
		c.typed = time.Now()
		c.send(wire.New("TAGMSG", ch.name).Tagged("+typing", state))
	}
}
