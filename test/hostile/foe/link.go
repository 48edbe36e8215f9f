package foe

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"google.golang.org/protobuf/proto"

	"hearth/federation/link/linkpb"
	"hearth/node/room/roompb"
)

// Link is a connection with a node.
type Link struct {
	Foe  *Foe
	Conn *quic.Conn
	Deaf atomic.Bool // reads nothing once it is up

	control *quic.Stream
	reader  *bufio.Reader
	running sync.WaitGroup

	mu      sync.Mutex
	frames  []*linkpb.Frame
	parcels []*roompb.Parcel
	asks    []*roompb.Ask
	answer  func(*roompb.Ask) *roompb.Answer
	streams map[string]*quic.SendStream
	changed chan struct{}
}

// mostKept bounds what of each is kept.
const mostKept = 10_000

func deterministic(m proto.Message) []byte {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", m, err))
	}
	return raw
}

// Hello is the frame with which it begins.
func (f *Foe) Hello(invite string) *linkpb.Hello {
	instance := make([]byte, 8)
	rand.Read(instance)
	return &linkpb.Hello{Protocol: 1, Record: f.Record(nil), Invite: invite, Time: time.Now().UnixMilli(), Instance: instance}
}

// Greet dials a node and says hello. The answer is the node's hello, which may be a refusal.
func (f *Foe) Greet(ctx context.Context, address string, hello *linkpb.Hello) (*Link, *linkpb.Hello, error) {
	conn, err := f.Dial(ctx, address, nil)
	if err != nil {
		return nil, nil, err
	}
	l := &Link{Foe: f, Conn: conn, streams: map[string]*quic.SendStream{}, changed: make(chan struct{})}
	if l.control, err = conn.OpenStreamSync(ctx); err != nil {
		return nil, nil, err
	}
	if err := l.Send(&linkpb.Frame{What: &linkpb.Frame_Hello{Hello: hello}}); err != nil {
		return nil, nil, err
	}
	l.reader = bufio.NewReader(l.control)
	if end, ok := ctx.Deadline(); ok {
		_ = l.control.SetReadDeadline(end)
	}
	first, err := l.readFrame()
	if err != nil {
		return nil, nil, err
	}
	_ = l.control.SetReadDeadline(time.Time{})
	return l, first.GetHello(), nil
}

// Run takes what comes, until the link ends: pings are answered, asks by answer (nil: not at all).
func (l *Link) Run(answer func(*roompb.Ask) *roompb.Answer) {
	l.answer = answer
	l.running.Go(l.readControl)
	l.running.Go(l.acceptUni)
	l.running.Go(l.acceptBidi)
	l.running.Go(func() {
		for {
			if _, err := l.Conn.ReceiveDatagram(l.Conn.Context()); err != nil {
				return
			}
		}
	})
}

// Close ends the connection and waits for what it has begun.
func (l *Link) Close() {
	_ = l.Conn.CloseWithError(0, "")
	l.running.Wait()
}

// Ended tells, by a closed channel, that the connection is no more.
func (l *Link) Ended() <-chan struct{} { return l.Conn.Context().Done() }

func framed(b []byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }

// Send writes frames to the control stream.
func (l *Link) Send(frames ...*linkpb.Frame) error {
	var b []byte
	Sent.Add(int64(len(frames)))
	for _, f := range frames {
		b = append(b, framed(marshal(f))...)
	}
	return l.Raw(b)
}

// Raw writes bytes to the control stream.
func (l *Link) Raw(b []byte) error {
	_ = l.control.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := l.control.Write(b)
	return err
}

func (l *Link) readFrame() (*linkpb.Frame, error) {
	f := new(linkpb.Frame)
	return f, readMessage(l.reader, f)
}

