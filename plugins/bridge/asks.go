package bridge

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	pb "hearth/plugins/bridge/bridgepb"
)

const (
	askLimit   = 16       // requests under way
	chunkBytes = 64 << 10 // of a file at once
	notFound   = "not_found"
)

// asks are the requests that the node has not answered.
type asks struct {
	h     *Host
	slots chan struct{}

	mu   sync.Mutex
	last uint64
	open map[uint64]*ask
}

type ask struct {
	answered chan *pb.Answer // one slot
	spool    *os.File        // Fetch: where the chunks go
	answer   *pb.Answer      // Fetch: which came before the chunks
}

func newAsks(h *Host) *asks {
	return &asks{h: h, slots: make(chan struct{}, askLimit), open: map[uint64]*ask{}}
}

// Get reads a value of the bridge's own; false when there is none.
func (h *Host) Get(ctx context.Context, key string) ([]byte, bool, error) {
	a, err := h.asks.do(ctx, &pb.Request{Ask: &pb.Request_Get{Get: key}})
	if refusal, ok := err.(*Error); ok && refusal.Code == notFound {
		return nil, false, nil
	}
	return a.GetValue(), err == nil, err
}

// Put writes a value of the bridge's own: it is on disk when Put returns. At most 64 KB each, 10,000 keys, 16 MB in all.
func (h *Host) Put(ctx context.Context, key string, value []byte) error {
	_, err := h.asks.do(ctx, &pb.Request{Ask: &pb.Request_Put{Put: &pb.Put{Key: key, Value: value}}})
	return err
}

// Delete removes a value; it is no error when there is none.
func (h *Host) Delete(ctx context.Context, key string) error {
	_, err := h.asks.do(ctx, &pb.Request{Ask: &pb.Request_Delete{Delete: key}})
	return err
}

// List is the keys that begin with prefix, sorted.
func (h *Host) List(ctx context.Context, prefix string) ([]string, error) {
	a, err := h.asks.do(ctx, &pb.Request{Ask: &pb.Request_List{List: prefix}})
	return a.GetKeys(), err
}

// Publish makes a link to a file, or to a page of text, that needs no login, cannot be guessed, and ends.
func (h *Host) Publish(ctx context.Context, p *pb.Publish) (url string, err error) {
	a, err := h.asks.do(ctx, &pb.Request{Ask: &pb.Request_Publish{Publish: p}})
	return a.GetUrl(), err
}

// Claim tells that somebody over there gave a code to link a channel, or asked to unlink it.
func (h *Host) Claim(ctx context.Context, c *pb.Claim) (confirmed bool, err error) {
	a, err := h.asks.do(ctx, &pb.Request{Ask: &pb.Request_Claim{Claim: c}})
	return a.GetConfirmed(), err
}

// Block says that somebody over there does not want to be written to any more, or takes that back; it tells whether that changed anything.
func (h *Host) Block(ctx context.Context, b *pb.Block) (changed bool, err error) {
	a, err := h.asks.do(ctx, &pb.Request{Ask: &pb.Request_Block{Block: b}})
	return a.GetConfirmed(), err
}

// Find is which event of the room a message over there is, or, with an event, what it is over there; empty when there is none.
func (h *Host) Find(ctx context.Context, f *pb.Find) (event string, remote []string, err error) {
	a, err := h.asks.do(ctx, &pb.Request{Ask: &pb.Request_Find{Find: f}})
	return a.GetEvent(), a.GetRemote(), err
}

// Fetch brings a file. It is whole when Fetch returns, in a temporary file that goes with Close.
func (h *Host) Fetch(ctx context.Context, handle string) (*pb.File, io.ReadCloser, error) {
	spool, err := newSpool()
	if err != nil {
		return nil, nil, err
	}
	a, err := h.asks.wait(ctx, &ask{spool: spool}, &pb.Request{Ask: &pb.Request_Fetch{Fetch: handle}}, nil)
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		spool.Close()
		return nil, nil, fmt.Errorf("fetch file %s: %w", handle, err)
	}
	return a.GetFile(), spool, nil
}

