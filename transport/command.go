package transport

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/account"
	"hearth/node/room"
)

// right is who may give a command. Rights inside a room are the room's own affair:
// node checks them against the room's state.
type right uint8

const (
	anybody  right = iota // no token needed
	user                  // a signed-in user
	admin                 // an administrator of the node
	sessions              // a signed-in user, and only inside a session
	opening               // Open itself: the session's first request
)

func (r right) String() string {
	return [...]string{"anybody", "user", "administrator", "user, in a session", "anybody, opens a session"}[r]
}

// command is one row of the table from which every door is made: the sessions'
// dispatcher, and a Connect handler each.
type command struct {
	name  string
	right right
	// sends: counts against the account's rate of messages.
	sends bool
	// ordered: begins in the order in which a session asked, before the next request is
	// looked at. The others run one after the other beside it.
	ordered bool
	// apart tells of a request that waits for another node: what comes behind it in a
	// session does not wait with it. nil: none does.
	apart func(proto.Message) bool

	// decode reads a request of this command, in the protobuf encoding.
	decode func([]byte) (proto.Message, error)
	// start begins the request; what it returns waits for the outcome.
	start func(ctx context.Context, c *call, request proto.Message) (outcome, error)
	// unary makes the Connect handler of this row.
	unary func(s *Server, row *command, options ...connect.HandlerOption) *connect.Handler
}

// outcome waits for what a command leads to.
type outcome func(context.Context) (proto.Message, error)

// call is one request by whatever door.
type call struct {
	s       *Server
	caller  account.Caller // zero: nobody signed in
	token   string
	address string
	live    *live // the session it came by; nil by HTTP
}

// message is a pointer to a generated message type.
type message[T any] interface {
	*T
	proto.Message
}

// query makes a row for a command that is one function.
func query[Req, Resp any, PReq message[Req], PResp message[Resp]](
	name string, r right, run func(context.Context, *call, PReq) (PResp, error),
) command {
	return row[Req, Resp, PReq, PResp](command{name: name, right: r}, func(_ context.Context, c *call, request PReq) (waiter[PResp], error) {
		return func(ctx context.Context) (PResp, error) { return run(ctx, c, request) }, nil
	})
}

// draft makes a row for a command that says something in a room: draw makes the draft,
// and answer the response from the receipt. Drafts of one session to one room stay in order.
func draft[Req, Resp any, PReq message[Req], PResp message[Resp]](
	name string, draw func(*call, PReq) (room.Draft, error), answer func(*call, node.Receipt) (PResp, error),
) command {
	c := command{name: name, right: user, sends: true, ordered: true}
	return row[Req, Resp, PReq, PResp](c, func(_ context.Context, c *call, request PReq) (waiter[PResp], error) {
		d, err := draw(c, request)
		if err != nil {
			return nil, err
		}
		d.Author = c.caller.User
		wait := c.s.node.SubmitAsync(d)
		return func(ctx context.Context) (PResp, error) {
			receipt, err := wait(ctx)
			if err != nil {
				return nil, err
			}
			return answer(c, receipt)
		}, nil
	})
}

type waiter[PResp any] func(context.Context) (PResp, error)

// row fills in what follows from the types.
func row[Req, Resp any, PReq message[Req], PResp message[Resp]](
	c command, start func(context.Context, *call, PReq) (waiter[PResp], error),
) command {
	c.decode = func(body []byte) (proto.Message, error) {
		request := PReq(new(Req))
		if err := wireFormat.Unmarshal(body, request); err != nil {
			return nil, room.Errorf(room.BadRequest, "The body is not a request of %s.", c.name)
		}
		return request, nil
	}
	c.start = func(ctx context.Context, on *call, request proto.Message) (outcome, error) {
		wait, err := start(ctx, on, request.(PReq))
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) (proto.Message, error) { return wait(ctx) }, nil
	}
	c.unary = func(s *Server, row *command, options ...connect.HandlerOption) *connect.Handler {
		return connect.NewUnaryHandler(procedure(row.name), func(ctx context.Context, in *connect.Request[Req]) (*connect.Response[Resp], error) {
			response, err := s.serveUnary(ctx, row, in, PReq(in.Msg))
			if err != nil {
				return nil, connectError(err)
			}
			return connect.NewResponse((*Resp)(response.(PResp))), nil
		}, options...)
	}
	return c
}

// wireFormat bounds nesting: no request is deeper than a handful of levels.
var wireFormat = proto.UnmarshalOptions{RecursionLimit: 16, DiscardUnknown: true}

// allow checks the caller's right to a command, and the rates.
func (c *call) allow(row *command) error {
	if err := c.permit(row); err != nil {
		return err
	}
	return c.s.rates.take(c, row)
}

func (c *call) permit(row *command) error {
	switch {
	case row.right == anybody:
		return nil
	case row.right == opening || row.right == sessions && c.live == nil:
		return room.Errorf(room.BadRequest, "%s is for sessions: connect to /ws or /wt.", row.name)
	case row.right == admin && c.caller.Admin:
		return nil
	case c.caller.User == "":
		return room.Errorf(room.Unauthenticated, "Sign in first.")
	case row.right == admin:
		return room.Errorf(room.Forbidden, "Only administrators of this node may do this.")
	}
	return nil
}
