package node

import (
	"context"
	"sync/atomic"
	"time"

	"hearth/node/room"
	"hearth/storage"
)

// diskGauge refuses what would fill the disk before the store's log meets the end of
// it: there Pebble can only stop the process (docs/storage.md).
type diskGauge struct {
	store *storage.Store
	low   atomic.Bool // no new messages
}

const (
	keepShare = 0.05    // of the disk, for more than messages
	keepFree  = 2 << 30 // bytes, likewise
	diskEvery = 2 * time.Second
)

func newDiskGauge(s *storage.Store) *diskGauge {
	g := &diskGauge{store: s}
	g.look()
	return g
}

// DiskFull tells what a disk with so many bytes free is too full for: media give way before messages do. A large disk
// is not full at 5 %: some GiB are enough. total 0, for a store in memory: it is not known.
func DiskFull(free, total uint64) (files, messages bool) {
	below := func(times uint64) bool {
		return total > 0 && free < times*keepFree && float64(free) < float64(times)*keepShare*float64(total)
	}
	return below(2), below(1)
}

// DiskUsage is what the store takes and what the disk has left.
func (n *Node) DiskUsage() (used, free, total uint64) {
	free, total = n.store.FreeSpace()
	return uint64(n.store.Usage().DiskBytes), free, total
}

// look reads the gauge.
func (g *diskGauge) look() {
	_, full := DiskFull(g.store.FreeSpace())
	g.low.Store(full)
}

func (g *diskGauge) watch(ctx context.Context) {
	tick := time.NewTicker(diskEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			g.look()
		}
	}
}

// frees are the kinds that a full disk still takes: they take away.
var frees = map[room.Kind]bool{room.KindDelete: true, room.KindLeave: true, room.KindKick: true, room.KindBan: true}

// MayStore says why a file is not taken now.
func (n *Node) MayStore() error {
	if full, _ := DiskFull(n.store.FreeSpace()); full {
		return &room.Error{Code: room.StorageFull, Message: "The node's disk is getting full: it takes no files until its administrator makes room.", RetryAfter: 30 * time.Second}
	}
	return nil
}

func (g *diskGauge) admit(k room.Kind) error {
	if g.low.Load() && !frees[k] {
		return &room.Error{Code: room.StorageFull, Message: "The node's disk is nearly full: it takes no new messages until its administrator makes room.", RetryAfter: 30 * time.Second}
	}
	return nil
}
