package relay

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/ircdouble"
)

func TestConsent(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"contact": "root@node.example"}, nil)
	w.irc.Join("#pond", "carol", "+")
	w.irc.Join("#pond", "olga", "@") // before the bridge: a JOIN does not tell of ranks
	w.host.Link(&pb.Link{Channel: "#pond", RoomName: "#pond@node.example"})
	w.host.WaitRoster("#pond", "carol", "olga")
	w.host.Code("#pond", "ABCD2345")
	w.irc.Say("#pond", "carol", "said before the link: not for the room")
	w.irc.Say("#pond", "carol", "!link ABCD2345")
	w.irc.WaitLine("hearth", "NOTICE carol :Only an operator")
	w.irc.Say("#pond", "olga", "!link WRONG")
	if l := w.irc.WaitLine("hearth", "NOTICE olga :That did not work"); strings.Contains(l, "not_found") {
		t.Error(l)
	}
	w.irc.Say("#pond", "olga", "!link ABCD2345")
	greeting := w.irc.WaitSaid("#pond", "is now linked to #pond@node.example")
	if !strings.Contains(greeting.Text, "!unlink") || !strings.Contains(greeting.Text, "root@node.example") {
		t.Error(greeting.Text)
	}
	w.irc.Say("#pond", "carol", "hello")
	if e := w.hears("text", "hello"); e.GetChannel() != "#pond" {
		t.Error(e)
	}
	w.irc.Say("#pond", "carol", "!unlink") // no operator
	w.irc.Say("#pond", "olga", "!unlink")
	w.irc.WaitLine("hearth", "PART #pond")
	if all := w.host.Claims(); len(all) != 3 || !all[2].GetEntitled() || all[2].GetBy() != "olga" || all[2].GetCode() != "" {
		t.Errorf("%v", all)
	}
}

func TestRosterAndRanks(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.irc.Join(garden, "carol", "")
	w.waitRoster("bob", "carol")
	w.irc.Line("carol", "NICK karla")
	w.waitRoster("bob", "karla")
	w.irc.Raw(garden, ":karla!u@h ACCOUNT Carol")
	w.waitRoster("bob", "account:carol")
	w.irc.Line("karla", "PART "+garden+" :bye")
	w.waitRoster("bob")
	w.irc.Line("bob", "QUIT :gone")
	w.waitRoster()
	for _, e := range w.host.Entries() {
		t.Errorf("nobody had spoken: %v", e)
	}
}

// Comings and goings are told of those who have spoken, and never become more than a line.
func TestComingAndGoingOfThoseWhoSpoke(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.irc.Join(garden, "carol", "")
	w.irc.Say(garden, "carol", "hi")
	w.hears("text", "hi")
	w.irc.Line("carol", "PART "+garden+" :tea")
	w.hears("line", "carol has left (tea)")
	w.irc.Join(garden, "carol", "")
	w.hears("line", "carol has joined")
	w.irc.Line("bob", "KICK "+garden+" carol :enough")
	w.hears("line", "carol has left (kicked by bob: enough)")
}

func crowd(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("u%d", i)
	}
	return all
}

// A netsplit of thousands is one line, whether the server has batches or not; coming back is none.
func TestNetsplitIsOneLine(t *testing.T) {
	t.Parallel()
	size := 2000
	if os.Getenv("HEARTH_FULL") == "1" {
		size = 10_000
	}
	for _, batch := range []bool{true, false} {
		t.Run(fmt.Sprint("batch ", batch), func(t *testing.T) {
			t.Parallel()
			w := begin(t, nil, nil)
			people := crowd(size)
			for _, nick := range people {
				w.irc.Join(garden, nick, "")
			}
			w.waitRoster(append([]string{"bob"}, people...)...)
			w.irc.Say(garden, "u1", "hi")
			w.hears("text", "hi")
			w.irc.Split(garden, people, batch)
			w.hears("line", fmt.Sprintf("Netsplit: %d people are gone from #garden. They come back by themselves.", size))
			w.waitRoster("bob")
			for _, nick := range people {
				w.irc.Join(garden, nick, "")
			}
			w.waitRoster(append([]string{"bob"}, people...)...)
			w.irc.Say(garden, "bob", "all there")
			w.hears("text", "all there")
		})
	}
}

