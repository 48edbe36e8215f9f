package sim

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// forgery is a log that a liar writes beside its node's: in a life of its own, chained and
// signed as it should be, so that nothing but the rules is against what stands in it. Those
// of odd lives have two sides, of which each peer is told one. Of the last two parts are
// withheld for good, others from each peer.
type forgery struct {
	room   room.ID
	number uint32 // its incarnation
	sides  [2][]*room.Event
	forked bool
}

// forges has the liar write in one of its forgeries, and tell some of the others.
func (l *liar) forges(w *world, r *roomPlay) {
	state := l.h.snapshot(r.id).GetState()
	if state == nil {
		return // it takes no part
	}
	f := l.forgery(r.id, lives[w.rng.IntN(len(lives))])
	if len(f.sides[0]) > 0 && f.number%2 == 1 && w.chance(0.3) {
		f.forked = true
	}
	for range 1 + w.rng.IntN(4) {
		side := w.rng.IntN(2)
		e := l.seal(w, f, f.sides[side], state)
		if f.sides[side] = append(f.sides[side], e); !f.forked {
			f.sides[1-side] = f.sides[side][:len(f.sides[side]):len(f.sides[side])]
		}
	}
	for _, to := range w.hosts {
		if e := w.net.linkOf(l.h, to.name); e != nil && w.chance(0.6) {
			l.tell(w, e, f)
		}
	}
}

// lives are those of forgeries: so that the liar's node, which begins a new one when it hears
// of its forgeries, does not come to the last.
var lives = []uint32{10, 11, 12, 13, tornLives, tornLives + 1}

const tornLives = 30 // from here on

func (l *liar) forgery(id room.ID, number uint32) *forgery {
	for _, f := range l.forged {
		if f.room == id && f.number == number {
			return f
		}
	}
	f := &forgery{room: id, number: number}
	l.forged = append(l.forged, f)
	return f
}

// seal makes the next event of a side: backdated or not, of the liar's users or of
// others', about what others have said or not.
func (l *liar) seal(w *world, f *forgery, log []*room.Event, state *roompb.StateDump) *room.Event {
	w.count++
	h := &roompb.Header{
		Room: f.room.Bytes(), Log: roompb.Log_LOG_MESSAGES, Origin: l.h.name, Incarnation: f.number, Seq: uint64(len(log)) + 1,
		Time: uint64(room.TimeAt(l.h.clock().Add(-w.between(0, time.Hour)).UnixMilli())), StateIndex: w.rng.Uint64N(state.GetIndex() + 1),
		Author: string(l.h.people[w.rng.IntN(len(l.h.people))].User), Kind: string(room.KindText),
	}
	if n := len(log); n > 0 { // it must rise, and may be of long ago all the same
		last := log[n-1].Header
		h.Prev, h.Time, h.StateIndex = log[n-1].ID.Bytes(), max(h.Time, last.GetTime()+1), max(h.StateIndex, last.GetStateIndex())
	}
	b := &roompb.Body{Salt: make([]byte, room.SaltLen), Text: fmt.Sprintf("lie %d", w.count)}
	switch w.rng.IntN(10) {
	case 0:
		h.Author = "u1@" + w.hosts[w.rng.IntN(len(w.hosts))].name
	case 1:
		h.StateIndex = state.GetIndex() + uint64(w.rng.IntN(3)) // it may not be known yet
	case 2, 3, 4:
		if n := len(l.heard); n > 0 {
			kinds := []room.Kind{room.KindEdit, room.KindDelete, room.KindReact, room.KindUnreact, room.KindPin}
			h.Kind, b.Target, b.Emoji = string(kinds[w.rng.IntN(len(kinds))]), l.heard[w.rng.IntN(n)].Bytes(), emojis[0]
		}
	}
	e, err := room.Seal(h, b)
	if err != nil {
		w.fail("forge: %v", err)
	}
	return e
}

// tell sends a peer its side of a forgery, or the end of it, and nothing is made wrong on the way.
func (l *liar) tell(w *world, e *end, f *forgery) {
	log := f.sides[l.side(w, e.other.host.name)]
	if len(log) == 0 {
		return
	}
	from := 0
	if f.number >= tornLives {
		from = w.rng.IntN(len(log))
	}
	l.h.liar = nil
	e.sendParcel(f.room, l.signed(f.room, log[from:]))
	l.h.liar = l
}

// side is which of two stories a peer is told, always the same one.
func (l *liar) side(w *world, peer string) int {
	n, ok := l.sides[peer]
	if !ok {
		n = w.rng.IntN(2)
		l.sides[peer] = n
	}
	return n
}

func (l *liar) signed(id room.ID, events []*room.Event) *roompb.Parcel {
	p := &roompb.Parcel{Room: id.Bytes(), Head: room.HeadOf(events[len(events)-1])}
	var prev room.EventID
	for _, e := range events {
		p.Packets, prev = append(p.Packets, room.Pack(e, prev)), e.ID
	}
	room.SignHead(p.Head, l.h.key)
	return p
}

// opened are a parcel's events, as far as they can be read.
func opened(id room.ID, p *roompb.Parcel) (events []*room.Event) {
	var prev room.EventID
	for _, packet := range p.GetPackets() {
		e, err := room.Unpack(packet, id, prev)
		if err != nil {
			return events
		}
		events, prev = append(events, e), e.ID
	}
	return events
}

// reseal is a parcel of another's log with one of its events made otherwise, and all after
// it chained and signed anew, by the wrong key. (Of the liar's own log it would be another
// branch, of which what is below may be withheld for good: see forgery.)
func reseal(w *world, l *liar, id room.ID, p *roompb.Parcel) *roompb.Parcel {
	events := opened(id, p)
	if len(events) == 0 || len(events[0].Header.GetRoom()) == 0 || events[0].Header.GetOrigin() == l.h.name {
		return p
	}
	at := w.rng.IntN(len(events))
	for i := at; i < len(events); i++ {
		h, b := proto.Clone(events[i].Header).(*roompb.Header), proto.Clone(events[i].Body).(*roompb.Body)
		if b == nil {
			return p
		}
		if i > 0 && h.GetSeq() > 1 {
			h.Prev = events[i-1].ID.Bytes()
		}
		if i == at {
			w.count++
			b.Text = fmt.Sprintf("otherwise %d", w.count)
			if w.chance(0.3) {
				h.StateIndex = w.rng.Uint64N(h.GetStateIndex() + 1)
			}
		}
		e, err := room.Seal(h, b)
		if err != nil {
			return p
		}
		events[i] = e
	}
	return l.signed(id, events)
}
