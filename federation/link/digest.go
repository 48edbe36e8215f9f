package link

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"

	"hearth/federation/link/linkpb"
	"hearth/node/room"
)

// RoomSum is a room that both share, and the hash of how far it has come here.
type RoomSum struct {
	Room room.ID
	Sum  [16]byte
}

// comparison is what waits for the driver's Sums.
type comparison struct {
	periodic bool   // it is time to send our sum
	all      []byte // the peer's sum of all its rooms, to be compared
	rooms    []*linkpb.RoomDigest
}

func (l *Link) receiveDigest(now time.Time, d *linkpb.Digest) {
	if !l.digests.take(now) {
		l.Charge(now, "sends digests without end")
		return
	}
	l.compare.all = d.GetAll()
	if len(d.GetRooms()) > 0 {
		l.compare.rooms = d.GetRooms()
	}
	l.step(Step{Do: Sum})
}

// Sums answers a Sum step.
func (l *Link) Sums(sums []RoomSum) {
	c := l.compare
	l.compare = comparison{}
	if l.phase != up || !c.periodic && c.all == nil {
		return
	}
	slices.SortFunc(sums, func(a, b RoomSum) int { return bytes.Compare(a.Room[:], b.Room[:]) })
	own := sumOf(sums)
	differs := c.all != nil && !bytes.Equal(own, c.all)
	switch {
	case c.all != nil && !differs:
		l.step(Step{Do: Level})
	case differs && c.rooms != nil:
		l.tellDiffering(sums, c.rooms)
	case differs:
		l.sendDigest(own, l.excerpt(sums))
	}
	if c.periodic {
		l.sendDigest(own, nil)
	}
}

func (l *Link) sendDigest(all []byte, rooms []*linkpb.RoomDigest) {
	l.send(&linkpb.Frame{What: &linkpb.Frame_Digest{Digest: &linkpb.Digest{All: all, Rooms: rooms}}})
}

// excerpt is as many rooms as fit into a frame: where there are more, others each time.
func (l *Link) excerpt(sums []RoomSum) []*linkpb.RoomDigest {
	first := 0
	if len(sums) > maxDigests {
		first = int(l.jitter.next() * float64(len(sums)))
	}
	out := make([]*linkpb.RoomDigest, 0, min(len(sums), maxDigests))
	for i := range min(len(sums), maxDigests) {
		s := &sums[(first+i)%len(sums)]
		out = append(out, &linkpb.RoomDigest{Room: s.Room[:], Sum: s.Sum[:]})
	}
	return out
}

// tellDiffering has the peer told what this node has of each room that has come to
// different points, and the driver asked for those that only the peer has: this node may
// have been set back to before it joined.
func (l *Link) tellDiffering(sums []RoomSum, theirs []*linkpb.RoomDigest) {
	known, unknown := make(map[room.ID][]byte, len(theirs)), 0
	for _, t := range theirs {
		known[room.ID(t.GetRoom())] = t.GetSum()
	}
	for i := range sums {
		sum, listed := known[sums[i].Room]
		if listed && !bytes.Equal(sum, sums[i].Sum[:]) || !listed && len(theirs) < maxDigests {
			l.step(Step{Do: Tell, Room: sums[i].Room})
		}
		delete(known, sums[i].Room)
	}
	for _, t := range theirs { // what is not here: the driver knows whether it should be
		if id := room.ID(t.GetRoom()); known[id] != nil && unknown < maxUnknown {
			l.step(Step{Do: Tell, Room: id})
			unknown++
		}
	}
}

// maxUnknown bounds the rooms of one digest that are looked for and are not shared here.
const maxUnknown = 100

// sumOf hashes sorted sums: 16 bytes of SHA-256("hearth digest 1\n" || room || sum ...).
func sumOf(sums []RoomSum) []byte {
	h := sha256.New()
	h.Write([]byte("hearth digest 1\n"))
	for i := range sums {
		h.Write(sums[i].Room[:])
		h.Write(sums[i].Sum[:])
	}
	return h.Sum(nil)[:sumBytes]
}
