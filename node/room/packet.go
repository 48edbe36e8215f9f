package room

import (
	"google.golang.org/protobuf/encoding/protowire"

	"hearth/node/room/roompb"
)

// What nodes hand one another at a time.
const (
	MaxPackets = 4096    // events of a parcel
	MaxParcel  = 4 << 20 // bytes of a parcel
	MaxTops    = 1024    // logs of a room, in a frontier
)

// A packet leaves out of an event's header what its receiver knows already: the room, the
// hash of the event before, and the hash of the body, 32 bytes each, which nothing could
// compress. The header is put together again byte for byte, so its hash proves it.

// holes are the fields of a header that a packet may leave out, and how it says where.
var holes = []struct {
	field protowire.Number
	at    func(*roompb.Packet) *uint32
	value func(*hole) []byte
}{
	{1, func(p *roompb.Packet) *uint32 { return &p.RoomAt }, func(h *hole) []byte { return h.room[:] }},
	{6, func(p *roompb.Packet) *uint32 { return &p.PrevAt }, func(h *hole) []byte { return h.prev[:] }},
	{11, func(p *roompb.Packet) *uint32 { return &p.HashAt }, func(h *hole) []byte { return h.body[:] }},
}

// hole is what may be left out.
type hole struct{ room, prev, body Hash }

// Pack is an event on its way to who has the event before it: prev, zero when the
// receiver need not have it.
func Pack(e *Event, prev EventID) *roompb.Packet {
	p := &roompb.Packet{Body: e.RawBody, Erased: e.RawBody == nil}
	if !e.InThread.IsZero() {
		p.Thread = e.InThread.Bytes()
	}
	known := hole{room: e.Room(), prev: prev}
	if e.RawBody != nil {
		known.body = BodyHash(e.RawBody)
	}
	left := e.RawHeader
	header := make([]byte, 0, len(left))
	for i, at := 0, 0; len(left) > 0; {
		n, kind, tag := protowire.ConsumeTag(left)
		size := protowire.ConsumeFieldValue(n, kind, left[max(tag, 0):])
		if tag < 0 || size < 0 {
			return &roompb.Packet{Header: e.RawHeader, Body: e.RawBody, Erased: p.Erased, Thread: p.Thread} // not this node's encoding
		}
		for i < len(holes) && holes[i].field < n {
			i++
		}
		field := left[:tag+size]
		if i < len(holes) && holes[i].field == n && kind == protowire.BytesType && cuttable(field[tag:], holes[i].value(&known)) {
			*holes[i].at(p) = uint32(at+tag+1) + 1
			field = field[:tag+1]
			i++
		}
		header = append(header, field...)
		at += tag + size
		left = left[tag+size:]
	}
	p.Header = header
	return p
}

// cuttable: the value with its length is the 32 bytes that the receiver knows.
func cuttable(value, known []byte) bool {
	return len(value) == 1+len(Hash{}) && value[0] == byte(len(Hash{})) && string(value[1:]) == string(known) && Hash(known) != Hash{}
}

// Unpack puts a packet of a room together again; prev is the event before it in its
// parcel, zero for the first. It checks what DecodeEvent does.
func Unpack(p *roompb.Packet, room ID, prev EventID) (*Event, error) {
	if p == nil {
		return nil, Errorf(BadRequest, "a packet is missing")
	}
	body := p.GetBody()
	if p.GetErased() {
		body = nil
	} else if body == nil {
		body = []byte{}
	}
	if len(p.GetHeader())+len(holes)*len(Hash{}) > MaxHeader || len(body) > MaxBody {
		return nil, Errorf(TooLarge, "an event of %d + %d bytes is over the limit", len(p.GetHeader()), len(body))
	}
	known := hole{room: room, prev: prev}
	if p.GetHashAt() != 0 && body != nil {
		known.body = BodyHash(body)
	}
	header := make([]byte, 0, len(p.GetHeader())+len(holes)*len(Hash{}))
	from := 0
	for _, h := range holes {
		at := int(*h.at(p))
		if at == 0 {
			continue
		}
		part := at - 1 - len(header) // of what was sent, up to the hole
		if part < 0 || from+part > len(p.GetHeader()) || Hash(h.value(&known)) == (Hash{}) {
			return nil, Errorf(BadRequest, "a packet leaves out what cannot be put back")
		}
		header = append(append(header, p.GetHeader()[from:from+part]...), h.value(&known)...)
		from += part
	}
	header = append(header, p.GetHeader()[from:]...)
	if body == nil {
		return unpackErased(header, p.GetThread())
	}
	if p.GetHashAt() != 0 {
		return decode(header, body)
	}
	return DecodeEvent(header, body)
}

func unpackErased(header, thread []byte) (*Event, error) {
	e, err := decode(header, nil)
	if err == nil && e.Kind().Message() {
		e.InThread, err = HashFromBytes(thread)
	}
	return e, err
}
