package socket

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"hearth/plugins/slack/slackdouble"
	"hearth/plugins/slack/web"
)

// A socket on which Slack does not say hello is given up, and another tried.
func TestASocketThatIsNeverGreeted(t *testing.T) {
	s := slackdouble.New(t)
	s.Set(func(s *slackdouble.Slack) { s.HelloLate = true })
	c := web.NewClient(web.Config{AppToken: slackdouble.AppToken, APIURL: s.URL(), Pace: 10_000})
	defer c.Close()
	failed := make(chan error, 100)
	p := &Pool{Open: c.Open, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Greeting: 200 * time.Millisecond, Base: 10 * time.Millisecond,
		Take: func(context.Context, *Envelope) (any, bool) { return nil, true },
		Changed: func(alive, by int, err error) {
			if by == 0 {
				select {
				case failed <- err:
				default:
				}
			}
		}}
	ctx, end := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	defer running.Wait()
	defer end()
	for range 3 {
		<-failed
	}
	s.Set(func(s *slackdouble.Slack) { s.HelloLate = false })
	s.WaitSockets(2)
}
