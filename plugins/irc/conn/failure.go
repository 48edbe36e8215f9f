package conn

import (
	"regexp"
	"strings"

	"hearth/plugins/irc/wire"
)

// What networks say when they end a connection. There is no standard: these are the words of solanum, InspIRCd, UnrealIRCd,
// Ergo, ngIRCd and ircu.
var endings = []struct {
	says *regexp.Regexp
	why  Why
	text string
}{
	{regexp.MustCompile(`(?i)excess flood|\bflooding\b|sendq? exceeded|recvq`), Flooded, "The server ended the connection because we talked too fast; from now on slower."},
	{regexp.MustCompile(`(?i)throttl|too fast|too many connections|trying to reconnect|session limit|clone|maximum connections`), Throttle, "The server wants fewer connections; we wait."},
	{regexp.MustCompile(`(?i)[kgzdqx][:-]?\s?lined?\b|\bakill|autokill|\bbanned\b|you are not welcome|\bdnsbl\b|blacklist`), Banned,
		"The network has banned this node. Write to its operators; then `hearth bridge restart`."},
	{regexp.MustCompile(`(?i)bad password|password (incorrect|mismatch)|access denied|not authori[sz]ed`), Refused, "The server does not let us in. Check the passwords in the settings."},
}

// failed is ERROR, after which the server hangs up.
func (s *Session) failed(m wire.Message) {
	says := wire.OneLine(m.Last())
	for _, e := range endings {
		if e.says.MatchString(says) {
			s.end(e.why, e.text, says)
			return
		}
	}
	s.end(Lost, "The server ended the connection.", says)
}

func (s *Session) killed(m wire.Message) {
	if s.Is(m.Param(0)) {
		s.end(Throttle, "An operator of the network ended the connection.", m.Last())
	}
}

// fail is a standard reply that ends the login.
func (s *Session) fail(m wire.Message) {
	if s.stage != registering {
		return
	}
	switch code := strings.ToUpper(m.Param(1)); code {
	case "ACCOUNT_REQUIRED", "INVALID_UTF8", "NEED_ACCOUNT":
		s.end(Refused, "The server wants us to log in. Set sasl_user and sasl_password.", m.Last())
	}
}
