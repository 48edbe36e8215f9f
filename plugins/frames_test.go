package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

// script is a plugin's end of the stream that says what a test says.
type script struct {
	grpc.ClientStream
	mu  sync.Mutex
	got []*pb.HostFrame
}

func (s *script) Send(f *pb.HostFrame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, f)
	return nil
}

func (*script) Recv() (*pb.PluginFrame, error) { return nil, io.EOF }

func (s *script) answers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

// lifeOf is a life of the bridge "pit" with a scripted stream.
func (w *world) lifeOf(stream pb.Bridge_RunClient) (*life, func()) {
	w.t.Helper()
	l := w.silentLifeOf(stream)
	l.tasks.Go(l.relay)
	return l, func() { l.end(errStopped); l.tasks.Wait() }
}

// silentLifeOf is one in which nothing is delivered but by the test.
func (w *world) silentLifeOf(stream pb.Bridge_RunClient) *life {
	w.t.Helper()
	h, err := New(Config{Node: w.n, Dir: w.dir + "/scripted", Times: quick})
	if err != nil {
		w.t.Fatal(err)
	}
	b, _ := w.n.Bridges.Bridge("pit")
	l, err := newLife(newKeeper(context.Background(), h, "pit"), b, &pb.Description{Can: &pb.Capabilities{Typing: true}})
	if err != nil {
		w.t.Fatal(err)
	}
	l.stream = stream
	if _, err := l.open(); err != nil {
		w.t.Fatal(err)
	}
	return l
}

// FuzzFrames: nothing that a plugin sends crashes the host, and every entry and request of it is answered.
func FuzzFrames(f *testing.F) {
	ghost := &pb.Ghost{Id: "g", Name: "G"}
	for _, seed := range []*pb.PluginFrame{
		{Frame: &pb.PluginFrame_Entry{Entry: &pb.Entry{Key: "k", Channel: "#pit", Kind: "text", Text: "hello", Ghost: ghost, Remote: "r"}}},
		{Frame: &pb.PluginFrame_Entry{Entry: &pb.Entry{Key: "k2", Channel: "#pit", Kind: "edit", Text: "x", Ghost: ghost, Target: "r"}}},
		{Frame: &pb.PluginFrame_Entry{Entry: &pb.Entry{Key: "k3", Channel: "#pit", Kind: "react", Emoji: "👍", Ghost: ghost, Target: "r", Hops: []string{"a", "b"}}}},
		{Frame: &pb.PluginFrame_Entry{Entry: &pb.Entry{Key: strings.Repeat("k", 300), Channel: "#pit", Kind: "line"}}},
		{Frame: &pb.PluginFrame_Entry{Entry: &pb.Entry{Key: "k4", Channel: "#pit", Kind: "text", Ghost: ghost, Files: []*pb.File{{Handle: "x"}, {Url: "javascript:x"}}}}},
		{Frame: &pb.PluginFrame_Entry{Entry: &pb.Entry{Key: "k5", Channel: "#pit", Kind: "topic", Text: "t"}}},
		{Frame: &pb.PluginFrame_Outcome{Outcome: &pb.Outcome{Id: "x", Channel: "#pit", AgainMs: 1 << 31}}},
		{Frame: &pb.PluginFrame_Request{Request: &pb.Request{Request: 1}}},
		{Frame: &pb.PluginFrame_Request{Request: &pb.Request{Request: 2, Ask: &pb.Request_Put{Put: &pb.Put{Key: "", Value: make([]byte, 70_000)}}}}},
		{Frame: &pb.PluginFrame_Request{Request: &pb.Request{Request: 3, Ask: &pb.Request_Store{Store: &pb.Store{Name: "../../x"}}}}},
		{Frame: &pb.PluginFrame_Request{Request: &pb.Request{Request: 4, Ask: &pb.Request_Claim{Claim: &pb.Claim{Channel: "#pit", Entitled: true, Code: "x"}}}}},
		{Frame: &pb.PluginFrame_Request{Request: &pb.Request{Request: 5, Ask: &pb.Request_Fetch{Fetch: "x"}}}},
		{Frame: &pb.PluginFrame_Chunk{Chunk: &pb.Chunk{Request: 3, Bytes: []byte("x"), Last: true}}},
		{Frame: &pb.PluginFrame_Status{Status: &pb.Status{State: "connected", Heard: -1 << 63}}},
		{Frame: &pb.PluginFrame_Roster{Roster: &pb.Roster{Channel: "#pit", Here: []*pb.Ghost{{}, ghost}, Gone: []string{"", "g"}}}},
		{Frame: &pb.PluginFrame_Typing{Typing: &pb.Typing{Channel: "#pit"}}},
		{Frame: &pb.PluginFrame_Count{Count: &pb.Count{What: "dropped", Reason: "\xf0", N: 1 << 63}}},
		{},
	} {
		b, err := (proto.MarshalOptions{AllowPartial: true}).Marshal(seed)
		if err == nil {
			f.Add(b)
		}
	}
	w := newWorld(f)
	w.n.Bridges.SetKinds([]channel.Kind{{Kind: "chaos"}})
	w.bridge("chaos", "pit", "#pit", nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		frame := new(pb.PluginFrame)
		if proto.Unmarshal(b, frame) != nil {
			t.Skip()
		}
		s := &script{}
		w.t = t
		defer func() { w.t = f }()
		l, end := w.lifeOf(s)
		defer end()
		err := l.take(frame)
		if _, ok := errors.AsType[errContract](err); err != nil && !ok {
			t.Fatal(err)
		}
		if r := frame.GetRequest(); frame.GetEntry() == nil && r == nil || r.GetStore() != nil {
			return
		}
		for deadline := time.Now().Add(patience); s.answers() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not answered: %v", frame)
			}
		}
	})
}

