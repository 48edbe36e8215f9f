package node

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// part is a run of events of a log, as add looks at them.
func part(low, high uint64) (first, last *room.Event) {
	at := func(seq uint64) *room.Event {
		return &room.Event{Header: &roompb.Header{Seq: seq, Prev: bytes.Repeat([]byte{byte(seq - 1)}, 32)}}
	}
	return at(low), at(high)
}

// TestStretches: in whatever order parts of a log come, what is here is in stretches that neither meet nor
// overlap, each with the signature of its own upper end, and what is missing is in the gaps.
func TestStretches(t *testing.T) {
	const top = 40
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		c := &chain{log: roompb.Log_LOG_MESSAGES, head: &roompb.Head{}}
		here := map[uint64]bool{}
		signed := map[uint64]string{}
		for range 12 {
			low := 1 + rng.Uint64N(top)
			if here[low] {
				continue
			}
			high := low
			for high < top && !here[high+1] && rng.IntN(3) > 0 {
				high++
			}
			first, last := part(low, high)
			head := &roompb.Head{Signature: fmt.Append(nil, seed, low, high)}
			newest := high > c.seq()
			c.add(first, last, head)
			if newest {
				c.head = head
			}
			signed[high] = string(head.Signature)
			for seq := low; seq <= high; seq++ {
				here[seq] = true
			}
		}
		covered := map[uint64]bool{}
		for i, s := range c.stretch {
			if i > 0 && c.stretch[i-1].high+1 >= s.low {
				t.Fatalf("seed %d: stretches meet: %v", seed, c.stretch)
			}
			if got := string(c.signature(i)); got != signed[s.high] {
				t.Errorf("seed %d: the head at %d is signed with %q, not %q", seed, s.high, got, signed[s.high])
			}
			for seq := s.low; seq <= s.high; seq++ {
				covered[seq] = true
			}
		}
		if !reflect.DeepEqual(covered, here) {
			t.Fatalf("seed %d: %v are here, not %v", seed, covered, here)
		}
		missing := map[uint64]bool{}
		for _, g := range c.gaps(true) {
			for seq := g.above + 1; seq < g.below; seq++ {
				missing[seq] = true
			}
			if !here[g.below] || g.before[0] != byte(g.below-1) {
				t.Errorf("seed %d: gap %v does not end below what is here", seed, g)
			}
		}
		for seq := uint64(1); seq <= c.seq(); seq++ {
			if here[seq] == missing[seq] {
				t.Errorf("seed %d: %d is here %v and missing %v", seed, seq, here[seq], missing[seq])
			}
		}
	}
}

// TestGapsOfAFork: of a log that forks nothing is asked for beyond what its branches have in common.
func TestGapsOfAFork(t *testing.T) {
	common := room.EventID{7}
	before := func(low uint64) room.EventID { return room.EventID{byte(low)} }
	for _, test := range []struct {
		name  string
		fork  uint64
		hash  room.EventID
		floor bool
		want  []gap
	}{
		{"below it", 12, common, false, []gap{{above: 4, below: 10, before: before(10)}}},
		{"across it", 6, common, false, []gap{{above: 4, below: 7, before: common}}},
		{"across it, and nobody knows what is there", 6, room.EventID{}, false, []gap{{above: 4, below: 10, before: before(10)}}},
		{"beyond it", 4, common, false, nil},
		{"older", 12, common, true, []gap{{above: 4, below: 10, before: before(10)}, {above: 0, below: 3, before: before(3)}}},
		{"older, across it", 1, common, true, []gap{{above: 0, below: 2, before: common}}},
		{"nothing is common", 0, room.EventID{}, true, nil},
	} {
		c := &chain{frozen: "it forks", branch: &roompb.Parcel{}, fork: test.fork, forkHash: test.hash, stretch: []stretch{{low: 3, high: 4, before: before(3)}, {low: 10, high: 14, before: before(10)}}}
		if got := c.gaps(test.floor); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, not %v", test.name, got, test.want)
		}
		if got := c.torn(); got != (len(c.gaps(false)) > 0) {
			t.Errorf("%s: torn is %v", test.name, got)
		}
	}
}