// A netsplit that takes the bridge's own connection a moment later is told all the same.
func TestNetsplitBeforeACut(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	people := crowd(30)
	for _, nick := range people {
		w.irc.Join(garden, nick, "")
	}
	w.irc.Split(garden, people, true)
	w.irc.Say(garden, "bob", "that was a split")
	w.hears("text", "that was a split")
	w.irc.Cut()
	w.hears("line", "Netsplit: 30 people are gone from #garden. They come back by themselves.")
}

// A bridge that is asked to stop says what it has heard before it ends, also when the node is behind.
func TestStopLosesNothing(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) { s.Caps = nil })
	w.host.Again(1)
	for i := range 100 {
		w.irc.Say(garden, "bob", fmt.Sprint("line ", i))
	}
	w.says(alice("heard after them"))
	if err := w.host.Stop(); err != nil {
		t.Error(err)
	}
	if n := len(w.host.Entries()); n != 100 {
		t.Errorf("%d lines of 100", n)
	}
}

func TestLoops(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) { s.Account, s.Password = "hearthacc", "pw" }, func(o *pb.Open) {
		o.KnownBots = []string{"OtherBot"}
		o.Settings["sasl_user"], o.Settings["sasl_password"] = "hearthacc", "pw"
	})
	w.says(alice("said by the bridge"))
	w.irc.Join(garden, "otherbot", "")
	w.irc.Say(garden, "otherbot", "<x> from elsewhere")
	w.irc.Join(garden, "hearth2", "")
	w.irc.LogIn("hearth2", "hearthacc")
	w.irc.Say(garden, "hearth2", "our own account elsewhere")
	w.irc.Raw(garden, "@draft/relaymsg=hearth;msgid=r1 :al/h!u@h PRIVMSG #garden :relayed by us")
	w.irc.Raw(garden, "@draft/relaymsg=other;msgid=r2 :dan/discord!u@h PRIVMSG #garden :relayed by others")
	if e := w.hears("text", "relayed by others"); !slices.Equal(e.GetHops(), []string{"discord"}) {
		t.Error(e)
	}
	w.irc.Say(garden, "bob", "done")
	w.hears("text", "done")
	for _, why := range []string{"known_bot", "own"} {
		if n := w.host.Counted("dropped", why); n != 1 {
			t.Errorf("%s: %d", why, n)
		}
	}
}

func TestPrivateAndCTCP(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	for range 10 {
		w.irc.Line("bob", "PRIVMSG hearth :\x01VERSION\x01")
	}
	w.irc.Line("bob", "NOTICE hearth :\x01VERSION\x01")
	w.irc.Line("bob", "NOTICE hearth :hello?")
	w.irc.Line("bob", "PRIVMSG hearth :hello?")
	w.irc.WaitLine("hearth", "NOTICE bob :I am a bridge")
	w.irc.Line("bob", "PRIVMSG "+garden+" :\x01DCC SEND x 1 2 3\x01")
	w.irc.Line("bob", "PRIVMSG @"+garden+" :for operators")
	w.irc.Say(garden, "bob", "done")
	w.hears("text", "done")
	answers := 0
	for _, l := range w.irc.Lines("hearth") {
		if strings.HasPrefix(l, "NOTICE bob :\x01VERSION") {
			answers++
		}
	}
	if answers == 0 || answers > 3 {
		t.Errorf("%d answers to ten CTCPs", answers)
	}
	for _, why := range []string{"private", "ctcp", "for_operators_only"} {
		if n := w.host.Counted("dropped", why); n != 1 {
			t.Errorf("%s: %d", why, n)
		}
	}
}

