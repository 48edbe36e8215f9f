package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Operator is the path of the door for who owns the data folder: a Unix socket that
// serves the HTTP API as an administrator without a user. The file's mode is the lock:
// only the owner may connect.
func Operator(dataDir string) string { return filepath.Join(dataDir, "hearth.sock") }

// DialOperator connects to a running node's operator door. The error is fs.ErrNotExist
// when no node runs on the folder.
func DialOperator(ctx context.Context, dataDir string) (net.Conn, error) {
	path, done, err := socketPath(Operator(dataDir))
	if err != nil {
		return nil, fmt.Errorf("reach the node of %s: %w", dataDir, err)
	}
	defer done()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("reach the node of %s: %w", dataDir, errors.Join(fs.ErrNotExist, err))
	}
	return conn, nil
}

// maxSocketPath is what a Unix socket's address has room for, on Linux 108 bytes with a zero.
const maxSocketPath = 100

// socketPath is a name for path that is short enough for a socket's address: where the
// folder's own is too long, the one that Linux gives an open folder.
func socketPath(path string) (short string, done func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	short = "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + filepath.Base(path)
	return short, func() { _ = dir.Close() }, nil
}

// openOperator makes the socket. The data folder's lock is held, so a file that is
// there is left over from a crash.
func (s *Server) openOperator(dir string, routes map[string]http.Handler) error {
	if dir == "" {
		return nil
	}
	path := Operator(dir)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open operator door: %w", err)
	}
	short, done, err := socketPath(path)
	if err != nil {
		return fmt.Errorf("open operator door: %w", err)
	}
	defer done()
	l, err := listenPrivately(short)
	if err != nil {
		return fmt.Errorf("open operator door: %w", err)
	}
	// The name it was bound by may be gone by then: the file is removed below, by its real name.
	l.SetUnlinkOnClose(false)
	mux := http.NewServeMux()
	mux.Handle(service, s.handlers())
	for pattern, h := range routes {
		mux.Handle(pattern, h)
	}
	s.operator = &operatorDoor{path: path, listener: l, http: &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: maxHeader, ErrorLog: s.httpLog,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, operatorKey{}, true)
		},
	}}
	return nil
}

type operatorDoor struct {
	path     string
	listener net.Listener
	http     *http.Server
}

func (o *operatorDoor) close(ctx context.Context) error {
	if o == nil {
		return nil
	}
	err := o.http.Shutdown(ctx)
	if removed := os.Remove(o.path); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	return err
}

type operatorKey struct{}

func isOperator(ctx context.Context) bool { return ctx.Value(operatorKey{}) != nil }