// Who sends more than the window is ended, and so is who sends more requests than may be open.
func TestTheWindowIsKept(t *testing.T) {
	w := newWorld(t)
	w.n.Bridges.SetKinds([]channel.Kind{{Kind: "chaos"}})
	w.bridge("chaos", "pit", "#pit", nil)
	l, end := w.lifeOf(&script{})
	defer end()
	l.entries.Store(window)
	if _, ok := errors.AsType[errContract](l.take(&pb.PluginFrame{Frame: &pb.PluginFrame_Entry{Entry: &pb.Entry{Key: "k", Channel: "#pit"}}})); !ok {
		t.Error("one entry more than the window")
	}
	l.asked.Store(mostAsked)
	if _, ok := errors.AsType[errContract](l.take(&pb.PluginFrame{Frame: &pb.PluginFrame_Request{Request: &pb.Request{Request: 1}}})); !ok {
		t.Error("one request more than may be open")
	}
	if _, ok := errors.AsType[errContract](l.take(&pb.PluginFrame{Frame: &pb.PluginFrame_Chunk{Chunk: &pb.Chunk{Bytes: make([]byte, chunkBytes+1)}}})); !ok {
		t.Error("a chunk of more than 64 KB")
	}
}

// A message shows when it was said over there, as far as that can be true; who types over there is shown by
// name, and to another bridge too, but for one to the same network.
func TestWhenAndWhoOverThere(t *testing.T) {
	w := newWorld(t)
	w.n.Bridges.SetKinds([]channel.Kind{{Kind: "none"}})
	w.bridge("none", "pit", "#pit", nil)
	l, end := w.lifeOf(&script{})
	end = sync.OnceFunc(end)
	defer end()
	f, err := w.n.Follow(w.alice, node.FollowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Watch([]room.ID{w.room}); err != nil {
		t.Fatal(err)
	}
	ann := &pb.Ghost{Id: "ann", Name: "Ann"}
	for i, time := range []int64{0, 1_000_000, 1 << 60, -5} {
		err := l.takeEntry(&pb.Entry{Key: fmt.Sprint(i), Channel: "#pit", Kind: "text", Text: "hello", Ghost: ann, Time: time})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.until("the entries", func() bool { return len(w.messages()) == 4 })
	m := w.messages()
	for i, want := range []int64{0, 1_000_000, m[2].GetTime() + room.MaxClockForward, 0} {
		if m[i].GetSent() != want {
			t.Errorf("entry %d was sent at %d, not %d", i, m[i].GetSent(), want)
		}
	}
	l.takeTyping(&pb.Typing{Channel: "#pit", On: true})
	l.takeTyping(&pb.Typing{Channel: "#pit", On: true, Person: &pb.Person{Ghost: &pb.Ghost{Id: "a\nb"}}})
	l.takeTyping(&pb.Typing{Channel: "#pit", On: true, Person: &pb.Person{Ghost: ann}})
	var typing []*roompb.Signal
	w.until("who types", func() bool {
		b, err := f.Next(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range b.Signals {
			if s.GetKind() == "typing" {
				typing = append(typing, s)
			}
		}
		return len(typing) > 0
	})
	if len(typing) != 1 || typing[0].GetGhost().GetName() != "Ann" || typing[0].GetUser() != "pit@node.test" {
		t.Errorf("typing: %v", typing)
	}
	end() // nobody else looks at its stream from here on
	other := &script{}
	l.stream, l.caller = other, w.alice
	a := l.lane("#pit")
	for _, network := range []string{"pit", "elsewhere"} {
		l.sendTyping(a, &roompb.Signal{User: "bot@node.test", On: true, Ghost: &roompb.Ghost{Id: "x", Name: "X", Network: network}})
	}
	if other.answers() != 1 || other.got[0].GetTyping().GetPerson().GetName() != "X" {
		t.Errorf("the plugin hears: %v", other.got)
	}
}
