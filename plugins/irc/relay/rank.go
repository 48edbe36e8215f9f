package relay

import (
	"slices"
	"strings"

	"hearth/plugins/irc/wire"
)

// Ranks cross one way, and are shown: who is an operator over there has a mark in the roster, and no rights in the
// room; both sides' moderators have been hurt by bridges that gave any. The other way nothing happens, unless the administrator
// wants the room's moderators to have a rank where they are puppets.

// rankNames are what the modes of rank are called; other modes have no name that people know.
var rankNames = map[byte]string{'q': "owner", 'a': "administrator", 'o': "operator", 'h': "half-operator", 'v': "voice"}

// rank is what the highest of the signs is called; "": nothing.
func (r *relay) rank(signs string) string {
	for _, p := range r.bot.session.Support.Prefixes {
		if strings.IndexByte(signs, p.Sign) >= 0 && rankNames[p.Mode] != "" {
			return rankNames[p.Mode]
		}
	}
	return ""
}

// operates tells whether the bridge itself is an operator of the channel.
func (ch *channel) operates() bool {
	s := ch.r.bot.session
	me := ch.member(s.Source.Nick)
	return me != nil && s.Support.IsOperator(me.signs)
}

var moderators = []string{"owner", "administrator", "moderator"}

// empower gives a moderator's puppet its rank, and takes it back from one who is none any more. It is given once:
// when the channel's operators take it away, that holds.
func (ch *channel) empower(c *client, role string) {
	mode, name := rankModes[ch.r.settings.moderators], ch.r.fold(ch.name)
	is := slices.Contains(moderators, role)
	if mode == "" || c.given[name] == is || !ch.operates() {
		return
	}
	c.given[name] = is
	sign := "-"
	if is {
		sign = "+"
	}
	ch.r.bot.send(wire.New("MODE", ch.name, sign+mode, c.session.Source.Nick))
}

var rankModes = map[string]string{"voice": "v", "op": "o"}
