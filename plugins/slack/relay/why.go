package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/slack-go/slack"

	"hearth/plugins/slack/socket"
	"hearth/plugins/slack/web"
)

// why says in plain words what kept a call from getting through. It names no address, as everybody in the room reads it: the
// error itself is the status' detail.
func why(err error) string {
	_, unknown := errors.AsType[*net.DNSError](err)
	status, answered := errors.AsType[slack.StatusCodeError](err)
	timeout, late := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, socket.ErrTooMany), errors.Is(err, socket.ErrSilent):
		return err.Error()
	case answered:
		return fmt.Sprintf("it answers with HTTP status %d", status.Code)
	case unknown:
		return "its name is not found"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection is refused"
	case errors.Is(err, context.DeadlineExceeded), late && timeout.Timeout():
		return "it does not answer in time"
	}
	return "the connection broke off"
}

// said is Slack's own word for what it refused, or why it was not asked.
func said(err error) string { return cmp.Or(web.Code(err), why(err)) }
