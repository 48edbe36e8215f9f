package relay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/slack/slackdouble"
	"hearth/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// quick is the timing of tests: they wait for what happens, not for time to pass.
var quick = Timing{Silence: 10 * time.Second, Retry: 10 * time.Millisecond, Lull: 50 * time.Millisecond, Look: 100 * time.Millisecond, Settle: 150 * time.Millisecond, Save: 50 * time.Millisecond, Order: 20 * time.Millisecond, Overlap: 15 * time.Second, Edits: 20 * time.Second, File: 2 * time.Second}

const garden = "C0GARDEN"

// world is a workspace with the channel #garden, linked to a room.
type world struct {
	*slackdouble.Slack
	host *bridgetest.Host
}

func openFor(s *slackdouble.Slack, set map[string]string) *pb.Open {
	settings := map[string]string{"bot_token": slackdouble.BotToken, "app_token": slackdouble.AppToken, "api_url": s.URL(), "pace": "10000"}
	for k, v := range set {
		settings[k] = v
	}
	return &pb.Open{Bridge: "acme", Settings: settings, Url: "https://node.example:8443", Links: []*pb.Link{{Channel: "#garden", Room: "ROOM", RoomName: "#garden@node.example", Confirmed: true}}}
}

func start(t *testing.T, set map[string]string) *world {
	t.Helper()
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, openFor(s, set))}
	w.ready()
	return w
}

// ready waits until the channel is linked and both sockets are open.
func (w *world) ready() {
	w.host.Status("#garden", "connected")
	w.WaitSockets(2)
}

func alice() *pb.Person {
	return &pb.Person{User: "alice@node.example", Name: "Alice Node", AvatarUrl: "https://node.example:8443/m/token/alice.png"}
}

func text(s string) *pb.Delivery {
	return &pb.Delivery{Channel: "#garden", Kind: "text", Author: alice(), Text: s}
}

// done delivers and returns the remote ids.
func (w *world) done(t *testing.T, d *pb.Delivery) (id string, remote []string) {
	t.Helper()
	id = w.host.Deliver(d)
	o := w.host.Outcome(id)
	if o.Dropped != "" {
		t.Fatalf("%s was dropped: %s (%s)", d.Kind, o.Dropped, o.Text)
	}
	return id, o.Remote
}

func TestThereAndBack(t *testing.T) {
	w := start(t, nil)
	ts := w.Say(garden, "UALICE0", "hello *room* <@UBORIS0>")
	e := w.host.Entry()
	if e.Text != "hello **room** @\u2060Boris" || e.Ghost.Id != "UALICE0" || e.Ghost.Name != "Alice Ash" || e.Ghost.Avatar == "" || e.Remote != ts || e.Time == 0 {
		t.Fatalf("from Slack: %v", e)
	}
	_, remote := w.done(t, text("hello **Slack** @boris and <!channel>"))
	p := w.WaitPost(garden, 1)
	if p.TS != remote[0] || p.Username != "Alice Node" || p.Icon != alice().AvatarUrl || !strings.Contains(string(p.Blocks), `"type":"user","user_id":"UBORIS0"`) {
		t.Fatalf("to Slack: %+v %s", p, p.Blocks)
	}
	if strings.Contains(p.Text, "<!") || strings.Contains(string(p.Blocks), "broadcast") {
		t.Fatalf("it calls the whole channel: %s %s", p.Text, p.Blocks)
	}
	w.Say(garden, "UBORIS0", "again")
	if e := w.host.Entry(); e.Text != "again" {
		t.Fatalf("its own message came back: %v", e)
	}
}

func TestEditsAndDeletesFromSlack(t *testing.T) {
	w := start(t, nil)
	ts := w.Say(garden, "UALICE0", "see https://a.example")
	w.host.Entry()
	w.Unfurl(garden, ts) // no edit
	w.Touch(garden, ts)  // no edit
	w.Edit(garden, ts, "see *this*")
	if e := w.host.Entry(); e.Kind != "edit" || e.Target != ts || e.Text != "see **this**" || e.Ghost.Id != "UALICE0" {
		t.Fatalf("edit: %v", e)
	}
	w.Remove(garden, ts)
	if e := w.host.Entry(); e.Kind != "delete" || e.Target != ts || e.Ghost.Id != "UALICE0" {
		t.Fatalf("delete: %v", e)
	}
}

