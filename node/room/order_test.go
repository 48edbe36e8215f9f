package room

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// reader is a node as the rules have it, and no more: it is given entries and messages as
// they come, and keeps what is in order.
type reader struct {
	state *State
	shown map[EventID]*Event
	void  map[EventID]bool
}

// entries takes a stretch of the state log: what is here is passed over, what is beyond the
// next one comes again.
func (r *reader) entries(stretch []*Event) {
	for _, e := range stretch {
		if e.Header.GetSeq() == r.state.Index+1 {
			r.state.Apply(e)
		}
	}
	for id, m := range r.shown {
		if r.state.Judge(m).Outcome == Void {
			delete(r.shown, id)
			r.void[id] = true
		}
	}
}

// message takes one in, unless it must wait.
func (r *reader) message(m *Event) {
	if r.void[m.ID] || r.shown[m.ID] != nil {
		return
	}
	switch r.state.Judge(m).Outcome {
	case Valid:
		r.shown[m.ID] = m
	case Void:
		r.void[m.ID] = true
	}
}

// timeline is what people see, in its order, with whom each line may change.
func (r *reader) timeline() string {
	var lines []*Event
	for _, m := range r.shown {
		lines = append(lines, m)
	}
	slices.SortFunc(lines, func(a, b *Event) int {
		if c := Compare(a, b); c != 0 {
			return c
		}
		return strings.Compare(a.ID.String(), b.ID.String())
	})
	var out strings.Builder
	for _, m := range lines {
		fmt.Fprintf(&out, "%s", m.ID)
		for i, about := range lines {
			if !m.Kind().Message() && about.Kind().Message() && r.state.JudgeTarget(m, about) == nil {
				fmt.Fprintf(&out, " %d", i)
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// orderLaws: entries and messages come in any order that there can be, in stretches of any
// size, some of them twice, and once more when all is there. Every reader ends with the
// same state, the same messages in the same order, and the same rights over them.
func orderLaws(r *rand.Rand, begun *State, entries, messages []*Event) string {
	var want, who string
	for n := range 3 {
		x := &reader{begun.Clone(), map[EventID]*Event{}, map[EventID]bool{}}
		for step := 0; x.state.Index < begun.Index+uint64(len(entries)); step++ {
			switch at := x.state.Index - begun.Index; {
			case n == 0: // all the rules first
				x.entries(entries)
			case r.IntN(3) > 0:
				x.message(pickOne(r, messages))
			default:
				from := at - min(at, r.Uint64N(4)) + r.Uint64N(2) // from before, or with a gap
				to := min(from+r.Uint64N(6), uint64(len(entries)))
				x.entries(entries[min(from, to):to])
			}
		}
		for range 2 {
			for _, i := range r.Perm(len(messages)) {
				x.message(messages[i])
			}
			x.entries(entries)
			is := fmt.Sprint(describe(x.state), x.timeline(), len(x.void))
			if want == "" {
				want, who = is, fmt.Sprint(n)
			} else if is != want {
				return fmt.Sprintf("reader %d ends with\n%s\nreader %s with\n%s", n, is, who, want)
			}
		}
	}
	return ""
}
