package storage

import (
	"hash/crc32"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
)

// watchedFS is the disk as Pebble sees it. It does three things that Pebble leaves undone:
//
//   - it tells the tide how far the MANIFEST is synced, and which log is written;
//   - it has a MANIFEST on disk before the marker that names it;
//   - it ends the process at the first error of the log or of the folder. Pebble would end
//     it too, but by a panic that leaves its locks in a state that no recover survives, and
//     without a trace. After a failed sync nobody knows what is on disk (the kernel drops
//     the dirty pages), so there is nothing to go on with.
type watchedFS struct {
	vfs.FS
	tide   *tide
	logger *logger
	live   atomic.Bool // errors of the log before and after are answered by Open and Close
}

func (w *watchedFS) Unwrap() vfs.FS { return w.FS }

func (w *watchedFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	w.sawLog(name)
	if err := w.beforeMarker(name); err != nil {
		return nil, err
	}
	f, err := w.FS.Create(name, category)
	return w.file(name, f, err)
}

func (w *watchedFS) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	w.sawLog(name)
	f, err := w.FS.ReuseForWrite(old, name, category)
	return w.file(name, f, err)
}

func (w *watchedFS) Remove(name string) error {
	if number, _, ok := wal.ParseLogFilename(w.PathBase(name)); ok {
		if err := w.tide.retire(uint64(number)); err != nil {
			return err
		}
	}
	return w.FS.Remove(name)
}

func (w *watchedFS) OpenDir(name string) (vfs.File, error) {
	f, err := w.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &folderFile{f, name, w}, nil
}

// file watches a file that was made to be written.
func (w *watchedFS) file(name string, f vfs.File, err error) (vfs.File, error) {
	base := w.PathBase(name)
	if _, _, ok := wal.ParseLogFilename(base); ok {
		if err != nil {
			return nil, w.vital(name, err)
		}
		return &logFile{f, name, w}, nil
	}
	if number, ok := manifestNumber(base); ok && err == nil {
		return &manifest{File: f, tide: w.tide, number: number}, nil
	}
	return f, err
}

// sawLog comes before the log is made. Pebble makes a log while it holds up all commits, so
// whoever sees the number here commits to that log, or to a later one, never to an older.
func (w *watchedFS) sawLog(name string) {
	if number, _, ok := wal.ParseLogFilename(w.PathBase(name)); ok {
		w.tide.newest.Store(max(w.tide.newest.Load(), uint64(number)))
	}
}

// beforeMarker syncs the folder before a marker is made. Pebble makes a MANIFEST and then the
// marker that names it, and syncs the folder once, after both. A power cut in between may keep
// the marker alone, on a disk that does not order the two; then nothing opens the database any
// more. (Found by seed 788 of the power cut test.)
func (w *watchedFS) beforeMarker(name string) error {
	if !strings.HasPrefix(w.PathBase(name), "marker.") {
		return nil
	}
	return syncDir(w.FS, w.PathDir(name))
}

// vital ends the process on an error, while the store is open.
func (w *watchedFS) vital(name string, err error) error {
	if err != nil && w.live.Load() {
		w.logger.Fatalf("%s: %v", name, err)
	}
	return err
}

// folderFile is the folder, to be synced. Pebble panics when that fails, on whichever goroutine
// it happens to be, at an opening too.
type folderFile struct {
	vfs.File
	name string
	fs   *watchedFS
}

func (f *folderFile) Sync() error {
	err := f.File.Sync()
	if err != nil {
		f.fs.logger.Fatalf("sync %s: %v", f.name, err)
	}
	return err
}

// logFile is a log being written.
type logFile struct {
	vfs.File
	name string
	fs   *watchedFS
}

func (f *logFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.fs.vital(f.name, err)
}

func (f *logFile) Preallocate(offset, length int64) error {
	return f.fs.vital(f.name, f.File.Preallocate(offset, length))
}

func (f *logFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.fs.vital(f.name, err)
}

func (f *logFile) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	return info, f.fs.vital(f.name, err)
}

func (f *logFile) Sync() error     { return f.fs.vital(f.name, f.File.Sync()) }
func (f *logFile) SyncData() error { return f.fs.vital(f.name, f.File.SyncData()) }
func (f *logFile) Close() error    { return f.fs.vital(f.name, f.File.Close()) }

// manifest is a MANIFEST being written. Pebble writes it from one goroutine at a time.
type manifest struct {
	vfs.File
	tide   *tide
	number uint64
	length uint64
	sum    uint32 // CRC-32C of what was written
	broken bool   // a write failed: nobody knows what the file holds
}

func (m *manifest) Write(p []byte) (int, error) {
	copied := slices.Clone(p) // Write may change p
	n, err := m.File.Write(p)
	m.broken = m.broken || err != nil || n != len(copied)
	m.length += uint64(len(copied))
	m.sum = crc32.Update(m.sum, castagnoli, copied)
	return n, err
}

func (m *manifest) Sync() error     { return m.after(m.File.Sync()) }
func (m *manifest) SyncData() error { return m.after(m.File.SyncData()) }

func (m *manifest) after(err error) error {
	if err != nil || m.broken {
		m.broken = true
		return err
	}
	m.tide.synced(m)
	return nil
}
