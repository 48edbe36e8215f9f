package web

import (
	"container/heap"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hearth/test/leak"
)

// slacktest leaves a goroutine behind.
func TestMain(m *testing.M) {
	leak.Main(m, goleak.IgnoreAnyFunction("github.com/slack-go/slack/slacktest.(*Server).queueForWebsocket"))
}

// What people say goes before edits, those before reactions, those before what was missed.
func TestPriority(t *testing.T) {
	b := newBucket(1000, 1)
	for i, p := range []Priority{Backfill, Reaction, Change, Live, Backfill, Live} {
		heap.Push(&b.waiting, &waiter{priority: p, seq: uint64(i), ready: make(chan struct{})})
	}
	var order []Priority
	for len(b.waiting) > 0 {
		next := b.waiting[0]
		b.tokens, b.burst, b.rate = 1, 1, 1e-9 // room for one
		b.mu.Lock()
		b.serve()
		b.mu.Unlock()
		select {
		case <-next.ready:
		default:
			t.Fatal("the first was not let go")
		}
		order = append(order, next.priority)
	}
	if b.timer != nil {
		b.timer.Stop()
	}
	if !slices.IsSorted(order) || len(order) != 6 {
		t.Fatalf("order %v", order)
	}
}

func TestRateAndBurst(t *testing.T) {
	b := newBucket(20, 3)
	began := time.Now()
	for range 6 { // three at once, then 50 ms each
		if err := b.wait(t.Context(), Live); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 140*time.Millisecond {
		t.Fatalf("too fast: %s", took)
	}
}

func TestALongRetryAfterIsSaid(t *testing.T) {
	b := newBucket(1, 1)
	b.limited(time.Hour)
	later, ok := errors.AsType[*Later](b.turn(t.Context(), Live))
	if !ok || later.After < 59*time.Minute {
		t.Fatalf("%v", later)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.turn(ctx, Backfill); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer.Stop()
}

func TestLimitsAreEachChannelsOwn(t *testing.T) {
	c := NewClient(Config{})
	if c.bucket("chat.postMessage", "C1") == c.bucket("chat.postMessage", "C2") || c.bucket("chat.update", "C1") != c.bucket("chat.update", "C2") {
		t.Fatal("postMessage is limited in each channel, update in the workspace")
	}
	c.bucket("chat.postMessage", "C1").limited(time.Hour)
	if c.bucket("chat.update", "C1").closedFor() > 0 {
		t.Fatal("a Retry-After of one method stops another")
	}
}

func TestTS(t *testing.T) {
	for _, ts := range []string{"1700000000.000100", "1700000000.999999"} {
		if TS(Time(ts)) != ts || !IsTS(ts) {
			t.Errorf("%s became %s", ts, TS(Time(ts)))
		}
	}
	for _, s := range []string{"", "1700000000", "170000000a.000100", "1700000000.0001"} {
		if IsTS(s) {
			t.Errorf("%q is no ts", s)
		}
	}
}

func TestWhoGetsTheToken(t *testing.T) {
	c := NewClient(Config{APIURL: "http://127.0.0.1:3000/api/"})
	for address, want := range map[string]bool{
		"https://files.slack.com/files-pri/T1-F1/a.png": true, "https://slack.com/a": true, "https://acme.slack.com/a": true, "https://a.slack-edge.com/b": true,
		"http://127.0.0.1:3000/files/1": true, "http://files.slack.com/a": false, "https://slack.com.evil.example/a": false, "https://notslack.com/a": false,
		"https://evil.example/?x=slack.com": false, "https://slack.com@evil.example/": false, "https://user@slack.com/": false, "http://127.0.0.1:3001/": false,
		"file:///etc/passwd": false, "": false, "//slack.com/a": false, "https://SLACK.COM/a": true,
	} {
		if got := c.Ours(address); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}
