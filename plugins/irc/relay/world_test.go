package relay

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/irc/ircdouble"
)

const garden = "#garden"

// The tests wait more than they work, for servers' seconds: many side by side cost no more than two.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "12")
	os.Exit(m.Run())
}

// world is a bridge between a scripted server and a node for tests.
type world struct {
	*testing.T
	irc  *ircdouble.Server
	host *bridgetest.Host
}

var quick = IRC{Beat: 50 * time.Millisecond, Stable: time.Millisecond, Rush: 10}

func startHost(t *testing.T, settings map[string]string) *bridgetest.Host {
	return bridgetest.Start(t, quick, &pb.Open{Bridge: "libera", Settings: settings, Links: []*pb.Link{{Channel: garden, Confirmed: true}}})
}

// kept waits until the bridge has stored a value that contains part.
func (w *world) kept(key, part string) {
	w.Helper()
	w.until(key+" to contain "+part, func() bool { return strings.Contains(string(w.host.KV()[key]), part) })
}

// until waits for something that nobody tells of.
func (w *world) until(what string, done func() bool) {
	w.Helper()
	for end := time.Now().Add(ircdouble.Patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	w.Fatalf("waited in vain for %s", what)
}

// begin starts a bridge whose channel is linked and joined, with bob in it, an operator.
func begin(t *testing.T, settings map[string]string, server func(*ircdouble.Server), open ...func(*pb.Open)) *world {
	t.Helper()
	irc := ircdouble.New(t)
	if server != nil {
		server(irc)
	}
	irc.Start(nil)
	irc.Join(garden, "bob", "@")
	w := &world{T: t, irc: irc}
	o := &pb.Open{Bridge: "libera", Settings: w.settings(settings), Links: []*pb.Link{{Channel: garden, Confirmed: true}}}
	for _, change := range open {
		change(o)
	}
	w.host = bridgetest.Start(t, quick, o)
	if len(irc.Refuse) == 0 && irc.Greet == "" {
		irc.WaitIn(garden, "hearth")
		w.waitRoster("bob")
	}
	return w
}

func (w *world) settings(more map[string]string) map[string]string {
	s := map[string]string{"server": w.irc.Addr, "tls": "false", "nick": "hearth", "flood_ms": "0", "edit_wait_seconds": "0", "rejoin_seconds": "0"}
	maps.Copy(s, more)
	return s
}

func (w *world) waitRoster(ids ...string) { w.Helper(); w.host.WaitRoster(garden, ids...) }

func alice(text string) *pb.Delivery {
	return &pb.Delivery{Channel: garden, Kind: "text", Text: text, Author: &pb.Person{User: "alice@node.example", Name: "Alice"}}
}

// says delivers and waits for the outcome.
func (w *world) says(d *pb.Delivery) *pb.Outcome {
	w.Helper()
	return w.host.Outcome(w.host.Deliver(d))
}

func (w *world) said() []string {
	var all []string
	for _, m := range w.irc.Said(garden) {
		if m.Nick != "bob" {
			all = append(all, strings.ReplaceAll(m.Text, zeroWidth, ""))
		}
	}
	return all
}

func (w *world) expect(want ...string) {
	w.Helper()
	if got := w.said(); fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("said %q, want %q", got, want)
	}
}

func (w *world) relayed(d *pb.Delivery, want ...string) *pb.Outcome {
	w.Helper()
	before := len(w.said())
	o := w.says(d)
	if o.GetDropped() != "" {
		w.Errorf("%q was dropped: %s, %s", d.GetText(), o.GetDropped(), o.GetText())
		return o
	}
	if got := w.said()[before:]; fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("said %q, want %q", got, want)
	}
	return o
}

func (w *world) dropped(d *pb.Delivery, why string) {
	w.Helper()
	if o := w.says(d); o.GetDropped() != why {
		w.Errorf("%q: dropped %q (%s), want %q", d.GetText(), o.GetDropped(), o.GetText(), why)
	}
}

// hears waits for the next entry.
func (w *world) hears(kind, text string) *pb.Entry {
	w.Helper()
	e := w.host.Entry()
	if e.GetKind() != kind || e.GetText() != text {
		w.Fatalf("heard %s %q, want %s %q", e.GetKind(), e.GetText(), kind, text)
	}
	return e
}

func now() int64 { return time.Now().UnixMilli() }
