package relay

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/slack/slackdouble"
	"hearth/plugins/slack/web"
)

// What people say goes to the node without waiting for answers, in order, an edit and a reaction after their message; and nothing is
// out of the inbox before the node has answered: it comes again in the next life, once.
func TestPostsDoNotWaitForAnswers(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	timing := quick
	timing.Order = 300 * time.Millisecond // two sockets, and a machine that is busy
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: timing}, openFor(s, nil))}
	w.ready()
	w.Say(garden, "UALICE0", "the link has begun, and what is said now was said after that")
	w.host.Entry()
	w.waitFor(func() bool { return true }) // the inbox is empty
	var came []string                      // under the host's lock
	w.host.Decide(func(e *pb.Entry) *pb.Posted {
		came = append(came, e.Key)
		return nil
	})
	one := w.Say(garden, "UALICE0", "one")
	two := w.Say(garden, "UBORIS0", "two")
	w.Edit(garden, two, "two!")
	w.React(garden, two, "UALICE0", "tada", true)
	three := w.Say(garden, "UALICE0", "three")
	w.host.Wait("all entries, none of them answered", func() bool { return len(came) == 5 })
	at := func(key string) int {
		return slices.IndexFunc(came, func(k string) bool { return strings.HasPrefix(k, key) })
	}
	for _, pair := range [][2]string{{"m/" + one, "m/" + two}, {"m/" + two, "e/" + two}, {"m/" + two, "r/" + two}, {"m/" + two, "m/" + three}} { // "three" may be found in the history, before the events in between
		if a, b := at(pair[0]), at(pair[1]); a < 0 || b < a {
			t.Errorf("%s is %d of %q, and %s %d", pair[0], a, came, pair[1], b)
		}
	}
	for end := time.Now().Add(bridgetest.Patience); inboxLeft(w.host.KV()) < 5; time.Sleep(5 * time.Millisecond) { // one may have been found in the history first
		if time.Now().After(end) {
			t.Fatalf("%d of 5 are in the inbox, and none was answered", inboxLeft(w.host.KV()))
		}
	}
	w.host.Decide(nil)
	w.host.Kill()
	w.host.Restart()
	w.ready()
	w.waitFor(func() bool { return len(w.host.Entries()) >= 6 })
	var again []string
	for _, e := range w.host.Entries()[1:] {
		again = append(again, e.Key)
	}
	slices.Sort(came)
	if slices.Sort(again); !slices.Equal(again, came) {
		t.Errorf("in the next life %q, want %q", again, came)
	}
	if n := inboxLeft(w.host.KV()); n != 0 {
		t.Errorf("%d are left in the inbox", n)
	}
}

// A channel takes half of the window at most, so that another's words find room in it.
func TestOneChannelDoesNotTakeTheWholeWindow(t *testing.T) {
	w := start(t, nil)
	const pond = "C0PONDPOND"
	w.Channel(pond, "pond", false)
	came := 0 // under the host's lock
	w.host.Decide(func(e *pb.Entry) *pb.Posted {
		came++
		return nil
	})
	for i := range 3 * mostSent {
		w.Say(garden, "UALICE0", fmt.Sprint("message ", i))
	}
	w.host.Wait("as many as may wait", func() bool { return came >= mostSent/2 })
	w.host.Link(&pb.Link{Channel: pond, Room: "POND", RoomName: "#pond@node.example", Confirmed: true})
	w.host.Status(pond, "connected")
	w.host.Decide(nil)
	w.Say(pond, "UBORIS0", "and in the pond?")
	if e := w.host.Entry(); e.Text != "and in the pond?" {
		t.Errorf("%v", e)
	}
}

// past says something, and waits until it lies in the past by the clock, of which the double's runs ahead.
func (w *world) past(text string) (ts string) {
	for ts = w.Say(garden, "UALICE0", text); web.TS(time.Now()) <= ts; {
		time.Sleep(time.Millisecond)
	}
	return ts
}

// begun waits until the channel has kept since when it is linked to a room.
func (w *world) begun(channel, room string) {
	w.waitFor(func() bool {
		kept := string(w.host.KV()["ch/"+channel])
		return strings.Contains(kept, `"room":"`+room+`"`) && strings.Contains(kept, `"since":"1`)
	})
}

