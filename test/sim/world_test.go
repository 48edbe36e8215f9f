package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// world is one simulated federation. One goroutine, the test's own, does all that happens
// outside the nodes: it takes what waits in the inbox and what is due, one after the other,
// each once the nodes have done with what came before. Time is the bubble's.
type world struct {
	t     testing.TB
	rng   *rand.Rand
	begun time.Time
	hosts []*host
	net   *network

	mu    sync.Mutex
	inbox []func()
	bell  chan struct{}

	agenda agenda
	count  int
	trace  []string
}

func newWorld(t testing.TB, seed uint64, nodes int) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 5)), begun: time.Now(), bell: make(chan struct{}, 1)}
	w.net = newNetwork(w)
	for i := range nodes {
		w.hosts = append(w.hosts, newHost(w, string(rune('a'+i))+".test"))
	}
	for _, h := range w.hosts {
		h.meet(w.hosts)
	}
	w.net.join(w.hosts)
	return w
}

// close stops all nodes; nothing of the bubble runs any more.
func (w *world) close() {
	if verbose {
		fmt.Println(strings.Join(w.trace, "\n"))
	}
	for _, h := range w.hosts {
		h.stop()
	}
}

// post hands f to the world's goroutine. Any goroutine may.
func (w *world) post(f func()) {
	w.mu.Lock()
	w.inbox = append(w.inbox, f)
	w.mu.Unlock()
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

// after has f done when d has gone by.
func (w *world) after(d time.Duration, f func()) {
	w.count++
	heap.Push(&w.agenda, &appointment{time.Now().Add(d), w.count, f})
}

// run lets the world go on until done says so, or for as long as d. It tells whether done did.
func (w *world) run(d time.Duration, done func() bool) bool {
	for end := time.Now().Add(d); ; {
		synctest.Wait()
		if w.takeOne() {
			continue
		}
		if done != nil && done() {
			return true
		}
		now := time.Now()
		if !now.Before(end) {
			return false
		}
		next := end
		if len(w.agenda) > 0 {
			if first := w.agenda[0]; !first.at.After(now) {
				heap.Pop(&w.agenda)
				first.do()
				continue
			} else if first.at.Before(next) {
				next = first.at
			}
		}
		pause := time.NewTimer(next.Sub(now))
		select {
		case <-w.bell:
		case <-pause.C:
		}
		pause.Stop()
	}
}

// takeOne does one thing of the inbox.
func (w *world) takeOne() bool {
	w.mu.Lock()
	if len(w.inbox) == 0 {
		w.mu.Unlock()
		return false
	}
	f := w.inbox[0]
	w.inbox = w.inbox[1:]
	w.mu.Unlock()
	f()
	return true
}

// wait runs f on a goroutine of its own and the world meanwhile; it returns when f has.
func (w *world) wait(f func()) {
	w.t.Helper()
	over := false
	go func() {
		f()
		w.post(func() { over = true })
	}()
	if !w.run(2*time.Minute, func() bool { return over }) {
		w.fail("something does not end")
	}
}

// chance is true in share of all cases.
func (w *world) chance(share float64) bool { return w.rng.Float64() < share }

// between is a duration, evenly.
func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.rng.Int64N(int64(most-least)+1))
}

const traceLength = 80

// note keeps a line of what happened last, for the failure's report. t.Log would change
// the course (doc.go).
func (w *world) note(format string, args ...any) {
	line := fmt.Sprintf("%8.3fs ", time.Since(w.begun).Seconds()) + fmt.Sprintf(format, args...)
	if w.trace = append(w.trace, line); len(w.trace) > 2*traceLength && !verbose {
		w.trace = append(w.trace[:0], w.trace[traceLength:]...)
	}
}

// fail reports with the last of what happened.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf("%s\n%s", fmt.Sprintf(format, args...), strings.Join(w.trace[max(0, len(w.trace)-traceLength):], "\n"))
}

// appointment is something that is to happen.
type appointment struct {
	at    time.Time
	order int
	do    func()
}

type agenda []*appointment

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(*appointment)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
