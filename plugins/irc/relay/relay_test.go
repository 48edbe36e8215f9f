package relay

import (
	"slices"
	"strings"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/ircdouble"
)

func TestBothWays(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	o := w.relayed(alice("hello **world**"), "<Alice> hello \x02world")
	if len(o.GetRemote()) != 1 || !strings.HasPrefix(o.GetRemote()[0], "id") {
		t.Errorf("remote %v", o.GetRemote())
	}
	d := alice("waves")
	d.Kind = "emote"
	w.relayed(d, "* Alice waves")
	id := w.irc.Say(garden, "bob", "hi \x02there")
	e := w.hears("text", "hi **there**")
	if g := e.GetGhost(); g.GetId() != "bob" || g.GetName() != "bob" || e.GetRemote() != id || e.GetKey() != "m:"+id || e.GetTime() == 0 {
		t.Errorf("%v", e)
	}
	w.irc.Say(garden, "bob", "\x01ACTION dances\x01")
	w.hears("emote", "dances")
	w.irc.Line("bob", "NOTICE "+garden+" :careful")
	w.hears("notice", "careful")
}

// People on both networks are not pinged by what they say themselves (matterbridge#175).
func TestZeroWidthSpaceInNicks(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.says(alice("x"))
	if m := w.irc.WaitSaid(garden, "x"); m.Text != "<A"+zeroWidth+"lice> x" {
		t.Errorf("%q", m.Text)
	}
}

func TestCommandInjection(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.relayed(alice("a\r\nQUIT :bye\r\nPRIVMSG #other :x\x00 \x01DCC SEND\x01"), "<Alice> a", "<Alice> QUIT :bye", "<Alice> PRIVMSG #other :x DCC SEND")
	d := alice("b")
	d.Author.Name = "Eve\r\nQUIT :x\x01"
	w.relayed(d, "<EveQUIT :x> b")
	if lines := w.irc.Lines("hearth"); slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "QUIT") }) {
		t.Errorf("%q", lines)
	}
}

func TestMentionsBothWays(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.relayed(alice("@bob look"), "<Alice> bob: look")
	w.relayed(alice("ask @bob, not @carol"), "<Alice> ask bob, not @carol")
	w.irc.Say(garden, "bob", "alice: thanks")
	w.hears("text", "@alice: thanks")
	w.irc.Say(garden, "bob", "thanks @Alice")
	w.hears("text", "thanks @alice")
	w.irc.Say(garden, "bob", "carol: thanks")
	w.hears("text", "carol: thanks")
}

func TestReplies(t *testing.T) {
	t.Parallel()
	for name, caps := range map[string][]string{"tags": ircdouble.All, "plain": {}} {
		t.Run(name, func(t *testing.T) {
			w := begin(t, nil, func(s *ircdouble.Server) { s.Caps = caps })
			id := w.irc.Say(garden, "bob", "what time is it?")
			e := w.host.Entry()
			ref := &pb.Ref{Event: "e1", Remote: []string{e.GetRemote()}, Author: &pb.Person{User: "libera@node.example", Ghost: &pb.Ghost{Id: "bob", Name: "bob"}}, Text: "what time is it?", Time: now()}
			d := alice("noon")
			d.ReplyTo = ref
			w.relayed(d, "<Alice> bob: noon")
			if m := w.irc.WaitSaid(garden, "noon"); name == "tags" && m.Tags.Value("+reply") != id {
				t.Errorf("%+v", m)
			} else if name == "plain" && m.Tags.Value("+reply") != "" {
				t.Errorf("%+v", m)
			}
			ref.Time -= 3600_000
			w.relayed(d2(d, "still noon"), "<Alice> > <bob> what time is it?", "<Alice> still noon")
			ref.Author = &pb.Person{User: "carol@node.example", Name: "Carol"}
			ref.Remote = nil
			w.relayed(d2(d, "and this"), "<Alice> > <Carol> what time is it?", "<Alice> and this")
		})
	}
	w := begin(t, nil, nil)
	o := w.says(alice("first"))
	w.irc.Line("bob", "@+reply="+o.GetRemote()[0]+" PRIVMSG "+garden+" :second")
	if e := w.hears("text", "second"); e.GetReplyTo() != o.GetRemote()[0] {
		t.Error(e)
	}
}

func d2(d *pb.Delivery, text string) *pb.Delivery {
	return &pb.Delivery{Channel: d.Channel, Kind: d.Kind, Text: text, Author: d.Author, ReplyTo: d.ReplyTo, Target: d.Target}
}

func TestReactionsAndRedactions(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"deletes": "redact"}, nil)
	o := w.says(alice("hello"))
	id := o.GetRemote()[0]
	w.irc.Line("bob", "@+reply="+id+";+draft/react=👍 TAGMSG "+garden)
	if e := w.host.Entry(); e.GetKind() != "react" || e.GetTarget() != id || e.GetEmoji() != "👍" || e.GetGhost().GetId() != "bob" {
		t.Error(e)
	}
	w.irc.Line("bob", "@+reply="+id+";+draft/unreact=👍 TAGMSG "+garden)
	if e := w.host.Entry(); e.GetKind() != "unreact" || e.GetEmoji() != "👍" {
		t.Error(e)
	}
	bobs := w.irc.Say(garden, "bob", "mine")
	w.host.Entry()
	d := alice("")
	d.Kind, d.Emoji, d.Target = "react", "🎉", &pb.Ref{Event: "e2", Remote: []string{bobs}}
	if o := w.says(d); o.GetDropped() != "" {
		t.Error(o)
	}
	w.irc.WaitLine("hearth", "+draft/react=🎉")
	d = alice("")
	d.Kind, d.Target = "delete", &pb.Ref{Event: "e1", Remote: []string{id}}
	if o := w.says(d); o.GetDropped() != "" {
		t.Error(o)
	}
	w.irc.WaitSaid(garden, id) // REDACT
	w.irc.Line("bob", "REDACT "+garden+" "+bobs)
	if e := w.host.Entry(); e.GetKind() != "delete" || e.GetTarget() != bobs {
		t.Error(e)
	}
	w.irc.Line("bob", "@+typing=active TAGMSG "+garden)
	w.host.Wait("typing", func() bool { return true })
}

