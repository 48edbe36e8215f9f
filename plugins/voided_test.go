package plugins

import (
	"testing"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

// What an entry of the state took back is deleted over there, where it is; the cursor passes the entry when all
// of that was answered, so that a kill in between says all of it again, by the same ids.
func TestWhatWasTakenBackIsDeletedOverThere(t *testing.T) {
	w := newWorld(t)
	w.n.Bridges.SetKinds([]channel.Kind{{Kind: "none"}})
	w.bridge("none", "pit", "#pit", nil)
	told, here, never := w.say("one"), w.say("two"), w.say("three")
	stream := &script{}
	l := w.silentLifeOf(stream)
	defer func() { l.end(errStopped); l.tasks.Wait() }()
	a := l.lane("#pit")
	err := w.n.Bridges.Advance(channel.Progress{Bridge: "pit", Room: w.room, Remote: map[room.EventID][]string{told: {"r1"}, here: {"r2"}}})
	if err != nil {
		t.Fatal(err)
	}
	ban := &roompb.Item{Voided: []string{told.String(), never.String(), here.String()}, Event: &roompb.Event{
		Id: room.Hash{9}.String(), Pos: 1000, Kind: "ban", Author: string(w.alice.User), Time: w.n.Now().UnixMilli(),
	}}
	l.can = &pb.Capabilities{}
	if v, err := l.verdict(a, ban); err != nil || v.wait || len(v.deletions) > 0 {
		t.Fatalf("a network without deletions: %+v %v", v, err)
	}
	l.can = &pb.Capabilities{Deletes: true}
	a.out.behind, a.out.buffer = false, []*roompb.Item{ban}
	l.pump(a)
	if len(stream.got) != 2 {
		t.Fatalf("delivered: %v", stream.got)
	}
	for i, remote := range []string{"r1", "r2"} {
		d := stream.got[i].GetDelivery()
		if d.GetKind() != "delete" || d.GetTarget().GetRemote()[0] != remote || d.GetAuthor().GetUser() != string(w.alice.User) {
			t.Errorf("delivered: %v", d)
		}
	}
	for i, cursor := range []uint64{999, 1000} {
		l.settle(&pb.Outcome{Id: stream.got[i].GetDelivery().GetId(), Channel: "#pit"})
		a.out.gather(l, a)
		if a.out.pending.cursor != cursor {
			t.Errorf("after %d answers the cursor is %d, not %d", i+1, a.out.pending.cursor, cursor)
		}
	}
	// What is on its way is waited for.
	a.out.flights = []*flight{{event: told, delivery: &pb.Delivery{Id: told.String()}, sent: true}}
	if v, err := l.verdict(a, ban); err != nil || !v.wait {
		t.Errorf("%+v %v", v, err)
	}
}
