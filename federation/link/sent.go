package link

import (
	"cmp"
	"slices"

	"hearth/federation/link/linkpb"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Parcel is the place of a parcel on its room's stream, by which it is acknowledged. Zero:
// it has none.
type Parcel struct {
	Stream uint64 // QUIC's id
	Number uint64 // from 1; every parcel of the stream counts
}

// sent are the parcels of a stream that are not acknowledged, rising.
type sent struct {
	room    room.ID
	parcels []onItsWay
}

// onItsWay is a parcel and the newest event of its log that is in it.
type onItsWay struct {
	number uint64
	top    *roompb.Top
}

// What is remembered of parcels that nobody acknowledges: of older ones an acknowledgement
// says nothing, and the next digest does.
const (
	maxSent     = 1024 // of a stream
	maxSentFrom = 1024 // streams: those that broke stay
)

// Sent says that a parcel is about to be written, of which this is the last event.
func (l *Link) Sent(id room.ID, at Parcel, h *roompb.Header, hash room.EventID) {
	if l.phase != up || h.GetLog() != roompb.Log_LOG_MESSAGES {
		return
	}
	s := l.sent[at.Stream]
	if s == nil {
		if len(l.sent) >= maxSentFrom {
			clear(l.sent)
		}
		s = &sent{room: id}
		l.sent[at.Stream] = s
	}
	if len(s.parcels) >= maxSent {
		s.parcels = slices.Delete(s.parcels, 0, maxSent/2)
	}
	s.parcels = append(s.parcels, onItsWay{at.Number, &roompb.Top{Origin: h.GetOrigin(), Incarnation: h.GetIncarnation(), Seq: h.GetSeq(), Hash: hash.Bytes()}})
}

// written is an acknowledgement of parcels as one of logs. Those before the last of them
// are stored too, or are told of by a Have.
func (l *Link) written(a *linkpb.Ack) *linkpb.Ack {
	s := l.sent[a.GetStream()]
	if s == nil || len(a.GetParcels()) == 0 {
		return nil
	}
	out := &linkpb.Ack{Room: s.room.Bytes()}
	for _, n := range a.GetParcels() {
		if i, found := s.find(n); found {
			out.Tops = append(out.Tops, s.parcels[i].top)
		}
	}
	i, found := s.find(a.GetParcels()[len(a.GetParcels())-1])
	if found {
		i++
	}
	if s.parcels = slices.Delete(s.parcels, 0, i); len(s.parcels) == 0 {
		delete(l.sent, a.GetStream())
	}
	slices.SortFunc(out.Tops, compareTops)
	return out
}

func (s *sent) find(number uint64) (int, bool) {
	return slices.BinarySearchFunc(s.parcels, number, func(p onItsWay, n uint64) int { return cmp.Compare(p.number, n) })
}

// briefAcks are acknowledgements of parcels, by stream.
type briefAcks map[uint64]*linkpb.Ack

func (b briefAcks) add(at Parcel) {
	if b[at.Stream] == nil {
		b[at.Stream] = &linkpb.Ack{Stream: at.Stream}
	}
	b[at.Stream].Parcels = append(b[at.Stream].Parcels, at.Number)
}

func (b briefAcks) sorted() (out []*linkpb.Ack) {
	for _, a := range b {
		slices.Sort(a.Parcels)
		out = append(out, a)
	}
	slices.SortFunc(out, func(x, y *linkpb.Ack) int { return cmp.Compare(x.GetStream(), y.GetStream()) })
	return out
}