func readMessage(r *bufio.Reader, m proto.Message) error {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	if n > 64<<20 {
		return errors.New("too long")
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	return proto.Unmarshal(b, m)
}

func (l *Link) readControl() {
	for !l.Deaf.Load() {
		f, err := l.readFrame()
		if err != nil {
			return
		}
		if p := f.GetPing(); p != nil {
			_ = l.Send(&linkpb.Frame{What: &linkpb.Frame_Pong{Pong: &linkpb.Pong{Id: p.Id, Time: time.Now().UnixMilli()}}})
			continue
		}
		l.note(func() { l.frames = keep(l.frames, f) })
	}
}

func keep[T any](list []T, one T) []T {
	if len(list) >= mostKept {
		return list
	}
	return append(list, one)
}

func (l *Link) note(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *Link) acceptUni() {
	for {
		s, err := l.Conn.AcceptUniStream(l.Conn.Context())
		if err != nil {
			return
		}
		if l.Deaf.Load() {
			continue
		}
		l.running.Go(func() { l.readUni(s) })
	}
}

func (l *Link) readUni(s *quic.ReceiveStream) {
	r := bufio.NewReader(s)
	kind, err := r.ReadByte()
	if err != nil || kind != 'r' {
		_, _ = io.Copy(io.Discard, r)
		return
	}
	room := make([]byte, 32)
	if _, err := io.ReadFull(r, room); err != nil {
		return
	}
	for {
		p := new(roompb.Parcel)
		if readMessage(r, p) != nil {
			return
		}
		p.Room = room // it need not be named again
		l.note(func() { l.parcels = keep(l.parcels, p) })
	}
}

func (l *Link) acceptBidi() {
	for {
		s, err := l.Conn.AcceptStream(l.Conn.Context())
		if err != nil {
			return
		}
		l.running.Go(func() { l.serve(s) })
	}
}

// serve answers an ask, and lets a stream of gossip be.
func (l *Link) serve(s *quic.Stream) {
	defer s.Close()
	r := bufio.NewReader(s)
	kind, err := r.ReadByte()
	a := new(roompb.Ask)
	if err != nil || kind != 'q' || readMessage(r, a) != nil {
		s.CancelRead(0)
		return
	}
	l.note(func() { l.asks = keep(l.asks, a) })
	if l.answer == nil {
		return
	}
	if answer := l.answer(a); answer != nil {
		Sent.Add(1)
		_, _ = s.Write(framed(marshal(answer)))
	}
}

// await waits until found, under the lock, says so, or the link or the context ends.
func (l *Link) await(ctx context.Context, found func() bool) error {
	for {
		l.mu.Lock()
		ok, changed := found(), l.changed
		l.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-l.Ended():
			return fmt.Errorf("the link has ended: %w", context.Cause(l.Conn.Context()))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Frame waits for a frame.
func (l *Link) Frame(ctx context.Context, want func(*linkpb.Frame) bool) (out *linkpb.Frame, err error) {
	err = l.await(ctx, func() bool {
		for _, f := range l.frames {
			if want(f) {
				out = f
				return true
			}
		}
		return false
	})
	return out, err
}

// Frames are those that came until now.
func (l *Link) Frames() []*linkpb.Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*linkpb.Frame(nil), l.frames...)
}

// Parcels are those that came until now.
func (l *Link) Parcels() []*roompb.Parcel {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*roompb.Parcel(nil), l.parcels...)
}

// Asks are those that came until now.
func (l *Link) Asks() []*roompb.Ask {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*roompb.Ask(nil), l.asks...)
}

// Ask asks the node.
func (l *Link) Ask(ctx context.Context, a *roompb.Ask) (*roompb.Answer, error) {
	Sent.Add(1)
	s, err := l.Conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	defer s.CancelRead(0)
	if end, ok := ctx.Deadline(); ok {
		_ = s.SetDeadline(end)
	}
	if _, err := s.Write(append([]byte{'q'}, framed(marshal(a))...)); err != nil {
		return nil, err
	}
	_ = s.Close() // the node may have read all that it needs
	out := new(roompb.Answer)
	return out, readMessage(bufio.NewReader(s), out)
}

// Push writes parcels to the stream of a room.
func (l *Link) Push(room []byte, parcels ...*roompb.Parcel) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.streams[string(room)]
	if s == nil {
		var err error
		if s, err = l.Conn.OpenUniStreamSync(l.Conn.Context()); err != nil {
			return err
		}
		if _, err := s.Write(append([]byte{'r'}, room...)); err != nil {
			return err
		}
		l.streams[string(room)] = s
	}
	for _, p := range parcels {
		Sent.Add(int64(max(1, len(p.Packets))))
		if _, err := s.Write(framed(marshal(p))); err != nil {
			return err
		}
	}
	return nil
}

// Stream opens a stream in one direction and writes bytes to it; end closes it.
func (l *Link) Stream(b []byte, end bool) (*quic.SendStream, error) {
	Sent.Add(1)
	s, err := l.Conn.OpenUniStreamSync(l.Conn.Context())
	if err != nil {
		return nil, err
	}
	if _, err = s.Write(b); err == nil && end {
		err = s.Close()
	}
	return s, err
}

// Datagram sends one, that may be lost.
func (l *Link) Datagram(b []byte) error {
	Sent.Add(1)
	return l.Conn.SendDatagram(b)
}

// Signal is sent as a datagram.
func (l *Link) Signal(s *roompb.Signal) error { return l.Datagram(append([]byte{'s'}, marshal(s)...)) }
