package sim

import (
	"math"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// liar is a host whose words to the others are made wrong on their way out: whoever owns
// a node's key can send anything.
type liar struct {
	h      *host
	share  float64       // of what it says
	past   []*sentParcel // to be sent again
	heard  []room.EventID
	forged []*forgery
	sides  map[string]int // which of two stories a peer is told
}

type sentParcel struct {
	room   room.ID
	parcel *roompb.Parcel
}

// lies are what becomes of a parcel of the liar's; nil: it is withheld.
var lies = []func(w *world, l *liar, id room.ID, p *roompb.Parcel) *roompb.Parcel{
	func(*world, *liar, room.ID, *roompb.Parcel) *roompb.Parcel { return nil }, // withholds
	reseal,
	func(w *world, l *liar, _ room.ID, p *roompb.Parcel) *roompb.Parcel { // replays
		if len(l.past) > 0 {
			return l.past[w.rng.IntN(len(l.past))].parcel
		}
		return p
	},
	func(w *world, _ *liar, _ room.ID, p *roompb.Parcel) *roompb.Parcel { return scramble(w, p) },
	func(w *world, _ *liar, _ room.ID, p *roompb.Parcel) *roompb.Parcel { // leaves something out
		if n := len(p.Packets); n > 1 {
			i := w.rng.IntN(n)
			p.Packets = slices.Delete(p.Packets, i, i+1)
		}
		return p
	},
	func(w *world, _ *liar, _ room.ID, p *roompb.Parcel) *roompb.Parcel { // absurd integers, head unsigned
		p.Head.Seq, p.Head.Incarnation = absurd(w), uint32(absurd(w))
		return p
	},
	func(w *world, _ *liar, _ room.ID, p *roompb.Parcel) *roompb.Parcel { // erases words
		p.Packets[w.rng.IntN(len(p.Packets))].Body = nil
		return p
	},
	func(w *world, _ *liar, _ room.ID, p *roompb.Parcel) *roompb.Parcel { // under another node's name
		h := new(roompb.Header)
		packet := p.Packets[len(p.Packets)-1]
		if proto.Unmarshal(packet.Header, h) != nil {
			return p
		}
		other := w.hosts[w.rng.IntN(len(w.hosts))]
		h.Origin, h.Author = other.name, "u1@"+other.name
		packet.Header, _ = proto.MarshalOptions{Deterministic: true}.Marshal(h)
		return p
	},
}

var absurds = []uint64{0, 1, math.MaxUint32, 1 << 53, math.MaxInt64, math.MaxUint64 - 1, math.MaxUint64}

func absurd(w *world) uint64 { return absurds[w.rng.IntN(len(absurds))] }

// scramble changes some bytes of a message so that it can still be read.
func scramble[M proto.Message](w *world, m M) M {
	for range 20 {
		b, err := proto.Marshal(m)
		if err != nil || len(b) == 0 {
			return m
		}
		for range 1 + w.rng.IntN(3) {
			b[w.rng.IntN(len(b))] ^= byte(1 << w.rng.IntN(8))
		}
		out := m.ProtoReflect().New().Interface()
		if proto.Unmarshal(b, out) == nil {
			return out.(M)
		}
	}
	return m
}

// says is what the liar sends instead of a parcel.
func (l *liar) says(w *world, id room.ID, p *roompb.Parcel) *roompb.Parcel {
	if len(l.past) < 200 {
		l.past = append(l.past, &sentParcel{id, proto.Clone(p).(*roompb.Parcel)})
		for _, e := range opened(id, p) {
			if _, reply := e.Thread(); !reply { // who gets a deleted reply late cannot tell its thread
				l.heard = append(l.heard, e.ID)
			}
		}
	}
	if !w.chance(l.share) {
		return p
	}
	return lies[w.rng.IntN(len(lies))](w, l, id, proto.Clone(p).(*roompb.Parcel))
}

// answers is what the liar answers instead.
func (l *liar) answers(w *world, a *roompb.Answer) *roompb.Answer {
	if !w.chance(l.share) {
		return a
	}
	return scramble(w, a)
}

// pester has the liar send what nobody asked for: absurd frontiers and questions, and what
// it sent before.
func (l *liar) pester(w *world, rooms []*roomPlay) {
	to := w.hosts[w.rng.IntN(len(w.hosts))]
	e := w.net.linkOf(l.h, to.name)
	if e == nil || to == l.h {
		return
	}
	r := rooms[w.rng.IntN(len(rooms))]
	id := r.id
	switch w.rng.IntN(8) {
	default:
		l.forges(w, r)
	case 0:
		e.link.Tell(time.Now(), &roompb.Frontier{Room: id.Bytes(), StateIndex: absurd(w), StateHash: id.Bytes(), Tops: []*roompb.Top{
			{Origin: to.name, Incarnation: uint32(absurd(w)), Seq: absurd(w), Hash: id.Bytes()},
		}})
		e.poke()
	case 1:
		e.other.answer(&roompb.Ask{What: &roompb.Ask_Page{Page: &roompb.PageAsk{
			Room: id.Bytes(), Origin: to.name, Incarnation: uint32(absurd(w)), Below: absurd(w), Above: absurd(w), Limit: uint32(absurd(w)), Log: roompb.Log(w.rng.IntN(4)),
		}}}, func(*roompb.Answer) {})
	case 2:
		body, _ := proto.Marshal(&roompb.Body{Salt: make([]byte, room.SaltLen), Subject: "u1@" + to.name, Role: "owner", Reason: "because"})
		kinds := []room.Kind{room.KindBan, room.KindKick, room.KindRole, room.KindLeave, room.KindJoin, room.KindNodeBan, room.KindCreate, room.KindText}
		e.other.answer(&roompb.Ask{What: &roompb.Ask_Propose{Propose: &roompb.ProposeAsk{
			Room: id.Bytes(), Author: []string{"u1@" + to.name, "u1@" + l.h.name, "root"}[w.rng.IntN(3)], Kind: string(kinds[w.rng.IntN(len(kinds))]), Body: body, Key: "k",
			Tops: []*roompb.Top{{Origin: l.h.name, Incarnation: uint32(absurd(w)), Seq: absurd(w), Hash: id.Bytes()}},
		}}}, func(*roompb.Answer) {})
	case 3:
		for range 20 {
			if len(l.past) > 0 {
				old := l.past[w.rng.IntN(len(l.past))]
				e.sendParcel(old.room, old.parcel)
			}
		}
	}
}

// lie makes a host a liar for as long as the play goes.
func (s *script) lie(h *host) *liar {
	s.note("%s lies", h.name)
	l := &liar{h: h, share: 0.02 + 0.3*s.rng.Float64(), sides: map[string]int{}}
	h.liar, h.lied = l, true
	var again func()
	again = func() {
		if h.liar == nil {
			return
		}
		l.pester(s.world, s.rooms)
		s.after(s.between(0, 2*time.Second), again)
	}
	s.after(time.Second, again)
	return l
}

// TestLiar is test 6: one of five nodes lies. The others agree all the same, whoever they
// banned stays banned, and nothing of theirs that was acknowledged is lost.
func TestLiar(t *testing.T) {
	seeds(t, 50, func(t *testing.T, seed uint64) {
		inBubble(t, seed, 5, func(w *world) {
			s := newScript(w, 2, 1, 0)
			s.liar = w.hosts[w.rng.IntN(len(w.hosts))]
			for s.liar == s.rooms[0].creator.h {
				s.liar = w.hosts[w.rng.IntN(len(w.hosts))]
			}
			s.lie(s.liar)
			s.play(60+w.rng.IntN(60), cutsAndSnaps)
			s.settle()
			for _, r := range s.rooms {
				s.bansHold(r)
			}
			if seed%5 == 0 {
				for _, h := range s.honest() {
					h.verify()
				}
			}
		})
	})
}

// honest are the hosts that do not lie.
func (s *script) honest() []*host {
	return slices.DeleteFunc(slices.Clone(s.hosts), func(h *host) bool { return h == s.liar })
}

// bansHold checks that nobody who is banned has said anything under the entry that banned them.
func (s *script) bansHold(r *roomPlay) {
	s.t.Helper()
	_, state, _ := s.home(r.id)
	var p *person
	for _, h := range s.honest() {
		if q := h.memberOf(state); q != nil {
			p = q
		}
	}
	if p == nil {
		return
	}
	banned := map[string]uint64{}
	for _, m := range state.GetMembers() {
		if m.GetMembership() == "ban" {
			banned[m.GetUser()] = m.GetFrom()
		}
	}
	for _, e := range p.events(r.id) {
		if room.Kind(e.Kind).State() {
			continue
		}
		id, _ := room.ParseHash(e.Id)
		in, pos, _, _ := p.h.store.Find(id)
		row, _, _ := p.h.store.Row(in, pos)
		if from := banned[e.Author]; from > 0 && row.Event.Header.GetStateIndex() >= from {
			s.fail("%s was banned by entry %d and said %q under entry %d", e.Author, from, e.Text, row.Event.Header.GetStateIndex())
		}
	}
}
