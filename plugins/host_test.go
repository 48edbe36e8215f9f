package plugins

import (
	"fmt"
	"slices"
	"testing"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

func TestTwoEchoesOfOneRoomMakeNoLoop(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.bridge("echo", "cave", "left", nil)
	w.bridge("echo", "well", "right", map[string]string{"voice": "Deep"})
	w.waitState("cave", channel.Connected)
	w.waitState("well", channel.Connected)
	w.say("hello")
	// Alice, each echo of her, and of each echo that of the other; those passed both networks.
	w.until("five messages", func() bool { return len(w.messages()) == 5 })
	w.say("again")
	w.until("ten messages", func() bool { return len(w.messages()) == 10 })
	w.until("empty queues, and all counted, which comes after it is in the room", func() bool {
		cave, well := w.status("cave"), w.status("well")
		return cave.Queue+well.Queue == 0 && cave.Received >= 4 && well.Received >= 4
	})
	for _, e := range w.messages() {
		if g := e.GetGhost(); g != nil && (len(g.GetHops()) == 0 || g.GetHops()[len(g.GetHops())-1] != g.GetNetwork() || e.GetReplyTo() == "") {
			t.Errorf("%v", e)
		}
	}
	if n := len(w.messages()); n != 10 {
		t.Fatalf("%d messages", n)
	}
	if s := w.status("cave"); s.Relayed != 4 || s.Received != 4 || len(s.Dropped) != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestWhatIsRelayed(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.say("before the link: never relayed")
	w.start()
	w.bridge("chaos", "pit", "#pit", map[string]string{"dir": f.dir})
	w.waitState("pit", channel.Connected)
	hello := w.say("hello")
	w.until("hello", func() bool { return len(f.heard()) == 1 })
	w.do(room.KindEdit, &roompb.Body{Target: hello.Bytes(), Text: "hallo"})
	w.do(room.KindReact, &roompb.Body{Target: hello.Bytes(), Emoji: "🌱"})
	w.do(room.KindUnreact, &roompb.Body{Target: hello.Bytes(), Emoji: "🌱"})
	w.until("the reactions", func() bool { return w.status("pit").Relayed == 4 }) // what is deleted before is not relayed
	w.do(room.KindDelete, &roompb.Body{Target: hello.Bytes()})
	topic := "seeds"
	w.do(room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Topic: &topic}})
	w.do(room.KindText, &roompb.Body{Text: "!not-now"})
	w.say("last")
	w.until("the last", func() bool { return w.status("pit").Relayed == 8 })
	remote := "r-" + hello.String()[:16]
	want := [][]string{
		{"text", "#pit", "", "", "hello"}, {"edit", "#pit", remote, "hello", "hallo"},
		{"react", "#pit", remote, "", "🌱"}, {"unreact", "#pit", remote, "", "🌱"}, {"delete", "#pit", remote, "", ""},
		{"topic", "#pit", "", "", "seeds"}, {"text", "#pit", "", "", "!not-now"}, {"text", "#pit", "", "", "last"},
	}
	for i, got := range f.heard() {
		if i >= len(want) || !slices.Equal(got[1:], want[i]) {
			t.Errorf("line %d is %q, want %q", i, got, want[i])
		}
	}
	f.say("one", "two")
	w.until("what the far network says", func() bool { return w.status("pit").Received == 2 })
	m := w.messages()
	for i, want := range []string{"one", "two"} {
		e := m[len(m)-2+i]
		if e.GetText() != want || e.GetGhost().GetName() != "Far" || e.GetGhost().GetNetwork() != "pit" || e.GetAuthor() != "pit@node.test" {
			t.Errorf("%v", e)
		}
	}
	w.until("an empty queue", func() bool { return w.status("pit").Queue == 0 })
	if s := w.status("pit"); len(s.Dropped) != 0 || s.Duplicates != 0 {
		t.Errorf("%+v", s)
	}
}

func TestARestartOfTheNodeWithAQueue(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.start()
	w.bridge("chaos", "pit", "#pit", map[string]string{"dir": f.dir})
	w.waitState("pit", channel.Connected)
	w.say("0")
	w.until("the first", func() bool { return len(f.heard()) == 1 })
	w.stop() // what is said now waits in the room
	const n = 500
	for i := 1; i <= n; i++ {
		w.say(fmt.Sprint(i))
	}
	w.restart()
	w.until("all", func() bool { return w.status("pit").Relayed == n+1 })
	for i, line := range f.heard() {
		if line[5] != fmt.Sprint(i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
	if got := len(f.heard()); got != n+1 {
		t.Fatalf("%d lines", got)
	}
}
