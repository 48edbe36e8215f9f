package bridge

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
)

// posts keeps the entries that the node has not answered: in order in each channel, and
// no more of them than the window.
type posts struct {
	h     *Host
	slots chan struct{}

	mu    sync.Mutex
	lanes map[string]*lane
}

// lane is one channel's entries. When the node says "again", those on the wire are waited
// for, and then all that are left go out once more, in their order.
type lane struct {
	sending sync.Mutex // held while entries go out, so that they keep their order

	// Under posts.mu:
	list  []*post
	out   int  // on the wire
	held  bool // until resume
	delay time.Duration
}

type post struct {
	entry   *pb.Entry
	waiting []chan *pb.Posted // each has room for one
}

const (
	firstDelay = 250 * time.Millisecond
	lastDelay  = 10 * time.Second
)

func newPosts(h *Host, window int) *posts {
	return &posts{h: h, slots: make(chan struct{}, window), lanes: map[string]*lane{}}
}

// Post says something in the room and returns once the node has answered: it is safe then,
// or refused, which Posted.code tells. It keeps to the window, and tries again where the node
// says so. An error says that ctx or the stream ended first: post it again, with the same key, in the next life.
func (h *Host) Post(ctx context.Context, e *pb.Entry) (*pb.Posted, error) {
	wait, err := h.PostAsync(ctx, e)
	if err != nil {
		return nil, err
	}
	return wait(ctx)
}

// PostAsync is Post in two parts: the entry is on its way, in order within the channel, and wait returns as Post does. Who has
// much to say says it so: the node takes one that waits for each answer twenty times slower.
func (h *Host) PostAsync(ctx context.Context, e *pb.Entry) (wait func(context.Context) (*pb.Posted, error), err error) {
	answered := make(chan *pb.Posted, 1)
	if err := h.posts.add(ctx, e, answered); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (*pb.Posted, error) {
		select {
		case p := <-answered:
			return p, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-h.life.Done():
			return nil, context.Cause(h.life)
		}
	}, nil
}

// PostLater is Post without the wait, in order within the channel; it blocks while the window is
// full. What is not answered before the stream ends is the plugin's to post again.
func (h *Host) PostLater(e *pb.Entry) { h.posts.add(h.life, e, nil) }

func (q *posts) add(ctx context.Context, e *pb.Entry, answered chan *pb.Posted) error {
	select {
	case q.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-q.h.life.Done():
		return context.Cause(q.h.life)
	}
	l := q.lane(e.GetChannel())
	l.sending.Lock()
	defer l.sending.Unlock()
	if !q.enqueue(l, e, answered) {
		return nil
	}
	return q.send(e)
}

func (q *posts) lane(channel string) *lane {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[channel]
	if l == nil {
		l = &lane{delay: firstDelay}
		q.lanes[channel] = l
	}
	return l
}

// enqueue tells whether the entry is to go out now. One that is under way already, by its key, is not.
func (q *posts) enqueue(l *lane, e *pb.Entry, answered chan *pb.Posted) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	p := l.find(e.GetKey())
	known := p != nil
	if known {
		<-q.slots
	} else {
		p = &post{entry: e}
		l.list = append(l.list, p)
	}
	if answered != nil {
		p.waiting = append(p.waiting, answered)
	}
	if known || l.held {
		return false
	}
	l.out++
	return true
}

func (l *lane) find(key string) *post {
	for _, p := range l.list {
		if p.entry.GetKey() == key {
			return p
		}
	}
	return nil
}

func (q *posts) send(e *pb.Entry) error {
	return q.h.send(&pb.PluginFrame{Frame: &pb.PluginFrame_Entry{Entry: e}})
}

// answer takes a Posted from the stream.
func (q *posts) answer(posted *pb.Posted) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[posted.GetChannel()]
	if l == nil {
		return
	}
	p := l.find(posted.GetKey())
	if p == nil {
		return
	}
	l.out--
	if posted.GetAgain() {
		l.held = true
	} else {
		q.settle(l, p, posted)
	}
	if l.held && l.out == 0 {
		q.later(l)
	}
}

func (q *posts) settle(l *lane, p *post, posted *pb.Posted) {
	for i := range l.list {
		if l.list[i] == p {
			l.list = append(l.list[:i:i], l.list[i+1:]...)
			break
		}
	}
	for _, w := range p.waiting {
		w <- posted
	}
	<-q.slots
	if !l.held {
		l.delay = firstDelay
	}
}

// later resumes the lane after a delay that grows, with jitter.
func (q *posts) later(l *lane) {
	delay := l.delay/2 + rand.N(l.delay)
	l.delay = min(2*l.delay, lastDelay)
	time.AfterFunc(delay, func() {
		l.sending.Lock()
		defer l.sending.Unlock()
		q.mu.Lock()
		l.held = false
		l.out = len(l.list)
		again := append([]*post(nil), l.list...)
		q.mu.Unlock()
		for _, p := range again {
			if q.send(p.entry) != nil {
				return
			}
		}
	})
}
