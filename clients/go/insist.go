package client

import (
	"context"
	"time"
)

// Insist does a repeatable command until it is done or refused for good: it waits out
// refusals that say so, and a node that cannot be reached, for as long as ctx lasts.
// An idempotency key that req lacks is chosen before the first attempt.
func Insist[Req, Resp any, PReq message[Req], PResp message[Resp]](
	ctx context.Context, to Caller, c Command[Req, Resp], req PReq,
) (*Resp, error) {
	withKey(req)
	pause := backoff{first: 100 * time.Millisecond, most: 10 * time.Second}
	for {
		resp, err := Call[Req, Resp, PReq, PResp](ctx, to, c, req)
		if err == nil || !c.Repeat || !passing(err) || ctx.Err() != nil || Ended(to) {
			return resp, err
		}
		select {
		case <-time.After(waitBefore(err, &pause)):
		case <-ctx.Done():
			return nil, err // what went wrong says more than that time is up
		}
	}
}

// Ended says whether to is a Client whose session has ended for good.
func Ended(to Caller) bool {
	c, ok := to.(*Client)
	return ok && c.Err() != nil
}
