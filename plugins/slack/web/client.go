// Package web calls Slack's Web API: each call waits for its method's limit, in order of priority, and
// obeys Retry-After for that method alone. (docs.slack.dev, "Rate limits")
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// Config is what a Client needs. The zero values of the rest are Slack itself, at Slack's pace.
type Config struct {
	BotToken, AppToken string
	APIURL             string  // "https://slack.com/api/"
	Pace               float64 // how many times Slack's own limits; 0 is 1. For a server that has others.
	Limited            func(method string, after time.Duration)
}

// Client may be used by any goroutine.
type Client struct {
	api    *slack.Client
	http   *http.Client
	clock  *clock
	config Config

	mu      sync.Mutex
	buckets map[string]*bucket // by method, or method and channel
}

const (
	callTimeout = 30 * time.Second
	maxReply    = 16 << 20 // of a page of history
)

// NewClient makes no call yet.
func NewClient(c Config) *Client {
	if c.APIURL == "" {
		c.APIURL = slack.APIURL
	}
	if !strings.HasSuffix(c.APIURL, "/") {
		c.APIURL += "/"
	}
	if c.Pace == 0 {
		c.Pace = 1
	}
	if c.Limited == nil {
		c.Limited = func(string, time.Duration) {}
	}
	k := &clock{transport: http.DefaultTransport.(*http.Transport).Clone()}
	hc := &http.Client{Transport: k, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= 5 || !ours(c.APIURL, r.URL) {
			return fmt.Errorf("redirected to %s, which is not Slack's", r.URL.Host)
		}
		return nil
	}}
	return &Client{
		api:  slack.New(c.BotToken, slack.OptionAppLevelToken(c.AppToken), slack.OptionAPIURL(c.APIURL), slack.OptionHTTPClient(hc)),
		http: hc, clock: k, config: c, buckets: map[string]*bucket{},
	}
}

// Ours tells whether an address is Slack's own, so that it may be shown the token. The address of a file is what
// its maker chose: an app, or somebody of another workspace, may name any host.
func (c *Client) Ours(address string) bool {
	u, err := url.Parse(address)
	return err == nil && ours(c.config.APIURL, u)
}

func ours(api string, u *url.URL) bool {
	if a, err := url.Parse(api); err == nil && a.Host != "" && u.Host == a.Host && u.Scheme == a.Scheme {
		return true
	}
	host := strings.ToLower(u.Hostname())
	return u.Scheme == "https" && u.User == nil && (host == "slack.com" || strings.HasSuffix(host, ".slack.com") || strings.HasSuffix(host, ".slack-edge.com"))
}

// Close lets go of idle connections.
func (c *Client) Close() { c.clock.transport.CloseIdleConnections() }

// perMinute is Slack's tiers, as docs.slack.dev has them at each method (2026-11). Tier 2 is 20 a minute.
var perMinute = map[string]float64{
	"auth.test": 100, "users.info": 100, "conversations.members": 100, "files.info": 100,
	"files.getUploadURLExternal": 100, "files.completeUploadExternal": 100,
	"chat.update": 50, "chat.delete": 50, "reactions.add": 50, "conversations.history": 50, "conversations.replies": 50,
	"conversations.info": 50, "conversations.join": 50, "bots.info": 50,
	"chat.postMessage": 60,                       // in a channel; a short burst is let through
	"files.download":   100, "files.upload": 100, // no methods, and no limit that is told
}

const tier2 = 20

// byChannel are the methods whose limit is each channel's own.
var byChannel = map[string]bool{"chat.postMessage": true}

func (c *Client) bucket(method, channel string) *bucket {
	key := method
	if byChannel[method] {
		key += " " + channel
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.buckets[key]
	if b == nil {
		rate, ok := perMinute[method]
		if !ok {
			rate = tier2
		}
		b = newBucket(rate*c.config.Pace/60, max(4, rate/10))
		c.buckets[key] = b
	}
	return b
}

// Later says that a call was not made: the limits leave no room for it before that time is over.
type Later struct{ After time.Duration }

func (e *Later) Error() string {
	return fmt.Sprintf("Slack's rate limit leaves no room for %s", e.After.Round(time.Second))
}

// patience is how long a call waits for its turn. Backfill waits as long as it takes.
const patience = 25 * time.Second

// do makes one call, again as long as Slack says that there were too many.
func (c *Client) do(ctx context.Context, p Priority, method, channel string, call func(context.Context) error) error {
	b := c.bucket(method, channel)
	for {
		if err := b.turn(ctx, p); err != nil {
			return err
		}
		err := c.once(ctx, call)
		after, limited := retryAfter(err)
		switch {
		case err != nil && !limited && Code(err) == "":
			return &Unreached{err}
		case !limited:
			return err
		}
		c.config.Limited(method, after)
		b.limited(after)
	}
}

// Unreached says that a call has got no answer of Slack's.
type Unreached struct{ err error }

func (e *Unreached) Error() string { return e.err.Error() }

// Unwrap is what kept it from that.
func (e *Unreached) Unwrap() error { return e.err }

func (c *Client) once(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return call(ctx)
}

func retryAfter(err error) (time.Duration, bool) {
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return max(limited.RetryAfter, time.Second), true
	}
	status, ok := errors.AsType[slack.StatusCodeError](err)
	if ok && status.Code == http.StatusTooManyRequests || Code(err) == "ratelimited" || Code(err) == "rate_limited" {
		return 10 * time.Second, true // Slack did not say for how long
	}
	return 0, false
}

