package storage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors/oserror"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// What a store's folder holds:
//
//	FORMAT     one line: which version of this layout; there once the folder is initialised
//	LOCK       held by the process that uses the folder
//	db/        Pebble's own files
//	tide       how far db is known to have come (tide.go)
//	ballast    room to give up when the disk is full (ballast.go)
//	fatal.txt  why the last process ended, if storage ended it
const (
	formatFile  = "FORMAT"
	lockFile    = "LOCK"
	dbFolder    = "db"
	tideFile    = "tide"
	ballastFile = "ballast"
	fatalFile   = "fatal.txt"
)

// format is the version of the layout: of the folder, the keys and the values. It rises when
// an older Hearth would misread what a newer one wrote.
// Folders of an older one are brought up to it at their first opening (upgrade).
//
//	1  before federation
//	2  void records, logs with gaps, the index of what changes a message (spaceAbout)
const format = 2

// formatAbout is the first with the index of what changes a message.
const formatAbout = 2

const formatLine = "hearth store "

func lockFolder(fs vfs.FS, dir string, readOnly bool) (io.Closer, error) {
	if !readOnly {
		if err := makeDir(fs, dir); err != nil {
			return nil, err
		}
	}
	if _, err := fs.Stat(dir); err != nil {
		return nil, err
	}
	lock, err := fs.Lock(fs.PathJoin(dir, lockFile))
	if errors.Is(err, os.ErrPermission) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return lock, nil
}

// prepareFolder initialises a new folder, and checks that an old one is one we can read.
func (s *Store) prepareFolder(readOnly bool, options *pebble.Options) error {
	line, err := readFile(s.fs, s.fs.PathJoin(s.dir, formatFile))
	switch {
	case oserror.IsNotExist(err) && readOnly:
		return fmt.Errorf("there is no store here: %w", err)
	case oserror.IsNotExist(err):
		return s.initialise(options)
	case err != nil:
		return err
	}
	s.reportFatal()
	s.format, err = parseFormat(string(line))
	return err
}

func parseFormat(line string) (int, error) {
	number, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), formatLine)
	version, err := strconv.ParseUint(number, 10, 32)
	switch {
	case !ok || err != nil:
		return 0, fmt.Errorf("%s is not readable: %w", formatFile, ErrCorrupt)
	case version > format:
		return 0, fmt.Errorf("%w: its format is %d, this version knows %d", ErrNewer, version, format)
	case version < 1:
		return 0, fmt.Errorf("%s names a format that never was: %w", formatFile, ErrCorrupt)
	}
	return int(version), nil
}

func (s *Store) writeFormat(dir string, version int) error {
	return writeFile(s.fs, dir, formatFile, fmt.Appendf(nil, "%s%d\n", formatLine, version))
}

// upgrade brings a folder of an older format up to this one. FORMAT comes last: what a crash
// leaves half done is done again. From then on an older Hearth, which would not keep the index
// and would drop what it does not know of rooms, refuses the folder.
func (s *Store) upgrade() error {
	if s.format == format {
		return nil
	}
	s.log.Info("bringing the data folder up to this version", "from", s.format, "to", format)
	if err := s.buildAbout(); err != nil {
		return err
	}
	s.format = format
	return s.writeFormat(s.dir, format)
}

// initialise makes a new store. Pebble's first log is written in its oldest format, in which
// one flipped bit silently ends the log early (docs/design: 429 of 1,000 synced writes were
// left, and the opening succeeded). So the database is made in the newest format, closed, and
// opened again before anything is written to it: that log, and every later one, tells rot
// from a torn end. FORMAT comes last: without it there was never anything to lose.
func (s *Store) initialise(options *pebble.Options) error {
	if err := s.clearAborted(); err != nil {
		return err
	}
	db, err := pebble.Open(s.dbDir(), options)
	if err != nil {
		return wrap(err)
	}
	if err := db.Close(); err != nil {
		return wrap(err)
	}
	if err := s.seal(s.dir); err != nil {
		return err
	}
	s.format = format
	return s.writeFormat(s.dir, format)
}

// clearAborted removes what an initialisation left that did not come to its end. A database
// that was ever used is not removed: then FORMAT was lost, not never written.
func (s *Store) clearAborted() error {
	names, err := s.fs.List(s.dbDir())
	if oserror.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") {
			return fmt.Errorf("%s is missing, but there is data: %w", formatFile, ErrCorrupt)
		}
	}
	end, err := lastLog(s.fs, s.dbDir())
	if err != nil || end.seq != 0 {
		return errors.Join(err, fmt.Errorf("%s is missing, but there is data: %w", formatFile, ErrCorrupt))
	}
	return s.fs.RemoveAll(s.dbDir())
}

// reportFatal tells once why the last process ended.
func (s *Store) reportFatal() {
	path := s.fs.PathJoin(s.dir, fatalFile)
	text, err := readFile(s.fs, path)
	if err != nil {
		return
	}
	first, _, _ := strings.Cut(string(text), "\n")
	s.log.Warn("storage ended the last process", "trace", path, "why", first)
}

// checkpoint copies the database, then seals the copy.
func (s *Store) checkpoint(dir string) error {
	if _, err := s.fs.Stat(dir); !oserror.IsNotExist(err) {
		return errors.Join(err, fmt.Errorf("%s is there already", dir))
	}
	if err := makeDir(s.fs, dir); err != nil {
		return err
	}
	err := s.db.Checkpoint(s.fs.PathJoin(dir, dbFolder), pebble.WithFlushedWAL())
	if err == nil {
		err = s.seal(dir)
	}
	if err == nil {
		err = s.writeFormat(dir, s.format)
	}
	if err != nil {
		_ = s.fs.RemoveAll(dir)
		return wrap(err)
	}
	return nil
}

// seal writes the tide of a database that is not open: what its files hold is what there is.
func (s *Store) seal(dir string) error {
	m, err := survey(s.fs, s.fs.PathJoin(dir, dbFolder))
	if err != nil {
		return err
	}
	f, err := s.fs.Create(s.fs.PathJoin(dir, tideFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = f.Write(bothSlots(m)); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return syncDir(s.fs, dir)
}

// makeDir makes a folder, and makes sure that a power cut does not take it: a folder's name
// is part of its parent, so each parent of a new one is synced.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent == dir {
		return nil
	}
	if err := makeDir(fs, parent); err != nil {
		return err
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, parent)
}

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// writeFile writes a small file that is there whole or not at all, whatever happens.
func writeFile(fs vfs.FS, dir, name string, data []byte) error {
	path := fs.PathJoin(dir, name)
	f, err := fs.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fs.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(fs, dir)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
