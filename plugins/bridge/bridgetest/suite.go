package bridgetest

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

// Suite looks whether a bridge keeps the contract: what every node relies on, and a few things
// that people do. `hearth bridge check` runs it on a binary, Conform on a Go type.
type Suite struct {
	Describe func(ctx context.Context) (*pb.Description, error)
	Drive    Driver

	// With settings that lead to a network that answers, and a channel of it, deliveries are tried too.
	Settings map[string]string // nil: there are none, and the bridge will not connect
	Channel  string

	Say    func(Finding)   // called after each check
	Within context.Context // nil: as long as it takes; when it ends, what is left is skipped

	description *pb.Description
	lost        string // why nothing more needs to be tried with the network
}

// Finding is what a check found.
type Finding struct {
	Check   string
	Verdict string // passed, failed or skipped
	Text    string // why
}

// Conform runs the suite on a bridge in this process. fresh makes a new one for each life.
func Conform(t Test, fresh func() bridge.Plugin, settings map[string]string, channel string) {
	t.Helper()
	s := &Suite{
		Describe: func(context.Context) (*pb.Description, error) { return fresh().Describe(), nil },
		Drive:    func(ctx context.Context, f bridge.Frames) error { return bridge.Drive(ctx, fresh(), f) },
		Settings: settings, Channel: channel,
		Say: func(f Finding) {
			if f.Verdict == "failed" {
				t.Errorf("%s: %s", f.Check, f.Text)
			}
		},
	}
	s.Run()
}

// checks are the suite, in the order in which a bridge is met.
var checks = []struct {
	name string
	live bool // needs a network that answers
	run  func(*Suite, *check)
}{
	{"it describes itself", false, (*Suite).describes},
	{"settings that make no sense are told of in a status", false, (*Suite).survivesGarbage},
	{"it ends within the time of Stop", false, (*Suite).stops},
	{"it connects and says so", true, (*Suite).connects},
	{"an unconfirmed channel hears and says nothing", true, (*Suite).staysSilent},
	{"every delivery is answered, whatever is in it", true, (*Suite).answersAll},
	{"the same delivery has the same answer, in this life and the next", true, (*Suite).answersAlike},
	{"it says no more than the window while nothing is answered", true, (*Suite).keepsToTheWindow},
	{"it survives a cut at any moment", true, (*Suite).survivesCuts},
	{"a channel that was unlinked is left", true, (*Suite).leaves},
}

// Run runs all checks and returns how many failed.
func (s *Suite) Run() (failed int) {
	for _, c := range checks {
		f := Finding{Check: c.name, Verdict: "passed"}
		switch {
		case s.description == nil && c.name != checks[0].name:
			f.Verdict, f.Text = "skipped", "it could not even describe itself"
		case s.Within != nil && s.Within.Err() != nil:
			f.Verdict, f.Text = "skipped", "it was stopped"
		case c.live && s.Settings == nil:
			f.Verdict, f.Text = "skipped", "needs settings that lead to a network, and a channel there"
		case c.live && s.lost != "":
			f.Verdict, f.Text = "skipped", s.lost
		default:
			one := &check{}
			one.run(func() { c.run(s, one) })
			if len(one.wrong) > 0 {
				f.Verdict, f.Text = "failed", strings.Join(one.wrong, "; ")
				failed++
			}
		}
		s.Say(f)
	}
	return failed
}

// check is one of them: a Test that gathers what is wrong.
type check struct {
	wrong   []string
	cleanup []func()
}

// stopped is what Fatal panics with.
type stopped struct{}

func (c *check) run(f func()) {
	guarded := func(f func()) {
		defer func() {
			if r := recover(); r != nil && r != (stopped{}) {
				panic(r)
			}
		}()
		f()
	}
	guarded(f)
	for _, done := range slices.Backward(c.cleanup) {
		guarded(done)
	}
}

func (c *check) Helper() {}

// Error: the bridge's own goroutines call it too; Host holds its lock then.
func (c *check) Error(args ...any) {
	if text := fmt.Sprint(args...); !slices.Contains(c.wrong, text) && len(c.wrong) < 5 {
		c.wrong = append(c.wrong, text)
	}
}

func (c *check) Errorf(format string, args ...any) { c.Error(fmt.Sprintf(format, args...)) }
func (c *check) Fatal(args ...any)                 { c.Error(args...); panic(stopped{}) }
func (c *check) Fatalf(format string, args ...any) { c.Fatal(fmt.Sprintf(format, args...)) }
func (c *check) Cleanup(f func())                  { c.cleanup = append(c.cleanup, f) }

// ───────────────────────────── The checks ─────────────────────────────

var (
	kindName     = regexp.MustCompile(`^[a-z0-9]{1,20}$`)
	settingName  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	settingTypes = []string{"text", "number", "switch", "secret", "list", "choice"}
)

