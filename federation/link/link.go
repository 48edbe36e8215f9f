// Package link is the protocol with one peer (docs/protocol/federation.md), as a state
// machine: no socket, no goroutine, no clock, no randomness. Frames and ticks go in; steps
// for the driver and frames to write come out. A driver (package federation, a simulator):
//
//	Receive(now, frame) every frame of the control stream; Heard(now) whatever else came.
//	AFTER each call, carry out what Next hands out, in that order, and write what Write
//	  hands out. Tick(now) when Due() says so.
//	A Judge step is answered by Welcome or Refuse BEFORE anything else is received.
//	A Sum step is answered by Sums; Tell by Tell, and Compare by Lacks where the peer has more.
//	A Push step: Begin, collect, send, Pushed, until Begin says that nothing is due. Where
//	  Brief says so, parcels are shortened and restored by their stream's Recent, and Sent
//	  is told of each BEFORE it is written.
//	Dirty(room) when the node has news; Stored when a parcel was stored, Lacks when it
//	  could not be used; Charge for what was wrong.
//	AFTER an Ended step, write what is due and close the connection.
//
// One goroutine at a time: the driver holds its own lock around every call.
package link

import (
	"fmt"
	"slices"
	"time"

	"hearth/federation/link/linkpb"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Protocol is the version of the protocol that this package speaks.
const Protocol = 1

// How long a link waits.
const (
	HelloWithin = 5 * time.Second  // for the hello, or its answer
	PingEvery   = 5 * time.Second  // while a link is up
	SilentFor   = 15 * time.Second // then it is dead
	DigestEvery = 15 * time.Second // plus jitter of a fifth

	chargesMost = 10 // within chargesFor end the link
	chargesFor  = time.Minute
	Quarantine  = 5 * time.Minute // what a charged peer has to wait

	framesPerSecond = 2_000
	framesBurst     = 20_000
	digestsBurst    = 20 // and one a second: each costs a look at all shared rooms
)

// Config of a link.
type Config struct {
	Dialled bool          // by this node: its hello goes first
	Hello   *linkpb.Hello // this node's own, complete but for the time
	Seed    uint64        // of the jitter
}

type phase uint8

const (
	greeting phase = iota // the hello, or its answer, has not come
	judging               // the driver looks at it
	up
	ended
)

// Link is the protocol with one peer. Make it with New.
type Link struct {
	config  Config
	phase   phase
	brief   bool // both know FeatureBrief
	jitter  jitter
	heard   time.Time
	rtt     time.Duration
	ahead   time.Duration
	aheadAt time.Time
	steps   []Step
	frames  []*linkpb.Frame
	rooms   map[room.ID]*place
	timed   map[room.ID]*place // those of rooms that wait for a moment
	sent    map[uint64]*sent   // parcels on their way, by stream
	learnt  int                // logs in the Haves that were taken in since rooms were last forgotten
	charges []time.Time
	budget  budget
	digests budget

	pingID, pongID uint64
	pinged         time.Time
	pingDue        time.Time
	digestDue      time.Time
	greetBy        time.Time
	compare        comparison
}

// Action is what a step asks of the driver.
type Action uint8

const (
	Judge   Action = iota // look at Hello; answer by Welcome or Refuse
	Opened                // the link is up
	Sum                   // call Sums with the rooms that both share
	Tell                  // call Tell with this node's frontier of Room
	Compare               // the peer has Frontier: when that is more than this node has, call Lacks
	Reached               // the peer has stored Tops and StateIndex of Room
	Level                 // both have the same of all that they share
	Push                  // something is due in Room
	Ended                 // the link is at its end
)

// Step is something for the driver to do.
type Step struct {
	Do         Action
	Room       room.ID
	Hello      *linkpb.Hello
	Features   []string
	Frontier   *roompb.Frontier
	Tops       []*roompb.Top
	StateIndex uint64
	End        *End
}

// End is why a link ended.
type End struct {
	Code    string // see the codes below, or a room.Code of a refusal
	Message string
	Mine    bool          // this node ended it
	Wait    time.Duration // before the next try
}

// Codes of a link's end.
const (
	CodeProtocol = "protocol" // a frame broke the protocol, or another version is spoken
	CodeSilent   = "silent"   // nothing was heard
	CodeCharged  = "charged"  // too much of what came was bad
	CodeDouble   = "double"   // another link of the same two nodes stays
	CodeStopping = "stopping" // the node stops
	CodeBlocked  = "blocked"  // by the administrator
	CodeClosed   = "closed"   // the connection broke
)

// New begins a link: the connection stands and its keys are known, nothing was read.
func New(c Config, now time.Time) *Link {
	l := &Link{config: c, jitter: jitter(c.Seed | 1), heard: now, rooms: map[room.ID]*place{}, timed: map[room.ID]*place{}, sent: map[uint64]*sent{}, greetBy: now.Add(HelloWithin),
		budget:  budget{most: framesBurst, rate: framesPerSecond, left: framesBurst, at: now},
		digests: budget{most: digestsBurst, rate: 1, left: digestsBurst, at: now}}
	if c.Dialled {
		l.sayHello(now)
	}
	return l
}

func (l *Link) sayHello(now time.Time) {
	h := &linkpb.Hello{
		Protocol: Protocol, Features: l.config.Hello.GetFeatures(), Record: l.config.Hello.GetRecord(),
		Invite: l.config.Hello.GetInvite(), Instance: l.config.Hello.GetInstance(), Time: now.UnixMilli(),
	}
	l.send(&linkpb.Frame{What: &linkpb.Frame_Hello{Hello: h}})
}

func (l *Link) send(f *linkpb.Frame) { l.frames = append(l.frames, f) }
func (l *Link) step(s Step)          { l.steps = append(l.steps, s) }

// Receive takes one frame of the control stream in.
func (l *Link) Receive(now time.Time, frame []byte) {
	if l.phase == ended {
		return
	}
	l.heard = now
	if !l.budget.take(now) {
		l.Charge(now, "floods the control stream")
	}
	f, err := DecodeFrame(frame)
	if err != nil {
		l.End(CodeProtocol, err.Error(), 0)
		return
	}
	l.take(now, f)
}

func (l *Link) take(now time.Time, f *linkpb.Frame) {
	hello, isHello := f.GetWhat().(*linkpb.Frame_Hello)
	switch {
	case isHello != (l.phase == greeting):
		l.End(CodeProtocol, "A hello is the first frame of each side, and the first alone.", 0)
	case isHello:
		l.greet(now, hello.Hello)
	default:
		l.takeUp(now, f)
	}
}

func (l *Link) takeUp(now time.Time, f *linkpb.Frame) {
	switch w := f.GetWhat().(type) {
	case *linkpb.Frame_Digest:
		l.receiveDigest(now, w.Digest)
	case *linkpb.Frame_Have:
		l.receiveHave(now, w.Have.GetFrontier())
	case *linkpb.Frame_Ack:
		l.receiveAck(w.Ack)
	case *linkpb.Frame_Ping:
		l.send(&linkpb.Frame{What: &linkpb.Frame_Pong{Pong: &linkpb.Pong{Id: w.Ping.GetId(), Time: now.UnixMilli()}}})
	case *linkpb.Frame_Pong:
		l.receivePong(now, w.Pong)
	case *linkpb.Frame_Bye:
		l.finish(&End{Code: clip(w.Bye.GetCode(), 40), Message: clip(w.Bye.GetMessage(), maxSentence), Wait: wait(w.Bye.GetReconnectAfterMs())})
	}
}

// wait bounds what a peer may ask for.
func wait(ms uint32) time.Duration {
	return min(time.Duration(ms)*time.Millisecond, Quarantine)
}

func (l *Link) greet(now time.Time, h *linkpb.Hello) {
	l.ahead, l.aheadAt = time.UnixMilli(h.GetTime()).Sub(now), now
	switch {
	case h.GetRefused() != "":
		l.finish(&End{Code: clip(h.GetRefused(), 40), Message: clip(h.GetMessage(), maxSentence)})
	case h.GetProtocol() != Protocol:
		l.phase = judging
		l.Refuse(CodeProtocol, fmt.Sprintf("This node speaks version %d of the federation's protocol, not %d.", Protocol, h.GetProtocol()))
	default:
		l.phase = judging
		common := l.common(h.GetFeatures())
		l.brief = slices.Contains(common, FeatureBrief)
		l.step(Step{Do: Judge, Hello: h, Features: common})
	}
}

func (l *Link) common(theirs []string) []string {
	var out []string
	for _, f := range l.config.Hello.GetFeatures() {
		if slices.Contains(theirs, f) {
			out = append(out, f)
		}
	}
	slices.Sort(out)
	return out
}

// Welcome says that the peer is who it says, and let in. The link is up.
func (l *Link) Welcome(now time.Time) {
	if l.phase != judging {
		return
	}
	if !l.config.Dialled {
		l.sayHello(now)
	}
	l.phase = up
	l.digestDue = now.Add(DigestEvery)
	l.Ping(now) // how long the way is, people ask at once
	l.step(Step{Do: Opened})
	l.step(Step{Do: Sum}) // the first digest
	l.compare.periodic = true
}

// Refuse says that the peer is not let in.
func (l *Link) Refuse(code, message string) {
	if l.phase != judging {
		return
	}
	if l.config.Dialled {
		l.End(code, message, 0)
		return
	}
	l.send(&linkpb.Frame{What: &linkpb.Frame_Hello{Hello: &linkpb.Hello{Protocol: Protocol, Refused: code, Message: message}}})
	l.finish(&End{Code: code, Message: message, Mine: true})
}

// End ends the link from this side, with a last word.
func (l *Link) End(code, message string, after time.Duration) {
	if l.phase == ended {
		return
	}
	l.send(&linkpb.Frame{What: &linkpb.Frame_Bye{Bye: &linkpb.Bye{Code: code, Message: message, ReconnectAfterMs: uint32(after.Milliseconds())}}})
	l.finish(&End{Code: code, Message: message, Mine: true, Wait: after})
}

// Broke ends the link whose connection has ended: there is nobody to tell.
func (l *Link) Broke(e End) { l.finish(&e) }

func (l *Link) finish(e *End) {
	if l.phase == ended {
		return
	}
	l.phase = ended
	l.rooms, l.timed, l.sent = map[room.ID]*place{}, map[room.ID]*place{}, map[uint64]*sent{}
	l.step(Step{Do: Ended, End: e})
}

// Charge counts something bad that came of the peer: too much of it ends the link.
func (l *Link) Charge(now time.Time, what string) {
	if l.phase == ended {
		return
	}
	l.charges = slices.DeleteFunc(l.charges, func(t time.Time) bool { return now.Sub(t) >= chargesFor })
	if l.charges = append(l.charges, now); len(l.charges) >= chargesMost {
		l.End(CodeCharged, "Too much of what came was bad; the last: "+clip(what, 300)+".", Quarantine)
	}
}

// Heard says that something came on another stream: the peer lives.
func (l *Link) Heard(now time.Time) { l.heard = now }

// Tick lets time pass.
func (l *Link) Tick(now time.Time) {
	switch l.phase {
	case greeting, judging:
		if !now.Before(l.greetBy) {
			l.End(CodeSilent, "No hello came.", 0)
		}
	case up:
		l.beat(now)
	}
}

func (l *Link) beat(now time.Time) {
	if now.Sub(l.heard) >= SilentFor {
		l.End(CodeSilent, fmt.Sprintf("Nothing was heard for %v.", SilentFor), 0)
		return
	}
	if !now.Before(l.pingDue) {
		l.Ping(now)
	}
	if !now.Before(l.digestDue) {
		l.digestDue = now.Add(DigestEvery + time.Duration(l.jitter.next()*float64(DigestEvery/5)))
		l.compare.periodic = true
		l.step(Step{Do: Sum})
	}
	l.tickRooms(now)
}

// Ping asks for a sign of life.
func (l *Link) Ping(now time.Time) {
	l.pingID++
	l.pinged, l.pingDue = now, now.Add(PingEvery)
	l.send(&linkpb.Frame{What: &linkpb.Frame_Ping{Ping: &linkpb.Ping{Id: l.pingID}}})
}

func (l *Link) receivePong(now time.Time, p *linkpb.Pong) {
	if p.GetId() != l.pingID || l.pongID == l.pingID {
		return // late: it says nothing about the way's length
	}
	l.pongID = l.pingID
	l.rtt = now.Sub(l.pinged)
	l.ahead, l.aheadAt = time.UnixMilli(p.GetTime()).Add(l.rtt/2).Sub(now), now
}

// Due is when Tick is to be called at the latest; zero: never.
func (l *Link) Due() time.Time {
	switch l.phase {
	case greeting, judging:
		return l.greetBy
	case ended:
		return time.Time{}
	}
	due := earlier(earlier(l.pingDue, l.digestDue), l.heard.Add(SilentFor))
	for _, p := range l.timed {
		due = earlier(due, p.due(l.rtt))
	}
	return due
}

// earlier is the earlier of two moments; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Next hands out the next step.
func (l *Link) Next() (Step, bool) {
	if len(l.steps) == 0 {
		l.steps = nil
		return Step{}, false
	}
	s := l.steps[0]
	l.steps = l.steps[1:]
	return s, true
}

// Write appends the frames that are due, each behind its length, to b.
func (l *Link) Write(b []byte) ([]byte, error) {
	frames := l.frames
	l.frames = nil
	for _, f := range frames {
		var err error
		if b, err = Append(b, f); err != nil {
			return b, fmt.Errorf("encode frame: %w", err)
		}
	}
	return b, nil
}

// Unwritten tells how many frames wait: while they are many, nothing more is read of a
// peer that does not read.
func (l *Link) Unwritten() int { return len(l.frames) }

// Silent is for how long nothing was heard.
func (l *Link) Silent(now time.Time) time.Duration { return now.Sub(l.heard) }

// Brief tells whether both nodes know FeatureBrief.
func (l *Link) Brief() bool { return l.brief }

// Up tells whether the link is up.
func (l *Link) Up() bool { return l.phase == up }

// Ended tells whether it is at its end.
func (l *Link) Ended() bool { return l.phase == ended }

// RTT is the way to the peer and back, as the newest pong tells; 0: not known yet.
func (l *Link) RTT() time.Duration { return l.rtt }

// ClockAhead is how far the peer's clock is ahead.
func (l *Link) ClockAhead() time.Duration { return l.ahead }

// ClockAt is when that was found, by this node's clock.
func (l *Link) ClockAt() time.Time { return l.aheadAt }

func (p phase) String() string { return [...]string{"greeting", "judging", "up", "ended"}[p] }

// String is the link in one line, for scripts and logs.
func (l *Link) String() string {
	return fmt.Sprintf("%v rooms %d charges %d rtt %v", l.phase, len(l.rooms), len(l.charges), l.rtt)
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}

// jitter is a xorshift generator (Marsaglia 2003): this package may not draw randomness.
type jitter uint64

// next is in [0, 1).
func (j *jitter) next() float64 {
	x := uint64(*j)
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*j = jitter(x)
	return float64(x>>11) / (1 << 53)
}

// budget is a token bucket.
type budget struct {
	most, rate, left float64
	at               time.Time
}

func (b *budget) take(now time.Time) bool {
	b.left = min(b.most, b.left+max(0, now.Sub(b.at).Seconds())*b.rate)
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
