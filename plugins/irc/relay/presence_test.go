package relay

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/ircdouble"
	"hearth/plugins/irc/ircreal"
)

func (w *world) waitGhost(id, away, real string) {
	w.Helper()
	w.until(id+" to be shown as away "+away+", called "+real, func() bool {
		g := w.host.Roster(garden)[id]
		return g != nil && g.GetAway() == away && g.GetRealName() == real
	})
}

// Who is away, and how people are called, stands in the roster and changes there; nothing of it is an event.
func TestAwayAndRealNamesAreInTheRoster(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) { s.Join(garden, "bob", ""); s.Line("bob", "AWAY :before we came") })
	w.waitGhost("bob", "away", "") // WHO has no words
	w.irc.Join(garden, "ann", "")
	w.irc.Line("ann", "AWAY :\x02lunch\x02 \u202etill one")
	w.waitGhost("ann", "lunch till one", "")
	w.irc.Line("ann", "AWAY :"+strings.Repeat("é", 100))
	w.waitGhost("ann", strings.Repeat("é", 50), "")
	w.irc.Line("ann", "AWAY :\x02")
	w.waitGhost("ann", "away", "")
	w.irc.Line("ann", "NICK anna")
	w.waitGhost("anna", "away", "ann")
	w.irc.Line("anna", "AWAY")
	w.waitGhost("anna", "", "ann")
	w.irc.Raw(garden, ":anna!u@host.example SETNAME :Ann Lee")
	w.waitGhost("anna", "", "Ann Lee")
	w.irc.Raw(garden, ":zoe!u@host.example JOIN "+garden+" * :Zoe Ray")
	w.waitGhost("zoe", "", "Zoe Ray")
	if e := w.host.Entries(); len(e) > 0 {
		t.Errorf("that is no event: %v", e)
	}
}

// Where nobody tells when they are back, nobody is said to be away.
func TestNobodyStaysAway(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) {
		s.Caps = nil
		s.Join(garden, "bob", "")
		s.Line("bob", "AWAY :lunch")
	})
	w.irc.Say(garden, "bob", "I am back")
	w.hears("text", "I am back")
	w.waitGhost("bob", "", "")
}

// A server that names nobody by itself is asked.
func TestNamesAreAskedFor(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) {
		s.Caps, s.Support = []string{"no-implicit-names"}, strings.ReplaceAll(s.Support, " WHOX", "")
	})
	w.irc.WaitLine("hearth", "NAMES #garden")
}

// InspIRCd tells of both as they change, also of what was so before the bridge came.
func TestRealAwayAndRealNames(t *testing.T) {
	t.Parallel()
	s := ircreal.Start(t, "inspircd", "", "")
	bob, ann := s.Connect("bob", garden), s.Connect("ann", garden)
	bob.Send("AWAY :lunch")
	bob.Expect(" 306 ")
	w := &world{T: t, host: real(t, s.Addr, nil)}
	w.waitRoster("ann", "bob")
	w.waitGhost("bob", "away", "")
	bob.Send("AWAY :back at one")
	w.waitGhost("bob", "back at one", "")
	bob.Send("AWAY")
	w.waitGhost("bob", "", "")
	ann.Send("SETNAME :Ann Lee")
	w.waitGhost("ann", "", "Ann Lee")
	bob.Say(garden, "hello")
	w.hears("text", "hello")
	zoe := s.Connect("zoe")
	bob.Send("MODE " + garden + " +o hearth") // others are not told of invitations
	bob.Expect("+o")
	bob.Send("INVITE zoe " + garden)
	zoe.Expect("INVITE")
	w.hears("line", "bob has invited zoe")
}

// Who is invited is told when who invites them has spoken lately; the bridge itself goes nowhere unasked.
func TestInvitesAreTold(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.irc.Raw(garden, ":bob!u@host.example INVITE carol "+garden) // has not spoken
	w.irc.Say(garden, "bob", "hello")
	w.hears("text", "hello")
	w.irc.Raw(garden, ":bob!u@host.example INVITE carl "+garden)
	w.hears("line", "bob has invited carl")
	w.irc.Send("hearth", ":bob!u@host.example", "INVITE hearth #elsewhere")
	w.irc.Say(garden, "bob", "done")
	w.hears("text", "done")
	if lines := strings.Join(w.irc.Lines("hearth"), "\n"); strings.Contains(lines, "#elsewhere") {
		t.Error(lines)
	}
}

// Who has no account is known by the address: whoever takes the nick later gets nothing, and is not heard.
func TestThePeersAddress(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]func(*ircdouble.Server){
		"whox": nil,
		"who":  func(s *ircdouble.Server) { s.Caps, s.Support = nil, strings.ReplaceAll(s.Support, " WHOX", "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := beginPrivate(t, "bob", server)
			w.says(secretly("one"))
			w.kept("peer/"+whisper, "u@host.example")
			w.irc.Raw(garden, ":bob!u@host.example QUIT :bye")
			w.host.WaitRoster(whisper)
			w.irc.Raw(garden, ":bob!mallory@elsewhere.example JOIN "+garden)
			w.otherAddress()
			w.dropped(secretly("two"), "not_there")
			w.line("comes from another address")
			w.irc.Send("Alice", ":bob!mallory@elsewhere.example", "PRIVMSG Alice :it is me")
			w.line("of whom nobody can tell")
			w.irc.Raw(garden, ":bob!mallory@elsewhere.example QUIT :bye")
			w.irc.Raw(garden, ":bob!u@host.example JOIN "+garden)
			w.line("bob is there again")
			if o := w.says(secretly("three")); o.GetDropped() != "" || fmt.Sprint(w.toBob()) != "[Alice: one Alice: I am on node.example and do not see private messages. Alice: three]" {
				t.Error(o, w.toBob())
			}
		})
	}
}

// otherAddress waits until the bridge has seen somebody else with the nick.
func (w *world) otherAddress() {
	w.Helper()
	w.until("another address", func() bool {
		return slices.ContainsFunc(w.host.Statuses(), func(s *pb.Status) bool {
			return s.GetChannel() == whisper && strings.Contains(s.GetReason(), "another address")
		})
	})
}

// A host that changes while it is seen is followed, and outlives the bridge.
func TestThePeersAddressMoves(t *testing.T) {
	t.Parallel()
	w := beginPrivate(t, "bob", nil)
	w.says(secretly("one"))
	w.kept("peer/"+whisper, "u@host.example")
	w.irc.Raw(garden, ":bob!u@host.example CHGHOST u cloak.example")
	w.kept("peer/"+whisper, "u@cloak.example")
	if o := w.says(secretly("two")); o.GetDropped() != "" {
		t.Error(o)
	}
	w.host.Kill()
	w.host.Restart() // to the server bob is u@host.example: somebody else, as far as anybody can tell
	w.otherAddress()
	w.dropped(secretly("three"), "not_there")
	w.line("comes from another address")
	w.host.Unlink(whisper)
	w.host.Link(&pb.Link{Channel: "private:two", Confirmed: true, Private: withBob("bob").Private})
	d := secretly("anew")
	d.Channel = "private:two"
	if o := w.says(d); o.GetDropped() != "" {
		t.Error(o)
	}
	w.until("the old address to be forgotten", func() bool { _, has := w.host.KV()["peer/"+whisper]; return !has })
}
