// Package port finds ports for the programs that tests start.
package port

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports below those from which the kernel takes the near end of a connection (32768 and above:
// net.ipv4.ip_local_port_range). One of those would be somebody else's by chance while a node is
// down that was killed and is to come back on the same port.
const first, last = 12_000, 32_000

var given sync.Map // what this process has had: its program may not listen yet

// Free is a port of loopback where nothing listens, by TCP or by UDP.
func Free(t testing.TB) string {
	t.Helper()
	for range 1000 {
		n := first + rand.N(last-first)
		if _, twice := given.LoadOrStore(n, true); !twice && free(n) {
			return strconv.Itoa(n)
		}
	}
	t.Fatalf("of a thousand ports between %d and %d none is free", first, last)
	return ""
}

// Loopback is the address of one.
func Loopback(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", Free(t))
}

func free(n int) bool {
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(n))
	l, err := net.Listen("tcp", at)
	if err != nil {
		return false
	}
	defer l.Close()
	c, err := net.ListenPacket("udp", at)
	if err != nil {
		return false
	}
	c.Close()
	return true
}