func TestThreads(t *testing.T) {
	w := start(t, nil)
	root := w.Say(garden, "UALICE0", "root")
	w.host.Entry()
	reply := w.Say(garden, "UBORIS0", "reply", slackdouble.In(root))
	if e := w.host.Entry(); e.Thread != root || e.Text != "reply" {
		t.Fatalf("reply: %v", e)
	}
	w.Say(garden, "UBORIS0", "to all", slackdouble.In(root), func(m *slackdouble.Message) { m.Subtype = "thread_broadcast" })
	if e := w.host.Entry(); e.Thread != "" || e.ReplyTo != root || e.Text != "to all" {
		t.Fatalf("broadcast: %v", e)
	}
	// Deleting the first message of a thread leaves a tombstone and touches the replies: only that one is deleted.
	w.Remove(garden, root)
	w.Touch(garden, reply)
	if e := w.host.Entry(); e.Kind != "delete" || e.Target != root {
		t.Fatalf("tombstone: %v", e)
	}
	d := text("from the room")
	d.Thread = &pb.Ref{Event: "E", Remote: []string{root}}
	w.done(t, d)
	if p := w.WaitPost(garden, 1); p.Thread != root {
		t.Fatalf("outgoing reply: %+v", p)
	}
	w.Say(garden, "UALICE0", "end")
	if e := w.host.Entry(); e.Text != "end" {
		t.Fatalf("the thread's end was replayed as %v", e)
	}
}

// What answers a message of a thread, but was said to all in the room, is said to all and in the thread over there; what answers any other
// message begins no thread.
func TestRepliesThatAreAlsoForTheChannel(t *testing.T) {
	w := start(t, nil)
	root := w.Say(garden, "UALICE0", "root")
	w.Say(garden, "UBORIS0", "in the thread", slackdouble.In(root))
	shared := w.Say(garden, "UBORIS0", "to all", slackdouble.In(root), func(m *slackdouble.Message) { m.Subtype = "thread_broadcast" })
	alone := w.Say(garden, "UBORIS0", "no thread")
	w.texts(4)
	post := func(n int, what string, d *pb.Delivery) slackdouble.Message {
		t.Helper()
		d.Text = what
		w.done(t, d)
		return w.WaitPost(garden, n)
	}
	ref := func(ts, text string) *pb.Ref {
		return &pb.Ref{Event: "event of " + ts, Remote: []string{ts}, Text: text}
	}
	quoted := func(p slackdouble.Message) bool { return strings.Contains(string(p.Blocks), "rich_text_quote") }
	d := text("")
	d.ReplyTo = ref(shared, "to all")
	if p := post(1, "answer", d); p.Thread != root || p.Subtype != "thread_broadcast" || !quoted(p) {
		t.Errorf("an answer to a reply that was shared: %+v", p)
	}
	d = text("")
	d.ReplyTo = ref(root, "root")
	if p := post(2, "another", d); p.Thread != root || p.Subtype != "thread_broadcast" || quoted(p) {
		t.Errorf("an answer to the root, which Slack shows: %+v", p)
	}
	d = text("")
	d.ReplyTo = ref(alone, "no thread")
	if p := post(3, "quoted", d); p.Thread != "" || !quoted(p) {
		t.Errorf("an answer to a message without a thread: %+v", p)
	}
	d = text("")
	d.Thread = ref(shared, "to all")
	if p := post(4, "a thread in the room", d); p.Thread != root || p.Subtype == "thread_broadcast" {
		t.Errorf("a thread on a reply is that reply's: %+v", p)
	}
	w.Say(garden, "UALICE0", "end")
	same(t, w.texts(1), []string{"end"})
	// Another life knows nothing of the thread, and asks.
	w.host.Restart()
	w.ready()
	d = text("")
	d.ReplyTo = ref(shared, "to all")
	if p := post(5, "later", d); p.Thread != root || p.Subtype != "thread_broadcast" {
		t.Errorf("in another life: %+v", p)
	}
	w.Lose("chat.postMessage", 1)
	d = text("")
	d.ReplyTo = ref(root, "root")
	post(6, "once", d)
}