// What a server says when it lets nobody in, in plain words; and again later, without a crowd of tries.
func TestRefusedChannels(t *testing.T) {
	t.Parallel()
	for numeric, words := range map[string]string{"471": "full (+l)", "473": "by invitation only (+i)", "474": "banned from the channel (+b)", "475": "key (+k)", "477": "logged in (+r)", "489": "TLS", "470": "another one", "403": "no channel"} {
		t.Run(numeric, func(t *testing.T) {
			w := begin(t, nil, func(s *ircdouble.Server) { s.Refuse[garden] = numeric })
			if s := w.host.Status(garden, "down"); !strings.Contains(s.GetReason(), words) {
				t.Error(s)
			}
			if numeric == "473" {
				w.irc.Do(func() { delete(w.irc.Refuse, garden) })
				w.irc.Raw(garden, ":bob!u@h INVITE hearth #garden") // not in the channel: nobody hears that
				w.irc.Line("bob", "INVITE hearth #garden")
			}
		})
	}
	w := begin(t, nil, func(s *ircdouble.Server) { s.Refuse[garden] = "475" })
	w.host.Status(garden, "down")
	w.irc.Do(func() { delete(w.irc.Refuse, garden) })
	w.host.Link(&pb.Link{Channel: garden, Confirmed: true, Settings: map[string]string{"key": "sesame"}})
	w.irc.WaitLine("hearth", "JOIN #garden sesame")
	w.host.Status(garden, "connected")
}

// told is how often the channel was said to be in a state.
func (w *world) told(state string) (n int) {
	for _, s := range w.host.Statuses() {
		if s.GetChannel() == garden && s.GetState() == state {
			n++
		}
	}
	return n
}

func TestThreeKicks(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	for i := range 3 {
		w.irc.WaitIn(garden, "hearth")
		w.irc.Line("bob", "KICK "+garden+" hearth :no bots")
		if i < 2 {
			w.until("the kick to be told", func() bool { return w.told("degraded") > i }) // it is back within a moment
			w.host.Status(garden, "connected")
		}
	}
	if s := w.host.Status(garden, "down"); !strings.Contains(s.GetReason(), "third time") || !strings.Contains(s.GetReason(), "no bots") {
		t.Error(s)
	}
	w.dropped(alice("hello?"), "forbidden")
}

func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	for name, caps := range map[string][]string{"labels": ircdouble.All, "plain": nil} {
		t.Run(name, func(t *testing.T) {
			w := begin(t, nil, func(s *ircdouble.Server) { s.Caps = caps; s.Mute[garden] = "404" })
			w.dropped(alice("hello?"), "forbidden")
			w.irc.Do(func() { delete(w.irc.Mute, garden) })
			w.relayed(alice("hello!"), "<Alice> hello!")
		})
	}
}

// A network that takes a message and shows it to nobody, such as by a spam filter, is found out.
func TestSwallowedMessages(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) { s.Caps = []string{"echo-message", "message-tags"}; s.Swallow = true })
	w.dropped(alice("buy now"), "swallowed")
}

func TestTopicBothWaysWithoutALoop(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"topic": "from_channel"}, nil)
	w.irc.Line("bob", "TOPIC "+garden+" :all about \x02roses\x02")
	w.hears("topic", "all about **roses**")
	w.dropped(&pb.Delivery{Channel: garden, Kind: "topic", Text: "all about **roses**", Author: alice("").Author}, "not_on_irc")
	r := begin(t, map[string]string{"topic": "from_room"}, nil)
	if o := r.says(&pb.Delivery{Channel: garden, Kind: "topic", Text: "tulips", Author: alice("").Author}); o.GetDropped() != "" {
		t.Error(o)
	}
	r.irc.WaitLine("hearth", "TOPIC #garden tulips")
	r.irc.Line("bob", "TOPIC "+garden+" :weeds")
	r.irc.Say(garden, "bob", "done")
	r.hears("text", "done")
}

