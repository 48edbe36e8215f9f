package room

import (
	"cmp"
	"slices"

	"hearth/node/room/roompb"
)

// A cut says how much of a node's messages the room's home had seen when an entry took
// a right away from a user of that node. What the user's node writes beyond it under an
// older state index came too late, whenever it says that it was written. There is a cut
// per incarnation; of an incarnation without one nothing had been seen.

// CutsOf is what an entry that takes a right away from users of node says: how far that
// node's logs of messages have come, at most MaxCuts of them, the newest incarnations.
// It is never empty, for no cuts at all is what entries say that were written before
// there were any.
func CutsOf(node string, tops []*roompb.Top) []*roompb.Cut {
	var cuts []*roompb.Cut
	for _, t := range tops {
		if t.GetOrigin() == node {
			cuts = append(cuts, &roompb.Cut{Origin: node, Incarnation: t.GetIncarnation(), Seq: t.GetSeq(), Hash: t.GetHash()})
		}
	}
	if len(cuts) == 0 {
		return []*roompb.Cut{{Origin: node}}
	}
	slices.SortFunc(cuts, func(a, b *roompb.Cut) int { return cmp.Compare(b.GetIncarnation(), a.GetIncarnation()) })
	return cuts[:min(len(cuts), MaxCuts)]
}

// beyond tells whether e is not among what was seen.
func beyond(cuts []*roompb.Cut, e *Event) bool {
	c := cutOf(cuts, e.Header.GetIncarnation())
	return c == nil || e.Header.GetSeq() > c.GetSeq()
}

func checkCuts(cuts []*roompb.Cut) error {
	if len(cuts) > MaxCuts {
		return Errorf(TooLarge, "An entry cuts at most %d logs.", MaxCuts)
	}
	for _, c := range cuts {
		if err := CheckNodeName(c.GetOrigin()); err != nil {
			return err
		}
		if _, err := HashFromBytes(c.GetHash()); err != nil {
			return err
		}
	}
	return nil
}

// cutsFor are the cuts of one node, copied, one per incarnation: what an entry holds
// besides is not kept.
func cutsFor(node string, cuts []*roompb.Cut) []*roompb.Cut {
	var out []*roompb.Cut
	for _, c := range cuts {
		if c.GetOrigin() == node && cutOf(out, c.GetIncarnation()) == nil {
			out = append(out, &roompb.Cut{Origin: node, Incarnation: c.GetIncarnation(), Seq: c.GetSeq(), Hash: c.GetHash()})
		}
	}
	return out
}

// narrower cuts off what either cuts off.
func narrower(a, b []*roompb.Cut) []*roompb.Cut {
	var out []*roompb.Cut
	for _, c := range a {
		other := cutOf(b, c.GetIncarnation())
		switch {
		case other == nil:
		case other.GetSeq() < c.GetSeq():
			out = append(out, other)
		default:
			out = append(out, c)
		}
	}
	return out
}

func cutOf(cuts []*roompb.Cut, incarnation uint32) *roompb.Cut {
	for _, c := range cuts {
		if c.GetIncarnation() == incarnation {
			return c
		}
	}
	return nil
}
