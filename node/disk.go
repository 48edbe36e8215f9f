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
	low   atomic.Bool // under refuseBelow: no new messages
}

const (
	refuseBelow = 0.05 // of the disk
	keepFree    = 2 << 30
	diskEvery   = 2 * time.Second
)

func newDiskGauge(s *storage.Store) *diskGauge {
	g := &diskGauge{store: s}
	g.look()
	return g
}

// look reads the gauge. A large disk is not full at 5 %: some GB are enough.
func (g *diskGauge) look() {
	free, total := g.store.FreeSpace()
	if total == 0 { // not known: an in-memory store
		return
	}
	g.low.Store(free < keepFree && float64(free) < refuseBelow*float64(total))
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

// MayStore says why a file is not taken now: media give way before messages do.
func (n *Node) MayStore() error {
	free, total := n.store.FreeSpace()
	if total > 0 && free < 2*keepFree && float64(free) < 2*refuseBelow*float64(total) {
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
