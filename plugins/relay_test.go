package plugins

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// later is a clock that is ahead by what a test says.
func (w *world) later(d time.Duration) { w.ahead.Add(int64(d)) }

func TestWhatIsTooOldIsCountedAndSaidInOneLine(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.start()
	w.bridge("chaos", "pit", "#pit", map[string]string{"dir": f.dir, "stale_minutes": "5"})
	w.waitState("pit", channel.Connected)
	first := w.say("in time")
	w.until("the first", func() bool { return w.status("pit").Relayed == 1 })
	w.stop()
	for i := range 30 {
		w.say(fmt.Sprint("old ", i))
	}
	w.do(room.KindReact, &roompb.Body{Target: first.Bytes(), Emoji: "👍"})
	w.do(room.KindEdit, &roompb.Body{Target: first.Bytes(), Text: "still in time"}) // it changes what is there
	w.later(6 * time.Minute)
	w.say("new")
	w.start()
	w.until("all", func() bool { return w.status("pit").Relayed == 3 && w.status("pit").Queue == 0 })
	heard := f.heard()[1:]
	if len(heard) != 3 {
		t.Fatalf("heard %q", heard)
	}
	if line := heard[0]; line[1] != "notice" || !strings.HasPrefix(line[5], "31 messages up to ") {
		t.Errorf("the line: %q", line)
	}
	if heard[1][1] != "edit" || heard[2][5] != "new" {
		t.Errorf("heard %q", heard)
	}
	if d := w.status("pit").Dropped; d["stale"] != 31 || len(d) != 1 {
		t.Errorf("dropped %v", d)
	}
	// What was too old is nothing that one could refer to.
	m := w.messages()
	old, err := room.ParseHash(m[1].GetId())
	if err != nil {
		t.Fatal(err)
	}
	w.do(room.KindEdit, &roompb.Body{Target: old.Bytes(), Text: "too late"})
	w.until("its edit to be counted", func() bool { return w.status("pit").Dropped[noSuchTarget] == 1 })
}

// While a plugin does not run, what waits for it is shown all the same.
func TestTheQueueOfABridgeThatIsDown(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.times.Look = 50 * time.Millisecond
	w.start()
	w.bridge("chaos", "pit", "#pit", map[string]string{"dir": f.dir})
	w.waitState("pit", channel.Connected)
	w.say("hello")
	w.until("hello", func() bool { return w.status("pit").Relayed == 1 })
	if err := w.n.Bridges.Enable("pit", false, "for a while"); err != nil {
		t.Fatal(err)
	}
	w.until("its plugin to end", func() bool {
		w.host.mu.Lock()
		defer w.host.mu.Unlock()
		return w.host.keepers["pit"] == nil
	})
	for range 7 {
		w.say("waits")
	}
	w.later(3 * time.Minute)
	w.until("the queue to show", func() bool { s := w.status("pit"); return s.Queue == 7 && s.OldestSeconds >= 180 })
	if err := w.n.Bridges.Enable("pit", true, ""); err != nil {
		t.Fatal(err)
	}
	w.until("all", func() bool { s := w.status("pit"); return s.Relayed == 8 && s.Queue == 0 && s.OldestSeconds == 0 })
}

