package gossip

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// memberlist's messages (its net.go). Version 0.7.0 believes a few bytes of a peer more than is good for
// it: a stream's header may claim a million nodes, for which it makes room at once (100 MB), and what is
// compressed may grow to 40 MB. So the guard lets through only what Hearth's own nodes send.
const (
	msgPing         = 0
	msgIndirectPing = 1
	msgAck          = 2
	msgSuspect      = 3
	msgAlive        = 4
	msgDead         = 5
	msgPushPull     = 6
	msgCompound     = 7
	msgNack         = 11
	msgChecksum     = 12
	msgError        = 13
)

var (
	errMessage = errors.New("gossip: not a message for here")
	errClaim   = errors.New("gossip: a header that claims too much")
)

var leaves = [256]bool{msgPing: true, msgIndirectPing: true, msgAck: true, msgSuspect: true,
	msgAlive: true, msgDead: true, msgNack: true}

// packetIsFine says whether a packet is a message or several; nothing is nested deeper.
//
//	packet   = [12 crc(4)] message
//	message  = type ... | 7 count(1) length(2, big endian)*count part*count
func packetIsFine(b []byte) bool {
	if len(b) > 5 && b[0] == msgChecksum {
		b = b[5:]
	}
	switch {
	case len(b) < 2:
		return false
	case b[0] != msgCompound:
		return leaves[b[0]]
	}
	count := int(b[1])
	if len(b) < 2+2*count {
		return false
	}
	lengths, parts := b[2:2+2*count], b[2+2*count:]
	for ; len(lengths) > 0; lengths = lengths[2:] {
		n := int(binary.BigEndian.Uint16(lengths))
		if n == 0 || n > len(parts) || !leaves[parts[0]] {
			return false
		}
		parts = parts[n:]
	}
	return true
}

type direction int

const (
	inbound direction = iota
	outbound
)

// streamStarts are the messages that may be read from a stream, by who opened it.
var streamStarts = map[direction][256]bool{
	inbound:  {msgPing: true, msgPushPull: true},
	outbound: {msgAck: true, msgPushPull: true, msgError: true},
}

// stream is a net.Conn whose bytes are looked at before memberlist gets them.
type stream struct {
	net.Conn
	from   address
	way    direction
	most   int // nodes in a list
	from1  io.Reader
	opened error // the guard's verdict, once from1 or it is set

	once   sync.Once
	closed chan struct{}
	forget func(*stream)
}

func guard(c net.Conn, from address, way direction, most int, forget func(*stream)) *stream {
	return &stream{Conn: c, from: from, way: way, most: most, closed: make(chan struct{}), forget: forget}
}

func (s *stream) RemoteAddr() net.Addr { return s.from }

// Read is called by one goroutine at a time, as memberlist does.
func (s *stream) Read(b []byte) (int, error) {
	if s.from1 == nil && s.opened == nil {
		s.from1, s.opened = s.inspect()
	}
	if s.opened != nil {
		return 0, s.opened
	}
	return s.from1.Read(b)
}

func (s *stream) Close() error {
	err := net.ErrClosed
	s.once.Do(func() {
		err = s.Conn.Close()
		s.forget(s)
		close(s.closed)
	})
	return err
}

// nodeBytes is room for one node in a list: a name of 64, a record of 512, and their keys.
const nodeBytes = 1024

// inspect reads the beginning, and returns all that may be read, from its first byte.
func (s *stream) inspect() (io.Reader, error) {
	var seen bytes.Buffer
	head := io.TeeReader(io.LimitReader(s.Conn, 64), &seen)
	var kind [1]byte
	if _, err := io.ReadFull(head, kind[:]); err != nil {
		return nil, err
	}
	starts := streamStarts[s.way]
	if !starts[kind[0]] {
		return nil, errMessage
	}
	rest := int64(nodeBytes)
	if kind[0] == msgPushPull {
		nodes, err := s.listHeader(head)
		if err != nil {
			return nil, err
		}
		rest *= int64(nodes) + 1
	}
	return io.MultiReader(&seen, io.LimitReader(s.Conn, rest)), nil
}

func (s *stream) listHeader(r io.Reader) (nodes int, err error) {
	var h struct {
		Nodes        int
		UserStateLen int
		Join         bool
	}
	if err := codec.NewDecoder(r, &codec.MsgpackHandle{}).Decode(&h); err != nil {
		return 0, fmt.Errorf("read a list's header: %w", err)
	}
	if h.Nodes < 0 || h.Nodes > s.most || h.UserStateLen != 0 {
		return 0, errClaim
	}
	return h.Nodes, nil
}
