package relay

import "sync"

// recent is a value for each of the last so many keys. Any goroutine may call.
type recent struct {
	mu     sync.Mutex
	values map[string]string
	order  []string
	next   int
}

func newRecent(n int) *recent { return &recent{values: map[string]string{}, order: make([]string, n)} }

func (r *recent) put(key, value string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.values[key]; !known {
		delete(r.values, r.order[r.next])
		r.order[r.next] = key
		r.next = (r.next + 1) % len(r.order)
	}
	r.values[key] = value
}

func (r *recent) get(key string) (value string, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	value, known = r.values[key]
	return value, known
}

// ring remembers the last so many strings.
type ring struct {
	have  map[string]bool
	order []string
	next  int
}

func newRing(n int) *ring { return &ring{have: map[string]bool{}, order: make([]string, n)} }

func (r *ring) add(s string) {
	if r.have[s] {
		return
	}
	delete(r.have, r.order[r.next])
	r.order[r.next], r.have[s] = s, true
	r.next = (r.next + 1) % len(r.order)
}
