package relay

import (
	"time"

	"hearth/plugins/irc/wire"
)

// ban keeps one person's puppet out of a channel: that person loses the bridge there, nobody loses the room, and the
// bridge loses nobody else.
type ban struct {
	until time.Time // then it is looked whether it still holds
	mask  string    // "": of one that was not seen set
	told  bool
}

const (
	banLook  = time.Hour
	kickTime = 10 * time.Minute
)

// isBanned tells whether a user's puppet is not to be tried.
func (ch *channel) isBanned(user string) bool {
	b := ch.banned[user]
	return b != nil && time.Now().Before(b.until)
}

// kickedPuppet: whom the operators kicked stays out for a while.
func (ch *channel) kickedPuppet(c *client, by, why string) {
	ch.line("kick:"+c.user+itoa(int(time.Now().UnixMilli())), escapeLine(by)+" kicked "+escapeLine(c.user)+" from "+ch.id+": "+escapeLine(why))
	if !ch.isBanned(c.user) {
		ch.shut(c.user, &ban{until: time.Now().Add(kickTime)})
	}
}

// ban is told once, however often it is looked whether it still holds.
func (ch *channel) ban(user, mask string) {
	if b := ch.banned[user]; b == nil || !b.told {
		ch.line("ban:"+user+itoa(int(time.Now().UnixMilli())), escapeLine(user)+" is banned from "+ch.id+"; what they say is not relayed there.")
	} else if mask == "" {
		mask = b.mask
	}
	ch.shut(user, &ban{until: time.Now().Add(banLook), mask: mask, told: true})
}

func (ch *channel) shut(user string, b *ban) {
	if ch.banned == nil {
		ch.banned = map[string]*ban{}
	}
	ch.banned[user] = b
}

// banChanged is +b or -b of the channel: of a puppet that is in it, the server says nothing until it speaks.
func (ch *channel) banChanged(c wire.Change) {
	r := ch.r
	if !c.On {
		for user, b := range ch.banned {
			if b.mask != "" && r.fold(b.mask) == r.fold(c.Arg) {
				delete(ch.banned, user)
				ch.line("unban:"+user+itoa(int(time.Now().UnixMilli())), escapeLine(user)+" is no longer banned from "+ch.id+".")
			}
		}
		return
	}
	for user, p := range r.puppets {
		if p.stream != nil && wire.Match(r.fold(c.Arg), r.fold(p.session.Source.String())) {
			ch.ban(user, c.Arg)
		}
	}
}
