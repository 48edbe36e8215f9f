package relay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/slack/slackdouble"
	"hearth/test/port"
)

// texts takes n entries and returns their texts.
func (w *world) texts(n int) (all []string) {
	for range n {
		all = append(all, w.host.Entry().Text)
	}
	return all
}

// counted waits until so many messages were counted as dropped.
func (w *world) counted(t *testing.T, reason string, n uint64) {
	t.Helper()
	for deadline := time.Now().Add(bridgetest.Patience); w.host.Counted("dropped", reason) != n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s was counted %d times, not %d", reason, w.host.Counted("dropped", reason), n)
		}
	}
}

func numbered(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint("message ", i))
	}
	return all
}

func (w *world) sayNumbered(from, to int) {
	for _, s := range numbered(from, to) {
		w.Say(garden, "UALICE0", s)
	}
}

// sameSet is same where two sockets may have changed the order.
func sameSet(t *testing.T, got, want []string) {
	t.Helper()
	slices.Sort(got)
	slices.Sort(want)
	same(t, got, want)
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
}

func TestRefreshOpensTheNewSocketFirst(t *testing.T) {
	w := start(t, nil)
	for round := range 3 {
		w.WaitSockets(2)
		opened := w.Opened()
		w.Refresh(20 * time.Second) // the old ones are closed once the new ones are there
		w.sayNumbered(round*10, round*10+10)
		sameSet(t, w.texts(10), numbered(round*10, round*10+10))
		w.Wait("two new sockets", func() bool { return w.OpenedLocked() == opened+2 })
	}
	w.WaitSockets(2)
	for _, s := range w.host.Statuses() {
		if s.Channel == "" && s.State == "degraded" {
			t.Fatalf("there was a moment without a socket: %s", s.Reason)
		}
	}
}

func TestSocketsThatDieAreReplacedAndTheGapIsFilled(t *testing.T) {
	w := start(t, nil)
	w.sayNumbered(0, 3)
	w.texts(3)
	w.Set(func(s *slackdouble.Slack) { s.Deaf = true }) // events of this time are lost for ever
	root := w.Say(garden, "UALICE0", "message 3")
	w.Say(garden, "UBORIS0", "in the thread", slackdouble.In(root))
	w.sayNumbered(4, 300)
	w.Set(func(s *slackdouble.Slack) { s.Deaf = false })
	w.Drop()
	got := w.texts(298)
	for _, e := range w.host.Entries() {
		if e.Text == "in the thread" && e.Thread != root {
			t.Fatalf("the reply lost its thread: %v", e)
		}
	}
	sameSet(t, without(got, "in the thread"), numbered(3, 300))
	w.WaitSockets(2)
	if w.host.Counted("reconnect", "") == 0 {
		t.Fatal("the reconnect was not counted")
	}
}

func without(list []string, s string) (left []string) {
	for _, have := range list {
		if have != s {
			left = append(left, have)
		}
	}
	return left
}

func TestEditsOfTheGapAreFound(t *testing.T) {
	w := start(t, nil)
	ts := w.Say(garden, "UALICE0", "before")
	w.host.Entry()
	w.Set(func(s *slackdouble.Slack) { s.Deaf = true })
	w.Edit(garden, ts, "after")
	w.Set(func(s *slackdouble.Slack) { s.Deaf = false })
	w.Drop()
	if e := w.host.Entry(); e.Kind != "edit" || e.Target != ts || e.Text != "after" {
		t.Fatalf("%v", e)
	}
}

func TestASilentSocketIsReplaced(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	s.Set(func(s *slackdouble.Slack) { s.Dumb = true }) // it greets, and then nothing comes, not even a pong
	impatient := quick
	impatient.Silence = 600 * time.Millisecond
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: impatient}, openFor(s, nil))}
	w.ready()
	w.Set(func(s *slackdouble.Slack) { s.Dumb = false })
	w.Wait("other sockets", func() bool { return s.OpenedLocked() >= 4 })
	w.Say(garden, "UALICE0", "hello")
	same(t, w.texts(1), []string{"hello"})
}

func TestTooManySocketsBacksOff(t *testing.T) {
	w := start(t, nil)
	w.TooMany()
	w.Drop()
	w.host.Status("", "degraded")
	w.Restore()
	w.host.Status("", "connected")
	w.WaitSockets(2)
}

