package transport

import (
	"compress/gzip"
	"errors"
	"io"

	"connectrpc.com/connect"
)

// Connect bounds what a compressed message may be, but reads what is over the bound to
// its end, to tell how much it was: a bomb of 256 KiB would still cost the time to
// inflate 250 MB. So the decompressor itself stops, a little behind the bound.

type boundedGzip struct {
	gzip.Reader
	max, left int64
}

var errInflated = errors.New("more than a message may be comes out of the compressed bytes")

func (z *boundedGzip) Read(b []byte) (int, error) {
	if z.left <= 0 {
		return 0, errInflated
	}
	n, err := z.Reader.Read(b[:min(int64(len(b)), z.left)])
	z.left -= int64(n)
	return n, err
}

func (z *boundedGzip) Reset(r io.Reader) error {
	z.left = z.max
	return z.Reader.Reset(r)
}

// withGzip is the only compression there is.
func withGzip(max int) connect.HandlerOption {
	return connect.WithCompression("gzip",
		func() connect.Decompressor { return &boundedGzip{max: int64(max) + 64<<10} },
		func() connect.Compressor { return gzip.NewWriter(io.Discard) })
}
