package client

import (
	"errors"
	"fmt"
	"time"

	pb "hearth/transport/session/clientpb"
)

// Error is a refusal by the node: a code of the closed list, and a sentence for people.
type Error struct {
	Code    string
	Message string
	Retry   bool          // the same request may succeed later
	After   time.Duration // when it makes sense to try again; zero: the caller's own back-off
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func refusal(e *pb.Error) *Error {
	return &Error{
		Code:    e.Code,
		Message: e.Message,
		Retry:   e.Retry,
		After:   time.Duration(e.RetryAfterMs) * time.Millisecond,
	}
}

// Unreachable says that no answer came: refused, timed out, broken, or not the node we know.
type Unreachable struct {
	URL string
	Err error
}

func (e *Unreachable) Error() string { return fmt.Sprintf("cannot reach %s: %v", e.URL, e.Err) }
func (e *Unreachable) Unwrap() error { return e.Err }

// ErrInterrupted: the connection broke while a command was under way that may not be
// done twice. It may have been done.
var ErrInterrupted = errors.New("the connection broke before the answer came: it may or may not have been done")

// ErrClosed: the Client was closed by its owner.
var ErrClosed = errors.New("client is closed")

// Code is the refusal's code, or "" when err is none.
func Code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