func (s *Suite) describes(c *check) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	d, err := s.Describe(ctx)
	if err != nil {
		c.Fatal(err)
	}
	s.description = d
	if !kindName.MatchString(d.GetKind()) {
		c.Errorf("the kind is %q: it is a word of small letters and digits", d.GetKind())
	}
	if d.GetTitle() == "" || d.GetVersion() == "" {
		c.Error("it has no title, or no version")
	}
	named := map[string]bool{"network": true, "stale_minutes": true, "known_bots": true} // the node's own
	for _, o := range d.GetSettings() {
		switch {
		case !settingName.MatchString(o.GetName()):
			c.Errorf("a setting is named %q", o.GetName())
		case named[o.GetName()]:
			c.Errorf("there are two settings %s, or it is one of the node's own", o.GetName())
		case o.GetTitle() == "" || o.GetHelp() == "":
			c.Errorf("the setting %s has no title or no help", o.GetName())
		case !slices.Contains(settingTypes, o.GetType()):
			c.Errorf("the setting %s is of type %q", o.GetName(), o.GetType())
		case (o.GetType() == "choice") != (len(o.GetChoices()) > 0):
			c.Errorf("the setting %s has choices, and is none, or the other way", o.GetName())
		case o.GetType() == "secret" && o.GetDefault() != "":
			c.Errorf("the secret %s has a default, which everybody knows", o.GetName())
		}
		named[o.GetName()] = true
	}
}

// settings are the given ones over the defaults, as a node fills them in.
func (s *Suite) settings() map[string]string {
	out := map[string]string{}
	for _, o := range s.description.GetSettings() {
		if o.GetDefault() != "" {
			out[o.GetName()] = o.GetDefault()
		}
	}
	for k, v := range s.Settings {
		out[k] = v
	}
	return out
}

func (s *Suite) channel() string {
	if s.Channel != "" {
		return s.Channel
	}
	if s.description.GetChannelHint() != "" {
		return s.description.GetChannelHint()
	}
	return "#test"
}

func (s *Suite) open(confirmed bool) *pb.Open {
	return &pb.Open{
		Bridge: "check", Node: "node.example", Settings: s.settings(),
		Links: []*pb.Link{{Channel: s.channel(), Confirmed: confirmed}},
	}
}

func (s *Suite) start(c *check, confirmed bool) *Host {
	h := StartDriver(c, s.Drive, s.open(confirmed))
	h.await("Opened", func() bool { return h.opened })
	return h
}

func (s *Suite) connected(c *check) *Host {
	h := s.start(c, true)
	h.Status("", "connected")
	return h
}

func (s *Suite) survivesGarbage(c *check) {
	if len(s.description.GetSettings()) == 0 {
		return
	}
	open := s.open(true)
	for _, o := range s.description.GetSettings() {
		open.Settings[o.GetName()] = "\x01 nonsense ☠ " + strings.Repeat("x", 5000)
	}
	h := StartDriver(c, s.Drive, open)
	h.await("a status that says what is wrong", func() bool {
		for _, st := range h.statuses {
			if st.Reason != "" && st.State != "connected" {
				return true
			}
		}
		return false
	})
	for _, st := range h.Statuses() {
		if strings.Contains(st.GetReason(), strings.Repeat("x", 1000)) {
			c.Error("the reason repeats a whole setting, which might be a secret")
		}
	}
}

func (s *Suite) stops(c *check) {
	var took time.Duration
	for range 2 { // the machine may have been busy
		h := s.start(c, true)
		began := time.Now()
		h.frame(&pb.HostFrame{Frame: &pb.HostFrame_Stop{Stop: &pb.Stop{WithinMs: 2000}}})
		if err := h.End(); err != nil {
			c.Errorf("it ended by an error: %v", err)
		}
		if took = time.Since(began); took <= 2500*time.Millisecond {
			return
		}
	}
	c.Errorf("it took %s of the 2 s that it had", took.Round(10*time.Millisecond))
}

func (s *Suite) connects(c *check) {
	s.lost = "it did not connect"
	st := s.connected(c).Status("", "connected")
	if s.lost = ""; st.GetReason() != "" {
		c.Errorf("it is connected, and gives a reason: %s", st.GetReason())
	}
}

func (s *Suite) staysSilent(c *check) {
	h := s.start(c, false)
	h.Status("", "connected")
	if e := h.refused(); e != nil {
		c.Errorf("it posted %s from a channel that nobody has confirmed", e.GetKind())
	}
}

// odd are texts that have broken bridges.
var odd = []string{
	"plain", "**bold** _it_ ~~no~~ `code` [link](https://example.org) > quote", "two\nlines", "QUIT\r\nJOIN #elsewhere\x00",
	"\x01ACTION is a CTCP\x01", "a\u200bb \u202eright to left\u202c", "👩‍👩‍👧‍👦 ☠ ﷽ e\u0301", "@everyone @here <!channel> <@U1> &lt;", ".", "/quit now", ":colon", strings.Repeat("long ", 1500),
}