func TestWhatIRCHasNot(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, func(s *ircdouble.Server) { s.Caps = nil })
	ref := &pb.Ref{Event: "e1", Remote: []string{"~x"}, Text: "hello", Time: now()}
	w.dropped(&pb.Delivery{Channel: garden, Kind: "react", Emoji: "👍", Target: ref, Author: alice("").Author}, "not_on_irc")
	w.dropped(&pb.Delivery{Channel: garden, Kind: "delete", Target: ref, Author: alice("").Author}, "not_on_irc")
	w.dropped(alice(" \n "), "empty")
}

func TestEdits(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"edit_wait_seconds": "1"}, nil)
	edit := func(old, text string, age int64) *pb.Delivery {
		return &pb.Delivery{Channel: garden, Kind: "edit", Text: text, OldText: old, Author: alice("").Author, Time: now(),
			Target: &pb.Ref{Event: "e1", Remote: []string{"id1"}, Time: now() - age}}
	}
	w.dropped(edit("see you at noon", "see you at nooon", 1000), "tiny_edit")
	w.dropped(edit("a", "something else altogether", 16*60_000), "late_edit")
	// Several edits in a row are one line.
	first := w.host.Deliver(edit("see you at 3 o'clock", "see you at 4 o'clock", 1000))
	second := w.host.Deliver(edit("see you at 4 o'clock", "see you at 5 o'clock", 1000))
	w.host.Outcome(first)
	w.host.Outcome(second)
	w.expect("<Alice> (corrected) see you at 5 o'clock")
	if !isTiny("teh cat", "the cat") || isTiny("at 3", "at 4") || isTiny("yes", "no!!") {
		t.Error("what is tiny")
	}
}

func TestLongTexts(t *testing.T) {
	t.Parallel()
	long := "one\ntwo\nthree\nfour\nfive"
	w := begin(t, nil, nil)
	w.relayed(alice(long), "<Alice> one\ntwo\nthree\nfour\nfive")
	page := strings.Repeat("a line of a page\n", 40)
	w.relayed(alice(page), "<Alice> a line of a page … (40 lines) https://node.example/p/1")
	q := begin(t, nil, func(s *ircdouble.Server) { s.Caps = []string{"batch", "message-tags"} })
	q.relayed(alice(long), "<Alice> one … (5 lines) https://node.example/p/1")
	words := strings.TrimSpace(strings.Repeat("word ", 150))
	before := len(q.said())
	q.says(alice(words))
	var all []string
	for _, text := range q.said()[before:] {
		all = append(all, strings.TrimPrefix(text, "<Alice> "))
		if line := ":hearth!u@host.example PRIVMSG #garden :" + text + "\r\n"; len(line)+len(zeroWidth) > 512 {
			t.Errorf("%d bytes", len(line))
		}
	}
	if len(all) < 2 || strings.Join(all, " ") != words {
		t.Errorf("%q", all)
	}
}

func TestMultilineIn(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	for _, line := range []string{"@msgid=ml1;time=2026-01-01T00:00:00.000Z :bob!u@h BATCH +1 draft/multiline #garden", "@batch=1 :bob!u@h PRIVMSG #garden :one",
		"@batch=1 :bob!u@h PRIVMSG #garden :two ", "@batch=1;draft/multiline-concat :bob!u@h PRIVMSG #garden :parts", ":irc.example BATCH -1"} {
		w.irc.Raw(garden, line)
	}
	if e := w.hears("text", "one\ntwo parts"); e.GetRemote() != "ml1" {
		t.Error(e)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	d := alice("look")
	d.Files = []*pb.File{{Name: "cat.jpg", Size: 1_300_000, Type: "image/jpeg", Url: "https://node/m/x/cat.jpg"}, {Name: "hi.ogg", Size: 9000, Type: "audio/ogg", Seconds: 75, Url: "https://node/m/y/hi.ogg"}}
	w.relayed(d, "<Alice> look", "<Alice> cat.jpg (image, 1.3 MB): https://node/m/x/cat.jpg", "<Alice> hi.ogg (voice, 1:15): https://node/m/y/hi.ogg")
}

// What is said has the server's time, which may be long ago (a bouncer, a slow network); a clock that is ahead is not believed.
func TestServersTime(t *testing.T) {
	t.Parallel()
	w := begin(t, nil, nil)
	w.irc.Raw(garden, "@time=2026-01-02T03:04:05.678Z;msgid=t1 :bob!u@h PRIVMSG #garden :long ago")
	if e := w.hears("text", "long ago"); e.GetTime() != time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC).UnixMilli() {
		t.Error(e)
	}
	w.irc.Raw(garden, "@time=2999-01-02T03:04:05.678Z;msgid=t2 :bob!u@h PRIVMSG #garden :in the future")
	if e := w.hears("text", "in the future"); e.GetTime() > now() || e.GetTime() == 0 {
		t.Error(e)
	}
	plain := begin(t, nil, func(s *ircdouble.Server) { s.Caps = nil })
	plain.irc.Say(garden, "bob", "now")
	if e := plain.hears("text", "now"); e.GetTime() > now() || e.GetTime() == 0 {
		t.Error(e)
	}
}
