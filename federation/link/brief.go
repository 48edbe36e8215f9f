package link

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// FeatureBrief: what the other end of a room's stream can work out by itself is left out
// (docs/protocol/federation.md 6.5).
const FeatureBrief = "brief"

// Bounds of what both ends of a room's stream remember of it.
const (
	maxBrief = 64 // packets of a parcel; in larger ones headers count for little, and time does
	maxLogs  = 16
	maxBy    = 64
	maxKept  = 512 // bytes of a header: longer ones are not remembered
)

// Recent is what both ends of a room's stream remember of what has gone over it: of each log
// the newest event, and who said what kind of thing. Each end makes its own, with the same
// calls in the same order, so both have the same.
type Recent struct {
	room room.ID
	logs []*room.Event // of each log the newest, the newest log first
	bys  []by          // the newest first
}

// by is an event's author and kind.
type by struct{ author, kind string }

// NewRecent is for a stream on which nothing has gone yet.
func NewRecent(id room.ID) *Recent { return &Recent{room: id} }

// Shorten leaves out of a parcel's packets what the other end knows. What p was made of is
// not changed. end is the parcel's last event, nil when it is one of those that are left as they are.
func (r *Recent) Shorten(p *roompb.Parcel) (end *room.Event) {
	if len(p.GetPackets()) > maxBrief {
		return nil
	}
	packets := make([]*roompb.Packet, len(p.GetPackets()))
	for i, whole := range p.GetPackets() {
		e, err := room.Unpack(whole, r.room, idOf(end))
		if err != nil {
			return nil // the other end does not remember it either
		}
		packets[i] = r.shorten(e, whole)
		r.note(e)
		end = e
	}
	p.Packets = packets
	return end
}

// shorten is a packet of what the other end cannot work out: the whole one where that is not
// less, or not byte for byte the same.
func (r *Recent) shorten(e *room.Event, whole *roompb.Packet) *roompb.Packet {
	i, j := r.logOf(e), slices.Index(r.bys, byOf(e))
	if i < 0 || j < 0 || e.RawBody == nil || e.Header.GetTime() < r.logs[i].Header.GetTime() {
		return whole
	}
	p := &roompb.Packet{Body: e.RawBody, Follows: uint32(i + 1), By: uint32(j + 1), Later: e.Header.GetTime() - r.logs[i].Header.GetTime()}
	if header, err := r.header(p); err != nil || string(header) != string(e.RawHeader) {
		return whole
	}
	return p
}

// Restore puts a parcel's packets together again, as they were before Shorten. end is its
// last event, as Shorten's.
func (r *Recent) Restore(p *roompb.Parcel) (end *room.Event, err error) {
	if len(p.GetPackets()) > maxBrief {
		return nil, nil
	}
	for _, one := range p.GetPackets() {
		if one.GetFollows() > 0 {
			if one.Header, err = r.header(one); err != nil {
				return nil, err
			}
			one.Follows, one.Later, one.By = 0, 0, 0
		}
		e, err := room.Unpack(one, r.room, idOf(end))
		if err != nil {
			return nil, nil // the node says what is wrong with it, and takes nothing of the parcel
		}
		r.note(e)
		end = e
	}
	return end, nil
}

// header is the one that a packet without a header stands for.
func (r *Recent) header(p *roompb.Packet) ([]byte, error) {
	i, j := int(p.GetFollows())-1, int(p.GetBy())-1
	if i < 0 || i >= len(r.logs) || j < 0 || j >= len(r.bys) {
		return nil, room.Errorf(room.Protocol, "A packet leaves out what its stream has not said.")
	}
	before := r.logs[i]
	h := proto.Clone(before.Header).(*roompb.Header)
	h.Seq++
	h.Prev, h.BodyHash = before.ID.Bytes(), room.BodyHash(p.GetBody()).Bytes()
	h.Time += p.GetLater()
	h.Author, h.Kind = r.bys[j].author, r.bys[j].kind
	return deterministic.Marshal(h)
}

// deterministic is how this package's nodes encode headers: fields in order, defaults left out.
var deterministic = proto.MarshalOptions{Deterministic: true}

// note remembers an event of the stream.
func (r *Recent) note(e *room.Event) {
	if len(e.RawHeader) > maxKept {
		return
	}
	if i := r.logOf(e); i >= 0 {
		r.logs = slices.Delete(r.logs, i, i+1)
	}
	r.logs = first(r.logs, &room.Event{ID: e.ID, Header: e.Header}, maxLogs)
	b := byOf(e)
	if i := slices.Index(r.bys, b); i >= 0 {
		r.bys = slices.Delete(r.bys, i, i+1)
	}
	r.bys = first(r.bys, b, maxBy)
}

// first puts v before the others, of which the last goes when they are too many.
func first[T any](all []T, v T, most int) []T {
	return slices.Insert(all[:min(len(all), most-1)], 0, v)
}

func (r *Recent) logOf(e *room.Event) int {
	return slices.IndexFunc(r.logs, func(o *room.Event) bool {
		a, b := o.Header, e.Header
		return a.GetLog() == b.GetLog() && a.GetOrigin() == b.GetOrigin() && a.GetIncarnation() == b.GetIncarnation()
	})
}

func byOf(e *room.Event) by { return by{e.Header.GetAuthor(), e.Header.GetKind()} }

func idOf(e *room.Event) room.EventID {
	if e == nil {
		return room.EventID{}
	}
	return e.ID
}