func TestSocketModeSwitchedOff(t *testing.T) {
	w := start(t, nil)
	w.Disable()
	if s := w.host.Status("", "login"); !strings.Contains(s.Reason, "Switch it on (api.slack.com/apps, Socket Mode)") {
		t.Fatalf("reason: %s", s.Reason)
	}
	w.Restore()
	w.host.Status("", "connected")
}

func TestRevokedTokensAreSaidAtOnce(t *testing.T) {
	w := start(t, nil)
	w.Revoke(true)
	if s := w.host.Status("", "login"); !strings.Contains(s.Reason, "revoked") || !strings.Contains(s.Reason, "hearth bridge set") {
		t.Fatalf("reason: %s", s.Reason)
	}
	id := w.host.Deliver(text("waits"))
	w.Restore()
	w.host.Status("", "connected")
	if o := w.host.Outcome(id); o.Dropped != "" {
		t.Fatalf("dropped: %v", o)
	}
}

func TestTokensThatDieSilentlyAreNoticed(t *testing.T) {
	w := start(t, nil)
	w.Revoke(false)
	w.host.Status("", "login")
	w.Restore()
	w.host.Status("", "connected")
	w.Event(map[string]any{"type": "app_uninstalled"})
	if s := w.host.Status("", "login"); !strings.Contains(s.Reason, "uninstalled") || !strings.Contains(s.Reason, "hearth bridge set") {
		t.Fatalf("reason: %s", s.Reason)
	}
}

func TestAnAppThatHearsNothingIsDegraded(t *testing.T) {
	w := start(t, nil)
	w.Set(func(s *slackdouble.Slack) { s.Deaf = true })
	w.done(t, text("is anybody there?"))
	if s := w.host.Status("", "degraded"); !strings.Contains(s.Reason, "subscriptions") {
		t.Fatalf("reason: %s", s.Reason)
	}
	w.Say(garden, "UALICE0", "yes") // no event tells of it
	same(t, w.texts(1), []string{"yes"})
}

func TestAnAppThatMayNotReadItsMarksIsDegraded(t *testing.T) {
	w := start(t, nil)
	w.Set(func(s *slackdouble.Slack) { s.Unmarked = true })
	w.done(t, text("who said this?"))
	w.Drop() // the history is read again
	told := func() bool {
		return slices.ContainsFunc(w.host.Statuses(), func(s *pb.Status) bool { return strings.Contains(s.Reason, "metadata.message:read") })
	}
	for deadline := time.Now().Add(bridgetest.Patience); !told(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody was told")
		}
	}
	w.Set(func(s *slackdouble.Slack) { s.Unmarked = false })
	w.host.Restart()
	w.host.Status("", "connected")
}

func TestEventsThatSlackLeavesOut(t *testing.T) {
	w := start(t, nil)
	w.Set(func(s *slackdouble.Slack) { s.Deaf = true })
	w.Say(garden, "UALICE0", "left out")
	w.RateLimited()
	same(t, w.texts(1), []string{"left out"})
}

func TestRetriesAreTaken(t *testing.T) {
	w := start(t, nil)
	w.Set(func(s *slackdouble.Slack) { s.Twice = 100 })
	w.sayNumbered(0, 50)
	sameSet(t, w.texts(50), numbered(0, 50))
	w.Settled()
	w.Set(func(s *slackdouble.Slack) { s.Twice = 0 })
	// The only copy that comes says that it is a retry.
	w.Drop()
	w.Say(garden, "UALICE0", "late")
	same(t, w.texts(1), []string{"late"})
	w.Say(garden, "UALICE0", "end")
	same(t, w.texts(1), []string{"end"})
}

func TestRetryAfterIsObeyed(t *testing.T) {
	w := start(t, nil)
	before := w.Calls("chat.postMessage")
	w.Limit("chat.postMessage", 1, 1)
	began := time.Now()
	w.done(t, text("patience"))
	if time.Since(began) < time.Second || w.Calls("chat.postMessage")-before != 2 {
		t.Fatalf("%s, %d calls", time.Since(began), w.Calls("chat.postMessage")-before)
	}
}