func (s *Suite) answersAll(c *check) {
	h := s.connected(c)
	alice := &pb.Person{User: "alice@node.example", Name: "Alice"}
	var ids []string
	for _, text := range odd {
		ids = append(ids, h.Deliver(&pb.Delivery{Channel: s.channel(), Kind: "text", Author: alice, Text: text}))
	}
	first := h.patient(ids[0], s)
	target := &pb.Ref{Event: ids[0], Remote: first.GetRemote(), Author: alice, Text: odd[0], Time: time.Now().UnixMilli()}
	can := s.description.GetCan()
	ghost := &pb.Person{User: "other@node.example", Name: "Bob", Ghost: &pb.Ghost{Id: "bob", Name: "Bob", Network: "elsewhere"}}
	more := []*pb.Delivery{
		{Kind: "emote", Author: alice, Text: "waves"},
		{Kind: "text", Author: ghost, Text: "from elsewhere", Hops: []string{"elsewhere"}},
		{Kind: "text", Author: alice, Text: "an answer", ReplyTo: target},
		{Kind: "text", Author: alice, Text: "an answer to what never was", ReplyTo: &pb.Ref{Event: "none", Text: "gone"}},
		{Kind: "notice", Text: "3 messages were not relayed."},
	}
	if can.GetEdits() || can.GetCorrects() {
		more = append(more, &pb.Delivery{Kind: "edit", Author: alice, Text: "plainer", OldText: odd[0], Target: target})
	}
	if can.GetReactions() {
		more = append(more, &pb.Delivery{Kind: "react", Author: alice, Emoji: "👍", Target: target}, &pb.Delivery{Kind: "unreact", Author: alice, Emoji: "👍", Target: target})
	}
	if can.GetDeletes() || can.GetCorrects() {
		more = append(more, &pb.Delivery{Kind: "delete", Author: alice, Target: target})
	}
	for _, d := range more {
		d.Channel = s.channel()
		ids = append(ids, h.Deliver(d))
	}
	for _, id := range ids {
		if o := h.patient(id, s); o.GetDropped() != "" && o.GetText() == "" {
			c.Errorf("a delivery was dropped (%s) without a word for people", o.GetDropped())
		}
	}
}

func (s *Suite) answersAlike(c *check) {
	h := s.connected(c)
	d := &pb.Delivery{Id: fmt.Sprintf("alike-%d", time.Now().UnixNano()), Channel: s.channel(), Kind: "text", Author: &pb.Person{User: "alice@node.example", Name: "Alice"}, Text: "say it once", Time: time.Now().UnixMilli()}
	h.Deliver(d)
	first := h.patient(d.Id, s)
	again := func() {
		n := len(h.Outcomes(d.Id))
		d.Again = true
		h.Deliver(d)
		h.await("the second answer", func() bool { return len(h.outcomes[d.Id]) > n })
		if o := h.patient(d.Id, s); !slices.Equal(o.GetRemote(), first.GetRemote()) {
			c.Errorf("the first answer was %q, the second %q", first.GetRemote(), o.GetRemote())
		}
	}
	again()
	h.Restart()
	h.Status("", "connected")
	if s.description.GetCan().GetCatchesUp() { // who cannot look what was said cannot know either
		again()
	}
}

func (s *Suite) keepsToTheWindow(c *check) {
	h := s.start(c, true)
	h.Decide(func(*pb.Entry) *pb.Posted { return nil })
	h.Status("", "connected")
	for range 3 { // what it says of itself, and what answers to this, stays unanswered
		h.patient(h.Deliver(&pb.Delivery{Channel: s.channel(), Kind: "text", Author: &pb.Person{User: "alice@node.example", Name: "Alice"}, Text: "anybody?"}), s)
	}
	if n := h.unansweredEntries(); n > int(h.open.Window) {
		c.Errorf("%d entries without an answer", n)
	}
}

func (s *Suite) survivesCuts(c *check) {
	h := s.connected(c)
	for range 3 {
		id := h.Deliver(&pb.Delivery{Channel: s.channel(), Kind: "text", Author: &pb.Person{User: "alice@node.example", Name: "Alice"}, Text: "cut"})
		h.Restart()
		h.Status("", "connected")
		h.patient(id, s)
	}
}

func (s *Suite) leaves(c *check) {
	h := s.connected(c)
	h.Unlink(s.channel())
	h.Link(&pb.Link{Channel: s.channel(), Confirmed: true})
	h.patient(h.Deliver(&pb.Delivery{Channel: s.channel(), Kind: "text", Author: &pb.Person{User: "alice@node.example", Name: "Alice"}, Text: "back"}), s)
}

// patient waits for an outcome as long as a slow network may take: lines go out one in two seconds
// on some.
func (h *Host) patient(id string, s *Suite) *pb.Outcome {
	var o *pb.Outcome
	for tries := 0; ; tries++ {
		if all := h.Outcomes(id); len(all) > 0 && all[len(all)-1].GetAgainMs() == 0 {
			o = all[len(all)-1]
			break
		}
		if tries == 10 {
			s.lost = "a delivery was not answered before"
			h.t.Fatalf("a delivery got no answer in %s but, perhaps, \"not now\": does what the settings lead to take it?", 10*Patience)
		}
		h.waitSome(func() bool { all := h.outcomes[id]; return len(all) > 0 && all[len(all)-1].AgainMs == 0 })
	}
	return o
}
