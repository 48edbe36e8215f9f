package link

import (
	"bytes"
	"math"
	"runtime"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/federation/link/linkpb"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// FuzzReceive feeds a link that is up two frames of anything: it never panics, asks for
// no more than what the frames hold, and what it writes is frames.
func FuzzReceive(f *testing.F) {
	now := time.UnixMilli(0)
	for _, line := range [][]string{
		{"hello"}, {"digest", "x", "A=1"}, {"have", "A", "3", "n/1:5"}, {"ack", "A", "3", "n/1:5"}, {"parcels", "3", "1", "2"}, {"ping", "1"}, {"pong", "1"}, {"bye", "stopping", "5"},
	} {
		b, err := proto.Marshal(frame(now, line))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, b)
	}
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x07}, []byte{0x0b, 0x0b, 0x0b})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, dialled := range []bool{true, false} {
			l := New(Config{Dialled: dialled, Seed: 1, Hello: &linkpb.Hello{}}, now)
			l.Receive(now, first) // the hello may be one
			drive(t, l, now)
			l = New(Config{Dialled: dialled, Seed: 1, Hello: &linkpb.Hello{}}, now)
			hello, err := proto.Marshal(frame(now, []string{"hello"}))
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range [][]byte{hello, first, second} {
				l.Receive(now, b)
				drive(t, l, now)
			}
			l.Tick(now.Add(time.Hour))
			drive(t, l, now)
		}
	})
}

// drive does what a driver does, for a node that shares the room A alone.
func drive(t *testing.T, l *Link, now time.Time) {
	t.Helper()
	ours := frontier([]string{"A", "3", "n/1:7"})
	for n := 0; ; n++ {
		s, ok := l.Next()
		if !ok {
			break
		}
		if n > 2*maxDigests {
			t.Fatal("there is no end to its steps")
		}
		switch s.Do {
		case Judge:
			l.Welcome(now)
		case Sum:
			l.Sums([]RoomSum{{Room: id("A")}})
		case Tell:
			l.Tell(now, ours)
		case Compare:
			if s.Room != id("A") {
				l.Drop(s.Room)
			} else if Behind(ours, s.Frontier) {
				l.Lacks(now, ours)
			}
		case Push:
			if theirs, _, ok := l.Begin(s.Room); ok {
				l.Pushed(now, s.Room, theirs, false)
			}
		}
	}
	b, err := l.Write(nil)
	if err != nil {
		t.Fatal(err)
	}
	for r := bytes.NewReader(b); r.Len() > 0; {
		raw, err := ReadBytes(r, MaxFrame)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeFrame(raw); err != nil {
			t.Fatalf("wrote a frame that cannot be read: %v", err)
		}
	}
}

// FuzzRead reads messages behind their lengths: never more memory than came, and a few.
func FuzzRead(f *testing.F) {
	f.Add([]byte{3, 'a', 'b', 'c', 0, 0x80, 0x80, 0x80, 0x80, 0x08})
	f.Add([]byte{0xff, 0xff, 0x3f, 'x'})
	f.Add(bytes.Repeat([]byte{0xff}, 12))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		for {
			b, err := ReadBytes(r, MaxParcel)
			if err != nil {
				return
			}
			if len(b) > len(in) || cap(b) > 2*len(in)+bodyStep {
				t.Fatalf("%d bytes in %d of memory, of %d", len(b), cap(b), len(in))
			}
		}
	})
}

// FuzzDecode reads parcels, asks, answers and signals of anything.
func FuzzDecode(f *testing.F) {
	a := id("A")
	for _, m := range []proto.Message{
		&roompb.Parcel{Room: a[:], Packets: []*roompb.Packet{{Header: []byte("h"), Body: []byte("b")}}, Head: &roompb.Head{Signature: []byte("s")}},
		&roompb.Ask{What: &roompb.Ask_Page{Page: &roompb.PageAsk{Room: a[:], Limit: 1 << 31}}},
		&roompb.Answer{Code: "busy", What: &roompb.Answer_Snapshot{Snapshot: &roompb.Snapshot{Newest: []*roompb.Parcel{{}}}}},
		&roompb.Signal{Kind: "typing", User: "a@b", On: true},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(bytes.Repeat([]byte{0x0a, 0x7f}, 200))
	f.Fuzz(func(t *testing.T, in []byte) {
		if p, err := DecodeParcel(in, room.ID(a)); err == nil && (len(p.GetPackets()) == 0 || len(p.GetPackets()) > room.MaxPackets) {
			t.Fatal("a parcel without events, or with too many")
		}
		_, _ = DecodeAsk(in)
		_, _ = DecodeAnswer(in)
		_, _ = DecodeSignal(in)
	})
}

// A length of 2^31 costs nothing.
func TestLengthsAreRefusedAtOnce(t *testing.T) {
	in := append([]byte{0x80, 0x80, 0x80, 0x80, 0x08}, bytes.Repeat([]byte("x"), 1000)...)
	least := uint64(math.MaxUint64) // of some tries: what else runs in this process is counted with it
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, most := range []int{MaxFrame, MaxParcel, MaxAsk, MaxAnswer} {
			r := bytes.NewReader(in)
			if _, err := ReadBytes(r, most); room.CodeOf(err) != room.TooLarge {
				t.Errorf("most %d: %v", most, err)
			}
			if r.Len() != 1000 {
				t.Errorf("most %d: read on after the length", most)
			}
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least > 64<<10 {
		t.Errorf("took %d bytes", least)
	}
}

// A peer cannot fill this node's memory with what it says it has.
func TestHavesAreBounded(t *testing.T) {
	now := time.UnixMilli(0)
	l := New(Config{Seed: 1, Hello: &linkpb.Hello{}}, now)
	hello, err := proto.Marshal(frame(now, []string{"hello"}))
	if err != nil {
		t.Fatal(err)
	}
	l.Receive(now, hello)
	drive(t, l, now)
	for i := range 1_200 {
		now = now.Add(time.Millisecond)
		r := room.ID{byte(i), byte(i >> 8)}
		h := &linkpb.Have{Frontier: &roompb.Frontier{Room: r[:]}}
		for n := range 500 {
			h.Frontier.Tops = append(h.Frontier.Tops, &roompb.Top{Origin: "n", Incarnation: uint32(n), Seq: 1, Hash: hash(1)})
		}
		b, err := proto.Marshal(&linkpb.Frame{What: &linkpb.Frame_Have{Have: h}})
		if err != nil {
			t.Fatal(err)
		}
		l.Receive(now, b)
		for s, ok := l.Next(); ok; s, ok = l.Next() { // a node that shares all these rooms
			_ = s
		}
	}
	logs := 0
	for _, p := range l.rooms {
		logs += len(p.has.GetTops()) + len(p.held.GetTops()) + len(p.got)
	}
	if logs > maxLearnt {
		t.Errorf("%d logs are remembered", logs)
	}
}

func TestBackoff(t *testing.T) {
	b := Dialling()
	var steps []time.Duration
	for range 10 {
		steps = append(steps, b.Next(0.5))
	}
	if steps[0] != 375*time.Millisecond || steps[1] != 750*time.Millisecond || steps[9] != 45*time.Second {
		t.Errorf("waits %v", steps)
	}
	b.Reset()
	if got := b.Next(0); got != 250*time.Millisecond {
		t.Errorf("after success %v", got)
	}
}
