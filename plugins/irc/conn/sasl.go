package conn

import (
	"encoding/base64"
	"slices"
	"strings"

	"hearth/plugins/irc/wire"
)

// sasl is the state of the login (IRCv3 sasl-3.2).
type sasl struct {
	begun, done bool
	left        []string // mechanisms to try, the current one first
	scram       *scram
	challenge   string // so far
	tried       string
}

const saslChunk = 400

func (s *Session) beginSASL() {
	s.sasl.begun = true
	s.sasl.left = slices.Clone(s.config.Mechanisms)
	if offered := s.offered["sasl"]; offered != "" {
		s.keep(strings.Split(offered, ","))
	}
	if !s.private() {
		s.sasl.left = slices.DeleteFunc(s.sasl.left, func(m string) bool { return m == "PLAIN" })
	}
	s.tryNext()
}

func (s *Session) keep(offered []string) {
	s.sasl.left = slices.DeleteFunc(s.sasl.left, func(m string) bool { return !slices.Contains(offered, m) })
}

func (s *Session) tryNext() {
	if len(s.sasl.left) == 0 {
		if s.sasl.tried != "" {
			s.end(Refused, "The network refuses the login. Check sasl_user and sasl_password.", s.sasl.tried)
			return
		}
		text := "The server offers none of the ways to log in that are configured (" + strings.Join(s.config.Mechanisms, ", ") + "; it has " + s.offered["sasl"] + ")."
		if !s.private() {
			text += " A password does not go in the clear."
		}
		s.end(Refused, text)
		return
	}
	s.sasl.scram, s.sasl.challenge = nil, ""
	s.say(wire.New("AUTHENTICATE", s.sasl.left[0]))
}

// authenticate takes a piece of a challenge.
func (s *Session) authenticate(m wire.Message) {
	if s.stage != registering || len(s.sasl.left) == 0 {
		return
	}
	piece := m.Param(0)
	if piece != "+" {
		s.sasl.challenge += piece
	}
	if len(piece) == saslChunk && len(s.sasl.challenge) < 64*saslChunk {
		return // more comes
	}
	challenge, err := base64.StdEncoding.DecodeString(s.sasl.challenge)
	s.sasl.challenge = ""
	answer, err2 := s.answer(challenge)
	if err != nil || err2 != nil {
		s.sasl.tried = "its answer cannot be trusted."
		s.say(wire.New("AUTHENTICATE", "*"))
		return // 906 follows
	}
	s.respond(answer)
}

func (s *Session) answer(challenge []byte) ([]byte, error) {
	switch s.sasl.left[0] {
	case "EXTERNAL":
		return []byte(s.config.Account), nil
	case "PLAIN":
		return []byte("\x00" + s.config.Account + "\x00" + s.config.Secret), nil
	}
	if s.sasl.scram == nil {
		s.sasl.scram = newScram(s.config.Account, s.config.Secret)
	}
	return s.sasl.scram.step(challenge)
}

func (s *Session) respond(answer []byte) {
	text := base64.StdEncoding.EncodeToString(answer)
	for len(text) >= saslChunk {
		s.say(wire.New("AUTHENTICATE", text[:saslChunk]))
		text = text[saslChunk:]
	}
	if text == "" {
		text = "+"
	}
	s.say(wire.New("AUTHENTICATE", text))
}

func (s *Session) authenticated(wire.Message) {
	if s.stage != registering || !s.sasl.begun || s.sasl.done || len(s.sasl.left) == 0 {
		return
	}
	if s.sasl.scram != nil && !s.sasl.scram.proven {
		s.end(Refused, "The server says that we are logged in without having proven that it knows the password: this may not be the network it seems to be.")
		return
	}
	s.sasl.done = true
	s.say(wire.New("CAP", "END"))
}

func (s *Session) unauthenticated(m wire.Message) {
	if s.stage != registering || !s.sasl.begun || s.sasl.done || len(s.sasl.left) == 0 {
		return
	}
	if s.sasl.tried == "" || m.Command == "902" {
		s.sasl.tried = wire.OneLine(m.Last())
	}
	s.sasl.left = s.sasl.left[1:]
	s.tryNext()
}

// mechanisms is 908: what the server has after all. 904 follows.
func (s *Session) mechanisms(m wire.Message) {
	if s.stage != registering || len(s.sasl.left) == 0 {
		return
	}
	current := s.sasl.left[0]
	s.keep(append(strings.Split(m.Param(1), ","), current))
}
