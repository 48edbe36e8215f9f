package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// A client of the bench looks at no more of a frame than it must: thousands of them share
// two cores with the server they measure.

// sight is what a client sees in a frame.
type sight struct {
	items   int
	replies int
	refused int
	bye     bool
	text    func(text []byte) // of every item; nil: not wanted
}

// The fields on the way to a text (client.proto, room.proto).
const (
	frameReplies    = 1
	frameDeliveries = 2
	frameBye        = 5
	replyError      = 2
	deliveryItems   = 2
	itemEvent       = 1
	eventText       = 9
)

// look walks a ServerFrame.
func (s *sight) look(frame []byte) error {
	return fields(frame, func(n protowire.Number, v []byte) {
		switch n {
		case frameReplies:
			s.replies++
			fields(v, func(n protowire.Number, _ []byte) {
				if n == replyError {
					s.refused++
				}
			})
		case frameDeliveries:
			fields(v, s.delivery)
		case frameBye:
			s.bye = true
		}
	})
}

func (s *sight) delivery(n protowire.Number, v []byte) {
	if n != deliveryItems {
		return
	}
	s.items++
	if s.text == nil {
		return
	}
	fields(v, func(n protowire.Number, v []byte) {
		if n != itemEvent {
			return
		}
		fields(v, func(n protowire.Number, v []byte) {
			if n == eventText {
				s.text(v)
			}
		})
	})
}

// fields calls do with every length-delimited field.
func fields(b []byte, do func(protowire.Number, []byte)) error {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
		if kind == protowire.BytesType {
			v, size := protowire.ConsumeBytes(b)
			if size < 0 {
				return protowire.ParseError(size)
			}
			do(n, v)
			b = b[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(n, kind, b); size < 0 {
			return protowire.ParseError(size)
		}
		b = b[size:]
	}
	return nil
}

// payload is a text of size bytes that begins with when it was sent.
func payload(size int, at time.Duration) string {
	b := make([]byte, size)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	copy(b, fmt.Sprintf("%016x ", int64(at)))
	return string(b)
}

// sentAt reads it; false for texts of other origin.
func sentAt(text []byte) (time.Duration, bool) {
	if len(text) < 17 || text[16] != ' ' {
		return 0, false
	}
	var n int64
	for _, c := range text[:16] {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | int64(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | int64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return time.Duration(n), true
}

// command is a frame with one request.
func command[Req, Resp any](id uint64, c client.Command[Req, Resp], req proto.Message) []byte {
	body := must(proto.Marshal(req))
	return must(proto.Marshal(&pb.ClientFrame{Requests: []*pb.Request{{Id: id, Command: c.Name, Body: body}}}))
}

// chunk is the baseline's frame with one message.
func chunk(text string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)
}

// lookChunks walks a frame of the baseline's.
func (s *sight) lookChunks(frame []byte) error {
	for len(frame) >= 4 {
		n := int(binary.BigEndian.Uint32(frame))
		if len(frame) < 4+n {
			return fmt.Errorf("a chunk of %d bytes in a frame of %d", n, len(frame))
		}
		s.items++
		if s.text != nil {
			s.text(frame[4 : 4+n])
		}
		frame = frame[4+n:]
	}
	return nil
}
