package plugins

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hearth/node/channel"
)

// keeper keeps the plugin of one bridge running.
type keeper struct {
	h      *Host
	name   string
	ctx    context.Context
	cancel context.CancelFunc
	linked chan struct{} // one slot: links may have changed

	crashes []time.Time // run's own
	lives   atomic.Bool // a life notes how its links are

	mu         sync.Mutex
	generation uint64
	restart    context.CancelFunc // of the life there is
}

func newKeeper(ctx context.Context, h *Host, name string) *keeper {
	k := &keeper{h: h, name: name, linked: make(chan struct{}, 1), generation: h.book.Generation(name), restart: func() {}}
	k.ctx, k.cancel = context.WithCancel(ctx)
	return k
}

// news says that the book has changed.
func (k *keeper) news(generation uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if generation != k.generation {
		k.generation = generation
		k.restart()
	}
	select {
	case k.linked <- struct{}{}:
	default:
	}
}

// run has one life of the plugin after the other.
func (k *keeper) run() {
	defer k.cancel()
	for k.ctx.Err() == nil {
		b, ok := k.h.book.Bridge(k.name)
		if !ok || !b.Enabled {
			return
		}
		ctx, restart := context.WithCancel(k.ctx)
		k.mu.Lock()
		k.restart = restart
		k.mu.Unlock()
		err := k.once(ctx, b)
		asked := ctx.Err() != nil
		restart()
		switch {
		case k.ctx.Err() != nil:
			k.say(channel.Down, "The node is stopping it.")
			return
		case asked:
			k.crashes = nil
		case !k.crashed(err):
			return
		}
	}
}

// once is one life. It returns nil when there was nothing to run.
func (k *keeper) once(ctx context.Context, b channel.Bridge) error {
	kind, missing := k.h.kindOf(b.Kind)
	if kind == nil {
		k.say(channel.Down, missing)
		select {
		case <-ctx.Done():
		case <-time.After(k.h.Times.Look):
		}
		return nil
	}
	k.say(channel.Connecting, "Its plugin is starting.")
	printed, quiet := context.WithCancel(context.Background())
	defer quiet()
	say := newSink(printed, func(line string) { k.h.book.Logf(k.name, "%s", line) })
	p, err := launch(ctx, kind.binary, k.h.Dir, k.h.Limits, say)
	if err != nil {
		return err
	}
	defer p.kill()
	defer quiet()
	err = k.live(ctx, b, kind, p)
	if ctx.Err() != nil {
		return nil
	}
	if status.Code(err) == codes.Unavailable { // the connection broke: the process has died, and what of is known in a moment
		select {
		case <-p.process.exited:
			err = fmt.Errorf("%w; its process ended: %v", err, exitOf(p.process.err))
		case <-time.After(exitKnown):
		}
	}
	return &crash{err, say.tail()}
}

const exitKnown = 5 * time.Second

func exitOf(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

func (k *keeper) live(ctx context.Context, b channel.Bridge, kind *kind, p *plugin) error {
	d, err := k.h.ask(ctx, p, kind.kind)
	if err != nil {
		return err
	}
	l, err := newLife(k, b, d)
	if err != nil {
		return err
	}
	k.lives.Store(true)
	defer k.lives.Store(false)
	return l.run(ctx, p)
}

// crash is a life that ended though nobody asked for it, and what was printed last.
type crash struct {
	error
	tail []string
}

// crashed notes a crash and waits; false when there were too many, and the bridge is disabled.
func (k *keeper) crashed(err error) bool {
	if err == nil {
		return true
	}
	t, now := k.h.Times, time.Now()
	recent := k.crashes[:0]
	for _, at := range k.crashes {
		if now.Sub(at) < t.CrashTime {
			recent = append(recent, at)
		}
	}
	k.crashes = append(recent, now)
	k.h.Log.Warn("the plugin of a bridge has ended", "bridge", k.name, "crashes", len(k.crashes), "error", err)
	k.h.book.Logf(k.name, "the plugin has ended: %v", err)
	if len(k.crashes) >= t.Crashes {
		k.disable(err)
		return false
	}
	delay := min(t.Backoff<<min(len(k.crashes)-1, 16), t.MaxBackoff)
	delay = delay/2 + rand.N(delay)
	k.h.book.SetStatus(k.name, channel.Status{
		State: channel.Down, Detail: err.Error(),
		Reason: fmt.Sprintf("Its plugin has ended. It is started again in %s.", delay.Round(time.Second)),
	})
	ctx, restart := context.WithCancel(k.ctx)
	defer restart()
	k.mu.Lock()
	k.restart = restart
	k.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-time.After(delay):
	}
	return true
}

func (k *keeper) disable(err error) {
	reason := fmt.Sprintf("Its plugin crashed %d times in %s.\nThe last time: %v.", len(k.crashes), k.h.Times.CrashTime, err)
	if c, ok := errors.AsType[*crash](err); ok && len(c.tail) > 0 {
		reason += " It said last: " + strings.Join(c.tail[max(0, len(c.tail)-3):], " / ")
	}
	k.h.Log.Error("a bridge is disabled", "bridge", k.name, "reason", reason)
	k.h.book.Logf(k.name, "disabled: %s", reason)
	if err := k.h.book.Enable(k.name, false, reason); err != nil {
		k.h.Log.Error("disable a bridge", "bridge", k.name, "error", err)
	}
}

func (k *keeper) say(state, reason string) {
	k.h.book.SetStatus(k.name, channel.Status{State: state, Reason: reason})
}
