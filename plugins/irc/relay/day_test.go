package relay

import (
	"fmt"
	mrand "math/rand/v2"
	"os"
	"strings"
	"testing"

	pb "hearth/plugins/bridge/bridgepb"
)

// A day's traffic in minutes: lines both ways while connections break, the network splits and the bridge dies and comes back. In the
// end every line is accounted for: it was relayed once, or it was counted with its reason.
func TestADay(t *testing.T) {
	t.Parallel()
	lines, often := 1000, 500
	if os.Getenv("HEARTH_FULL") == "1" {
		lines, often = 50_000, 1000
	}
	w := begin(t, map[string]string{"history": "1000000"}, nil, func(o *pb.Open) { o.KnownBots = []string{"relaybot"} })
	people := []string{"bob", "carol", "dan", "erin"}
	for _, nick := range append(people[1:], "relaybot") {
		w.irc.Join(garden, nick, "")
	}
	w.irc.Say(garden, "bob", "start")
	start := w.hears("text", "start")
	w.kept("heard/"+garden, fmt.Sprint(start.GetTime()))

	rng := mrand.New(mrand.NewPCG(20, uint64(lines)))
	var out []string
	bots, splits, cuts, restarts := 0, 0, 0, 0
	for i := range lines {
		out = append(out, w.host.Deliver(alice(fmt.Sprintf("out %d.", i))))
		w.irc.Say(garden, people[i%len(people)], fmt.Sprintf("in %d.", i))
		if i%50 == 49 {
			w.irc.Say(garden, "relaybot", "<x> again")
			bots++
		}
		switch rng.IntN(often) {
		case 0, 1:
			w.irc.Cut()
			cuts++
		case 2:
			w.host.Restart()
			restarts++
		case 3:
			w.irc.WaitIn(garden, "hearth")
			gone := crowd(30)
			for _, nick := range gone {
				w.irc.Join(garden, nick, "")
			}
			w.irc.Split(garden, gone, rng.IntN(2) == 0)
			splits++
		}
	}
	dropped := map[string]int{}
	for _, id := range out {
		if o := w.host.Outcome(id); o.GetDropped() != "" {
			dropped[o.GetDropped()]++
		}
	}
	w.irc.WaitIn(garden, "hearth")
	w.irc.Say(garden, "bob", "end")
	heard, told := map[string]int{}, 0
	for e := w.host.Entry(); e.GetText() != "end"; e = w.host.Entry() {
		if e.GetKind() == "line" {
			told++
			continue
		}
		heard[e.GetText()]++
	}
	said := map[string]int{}
	for _, m := range w.irc.Said(garden) {
		said[strings.ReplaceAll(m.Text, zeroWidth, "")]++
	}
	lost, double := 0, 0
	for i := range lines {
		in, out := fmt.Sprintf("in %d.", i), fmt.Sprintf("<Alice> out %d.", i)
		for text, n := range map[string]int{in: heard[in], out: said[out]} {
			if n != 1 {
				t.Logf("%q: %d times", text, n)
			}
			lost += max(0, 1-n)
			double += max(0, n-1)
		}
	}
	if lost > 0 || double > 0 || len(dropped) > 0 {
		t.Errorf("of 2 × %d lines %d are lost, %d came twice, dropped: %v", lines, lost, double, dropped)
	}
	if n := w.host.Counted("dropped", "known_bot"); int(n) < bots {
		t.Errorf("%d of %d lines of another bridge are counted", n, bots)
	}
	if told > splits+len(people) {
		t.Errorf("%d lines told of %d splits", told, splits)
	}
	t.Logf("%d lines each way; %d connections cut, %d restarts, %d netsplits (%d lines told of them); %d duplicates kept back", lines, cuts, restarts, splits, told,
		w.host.Counted("duplicate", "")+uint64(w.host.Repeats()))
}
