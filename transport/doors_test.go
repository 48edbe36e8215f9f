package transport

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

// overDoors runs a story over each session door.
func overDoors(t *testing.T, story func(t *testing.T, door string)) {
	for door := range doors {
		t.Run(door, func(t *testing.T) { story(t, door) })
	}
}

func TestTalk(t *testing.T) {
	overDoors(t, func(t *testing.T, door string) {
		h := openHouse(t)
		alice, bob := h.person("alice"), h.person("bob")
		garden := alice.room("garden")
		bob.join(garden)
		a, b := alice.visit(door, nil), bob.visit(door, nil)
		if a.opened.Transport != door || a.opened.User != alice.user || len(a.opened.Rooms) != 1 {
			t.Errorf("opened %v", a.opened)
		}
		out := &clientpb.EventResponse{}
		if err := a.do("Send", &clientpb.SendRequest{Room: garden, Text: "hello"}, out); err != nil {
			t.Fatal(err)
		}
		for _, v := range []*visit{a, b} {
			v.await("hello", func() bool { return slices.Contains(v.texts(garden), "hello") })
		}
		if out.Event == "" || out.Pos == 0 {
			t.Errorf("receipt %v", out)
		}
	})
}

// TestOrder: sends of one session to one room, given without waiting, stay in order,
// and their answers do not wait for each other's sync.
func TestOrder(t *testing.T) {
	overDoors(t, func(t *testing.T, door string) {
		h := openHouse(t)
		alice := h.person("alice")
		garden := alice.room("garden")
		v := alice.visit(door, nil)
		var want []string
		var pending []<-chan *clientpb.Reply
		for i := range 500 {
			text := fmt.Sprint("message ", i)
			want = append(want, text)
			c, err := v.begin("Send", &clientpb.SendRequest{Room: garden, Text: text, Key: fmt.Sprint("key", i)})
			if err != nil {
				t.Fatal(err)
			}
			pending = append(pending, c)
		}
		for _, c := range pending {
			if err := finish(c, &clientpb.EventResponse{}); err != nil {
				t.Fatal(err)
			}
		}
		v.await("all", func() bool { return len(v.texts(garden)) >= len(want) })
		if got := v.texts(garden); !slices.Equal(got, want) {
			t.Errorf("out of order: %v", got)
		}
	})
}

// TestResume: a client that comes back with its cursors gets what it missed, no more.
func TestResume(t *testing.T) {
	overDoors(t, func(t *testing.T, door string) {
		h := openHouse(t)
		alice, bob := h.person("alice"), h.person("bob")
		garden := alice.room("garden")
		bob.join(garden)
		first := alice.send(garden, "one")
		alice.send(garden, "two")
		alice.send(garden, "three")
		v := bob.visit(door, &clientpb.OpenRequest{Cursors: map[string]uint64{garden: first.Pos}})
		v.await("three", func() bool { return slices.Contains(v.texts(garden), "three") })
		if got := v.texts(garden); !slices.Equal(got, []string{"two", "three"}) {
			t.Errorf("resumed with %v", got)
		}
		gap := bob.visit(door, &clientpb.OpenRequest{Cursors: map[string]uint64{garden: 1}, MaxBacklog: 2})
		gap.await("gap", func() bool {
			return slices.ContainsFunc(gap.items, func(d *clientpb.Delivery) bool { return d.Gap })
		})
	})
}

// TestRevoked: a device that is signed out ends at once on every door, and its token is
// worth nothing.
func TestRevoked(t *testing.T) {
	overDoors(t, func(t *testing.T, door string) {
		h := openHouse(t)
		alice := h.person("alice")
		v := alice.visit(door, nil)
		alice.mustCall("Logout", &clientpb.LogoutRequest{}, &clientpb.Empty{})
		if bye := v.awaitBye(); bye.Error.GetCode() != "unauthenticated" || bye.ReconnectAfterMs != 0 {
			t.Errorf("bye %v", bye)
		}
		if err := alice.call("Rooms", &clientpb.Empty{}, &clientpb.RoomsResponse{}); codeIn(err) != "unauthenticated" {
			t.Errorf("the token still works: %v", err)
		}
		again := h.dial(door)
		err := again.do("Open", &clientpb.OpenRequest{Token: alice.token, Protocol: 1}, &clientpb.OpenResponse{})
		if codeIn(err) != "unauthenticated" {
			t.Errorf("open with it: %v", err)
		}
		if bye := again.awaitBye(); bye.Error.GetCode() != "unauthenticated" {
			t.Errorf("bye %v", bye)
		}
	})
}

