package transport

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/account"
	"hearth/node/room"
	"hearth/transport/session"
)

// wire is one client's connection, as a session sees it.
type wire interface {
	// write sends one frame that is not empty; an error is the connection's end.
	write(f *session.Frame) error
	// finish ends the connection after the last frame, so that the client gets to read it.
	finish(reason string)
	// cut ends the connection now; a blocked write returns.
	cut()
}

// live is one session on its connection. Two goroutines work on it:
//
//   - the reader (the door's) receives frames and begins requests, in order;
//   - the writer waits until something is due, gathers all of it into one frame, and
//     writes that. There is never more than one frame in flight, and the follower holds
//     no payload: a client that does not read costs one frame.
//
// Ordered commands (drafts) begin in the reader and are waited for beside it; the
// others run one after the other in the lane, a goroutine that exists while there is work.
type live struct {
	s         *Server
	wire      wire
	transport string
	door      doorCounters
	address   string

	kick chan struct{} // one slot: the writer has something to do. The follower's wake-up too
	gone chan struct{} // closed by the reader when it is done
	ctx  context.Context
	stop context.CancelFunc
	work sync.WaitGroup // requests under way beside the reader

	mu       sync.Mutex
	machine  *session.Session
	follower *node.Follower
	caller   account.Caller
	token    string
	lane     []func()
	resume   chan struct{} // closed when the reader may look again; nil: it does not wait
}

// start makes a session for a new connection and runs its writer. The door then calls
// receive for each frame, and done at the end.
func (s *Server) start(w wire, transport, address string) (*live, error) {
	ctx, stop := context.WithCancel(s.ctx)
	l := &live{
		s: s, wire: w, transport: transport, door: s.counters.doors[transport], address: hostOf(address),
		kick: make(chan struct{}, 1), gone: make(chan struct{}), ctx: ctx, stop: stop,
		machine: session.New(session.Limits{FrameBytes: s.frameBytes(), InFlight: s.inFlight, Heartbeat: s.heartbeat}, time.Now()),
	}
	if !s.crowd.add(l) {
		stop()
		return nil, errStopping
	}
	go l.writeLoop()
	return l, nil
}

var errStopping = room.Errorf(room.Unavailable, "The node is stopping.")

// receive takes in one frame and begins what it asks for. It returns when the next
// frame may be read; false when none may.
func (l *live) receive(frame []byte) bool {
	l.door.frameIn(len(frame))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.machine.Receive(time.Now(), frame)
	for {
		for {
			r, ok := l.machine.Take()
			if !ok {
				break
			}
			l.mu.Unlock()
			l.begin(r)
			l.mu.Lock()
		}
		l.poke()
		if l.machine.Ended() {
			return false
		}
		if !l.machine.Held() && l.machine.Unwritten() < maxUnwritten {
			return true
		}
		if !l.await() {
			return false
		}
	}
}

// maxUnwritten is how much may wait for a client that asks and does not read.
const maxUnwritten = 512 << 10

