package node

// step is one encoded roompb.Item and its place.
type step struct {
	pos  uint64
	item []byte // shared by all readers, never written to
}

// ring is a room's newest steps, already encoded: written once by the room's loop, read
// by any number of followers. It is bounded by count and by bytes.
type ring struct {
	steps []step
	bytes int
}

const (
	ringSteps = 1024
	ringBytes = 1 << 20
)

func (r *ring) push(s step) {
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
	if len(r.steps) == 0 {
		return nil, false
	}
	first := r.steps[0].pos
	if cursor+1 < first {
		return nil, false
	}
	skip := cursor + 1 - first
	if skip >= uint64(len(r.steps)) {
		return nil, true
	}
	return r.steps[skip:], true
}
