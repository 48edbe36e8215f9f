//go:build unix

package transport

import (
	"net"
	"sync"
	"syscall"
)

// umask belongs to the whole process.
var umask sync.Mutex

// listenPrivately binds a socket that has mode 0600 from its first moment: a chmod
// afterwards would leave a moment in which others may connect.
func listenPrivately(path string) (*net.UnixListener, error) {
	umask.Lock()
	defer umask.Unlock()
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}
