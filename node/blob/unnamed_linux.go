package blob

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// unnamed opens a file in dir that has no name until link gives it one: what a crash leaves of it, the
// file system takes away itself. Falls back to named where the file system cannot (NFS, some FUSE).
func unnamed(dir string) (*os.File, func(path string) error, error) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		return named(dir)
	}
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EINVAL) {
		return named(dir)
	}
	if err != nil {
		return nil, nil, &os.PathError{Op: "open unnamed file in", Path: dir, Err: err}
	}
	// Linking by descriptor alone (AT_EMPTY_PATH) needs a capability; by /proc it does not (open(2)).
	source := fmt.Sprintf("/proc/self/fd/%d", fd)
	link := func(path string) error {
		return unix.Linkat(unix.AT_FDCWD, source, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	}
	return os.NewFile(uintptr(fd), filepath.Join(dir, temporary+"unnamed")), link, nil
}
