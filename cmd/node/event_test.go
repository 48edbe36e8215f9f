package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

// What a ghost said is shown by when it said so; and, when it came much later, by when it came too.
func TestWhenAGhostSaidIt(t *testing.T) {
	came := time.Date(2026, 11, 22, 14, 0, 0, 0, time.Local)
	for ago, want := range map[time.Duration]string{
		0:               "2026-11-22 14:00:00 Ann (libera): hi",
		-time.Minute:    "2026-11-22 14:01:00 Ann (libera): hi",
		2 * time.Minute: "2026-11-22 13:58:00 Ann (libera): hi",
		26 * time.Hour:  "2026-11-21 12:00:00 (came 2026-11-22 14:00:00) Ann (libera): hi",
	} {
		e := &roompb.Event{Time: came.UnixMilli(), Kind: "text", Text: "hi", Ghost: &roompb.Ghost{Name: "Ann", Network: "libera"}, Sent: came.Add(-ago).UnixMilli()}
		if got := lineOf("r", e).String(); got != want {
			t.Errorf("%s before: %q, not %q", ago, got, want)
		}
	}
	e := &roompb.Event{Time: came.UnixMilli(), Kind: "text", Text: "hi", Author: "alice@node"}
	if got := lineOf("r", e).String(); !strings.HasPrefix(got, "2026-11-22 14:00:00 alice@node") {
		t.Error(got)
	}
}

// tail --typing says who types, a ghost by its name; without it nobody is told of.
func TestTailTyping(t *testing.T) {
	t.Parallel()
	ghost := typingLineOf(&roompb.Signal{Room: "r", User: "libera@n", On: true, Ghost: &roompb.Ghost{Name: "Ann", Network: "libera"}})
	if ghost.Ghost != "Ann" || ghost.Network != "libera" || ghost.Typing != "libera@n" {
		t.Errorf("%+v", ghost)
	}
	h := newHearth(t)
	s := h.serve("--listen", "127.0.0.1:0", "--name", "localhost:9443")
	h.people(s.url, "user0", "user1")
	room := h.must("room", "create", "garden", "--public", "--profile", "@/user0.json", "--json").json("room")[0]["room"].(string)
	h.must("room", "join", room, "--profile", "@/user1.json")
	h.run("tail", "--typing", "--profile", "@/user1.json").want(exitUsage)
	follow := h.tail(room, "--typing", "--profile", "@/user1.json")
	c := h.client(t.Context(), t, 0, "")
	defer c.Close()
	for end := time.Now().Add(patience); ; {
		if _, err := client.Call(t.Context(), c, client.Typing, &pb.TypingRequest{Room: room, On: true}); err != nil {
			t.Fatal(err)
		}
		select {
		case line := <-follow.lines:
			var got typingLine
			if err := json.Unmarshal([]byte(line), &got); err != nil || got.Typing != "user0@localhost:9443" || !got.On || got.Room != room {
				t.Errorf("%s: %v", line, err)
			}
			return
		case <-time.After(100 * time.Millisecond): // a signal may be lost
		}
		if time.Now().After(end) {
			t.Fatal("tail says nothing")
		}
	}
}
