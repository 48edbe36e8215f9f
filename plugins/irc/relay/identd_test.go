package relay

import (
	"errors"
	"io/fs"
	"net"
	"strings"
	"testing"

	"hearth/plugins/irc/ircdouble"
	"hearth/plugins/irc/ircreal"
	"hearth/test/port"
)

// A server that asks as soon as somebody connects is told the bot's user name, and each puppet's person.
func TestIdentd(t *testing.T) {
	t.Parallel()
	identd := port.Loopback(t)
	w := begin(t, map[string]string{"mode": "puppets", "username": "bridge", "identd": identd}, func(s *ircdouble.Server) { s.Identd = identd })
	w.relayed(alice("hello"), "hello")
	for nick, user := range map[string]string{"hearth": "bridge", "Alice": "alice"} {
		if got := w.irc.Ident(nick); !strings.HasSuffix(got, " : USERID : UNIX : "+user) {
			t.Errorf("%s: %q", nick, got)
		}
	}
	w.host.Status("", "connected")
}

// A port that is taken: it is said, lines cross all the same, and when the port is free the identd is there.
func TestIdentdPortTaken(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", port.Loopback(t))
	if err != nil {
		t.Fatal(err)
	}
	w := begin(t, map[string]string{"identd": ln.Addr().String()}, nil)
	if s := w.host.Status("", "degraded"); !strings.Contains(s.GetDetail(), ln.Addr().String()) || !strings.Contains(s.GetReason(), "identd") {
		t.Error(s)
	}
	w.relayed(alice("hello"), "<Alice> hello")
	ln.Close()
	w.host.Status("", "connected")
}

// Real servers ask, and show the person without ~.
func TestRealIdentd(t *testing.T) {
	t.Parallel()
	if ln, err := net.Listen("tcp", ircreal.IdentPort); err == nil {
		ln.Close()
	} else if errors.Is(err, fs.ErrPermission) {
		t.Skip("the identd's port is not for us: " + err.Error())
	}
	for _, kind := range ircreal.Kinds { // one after the other: there is one such port
		t.Run(kind, func(t *testing.T) {
			s := ircreal.Identifying(t, kind)
			bob := s.Connect("bob", garden)
			h := real(t, s.Addr, map[string]string{"mode": "puppets", "identd": ircreal.IdentPort})
			h.Status("", "connected") // the port is ours
			h.WaitRoster(garden, "bob")
			id := h.Deliver(alice("as myself"))
			if line := bob.Expect("as myself"); !strings.HasPrefix(line, ":Alice!alice@") {
				t.Errorf("%q", line)
			}
			h.Outcome(id)
			bob.Send("WHOIS bob") // a stranger to the identd
			if line := bob.Expect(" 311 "); !strings.Contains(line, " bob ~bob ") {
				t.Errorf("%q", line)
			}
		})
	}
}
