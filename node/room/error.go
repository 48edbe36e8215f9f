package room

import (
	"errors"
	"fmt"
	"time"
)

// Code is what a refusal is, for programs. The list is closed: docs/protocol/client.md section 7.
type Code string

const (
	BadRequest      Code = "bad_request"     // the request itself is wrong
	Unauthenticated Code = "unauthenticated" // no valid token
	Forbidden       Code = "forbidden"       // known, and not allowed
	NotFound        Code = "not_found"       // no such room, user, event; or not for the caller's eyes
	Taken           Code = "taken"           // the name is somebody else's
	TooLarge        Code = "too_large"       // over a size limit
	Gone            Code = "gone"            // was there, was deleted
	Disabled        Code = "disabled"        // the account is disabled
	Conflict        Code = "conflict"        // contradicts how things stand
	Protocol        Code = "protocol"        // the frame breaks the protocol; the session ends
	Busy            Code = "busy"            // a queue is full
	Limited         Code = "limited"         // too much from this account or address
	StorageFull     Code = "storage_full"    // the node's disk is nearly full
	Unavailable     Code = "unavailable"     // the node is starting or stopping
	Internal        Code = "internal"        // the node's fault; its log has the cause
)

var codes = []Code{
	BadRequest, Unauthenticated, Forbidden, NotFound, Taken, TooLarge, Gone, Disabled, Conflict, Protocol,
	Busy, Limited, StorageFull, Unavailable, Internal,
}

var retryable = map[Code]bool{Busy: true, Limited: true, StorageFull: true, Unavailable: true, Internal: true}

// Error is a refusal: a code for programs, one plain sentence for people.
type Error struct {
	Code       Code
	Message    string
	RetryAfter time.Duration // 0: not known
	Home       string        // not empty: the node that is to be asked instead
}

func (e *Error) Error() string { return e.Message }

// Retry tells whether the same request may succeed later.
func (e *Error) Retry() bool { return retryable[e.Code] }

// Errorf makes a refusal.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// ParseCode reads a code that another node sent; one that is not known is Internal.
func ParseCode(s string) Code {
	for _, c := range codes {
		if string(c) == s {
			return c
		}
	}
	return Internal
}

// CodeOf is the code of err, Internal when it is not a refusal, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