// What the plugin has, and puts off until it is too old, is not said as if it were new either.
func TestWhatGetsTooOldInThePluginIsCounted(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.start()
	w.bridge("chaos", "pit", "#pit", map[string]string{"dir": f.dir, "stale_minutes": "5"})
	w.waitState("pit", channel.Connected)
	first := w.say("in time")
	w.until("the first", func() bool { return w.status("pit").Relayed == 1 })
	closed := filepath.Join(f.dir, "closed")
	if err := os.WriteFile(closed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 100 { // more than the window
		w.say(fmt.Sprint("old ", i))
	}
	w.do(room.KindEdit, &roompb.Body{Target: first.Bytes(), Text: "still in time"})
	w.until("a queue", func() bool { return w.status("pit").Queue == 101 })
	w.later(6 * time.Minute)
	w.say("new")
	if err := os.Remove(closed); err != nil {
		t.Fatal(err)
	}
	w.until("all", func() bool { s := w.status("pit"); return s.Relayed+s.Dropped["stale"] == 103 && s.Queue == 0 })
	// A window of them may have been with the plugin when they became too old.
	late, notices := uint64(0), 0
	for _, line := range f.heard() {
		if strings.HasPrefix(line[5], "old") {
			late++
		}
		if line[1] == "notice" {
			notices++
		}
	}
	if s := w.status("pit"); late > window || s.Dropped["stale"] != 100-late || len(s.Dropped) != 1 {
		t.Errorf("%d were said late; dropped %v", late, s.Dropped)
	}
	if last := f.heard()[len(f.heard())-1]; notices == 0 || last[5] != "new" {
		t.Errorf("heard %q", f.heard())
	}
	t.Logf("%d notices", notices)
}

func TestWhatTheNetworkCannotCarryIsCounted(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.bridge("echo", "cave", "cave", nil)
	w.waitState("cave", channel.Connected)
	topic := "no topics there"
	w.do(room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Topic: &topic}})
	hello := w.say("hello")
	w.until("hello and its echo", func() bool { return len(w.messages()) == 2 })
	w.do(room.KindPin, &roompb.Body{Target: hello.Bytes()})
	w.do(room.KindReact, &roompb.Body{Target: hello.Bytes(), Emoji: "🎉"})
	w.until("the echo's own reaction", func() bool {
		r := w.now(w.messages()[1]).GetReactions()
		return len(r) == 1 && slices.Equal(r[0].GetUsers(), []string{"cave@node.test/echo"})
	})
	w.do(room.KindEdit, &roompb.Body{Target: hello.Bytes(), Text: "hallo"})
	w.until("the edit", func() bool { return w.now(w.messages()[1]).GetText() == "hallo" })
	w.do(room.KindDelete, &roompb.Body{Target: hello.Bytes()})
	w.until("the deletion", func() bool { return w.now(w.messages()[1]).GetDeleted() })
	w.until("all to be counted", func() bool { s := w.status("cave"); return s.Relayed >= 4 && s.Received >= 4 })
	if s := w.status("cave"); s.Relayed != 4 || s.Received != 4 || len(s.Dropped) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestALinkIsConfirmedEndedAndMuted(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.start()
	if err := w.n.AddBridge(channel.Bridge{Name: "pit", Kind: "chaos", Settings: map[string]string{"dir": f.dir}}); err != nil {
		t.Fatal(err)
	}
	code, err := w.n.LinkBridge(t.Context(), channel.NewLink{Bridge: "pit", Room: w.room, Channel: "#pit", By: "alice"}, "")
	if err != nil {
		t.Fatal(err)
	}
	w.until("the link to wait", func() bool { return w.n.Bridges.LinkStatus("pit", w.room).State == channel.Waiting })
	w.say("not for them")
	f.say("nor this for us", "!link WRONGONE", "!link "+code)
	w.until("the confirmation", func() bool { l, _ := w.n.Bridges.LinkOf("pit", "#pit"); return l.Confirmed })
	w.say("hello")
	f.say("hello too")
	w.until("both", func() bool { return w.status("pit").Relayed == 1 && w.status("pit").Received == 1 })
	if heard := f.heard(); len(heard) != 1 || heard[0][5] != "hello" {
		t.Fatalf("heard %q", heard)
	}
	m := w.messages()
	if last := m[len(m)-1]; last.GetText() != "hello too" {
		t.Fatalf("%v", last)
	}
	if err := w.n.Bridges.Mute("pit", w.room, "far", true); err != nil {
		t.Fatal(err)
	}
	f.say("muted")
	w.until("the mute", func() bool { return w.status("pit").Dropped["muted"] == 1 })
	if err := w.n.Bridges.Mute("pit", w.room, "far", false); err != nil {
		t.Fatal(err)
	}
	f.say("heard")
	w.until("the ghost to be heard again", func() bool { return w.status("pit").Received == 2 })
	// A moderator's kick of the bot ends the link, and the plugin is told.
	w.do(room.KindKick, &roompb.Body{Subject: "pit@node.test"})
	w.until("the end", func() bool { return w.n.Bridges.LinkStatus("pit", w.room).State == channel.Ended })
	w.until("the plugin to leave", func() bool {
		b, _ := os.ReadFile(filepath.Join(f.dir, "left"))
		return string(b) == "#pit\n"
	})
	before := len(w.messages())
	f.say("after the end")
	w.say("nor is this relayed")
	w.until("the refusal", func() bool { return strings.Contains(w.logs(), "code=not_found") })
	if n := len(w.messages()); n != before+1 || len(f.heard()) != 1 {
		t.Errorf("%d messages, heard %q", n, f.heard())
	}
	if s := w.n.Bridges.LinkStatus("pit", w.room); !strings.HasPrefix(s.Reason, "unlinked by alice@node.test") {
		t.Errorf("%+v", s)
	}
}

// Ten thousand messages out while the plugin's network says as much in return; otherwise as many as the bucket for
// what comes in holds, which lets 100 a second pass after that.
func TestTenThousandMessages(t *testing.T) {
	full := os.Getenv("HEARTH_FULL") != ""
	if testing.Short() || raceEnabled && !full {
		t.Skip("long")
	}
	w, f := newWorld(t), newFar(t)
	n := int(flooding.Burst)
	if full {
		n = 10_000
	}
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprint("in ", i))
	}
	w.start()
	w.bridge("chaos", "pit", "#pit", map[string]string{"dir": f.dir, "mode": "pipeline"})
	w.waitState("pit", channel.Connected)
	began := time.Now()
	f.say(lines...)
	var waits []func(context.Context) (any, error)
	for i := range n {
		wait := w.n.SubmitAsync(room.Draft{Room: w.room, Author: w.alice.User, Kind: room.KindText, Body: &roompb.Body{Text: fmt.Sprint("out ", i)}})
		waits = append(waits, func(ctx context.Context) (any, error) { return wait(ctx) })
		if len(waits) == 100 {
			for _, wait := range waits {
				if _, err := wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			waits = nil
		}
	}
	w.until("all out", func() bool { return w.status("pit").Relayed == uint64(n) })
	out := time.Since(began)
	for part := 1; part <= 5; part++ {
		w.until("all in", func() bool { return w.status("pit").Received >= uint64(n*part/5) })
	}
	t.Logf("%d out in %s, %d in in %s", n, out.Round(time.Millisecond), n, time.Since(began).Round(time.Millisecond))
	for i, line := range f.heard() {
		if line[5] != fmt.Sprint("out ", i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
	next := 0
	for _, e := range w.messages() {
		if e.GetGhost() != nil {
			if e.GetText() != lines[next] {
				t.Fatalf("%q where %q should be", e.GetText(), lines[next])
			}
			next++
		}
	}
	if next != n || len(f.heard()) != n {
		t.Errorf("%d in, %d out", next, len(f.heard()))
	}
}
