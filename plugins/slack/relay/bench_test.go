package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/slack/slackdouble"
)

// Messages per second through the bridge each way, beside slack-go's own client that posts to, or hears of, the same
// double. Nothing is limited. The bridge's figures include its inbox and a node that answers at once.
func BenchmarkSlack(b *testing.B) {
	b.Run("bare/out", func(b *testing.B) {
		s := workspaceOf(b)
		api := slack.New(slackdouble.BotToken, slack.OptionAPIURL(s.URL()))
		perSecond(b, func() {
			for i := range b.N {
				if _, _, err := api.PostMessage(garden, slack.MsgOptionText(fmt.Sprintf("message %d", i), false), slack.MsgOptionUsername("Alice Node")); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("bridge/out", func(b *testing.B) {
		w := benched(b)
		perSecond(b, func() {
			for i := range b.N {
				w.host.Deliver(text(fmt.Sprintf("message %d", i)))
			}
			w.Wait("all posts", func() bool { return w.PostedLocked(garden) == b.N })
		})
	})
	b.Run("bare/in", func(b *testing.B) {
		s := workspaceOf(b)
		heard := listen(b, s)
		s.WaitSockets(1)
		perSecond(b, func() { talk(s, b.N, func() { <-heard }) })
	})
	b.Run("bridge/in", func(b *testing.B) {
		w := benched(b)
		perSecond(b, func() { talk(w.Slack, b.N, func() { w.host.Entry() }) })
	})
}

func workspaceOf(b *testing.B) *slackdouble.Slack {
	s := slackdouble.New(b)
	s.Channel(garden, "garden", false).Member = true
	s.Set(func(s *slackdouble.Slack) { s.AckWithin = time.Minute })
	return s
}

func benched(b *testing.B) *world {
	s := workspaceOf(b)
	w := &world{s, bridgetest.Start(b, &Bridge{}, openFor(s, map[string]string{"pace": "1000000"}))}
	w.ready()
	return w
}

// listen hears events as slack-go does, and acknowledges each.
func listen(b *testing.B, s *slackdouble.Slack) <-chan bool {
	ctx, cancel := context.WithCancel(b.Context())
	client := socketmode.New(slack.New(slackdouble.BotToken, slack.OptionAppLevelToken(slackdouble.AppToken), slack.OptionAPIURL(s.URL())), socketmode.OptionPingInterval(time.Hour), // the double does not ping
		socketmode.OptionLog(log.New(io.Discard, "", 0)))
	over := make(chan struct{})
	go func() {
		defer close(over)
		if err := client.RunContext(ctx); err != nil && !errors.Is(err, context.Canceled) {
			b.Error(err)
		}
	}()
	b.Cleanup(func() { cancel(); <-over })
	heard := make(chan bool, 1000)
	go func() {
		for {
			select {
			case e := <-client.Events:
				if e.Type == socketmode.EventTypeEventsAPI {
					client.Ack(*e.Request)
					heard <- true
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return heard
}

// talk says n messages, of which at most 1,000 were not heard yet.
func talk(s *slackdouble.Slack, n int, hear func()) {
	window := make(chan bool, 1000)
	go func() {
		for i := range n {
			window <- true
			s.Say(garden, "UALICE0", fmt.Sprintf("message %d", i))
		}
	}()
	for range n {
		hear()
		<-window
	}
}

func perSecond(b *testing.B, f func()) {
	b.ResetTimer()
	began := time.Now()
	f()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "messages/s")
}
