package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

// as is the client library speaking for a profile.
func (h *hearth) as(profile string) (*client.HTTP, *client.Profile, *client.Dialer) {
	h.t.Helper()
	p, err := client.LoadProfile(h.args([]string{profile})[0])
	if err != nil {
		h.t.Fatal(err)
	}
	d, err := client.NewDialer(p.URL, client.NewTrust(p.URL, p.Pin, false))
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(d.Close)
	return client.NewHTTP(d, p.Token), p, d
}

// ask gives a command that must be done.
func ask[Req, Resp any, PReq interface {
	*Req
	proto.Message
}, PResp interface {
	*Resp
	proto.Message
}](t *testing.T, to client.Caller, c client.Command[Req, Resp], req PReq) PResp {
	t.Helper()
	answer, err := client.Call[Req, Resp, PReq, PResp](t.Context(), to, c, req)
	if err != nil {
		t.Fatalf("%s %v: %v", c.Name, req, err)
	}
	return answer
}

// page is a room's history as one person's node shows it, without what is each node's own.
func pageOf(t *testing.T, by client.Caller, room string) []*roompb.Event {
	t.Helper()
	answer := ask(t, by, client.History, &pb.HistoryRequest{Room: room, Limit: 200})
	for _, e := range answer.Events {
		e.Pos, e.Reached, e.Nodes = 0, 0, 0
	}
	return answer.Events
}

// What happens to a message is the same on both nodes, whoever does it.
func TestWhatHappensToAMessageTravels(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two := h.station("d1").start(), h.station("d2").start()
	aliceFile, bobFile := one.person("alice"), two.person("bob")
	two.must("join", one.invite(), "--data", two.folder)
	ref := "#garden@" + one.node
	id := h.must("room", "create", "garden", "--public", "--profile", aliceFile, "--json").json("room")[0]["room"].(string)
	h.must("room", "join", ref, "--profile", bobFile)
	alice, _, _ := h.as(aliceFile)
	bob, bobs, _ := h.as(bobFile)

	say := func(by client.Caller, text string) string {
		return ask(t, by, client.Send, &pb.SendRequest{Room: id, Text: text}).Event
	}
	hers, his, third := say(alice, "hers"), say(bob, "his"), say(alice, "third, @bob@"+two.node)
	h.awaitSame(ref, aliceFile, bobFile)
	ask(t, bob, client.Edit, &pb.EditRequest{Room: id, Event: his, Text: "his, better"})
	ask(t, alice, client.React, &pb.ReactRequest{Room: id, Event: his, Emoji: "👍", On: true})
	ask(t, bob, client.React, &pb.ReactRequest{Room: id, Event: his, Emoji: "👍", On: true})
	ask(t, bob, client.React, &pb.ReactRequest{Room: id, Event: hers, Emoji: "🌱", On: true})
	ask(t, bob, client.React, &pb.ReactRequest{Room: id, Event: hers, Emoji: "🌱"})
	ask(t, bob, client.Send, &pb.SendRequest{Room: id, Text: "a reply", ReplyTo: hers})
	ask(t, alice, client.Send, &pb.SendRequest{Room: id, Text: "in his thread", Thread: his})
	ask(t, bob, client.Send, &pb.SendRequest{Room: id, Text: "in his thread too", Thread: his})
	ask(t, alice, client.Pin, &pb.PinRequest{Room: id, Event: his, On: true})
	gone := say(bob, "to be deleted by alice")
	within(t, "alice can delete it", func() bool {
		_, err := client.Call(t.Context(), alice, client.Delete, &pb.TargetRequest{Room: id, Event: gone})
		return err == nil
	})

	var a, b []*roompb.Event
	within(t, "both show the same", func() bool {
		a, b = pageOf(t, alice, id), pageOf(t, bob, id)
		return slices.EqualFunc(a, b, func(x, y *roompb.Event) bool { return proto.Equal(x, y) }) && find(a, gone).GetDeleted() && len(find(b, his).GetReactions()) == 1
	})
	m := find(b, his)
	if m.Text != "his, better" || m.Edits != 1 || len(m.Reactions[0].Users) != 2 || m.ThreadReplies != 2 || !m.Pinned {
		t.Errorf("bob's message stands as %v", m)
	}
	if r := find(a, hers); len(r.Reactions) != 0 {
		t.Errorf("a reaction that was taken back: %v", r.Reactions)
	}
	if find(b, gone).Text != "" {
		t.Errorf("a deleted message has %q", find(b, gone).Text)
	}
	if !slices.Contains(find(a, third).Mentions, bobs.User) {
		t.Errorf("the mention of %s came out as %v", bobs.User, find(a, third).Mentions)
	}
	for _, by := range []client.Caller{alice, bob} {
		if editions := ask(t, by, client.EditHistory, &pb.EventRequest{Room: id, Event: his}).Editions; len(editions) != 2 || editions[0].Text != "his" {
			t.Errorf("the editions are %v", editions)
		}
		if pins := ask(t, by, client.Pins, &pb.RoomRequest{Room: id}).Events; len(pins) != 1 || pins[0].Id != his {
			t.Errorf("the pins are %v", pins)
		}
		within(t, "the search finds it", func() bool {
			return ask(t, by, client.Search, &pb.SearchRequest{Query: "better"}).Total == 1
		})
	}
}

