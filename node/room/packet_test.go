package room

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"hearth/node/room/roompb"
)

// A packet comes out as it went in, byte for byte, whatever was left out on the way, and
// is smaller by the three hashes.
func TestPacketRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func() Hash {
		var h Hash
		for i := range h {
			h[i] = byte(r.Uint32())
		}
		return h
	}
	for range 2000 {
		room, prev := random(), random()
		h := &roompb.Header{Room: room[:], Log: roompb.Log_LOG_MESSAGES, Origin: "a.example", Incarnation: 1, Seq: 2 + r.Uint64N(1<<40),
			Prev: prev[:], Time: r.Uint64(), StateIndex: r.Uint64N(1000), Author: "ann@a.example", Kind: "text"}
		e, err := Seal(h, &roompb.Body{Salt: random().Bytes()[:16], Text: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		if r.IntN(10) == 0 {
			e = &Event{ID: e.ID, Header: e.Header, RawHeader: e.RawHeader}
		}
		given := prev
		if r.IntN(3) == 0 {
			given = Hash{}
		}
		p := Pack(e, given)
		back, err := Unpack(p, room, given)
		if err != nil {
			t.Fatal(err)
		}
		if back.ID != e.ID || !bytes.Equal(back.RawHeader, e.RawHeader) || !bytes.Equal(back.RawBody, e.RawBody) {
			t.Fatal("the packet came out another event")
		}
		if e.RawBody != nil && !given.IsZero() && len(p.Header) != len(e.RawHeader)-96 {
			t.Fatalf("%d of %d bytes were sent", len(p.Header), len(e.RawHeader))
		}
		if wrong, err := Unpack(p, random(), given); err == nil && wrong.ID == e.ID {
			t.Fatal("the room does not count")
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("header"), []byte("body"), uint32(1), uint32(2), uint32(3), false)
	f.Fuzz(func(t *testing.T, header, body []byte, a, b, c uint32, erased bool) {
		e, err := Unpack(&roompb.Packet{Header: header, Body: body, RoomAt: a, PrevAt: b, HashAt: c, Erased: erased}, Hash{1}, Hash{2})
		if err == nil && len(e.RawHeader) > MaxHeader {
			t.Fatal("larger than a header may be")
		}
	})
}
