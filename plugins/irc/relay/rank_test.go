package relay

import (
	"slices"
	"strings"
	"testing"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/ircdouble"
	"hearth/plugins/irc/ircreal"
)

func (w *world) waitRank(id, rank string) {
	w.Helper()
	w.until(id+" to be "+rank, func() bool { return w.host.Roster(garden)[id].GetRank() == rank })
}

// Who is somebody in the channel has a mark in the roster, as it changes.
func TestRanksAreInTheRoster(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.irc.Join(garden, "carol", "+")
	w.waitRank("bob", "operator")
	w.irc.Line("bob", "MODE "+garden+" +v-o bob bob")
	w.waitRank("bob", "voice")
	w.irc.Line("carol", "MODE "+garden+" +oo carol bob")
	w.waitRank("carol", "operator")
	w.irc.Line("carol", "MODE "+garden+" -v+v-o bob carol bob")
	w.waitRank("bob", "")
	if e := w.host.Entries(); len(e) > 0 {
		t.Errorf("that is no event: %v", e)
	}
}

// moderated is a bridge that is an operator, in puppets' mode.
func moderated(t *testing.T, settings map[string]string) *world {
	w := begin(t, settings, nil)
	w.operator()
	return w
}

// operator makes the bridge one, and waits until it knows.
func (w *world) operator() {
	w.Helper()
	w.irc.Line("bob", "MODE "+garden+" +o hearth")
	w.irc.Say(garden, "bob", "you are one")
	w.hears("text", "you are one")
}

func by(d *pb.Delivery, role string) *pb.Delivery {
	d.Author.Role = role
	return d
}

func TestModeratorsPuppetsHaveARank(t *testing.T) {
	t.Parallel()
	w := moderated(t, map[string]string{"mode": "puppets", "moderators": "voice"})
	w.relayed(by(alice("hello"), "moderator"), "hello")
	w.irc.WaitLine("hearth", "MODE #garden +v Alice")
	w.irc.Line("bob", "MODE "+garden+" -v Alice") // they have the last word
	w.relayed(by(alice("still"), "moderator"), "still")
	w.relayed(by(alice("no more"), "member"), "no more")
	w.irc.WaitLine("hearth", "MODE #garden -v Alice")
	given := 0
	for _, l := range w.irc.Lines("hearth") {
		if strings.HasPrefix(l, "MODE #garden +") {
			given++
		}
	}
	if given != 1 {
		t.Errorf("given %d times", given)
	}
	off := moderated(t, map[string]string{"mode": "puppets"})
	off.relayed(by(alice("hello"), "owner"), "hello")
	off.relayed(alice("again"), "again")
	if l := off.irc.Lines("hearth"); slices.ContainsFunc(l, func(s string) bool { return strings.HasPrefix(s, "MODE #") }) {
		t.Errorf("by default nobody gets a rank: %q", l)
	}
}

func TestMuteSilences(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]string
		support  string
		ghost    string
		on, off  string // ""; nothing is done
	}{
		"ban":            {map[string]string{"mute_bans": "true"}, "", "mallory", "MODE #garden +b mallory!*@*", "MODE #garden -b mallory!*@*"},
		"quiet":          {map[string]string{"quiet": "mode"}, "CHANMODES=bq,k,l,imnst", "mallory", "MODE #garden +q mallory!*@*", "MODE #garden -q mallory!*@*"},
		"extended ban":   {map[string]string{"quiet": "mode"}, "EXTBAN=,Rmnr", "mallory", "MODE #garden +b m:mallory!*@*", "MODE #garden -b m:mallory!*@*"},
		"account":        {map[string]string{"quiet": "mode"}, "CHANMODES=bq,k,l,imnst EXTBAN=$,arx ACCOUNTEXTBAN=a", "account:mal", "MODE #garden +q $a:mal", "MODE #garden -q $a:mal"},
		"ban instead":    {map[string]string{"quiet": "mode", "mute_bans": "true"}, "", "mallory", "MODE #garden +b mallory!*@*", "MODE #garden -b mallory!*@*"},
		"services":       {map[string]string{"quiet": "chanserv"}, "", "mallory", "PRIVMSG ChanServ :QUIET #garden mallory!*@*", "PRIVMSG ChanServ :UNQUIET #garden mallory!*@*"},
		"no quiet":       {map[string]string{"quiet": "mode"}, "", "mallory", "", ""},
		"no account ban": {map[string]string{"mute_bans": "true"}, "", "account:mal", "", ""},
		"no nick":        {map[string]string{"mute_bans": "true"}, "", "*", "", ""},
		"off":            {nil, "", "mallory", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, c.settings, func(s *ircdouble.Server) { s.Support += " " + c.support })
			w.operator()
			w.host.Mute(&pb.Mute{Channel: garden, Ghost: c.ghost, On: true})
			w.host.Mute(&pb.Mute{Channel: garden, Ghost: c.ghost})
			w.says(alice("and after that"))
			lines := w.irc.Lines("hearth")
			lines = lines[slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "JOIN") }):]
			lines = slices.DeleteFunc(lines, func(s string) bool { return !strings.HasPrefix(s, "MODE") && !strings.Contains(s, "ChanServ") })
			var want []string
			if c.on != "" {
				want = []string{c.on, c.off}
			}
			if !slices.Equal(lines, want) {
				t.Errorf("it said %q, want %q", lines, want)
			}
		})
	}
}

