package relay

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/format"
	"hearth/plugins/irc/wire"
)

// member is somebody in the channel.
type member struct {
	nick    string
	signs   string // of rank
	account string
	address string // user@host; "": not known
	real    string // name
	away    string // why; "": there, or unknown
	ours    bool
	bot     bool // marked as one
}

// ghost is who a member is to the room. With an account the id is the account's, which outlives a nick.
func (r *relay) ghost(nick, account string) *pb.Ghost {
	id := r.fold(nick)
	if account != "" {
		id = "account:" + r.fold(account)
	}
	return &pb.Ghost{Id: short(id, 64), Name: short(nick, 64), Avatar: r.avatar(nick)}
}

func (m *member) ghost(r *relay) *pb.Ghost { return r.ghost(m.nick, m.account) }

// present is a member as the roster shows one: with the rank, and what the person says of itself.
func (m *member) present(r *relay) *pb.Ghost {
	g := m.ghost(r)
	g.Rank, g.Away = r.rank(m.signs), words(m.away)
	if g.Away == "" && m.away != "" {
		g.Away = awayWord
	}
	if real := words(m.real); r.fold(real) != r.fold(m.nick) { // most clients give the nick
		g.RealName = real
	}
	return g
}

const (
	awayWord = "away"
	maxWords = 100 // bytes of what a person says of itself
)

// words are what a person says of itself, as one plain line.
func words(s string) string {
	return short(strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Bidi_Control) {
			return -1
		}
		return r
	}, format.FromIRC(s).Text())), maxWords)
}

// addressOf is user@host; "" when the server did not tell it.
func addressOf(s wire.Source) string {
	if s.User == "" || s.Host == "" {
		return ""
	}
	return s.User + "@" + s.Host
}

