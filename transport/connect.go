package transport

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	"hearth/node/account"
	"hearth/node/room"
	"hearth/transport/session"
	"hearth/transport/session/clientpb"
)

// service is the prefix of every command's path.
const service = "/hearth.client.v1.Client/"

func procedure(name string) string { return service + name }

// Deadlines of one HTTP request of the API.
const (
	bodyWithin   = 20 * time.Second
	answerWithin = 60 * time.Second
)

// handlers are the Connect handlers of all commands. The read limit counts
// decompressed bytes; it is set here and nowhere else, so no command can go without.
func (s *Server) handlers() http.Handler {
	mux := http.NewServeMux()
	options := []connect.HandlerOption{
		connect.WithReadMaxBytes(s.frameBytes()), withGzip(s.frameBytes()),
		connect.WithCompressMinBytes(1024),
		connect.WithRecover(s.recovered),
	}
	for i := range s.table.rows {
		c := &s.table.rows[i]
		mux.Handle(procedure(c.name), c.unary(s, c, options...))
	}
	mux.HandleFunc(service, unknownCommand)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(bodyWithin)) // not every door has deadlines of its own
		_ = control.SetWriteDeadline(time.Now().Add(answerWithin))
		r.Body = http.MaxBytesReader(w, r.Body, int64(s.frameBytes())+1024)
		mux.ServeHTTP(w, r)
		_ = control.SetReadDeadline(time.Time{})
	})
}

func (s *Server) recovered(_ context.Context, spec connect.Spec, _ http.Header, reason any) error {
	return connectError(s.panicked(spec.Procedure, reason))
}

// panicked is what the asker is told of a panic; the log gets the rest.
func (s *Server) panicked(command string, reason any) error {
	s.log.Error("command panicked", "command", command, "reason", reason, "stack", string(debug.Stack()))
	return room.Errorf(room.Internal, "Something went wrong inside the node. Its log has the cause.")
}

func unknownCommand(w http.ResponseWriter, r *http.Request) {
	err := room.Errorf(room.NotFound, "There is no command %q.", clip(strings.TrimPrefix(r.URL.Path, service), 60))
	writeError(w, r, err)
}

// serveUnary runs a command that came by HTTP.
func (s *Server) serveUnary(ctx context.Context, row *command, in connect.AnyRequest, request proto.Message) (proto.Message, error) {
	c, err := s.callFrom(ctx, in.Header(), in.Peer().Addr)
	if err != nil && row.right != anybody {
		return nil, err
	}
	if err := c.allow(row); err != nil {
		return nil, err
	}
	wait, err := row.start(ctx, c, request)
	if err != nil {
		return nil, err
	}
	return s.logged(row, c, func() (proto.Message, error) { return wait(ctx) })
}

// logged runs a command and keeps the cause of what is the node's own fault.
func (s *Server) logged(row *command, c *call, run func() (proto.Message, error)) (proto.Message, error) {
	response, err := run()
	s.counters.command(row.name, err)
	if room.CodeOf(err) == room.Internal && !errors.Is(err, context.Canceled) {
		s.log.Error("command failed", "command", row.name, "user", c.caller.User, "error", err)
	}
	return response, err
}

// callFrom finds out who asks. On an error the call is anonymous.
func (s *Server) callFrom(ctx context.Context, h http.Header, address string) (*call, error) {
	c := &call{s: s, address: hostOf(address)}
	if isOperator(ctx) {
		c.caller = account.Operator()
		return c, nil
	}
	token, ok := bearer(h)
	if !ok {
		return c, nil
	}
	caller, err := s.node.Accounts.Authenticate(token)
	if err != nil {
		return c, err
	}
	c.caller, c.token = caller, token
	s.node.Accounts.Touch(caller, c.address)
	return c, nil
}

// signedIn is callFrom for doors that need a user.
func (s *Server) signedIn(r *http.Request) (account.Caller, error) {
	c, err := s.callFrom(r.Context(), r.Header, r.RemoteAddr)
	if err == nil && c.caller.User == "" && !c.caller.Admin {
		err = room.Errorf(room.Unauthenticated, "Sign in first.")
	}
	return c.caller, err
}

// bearer is the token of an Authorization header (RFC 6750 2.1).
func bearer(h http.Header) (string, bool) {
	scheme, token, ok := strings.Cut(h.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

var connectCodes = map[room.Code]connect.Code{
	room.BadRequest:      connect.CodeInvalidArgument,
	room.Unauthenticated: connect.CodeUnauthenticated,
	room.Forbidden:       connect.CodePermissionDenied,
	room.NotFound:        connect.CodeNotFound,
	room.Taken:           connect.CodeAlreadyExists,
	room.TooLarge:        connect.CodeOutOfRange,
	room.Gone:            connect.CodeFailedPrecondition,
	room.Disabled:        connect.CodePermissionDenied,
	room.Conflict:        connect.CodeFailedPrecondition,
	room.Protocol:        connect.CodeInvalidArgument,
	room.Busy:            connect.CodeUnavailable,
	room.Limited:         connect.CodeResourceExhausted,
	room.StorageFull:     connect.CodeUnavailable,
	room.Unavailable:     connect.CodeUnavailable,
	room.Internal:        connect.CodeInternal,
}

// connectError carries a refusal: Connect's nearest code and the sentence, and our own
// Error message as the first detail.
func connectError(err error) error {
	wire := session.Error(err)
	out := connect.NewError(connectCodes[room.Code(wire.GetCode())], errors.New(wire.GetMessage()))
	if detail, err := connect.NewErrorDetail(wire); err == nil {
		out.AddDetail(detail)
	}
	retryAfter(out.Meta(), wire)
	return out
}

// retryAfter tells plain HTTP clients when to come back (RFC 9110 10.2.3), rounded up.
func retryAfter(h http.Header, e *clientpb.Error) {
	if ms := e.GetRetryAfterMs(); ms > 0 {
		h.Set("Retry-After", strconv.Itoa(int(ms+999)/1000))
	}
}

// writeError answers a plain HTTP request with a refusal, in the form Connect gives it.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	writer := connect.NewErrorWriter()
	r.Header.Set("Content-Type", "application/json") // the form of the error, whatever was sent
	_ = writer.Write(w, r, connectError(err))        // the client has gone if it fails
}
