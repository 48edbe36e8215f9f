package federation

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// pair is two nodes with a room that both have people in.
func pair(t testing.TB) (a, b *lodge, ann, bob node.Caller, id room.ID) {
	a, b = newLodge(t, "a.test"), newLodge(t, "b.test")
	ann, bob = a.user("ann"), b.user("bob")
	b.join(a)
	a.linked(b)
	id = a.garden(ann, "garden")
	b.enter(bob, "#garden@a.test")
	a.say(ann, id, "first")
	b.sees(bob, id, "first")
	return a, b, ann, bob, id
}

// BenchmarkLatency is from a message's submission on one node to the wake-up of somebody
// who follows the room on another: stores in memory, so without the disks' share.
func BenchmarkLatency(bm *testing.B) {
	a, b, ann, bob, id := pair(bm)
	f, err := b.node.Follow(bob, node.FollowOptions{})
	if err != nil {
		bm.Fatal(err)
	}
	defer f.Close()
	var took []time.Duration
	for i := 0; bm.Loop(); i++ {
		start := time.Now()
		a.say(ann, id, fmt.Sprint("message ", i))
		for got := false; !got; {
			<-f.Wake()
			batch, err := f.Next(1 << 20)
			if err != nil {
				bm.Fatal(err)
			}
			got = len(batch.Rooms) > 0
		}
		took = append(took, time.Since(start))
		time.Sleep(time.Millisecond)
	}
	slices.Sort(took)
	bm.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	bm.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}

// BenchmarkThroughput is with a window of 64: messages are submitted while as many are on
// their way to the other node.
func BenchmarkThroughput(bm *testing.B) {
	a, b, ann, bob, id := pair(bm)
	f, err := b.node.Follow(bob, node.FollowOptions{})
	if err != nil {
		bm.Fatal(err)
	}
	defer f.Close()
	window := make(chan struct{}, 64)
	go func() {
		for range f.Wake() {
			batch, err := f.Next(4 << 20)
			if err != nil {
				return
			}
			for _, r := range batch.Rooms {
				for range r.Items {
					<-window
				}
			}
			if batch.More {
				continue
			}
		}
	}()
	bm.ResetTimer()
	for range bm.N {
		window <- struct{}{}
		wait := a.node.SubmitAsync(room.Draft{Room: id, Author: ann.User, Kind: room.KindText, Body: &roompb.Body{Text: "a message of some words, as people write them in a room like this one"}})
		go func() { _, _ = wait(context.Background()) }()
	}
	for range cap(window) {
		window <- struct{}{}
	}
	bm.ReportMetric(float64(bm.N)/bm.Elapsed().Seconds(), "messages/s")
}
