// Package limit bounds how often something may happen: a token bucket a key, in a table of bounded size
// that forgets a key only when forgetting changes nothing.
//
// A bucket is one instant, the moment at which it will be full again (the "theoretical arrival time" of
// the generic cell rate algorithm, ITU-T I.371). Taking a token moves the instant ahead. A bucket whose
// instant has passed is full, and equal to a bucket that does not exist, so only those are evicted. While
// the table is full of buckets that are not, new keys share a few overflow buckets, chosen by hash: many
// strangers then slow each other down, but nobody, however many keys they invent, gets a fresh bucket by
// pushing an old one out. x/time/rate was rejected: it cannot take a token back into the bucket, and
// needs nine times the memory a key.
package limit

import (
	"container/heap"
	"hash/maphash"
	"sync"
	"time"
)

// Rate allows Burst at once and, over time, Burst every Per. So no interval of length Per sees more than
// twice Burst. Both must be positive.
type Rate struct {
	Burst int
	Per   time.Duration
}

// interval is what one token costs.
func (r Rate) interval() time.Duration { return max(r.Per/time.Duration(r.Burst), 1) }

// overflow is how many buckets the keys without a place of their own share.
const overflow = 64

// Table holds the buckets of many keys under one rate. Any goroutine may call its methods. Time is an
// argument; a clock that falls back cannot make a bucket emptier than empty.
type Table[K comparable] struct {
	interval int64 // nanoseconds a token
	depth    int64 // nanoseconds from empty to full
	keys     int
	seed     maphash.Seed

	mu     sync.Mutex
	byKey  map[K]*bucket[K]
	byFull queue[K]        // the bucket that is full soonest comes first
	shared [overflow]int64 // full-again instants of the overflow buckets
}

// New makes a table that remembers at most keys buckets (at least one).
func New[K comparable](r Rate, keys int) *Table[K] {
	step := int64(r.interval())
	return &Table[K]{
		interval: step,
		depth:    step * int64(r.Burst),
		keys:     max(keys, 1),
		seed:     maphash.MakeSeed(),
		byKey:    make(map[K]*bucket[K]),
	}
}

// Take takes n tokens of key, all or none. It returns zero when they were taken, otherwise how long to
// wait until they can be; more than the burst can never be taken, and is told to wait for a full bucket.
func (t *Table[K]) Take(key K, n int, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := now.UnixNano()
	b, full := t.find(key, at)
	next := full + int64(n)*t.interval
	if over := next - at - t.depth; over > 0 {
		return time.Duration(min(over, t.depth))
	}
	t.set(key, b, next, at)
	return 0
}

// Wait tells how long Take would have to wait, and takes nothing.
func (t *Table[K]) Wait(key K, n int, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := now.UnixNano()
	_, full := t.find(key, at)
	return time.Duration(min(max(full+int64(n)*t.interval-at-t.depth, 0), t.depth))
}

// Return puts back n tokens that were taken, for what turned out not to count.
func (t *Table[K]) Return(key K, n int, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Tokens taken from an overflow bucket stay taken when the key has got a bucket of its own
	// since: that errs on the strict side.
	b, full := t.find(key, now.UnixNano())
	t.set(key, b, full-int64(n)*t.interval, now.UnixNano())
}

// Len is the number of buckets remembered.
func (t *Table[K]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byKey)
}

// find returns the key's own bucket, nil when it has none, and when it will be full, not before at. An
// instant more than one depth ahead was written by a clock that has fallen back since: it is corrected.
func (t *Table[K]) find(key K, at int64) (*bucket[K], int64) {
	latest := at + t.depth
	b := t.byKey[key]
	if b == nil {
		full := &t.shared[t.shard(key)]
		*full = min(*full, latest)
		return nil, max(*full, at)
	}
	if b.full > latest {
		b.full = latest
		heap.Fix(&t.byFull, b.index)
	}
	return b, max(b.full, at)
}

func (t *Table[K]) set(key K, b *bucket[K], full, at int64) {
	switch {
	case b != nil:
		b.full = full
		heap.Fix(&t.byFull, b.index)
	case t.room(at):
		b = &bucket[K]{key: key, full: full}
		t.byKey[key] = b
		heap.Push(&t.byFull, b)
	default:
		t.shared[t.shard(key)] = full
	}
}

// room says whether there is a place for one more bucket, evicting full ones.
func (t *Table[K]) room(at int64) bool {
	for len(t.byFull) > 0 && t.byFull[0].full <= at {
		b := heap.Pop(&t.byFull).(*bucket[K])
		delete(t.byKey, b.key)
	}
	return len(t.byKey) < t.keys
}

func (t *Table[K]) shard(key K) uint64 {
	return maphash.Comparable(t.seed, key) % overflow
}

// bucket is one key's, and its place in the queue.
type bucket[K comparable] struct {
	key   K
	full  int64 // Unix nanoseconds
	index int
}

// queue is a heap of buckets by the moment they are full (container/heap).
type queue[K comparable] []*bucket[K]

func (q queue[K]) Len() int           { return len(q) }
func (q queue[K]) Less(i, j int) bool { return q[i].full < q[j].full }
func (q queue[K]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}
func (q *queue[K]) Push(x any) {
	b := x.(*bucket[K])
	b.index = len(*q)
	*q = append(*q, b)
}
func (q *queue[K]) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return b
}