// newSpool is a file without a name.
func newSpool() (*os.File, error) {
	f, err := os.CreateTemp("", "hearth-bridge-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// Store hands the node a file, whose handle entries and Publish may name.
func (h *Host) Store(ctx context.Context, s *pb.Store, r io.Reader) (handle string, err error) {
	a, err := h.asks.wait(ctx, &ask{}, &pb.Request{Ask: &pb.Request_Store{Store: s}}, r)
	if err != nil {
		return "", fmt.Errorf("store file %s: %w", s.GetName(), err)
	}
	return a.GetHandle(), nil
}

func (q *asks) do(ctx context.Context, r *pb.Request) (*pb.Answer, error) {
	return q.wait(ctx, &ask{}, r, nil)
}

// wait asks and waits for the answer; the bytes of body follow the request.
func (q *asks) wait(ctx context.Context, a *ask, r *pb.Request, body io.Reader) (*pb.Answer, error) {
	select {
	case q.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-q.h.life.Done():
		return nil, context.Cause(q.h.life)
	}
	defer func() { <-q.slots }()
	a.answered = make(chan *pb.Answer, 1)
	id := q.add(a)
	defer q.forget(id)
	r.Request = id
	if err := q.h.send(&pb.PluginFrame{Frame: &pb.PluginFrame_Request{Request: r}}); err != nil {
		return nil, err
	}
	if body != nil {
		if err := q.upload(ctx, a, id, body); err != nil {
			return nil, err
		}
	}
	select {
	case answer := <-a.answered:
		if answer.GetCode() != "" {
			return nil, &Error{answer.GetCode(), answer.GetText()}
		}
		return answer, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-q.h.life.Done():
		return nil, context.Cause(q.h.life)
	}
}

// upload sends body in chunks, until its end or an early answer, which is a refusal.
func (q *asks) upload(ctx context.Context, a *ask, id uint64, body io.Reader) error {
	for buf := make([]byte, chunkBytes); ; {
		n, err := io.ReadFull(body, buf)
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		c := &pb.Chunk{Request: id, Bytes: append([]byte(nil), buf[:n]...)}
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			c.Last = true
		case err != nil:
			c.Last, c.Error = true, err.Error()
		}
		sent := q.h.send(&pb.PluginFrame{Frame: &pb.PluginFrame_Chunk{Chunk: c}})
		switch {
		case sent != nil:
			return sent
		case c.Error != "":
			return err
		case c.Last || len(a.answered) > 0:
			return nil
		}
	}
}

func (q *asks) add(a *ask) uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.last++
	q.open[q.last] = a
	return q.last
}

func (q *asks) forget(id uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, id)
}

// answer takes an Answer from the stream. That of a Fetch waits for its chunks.
func (q *asks) answer(answer *pb.Answer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.open[answer.GetRequest()]
	switch {
	case a == nil:
	case a.spool != nil && answer.GetCode() == "" && a.answer == nil:
		a.answer = answer
	default:
		a.finish(answer)
	}
}

// finish hands the answer over; a second one is lost.
func (a *ask) finish(answer *pb.Answer) {
	select {
	case a.answered <- answer:
	default:
	}
}

func (q *asks) chunk(c *pb.Chunk) {
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.open[c.GetRequest()]
	if a == nil || a.spool == nil || a.answer == nil {
		return
	}
	_, err := a.spool.Write(c.GetBytes())
	switch {
	case err != nil:
		a.finish(&pb.Answer{Code: "internal", Text: "The file could not be kept: " + err.Error()})
	case c.GetError() != "":
		a.finish(&pb.Answer{Code: "unavailable", Text: c.GetError()})
	case c.GetLast():
		a.finish(a.answer)
	}
}
