package account

import (
	"context"
	"runtime"
	"sync/atomic"

	"hearth/node/room"
)

// Argon is what hashing a password costs. The defaults follow RFC 9106 and OWASP (2025: at least 19 MiB
// and 2 passes); each takes about 50 ms of one core.
type Argon struct {
	MemoryKiB uint32 // default 24 MiB
	Passes    uint32 // default 3
	Parallel  int    // hashes at a time; default 2. Each takes its memory, and leaves as much garbage (mostGarbage).
	Waiting   int    // callers who may wait for their turn, others are told busy; default 128, three seconds' worth
}

func (c Argon) withDefaults() Argon {
	set := func(v *uint32, d uint32) {
		if *v == 0 {
			*v = d
		}
	}
	set(&c.MemoryKiB, 24<<10)
	set(&c.Passes, 3)
	if c.Parallel == 0 {
		c.Parallel = 2
	}
	if c.Waiting == 0 {
		c.Waiting = 128
	}
	return c
}

// hasher hashes passwords, few at a time. Whoever wants one hashed first takes a place in the queue.
type hasher struct {
	argon  Argon
	dummy  string // of no account: what an unknown name's password is compared with
	places chan struct{}
	turns  chan struct{}
	left   atomic.Int64 // garbage, in KiB, since it was last collected
}

// mostGarbage, in KiB, is collected at once: the collector by itself would let a flood of logins leave as
// much as the node's heap has, and more while it is at work and the machine busy.
const mostGarbage = 48 << 10

func newHasher(c Argon) (*hasher, error) {
	h := &hasher{
		argon:  c,
		places: make(chan struct{}, c.Parallel+c.Waiting),
		turns:  make(chan struct{}, c.Parallel),
	}
	dummy := h.fresh()
	dummy.hash = random(len(dummy.hash))
	h.dummy = dummy.String()
	_, err := parsePHC(h.dummy) // refuses absurd settings at start
	return h, err
}

func (h *hasher) fresh() phc {
	return phc{memory: h.argon.MemoryKiB, time: h.argon.Passes, threads: 1, salt: random(16), hash: make([]byte, 32)}
}

// enter takes a place in the queue, or is refused at once. leave gives it back.
func (h *hasher) enter() (leave func(), err error) {
	select {
	case h.places <- struct{}{}:
		return func() { <-h.places }, nil
	default:
		return nil, room.Errorf(room.Busy, "Too many people are signing in at this moment. Try again in a few seconds.")
	}
}

// hash makes the PHC string of a new password. The caller has a place.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	p := h.fresh()
	err := h.turn(ctx, func() { p.hash = p.key(password) })
	return p.String(), err
}

// verify compares a password with a PHC string; stale says that the string was made with other settings
// than today's. An empty string is nobody's password, and takes as long to find out. The caller has a place.
func (h *hasher) verify(ctx context.Context, encoded, password string) (ok, stale bool, err error) {
	unknown := encoded == ""
	if unknown {
		encoded = h.dummy
	}
	p, err := parsePHC(encoded)
	if err != nil {
		return false, false, err
	}
	tooLong := len(password) > MaxPassword
	if tooLong {
		password = password[:MaxPassword]
	}
	err = h.turn(ctx, func() { ok = p.matches(password) })
	stale = p.memory != h.argon.MemoryKiB || p.time != h.argon.Passes || p.threads != 1
	return ok && !unknown && !tooLong, stale, err
}

func (h *hasher) turn(ctx context.Context, work func()) error {
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return room.Errorf(room.Busy, "Signing in took too long. Try again in a few seconds.")
	}
	defer func() { <-h.turns }()
	work()
	if h.left.Add(int64(h.argon.MemoryKiB)) >= mostGarbage {
		h.left.Store(0)
		runtime.GC() // with the turn still taken: nobody takes more memory in its place
	}
	return nil
}