// TestSignals: typing reaches who watches.
func TestSignals(t *testing.T) {
	overDoors(t, func(t *testing.T, door string) {
		h := openHouse(t)
		alice, bob := h.person("alice"), h.person("bob")
		garden := alice.room("garden")
		bob.join(garden)
		a, b := alice.visit(door, nil), bob.visit(door, nil)
		seen := &clientpb.WatchResponse{}
		if err := a.do("Watch", &clientpb.WatchRequest{Rooms: []string{garden}}, seen); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(seen.Online, bob.user) {
			t.Errorf("online: %v", seen.Online)
		}
		if err := b.do("Typing", &clientpb.TypingRequest{Room: garden, On: true}, &clientpb.Empty{}); err != nil {
			t.Fatal(err)
		}
		a.await("typing", func() bool {
			return slices.ContainsFunc(a.signals, func(s *roompb.Signal) bool { return s.Kind == "typing" && s.User == bob.user && s.On })
		})
	})
}

// TestEndings: what breaks the protocol ends in a Bye that says so.
func TestEndings(t *testing.T) {
	open := &clientpb.Request{Id: 1, Command: "Rooms"}
	overDoors(t, func(t *testing.T, door string) {
		h := openHouse(t)
		for name, test := range map[string]struct {
			frame []byte
			code  string
		}{
			"rubbish":   {[]byte{0xff, 0xff, 0xff}, "protocol"},
			"not Open":  {mustMarshal(t, &clientpb.ClientFrame{Requests: []*clientpb.Request{open}}), "protocol"},
			"too large": {make([]byte, 256<<10+1), "too_large"},
			"bad token": {mustMarshal(t, &clientpb.ClientFrame{Requests: []*clientpb.Request{{Id: 1, Command: "Open", Body: mustMarshal(t, &clientpb.OpenRequest{Token: "x", Protocol: 1})}}}), "unauthenticated"},
			"version":   {mustMarshal(t, &clientpb.ClientFrame{Requests: []*clientpb.Request{{Id: 1, Command: "Open", Body: mustMarshal(t, &clientpb.OpenRequest{Protocol: 9})}}}), "protocol"},
		} {
			v := h.dial(door)
			if err := v.pipe.write(test.frame); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if bye := v.awaitBye(); bye.Error.GetCode() != test.code {
				t.Errorf("%s: bye %v", name, bye)
			}
		}
	})
}

func TestCommandsInSessions(t *testing.T) {
	overDoors(t, func(t *testing.T, door string) {
		h := openHouse(t)
		alice := h.person("alice")
		v := alice.visit(door, nil)
		for name, code := range map[string]string{"Nonsense": "not_found", "AdminUsers": "forbidden", "Open": "conflict", "ServerInfo": "ok"} {
			if err := v.do(name, &clientpb.Empty{}, &clientpb.ServerInfoResponse{}); codeIn(err) != code {
				t.Errorf("%s: %v, want %s", name, err, code)
			}
		}
		c, err := v.begin("Send", &clientpb.SendRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if err := finish(c, &clientpb.EventResponse{}); codeIn(err) != "bad_request" {
			t.Errorf("empty send: %v", err)
		}
	})
}

// TestShutdown: everybody is told to come back, each at a moment of its own, and who just stays holds
// nobody up: the port is free within five seconds. The quickest of some tries, as the machine is shared.
func TestShutdown(t *testing.T) {
	overDoors(t, func(t *testing.T, door string) {
		var took time.Duration
		for range 4 {
			if took = shutDownWithVisits(t, door); took <= 3500*time.Millisecond {
				return
			}
		}
		t.Errorf("shutdown took %v", took)
	})
}

func shutDownWithVisits(t *testing.T, door string) time.Duration {
	h := openHouse(t)
	alice := h.person("alice")
	var visits []*visit
	for range 5 {
		visits = append(visits, alice.visit(door, nil))
	}
	begun := time.Now()
	done := make(chan struct{})
	go func() { h.shutdown(); close(done) }()
	moments := map[uint32]bool{}
	for i, v := range visits {
		bye := v.awaitBye()
		if bye.Error.GetCode() != "unavailable" || bye.ReconnectAfterMs < 500 || bye.ReconnectAfterMs > 3000 {
			t.Errorf("bye %v", bye)
		}
		moments[bye.ReconnectAfterMs] = true
		if i%2 == 0 { // the others just stay
			v.pipe.close()
		}
	}
	if len(moments) < 3 {
		t.Errorf("all come back at once: %v", moments)
	}
	<-done
	return time.Since(begun)
}
