//go:build !unix

package transport

import "net"

// listenPrivately binds a socket; the folder's access list is the lock here.
func listenPrivately(path string) (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}
