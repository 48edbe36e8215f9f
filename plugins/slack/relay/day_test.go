package relay

import (
	"fmt"
	"sync"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/slack/slackdouble"
)

// day is what people of both sides have said, and what became of it in the end.
type day struct {
	*world
	inRoom, inSlack map[string]bool   // ts; texts
	final           map[string]string // by ts, of what was edited in Slack
	bots            uint64            // messages of a known bot
	acts            map[string]bool   // keys of reactions and deletions
}

// A day's traffic: people talk, edit, react and delete on both sides while sockets are refreshed and die, the bridge is started
// again, Slack limits, fails, loses answers and sends events twice. Every message arrives once, in order and as it was last; what does not is counted.
func TestADay(t *testing.T) {
	total, ack := 800, 300*time.Millisecond
	if full() {
		total, ack = 50_000, time.Second
	}
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	s.Set(func(s *slackdouble.Slack) { s.Twice, s.AckWithin = 10, ack })
	open := openFor(s, nil)
	open.KnownBots = []string{"BOTHER00"}
	d := &day{world: &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, open)}, inRoom: map[string]bool{}, inSlack: map[string]bool{}, final: map[string]string{}, acts: map[string]bool{}}
	d.ready()
	half := total / 2
	often := max(400, half/20) // messages between two disturbances of a kind
	var people sync.WaitGroup
	people.Go(func() { d.inSlackPeopleTalk(half, often) })
	d.inTheRoomPeopleTalk(t, half, often)
	people.Wait()
	d.Wait("all posts", func() bool { return s.PostedLocked(garden) >= half })
	missing := func() (n int) {
		come := map[string]bool{}
		for _, e := range d.host.Entries() {
			come[e.Kind+" "+e.Target] = true
		}
		for act := range d.acts {
			if !come[act] {
				n++
			}
		}
		return n
	}
	d.waitFor(func() bool {
		return len(lost(d.inRoom, saidIn(d.host))) == 0 && len(wrong(d.host, d.final)) == 0 && missing() <= s.GaveUp()
	})
	account(t, "in the room", d.inRoom, saidIn(d.host))
	account(t, "in Slack", d.inSlack, postedTexts(d.Posts(garden)))
	order(t, "room ", postedTexts(d.Posts(garden)))
	for ts, is := range wrong(d.host, d.final) {
		t.Errorf("%s is %q in the room and %q in Slack", ts, is, d.final[ts])
	}
	if n := missing(); n > s.GaveUp() {
		t.Errorf("%d of %d reactions and deletions are missing, and Slack gave up %d events", n, len(d.acts), s.GaveUp())
	}
	if n := d.host.Counted("dropped", "known_bot"); n < d.bots {
		t.Errorf("%d messages of another bridge were counted, of %d", n, d.bots)
	}
	t.Logf("%d messages, %d of them edited in Slack, %d reactions and deletions there, of which %d are lost; %d of another bridge; Slack gave up %d events; %d sockets were opened, %d entries repeated",
		total, len(d.final), len(d.acts), missing(), d.bots, s.GaveUp(), d.Opened(), d.host.Repeats())
}

func (d *day) inSlackPeopleTalk(n, often int) {
	for i := range n {
		text := fmt.Sprint("slack ", i)
		ts := d.Say(garden, []string{"UALICE0", "UBORIS0"}[i%2], text)
		d.inRoom[ts] = i%25 != 11 // what is deleted at once may never have been there
		switch i % 25 {
		case 7:
			d.final[ts] = text + " edited"
			d.Edit(garden, ts, d.final[ts])
		case 9:
			d.acts["react "+ts] = true
			d.React(garden, ts, "UADMIN0", "tada", true)
		case 11:
			d.acts["delete "+ts] = true
			d.Remove(garden, ts)
		case 13:
			d.bots++
			d.Say(garden, "", "again", func(m *slackdouble.Message) { m.BotID, m.Username, m.Subtype = "BOTHER00", "x", "bot_message" })
		}
		switch i % often {
		case 150:
			d.Refresh(2 * time.Second)
		case 350:
			d.Drop()
		}
		for d.Unacked() > 100 { // people do not talk faster than that
			time.Sleep(time.Millisecond)
		}
	}
}

func (d *day) inTheRoomPeopleTalk(t *testing.T, n, often int) {
	var ids, edits []string
	for i := range n {
		said := text(fmt.Sprint("room ", i))
		ids = append(ids, d.host.Deliver(said))
		d.inSlack[said.Text] = true
		if i%25 == 24 { // the node delivers an edit when the message's outcome is known
			o := d.host.Outcome(ids[i-20])
			before := fmt.Sprint("room ", i-20)
			after := before + " edited"
			delete(d.inSlack, before)
			d.inSlack[after] = true
			edits = append(edits, d.host.Deliver(&pb.Delivery{Channel: "#garden", Kind: "edit", Author: alice(), Text: after, OldText: before, Target: &pb.Ref{Event: o.Id, Remote: o.Remote}}))
		}
		switch {
		case i == 100:
			d.Limit("chat.postMessage", 1, 1)
		case i%(often/2) == 50:
			d.Lose("chat.postMessage", 1)
		case i%(often/2) == 120:
			d.Break("chat.postMessage", 2)
		case i%often == 399:
			d.host.Restart()
		}
	}
	for _, id := range append(ids, edits...) {
		if o := d.host.Outcome(id); o.Dropped != "" {
			t.Errorf("%s was dropped: %s (%s)", id, o.Dropped, o.Text)
		}
	}
}

// order looks that numbered texts rise.
func order(t *testing.T, prefix string, texts []string) {
	t.Helper()
	last := -1
	for _, s := range texts {
		n := 0
		if _, err := fmt.Sscanf(s, prefix+"%d", &n); err != nil {
			continue
		}
		if n < last {
			t.Errorf("%s%d came after %d", prefix, n, last)
		}
		last = n
	}
}
