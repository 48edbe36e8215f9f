package plugins

import (
	"testing"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

// A message that has a name over there is found by it, and by its event; it is pinned from both sides, and an edit of it says
// again what it answers.
func TestWhatHasANameOverThere(t *testing.T) {
	w := newWorld(t)
	w.n.Bridges.SetKinds([]channel.Kind{{Kind: "chaos"}})
	w.bridge("chaos", "pit", "#pit", nil)
	asked := w.say("asked")
	answer := w.do(room.KindText, &roompb.Body{Text: "answered", ReplyTo: asked.Bytes()})
	if err := w.n.Bridges.Received("pit", w.room, channel.Arrival{Remote: "r1", Event: asked}, channel.Arrival{Remote: "r2", Event: answer}); err != nil {
		t.Fatal(err)
	}
	l := w.silentLifeOf(&script{})
	defer l.tasks.Wait()
	defer l.end(errStopped)
	for _, f := range []*pb.Find{{Channel: "#pit", Remote: "r2"}, {Channel: "#pit", Event: answer.String()}} {
		if a, err := l.find(f); err != nil || a.GetEvent() != answer.String() || len(a.GetRemote()) != 1 || a.GetRemote()[0] != "r2" {
			t.Errorf("%v: %v, %v", f, a, err)
		}
	}
	if _, err := l.find(&pb.Find{Channel: "#elsewhere", Remote: "r2"}); room.CodeOf(err) != room.NotFound {
		t.Errorf("of another channel: %v", err)
	}
	a := l.lane("#pit")
	d, err := l.draft(a, &pb.Entry{Key: "p", Channel: "#pit", Kind: "pin", Target: "r1", Ghost: &pb.Ghost{Id: "far", Name: "Far"}})
	if err != nil || d.Kind != room.KindPin || string(d.Body.Target) != string(asked.Bytes()) {
		t.Errorf("a pin from over there: %v, %v", d, err)
	}
	w.do(room.KindPin, &roompb.Body{Target: answer.Bytes()})
	w.do(room.KindEdit, &roompb.Body{Target: answer.Bytes(), Text: "answered better"})
	l.can.Pins, l.can.Edits = true, true
	got := map[string]*pb.Delivery{}
	stretch, err := w.n.Stretch(w.alice, w.room, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	items, err := decodeItems(stretch.Items)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range items {
		v, err := l.verdict(a, item)
		if err != nil {
			t.Fatal(err)
		}
		got[item.GetEvent().GetKind()] = v.delivery
	}
	if p := got["pin"]; p.GetTarget().GetEvent() != answer.String() || p.GetTarget().GetRemote()[0] != "r2" {
		t.Errorf("a pin from here: %v", p)
	}
	if e := got["edit"]; e.GetText() != "answered better" || e.GetReplyTo().GetRemote()[0] != "r1" {
		t.Errorf("an edit of an answer: %v", e)
	}
}
