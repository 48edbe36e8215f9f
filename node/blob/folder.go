package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// makeFolder makes dir inside a folder that exists, and syncs that one, so that dir is there after a power cut.
func makeFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	return syncFolder(filepath.Dir(dir))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}

// writeLinked gives data the name path, in dir, once it is synced. A path that exists already is fine:
// names are hashes, so it holds the same.
func writeLinked(dir, path string, data []byte) error {
	f, link, err := unnamed(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, discard(f))
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, discard(f))
	}
	if err := link(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return errors.Join(fmt.Errorf("name file: %w", err), discard(f))
	}
	return nil
}

// named is the fallback where files without a name are not supported: a temporary name, then a hard
// link, which unlike rename never replaces what is there.
func named(dir string) (*os.File, func(path string) error, error) {
	f, err := os.CreateTemp(dir, temporary+"*")
	if err != nil {
		return nil, nil, err
	}
	link := func(path string) error {
		err := os.Link(f.Name(), path)
		return errors.Join(err, os.Remove(f.Name()))
	}
	return f, link, nil
}

const temporary = ".new-"

// discard removes the temporary name of a file that could not be written; one without a name goes by
// itself when it is closed.
func discard(f *os.File) error {
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
