package relay

import (
	"fmt"
	"strings"
	"testing"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/ircdouble"
)

const whisper = "private:one"

func withBob(id string) *pb.Link {
	return &pb.Link{Channel: whisper, Confirmed: true, Private: &pb.Private{
		Person: &pb.Person{User: "alice@node.example", Name: "Alice"}, Ghost: &pb.Ghost{Id: id, Name: "bob"},
	}}
}

// beginPrivate is a bridge with a conversation of alice with bob, who is in the channel.
func beginPrivate(t *testing.T, id string, server func(*ircdouble.Server)) *world {
	t.Helper()
	w := begin(t, map[string]string{"mode": "puppets", "private": "on"}, server, func(o *pb.Open) { o.Links = append(o.Links, withBob(id)) })
	w.host.WaitRoster(whisper, id)
	return w
}

func secretly(text string) *pb.Delivery {
	d := alice(text)
	d.Channel = whisper
	return d
}

func (w *world) toBob() (all []string) {
	for _, m := range w.irc.Said("bob") {
		all = append(all, m.Nick+": "+m.Text)
	}
	return all
}

// line waits for a line of the conversation that contains text.
func (w *world) line(text string) {
	w.Helper()
	if e := w.host.Entry(); e.GetKind() != "line" || e.GetChannel() != whisper || !strings.Contains(e.GetText(), text) {
		w.Fatalf("heard %v, want a line about %q", e, text)
	}
}

// answer waits for what bob writes to alice.
func (w *world) answer(text string) *pb.Entry {
	w.Helper()
	e := w.host.Entry()
	if e.GetChannel() != whisper || e.GetText() != text || e.GetGhost().GetName() != "bob" {
		w.Fatalf("heard %v, want %q of bob", e, text)
	}
	return e
}

// Both ways by alice's own connection, and nothing of it in the channel; with echoes and labels, and without.
func TestPrivately(t *testing.T) {
	t.Parallel()
	for name, caps := range map[string][]string{"all": ircdouble.All, "none": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := beginPrivate(t, "bob", func(s *ircdouble.Server) { s.Caps = caps })
			o := w.says(secretly("**psst**"))
			if got := w.toBob(); o.GetDropped() != "" || fmt.Sprint(got) != "[Alice: \x02psst\x02]" && fmt.Sprint(got) != "[Alice: \x02psst]" {
				t.Fatalf("%v %q", o, got)
			}
			if has := !strings.HasPrefix(o.GetRemote()[0], noID); has != (name == "all") {
				t.Error(o)
			}
			w.irc.Line("bob", "PRIVMSG Alice :\x01ACTION nods\x01")
			if e := w.answer("nods"); e.GetKind() != "emote" {
				t.Error(e)
			}
			w.irc.Line("bob", "NOTICE Alice :tick")
			if e := w.answer("tick"); e.GetKind() != "notice" {
				t.Error(e)
			}
			long := strings.TrimSpace(strings.Repeat("line\n", 6))
			if o := w.says(secretly(long)); o.GetDropped() != "" || len(w.toBob()) != 7 || len(w.host.Pages()) != 0 {
				t.Error(o, w.toBob())
			}
			w.expect() // nothing in the channel
			w.relayed(alice("aloud"), "aloud")
		})
	}
}

// Whoever was not written to is answered as ever, also by alice's puppet.
func TestNobodyBeginsFromThere(t *testing.T) {
	t.Parallel()
	w := beginPrivate(t, "bob", nil)
	w.says(secretly("hello"))
	w.irc.Join(garden, "eve", "")
	w.irc.Line("eve", "PRIVMSG Alice :buy")
	w.irc.Line("eve", "PRIVMSG hearth :buy")
	w.until("two refusals", func() bool { return w.host.Counted("dropped", "private") == 2 })
	w.irc.Line("bob", "PRIVMSG hearth :not to you")
	w.until("a third", func() bool { return w.host.Counted("dropped", "private") == 3 })
	w.irc.Line("bob", "PRIVMSG Alice :but to you")
	w.answer("but to you")
	d := secretly("I too")
	d.Author = &pb.Person{User: "carol@node.example", Name: "Carol"}
	w.dropped(d, "forbidden")
}

// Two of ours write to the same nick: each by a connection of their own, each answered in a room of their own.
func TestTwoWriteToOne(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"mode": "puppets", "private": "on"}, nil, func(o *pb.Open) {
		hers := withBob("bob")
		hers.Channel, hers.Private.Person = "private:two", &pb.Person{User: "carol@node.example", Name: "Carol"}
		o.Links = append(o.Links, withBob("bob"), hers)
	})
	w.host.WaitRoster(whisper, "bob")
	w.says(secretly("from alice"))
	d := secretly("from carol")
	d.Channel, d.Author = "private:two", &pb.Person{User: "carol@node.example", Name: "Carol"}
	w.says(d)
	if got := w.toBob(); fmt.Sprint(got) != "[Alice: from alice Carol: from carol]" {
		t.Error(got)
	}
	w.irc.Line("bob", "PRIVMSG Carol :to carol")
	if e := w.host.Entry(); e.GetChannel() != "private:two" || e.GetText() != "to carol" {
		t.Error(e)
	}
	w.irc.Line("bob", "PRIVMSG Alice :to alice")
	w.answer("to alice")
}