func TestALostAnswerIsNotPostedTwice(t *testing.T) {
	w := start(t, nil)
	w.Set(func(s *slackdouble.Slack) { s.Deaf = true }) // the event of it does not help either
	w.Lose("chat.postMessage", 2)
	_, remote := w.done(t, text("once"))
	if p := w.WaitPost(garden, 1); p.TS != remote[0] {
		t.Fatalf("remote %v, posted %s", remote, p.TS)
	}
	w.Break("chat.postMessage", 2)
	w.done(t, text("after an outage"))
	w.WaitPost(garden, 2)
}

func TestLimitsOfAChannelAreSaid(t *testing.T) {
	w := start(t, nil)
	w.Kick(garden)
	w.host.Status("#garden", "down")
	w.done(t, text("it is public: joined again"))
	w.host.Status("#garden", "connected")
	w.Archive(garden, true)
	if s := w.host.Status("#garden", "down"); !strings.Contains(s.Reason, "archived") {
		t.Fatalf("reason: %s", s.Reason)
	}
	w.Archive(garden, false)
	w.host.Status("#garden", "connected")
	w.Say(garden, "UALICE0", "back")
	same(t, w.texts(1), []string{"back"})
	w.Move(garden, "C0SHARED")
	w.Settled()
	w.Say("C0SHARED", "UALICE0", "moved")
	same(t, w.texts(1), []string{"moved"})
	w.done(t, text("here too"))
	w.WaitPost("C0SHARED", 2)
	w.Event(map[string]any{"type": "channel_rename", "channel": map[string]any{"id": "C0SHARED", "name": "yard"}})
	w.Settled()
	w.Say("C0SHARED", "UALICE0", "see <#C0SHARED>")
	same(t, w.texts(1), []string{"see #yard"})
}

// What each event of a channel does to its link, for public channels and for private ones.
func TestEventsOfAChannel(t *testing.T) {
	w := start(t, nil)
	for _, e := range []struct {
		event, state, says string
	}{
		{`{"type":"channel_left","channel":"C0GARDEN"}`, "down", "/invite"},
		{`{"type":"channel_joined","channel":{"id":"C0GARDEN"}}`, "connected", ""},
		{`{"type":"group_left","channel":"C0GARDEN"}`, "down", "/invite"},
		{`{"type":"group_joined","channel":{"id":"C0GARDEN"}}`, "connected", ""},
		{`{"type":"channel_archive","channel":"C0GARDEN"}`, "down", "archived"},
		{`{"type":"channel_unarchive","channel":"C0GARDEN"}`, "connected", ""},
		{`{"type":"group_archive","channel":"C0GARDEN"}`, "down", "archived"},
		{`{"type":"group_unarchive","channel":"C0GARDEN"}`, "connected", ""},
		{`{"type":"member_left_channel","user":"UBOT000","channel":"C0GARDEN"}`, "down", "/invite"},
		{`{"type":"member_joined_channel","user":"UBOT000","channel":"C0GARDEN"}`, "connected", ""},
		{`{"type":"channel_deleted","channel":"C0GARDEN"}`, "down", "hearth bridge unlink"},
	} {
		var event map[string]any
		if err := json.Unmarshal([]byte(e.event), &event); err != nil {
			t.Fatal(err)
		}
		before := len(w.host.Statuses())
		w.Event(event)
		if s := w.next(t, before, e.state); !strings.Contains(s.Reason, e.says) {
			t.Errorf("%s: %q", e.event, s.Reason)
		}
	}
}

// next waits until the channel has a state, or has had it since so many statuses: it may have another by now, as the
// bridge looks for itself, and Slack knows nothing of what the event says.
func (w *world) next(t *testing.T, after int, state string) *pb.Status {
	t.Helper()
	for end := time.Now().Add(bridgetest.Patience); ; time.Sleep(5 * time.Millisecond) {
		all := w.host.Statuses()
		newest := true
		for i := len(all) - 1; i >= 0 && (newest || i >= after); i-- {
			if all[i].Channel != "#garden" {
				continue
			}
			if all[i].State == state {
				return all[i]
			}
			newest = false
		}
		if time.Now().After(end) {
			t.Fatalf("#garden is never %s: %v", state, all[after:])
		}
	}
}

