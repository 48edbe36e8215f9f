package storage

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// feed makes the appends of a room, one message a turn, as a node does: head, Meta, the
// sender's key.
type feed struct {
	*world
	room *testRoom
	made []*Append
}

func newFeed(n, messages int) *feed {
	w := newWorld(uint64(n), 0)
	f := &feed{world: w, room: w.newRoom(n)}
	f.rooms = []*testRoom{f.room}
	text := strings.Repeat("a message of some length, ", 8)
	for range messages {
		a := &Append{Room: f.room.id}
		e := f.event(f.room, a, testNode, room.KindText, &roompb.Body{Text: text})
		a.Keys = []Key{{User: e.Author(), Key: "0198c2f4-5b6e-7c3a-9d51-2f0e8a7b6c5d", Event: e.ID, Pos: f.room.pos}}
		f.room.meta.LastPos, f.room.meta.LastText, f.room.meta.LastAuthor = f.room.pos, text[:100], "alice@"+testNode
		f.finish(f.room, a)
	}
	f.made = f.room.turns
	return f
}

func (f *feed) open(b *testing.B, dir string) *Store {
	s, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAppend: batches of one message, synced to disk, from so many rooms at once. It
// reports messages per second and CPU time a message: all of the process, so with the tables
// written meanwhile; on disk also the kernel's part of the syncs.
func BenchmarkAppend(b *testing.B) {
	for _, rooms := range []int{1, 100} {
		b.Run(fmt.Sprintf("disk/rooms=%d", rooms), func(b *testing.B) { benchmarkAppend(b, rooms, vfs.Default) })
		b.Run(fmt.Sprintf("memory/rooms=%d", rooms), func(b *testing.B) { benchmarkAppend(b, rooms, vfs.NewMem()) })
	}
}

func benchmarkAppend(b *testing.B, rooms int, fs vfs.FS) {
	feeds := make([]*feed, rooms)
	for i := range feeds {
		feeds[i] = newFeed(i, b.N/rooms+1)
	}
	s, err := Open(b.TempDir(), Options{FS: fs})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	b.ResetTimer()
	start := cpu()
	var group sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(b.N))
	for _, f := range feeds {
		group.Go(func() {
			for _, a := range f.made {
				if left.Add(-1) < 0 {
					return
				}
				if err := s.Append(a); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64(cpu()-start)/float64(b.N)/1e3, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64(s.Usage().DiskBytes)/float64(b.N), "disk-B/op")
}

// BenchmarkAppendEncode is the cost of an Append without waiting for the disk.
func BenchmarkAppendEncode(b *testing.B) {
	f := newFeed(0, 1)
	s := f.open(b, b.TempDir())
	defer s.Close()
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		w := s.newWriter()
		if err := w.append(f.made[1]); err != nil {
			b.Fatal(err)
		}
		w.close()
	}
}

// BenchmarkTimeline: a page of 100 out of 10,000 messages, from the end backwards, decoded.
func BenchmarkTimeline(b *testing.B) {
	f := newFeed(0, 10_000)
	s := f.open(b, b.TempDir())
	defer s.Close()
	for i := 0; i < len(f.made); i += 100 {
		if err := s.Append(merge(f.made[i:min(i+100, len(f.made))])); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.db.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	p := Page{Older: true, Limit: 100}
	for b.Loop() {
		rows, more, err := s.Timeline(f.room.id, p)
		if err != nil || len(rows) == 0 {
			b.Fatal(len(rows), err)
		}
		if p.From = MarkOf(rows[0].Event); !more {
			p.From = Mark{}
		}
	}
}

// merge is several turns of a room as one.
func merge(turns []*Append) *Append {
	sum := &Append{Room: turns[0].Room}
	for _, a := range turns {
		sum.Records = append(sum.Records, a.Records...)
		sum.Keys = append(sum.Keys, a.Keys...)
		sum.Heads, sum.Meta = a.Heads, a.Meta
	}
	return sum
}