func find(events []*roompb.Event, id string) *roompb.Event {
	for _, e := range events {
		if e.Id == id {
			return e
		}
	}
	return nil
}

// Who is there, who types, how far somebody has read, and what people call themselves.
func TestSignalsAndProfilesTravel(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two := h.station("d1").start(), h.station("d2").start()
	aliceFile, bobFile := one.person("alice"), two.person("bob")
	two.must("join", one.invite(), "--data", two.folder)
	ref := "#garden@" + one.node
	id := h.must("room", "create", "garden", "--public", "--profile", aliceFile, "--json").json("room")[0]["room"].(string)
	h.must("room", "join", ref, "--profile", bobFile)
	alice, as, dialer := h.as(aliceFile)
	bob, bobs, bobDialer := h.as(bobFile)
	last := ask(t, alice, client.Send, &pb.SendRequest{Room: id, Text: "read this"})
	h.awaitSame(ref, aliceFile, bobFile)

	session, err := client.Dial(t.Context(), dialer, as.Token, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	ask(t, session, client.Watch, &pb.WatchRequest{Rooms: []string{id}})
	seen := map[string]*roompb.Signal{}
	await := func(kind string, again func()) *roompb.Signal {
		t.Helper()
		for end := time.Now().Add(patience); seen[kind] == nil && time.Now().Before(end); {
			again()
			awaitSignals(t, session, seen)
		}
		if seen[kind] == nil {
			t.Fatalf("no signal of the kind %s came", kind)
		}
		return seen[kind]
	}
	here, err := client.Dial(t.Context(), bobDialer, bobs.Token, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	if s := await("presence", func() {}); s.User != bobs.User || !s.On {
		t.Errorf("presence: %v", s)
	}
	if s := await("typing", func() { ask(t, bob, client.Typing, &pb.TypingRequest{Room: id, On: true}) }); s.User != bobs.User || s.Room != id || !s.On {
		t.Errorf("typing: %v", s)
	}
	events := ask(t, bob, client.History, &pb.HistoryRequest{Room: id}).Events
	pos := find(events, last.Event).Pos
	if s := await("receipt", func() { ask(t, bob, client.Read, &pb.ReadRequest{Room: id, Pos: pos}) }); s.User != bobs.User || s.Event != last.Event {
		t.Errorf("receipt: %v", s)
	}
	name := "Robert the Gardener"
	if s := await("profile", func() { ask(t, bob, client.ProfileSet, &pb.ProfileSetRequest{DisplayName: &name}) }); s.User != bobs.User {
		t.Errorf("profile: %v", s)
	}
	within(t, "alice's node knows what bob calls himself", func() bool {
		for _, m := range ask(t, alice, client.Members, &pb.MembersRequest{Room: id}).Members {
			if m.User == bobs.User && m.Profile.GetDisplayName() == name && m.Online {
				return true
			}
		}
		return false
	})
}

// awaitSignals takes what comes within a moment.
func awaitSignals(t *testing.T, session *client.Client, seen map[string]*roompb.Signal) {
	t.Helper()
	within, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for {
		e, err := session.Next(within)
		if err != nil {
			return
		}
		if e.Signal != nil {
			seen[e.Signal.Kind] = e.Signal
			return
		}
	}
}
