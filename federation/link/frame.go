package link

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"hearth/federation/link/linkpb"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// What may travel, in bytes. A length beyond is refused before a byte of it is read.
const (
	MaxFrame  = 1 << 20
	MaxParcel = room.MaxParcel
	MaxAsk    = 1 << 20
	MaxAnswer = 16 << 20
	MaxSignal = 64 << 10
)

// The first byte of a stream or datagram says what it carries. The control stream has
// none: it is the first bidirectional stream of the connection's dialler.
const (
	StreamRoom   = 'r' // unidirectional: room id, parcels
	StreamAsk    = 'q' // bidirectional: an ask, its answer
	StreamGossip = 'g' // bidirectional, or unidirectional for one large packet; also datagrams
	StreamSignal = 's' // unidirectional for one large signal; also datagrams
)

// unmarshal is for what others sent: deep nesting costs stack.
var unmarshal = proto.UnmarshalOptions{RecursionLimit: 64, DiscardUnknown: true}

// ByteReader is what a length is read from.
type ByteReader interface {
	io.Reader
	io.ByteReader
}

// ReadLength reads a length (uvarint) and refuses what is over max. io.EOF means that the
// stream ended before it.
func ReadLength(r io.ByteReader, max int) (int, error) {
	n, err := binary.ReadUvarint(r)
	switch {
	case err == io.EOF:
		return 0, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, room.Errorf(room.Protocol, "The stream ended within a length.")
	case err != nil:
		return 0, err // a broken stream, or a number of more than 64 bits
	case n > uint64(max):
		return 0, room.Errorf(room.TooLarge, "A length of %d bytes is over the limit of %d.", n, max)
	}
	return int(n), nil
}

// ReadBytes reads a length and so many bytes. It takes memory as bytes come, not as the
// length promises.
func ReadBytes(r ByteReader, max int) ([]byte, error) {
	n, err := ReadLength(r, max)
	if err != nil {
		return nil, err
	}
	return ReadBody(r, n)
}

// bodyStep is what is taken on trust of a body that was announced.
const bodyStep = 64 << 10

// ReadBody reads the n bytes that a length has announced.
func ReadBody(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, 0, min(n, bodyStep))
	for len(b) < n {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(2*cap(b), n))
			copy(grown, b)
			b = grown
		}
		m, err := io.ReadFull(r, b[len(b):cap(b)])
		b = b[:len(b)+m]
		if err != nil {
			return nil, room.Errorf(room.Protocol, "The stream ended within a message: %d of %d bytes came.", len(b), n)
		}
	}
	return b, nil
}

// Append encodes m behind its length.
func Append(b []byte, m proto.Message) ([]byte, error) {
	b = protowire.AppendVarint(b, uint64(proto.Size(m)))
	return proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, m)
}

// DecodeFrame reads a frame of the control stream and checks what the frame alone can tell.
func DecodeFrame(b []byte) (*linkpb.Frame, error) {
	if len(b) > MaxFrame {
		return nil, room.Errorf(room.TooLarge, "A frame has at most %d bytes, not %d.", MaxFrame, len(b))
	}
	f := new(linkpb.Frame)
	if err := unmarshal.Unmarshal(b, f); err != nil {
		return nil, room.Errorf(room.Protocol, "A frame cannot be read.")
	}
	return f, checkFrame(f)
}

// Bounds of what a frame says.
const (
	maxDigests  = 15000 // rooms of a digest: they fit into a frame
	maxFeatures = 64
	maxSentence = 500
	maxSecret   = 64
	sumBytes    = 16
)

func checkFrame(f *linkpb.Frame) error {
	switch w := f.GetWhat().(type) {
	case *linkpb.Frame_Hello:
		return checkHello(w.Hello)
	case *linkpb.Frame_Digest:
		return checkDigest(w.Digest)
	case *linkpb.Frame_Have:
		return checkTops(w.Have.GetFrontier().GetRoom(), w.Have.GetFrontier().GetTops())
	case *linkpb.Frame_Ack:
		return checkAck(w.Ack)
	}
	return nil // a frame that this version does not know means nothing
}

