package search

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hearth/node/room"
)

// prose makes messages of about eight words (45 bytes) from a vocabulary of 20,000 with the skew of
// natural language; every tenth is Chinese.
func prose(rng *rand.Rand, n int) []string {
	words := rand.NewZipf(rng, 1.1, 4, 20_000)
	texts := make([]string, n)
	for i := range texts {
		var b strings.Builder
		for range 4 + rng.IntN(9) {
			if i%10 == 0 {
				fmt.Fprintf(&b, "%c%c", rune(0x4e00+words.Uint64()%5_000), rune(0x4e00+words.Uint64()%5_000))
			} else {
				fmt.Fprintf(&b, "w%xo ", words.Uint64()*7919%1_000_003)
			}
		}
		texts[i] = b.String()
	}
	return texts
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func size(dir string) (n int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if info, ierr := d.Info(); err == nil && ierr == nil && !d.IsDir() {
			n += info.Size()
		}
		return nil
	})
	return n
}

// BenchmarkApply indexes messages in batches of the size of its name.
func BenchmarkApply(b *testing.B) {
	for _, batch := range []int{1, 100, MaxBatch} {
		b.Run(fmt.Sprint(batch), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "search")
			x, _ := open(b, dir)
			texts := prose(rand.New(rand.NewPCG(1, 1)), 20_000)
			pos, bytes := uint64(0), 0
			start := cpuTime()
			for b.Loop() {
				docs := make([]Doc, batch)
				for i := range docs {
					pos++
					docs[i] = Doc{Ref: Ref{garden, pos}, Author: "alice@node.example", Time: room.Time(pos << 16), Text: texts[pos%20_000]}
					bytes += len(docs[i].Text)
				}
				apply(b, x, Batch{Put: docs, Cursors: map[room.ID]uint64{garden: pos}})
			}
			b.StopTimer()
			x.Close()
			b.ReportMetric(float64(pos)/b.Elapsed().Seconds(), "docs/s")
			b.ReportMetric(float64((cpuTime()-start).Microseconds())/float64(pos), "cpu-us/doc")
			b.ReportMetric(float64(size(dir))/float64(pos), "disk-B/doc")
			b.ReportMetric(float64(bytes)/float64(pos), "text-B/doc")
		})
	}
}

// BenchmarkQuery asks an index of 100,000 messages in 50 rooms.
func BenchmarkQuery(b *testing.B) {
	x := fresh(b)
	rng := rand.New(rand.NewPCG(1, 1))
	rooms := make([]room.ID, 50)
	for i := range rooms {
		rooms[i][0] = byte(i + 1)
	}
	texts := prose(rng, 100_000)
	for i := 0; i < len(texts); i += MaxBatch {
		docs := make([]Doc, MaxBatch)
		for j := range docs {
			docs[j] = Doc{Ref: Ref{rooms[j%50], uint64(i + j)}, Author: "alice@node.example", Time: room.Time((i + j) << 16), Text: texts[i+j]}
		}
		apply(b, x, Batch{Put: docs})
	}
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	fmt.Fprintf(os.Stderr, "heap with 100,000 messages indexed: %d MiB\n", mem.HeapInuse>>20)
	common, rare := strings.Fields(texts[1])[0], strings.Fields(texts[99_991])[2]
	for _, q := range []string{common, rare, common + " " + rare, `"` + strings.Join(strings.Fields(texts[5])[:2], " ") + `"`, texts[10][:6]} {
		b.Run(q, func(b *testing.B) {
			var total uint64
			for b.Loop() {
				f, err := x.Query(context.Background(), Query{Text: q, Rooms: rooms[:20], Limit: 20})
				if err != nil {
					b.Fatal(err)
				}
				total = f.Total
			}
			b.ReportMetric(float64(total), "total")
		})
	}
}