// A post is told by the mark that the bridge put on it, when Slack tells neither of its author nor of its ts.
func TestOwnPostsAreKnownByTheirMark(t *testing.T) {
	w := start(t, nil)
	marked := func(node, bridge string) func(*slackdouble.Message) {
		return func(m *slackdouble.Message) {
			m.Username, m.Subtype = "Alice Node", "thread_broadcast"
			m.Metadata = fmt.Appendf(nil, `{"event_type":"hearth_message","event_payload":{"node":%q,"bridge":%q,"event":"E","part":0,"hops":[]}}`, node, bridge)
		}
	}
	w.Say(garden, "", "ours", marked("node.example", "acme"))
	w.Say(garden, "", "another node's", marked("other.example", "acme"))
	if e := w.host.Entry(); e.Text != "another node's" {
		t.Fatalf("%v", e)
	}
}

func TestParentNeverSeenIsFetchedOnce(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	root := s.Say(garden, "UALICE0", "said before the link")
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, openFor(s, nil))}
	w.ready()
	for i := range 3 {
		w.Say(garden, "UBORIS0", fmt.Sprint("reply ", i), slackdouble.In(root))
	}
	if e := w.host.Entry(); e.Remote != root || e.Text != "said before the link" {
		t.Fatalf("parent: %v", e)
	}
	for i := range 3 {
		if e := w.host.Entry(); e.Thread != root || e.Text != fmt.Sprint("reply ", i) {
			t.Fatalf("reply %d: %v", i, e)
		}
	}
}

func TestEditAndDeleteToSlack(t *testing.T) {
	w := start(t, nil)
	id, remote := w.done(t, text("one"))
	edit := &pb.Delivery{Channel: "#garden", Kind: "edit", Author: alice(), Text: "two", OldText: "one", Target: &pb.Ref{Event: id, Remote: remote}}
	w.done(t, edit)
	m := w.Message(garden, remote[0])
	// Without the name and picture Slack would show the app's own from now on.
	if m.Text != "two" || m.Username != "Alice Node" || m.Icon != alice().AvatarUrl {
		t.Fatalf("edited: %+v", m)
	}
	w.done(t, &pb.Delivery{Channel: "#garden", Kind: "delete", Author: alice(), Target: &pb.Ref{Event: id, Remote: remote}})
	if !w.Message(garden, remote[0]).Deleted {
		t.Fatal("it is still there")
	}
	w.done(t, &pb.Delivery{Channel: "#garden", Kind: "delete", Author: alice(), Target: &pb.Ref{Event: id, Remote: remote}}) // twice is no error
	w.Say(garden, "UALICE0", "end")
	if e := w.host.Entry(); e.Text != "end" {
		t.Fatalf("an echo came back: %v", e)
	}
}

func TestLongMessages(t *testing.T) {
	w := start(t, nil)
	long := strings.TrimSpace(strings.Repeat("seven words of text in a row ", 300)) // 8,700 characters
	id, remote := w.done(t, text(long))
	if len(remote) != 3 {
		t.Fatalf("%d pieces", len(remote))
	}
	w.done(t, &pb.Delivery{Channel: "#garden", Kind: "edit", Author: alice(), Text: "short", OldText: long, Target: &pb.Ref{Event: id, Remote: remote}})
	if p := w.WaitPost(garden, 1); p.Text != "short" {
		t.Fatalf("after the edit: %q", p.Text)
	}
	_, remote = w.done(t, text(strings.Repeat(long+"\n\n", 6)))
	files := w.Uploaded()
	if len(remote) != 2 || len(files) != 1 || files[0].Name != "message.md" || len(files[0].Bytes) < 50_000 {
		t.Fatalf("a very long message: %d messages, files %v", len(remote), files)
	}
	w.Say(garden, "UALICE0", strings.Repeat("ä", 39_000))
	if e := w.host.Entry(); len(e.Text) > maxText || len(e.Files) != 1 || len(w.host.Files()[e.Files[0].Handle].Bytes) != 78_000 {
		t.Fatalf("a long message from Slack: %d bytes, files %v", len(e.Text), e.Files)
	}
}