func checkHello(h *linkpb.Hello) error {
	if len(h.GetFeatures()) > maxFeatures || len(h.GetMessage()) > maxSentence || len(h.GetRefused()) > maxSecret ||
		len(h.GetInvite()) > maxSecret || len(h.GetInstance()) > maxSecret {
		return room.Errorf(room.Protocol, "A hello is too long.")
	}
	return nil
}

func checkDigest(d *linkpb.Digest) error {
	if len(d.GetAll()) != sumBytes || len(d.GetRooms()) > maxDigests {
		return room.Errorf(room.Protocol, "A digest is malformed.")
	}
	for _, r := range d.GetRooms() {
		if len(r.GetRoom()) != len(room.ID{}) || len(r.GetSum()) != sumBytes {
			return room.Errorf(room.Protocol, "A digest of a room is malformed.")
		}
	}
	return nil
}

func checkAck(a *linkpb.Ack) error {
	if a.GetStream() == 0 {
		return checkTops(a.GetRoom(), a.GetTops())
	}
	if len(a.GetRoom()) > 0 || len(a.GetParcels()) > room.MaxTops || !slices.IsSorted(a.GetParcels()) {
		return room.Errorf(room.Protocol, "An acknowledgement is malformed.")
	}
	return nil
}

func checkTops(id []byte, tops []*roompb.Top) error {
	if len(id) != len(room.ID{}) || len(tops) > room.MaxTops {
		return room.Errorf(room.Protocol, "A frontier is malformed.")
	}
	for _, t := range tops {
		hash := len(room.Hash{})
		if t.GetSeq() == 0 { // frozen before its first event
			hash = 0
		}
		if len(t.GetHash()) != hash || len(t.GetOrigin()) > 200 {
			return room.Errorf(room.Protocol, "A frontier's log is malformed.")
		}
	}
	return nil
}

// DecodeParcel reads a parcel that came on the stream of a room, which need not say again
// whose it is.
func DecodeParcel(b []byte, id room.ID) (*roompb.Parcel, error) {
	if len(b) > MaxParcel {
		return nil, room.Errorf(room.TooLarge, "A parcel has at most %d bytes, not %d.", MaxParcel, len(b))
	}
	p := new(roompb.Parcel)
	if err := unmarshal.Unmarshal(b, p); err != nil {
		return nil, room.Errorf(room.Protocol, "A parcel cannot be read.")
	}
	if len(p.GetRoom()) == 0 {
		p.Room = id.Bytes()
	}
	switch n := len(p.GetPackets()); {
	case n == 0 || n > room.MaxPackets:
		return nil, room.Errorf(room.Protocol, "A parcel has 1 to %d events, not %d.", room.MaxPackets, n)
	case string(p.GetRoom()) != string(id[:]):
		return nil, room.Errorf(room.Protocol, "A parcel of another room came on a room's stream.")
	}
	return p, nil
}

// DecodeAsk reads a question.
func DecodeAsk(b []byte) (*roompb.Ask, error) {
	a := new(roompb.Ask)
	return a, decode(b, MaxAsk, "An ask", a)
}

// DecodeAnswer reads an answer.
func DecodeAnswer(b []byte) (*roompb.Answer, error) {
	a := new(roompb.Answer)
	return a, decode(b, MaxAnswer, "An answer", a)
}

// DecodeSignal reads a signal.
func DecodeSignal(b []byte) (*roompb.Signal, error) {
	s := new(roompb.Signal)
	return s, decode(b, MaxSignal, "A signal", s)
}

func decode(b []byte, max int, what string, m proto.Message) error {
	if len(b) > max {
		return room.Errorf(room.TooLarge, "%s has at most %d bytes, not %d.", what, max, len(b))
	}
	if err := unmarshal.Unmarshal(b, m); err != nil {
		return room.Errorf(room.Protocol, "%s cannot be read.", what)
	}
	return nil
}
