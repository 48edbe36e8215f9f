package session

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/transport/session/clientpb"
)

// FuzzReceive feeds a session two frames of anything: it never panics, never hands
// out more requests than it may, and what it writes is a ServerFrame.
func FuzzReceive(f *testing.F) {
	for _, in := range []*clientpb.ClientFrame{
		{}, {Ping: true, Pong: true},
		{Requests: []*clientpb.Request{{Id: 1, Command: "Open", Body: []byte("t")}}},
		{Requests: []*clientpb.Request{{Id: 1, Command: "Open"}, {Id: 2, Command: "Send"}, {Id: 2, Command: "Send"}}},
		{Requests: []*clientpb.Request{{Command: "Open"}}},
	} {
		b, _ := proto.Marshal(in)
		f.Add(b, b)
	}
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x07}, []byte{})
	f.Add([]byte{0x0b, 0x0b, 0x0b, 0x0b}, []byte{0xff})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		now := time.UnixMilli(0)
		s := New(Limits{InFlight: 4}, now)
		s.Receive(now, first)
		runAll(t, s)
		s.Receive(now, second)
		runAll(t, s)
		s.Tick(now.Add(time.Hour))
		for range 10_000 {
			if !s.Due() {
				return
			}
			checkWrite(t, s)
		}
		t.Fatal("there is no end to what is due")
	})
}

func runAll(t *testing.T, s *Session) {
	var taken []uint64
	for {
		r, ok := s.Take()
		if !ok {
			break
		}
		s.Opened()
		if taken = append(taken, r.ID); len(taken) > 4 {
			t.Fatal("more requests under way than allowed")
		}
	}
	for _, id := range taken {
		s.Answer(id, []byte("x"), nil)
	}
}

func checkWrite(t *testing.T, s *Session) {
	var frame Frame
	s.Write(&frame, 100)
	if err := proto.Unmarshal(frame.Bytes(), &clientpb.ServerFrame{}); err != nil {
		t.Fatalf("wrote %x: %v", frame.Bytes(), err)
	}
}