// Words are not lost over how they are formatted.
func TestWhatSlackCannotFormatIsSaidPlainly(t *testing.T) {
	w := start(t, nil)
	w.Fail("chat.postMessage", "invalid_blocks")
	id, remote := w.done(t, text("**bold** & <plain>"))
	if p := w.WaitPost(garden, 1); p.Text != "bold &amp; &lt;plain&gt;" || p.Blocks != nil || p.Username != "Alice Node" {
		t.Fatalf("%+v", p)
	}
	w.Fail("chat.update", "msg_blocks_too_long")
	w.done(t, &pb.Delivery{Channel: "#garden", Kind: "edit", Author: alice(), Text: "**bolder**", OldText: "**bold** & <plain>", Target: &pb.Ref{Event: id, Remote: remote}})
	if p := w.WaitPost(garden, 1); p.Text != "bolder" || p.Blocks != nil {
		t.Fatalf("%+v", p)
	}
}

func TestReplyIsQuoted(t *testing.T) {
	w := start(t, nil)
	ts := w.Say(garden, "UALICE0", "question")
	w.host.Entry()
	d := text("answer")
	d.ReplyTo = &pb.Ref{Event: "E", Remote: []string{ts}, Text: "**question** <b>", Author: &pb.Person{Ghost: &pb.Ghost{Id: "UALICE0", Name: "Alice Ash", Network: "acme"}}}
	w.done(t, d)
	p := w.WaitPost(garden, 1)
	if p.Text != "Alice Ash question &lt;b&gt;\nanswer" { // as people over there read it, who is theirs without the network
		t.Fatalf("%q", p.Text)
	}
	if !strings.Contains(string(p.Blocks), "rich_text_quote") || !strings.Contains(string(p.Blocks), slackdouble.Workspace+"archives/"+garden+"/p"+strings.Replace(ts, ".", "", 1)) {
		t.Fatalf("no quote: %s", p.Blocks)
	}
	w.done(t, &pb.Delivery{Channel: "#garden", Kind: "edit", Author: alice(), Text: "a better answer", OldText: "answer", ReplyTo: d.ReplyTo, Target: &pb.Ref{Event: "A", Remote: []string{p.TS}}})
	if p := w.WaitPost(garden, 1); !strings.Contains(string(p.Blocks), "rich_text_quote") || !strings.Contains(string(p.Blocks), "a better answer") {
		t.Fatalf("the edit lost the quote: %s", p.Blocks)
	}
}

func TestReactions(t *testing.T) {
	w := start(t, nil)
	ts := w.Say(garden, "UALICE0", "cake")
	w.host.Entry()
	w.React(garden, ts, "UBORIS0", "thumbsup::skin-tone-3", true)
	if e := w.host.Entry(); e.Kind != "react" || e.Emoji != "👍🏼" || e.Target != ts || e.Ghost.Id != "UBORIS0" {
		t.Fatalf("reaction: %v", e)
	}
	w.React(garden, ts, "UBORIS0", "parrot-x", true)
	if e := w.host.Entry(); e.Emoji != ":parrot-x:" {
		t.Fatalf("own emoji: %v", e)
	}
	w.React(garden, ts, "UBORIS0", "parrot-x", false)
	if e := w.host.Entry(); e.Kind != "unreact" || e.Emoji != ":parrot-x:" {
		t.Fatalf("taken away: %v", e)
	}
	react := func(kind, who, emoji string) {
		w.done(t, &pb.Delivery{Channel: "#garden", Kind: kind, Author: &pb.Person{User: who + "@node.example", Name: who}, Emoji: emoji, Target: &pb.Ref{Event: "E", Remote: []string{ts}}})
	}
	mine := func() []string { return w.Message(garden, ts).Reactions["heart"] }
	react("react", "ann", "❤️")
	react("react", "bob", "❤️")
	if len(mine()) != 1 {
		t.Fatalf("the app's reactions: %v", mine())
	}
	if p := w.WaitPost(garden, 1); p.Thread != ts || !strings.Contains(p.Text, "2: ann, bob") {
		t.Fatalf("digest: %+v", p)
	}
	react("unreact", "ann", "❤️")
	if len(mine()) != 1 {
		t.Fatal("bob's reaction went with ann's")
	}
	if p := w.WaitPost(garden, 1); !strings.Contains(p.Text, "1: bob") {
		t.Fatalf("digest: %+v", p)
	}
	react("unreact", "bob", "❤️")
	if len(mine()) != 0 {
		t.Fatal("the last reaction stayed")
	}
	w.Say(garden, "UALICE0", "end")
	if e := w.host.Entry(); e.Text != "end" {
		t.Fatalf("the app's own reaction came back: %v", e)
	}
}
