package session

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

// Frame is one ServerFrame under assembly. Items come encoded from the node, where
// each was encoded once for all readers: here they are only copied behind a tag and
// a length. The zero Frame is empty; Reset keeps its memory for the next.
type Frame struct {
	buf []byte // empty, or headroom and the encoding
}

// headroom is kept before the encoding for the header that a wire puts there (Behind).
const headroom = 10

// Numbers of the fields in client.proto; frame_test.go checks them against the descriptors.
const (
	frameReplies    protowire.Number = 1
	frameDeliveries protowire.Number = 2
	frameRooms      protowire.Number = 3
	frameSignals    protowire.Number = 4
	frameBye        protowire.Number = 5
	framePing       protowire.Number = 6
	framePong       protowire.Number = 7

	replyID    protowire.Number = 1
	replyError protowire.Number = 2
	replyBody  protowire.Number = 3

	deliveryRoom  protowire.Number = 1
	deliveryItems protowire.Number = 2
	deliveryGap   protowire.Number = 3
)

// Bytes is the frame's encoding, valid until the next call.
func (f *Frame) Bytes() []byte { return f.buf[min(headroom, len(f.buf)):] }

// Len is the length of Bytes.
func (f *Frame) Len() int { return len(f.Bytes()) }

// Behind is a header of at most 10 bytes and the frame, which is not empty, in one piece
// and in the frame's own memory: for one write.
func (f *Frame) Behind(header []byte) []byte {
	whole := f.buf[headroom-len(header):]
	copy(whole, header)
	return whole
}

// Cap is the memory the frame holds.
func (f *Frame) Cap() int { return cap(f.buf) }

// Reset empties the frame.
func (f *Frame) Reset() { f.buf = f.buf[:0] }

// Reply adds the outcome of a request.
func (f *Frame) Reply(id uint64, e *clientpb.Error, body []byte) {
	size := sizeUint(replyID, id)
	if e != nil {
		size += sizeBytes(replyError, proto.Size(e))
	}
	if len(body) > 0 {
		size += sizeBytes(replyBody, len(body))
	}
	f.open(frameReplies, size)
	f.buf = protowire.AppendTag(f.buf, replyID, protowire.VarintType)
	f.buf = protowire.AppendVarint(f.buf, id)
	if e != nil {
		f.message(replyError, e)
	}
	if len(body) > 0 {
		f.buf = protowire.AppendTag(f.buf, replyBody, protowire.BytesType)
		f.buf = protowire.AppendBytes(f.buf, body)
	}
}

// Delivery adds a stretch of a room's stream. Each item is an encoded roompb.Item.
func (f *Frame) Delivery(room string, items [][]byte, gap bool) {
	size := sizeBytes(deliveryRoom, len(room))
	for _, item := range items {
		size += sizeBytes(deliveryItems, len(item))
	}
	if gap {
		size += sizeUint(deliveryGap, 1)
	}
	f.open(frameDeliveries, size)
	f.buf = protowire.AppendTag(f.buf, deliveryRoom, protowire.BytesType)
	f.buf = protowire.AppendString(f.buf, room)
	for _, item := range items {
		f.buf = protowire.AppendTag(f.buf, deliveryItems, protowire.BytesType)
		f.buf = protowire.AppendBytes(f.buf, item)
	}
	if gap {
		f.flag(deliveryGap)
	}
}

// Room adds a room as the client has it now.
func (f *Frame) Room(r *roompb.RoomSummary) { f.message(frameRooms, r) }

// Signal adds a signal.
func (f *Frame) Signal(s *roompb.Signal) { f.message(frameSignals, s) }

// Bye adds the last word.
func (f *Frame) Bye(b *clientpb.Bye) { f.message(frameBye, b) }

// Ping asks the client whether it lives.
func (f *Frame) Ping() { f.flag(framePing) }

// Pong answers the client's ping.
func (f *Frame) Pong() { f.flag(framePong) }

func (f *Frame) flag(n protowire.Number) {
	f.begin()
	f.buf = protowire.AppendTag(f.buf, n, protowire.VarintType)
	f.buf = protowire.AppendVarint(f.buf, 1)
}

// message appends a field of a size that proto must find out first. A message that
// cannot be encoded (a string in it is not UTF-8) is left out: better than no frame.
func (f *Frame) message(n protowire.Number, m proto.Message) {
	start := len(f.buf)
	f.open(n, proto.Size(m))
	buf, err := (proto.MarshalOptions{UseCachedSize: true}).MarshalAppend(f.buf, m)
	if err != nil {
		f.buf = f.buf[:start]
		return
	}
	f.buf = buf
}

func (f *Frame) open(n protowire.Number, size int) {
	f.begin()
	f.buf = protowire.AppendTag(f.buf, n, protowire.BytesType)
	f.buf = protowire.AppendVarint(f.buf, uint64(size))
}

// begin leaves the headroom before the first field.
func (f *Frame) begin() {
	if len(f.buf) == 0 {
		f.buf = append(f.buf, make([]byte, headroom)...)
	}
}

func sizeUint(n protowire.Number, v uint64) int {
	return protowire.SizeTag(n) + protowire.SizeVarint(v)
}

func sizeBytes(n protowire.Number, length int) int {
	return protowire.SizeTag(n) + protowire.SizeBytes(length)
}
