package relay

import (
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
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

// After one was put off nothing is said before it comes again, whatever the node had sent before it knew.
func TestWhatWasPutOffIsSaidFirst(t *testing.T) {
	o := newOutbox()
	said := func(id string) *pb.Delivery { return &pb.Delivery{Id: id, Kind: "text"} }
	again := func(id string) *pb.Delivery { return &pb.Delivery{Id: id, Kind: "text", Again: true} }
	next := func() string {
		if l := o.next(); l != nil {
			return l.d.GetId()
		}
		return ""
	}
	o.add(said("1"))
	o.add(said("2"))
	o.postponed(o.next(), time.Hour)
	if !o.add(said("3")) || next() != "" {
		t.Fatal("a message overtook one that was put off")
	}
	o.add(again("1"))
	o.add(again("2"))
	if a, b := next(), next(); a != "1" || b != "2" {
		t.Fatalf("%q, %q", a, b)
	}
	o.postponed(&letter{said("1"), 3}, 0)
	if o.add(said("4")) {
		t.Fatal("what came when another should have is put off as well")
	}
	if !o.add(again("4")) || next() != "4" {
		t.Fatal("the node has dropped what was put off, and nothing is said any more")
	}
}

// A channel that is unlinked while it looks for itself leaves nothing behind, or the same one could not be linked again.
func TestAnUnlinkedChannelKeepsNoID(t *testing.T) {
	old, now, second := &channel{name: "#garden"}, &channel{name: "#garden"}, &channel{name: garden}
	l := &life{channels: map[string]*channel{"#garden": now, garden: second}, byID: map[string]*channel{}}
	if l.known(garden, old) != old || l.byID[garden] != nil {
		t.Fatal("it took the id")
	}
	if l.known(garden, now) != now || l.known(garden, second) != now {
		t.Fatal("the id is the first's that is linked")
	}
}
