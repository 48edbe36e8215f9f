package conn

import (
	"slices"
	"strconv"
	"strings"

	"hearth/plugins/irc/wire"
)

// cap is IRCv3 capability negotiation, version 302.
func (s *Session) cap(m wire.Message) {
	list := strings.Fields(m.Last())
	switch strings.ToUpper(m.Param(1)) {
	case "LS":
		s.offer(list)
		if m.Param(2) != "*" && s.stage == registering {
			s.negotiate()
		}
	case "NEW":
		s.offer(list)
		s.request(list)
		s.strict()
	case "DEL":
		for _, name := range list {
			delete(s.caps, name)
		}
	case "ACK":
		for _, name := range list {
			if off, negated := strings.CutPrefix(name, "-"); negated {
				delete(s.caps, off)
			} else {
				s.caps[name] = s.offered[name]
			}
		}
		s.answered()
	case "NAK":
		s.refused(list)
	}
}

func (s *Session) offer(list []string) {
	for _, each := range list {
		if len(s.offered) < 256 {
			name, value, _ := strings.Cut(each, "=")
			s.offered[name] = value
		}
	}
}

// negotiate asks for what is wanted of what is offered, once that is known.
func (s *Session) negotiate() {
	if !s.strict() {
		return
	}
	if len(s.config.Mechanisms) > 0 {
		if _, ok := s.offered["sasl"]; !ok {
			s.end(Lost, "The server does not offer SASL at the moment, and without it we do not join. If it never does, use the setting nickserv instead.")
			return
		}
		s.request([]string{"sasl"})
	}
	names := make([]string, 0, len(s.offered))
	for name := range s.offered {
		if name != "sasl" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	s.request(names)
	s.settle()
}

// request asks for those of the names that are wanted, in lines that are short enough for any server.
func (s *Session) request(names []string) {
	var line []string
	size := 0
	flush := func() {
		if len(line) > 0 {
			s.asked++
			s.say(wire.New("CAP", "REQ", strings.Join(line, " ")))
		}
		line, size = nil, 0
	}
	for _, name := range names {
		name, _, _ = strings.Cut(name, "=")
		sasl := name == "sasl" && len(s.config.Mechanisms) > 0
		if _, have := s.caps[name]; have || !sasl && !slices.Contains(s.config.Wanted, name) {
			continue
		}
		if size += len(name) + 1; size > 400 {
			flush()
		}
		line = append(line, name)
		if sasl {
			flush() // alone, so that nobody's NAK takes it along
		}
	}
	flush()
}

// refused is a NAK: it is for all of a request, so each is asked for alone, once.
func (s *Session) refused(list []string) {
	if len(list) > 1 {
		for _, name := range list {
			s.asked++
			s.say(wire.New("CAP", "REQ", name))
		}
	}
	s.answered()
}

func (s *Session) answered() {
	s.asked--
	s.settle()
}

// settle goes on once all requests are answered.
func (s *Session) settle() {
	if s.stage != registering || s.asked > 0 || s.sasl.begun {
		return
	}
	if len(s.config.Mechanisms) > 0 {
		if !s.Has("sasl") {
			s.end(Lost, "The server would not begin SASL.")
			return
		}
		s.beginSASL()
		return
	}
	s.say(wire.New("CAP", "END"))
}

// capless is a server that knows CAP and not a subcommand of it.
func (s *Session) capless(wire.Message) {
	if s.stage == registering && s.asked > 0 {
		s.answered()
	}
}

// unknown is a server that does not know CAP: it goes on by itself.
func (s *Session) unknown(m wire.Message) {
	if s.stage == registering && strings.EqualFold(m.Param(1), "CAP") && len(s.config.Mechanisms) > 0 {
		s.end(Refused, "The server has no SASL. Remove the sasl settings, or use nickserv.")
	}
}

// strict heeds STS (IRCv3 sts): false ends the session for one by TLS.
func (s *Session) strict() bool {
	policy, ok := s.offered["sts"]
	if !ok {
		return true
	}
	keys := map[string]string{}
	for _, each := range strings.Split(policy, ",") {
		key, value, _ := strings.Cut(each, "=")
		keys[key] = value
	}
	if s.config.Secure {
		if seconds, err := strconv.Atoi(keys["duration"]); err == nil && seconds >= 0 {
			s.tell(Policy{seconds})
		}
		return true
	}
	port, err := strconv.ParseUint(keys["port"], 10, 16)
	if err != nil || port == 0 {
		return true
	}
	s.stage = ended
	s.tell(Ended{Why: Upgrade, Text: "The server wants TLS.", Port: strconv.FormatUint(port, 10)})
	return false
}
