package relay

import (
	"regexp"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/format"
)

// people are those of the room who spoke lately, by the folded name under which IRC knows them. Only who
// is known to be there is ever mentioned.
type people map[string]*speaker

type speaker struct {
	user string // alice@node; "": a ghost of another bridge
	name string
	at   time.Time
}

const maxPeople = 2000

func (p people) spoke(shown string, who *pb.Person, fold func(string) string) {
	if len(p) >= maxPeople {
		clear(p)
	}
	if who.GetGhost() == nil {
		p[fold(shown)] = &speaker{who.GetUser(), who.GetName(), time.Now()}
		name, _, _ := strings.Cut(who.GetUser(), "@")
		p[fold(name)] = p[fold(shown)]
	}
}

func (p people) forget(now time.Time) {
	for nick, s := range p {
		if now.Sub(s.at) > 24*time.Hour {
			delete(p, nick)
		}
	}
}

var (
	addressed = regexp.MustCompile(`^@?([^\s:,@]{1,64})([:,]) `)
	mentioned = regexp.MustCompile(`(^|[\s(])@([^\s:,.!?)@]{1,64})`)
)

// address turns "alice: hello" and "@alice" into mentions of the room's alice.
func (p people) address(l format.Line, r *relay) format.Line {
	if len(l) == 0 || len(p) == 0 {
		return l
	}
	l = append(format.Line(nil), l...)
	if m := addressed.FindStringSubmatch(l[0].Text); m != nil {
		if s := p[r.fold(plainNick(m[1]))]; s != nil {
			l[0].Text = "@" + r.written(s.user) + m[2] + " " + l[0].Text[len(m[0]):]
		}
	}
	for i := range l {
		if l[i].Style&format.Mono != 0 {
			continue
		}
		l[i].Text = mentioned.ReplaceAllStringFunc(l[i].Text, func(at string) string {
			m := mentioned.FindStringSubmatch(at)
			if s := p[r.fold(plainNick(m[2]))]; s != nil {
				return m[1] + "@" + r.written(s.user)
			}
			return at
		})
	}
	return l
}

// plainNick is a name as it was before it was relayed.
func plainNick(s string) string { return strings.ReplaceAll(strings.Trim(s, "<>"), zeroWidth, "") }

// written is a user as rooms of this node write one: without the node, where it is this one.
func (r *relay) written(user string) string {
	return strings.TrimSuffix(user, "@"+r.open.GetNode())
}
