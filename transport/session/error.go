package session

import (
	"context"
	"errors"

	"hearth/node/room"
	"hearth/transport/session/clientpb"
)

// Error is err as it crosses the wire, nil for nil. What is not a refusal crosses as
// "internal" with a sentence of its own: the cause stays in the node's log.
func Error(err error) *clientpb.Error {
	e := Refusal(err)
	if e == nil {
		return nil
	}
	return &clientpb.Error{
		Code:         string(e.Code),
		Message:      e.Message,
		Retry:        e.Retry(),
		RetryAfterMs: uint32(e.RetryAfter.Milliseconds()),
	}
}

// Refusal is err as a refusal, nil for nil.
func Refusal(err error) *room.Error {
	var e *room.Error
	switch {
	case isNil(err):
		return nil
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded):
		return room.Errorf(room.Busy, "The node did not get to it in time. Try again.")
	case errors.Is(err, context.Canceled):
		return room.Errorf(room.Unavailable, "The request was given up before it was done.")
	}
	return room.Errorf(room.Internal, "Something went wrong inside the node. Its log has the cause.")
}

// isNil also catches a nil *room.Error in an error.
func isNil(err error) bool {
	e, ok := err.(*room.Error)
	return err == nil || ok && e == nil
}
