package client

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	pb "hearth/transport/session/clientpb"
)

// calls are the commands under way: in line to be written, or written and not answered.
type calls struct {
	mu    sync.Mutex
	byID  map[uint64]*call
	line  []*call // to be written, in order of id
	last  uint64
	ended error
	begun chan struct{} // one slot: a call has begun (the reader may have to go on)
}

type call struct {
	id   uint64
	info Info
	body []byte
	sent *session    // nil: in line
	done chan answer // one slot
}

type answer struct {
	body []byte
	err  error
}

func newCalls() calls {
	return calls{byID: map[uint64]*call{}, begun: make(chan struct{}, 1)}
}

// Do implements Caller over the session. A repeatable command outlives breaks of the
// connection for as long as ctx; the others end with ErrInterrupted.
func (c *Client) Do(ctx context.Context, info Info, req, resp proto.Message) error {
	withKey(req)
	body, err := proto.Marshal(req)
	if err != nil {
		return fmt.Errorf("encode %s: %w", info.Name, err)
	}
	k := &call{info: info, body: body, done: make(chan answer, 1)}
	if err := c.calls.start(k); err != nil {
		return err
	}
	c.mu.Lock()
	if info.Name == Watch.Name {
		c.watch = body
	}
	s := c.conn
	c.mu.Unlock()
	if s != nil {
		s.poke()
	}
	select {
	case a := <-k.done:
		return a.into(info, resp)
	case <-ctx.Done():
		c.calls.forget(k)
		return ctx.Err()
	}
}

func (a answer) into(info Info, resp proto.Message) error {
	if a.err != nil {
		return a.err
	}
	if err := proto.Unmarshal(a.body, resp); err != nil {
		return fmt.Errorf("decode answer to %s: %w", info.Name, err)
	}
	return nil
}

func (cs *calls) start(k *call) error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.ended != nil {
		return cs.ended
	}
	cs.add(k)
	select {
	case cs.begun <- struct{}{}:
	default:
	}
	return nil
}

func (cs *calls) add(k *call) {
	cs.last++
	k.id = cs.last
	cs.byID[k.id] = k
	cs.line = append(cs.line, k)
}

func (cs *calls) forget(k *call) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.byID, k.id)
	cs.line = slices.DeleteFunc(cs.line, func(l *call) bool { return l == k })
}

// waiting says whether somebody waits for an answer.
func (cs *calls) waiting() bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.byID) > 0
}

// due takes requests off the line for s, at least one and about max bytes of them.
func (cs *calls) due(s *session, max int) []*pb.Request {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var out []*pb.Request
	size := 0
	for len(cs.line) > 0 && (len(out) == 0 || size+len(cs.line[0].body) <= max) {
		k := cs.line[0]
		cs.line = cs.line[1:]
		k.sent = s
		size += len(k.body)
		out = append(out, &pb.Request{Id: k.id, Command: k.info.Name, Body: k.body})
	}
	return out
}

func (cs *calls) answer(r *pb.Reply) {
	cs.mu.Lock()
	k := cs.byID[r.Id]
	delete(cs.byID, r.Id)
	cs.mu.Unlock()
	if k == nil {
		return // forgotten by its caller
	}
	if r.Error != nil {
		k.done <- answer{err: refusal(r.Error)}
		return
	}
	k.done <- answer{body: r.Body}
}

// broken puts what s had written and not heard of back in line, BEFORE whatever is
// there; a sender's order stays. What may not be done twice ends.
func (cs *calls) broken(s *session) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for id, k := range cs.byID {
		if k.sent != s {
			continue
		}
		if k.sent = nil; k.info.Repeat {
			cs.line = append(cs.line, k)
			continue
		}
		delete(cs.byID, id)
		k.done <- answer{err: ErrInterrupted}
	}
	slices.SortFunc(cs.line, func(a, b *call) int { return cmp.Compare(a.id, b.id) })
}

// again repeats the newest Watch (may be nil) for a new session; nobody waits for its answer.
func (cs *calls) again(watch []byte) {
	if watch == nil {
		return
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.last++
	k := &call{id: cs.last, info: Watch.Info, body: watch}
	cs.line = append(cs.line, k)
}

func (cs *calls) fail(err error) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.ended = err
	for id, k := range cs.byID {
		delete(cs.byID, id)
		k.done <- answer{err: err}
	}
	cs.line = nil
}
