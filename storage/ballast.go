package storage

import (
	"log/slog"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ballast is a file that takes up room on the disk, to be dropped when there is no other
// left: then the log can be written once more, and there is room to stop, or to delete.
// The node refuses what is new long before (FreeSpace); this is for what it did not see
// coming, such as another program that fills the disk.
type ballast struct {
	fs   vfs.FS
	path string
	log  *slog.Logger
	mu   sync.Mutex
}

const (
	maxBallast = 64 << 20
	minBallast = 256 << 10
)

// fill makes the file unless it is there, or the disk too full for it: a hundredth of the
// disk, where a tenth is free.
func (b *ballast) fill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.fs.Stat(b.path); err == nil {
		return
	}
	usage, err := b.fs.GetDiskUsage(b.path[:len(b.path)-len(b.fs.PathBase(b.path))])
	if err != nil || usage.AvailBytes < usage.TotalBytes/10 {
		return
	}
	size := int64(min(usage.TotalBytes/100, maxBallast))
	if size < minBallast {
		return
	}
	if err := b.write(size); err != nil {
		b.log.Warn("could not set ballast aside", "error", err)
		_ = b.fs.Remove(b.path) // a part of it would be no use
	}
}

func (b *ballast) write(size int64) error {
	f, err := b.fs.Create(b.path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	defer f.Close()
	// Preallocate takes the blocks without writing them.
	if err := f.Preallocate(0, size); err != nil {
		return err
	}
	return f.Sync()
}

// drop gives the room back. It is called by whichever write found the disk full, and must
// go around the watcher that called it.
func (b *ballast) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.fs.Remove(b.path); err == nil {
		b.log.Error("the disk is full: ballast dropped")
	}
}

// FreeSpace tells how many bytes of the disk this process may still use, and how many there
// are; both 0 when the disk does not tell. A node asks from time to time and refuses new
// media, then new messages, before Pebble meets a full disk, which it does not survive. When
// space has come back, the ballast is laid in again.
func (s *Store) FreeSpace() (free, total uint64) {
	if s.enter() != nil {
		return 0, 0
	}
	defer s.leave()
	usage, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		return 0, 0
	}
	if usage.AvailBytes > usage.TotalBytes/5 {
		s.ballast.fill()
	}
	return usage.AvailBytes, usage.TotalBytes
}
