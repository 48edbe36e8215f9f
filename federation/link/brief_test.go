package link

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// author writes the logs of some nodes in one room, as nodes do.
type author struct {
	rng  *rand.Rand
	room room.ID
	logs map[string]*room.Event
	time uint64

	nodes int
}

var kinds = []string{"text", "text", "text", "react", "edit"}

// write is a parcel of n new events of one node's log.
func (a *author) write(t testing.TB, n int) *roompb.Parcel {
	node := fmt.Sprintf("n%d.test", a.rng.IntN(a.nodes))
	p := &roompb.Parcel{Head: &roompb.Head{Signature: make([]byte, 64)}}
	for range n {
		before := a.logs[node]
		a.time += uint64(a.rng.IntN(1 << 22))
		h := &roompb.Header{
			Room: a.room.Bytes(), Log: roompb.Log_LOG_MESSAGES, Origin: node, Incarnation: 1, Seq: seqOf(before) + 1, Time: a.time,
			StateIndex: 1 + a.time>>30, Author: fmt.Sprintf("user%d@%s", a.rng.IntN(6), node), Kind: kinds[a.rng.IntN(len(kinds))],
		}
		if before != nil {
			h.Prev = before.ID.Bytes()
		}
		e, err := room.Seal(h, &roompb.Body{Salt: make([]byte, 16), Text: fmt.Sprint("word ", a.rng.Uint64())})
		if err != nil {
			t.Fatal(err)
		}
		var known room.EventID
		if len(p.Packets) > 0 {
			known = before.ID
		}
		if a.rng.IntN(10) == 0 {
			e.RawBody = nil // erased
		}
		p.Packets = append(p.Packets, room.Pack(e, known))
		a.logs[node] = e
	}
	return p
}

// What comes out at the other end of a stream are the same events, byte for byte, in a good deal fewer bytes.
func TestBriefPacketsAreTheSameEvents(t *testing.T) {
	for seed := range uint64(30) {
		a := &author{rng: rand.New(rand.NewPCG(seed, 0)), room: room.ID{1}, logs: map[string]*room.Event{}, nodes: 1 + int(seed)%(maxLogs+4)}
		here, there := NewRecent(a.room), NewRecent(a.room)
		var before, after int
		for range 400 {
			n := 1 + a.rng.IntN(3)
			if a.rng.IntN(50) == 0 {
				n = maxBrief + a.rng.IntN(3)
			}
			whole := a.write(t, n)
			p := &roompb.Parcel{Packets: whole.Packets, Head: whole.Head}
			here.Shorten(p)
			raw, err := proto.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if n < maxBrief {
				before, after = before+proto.Size(whole), after+len(raw)
			}
			got := new(roompb.Parcel)
			if err := proto.Unmarshal(raw, got); err != nil {
				t.Fatal(err)
			}
			if _, err := there.Restore(got); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			same(t, a.room, whole, got)
		}
		if a.nodes == 1 && after > before*3/4 {
			t.Errorf("seed %d: %d bytes instead of %d", seed, after, before)
		}
	}
}

func same(t *testing.T, id room.ID, want, got *roompb.Parcel) {
	t.Helper()
	var a, b *room.Event
	for i := range want.Packets {
		var err, err2 error
		a, err = room.Unpack(want.Packets[i], id, idOf(a))
		b, err2 = room.Unpack(got.Packets[i], id, idOf(b))
		if err != nil || err2 != nil || a.ID != b.ID || string(a.RawHeader) != string(b.RawHeader) || string(a.RawBody) != string(b.RawBody) {
			t.Fatalf("event %d became another: %v %v", i, err, err2)
		}
	}
}

// FuzzRestore puts together what anybody sends: it never panics, remembers no more than it may,
// and leaves nothing left out.
func FuzzRestore(f *testing.F) {
	a := &author{rng: rand.New(rand.NewPCG(1, 0)), room: room.ID{1}, logs: map[string]*room.Event{}, nodes: 3}
	r := NewRecent(a.room)
	for range 8 {
		p := a.write(f, 3)
		r.Shorten(p)
		raw, err := proto.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewRecent(a.room)
		r.Shorten(a.writeFor(t)) // something to follow
		for range 3 {
			p, err := DecodeParcel(in, a.room)
			if err != nil {
				return
			}
			end, err := r.Restore(p)
			if err != nil {
				return
			}
			for _, one := range p.Packets {
				if end != nil && one.Follows > 0 {
					t.Fatal("a packet has no header yet")
				}
			}
			if len(r.logs) > maxLogs || len(r.bys) > maxBy {
				t.Fatalf("it remembers %d logs and %d authors", len(r.logs), len(r.bys))
			}
		}
	})
}

// writeFor is the same parcel each time.
func (a *author) writeFor(t testing.TB) *roompb.Parcel {
	b := &author{rng: rand.New(rand.NewPCG(2, 0)), room: a.room, logs: map[string]*room.Event{}, nodes: 3}
	return b.write(t, 5)
}

// What a stream has not said cannot be left out on it.
func TestWhatAStreamHasNotSaidIsRefused(t *testing.T) {
	r := NewRecent(room.ID{1})
	for _, p := range []*roompb.Packet{{Follows: 1, By: 1}, {Follows: 1 << 31, By: 1}, {Follows: 1}} {
		if _, err := r.Restore(&roompb.Parcel{Packets: []*roompb.Packet{p}}); room.CodeOf(err) != room.Protocol {
			t.Errorf("%v: %v", p, err)
		}
	}
}

func seqOf(e *room.Event) uint64 {
	if e == nil {
		return 0
	}
	return e.Header.GetSeq()
}

// BenchmarkBrief is what a message alone costs both ends of a stream together.
func BenchmarkBrief(b *testing.B) {
	a := &author{rng: rand.New(rand.NewPCG(1, 0)), room: room.ID{1}, logs: map[string]*room.Event{}, nodes: 1}
	here, there := NewRecent(a.room), NewRecent(a.room)
	parcels := make([]*roompb.Parcel, 0, 10_000)
	for range cap(parcels) {
		parcels = append(parcels, a.write(b, 1))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		p := &roompb.Parcel{Packets: parcels[i%len(parcels)].Packets}
		here.Shorten(p)
		if _, err := there.Restore(p); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
