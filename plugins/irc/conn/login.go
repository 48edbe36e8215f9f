package conn

import (
	"regexp"
	"strings"
	"time"

	"hearth/plugins/irc/wire"
)

// nick follows one's own nick.
func (s *Session) nick(m wire.Message) {
	if s.Is(m.Source.Nick) && m.Param(0) != "" {
		s.Source.Nick = m.Param(0)
		if s.Is(s.config.Nick) {
			s.regain = time.Time{}
		}
	}
}

// taken is 433, 436 and 437: another nick while logging in, none later, when one only tried to get it back.
// 437 is said of channels too.
func (s *Session) taken(m wire.Message) {
	if s.stage != registering || s.Support.IsChannel(m.Param(1)) {
		return
	}
	s.tries++
	if s.tries > 20 {
		s.end(Lost, "Twenty nicks like "+s.config.Nick+" are taken.")
		return
	}
	s.Source.Nick = wire.NextNick(s.config.Nick, s.tries, max(s.Support.NickLen, len(s.config.Nick)))
	s.say(wire.New("NICK", s.Source.Nick))
}

func (s *Session) badNick(m wire.Message) {
	if s.stage == registering && s.tries == 0 {
		s.end(Refused, "The network does not take the nick "+s.config.Nick+". Set another one.", m.Last())
	} else if s.stage == registering {
		s.taken(m)
	}
}

func (s *Session) badPassword(m wire.Message) {
	if s.stage == registering {
		s.end(Refused, "The server refuses the password. Check the setting password.", m.Last())
	}
}

func (s *Session) banned(m wire.Message) {
	if s.stage == registering {
		s.end(Banned, "The network has banned this node. Write to its operators; then `hearth bridge restart`.", m.Last())
	}
}

func (s *Session) hidden(m wire.Message) {
	if host := m.Param(1); host != "" {
		if user, rest, both := strings.Cut(host, "@"); both {
			s.Source.User, host = user, rest
		}
		s.Source.Host = host
	}
}

func (s *Session) chghost(m wire.Message) {
	if s.Is(m.Source.Nick) && len(m.Params) == 2 {
		s.Source.User, s.Source.Host = m.Params[0], m.Params[1]
	}
}

func (s *Session) slow(wire.Message) { s.bucket.pause(s.now, 10*time.Second) }

// offline is MONITOR's word that the nick is free.
func (s *Session) offline(m wire.Message) {
	if s.stage == ready && s.Fold(wire.ParseSource(m.Last()).Nick) == s.Fold(s.config.Nick) {
		s.reclaim()
	}
}

// identify is for networks that have NickServ and no SASL. Nothing is joined before it answers.
func (s *Session) identify() {
	if !s.private() {
		s.end(Refused, "A password must not go in the clear. Set tls = true, or leave nickserv empty.")
		return
	}
	s.stage, s.began = identifying, s.now
	params := []string{"IDENTIFY"}
	if s.config.Account != "" {
		params = append(params, s.config.Account)
	}
	s.say(wire.New("PRIVMSG", "NickServ", strings.Join(append(params, s.config.NickServ), " ")))
}

// private tells whether a password may be said.
func (s *Session) private() bool { return s.config.Secure || s.config.Trust }

var (
	identified   = regexp.MustCompile(`(?i)\b(identified|recogni[sz]ed|logged in|password accepted)\b`)
	unidentified = regexp.MustCompile(`(?i)\b(not (identified|logged in|recogni[sz]ed)|invalid|incorrect|wrong|not registered|isn't registered|failed|denied)\b`)
)

func (s *Session) notice(m wire.Message) {
	if s.stage != identifying || s.Fold(m.Source.Nick) != s.Fold("NickServ") {
		return
	}
	switch text := m.Last(); {
	case unidentified.MatchString(text):
		s.end(Refused, "NickServ refuses the login. Check the settings nickserv and sasl_user.", text)
	case identified.MatchString(text):
		s.begin()
	}
}

// mode sees +r on oneself, by which many services say that one is identified.
func (s *Session) mode(m wire.Message) {
	if s.stage != identifying || !s.Is(m.Param(0)) {
		return
	}
	if on, _, _ := strings.Cut(m.Param(1), "-"); strings.Contains(on, "r") {
		s.begin()
	}
}

func (s *Session) account(m wire.Message) {
	if !s.Is(m.Source.Nick) {
		return
	}
	if s.Account = m.Param(0); s.Account == "*" {
		s.Account = ""
	}
	if s.Account != "" && s.stage == identifying {
		s.begin()
	}
}

func (s *Session) loggedIn(m wire.Message) {
	s.Account = m.Param(2)
	if source := wire.ParseSource(m.Param(1)); source.Host != "" && source.Nick != "*" {
		s.Source.User, s.Source.Host = source.User, source.Host
	}
	if s.stage == identifying {
		s.begin()
	}
}

func (s *Session) loggedOut(wire.Message) { s.Account = "" }
