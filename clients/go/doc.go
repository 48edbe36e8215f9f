// Package client speaks Hearth's client protocol (docs/protocol/client.md) for
// programs: the command line, the tests and the benchmarks are written with it.
//
// Three layers, each usable alone:
//
//   - Conn carries frames, nothing else: no goroutine, one buffer a direction.
//     A benchmark holds thousands of them.
//   - HTTP does one command a request, without a session.
//   - Client keeps a session open through every break: it reconnects with its
//     cursors, sends again what may be sent again, and hands out events in order,
//     each once.
//
// Commands are typed values (Send, History ...); Call does one over an HTTP or a Client.
package client

import (
	"context"

	"google.golang.org/protobuf/proto"
)

// Version goes out as the program's name where it names itself.
const Version = "hearth-go/1"

// A Caller does commands: an HTTP one by one, a Client over its session.
type Caller interface {
	// Do sends the command and waits for its answer. An answer that is a refusal
	// comes back as *Error, a node out of reach as *Unreachable.
	Do(ctx context.Context, c Info, req, resp proto.Message) error
}

// Call does one command and returns its answer.
func Call[Req, Resp any, PReq message[Req], PResp message[Resp]](
	ctx context.Context, to Caller, c Command[Req, Resp], req PReq,
) (*Resp, error) {
	resp := PResp(new(Resp))
	if err := to.Do(ctx, c.Info, req, resp); err != nil {
		return nil, err
	}
	return (*Resp)(resp), nil
}

type message[T any] interface {
	*T
	proto.Message
}