// Who writes to the app itself is told once that nobody reads it; each message is counted.
func TestDirectMessagesGoNowhere(t *testing.T) {
	w := start(t, nil)
	w.Direct("D0ALICE", "UALICE0")
	w.Direct("D0BORIS", "UBORIS0")
	w.Say("D0ALICE", "UALICE0", "hello?")
	if p := w.WaitPost("D0ALICE", 1); !strings.Contains(p.Text, "nobody reads it") {
		t.Fatalf("%+v", p)
	}
	w.Say("D0ALICE", "UALICE0", "is anybody there?")
	w.host.Restart()
	w.ready()
	w.Say("D0ALICE", "UALICE0", "and now?")
	w.Event(map[string]any{"type": "message", "channel": "G0GROUP", "channel_type": "mpim", "user": "UADMIN0", "text": "what is this app?", "ts": "1900000000.000100"})
	w.Say("D0BORIS", "UBORIS0", "hello?")
	w.WaitPost("D0BORIS", 1)
	w.counted(t, "direct_message", 5)
	w.WaitPost("D0ALICE", 1)
	w.Say(garden, "UALICE0", "to all")
	same(t, w.texts(1), []string{"to all"})
}

func TestPrivateChannelNeedsAnInvitation(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel("C0SECRET", "secret", true)
	open := openFor(s, nil)
	open.Links = []*pb.Link{{Channel: "#secret", Room: "R", Confirmed: true}}
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, open)}
	if st := w.host.Status("#secret", "down"); !strings.Contains(st.Reason, "/invite") {
		t.Fatalf("reason: %s", st.Reason)
	}
	w.WaitSockets(2)
	if answer := w.Command("C0SECRET", "UADMIN0", "link ABCD1234"); !strings.Contains(answer, "/invite @hearth") {
		t.Errorf("answer: %s", answer)
	}
	w.Invite("C0SECRET")
	w.host.Status("#secret", "connected")
	w.Say("C0SECRET", "UALICE0", "psst")
	same(t, w.texts(1), []string{"psst"})
}

// Nobody over there has asked for the app before the code: it is not in the channel, and comes with the code.
func TestTheAppJoinsWithTheCode(t *testing.T) {
	s := slackdouble.New(t)
	channel := s.Channel(garden, "garden", false)
	open := openFor(s, nil)
	open.Links[0].Confirmed = false
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, open)}
	w.host.Code("#garden", "ABCD1234")
	w.host.Status("#garden", "connecting")
	w.WaitSockets(2)
	w.Set(func(*slackdouble.Slack) {
		if channel.Member {
			t.Error("it came unasked")
		}
	})
	if answer := w.Command(garden, "UADMIN0", "link ABCD1234"); !strings.Contains(answer, "#garden@node.example") {
		t.Fatalf("answer: %s", answer)
	}
	w.host.Status("#garden", "connected")
	w.host.WaitRoster("#garden", "UALICE0", "UBORIS0", "UADMIN0")
	w.Say(garden, "UALICE0", "now")
	same(t, w.texts(1), []string{"now"})
}

// A channel that is not there is that link's trouble, and not the bridge's.
func TestAChannelThatIsNotThere(t *testing.T) {
	w := start(t, nil)
	w.host.Link(&pb.Link{Channel: "#nowhere", Room: "R", Confirmed: true})
	if st := w.host.Status("#nowhere", "down"); !strings.Contains(st.Reason, "/invite @hearth") {
		t.Errorf("%s", st.Reason)
	}
	tests := w.Calls("auth.test")
	w.Wait("looks at the token", func() bool { return w.CallsLocked("auth.test") > tests+1 })
	for _, s := range w.host.Statuses() {
		if s.Channel == "" && s.State == "degraded" {
			t.Errorf("%s", s.Reason)
		}
	}
}

// A bridge that cannot send says so each time, or the node would start it anew for ever.
func TestWhatCannotBeSentIsAnswered(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel("C0SECRET", "secret", true)
	open := openFor(s, nil)
	open.Links = []*pb.Link{{Channel: "#secret", Room: "R", Confirmed: true}}
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, open)}
	d := text("waits for the invitation")
	d.Channel = "#secret"
	id := w.host.Deliver(d)
	for len(w.host.Outcomes(id)) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	w.Invite("C0SECRET")
	if o := w.host.Outcome(id); o.Dropped != "" {
		t.Fatalf("%v", o)
	}
	w.WaitPost("C0SECRET", 1)
}

