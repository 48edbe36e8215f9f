package plugins

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/channel"
)

// However fast groups come, there is no more than one and a half a beat beyond the bucket: and the first
// ones wait for nothing.
func TestPace(t *testing.T) {
	p := newPace()
	now := time.Now()
	for i := range pacing.Burst {
		if wait := p.bucket.Take(struct{}{}, 1, now); wait != 0 {
			t.Fatalf("group %d waits for %s", i, wait)
		}
	}
	const more = 15
	began := time.Now()
	for range more {
		p.await(t.Context())
	}
	if least := (more*2/3 - 2) * beat; time.Since(began) < least {
		t.Fatalf("%d groups took %s, less than %s", more, time.Since(began), least)
	}
}

// syncs is a file system in memory that counts how often a log is synced.
type syncs struct {
	vfs.FS
	n atomic.Int64
}

type counted struct {
	vfs.File
	n *atomic.Int64
}

func (s *syncs) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, c)
	return s.count(name, f), err
}

func (s *syncs) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.ReuseForWrite(old, name, c)
	return s.count(name, f), err
}

func (s *syncs) count(name string, f vfs.File) vfs.File {
	if f == nil || filepath.Ext(name) != ".log" {
		return f
	}
	return counted{f, &s.n}
}

func (c counted) Sync() error     { c.n.Add(1); return c.File.Sync() }
func (c counted) SyncData() error { c.n.Add(1); return c.File.SyncData() }

// A plugin that posts as fast as it is let has the disk synced twice a group, and no more: for what came
// in, and for what that is over there.
func TestAFloodCostsFewSyncs(t *testing.T) {
	fs := &syncs{FS: vfs.NewMem()}
	w := newWorldOn(t, fs, "data")
	w.start()
	w.bridge("chaos", "flood", "#flood", map[string]string{"dir": newFar(t).dir})
	w.waitState("flood", channel.Connected)
	before, began := fs.n.Load(), time.Now()
	w.say("!flood")
	w.until("the flood", func() bool { return w.status("flood").Received >= uint64(flooding.Burst)*5/4 })
	const besides = 50 // what else the node writes down
	groups := pacing.Burst + int(time.Since(began)*3/2/beat) + 1
	n, most := fs.n.Load()-before, int64(2*groups+besides)
	if n > most || n == 0 {
		t.Errorf("%d entries cost %d syncs, more than %d", w.status("flood").Received, n, most)
	}
	t.Logf("%d entries, %d syncs", w.status("flood").Received, n)
}