// Somebody who was muted while the bridge was away is silenced when it is back; as long as it is no operator, in the room alone.
func TestMuteWhileAway(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"quiet": "chanserv"}, nil)
	w.irc.Stop()
	w.host.Status(garden, "down")
	w.host.Mute(&pb.Mute{Channel: garden, Ghost: "mallory", On: true})
	w.irc.Restart()
	w.irc.WaitLine("hearth", "PRIVMSG ChanServ :QUIET #garden mallory!*@*")
}

// A ban that hits a puppet costs its person this channel, at once and until it is lifted, and nobody else anything.
func TestPuppetBans(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"mode": "puppets", "max_puppets": "1"}, nil)
	w.relayed(alice("hello"), "hello")
	w.host.Link(&pb.Link{Channel: "#pond", Confirmed: true})
	w.irc.WaitIn("#pond", "hearth")
	w.irc.Line("bob", "MODE "+garden+" +b *!*@*.ru")
	w.irc.Line("bob", "MODE "+garden+" +b ali?e!*@HOST.example")
	w.hears("line", "alice@node.example is banned from #garden; what they say is not relayed there.")
	w.dropped(alice("still here?"), "banned")
	dan := alice("one too many")
	dan.Author = &pb.Person{User: "dan@node.example", Name: "Dan"}
	w.relayed(dan, "<Dan> one too many")
	elsewhere := alice("elsewhere")
	elsewhere.Channel = "#pond"
	if o := w.says(elsewhere); o.GetDropped() != "" {
		t.Errorf("in another channel: %v", o)
	}
	w.irc.Line("bob", "MODE "+garden+" -b ali?e!*@HOST.example")
	w.hears("line", "alice@node.example is no longer banned from #garden.")
	w.relayed(alice("back"), "back")
}

// Likewise where the ban is there before the puppet is (474).
func TestRealPuppetBans(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *ircreal.Server) {
		bob := s.Connect("bob", garden)
		h := real(t, s.Addr, map[string]string{"mode": "puppets"})
		h.WaitRoster(garden, "bob")
		bob.Send("MODE " + garden + " +b Alice!*@*")
		bob.Expect("+b")
		if o := h.Outcome(h.Deliver(alice("let me in"))); o.GetDropped() != "banned" {
			t.Error(o)
		}
		if e := h.Entry(); e.GetText() != "alice@node.example is banned from #garden; what they say is not relayed there." {
			t.Error(e)
		}
		dan := alice("not I")
		dan.Author = &pb.Person{User: "dan@node.example", Name: "Dan"}
		id := h.Deliver(dan)
		bob.Expect(":Dan!")
		h.Outcome(id)
		bob.Send("MODE " + garden + " +b Dan!*@*")
		if e := h.Entry(); e.GetText() != "dan@node.example is banned from #garden; what they say is not relayed there." {
			t.Error(e)
		}
		if o := h.Outcome(h.Deliver(dan)); o.GetDropped() != "banned" {
			t.Error(o)
		}
		bob.Send("MODE " + garden + " -b Dan!*@*")
		h.Entry()
		id = h.Deliver(d2(dan, "again"))
		bob.Expect("PRIVMSG " + garden + " :again")
		h.Outcome(id)
	})
}

// A mute in the room silences in the channel: InspIRCd has a ban for that, ngIRCd bans.
func TestRealMutes(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, s *ircreal.Server) {
		bob := s.Connect("bob", garden)
		mallory := s.Connect("Mallory", garden)
		h := real(t, s.Addr, map[string]string{"quiet": "mode", "mute_bans": "true"})
		h.WaitRoster(garden, "bob", "mallory")
		bob.Send("MODE " + garden + " +o hearth")
		bob.Expect("+o")
		bob.Say(garden, "you are one")
		h.Entry()
		mask := map[string]string{"ngircd": "mallory!*@*", "inspircd": "m:mallory!*@*"}[s.Kind]
		h.Mute(&pb.Mute{Channel: garden, Ghost: "mallory", On: true})
		if line := bob.Expect(mask); !strings.Contains(line, "MODE "+garden+" +b ") {
			t.Error(line)
		}
		mallory.Say(garden, "spam")
		mallory.Expect(" 404 ")
		h.Mute(&pb.Mute{Channel: garden, Ghost: "mallory"})
		if line := bob.Expect(mask); !strings.Contains(line, "MODE "+garden+" -b ") {
			t.Error(line)
		}
		mallory.Say(garden, "sorry")
		if e := h.Entry(); e.GetText() != "sorry" {
			t.Error(e)
		}
	})
}