func TestConsent(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false).Member = true
	open := openFor(s, nil)
	open.Links[0].Confirmed = false
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, open)}
	w.host.Code("#garden", "ABCD1234")
	w.host.Status("#garden", "connecting")
	w.WaitSockets(2)
	w.Say(garden, "UALICE0", "nobody may read this")
	w.Say(garden, "UALICE0", "!link ABCD1234") // not an administrator
	w.Wait("an answer", func() bool { return len(s.WhispersLocked()) == 1 })
	if answer := w.Whispers()[0]; !strings.Contains(answer, "administrator") {
		t.Fatalf("answer: %s", answer)
	}
	if answer := w.Command(garden, "UADMIN0", "link WRONG"); !strings.Contains(answer, "not the one") {
		t.Fatalf("answer: %s", answer)
	}
	if answer := w.Command(garden, "UADMIN0", "dance"); !strings.Contains(answer, "link CODE") {
		t.Fatalf("answer: %s", answer)
	}
	if answer := w.Command(garden, "UADMIN0", "link ABCD1234"); !strings.Contains(answer, "#garden@node.example") {
		t.Fatalf("answer: %s", answer)
	}
	w.host.Status("#garden", "connected")
	w.Say(garden, "UALICE0", "now")
	same(t, w.texts(1), []string{"now"})
	w.Say(garden, "UADMIN0", "!unlink")
	w.Wait("an answer", func() bool { return len(s.WhispersLocked()) == 2 })
	if n := len(w.host.Claims()); n < 3 {
		t.Fatalf("%d claims", n)
	}
}

func TestPeople(t *testing.T) {
	w := start(t, nil)
	w.host.WaitRoster("#garden", "UALICE0", "UBORIS0", "UADMIN0")
	w.Rename("UALICE0", "Alice Oak")
	w.Settled()
	w.Say(garden, "UALICE0", "new name")
	if e := w.host.Entry(); e.Ghost.Name != "Alice Oak" {
		t.Fatalf("%v", e.Ghost)
	}
	w.Say(garden, "", "built", func(m *slackdouble.Message) {
		m.BotID, m.Subtype = "BCI0000", "bot_message"
		m.Attachments = []byte(`[{"title":"Build 7","title_link":"https://ci.example/7","text":"*passed*"}]`)
	})
	if e := w.host.Entry(); e.Ghost.Name != "CI" || !strings.Contains(e.Text, "Build 7") || !strings.Contains(e.Text, "**passed**") {
		t.Fatalf("a bot: %v", e)
	}
	w.Say(garden, "USLACKBOT", "reminder")
	if e := w.host.Entry(); e.Ghost.Name != "Slackbot" {
		t.Fatalf("%v", e.Ghost)
	}
	w.Say(garden, "WSTRANGER", "from another workspace")
	if e := w.host.Entry(); e.Ghost.Id != "WSTRANGER" || e.Ghost.Name == "" {
		t.Fatalf("%v", e.Ghost)
	}
	w.Deactivate("UBORIS0")
	w.host.WaitRoster("#garden", "UALICE0", "UADMIN0")
	w.Event(map[string]any{"type": "member_left_channel", "channel": garden, "user": "UALICE0"})
	w.host.WaitRoster("#garden", "UADMIN0")
}

func TestTopic(t *testing.T) {
	w := start(t, map[string]string{"topic": "both"})
	w.Event(map[string]any{"type": "message", "subtype": "channel_topic", "channel": garden, "user": "UALICE0", "ts": "1900000000.000100", "topic": "weeds &amp; seeds", "text": "x"})
	if e := w.host.Entry(); e.Kind != "topic" || e.Text != "weeds & seeds" {
		t.Fatalf("%v", e)
	}
	for subtype, line := range map[string]string{"channel_purpose": "Alice Ash set the channel's description: growing", "channel_name": "Alice Ash renamed the channel in Slack: it is called #yard now."} {
		w.Event(map[string]any{"type": "message", "subtype": subtype, "channel": garden, "user": "UALICE0", "ts": "1900000000.00020" + fmt.Sprint(len(subtype)%10), "purpose": "growing", "name": "yard", "old_name": "garden", "text": "x"})
		if e := w.host.Entry(); e.Kind != "line" || e.Text != line {
			t.Fatalf("%s: %v", subtype, e)
		}
	}
	w.done(t, &pb.Delivery{Channel: "#garden", Kind: "topic", Author: alice(), Text: "seeds"})
	w.Say(garden, "UALICE0", "end")
	if e := w.host.Entry(); e.Text != "end" {
		t.Fatalf("the topic came back: %v", e)
	}
}