// Code is Slack's word for why it refused, "" when the call did not get so far: then nobody knows whether
// it was done.
func Code(err error) string {
	if refused, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return refused.Err
	}
	return ""
}

// unsure are Slack's own failures: the call may have been done.
var unsure = map[string]bool{"internal_error": true, "fatal_error": true, "service_unavailable": true, "request_timeout": true}

// Unsure tells whether err leaves open what became of the call.
func Unsure(err error) bool {
	if _, later := errors.AsType[*Later](err); later {
		return false
	}
	code := Code(err)
	return err != nil && (code == "" || unsure[code])
}

// lost are the codes that say that the app has to be installed again.
var lost = map[string]string{
	"invalid_auth":            "it is not known there",
	"not_authed":              "there is none",
	"account_inactive":        "the app was uninstalled, or its account switched off",
	"token_revoked":           "it was revoked",
	"token_expired":           "it has expired",
	"app_uninstalled":         "the app was uninstalled",
	"team_access_not_granted": "the app is not installed in this workspace",
	"org_login_required":      "Slack is moving the workspace",
	"not_allowed_token_type":  "it is of the wrong kind",
	"missing_scope":           "it lacks a permission",
}

// Login is why Slack does not accept a token, so that an administrator has to do something, "" when that is not what err says.
func Login(err error) string {
	why := lost[Code(err)]
	if refused, ok := errors.AsType[slack.SlackErrorResponse](err); ok && refused.Needed != "" && why != "" {
		why += ", " + refused.Needed
	}
	return why
}

// Page is some messages of a channel or a thread, in Slack's order.
type Page struct {
	Messages []*Message
	Next     string // cursor
}

// History is a page of a channel, the newest message first: what was said after oldest.
func (c *Client) History(ctx context.Context, p Priority, channel, oldest, latest, cursor string, limit int) (Page, error) {
	return c.page(ctx, p, "conversations.history", url.Values{"channel": {channel}, "oldest": {oldest}, "latest": {latest},
		"cursor": {cursor}, "limit": {fmt.Sprint(limit)}, "inclusive": {"true"}, "include_all_metadata": {"true"}})
}

// Replies is a page of a thread, the message that began it first.
func (c *Client) Replies(ctx context.Context, p Priority, channel, thread, oldest, cursor string, limit int) (Page, error) {
	return c.page(ctx, p, "conversations.replies", url.Values{"channel": {channel}, "ts": {thread}, "oldest": {oldest},
		"cursor": {cursor}, "limit": {fmt.Sprint(limit)}, "inclusive": {"true"}, "include_all_metadata": {"true"}})
}

// page is not slack-go's: that decodes a page as a whole, and one message that is written otherwise than it knows
// would hide all others for ever.
func (c *Client) page(ctx context.Context, p Priority, method string, args url.Values) (page Page, err error) {
	for key, v := range args {
		if v[0] == "" {
			args.Del(key)
		}
	}
	var reply struct {
		OK       bool              `json:"ok"`
		Error    string            `json:"error"`
		Needed   string            `json:"needed"`
		Messages []json.RawMessage `json:"messages"`
		Meta     struct {
			Next string `json:"next_cursor"`
		} `json:"response_metadata"`
	}
	err = c.do(ctx, p, method, "", func(ctx context.Context) error { return c.call(ctx, method, args, &reply) })
	if err == nil && !reply.OK {
		err = slack.SlackErrorResponse{Err: reply.Error, Needed: reply.Needed}
	}
	for _, raw := range reply.Messages {
		page.Messages = append(page.Messages, ReadMessage(raw))
	}
	page.Next = reply.Meta.Next
	return page, err
}

func (c *Client) call(ctx context.Context, method string, args url.Values, reply any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.APIURL+method, strings.NewReader(args.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+c.config.BotToken)
	response, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return json.NewDecoder(io.LimitReader(response.Body, maxReply)).Decode(reply)
	case http.StatusTooManyRequests:
		seconds, err := time.ParseDuration(response.Header.Get("Retry-After") + "s")
		if err == nil {
			return &slack.RateLimitedError{RetryAfter: seconds}
		}
	}
	return slack.StatusCodeError{Code: response.StatusCode, Status: response.Status}
}
