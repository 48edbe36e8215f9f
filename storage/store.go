// Package storage keeps a node's rooms, events and accounts in one folder on disk. It is
// the only package that knows Pebble, and it speaks of rooms, events and accounts, never of
// keys and iterators, so that another engine can stand behind it.
//
// The promise: what Append (or any Put) has acknowledged is on disk, whole, and is either
// read back as it was or answered with an error, never with something else and never with
// silence. docs/storage.md says how each failure is met; keys.go has the key table.
package storage

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	// ErrLocked: another process has the folder.
	ErrLocked = errors.New("another process is using this data folder")
	// ErrCorrupt: what is on disk is not what was written.
	ErrCorrupt = errors.New("the stored data is damaged")
	// ErrNewer: a later version of Hearth wrote the folder.
	ErrNewer = errors.New("a newer version of Hearth wrote this data folder")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// Options say how a store is opened; the zero value is right for a node.
type Options struct {
	FS         vfs.FS // nil: the disk
	CacheBytes int64  // block cache; 0: 64 MiB
	ReadOnly   bool   // nothing is written, not even what a crash left to be replayed
	Log        *slog.Logger

	// Fatal is called when Pebble cannot go on (its log could not be written), after a
	// trace was left in the folder. It must end the process; should it return, the caller
	// is parked for ever, for nothing may go on half-written. nil: exit with code 1.
	Fatal func(message string)
}

// Store is an open data folder. Its methods may be called from any goroutine, but Appends
// to one room must not run side by side. After Close they answer ErrClosed.
type Store struct {
	dir  string
	fs   vfs.FS // without the watchers that Pebble's own files go through
	lock io.Closer
	log  *slog.Logger
	db   *pebble.DB

	format int // of the folder: below the current one only in a read-only store

	watched *watchedFS
	tide    *tide
	ballast *ballast
	health  *health

	accounts sync.Mutex // held while an account, device, invite or blob is read and then written

	calls   atomic.Int64 // running now
	closing atomic.Bool
	idle    chan struct{} // one slot: the last call left while closing
}

const (
	defaultCache = 64 << 20

	// memTable: flushes at 12,500 messages/s come every two seconds, and the two or three
	// that may exist stay small beside the cache. They begin at 256 KB and grow only under
	// load, so an idle node does not have them.
	memTable = 16 << 20
)

// Open opens the store in dir, or makes one there. Errors: ErrLocked, ErrCorrupt, ErrNewer,
// or the disk's own.
func Open(dir string, o Options) (*Store, error) {
	s := newStore(dir, o)
	if err := s.open(o); err != nil {
		return nil, fmt.Errorf("open store %s: %w", dir, err)
	}
	return s, nil
}

func newStore(dir string, o Options) *Store {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{
		dir: dir, fs: o.FS, log: o.Log, idle: make(chan struct{}, 1), health: &health{log: o.Log},
		ballast: &ballast{fs: o.FS, path: o.FS.PathJoin(dir, ballastFile), log: o.Log},
	}
}

func (s *Store) open(o Options) (err error) {
	if s.lock, err = lockFolder(s.fs, s.dir, o.ReadOnly); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.release()
		}
	}()
	logger := &logger{log: s.log, fs: s.fs, dir: s.dir, ballast: s.ballast, fatal: o.Fatal}
	options := s.pebbleOptions(o, logger)
	options.FS = &watchedFS{FS: s.fs, tide: new(tide), logger: logger} // for initialise
	if err = s.prepareFolder(o.ReadOnly, options); err != nil {
		return err
	}
	if s.tide, err = openTide(s.fs, s.dir, o.ReadOnly, s.log); err != nil {
		return err
	}
	s.watched = &watchedFS{FS: vfs.OnDiskFull(s.fs, s.ballast.drop), tide: s.tide, logger: logger}
	options.FS = s.watched
	options.EventListener.ManifestCreated = s.tide.manifestCreated
	if s.db, err = pebble.Open(s.dbDir(), options); err != nil {
		return wrapOpen(err)
	}
	s.watched.live.Store(true)
	if o.ReadOnly {
		return nil
	}
	s.ballast.fill()
	if err = s.upgrade(); err != nil {
		return errors.Join(err, s.db.Close())
	}
	return nil
}

// release gives back what open took.
func (s *Store) release() {
	if s.tide != nil {
		s.tide.close()
	}
	_ = s.lock.Close() // the lock goes with the process at the latest
}

func (s *Store) dbDir() string { return s.fs.PathJoin(s.dir, dbFolder) }

// Close waits for running calls, then closes the folder. Everything acknowledged is on
// disk already. A second Close answers ErrClosed.
func (s *Store) Close() error {
	if !s.closing.CompareAndSwap(false, true) {
		return ErrClosed
	}
	for s.calls.Load() > 0 {
		<-s.idle
	}
	s.watched.live.Store(false) // an error now loses nothing, and is answered
	err := s.db.Close()
	s.release()
	if err != nil {
		return fmt.Errorf("close store %s: %w", s.dir, wrap(err))
	}
	return nil
}

// enter lets a call in, unless the store is closing; leave ends it. It is a count and not a
// read lock, so that a call may be made from within another one's callback.
func (s *Store) enter() error {
	s.calls.Add(1)
	if s.closing.Load() {
		s.leave()
		return ErrClosed
	}
	return nil
}

func (s *Store) leave() {
	if s.calls.Add(-1) > 0 || !s.closing.Load() {
		return
	}
	select {
	case s.idle <- struct{}{}:
	default:
	}
}

// Checkpoint makes dir, which must not exist, a copy of the store as of now, which Open
// opens. It is cheap: tables are hard links, so dir must be on the same disk.
func (s *Store) Checkpoint(dir string) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	if err := s.checkpoint(dir); err != nil {
		return fmt.Errorf("checkpoint to %s: %w", dir, err)
	}
	return nil
}

// wrap turns Pebble's errors into the store's.
func wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case pebble.IsCorruptionError(err):
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	case errors.Is(err, pebble.ErrClosed):
		return ErrClosed
	}
	return err
}

// wrapOpen is wrap for the opening of a database that is known to be there: what the disk did
// not refuse to do was wrong in the files.
func wrapOpen(err error) error {
	var refused syscall.Errno
	if errors.As(err, &refused) && refused != syscall.ENOENT || errors.Is(err, ErrCorrupt) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}
