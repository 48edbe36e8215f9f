package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"hearth/node"
	"hearth/plugins/slack/slackdouble"
)

// How fast what people say in Slack comes into a room of a real node: a figure for docs/benchmarks.md. After its first hundred groups the node
// commits twenty a second (plugins/pace.go), and after 2,000 entries it takes 100 a second (plugins/life.go).
func TestLivePace(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("HEARTH_LIVE"))
	if err != nil {
		t.Skip("HEARTH_LIVE=1500 measures with so many messages")
	}
	h := newHouse(t)
	h.Set(func(s *slackdouble.Slack) { s.AckWithin = time.Minute })
	h.linked("10000")
	h.until("the channel to be heard", func() bool {
		h.Say(garden, "UALICE0", "begin")
		time.Sleep(50 * time.Millisecond)
		return h.said().GetText() == "begin"
	})
	began, before := time.Now(), h.n.Bridges.StatusOf("acme").Received
	go func() {
		for i := range n {
			h.Say(garden, []string{"UALICE0", "UBORIS0"}[i%2], fmt.Sprint("message ", i))
			time.Sleep(2 * time.Millisecond) // 500 a second
		}
	}()
	for step := 0; step < n; {
		come := int(h.n.Bridges.StatusOf("acme").Received - before)
		for ; step+100 <= come; step += 100 {
			t.Logf("%d after %.1f s", step+100, time.Since(began).Seconds())
		}
		if come >= n {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Logf("%d messages in %.1f s: %.0f a second", n, time.Since(began).Seconds(), float64(n)/time.Since(began).Seconds())
	last := n
	page, err := h.n.History(context.Background(), h.alice, node.HistoryQuery{Room: h.room, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i := len(page.Events) - 1; i >= 0; i-- {
		k := 0
		if _, err := fmt.Sscanf(page.Events[i].GetText(), "message %d", &k); err != nil {
			continue
		}
		if last--; k != last {
			t.Fatalf("message %d stands where %d should", k, last)
		}
	}
}