// A nick is followed while it is seen; who leaves or quits is not written to.
func TestThePeerMoves(t *testing.T) {
	t.Parallel()
	w := beginPrivate(t, "bob", nil)
	w.says(secretly("one"))
	w.irc.Line("bob", "NICK bobby")
	w.line("bob is now bobby")
	w.host.WaitRoster(whisper, "bobby")
	w.irc.Join(garden, "bob", "") // another one
	if o := w.says(secretly("two")); o.GetDropped() != "" || len(w.irc.Said("bobby")) != 1 {
		t.Fatal(o)
	}
	w.irc.Line("bob", "PRIVMSG Alice :it is me")
	w.until("a refusal", func() bool { return w.host.Counted("dropped", "private") == 1 })
	w.irc.Line("bobby", "QUIT :bye")
	w.host.WaitRoster(whisper)
	w.dropped(secretly("three"), "not_there")
	w.line("bobby is not on")
	w.dropped(secretly("four"), "not_there")
	w.irc.Join(garden, "bobby", "")
	w.line("bobby is there again")
	if o := w.says(secretly("five")); o.GetDropped() != "" {
		t.Error(o)
	}
}

// Who has an account is known by it: whoever else has the nick gets nothing, and is not heard.
func TestThePeersAccount(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"mode": "puppets", "private": "on"}, nil)
	w.irc.LogIn("bob", "bobby")
	w.irc.Raw(garden, ":bob!u@host.example ACCOUNT bobby")
	w.waitRoster("account:bobby")
	w.host.Link(withBob("account:bobby"))
	w.host.WaitRoster(whisper, "account:bobby")
	w.says(secretly("one"))
	w.irc.Line("bob", "PRIVMSG Alice :yes")
	if e := w.answer("yes"); e.GetGhost().GetId() != "account:bobby" {
		t.Error(e)
	}

	w.irc.Line("bob", "QUIT :bye")
	w.host.WaitRoster(whisper)
	w.irc.Join(garden, "bob", "") // not logged in
	w.waitRoster("bob")
	w.dropped(secretly("two"), "not_there")
	w.line("is not logged in")
	w.irc.Line("bob", "PRIVMSG Alice :it is me")
	w.line("of whom nobody can tell")
	w.irc.Line("bob", "PRIVMSG Alice :really")
	w.until("refusals", func() bool { return w.host.Counted("dropped", "private") == 2 })
	w.irc.LogIn("bob", "mallory")
	w.irc.Raw(garden, ":bob!u@host.example ACCOUNT mallory")
	w.waitRoster("account:mallory")
	w.dropped(secretly("three"), "not_there")

	// The account comes back under another nick: what it writes shows that, and from then on it is written to.
	w.irc.Join(garden, "robert", "")
	w.irc.LogIn("robert", "bobby")
	w.irc.Raw(garden, ":robert!u@host.example ACCOUNT bobby")
	w.waitRoster("account:bobby", "account:mallory")
	w.irc.Line("robert", "PRIVMSG Alice :here I am")
	w.line("bob is now robert")
	if e := w.host.Entry(); e.GetText() != "here I am" || e.GetGhost().GetId() != "account:bobby" {
		t.Error(e)
	}
	w.line("robert is there again")
	if o := w.says(secretly("four")); o.GetDropped() != "" || len(w.irc.Said("robert")) != 1 {
		t.Error(o)
	}
}

// The network says that there is no such nick.
func TestThePeerIsRefused(t *testing.T) {
	t.Parallel()
	w := beginPrivate(t, "bob", func(s *ircdouble.Server) { s.Mute["bob"] = "401" })
	w.dropped(secretly("hello"), "not_there")
	w.line("bob is not on")
	w.irc.Do(func() { w.irc.Mute["bob"] = "716" })
	w.dropped(secretly("hello"), "forbidden")
	w.line("You cannot write to this user")
	w.irc.Do(func() { w.irc.Mute, w.irc.Swallow = map[string]string{}, true })
	w.dropped(secretly("hello"), "swallowed")
	w.line("did not show it")
	w.irc.Do(func() { w.irc.Swallow = false })
	if o := w.says(secretly("again")); o.GetDropped() != "" {
		t.Error(o)
	}
}

// A cut: what nothing had shown is said again, and the conversation goes on.
func TestAPrivateWordSurvivesACut(t *testing.T) {
	t.Parallel()
	w := beginPrivate(t, "bob", nil)
	w.says(secretly("before"))
	w.irc.Cut()
	o := w.says(secretly("after"))
	if got := w.toBob(); o.GetDropped() != "" || fmt.Sprint(got) != "[Alice: before Alice: after]" {
		t.Errorf("%v %q", o, got)
	}
	w.host.Kill()
	w.host.Restart()
	if o := w.says(secretly("later")); o.GetDropped() != "" {
		t.Error(o)
	}
}