// await waits for an answer to be given or written. The caller holds mu.
func (l *live) await() bool {
	if l.resume == nil {
		l.resume = make(chan struct{})
	}
	resume := l.resume
	l.mu.Unlock()
	defer l.mu.Lock()
	select {
	case <-resume:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// poke tells the writer and a waiting reader to look again. The caller holds mu.
func (l *live) poke() {
	if l.resume != nil {
		close(l.resume)
		l.resume = nil
	}
	if l.machine.Due() {
		l.nudge()
	}
}

func (l *live) nudge() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// refuse ends the session over something the door saw, such as a frame too large to read.
func (l *live) refuse(err error) { l.end(err, 0) }

// end ends the session from outside.
func (l *live) end(err error, reconnect time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.machine.End(err, reconnect)
	l.poke()
}

func (l *live) tick(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.machine.Tick(now)
	if l.machine.Due() {
		l.nudge()
	}
}

// begin runs a request as far as its command wants to be run in order.
func (l *live) begin(r session.Request) {
	defer l.survive(r.Command, r.ID)
	if r.Command == openCommand {
		l.open(r)
		return
	}
	row, ok := l.s.table.find(r.Command)
	if !ok {
		l.answer(r.ID, nil, room.Errorf(room.NotFound, "There is no command %q.", clip(r.Command, 60)))
		return
	}
	request, err := row.decode(r.Body)
	if err != nil {
		l.answer(r.ID, nil, err)
		return
	}
	c, err := l.call()
	if err == nil || row.right == anybody {
		err = c.allow(row)
	}
	if err != nil {
		l.answer(r.ID, nil, err)
		return
	}
	if row.ordered || row.apart != nil && row.apart(request) {
		l.ordered(row, c, r.ID, request)
		return
	}
	l.enqueue(func() { l.run(row, c, r.ID, request) })
}

// call says who asks. The token is looked at each time: a revoked one is worth nothing
// from that moment on, even before the session has been told.
func (l *live) call() (*call, error) {
	l.mu.Lock()
	c := &call{s: l.s, address: l.address, live: l, token: l.token}
	l.mu.Unlock()
	caller, err := l.s.node.Accounts.Authenticate(c.token)
	c.caller = caller
	return c, err
}

func (l *live) ordered(row *command, c *call, id uint64, request proto.Message) {
	wait, err := row.start(l.ctx, c, request)
	if err != nil {
		l.answer(id, nil, err)
		return
	}
	l.work.Go(func() { l.finish(row, c, id, wait) })
}

func (l *live) finish(row *command, c *call, id uint64, wait outcome) {
	defer l.survive(row.name, id)
	response, err := l.s.logged(row, c, func() (proto.Message, error) { return wait(l.ctx) })
	l.reply(id, response, err)
}

func (l *live) run(row *command, c *call, id uint64, request proto.Message) {
	defer l.survive(row.name, id)
	response, err := l.s.logged(row, c, func() (proto.Message, error) {
		wait, err := row.start(l.ctx, c, request)
		if err != nil {
			return nil, err
		}
		return wait(l.ctx)
	})
	l.reply(id, response, err)
}

// survive answers for a command that panicked: one broken request ends nobody's node.
func (l *live) survive(name string, id uint64) {
	if reason := recover(); reason != nil {
		l.answer(id, nil, l.s.panicked(name, reason))
	}
}

// enqueue adds to the lane.
func (l *live) enqueue(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lane = append(l.lane, do)
	if len(l.lane) == 1 {
		l.work.Go(l.drive)
	}
}

// drive runs the lane until it is empty. It holds back while the client does not read
// what it was answered.
func (l *live) drive() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.lane) > 0 {
		for l.machine.Unwritten() >= maxUnwritten {
			if !l.await() {
				l.lane = nil
				return
			}
		}
		do := l.lane[0]
		l.mu.Unlock()
		do()
		l.mu.Lock()
		if l.lane = l.lane[1:]; len(l.lane) == 0 {
			l.lane = nil
		}
	}
}

func (l *live) reply(id uint64, response proto.Message, err error) {
	if err != nil {
		l.answer(id, nil, err)
		return
	}
	body, err := proto.Marshal(response)
	l.answer(id, body, err)
}

func (l *live) answer(id uint64, body []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.machine.Answer(id, body, err)
	l.poke()
}

// done is called by the reader when the connection has ended, for whatever reason. The
// writer finds out by a Bye, which reaches nobody as a rule.
func (l *live) done() {
	l.stop()
	close(l.gone)
	l.end(errLeft, 0)
}

var errLeft = room.Errorf(room.Unavailable, "The connection has ended.")

// leave gives back what the session held: the writer's last act.
func (l *live) leave() {
	l.wire.cut()
	l.stop()
	<-l.gone
	l.work.Wait()
	l.mu.Lock()
	f, caller := l.follower, l.caller
	l.mu.Unlock()
	if f != nil {
		f.Close()
		l.s.accounts.leave(caller.User)
		l.s.node.Accounts.Touch(caller, l.address) // it was in use until now
	}
	l.s.crowd.remove(l)
}

// refusal is err when it is one that ends a follower.
func refusal(err error) *room.Error {
	var e *room.Error
	if errors.As(err, &e) {
		return e
	}
	return session.Refusal(err)
}
