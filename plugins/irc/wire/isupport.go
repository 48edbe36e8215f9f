package wire

import (
	"strconv"
	"strings"
)

// Support is what a server says of itself by RPL_ISUPPORT (005), and what holds while it has not.
type Support struct {
	Case      Casemap
	Network   string
	NickLen   int
	ChanLen   int
	TopicLen  int
	LineLen   int // with CR LF
	ChanTypes string
	Status    string // prefixes that may stand before a channel to reach only some: STATUSMSG
	Prefixes  []Prefix
	ListModes string // with a parameter always, both ways: bans
	ArgModes  string // with a parameter always
	SetModes  string // with a parameter when set
	WHOX      bool
	Monitor   bool
	Bot       string // the mode by which a bot says that it is one
	History   int    // messages a CHATHISTORY may ask for; 0: no limit
	values    map[string]string
}

// Prefix is a rank in a channel: mode o is shown as @.
type Prefix struct{ Mode, Sign byte }

// NewSupport is what RFC 1459 says.
func NewSupport() *Support {
	return &Support{
		Case: RFC1459, NickLen: 9, ChanLen: 200, TopicLen: 300, LineLen: MaxLine, ChanTypes: "#&",
		Prefixes: []Prefix{{'o', '@'}, {'v', '+'}}, ListModes: "b", ArgModes: "k", SetModes: "l",
		values: map[string]string{},
	}
}

// Add takes the tokens of one 005: its parameters without the first and the last.
func (s *Support) Add(tokens []string) {
	for _, token := range tokens {
		key, value, _ := strings.Cut(token, "=")
		value = unhex(value)
		if off, negated := strings.CutPrefix(key, "-"); negated {
			s.forget(off)
			continue
		}
		if len(s.values) < 256 {
			s.values[key] = value
			s.take(key, value)
		}
	}
}

// forget goes back to what holds where the server does not name key.
func (s *Support) forget(key string) {
	if _, named := s.values[key]; !named {
		return
	}
	values := s.values
	delete(values, key)
	*s = *NewSupport()
	s.values = values
	for key, value := range values {
		s.take(key, value)
	}
}

// Value is what the server said with key; "" when it did not name it.
func (s *Support) Value(key string) string { return s.values[key] }

func (s *Support) take(key, value string) {
	switch key {
	case "CASEMAPPING":
		s.Case = Casemap(value)
	case "NETWORK":
		s.Network = value
	case "NICKLEN", "MAXNICKLEN":
		setNumber(&s.NickLen, value, 4, 512)
	case "CHANNELLEN":
		setNumber(&s.ChanLen, value, 4, 512)
	case "TOPICLEN":
		setNumber(&s.TopicLen, value, 4, 4096)
	case "LINELEN":
		setNumber(&s.LineLen, value, MaxLine, 4096)
	case "CHANTYPES":
		s.ChanTypes = value
	case "STATUSMSG":
		s.Status = value
	case "PREFIX":
		s.Prefixes = parsePrefixes(value)
	case "CHANMODES":
		kinds := append(strings.Split(value, ","), "", "", "")
		s.ListModes, s.ArgModes, s.SetModes = kinds[0], kinds[1], kinds[2]
	case "WHOX":
		s.WHOX = true
	case "MONITOR":
		s.Monitor = true
	case "BOT":
		s.Bot = value
	case "CHATHISTORY", "draft/CHATHISTORY":
		setNumber(&s.History, value, 0, 1000)
	}
}

// BanAccount is what stands before an account's name in a ban, such as "$a:"; "" where no such ban is known
// (IRCv3 account-extban).
func (s *Support) BanAccount() string {
	name, _, _ := strings.Cut(s.values["ACCOUNTEXTBAN"], ",")
	if name == "" {
		return ""
	}
	sign, _, _ := strings.Cut(s.values["EXTBAN"], ",")
	return sign + name + ":"
}

// Quiet is the mode by which a mask may be in a channel and not speak there, and the mode's parameter: +q of
// solanum, or a ban of a kind of its own (EXTBAN), m: of InspIRCd and Ergo, ~q: of UnrealIRCd; 0: the network has none.
func (s *Support) Quiet(mask string) (mode byte, arg string) {
	before, kinds, extended := strings.Cut(s.values["EXTBAN"], ",")
	switch {
	case contains(s.ListModes, 'q') && s.sign('q') == 0:
		return 'q', mask
	case extended && before == "" && strings.Contains(kinds, "m"):
		return 'b', "m:" + mask
	case extended && before == "~" && strings.Contains(kinds, "q"):
		return 'b', "~q:" + mask
	}
	return 0, ""
}

func setNumber(to *int, value string, least, most int) {
	if n, err := strconv.Atoi(value); err == nil && n >= least {
		*to = min(n, most)
	}
}

// parsePrefixes reads (ov)@+.
func parsePrefixes(value string) []Prefix {
	modes, signs, ok := strings.Cut(strings.TrimPrefix(value, "("), ")")
	if !ok || len(modes) != len(signs) {
		return nil
	}
	prefixes := make([]Prefix, len(modes))
	for i := range prefixes {
		prefixes[i] = Prefix{modes[i], signs[i]}
	}
	return prefixes
}

// IsChannel tells channels from nicks.
func (s *Support) IsChannel(name string) bool {
	return name != "" && strings.IndexByte(s.ChanTypes, name[0]) >= 0
}

// Channel is the channel that target reaches, without a status prefix; "" when it is no channel.
func (s *Support) Channel(target string) string {
	if name := strings.TrimLeft(target, s.Status); s.IsChannel(name) {
		return name
	}
	if s.IsChannel(target) {
		return target
	}
	return ""
}

// Signs cuts the signs of rank off a nick in NAMES: "@+bob" is "@+", "bob".
func (s *Support) Signs(nick string) (signs, rest string) {
	i := 0
	for i < len(nick) && s.rank(nick[i]) >= 0 {
		i++
	}
	return nick[:i], nick[i:]
}

// IsOperator tells whether one of the signs is an operator's or stands above it: half-operators are none.
func (s *Support) IsOperator(signs string) bool {
	op := s.rank('@')
	for i := 0; i < len(signs); i++ {
		if r := s.rank(signs[i]); r >= 0 && r <= op {
			return true
		}
	}
	return false
}

func (s *Support) rank(sign byte) int {
	for i, p := range s.Prefixes {
		if p.Sign == sign {
			return i
		}
	}
	return -1
}

// unhex turns \x20 into a space, as 005 writes it.
func unhex(s string) string {
	for i := 0; i+4 <= len(s); i++ {
		if s[i] != '\\' || s[i+1] != 'x' {
			continue
		}
		if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
			s = s[:i] + string(rune(n)) + s[i+4:]
		}
	}
	return s
}