// What a cut takes by surprise is said again, as no history tells whether it was heard.
func TestAPrivateWordInDoubt(t *testing.T) {
	t.Parallel()
	w := beginPrivate(t, "bob", nil)
	w.says(secretly("before"))
	w.irc.Do(func() { w.irc.Mumble = true })
	id := w.host.Deliver(secretly("now"))
	w.until("the word over there", func() bool { return len(w.toBob()) == 2 })
	w.host.Kill()
	w.irc.Do(func() { w.irc.Mumble = false })
	w.host.Restart()
	if o := w.host.Outcome(id); o.GetDropped() != "" || fmt.Sprint(w.toBob()) != "[Alice: before Alice: now Alice: now]" {
		t.Error(o, w.toBob())
	}
}

// While the bot is away, who has an account is heard all the same: each message says whose it is. Others may be anybody.
func TestThePeerWritesWhileTheBotIsAway(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"mode": "puppets", "private": "on"}, nil, func(o *pb.Open) { o.Links = append(o.Links, withBob("account:bobby")) })
	w.irc.LogIn("bob", "bobby")
	w.irc.Raw(garden, ":bob!u@host.example ACCOUNT bobby")
	w.host.WaitRoster(whisper, "account:bobby")
	w.says(secretly("hello"))
	w.irc.Do(func() { w.irc.Greet = "ERROR :Throttled" })
	w.irc.Error("hearth", "be gone")
	w.host.Status(whisper, "down")
	w.irc.Line("bob", "PRIVMSG Alice :still here")
	w.answer("still here")
	w.irc.LogIn("bob", "*")
	w.irc.Line("bob", "PRIVMSG Alice :not me")
	w.line("of whom nobody can tell")
}

// A message of several lines is one, and what it is said in a channel is nothing private.
func TestAPrivateMessageOfSeveralLines(t *testing.T) {
	t.Parallel()
	w := beginPrivate(t, "bob", nil)
	w.says(secretly("hello"))
	w.relayed(alice("aloud"), "aloud") // alice is in the channel now, too
	w.irc.Line("bob", "PRIVMSG "+garden+" :in the channel")
	if e := w.host.Entry(); e.GetChannel() != garden {
		t.Error(e)
	}
	for _, line := range []string{"BATCH +x draft/multiline Alice", "@batch=x PRIVMSG Alice :one", "@batch=x PRIVMSG Alice :two", "BATCH -x"} {
		w.irc.Send("Alice", ":bob!u@host.example", line)
	}
	w.answer("one\ntwo")
}

// Who does not want to be written to says so, once.
func TestThePeerBlocks(t *testing.T) {
	t.Parallel()
	w := beginPrivate(t, "bob", nil)
	w.says(secretly("hello"))
	w.irc.Line("bob", "PRIVMSG Alice :!block")
	w.until("a block", func() bool { return len(w.host.Blocks()) == 1 })
	if b := w.host.Blocks()[0]; !b.GetOn() || b.GetChannel() != whisper || b.GetGhost().GetId() != "bob" {
		t.Error(b)
	}
	w.dropped(secretly("still there?"), "not_linked")
	w.irc.Line("bob", "PRIVMSG Alice :and I am gone")
	w.until("a refusal", func() bool { return w.host.Counted("dropped", "private") == 1 })
	w.irc.LogIn("bob", "bobby")
	w.irc.Line("bob", "PRIVMSG hearth :!unblock")
	w.until("it taken back, for the nick and the account", func() bool { return len(w.host.Blocks()) == 3 })
	if b := w.host.Blocks(); b[1].GetOn() || b[1].GetGhost().GetId() != "bob" || b[2].GetOn() || b[2].GetGhost().GetId() != "account:bobby" {
		t.Error(b)
	}
}

func TestPrivateNeedsPuppets(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"bot", "relaymsg"} {
		_, err := readSettings(map[string]string{"server": "irc.example", "nick": "hearth", "mode": mode, "private": "on"})
		if err == nil || !strings.Contains(err.Error(), "needs mode = puppets") {
			t.Error(err)
		}
	}
	w := begin(t, map[string]string{"mode": "puppets"}, nil, func(o *pb.Open) { o.Links = append(o.Links, withBob("bob")) })
	w.dropped(secretly("hello"), "forbidden")
	if got := w.toBob(); len(got) != 0 {
		t.Error(got)
	}
}

// No connection of alice's own: the bot does not say it for her.
func TestNoPuppetNoPrivateWord(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"mode": "puppets", "private": "on", "max_puppets": "1"}, nil, func(o *pb.Open) { o.Links = append(o.Links, withBob("bob")) })
	w.host.WaitRoster(whisper, "bob")
	d := alice("I have the one")
	d.Author = &pb.Person{User: "carol@node.example", Name: "Carol"}
	w.relayed(d, "I have the one")
	w.dropped(secretly("hello"), "no_puppet")
	w.line("There is no connection")
}