func TestRelaymsg(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"mode": "relaymsg"}, nil)
	w.relayed(alice("as the bot, as it is no operator"), "<Alice> as the bot, as it is no operator")
	if s := w.host.Status(garden, "degraded"); !strings.Contains(s.GetReason(), "RELAYMSG is not allowed") {
		t.Error(s)
	}
	w = begin(t, map[string]string{"mode": "relaymsg"}, nil)
	w.irc.Line("bob", "MODE "+garden+" +o hearth")
	w.relayed(alice("hello"), "hello")
	d := alice("waves")
	d.Kind = "emote"
	w.relayed(d, "\x01ACTION waves\x01")
	if m := w.irc.WaitSaid(garden, "hello"); m.Nick != "Alice/hearth" {
		t.Error(m)
	}
	w.irc.Say(garden, "bob", "done")
	w.hears("text", "done")
}

func TestPuppets(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"mode": "puppets", "max_puppets": "1"}, nil)
	w.relayed(alice("hello"), "hello")
	if m := w.irc.WaitSaid(garden, "hello"); m.Nick != "Alice" {
		t.Error(m)
	}
	if l := w.irc.WaitLine("Alice", "USER"); l != "USER alice 0 * @alice@node.example" {
		t.Error(l)
	}
	o := w.says(alice("again"))
	if !strings.HasPrefix(o.GetRemote()[0], "id") {
		t.Errorf("remote %v", o.GetRemote())
	}
	dan := alice("one too many")
	dan.Author = &pb.Person{User: "dan@node.example", Name: "Dan"}
	w.relayed(dan, "<Dan> one too many")
	w.irc.Say(garden, "bob", "hi Alice")
	w.hears("text", "hi Alice")
	// A ban of a puppet costs that person the bridge in this channel, and nobody else anything (appservice-irc#934).
	w.irc.Line("bob", "KICK "+garden+" Alice :shoo")
	w.hears("line", "bob kicked alice@node.example from #garden: shoo")
	w.dropped(alice("still here?"), "banned")
	w.relayed(dan, "<Dan> one too many")
	w.waitRoster("bob")
}

// A channel that lets puppets not in, other than by a ban, hears their people through the bot.
func TestPuppetsThatAreNotLetIn(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"mode": "puppets"}, nil)
	w.irc.Do(func() { w.irc.Refuse[garden] = "477" })
	w.relayed(alice("hello"), "<Alice> hello")
	w.relayed(alice("again"), "<Alice> again")
}

func TestIdlePuppetsLeave(t *testing.T) {
	t.Parallel()
	r := &relay{settings: &settings{puppetIdle: time.Hour}, puppets: map[string]*client{}}
	r.puppets["old"] = &client{r: r, user: "old", used: time.Now().Add(-2 * time.Hour)}
	r.puppets["new"] = &client{r: r, user: "new", used: time.Now()}
	r.reap(time.Now())
	if r.puppets["old"] != nil || r.puppets["new"] == nil {
		t.Error(r.puppets)
	}
}

func TestCharset(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"charset": "iso-8859-15"}, nil)
	w.irc.Say(garden, "bob", "caf\xe9 \xa4")
	w.hears("text", "café €")
	w.host.Link(&pb.Link{Channel: "#russia", Confirmed: true, Settings: map[string]string{"charset": "koi8-r"}})
	w.irc.WaitIn("#russia", "hearth")
	w.irc.Join("#russia", "ivan", "")
	w.irc.Say("#russia", "ivan", "\xd0\xd2\xc9\xd7\xc5\xd4")
	w.hears("text", "привет")
}

// We are nowhere unasked (the archive bot of the Matrix bridge was).
func TestPartsWhereItWasNotAsked(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.irc.Raw(garden, ":hearth!u@h JOIN #elsewhere")
	w.irc.WaitLine("hearth", "PART #elsewhere")
}

func TestChannelRename(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.irc.Raw(garden, ":bob!u@h RENAME #garden #park :because")
	w.hears("line", `The channel is called #park now.`)
}
