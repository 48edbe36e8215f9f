package plugins

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// TestLatency prints how long a message takes from Submit to a follower of its room, on a store that is
// synced to disk: without bridges, and beside a plugin that hangs in the same room and one that floods another
// as fast as it is let. Slices with and without take turns and are compared pair by pair, so that what else
// the machine does meets both alike; the median of the pairs counts.
//
//	HEARTH_LATENCY=1 go test ./plugins -run TestLatency -v
func TestLatency(t *testing.T) {
	if os.Getenv("HEARTH_LATENCY") == "" {
		t.Skip("a figure, not a check")
	}
	w := newWorldOn(t, vfs.Default, filepath.Join(t.TempDir(), "store"))
	w.start()
	w.bridge("chaos", "hangs", "#hangs", map[string]string{"dir": newFar(t).dir})
	s, err := w.n.CreateRoom(t.Context(), w.alice, node.NewRoom{Name: "field"})
	if err != nil {
		t.Fatal(err)
	}
	field, err := room.ParseHash(s.GetRoom())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.n.AddBridge(channel.Bridge{Name: "floods", Kind: "chaos", Settings: map[string]string{"mode": "flood"}}); err != nil {
		t.Fatal(err)
	}
	w.link("floods", field, "#floods")
	f, err := w.n.Follow(w.alice, node.FollowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const pairs, most = 12, 1000
	took := map[bool][]time.Duration{}
	var ratios []float64
	var flooded uint64
	var while time.Duration
	w.slice(f, false, most) // to warm up
	for i := range pairs {
		p99 := map[bool]time.Duration{}
		for _, bad := range []bool{i%2 == 0, i%2 != 0} { // what came before does not always favour the same
			d, came, in := w.slice(f, bad, most)
			p99[bad], took[bad] = d[len(d)*99/100], append(took[bad], d...)
			if bad {
				flooded, while = flooded+came, while+in
			}
		}
		ratios = append(ratios, float64(p99[true])/float64(p99[false]))
	}
	for _, bad := range []bool{false, true} {
		d := slices.Sorted(slices.Values(took[bad]))
		t.Logf("bad plugins %-5v n %d  p50 %v  p90 %v  p99 %v", bad, len(d), d[len(d)/2], d[len(d)*9/10], d[len(d)*99/100])
	}
	slices.Sort(ratios)
	of := func(bad bool) float64 { d := slices.Sorted(slices.Values(took[bad])); return float64(d[len(d)*99/100]) }
	t.Logf("p99 with, to without: of all %.2f; median of %d pairs %.2f, from %.2f to %.2f; flooded: %.0f a second",
		of(true)/of(false), pairs, ratios[pairs/2], ratios[0], ratios[pairs-1], float64(flooded)/while.Seconds())
}

// slice is how long n messages take, sorted, with bad plugins or without, and how much these flooded in which time.
func (w *world) slice(f *node.Follower, bad bool, n int) (took []time.Duration, flooded uint64, in time.Duration) {
	w.t.Helper()
	for _, name := range []string{"hangs", "floods"} {
		if err := w.n.Bridges.Enable(name, bad, ""); err != nil {
			w.t.Fatal(err)
		}
	}
	before := w.status("floods").Received
	if bad {
		w.waitState("hangs", channel.Connected)
		w.until("the flood", func() bool { return w.status("floods").Received > before+uint64(flooding.Burst) })
		w.say("!hang")
		before = w.status("floods").Received
	} else {
		w.until("quiet", func() bool { return w.status("hangs").State == channel.Disabled })
	}
	began := time.Now()
	for i := range n {
		took = append(took, w.roundTrip(f, fmt.Sprint("message ", began.UnixNano(), i)))
		time.Sleep(2 * time.Millisecond)
	}
	slices.Sort(took)
	return took, w.status("floods").Received - before, time.Since(began)
}

// roundTrip says something and waits until a follower has it.
func (w *world) roundTrip(f *node.Follower, text string) time.Duration {
	w.t.Helper()
	began := time.Now()
	if _, err := w.n.Submit(context.Background(), room.Draft{Room: w.room, Author: w.alice.User, Kind: room.KindText, Body: &roompb.Body{Text: text}}); err != nil {
		w.t.Fatal(err)
	}
	for {
		b, err := f.Next(1 << 20)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range b.Rooms {
			items, err := decodeItems(r.Items)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, i := range items {
				if i.GetEvent().GetText() == text {
					return time.Since(began)
				}
			}
		}
		if !b.More {
			select {
			case <-f.Wake():
			case <-time.After(patience):
				w.t.Fatal("the message did not come")
			}
		}
	}
}
