package node

import "sort"

// step is one encoded roompb.Item and its place. Without an item it is a run of events,
// from pos to upto, that are news for nobody.
type step struct {
	pos, upto uint64
	item      []byte // shared by all readers, never written to
}

// ring is a room's newest steps, already encoded: written once by the room's loop, read
// by any number of followers. It is bounded by count and by bytes, and has no gaps.
type ring struct {
	steps []step
	bytes int
}

const (
	ringSteps = 1024
	ringBytes = 1 << 20
)

func (r *ring) push(s step) {
	if n := len(r.steps); n > 0 && s.item == nil && r.steps[n-1].item == nil {
		r.steps[n-1].upto = s.upto
		return
	}
	r.steps = append(r.steps, s)
	r.bytes += len(s.item)
	drop := 0
	for len(r.steps)-drop > ringSteps || r.bytes > ringBytes && len(r.steps)-drop > 1 {
		r.bytes -= len(r.steps[drop].item)
		r.steps[drop] = step{}
		drop++
	}
	r.steps = r.steps[drop:]
}

// from gives the steps after cursor; ok is false when some of them are no longer here.
func (r *ring) from(cursor uint64) (steps []step, ok bool) {
	if len(r.steps) == 0 || cursor+1 < r.steps[0].pos {
		return nil, false
	}
	first := sort.Search(len(r.steps), func(i int) bool { return r.steps[i].upto > cursor })
	return r.steps[first:], true
}

// take is the items of some steps from the first on, at least one step and no more than
// about maxBytes, and the place up to which they reach.
func take(steps []step, maxBytes int) (items [][]byte, upto uint64) {
	bytes := 0
	for i, s := range steps {
		if bytes += len(s.item); i > 0 && bytes > maxBytes {
			break
		}
		if upto = s.upto; s.item != nil {
			items = append(items, s.item)
		}
	}
	return items, upto
}

// news is how many items are among the steps.
func news(steps []step) (n uint64) {
	for _, s := range steps {
		if s.item != nil {
			n++
		}
	}
	return n
}
