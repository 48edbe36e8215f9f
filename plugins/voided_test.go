package plugins

import (
	"strings"
	"testing"
	"time"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// pit is a link whose plugin is a script, in which nothing is delivered but by the test.
type pit struct {
	*world
	*life
	lane   *lane
	stream *script
	ban    *roompb.Item // that takes back what is named in it
}

func newPit(t *testing.T, can *pb.Capabilities) *pit {
	w := newWorld(t)
	w.n.Bridges.SetKinds([]channel.Kind{{Kind: "none"}})
	w.bridge("none", "pit", "#pit", nil)
	stream := &script{}
	l := w.silentLifeOf(stream)
	t.Cleanup(func() { l.end(errStopped); l.tasks.Wait() })
	l.can = can
	return &pit{w, l, l.lane("#pit"), stream, &roompb.Item{Event: &roompb.Event{
		Id: room.Hash{9}.String(), Pos: 1000, Kind: "ban", Author: string(w.alice.User), Time: w.n.Now().UnixMilli(),
	}}}
}

// relayed says that events were, and what they are over there.
func (p *pit) relayed(remote map[room.EventID][]string) {
	p.world.t.Helper()
	if err := p.world.n.Bridges.Advance(channel.Progress{Bridge: "pit", Room: p.world.room, Remote: remote}); err != nil {
		p.world.t.Fatal(err)
	}
}

func (p *pit) record(e room.EventID) storage.Record {
	p.world.t.Helper()
	_, pos, ok, err := p.world.store.Find(e)
	if err != nil || !ok {
		p.world.t.Fatal(ok, err)
	}
	rec, ok, err := p.world.store.Record(p.world.room, pos)
	if err != nil || !ok {
		p.world.t.Fatal(ok, err)
	}
	return rec
}

// takeBack makes events void, has a message stand as it does without them, and names them in the ban.
func (p *pit) takeBack(about *storage.Record, s *storagepb.Standing, events ...room.EventID) {
	p.world.t.Helper()
	meta, err := p.world.store.Room(p.world.room)
	if err != nil {
		p.world.t.Fatal(err)
	}
	change := &storage.Append{Room: p.world.room, Meta: meta, Standings: map[uint64]*storagepb.Standing{}}
	if about != nil {
		change.Standings[about.Pos] = s
		if p.record(about.Event.ID).Event.Body == nil {
			change.Restore = []storage.Record{*about}
		}
	}
	for _, e := range events {
		change.Void = append(change.Void, p.record(e).Pos)
		p.ban.Voided = append(p.ban.Voided, e.String())
	}
	if err := p.world.store.Append(change); err != nil {
		p.world.t.Fatal(err)
	}
}

// deliveries are what the ban makes be said over there.
func (p *pit) deliveries() (out []*pb.Delivery) {
	p.lane.out.behind, p.lane.out.buffer = false, []*roompb.Item{p.ban}
	p.pump(p.lane)
	for _, f := range p.stream.got {
		out = append(out, f.GetDelivery())
	}
	return out
}

// What an entry of the state took back is deleted over there, where it is; the cursor passes the entry when all
// of that was answered, so that a kill in between says all of it again, by the same ids.
func TestWhatWasTakenBackIsDeletedOverThere(t *testing.T) {
	p := newPit(t, &pb.Capabilities{})
	told, here, never := p.say("one"), p.say("two"), p.say("three")
	p.relayed(map[room.EventID][]string{told: {"r1"}, here: {"r2"}})
	p.takeBack(nil, nil, told, never, here)
	if v, err := p.verdict(p.lane, p.ban); err != nil || v.wait || len(v.undone) > 0 {
		t.Fatalf("a network without deletions: %+v %v", v, err)
	}
	p.can = &pb.Capabilities{Deletes: true}
	got := p.deliveries()
	if len(got) != 2 {
		t.Fatalf("delivered: %v", got)
	}
	for i, remote := range []string{"r1", "r2"} {
		d := got[i]
		if d.GetKind() != "delete" || d.GetTarget().GetRemote()[0] != remote || d.GetAuthor().GetUser() != string(p.alice.User) {
			t.Errorf("delivered: %v", d)
		}
	}
	for i, cursor := range []uint64{999, 1000} {
		p.settle(&pb.Outcome{Id: got[i].GetId(), Channel: "#pit"})
		p.lane.out.gather(p.life, p.lane)
		if p.lane.out.pending.cursor != cursor {
			t.Errorf("after %d answers the cursor is %d, not %d", i+1, p.lane.out.pending.cursor, cursor)
		}
	}
	// What is on its way is waited for.
	p.lane.out.flights = []*flight{{event: told, delivery: &pb.Delivery{Id: told.String()}, sent: true}}
	if v, err := p.verdict(p.lane, p.ban); err != nil || !v.wait {
		t.Errorf("%+v %v", v, err)
	}
}

// An edit that was answered without an id has left a trace; one that was not answered has none. Of several one line
// puts back what stands here.
func TestAVoidedEditIsPutBack(t *testing.T) {
	p := newPit(t, &pb.Capabilities{Edits: true})
	said := p.say("one")
	about := p.record(said)
	first := p.do(room.KindEdit, &roompb.Body{Target: said.Bytes(), Text: "two"})
	p.later(time.Second)
	second := p.do(room.KindEdit, &roompb.Body{Target: said.Bytes(), Text: "three"})
	never := p.do(room.KindEdit, &roompb.Body{Target: said.Bytes(), Text: "four"})
	p.relayed(map[room.EventID][]string{said: {"r1"}})
	for _, e := range []room.EventID{first, second} {
		p.lane.out.flights = []*flight{{event: e, delivery: &pb.Delivery{Id: e.String(), Channel: "#pit", Kind: "edit"}, sent: true}}
		p.settle(&pb.Outcome{Id: e.String(), Channel: "#pit"})
		p.writeAll(true)
	}
	if remote, err := p.remoteOf(p.lane, first.String()); err != nil || len(remote) > 0 {
		t.Errorf("an edit is %v over there %v", remote, err)
	}
	p.takeBack(&about, &storagepb.Standing{}, first, second, never)
	got := p.deliveries()
	if len(got) != 1 {
		t.Fatalf("delivered: %v", got)
	}
	if d := got[0]; d.GetKind() != "edit" || d.GetText() != "one" || d.GetOldText() != "three" || d.GetTarget().GetRemote()[0] != "r1" || d.GetId() != "void-"+second.String() {
		t.Errorf("delivered: %v", d)
	}
	p.can = &pb.Capabilities{Deletes: true}
	if v, err := p.verdict(p.lane, p.ban); err != nil || len(v.undone) > 0 {
		t.Errorf("a network without edits: %+v %v", v, err)
	}
	p.can = &pb.Capabilities{Corrects: true}
	if v, err := p.verdict(p.lane, p.ban); err != nil || len(v.undone) != 1 {
		t.Errorf("a network with corrections: %+v %v", v, err)
	}
	p.later(11 * time.Minute)
	if v, err := p.verdict(p.lane, p.ban); err != nil || len(v.undone) > 0 {
		t.Errorf("a correction of long ago: %+v %v", v, err)
	}
}

func TestVoidedReactionsAndPinsStandAsHere(t *testing.T) {
	p := newPit(t, &pb.Capabilities{Reactions: true, Pins: true})
	said := p.say("one")
	about := p.record(said)
	react := p.do(room.KindReact, &roompb.Body{Target: said.Bytes(), Emoji: "👍"})
	other := p.do(room.KindReact, &roompb.Body{Target: said.Bytes(), Emoji: "🎉"})
	pin := p.do(room.KindPin, &roompb.Body{Target: said.Bytes()})
	gone := p.do(room.KindUnreact, &roompb.Body{Target: said.Bytes(), Emoji: "🎉"})
	p.relayed(map[room.EventID][]string{said: {"r1"}, react: {traces + "1"}, other: {"r2"}, gone: {traces + "2"}, pin: {traces + "3"}})
	p.takeBack(&about, &storagepb.Standing{Reactions: []*storagepb.Standing_Reaction{{
		Emoji: "🎉", Users: []*storagepb.Standing_Reaction_User{{User: string(p.alice.User), On: true}},
	}}}, react, pin, gone)
	var got []string
	for _, d := range p.deliveries() {
		if d.GetAuthor().GetUser() != string(p.alice.User) || d.GetTarget().GetRemote()[0] != "r1" {
			t.Errorf("delivered: %v", d)
		}
		got = append(got, strings.TrimSpace(d.GetKind()+" "+d.GetEmoji()))
	}
	if strings.Join(got, ", ") != "unreact 👍, unpin, react 🎉" {
		t.Errorf("delivered: %v", got)
	}
	p.can = &pb.Capabilities{Edits: true, Deletes: true}
	if v, err := p.verdict(p.lane, p.ban); err != nil || len(v.undone) > 0 {
		t.Errorf("a network without either: %+v %v", v, err)
	}
}

// No network brings back what was deleted: it is said again, and is that from then on.
func TestAMessageWhoseDeletionIsVoidIsSaidAgain(t *testing.T) {
	p := newPit(t, &pb.Capabilities{Deletes: true, Edits: true})
	said := p.say("one")
	about := p.record(said)
	edit := p.do(room.KindEdit, &roompb.Body{Target: said.Bytes(), Text: "two"})
	erased := p.record(said)
	del := p.do(room.KindDelete, &roompb.Body{Target: said.Bytes()})
	p.relayed(map[room.EventID][]string{said: {"r1"}, edit: {traces + "1"}, del: {traces + "2"}})
	// First without its words: they are looked for a while.
	p.takeBack(&erased, &storagepb.Standing{}, edit, del)
	wordless := &storage.Append{Room: p.world.room, Erase: []uint64{erased.Pos}}
	wordless.Meta, _ = p.world.store.Room(p.world.room)
	if err := p.world.store.Append(wordless); err != nil {
		t.Fatal(err)
	}
	if v, err := p.verdict(p.lane, p.ban); err != nil || !v.wait {
		t.Fatalf("its words are not waited for: %+v %v", v, err)
	}
	p.lane.out.recall.until = time.Time{}
	v, err := p.verdict(p.lane, p.ban)
	if err != nil || len(v.undone) != 1 || v.undone[0].delivery.GetKind() != "notice" || !strings.Contains(v.undone[0].delivery.GetText(), "alice") {
		t.Fatalf("words that are nowhere: %+v %v", v, err)
	}
	// Then with them.
	p.takeBack(&about, &storagepb.Standing{})
	got := p.deliveries()
	if len(got) != 1 {
		t.Fatalf("delivered: %v", got)
	}
	if d := got[0]; d.GetKind() != "text" || !strings.HasPrefix(d.GetText(), "one\n\n_(said again: it was deleted here by alice") || d.GetAuthor().GetUser() != string(p.alice.User) {
		t.Errorf("delivered: %v", d)
	}
	if !p.lane.out.on(said.String()) {
		t.Error("what is about the message does not wait for what it is over there")
	}
	p.settle(&pb.Outcome{Id: got[0].GetId(), Channel: "#pit", Remote: []string{"r2"}})
	p.writeAll(true)
	if remote, err := p.world.n.Bridges.Remote("pit", p.world.room, said); err != nil || len(remote) != 1 || remote[0] != "r2" {
		t.Errorf("over there it is %v %v", remote, err)
	}
	if e, known, err := p.world.n.Bridges.Event("pit", p.world.room, "r1"); err != nil || !known || e != said {
		t.Errorf("the old id is %v %v %v", e, known, err)
	}
	p.later(11 * time.Minute)
	if v, err := p.verdict(p.lane, p.ban); err != nil || len(v.undone) > 0 || v.dropped != "stale" {
		t.Errorf("long after: %+v %v", v, err)
	}
}