// A channel that is linked again while it is still being left is joined after that, and not left.
func TestLinkedAgainWhileItIsBeingLeft(t *testing.T) {
	for _, name := range []string{"#garden", garden} { // the other name of the same one, too
		t.Run(name, func(t *testing.T) {
			w := start(t, nil)
			reached, leave := make(chan struct{}), make(chan struct{})
			var once sync.Once
			w.Set(func(s *slackdouble.Slack) {
				s.Step = func(method string, done bool) {
					if method == "conversations.leave" && !done {
						once.Do(func() { close(reached); <-leave })
					}
				}
			})
			w.host.Unlink("#garden")
			<-reached
			joins := w.Calls("conversations.join")
			w.host.Link(&pb.Link{Channel: name, Room: "ANOTHER", RoomName: "#other@node.example", Confirmed: true})
			close(leave)
			w.Wait("it to be joined again", func() bool { return w.CallsLocked("conversations.join") > joins })
			w.begun(name, "ANOTHER")
			w.Say(garden, "UALICE0", "hello again")
			if e := w.host.Entry(); e.Text != "hello again" || e.Channel != name {
				t.Errorf("%v", e)
			}
		})
	}
}

// A channel that was unlinked while the bridge was away is left when it is back, and what was said there since is nobody's who
// links it later.
func TestUnlinkedWhileTheBridgeWasAway(t *testing.T) {
	w := start(t, nil)
	w.Say(garden, "UALICE0", "before")
	w.host.Entry()
	w.host.Kill()
	w.host.Unlink("#garden")
	w.past("not for the room")
	w.host.Restart()
	w.Wait("it to be left", func() bool { return w.CallsLocked("conversations.leave") == 1 })
	w.waitFor(func() bool { return w.host.KV()["ch/#garden"] == nil })
	w.host.Link(&pb.Link{Channel: "#garden", Room: "ROOM", RoomName: "#garden@node.example", Confirmed: true})
	w.begun("#garden", "ROOM")
	w.Say(garden, "UALICE0", "after")
	if e := w.host.Entry(); e.Text != "after" {
		t.Errorf("%v", e)
	}
}

// One that was linked to another room meanwhile, too.
func TestLinkedToAnotherRoomWhileTheBridgeWasAway(t *testing.T) {
	w := start(t, nil)
	w.Say(garden, "UALICE0", "before")
	w.host.Entry()
	w.host.Kill()
	w.past("not for the other room")
	w.host.Unlink("#garden")
	w.host.Link(&pb.Link{Channel: "#garden", Room: "ANOTHER", RoomName: "#other@node.example", Confirmed: true})
	w.host.Restart()
	w.begun("#garden", "ANOTHER")
	w.ready()
	w.Say(garden, "UALICE0", "after")
	if e := w.host.Entry(); e.Text != "after" {
		t.Errorf("%v", e)
	}
}

// What Slack sends again, of the time before the channel was linked anew, is for nobody.
func TestARepeatOfTheTimeBeforeTheLink(t *testing.T) {
	w := start(t, nil)
	w.Set(func(s *slackdouble.Slack) { s.Deaf = true })
	lost := w.past("its event was lost")
	w.Set(func(s *slackdouble.Slack) { s.Deaf = false })
	w.host.Unlink("#garden")
	w.Wait("it to be left", func() bool { return w.CallsLocked("conversations.leave") == 1 })
	w.host.Link(&pb.Link{Channel: "#garden", Room: "ANOTHER", RoomName: "#other@node.example", Confirmed: true})
	w.begun("#garden", "ANOTHER")
	w.Event(map[string]any{"type": "message", "channel": garden, "user": "UALICE0", "ts": lost, "text": "its event was lost"})
	w.Event(map[string]any{"type": "reaction_added", "user": "UBORIS0", "reaction": "tada", "event_ts": lost, "item": map[string]any{"type": "message", "channel": garden, "ts": lost}})
	w.Say(garden, "UALICE0", "after")
	if e := w.host.Entry(); e.Text != "after" {
		t.Errorf("%v", e)
	}
}