// short is s, cut to at most n bytes between characters.
func short(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

func (ch *channel) member(nick string) *member { return ch.members[ch.r.fold(nick)] }

// askWho asks who is there: by WHOX, which tells accounts too, where NAMES does not come by itself or the
// server has it; NAMES has come otherwise. Without it a plain WHO tells the addresses, by which those are known
// who have no account and are written to privately.
func (ch *channel) askWho() {
	s := ch.r.bot.session
	if s.Support.WHOX {
		ch.r.bot.send(wire.New("WHO", ch.name, "%tcuhnfar,"+whoToken))
		return
	}
	if s.Has("draft/no-implicit-names") || s.Has("no-implicit-names") {
		ch.r.bot.send(wire.New("NAMES", ch.name))
	}
	if ch.r.settings.private {
		ch.r.bot.send(wire.New("WHO", ch.name))
	}
}

// whoComes tells whether the end of a WHO is what shows that all is known.
func (r *relay) whoComes() bool { return r.bot.session.Support.WHOX || r.settings.private }

const whoToken = "42"

// names is 353: part of who is there.
func (ch *channel) names(list string) {
	support := ch.r.bot.session.Support
	for _, each := range strings.Fields(list) {
		signs, name := support.Signs(each)
		source := wire.ParseSource(name)
		m := ch.enter(source.Nick, "")
		m.signs = signs
		if address := addressOf(source); address != "" {
			m.address = address
		}
	}
}

// who is 354 and 352.
func (ch *channel) who(nick, address, flags, real string) *member {
	m, s := ch.enter(nick, ""), ch.r.bot.session
	m.address, m.real = address, real
	m.bot = s.Support.Bot != "" && strings.Contains(flags, s.Support.Bot)
	if m.signs == "" {
		m.signs = strings.Trim(flags, "HGd*BbRrs")
	}
	if m.away == "" && strings.HasPrefix(flags, "G") && s.Has("away-notify") { // else nobody tells when they are back
		m.away = awayWord
	}
	return m
}

// named is 366 or 315: that was all.
func (ch *channel) named() {
	if ch.vacant() {
		return
	}
	ch.whole, ch.news = true, nil
	all := make([]*pb.Ghost, 0, len(ch.members))
	for _, m := range ch.members {
		if !m.ours {
			all = append(all, m.present(ch.r))
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Id < all[j].Id })
	for first := true; first || len(all) > 0; first = false {
		n := min(len(all), rosterPage)
		ch.r.host.Roster(&pb.Roster{Channel: ch.id, Whole: first, Here: all[:n]})
		all = all[n:]
	}
}

const (
	rosterPage = 1000 // ghosts in a frame
	maxMembers = 100_000
)

// enter notes somebody as present. In a crowd beyond all reason the roster is not complete.
func (ch *channel) enter(nick, account string) *member {
	key := ch.r.fold(nick)
	m := ch.members[key]
	if m == nil {
		m = &member{nick: nick, account: account, ours: ch.r.isOurs(nick)}
		if len(ch.members) < maxMembers {
			ch.members[key] = m
		}
	}
	if !m.ours {
		ch.lost, ch.alone = false, time.Time{}
	}
	return m
}

// others tells whether anybody is here who is not ours.
func (ch *channel) others() bool {
	for _, m := range ch.members {
		if !m.ours {
			return true
		}
	}
	return false
}

// news are changes of the roster that the node has not been told yet: a crowd that comes is a few frames.
type news struct {
	here  map[string]*pb.Ghost // by id
	gone  map[string]bool
	due   time.Time
	timer *time.Timer
}

const (
	newsTime = 200 * time.Millisecond
	lazyTime = 5 * time.Second // for what nobody waits for, such as that somebody is away: whoever looks at a roster fetches it anew
)

func (ch *channel) here(m *member) { ch.is(m, newsTime) }

// is notes how somebody who is here is now, to be told within a time.
func (ch *channel) is(m *member, within time.Duration) {
	if !m.ours {
		g := m.present(ch.r)
		ch.note(within, func(n *news) { n.here[g.Id] = g; delete(n.gone, g.Id) })
	}
}

func (ch *channel) gone(ids ...string) {
	ch.note(newsTime, func(n *news) {
		for _, id := range ids {
			n.gone[id] = true
			delete(n.here, id)
		}
	})
}

func (ch *channel) note(within time.Duration, change func(*news)) {
	if !ch.whole {
		return
	}
	n := ch.news
	if n == nil {
		n = &news{here: map[string]*pb.Ghost{}, gone: map[string]bool{}}
		ch.news = n
	}
	if due := time.Now().Add(within); n.timer == nil || due.Before(n.due) {
		if n.timer != nil {
			n.timer.Stop()
		}
		n.due = due
		n.timer = ch.r.after(within, func() {
			if ch.news == n {
				ch.report()
			}
		})
	}
	change(n)
}

// report tells the node, rosterPage at a time.
func (ch *channel) report() {
	here := slices.Collect(maps.Values(ch.news.here))
	gone := slices.Collect(maps.Keys(ch.news.gone))
	ch.news = nil
	for len(here)+len(gone) > 0 {
		h, g := min(len(here), rosterPage), min(len(gone), rosterPage)
		ch.r.host.Roster(&pb.Roster{Channel: ch.id, Here: here[:h], Gone: gone[:g]})
		here, gone = here[h:], gone[g:]
	}
}

// recently is how long somebody who spoke is of interest.
const recently = 30 * time.Minute

func (ch *channel) spokeLately(nick string, now time.Time) bool {
	at, ok := ch.spoke[ch.r.fold(nick)]
	return ok && now.Sub(at) < recently
}

// isOurs tells whether a connection of ours has the nick now.
func (r *relay) isOurs(nick string) bool {
	if r.bot != nil && r.bot.stream != nil && r.bot.session.Is(nick) {
		return true
	}
	for _, c := range r.puppets {
		if c.stream != nil && c.session.Is(nick) {
			return true
		}
	}
	return false
}
