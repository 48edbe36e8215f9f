package transport

import (
	"bytes"
	"fmt"
	"testing"
)

// The three lengths of RFC 6455 5.2, at their borders.
func TestWebSocketHeader(t *testing.T) {
	for n, want := range map[int]string{
		1: "82 01", 125: "82 7d", 126: "82 7e 00 7e", 1<<16 - 1: "82 7e ff ff", 1 << 16: "82 7f 00 00 00 00 00 01 00 00",
	} {
		if got := fmt.Sprintf("% x", appendHeader(nil, n)); got != want {
			t.Errorf("a message of %d bytes begins %s, want %s", n, got, want)
		}
	}
	if long := appendHeader(nil, 1<<40); len(long) > 10 || !bytes.HasPrefix(long, []byte{0x82, 127}) {
		t.Errorf("a long header is %x", long)
	}
}