func TestPins(t *testing.T) {
	w := start(t, map[string]string{"pins": "both"})
	ts := w.Say(garden, "UALICE0", "rules")
	w.host.Entry()
	w.Pin(garden, ts, "UBORIS0", true)
	if e := w.host.Entry(); e.Kind != "pin" || e.Target != ts || e.Ghost.Id != "UBORIS0" {
		t.Fatalf("%v", e)
	}
	w.host.Refuse("forbidden", "Only a moderator pins.")
	w.Pin(garden, ts, "UBORIS0", false)
	if e := w.host.Entry(); e.Kind != "unpin" || e.Target != ts {
		t.Fatalf("%v", e)
	}
	w.host.Refuse("forbidden", "Only a moderator pins.")
	w.Pin(garden, ts, "UBORIS0", true)
	w.host.Entry()
	if e := w.host.Entry(); e.Kind != "line" || e.Text != "Boris pinned a message in Slack: rules" {
		t.Fatalf("%v", e)
	}
	_, remote := w.done(t, text("pin me"))
	pin := func(kind string) {
		w.done(t, &pb.Delivery{Channel: "#garden", Kind: kind, Author: alice(), Target: &pb.Ref{Event: "E", Remote: remote}})
	}
	pin("pin")
	pin("pin") // twice is no error
	if !w.Message(garden, remote[0]).Pinned {
		t.Fatal("it is not pinned")
	}
	pin("unpin")
	if w.Message(garden, remote[0]).Pinned {
		t.Fatal("it is still pinned")
	}
	w.Say(garden, "UALICE0", "end")
	same(t, w.texts(1), []string{"end"}) // the bridge's own pins did not come back
	w.Fail("pins.add", "missing_scope")
	if o := w.host.Outcome(w.host.Deliver(&pb.Delivery{Channel: "#garden", Kind: "pin", Author: alice(), Target: &pb.Ref{Event: "E", Remote: remote}})); o.Dropped != "forbidden" {
		t.Fatalf("%v", o)
	}
}

func TestLinksToMessages(t *testing.T) {
	w := start(t, nil)
	ts := w.Say(garden, "UALICE0", "the plan")
	w.host.Entry()
	link := slackdouble.Workspace + "archives/" + garden + "/p" + strings.Replace(ts, ".", "", 1)
	w.Say(garden, "UBORIS0", "see <"+link+">")
	if e := w.host.Entry(); e.Text != "see <https://node.example:8443/#/room/ROOM/event/event-1>" {
		t.Fatalf("%s", e.Text)
	}
	id, remote := w.done(t, text("see https://node.example:8443/#/room/ROOM/event/event-1 and [this](https://elsewhere.example/#/room/ROOM/event/event-1)"))
	p := w.WaitPost(garden, 1)
	if strings.Count(string(p.Blocks), `"url":"`+link+`"`) != 2 || strings.Contains(string(p.Blocks), "#/room") {
		t.Fatalf("%s", p.Blocks)
	}
	w.host.Restart() // and in another life
	w.ready()
	w.done(t, text("again: https://node.example:8443/#/room/ROOM/event/event-1, and https://node.example:8443/#/room/OTHER/event/event-1"))
	if p := w.WaitPost(garden, 2); !strings.Contains(string(p.Blocks), link) || !strings.Contains(string(p.Blocks), "/#/room/OTHER/event/event-1") {
		t.Fatalf("%s", p.Blocks)
	}
	w.Say(garden, "UBORIS0", "and yours: <"+slackdouble.Workspace+"archives/"+garden+"/p"+strings.Replace(remote[0], ".", "", 1)+"|that>")
	if e := w.host.Entry(); e.Text != "and yours: [that](<https://node.example:8443/#/room/ROOM/event/"+id+">)" {
		t.Fatalf("%s", e.Text)
	}
}

