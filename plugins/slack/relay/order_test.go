package relay

import (
	"testing"
	"time"
)

func TestTheQueueKeepsTheOrderOfEvents(t *testing.T) {
	c := &channel{wake: make(chan struct{}, 1)}
	happened := func(ts string) *item {
		return &item{event: &event{fields: fields{EventTS: ts}}}
	}
	c.push(happened("2"))
	c.push(happened("1"))
	c.askFill(true)
	c.push(happened("0")) // behind the fill: that may need what comes with it
	c.push(happened("3"))
	got := ""
	for it, _ := c.pop(); it != nil; it, _ = c.pop() {
		if it.fill {
			got += " fill"
		} else {
			got += " " + it.event.at()
		}
	}
	if got != " 1 2 fill 0 3" {
		t.Fatal(got)
	}
	late := happened("4")
	late.ready = time.Now().Add(time.Hour)
	c.push(late)
	if it, wait := c.pop(); it != nil || wait < time.Minute {
		t.Fatalf("not held back: %v %s", it, wait)
	}
}
