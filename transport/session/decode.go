package session

import (
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/transport/session/clientpb"
)

// arrived is a client's frame, decoded.
type arrived struct {
	requests []Request
	ping     bool
}

// maxRequests bounds what one frame may ask for: a frame of 256 KiB has room for
// a hundred thousand empty requests.
const maxRequests = 1024

// unmarshal bounds nesting too: a ClientFrame has two levels, unknown groups could have more.
var unmarshal = proto.UnmarshalOptions{RecursionLimit: 16, DiscardUnknown: true}

// decode copies what it keeps: the door may use the frame's memory again.
func decode(frame []byte) (arrived, *room.Error) {
	var in clientpb.ClientFrame
	if err := unmarshal.Unmarshal(frame, &in); err != nil {
		return arrived{}, broken("The frame is not a ClientFrame.")
	}
	if len(in.Requests) > maxRequests {
		return arrived{}, broken("A frame has at most %d requests.", maxRequests)
	}
	out := arrived{ping: in.Ping}
	for _, r := range in.Requests {
		out.requests = append(out.requests, Request{ID: r.Id, Command: r.Command, Body: r.Body})
	}
	return out, nil
}