func TestLoopsEnd(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	open := openFor(s, nil)
	open.KnownBots = []string{"BOTHER00"}
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, open)}
	w.ready()
	w.Say(garden, "", "relayed by another bridge", func(m *slackdouble.Message) { m.BotID, m.Username, m.Subtype = "BOTHER00", "x", "bot_message" })
	w.Say(garden, "", "of another Hearth", func(m *slackdouble.Message) {
		m.BotID, m.Username, m.Subtype = "BHEARTH2", "Bob (libera)", "bot_message"
		m.Metadata = []byte(`{"event_type":"hearth_message","event_payload":{"node":"other","bridge":"x","event":"E","hops":["oftc","libera"]}}`) // as bridges wrote it before
	})
	if e := w.host.Entry(); e.Text != "of another Hearth" || strings.Join(e.Hops, " ") != "oftc libera" {
		t.Fatalf("%v", e)
	}
	w.counted(t, "known_bot", 1)
	d := text("from IRC")
	d.Author = &pb.Person{Ghost: &pb.Ghost{Id: "bob", Name: "bob", Network: "libera"}}
	w.done(t, d)
	if p := w.WaitPost(garden, 1); p.Username != "bob (libera)" || !strings.Contains(string(p.Metadata), `"hops":"libera"`) {
		t.Fatalf("%+v %s", p, p.Metadata)
	}
}

func TestEventsAPI(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	open := openFor(s, map[string]string{"mode": "events", "signing_secret": slackdouble.SigningSecret, "app_token": "", "listen": "127.0.0.1:" + port.Free(t)})
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, open)}
	w.host.Status("", "connected")
	w.host.Status("#garden", "connected")
	url := "http://" + open.Settings["listen"] + "/slack/events"
	w.Set(func(s *slackdouble.Slack) { s.EventsURL = url })
	w.Say(garden, "UALICE0", "by HTTP")
	same(t, w.texts(1), []string{"by HTTP"})
	w.Settled()
	status := func(r *http.Request) (int, string) {
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		b := make([]byte, 200)
		n, _ := response.Body.Read(b)
		return response.StatusCode, string(b[:n])
	}
	body := []byte(`{"type":"url_verification","challenge":"c123"}`)
	if code, said := status(slackdouble.Signed(url, "application/json", body, time.Now())); code != 200 || said != "c123" {
		t.Fatalf("challenge: %d %s", code, said)
	}
	if code, _ := status(slackdouble.Signed(url, "application/json", body, time.Now().Add(-10*time.Minute))); code != 401 {
		t.Fatalf("an old signature: %d", code)
	}
	forged := slackdouble.Signed(url, "application/json", body, time.Now())
	forged.Header.Set("X-Slack-Signature", "v0="+strings.Repeat("0", 64))
	if code, _ := status(forged); code != 401 {
		t.Fatalf("a forged signature: %d", code)
	}
	form := []byte("command=%2Fbridge&text=unlink&channel_id=" + garden + "&user_id=UALICE0")
	if code, said := status(slackdouble.Signed(url, "application/x-www-form-urlencoded", form, time.Now())); code != 200 || !strings.Contains(said, "administrator") {
		t.Fatalf("command: %d %s", code, said)
	}
	http.DefaultClient.CloseIdleConnections()
}

// Everybody in the room reads the reason: what cannot be reached is said without the administrator's addresses.
func TestReasonsTellNoAddress(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	open := openFor(s, map[string]string{"api_url": "http://127.0.0.1:" + port.Free(t) + "/api/"})
	h := bridgetest.Start(t, &Bridge{Timing: quick}, open)
	if st := h.Status("", "degraded"); st.Reason != "Slack cannot be reached: the connection is refused." || !strings.Contains(st.Detail, "127.0.0.1") {
		t.Errorf("%s", st.Reason)
	}
	w := start(t, nil)
	w.Break("auth.test", 1000)
	if st := w.host.Status("", "degraded"); st.Reason != "Slack cannot be reached: it answers with HTTP status 503." {
		t.Errorf("%s", st.Reason)
	}
}
