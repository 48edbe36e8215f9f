package storage

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// pebbleFormat is the newest format of Pebble v2.1. It is named, not "newest": the step to a
// later one is taken in a release after the one that can read it (docs/storage.md).
const pebbleFormat = pebble.FormatValueSeparation

// pebbleOptions are the same at the first opening and at every later one; the file system is
// not among them.
func (s *Store) pebbleOptions(o Options, l *logger) *pebble.Options {
	cache := o.CacheBytes
	if cache == 0 {
		cache = defaultCache
	}
	p := &pebble.Options{
		ReadOnly:                    o.ReadOnly,
		CacheSize:                   cache,
		MemTableSize:                memTable,
		MemTableStopWritesThreshold: 4,
		FormatMajorVersion:          pebbleFormat,
		MaxManifestFileSize:         4 << 20, // it is read and hashed at every start
		CompactionConcurrencyRange:  func() (int, int) { return 1, 2 },
		Logger:                      l,
		EventListener:               s.health.listener(),
	}
	// Bloom filters answer "is this event, key or token here?" without reading a block. Pages
	// of 16 KB compress better than the default 4, and a page of history touches fewer.
	for i := range p.Levels {
		p.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		p.Levels[i].BlockSize = 16 << 10
	}
	p.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionBalanced })
	return p
}

// logger is what Pebble speaks to.
type logger struct {
	log     *slog.Logger
	fs      vfs.FS
	dir     string
	ballast *ballast
	fatal   func(string)
	once    sync.Once
}

func (l *logger) Infof(format string, args ...any)  { l.log.Debug(fmt.Sprintf(format, args...)) }
func (l *logger) Errorf(format string, args ...any) { l.log.Error(fmt.Sprintf(format, args...)) }

// Fatalf never returns: Pebble could not write its log or its manifest, and what is in
// memory may no longer be what is on disk. It leaves a trace, because a process that is
// simply gone, with its log on the same full disk, tells nobody why.
func (l *logger) Fatalf(format string, args ...any) {
	l.once.Do(func() { l.end(fmt.Sprintf(format, args...)) })
	select {}
}

func (l *logger) end(message string) {
	l.log.Error("storage cannot go on", "error", message)
	l.ballast.drop() // so that the trace has room
	if err := l.trace(message); err != nil {
		l.log.Error("could not leave a trace", "error", err)
	}
	if l.fatal == nil {
		os.Exit(1)
	}
	l.fatal(message)
}

func (l *logger) trace(message string) error {
	f, err := l.fs.Create(l.fs.PathJoin(l.dir, fatalFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	defer f.Close()
	text := fmt.Sprintf("%s storage could not go on: %s\n\n%s", time.Now().UTC().Format(time.RFC3339), message, debug.Stack())
	if _, err := f.Write([]byte(text)); err != nil {
		return err
	}
	return f.Sync()
}

// health counts what Pebble reports.
type health struct {
	log         *slog.Logger
	corruptions atomic.Int64
	background  atomic.Int64
	stalls      atomic.Int64
}

// listener counts and logs. A rotten block must be listened to: without a listener Pebble
// ends the process at the first one, while here the reader of that block gets ErrCorrupt and
// everybody else goes on.
func (h *health) listener() *pebble.EventListener {
	return &pebble.EventListener{
		DataCorruption: func(i pebble.DataCorruptionInfo) {
			h.corruptions.Add(1)
			h.log.Error("a stored file is damaged", "file", i.Path, "error", i.Details)
		},
		BackgroundError: func(err error) {
			h.background.Add(1)
			h.log.Error("storage background work failed", "error", err)
		},
		WriteStallBegin: func(i pebble.WriteStallBeginInfo) {
			h.stalls.Add(1)
			h.log.Warn("writes wait for the disk", "reason", i.Reason)
		},
	}
}

// Usage is what the store takes up and how it fares.
type Usage struct {
	DiskBytes     uint64 // all of the store's files but the ballast
	LogBytes      uint64 // of which: what would be replayed at a start
	CacheBytes    int64
	MemTableBytes uint64
	Corruptions   int64 // damaged blocks met since the start
	Errors        int64 // failures of background work since the start
	Stalls        int64 // times that writes had to wait for it
}

// Usage tells what the store takes up; the zero Usage when it is closed.
func (s *Store) Usage() Usage {
	if s.enter() != nil {
		return Usage{}
	}
	defer s.leave()
	m := s.db.Metrics()
	return Usage{
		DiskBytes:     m.DiskSpaceUsage(),
		LogBytes:      m.WAL.PhysicalSize,
		CacheBytes:    m.BlockCache.Size,
		MemTableBytes: m.MemTable.Size,
		Corruptions:   s.health.corruptions.Load(),
		Errors:        s.health.background.Load(),
		Stalls:        s.health.stalls.Load(),
	}
}
