package node

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// diskWorld is a node on a real disk, without a search index.
func diskWorld(b *testing.B) *world {
	w := &world{t: b, clock: &clock{}}
	w.clock.ms.Store(1_800_000_000_000)
	s, err := storage.Open(b.TempDir(), storage.Options{})
	if err != nil {
		b.Fatal(err)
	}
	n, err := Open(Config{Name: testName, Registration: "open", Now: w.clock.now, Account: cheapPasswords()}, s)
	if err != nil {
		b.Fatal(err)
	}
	w.Node, w.store = n, s
	b.Cleanup(w.shut)
	return w
}

// BenchmarkSubmit: 100 senders, each in a room of its own, with a window of 8.
func BenchmarkSubmit(b *testing.B) {
	for _, rooms := range []int{1, 100} {
		b.Run(fmt.Sprintf("rooms=%d", rooms), func(b *testing.B) {
			w := diskWorld(b)
			ann := w.user("ann")
			ids := make([]room.ID, rooms)
			for i := range ids {
				ids[i] = w.room(ann, fmt.Sprint("r", i))
			}
			var next atomic.Int64
			b.SetParallelism(50)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				id := ids[int(next.Add(1))%rooms]
				var waits []func(context.Context) (Receipt, error)
				for pb.Next() {
					waits = append(waits, w.SubmitAsync(room.Draft{Room: id, Author: ann.User, Kind: room.KindText, Key: fmt.Sprint(next.Add(1)), Body: &roompb.Body{Text: "a message of about as many words as people use when they talk to each other"}}))
					if len(waits) == 8 {
						for _, wait := range waits {
							if _, err := wait(context.Background()); err != nil {
								b.Fatal(err)
							}
						}
						waits = waits[:0]
					}
				}
			})
		})
	}
}

// BenchmarkHistory reads pages of 100 backwards through 10,000 messages.
func BenchmarkHistory(b *testing.B) {
	w := diskWorld(b)
	ann := w.user("ann")
	id := w.room(ann, "garden")
	for i := range 10_000 {
		wait := w.SubmitAsync(room.Draft{Room: id, Author: ann.User, Kind: room.KindText, Body: &roompb.Body{Text: fmt.Sprint("message number ", i)}})
		if i%500 == 499 {
			if _, err := wait(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	var before room.EventID
	for b.Loop() {
		h, err := w.History(b.Context(), ann, HistoryQuery{Room: id, Before: before, Limit: 100})
		if err != nil {
			b.Fatal(err)
		}
		before = room.EventID{}
		if h.MoreBefore {
			before, _ = room.ParseHash(h.Events[0].Id)
		}
	}
}
