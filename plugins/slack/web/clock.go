package web

import (
	"net/http"
	"sync/atomic"
	"time"
)

// clock learns from Slack's answers what time it is there.
type clock struct {
	transport *http.Transport
	ahead     atomic.Int64 // by how many ns Slack's clock is before ours
}

// coarse is how much two clocks differ without saying so: answers tell whole seconds, and take their time.
const coarse = 3 * time.Second

// RoundTrip makes a call.
func (k *clock) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := k.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil && r.Method == http.MethodPost { // a file may be a cache's, with the time of when it came there
		ahead := time.Until(date.Add(time.Second / 2))
		if ahead.Abs() < coarse {
			ahead = 0
		}
		k.ahead.Store(int64(ahead))
	}
	return response, nil
}

// Now is the time by Slack's clock, by which a message's ts is made.
func (c *Client) Now() time.Time { return time.Now().Add(time.Duration(c.clock.ahead.Load())) }
