package sim

import (
	"bufio"
	"bytes"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/federation/link"
	"hearth/federation/link/linkpb"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// What federation.conn does for a link's state machine is done here without a socket.

const pushBytes = 256 << 10

func newEnd(w *wire, h, peerHost *host, dialled bool) *end {
	e := &end{wire: w, host: h, life: h.life, rooms: map[room.ID]*stream{}}
	record, err := peer.NewRecord(h.name, h.key, nil, "sim", time.Now())
	if err != nil {
		w.n.w.fail("record of %s: %v", h.name, err)
	}
	e.link = link.New(link.Config{Dialled: dialled, Seed: w.n.w.rng.Uint64(), Hello: &linkpb.Hello{Record: record, Instance: []byte{byte(h.life)}, Features: features(h)}}, time.Now())
	e.control = newStream(e)
	return e
}

// features are all but the first host's, which is of an older version.
func features(h *host) []string {
	if h.name == "a.test" {
		return nil
	}
	return []string{link.FeatureBrief}
}

// poke lets time pass, carries out what is due, and writes.
func (e *end) poke() {
	if e.over() {
		return
	}
	now := time.Now()
	e.link.Tick(now)
	e.step()
	b, err := e.link.Write(nil)
	if err != nil {
		e.wire.n.w.fail("write frames: %v", err)
	}
	for r := bufio.NewReader(bytes.NewReader(b)); ; {
		frame, err := link.ReadBytes(r, link.MaxFrame)
		if err != nil {
			break
		}
		e.control.send(func(done func()) { e.other.receive(frame, done) })
	}
	if e.link.Ended() {
		e.gone()
		return
	}
	if due := e.link.Due(); !due.IsZero() && (e.due.IsZero() || due.Before(e.due)) {
		e.due = due
		e.wire.n.w.after(max(due.Sub(now), time.Millisecond), func() {
			if e.due.Equal(due) {
				e.due = time.Time{}
				e.poke()
			}
		})
	}
}

func (e *end) receive(frame []byte, done func()) {
	if e.over() {
		return
	}
	e.link.Receive(time.Now(), frame)
	e.poke()
	done()
}

func (e *end) step() {
	if e.doing {
		return
	}
	e.doing = true
	defer func() { e.doing = false }()
	for s, ok := e.link.Next(); ok; s, ok = e.link.Next() {
		e.do(&s)
	}
}

func (e *end) do(s *link.Step) {
	to := e.other.host.name
	switch s.Do {
	case link.Judge:
		e.link.Welcome(time.Now())
	case link.Opened:
		e.peerUp()
	case link.Sum:
		digests, err := e.host.Digests(to)
		e.must("digests", err)
		sums := make([]link.RoomSum, len(digests))
		for i, d := range digests {
			sums[i] = link.RoomSum{Room: d.Room, Sum: d.Sum}
		}
		e.link.Sums(sums)
	case link.Tell:
		if f := e.frontier(s.Room); f == nil {
			e.link.Drop(s.Room)
		} else {
			e.link.Tell(time.Now(), f)
		}
	case link.Compare:
		if f := e.frontier(s.Room); f == nil {
			e.link.Drop(s.Room)
		} else if link.Behind(f, s.Frontier) {
			e.link.Tell(time.Now(), f)
		}
	case link.Reached:
		e.host.Acked(to, s.Room, s.Tops, s.StateIndex)
	case link.Level:
		e.host.Level(e.other.host.name)
	case link.Push:
		e.push(s.Room)
	case link.Ended:
		if s.End.Mine && s.End.Code != link.CodeSilent {
			e.wire.n.w.note("%s ends the link to %s: %s %s", e.host.name, to, s.End.Code, s.End.Message)
		}
	}
}

func (e *end) must(what string, err error) {
	if err != nil {
		e.wire.n.w.fail("%s of %s for %s: %v", what, e.host.name, e.other.host.name, err)
	}
}

func (e *end) frontier(id room.ID) *roompb.Frontier {
	f, err := e.host.Frontier(e.other.host.name, id)
	e.must("frontier", err)
	return f
}

func (e *end) news(id room.ID) {
	if e.link.Dirty(id) {
		e.push(id)
	}
	e.poke()
}

// push sends what the peer lacks of a room.
func (e *end) push(id room.ID) {
	for {
		theirs, own, ok := e.link.Begin(id)
		if !ok {
			return
		}
		parcels, after, more, err := e.host.Collect(e.other.host.name, theirs, own, pushBytes)
		e.must("collect", err)
		for _, p := range parcels {
			e.sendParcel(id, p)
		}
		e.link.Pushed(time.Now(), id, after, more && len(parcels) > 0)
	}
}

func (e *end) sendParcel(id room.ID, p *roompb.Parcel) {
	if l := e.host.liar; l != nil {
		if p = l.says(e.wire.n.w, id, p); p == nil {
			return
		}
	}
	s := e.rooms[id]
	if s == nil {
		s = newStream(e)
		e.rooms[id] = s
		s.at.Stream = uint64(len(e.rooms))
	}
	p = proto.Clone(p).(*roompb.Parcel)
	as := e.number(id, s, p)
	s.send(func(done func()) { e.other.takeParcel(id, p, as, done) })
	if e.wire.n.w.chance(e.wire.n.doubles) {
		s.send(func(done func()) { e.other.takeParcel(id, p, as, done) })
	}
}

// number is as what a parcel is acknowledged. What is doubled cannot be shortened too.
func (e *end) number(id room.ID, s *stream, p *roompb.Parcel) link.Parcel {
	s.at.Number++
	last := link.NewRecent(id).Shorten(&roompb.Parcel{Packets: p.GetPackets()})
	if last == nil || !e.link.Brief() {
		return link.Parcel{}
	}
	e.link.Sent(id, s.at, last.Header, last.ID)
	return s.at
}

// takeParcel hands a parcel to the node, and tells the peer what came of it.
func (e *end) takeParcel(id room.ID, p *roompb.Parcel, as link.Parcel, done func()) {
	if e.over() {
		return
	}
	from, w := e.other.host.name, e.wire.n.w
	n, ctx := e.host.Node, e.host.ctx
	go func() {
		again, err := n.TakeParcel(from, p)(ctx)
		w.post(func() {
			if e.over() {
				return
			}
			now := time.Now()
			switch {
			case err != nil:
				w.note("%s charges %s: %v", e.host.name, from, err)
				e.link.Charge(now, err.Error())
			case again != nil:
				e.link.Heard(now)
				e.link.Lacks(now, again)
			default:
				e.link.Heard(now)
				e.link.Stored(now, p.GetHead(), len(p.GetPackets()), true, as)
				e.tellOrigin(p)
			}
			e.poke()
			done()
		})
	}()
}

// tellOrigin acknowledges to the node that wrote a log what another has passed on.
func (e *end) tellOrigin(p *roompb.Parcel) {
	h := p.GetHead()
	if h.GetLog() != roompb.Log_LOG_MESSAGES || h.GetOrigin() == e.other.host.name {
		return
	}
	if o := e.wire.n.linkOf(e.host, h.GetOrigin()); o != nil {
		o.link.Stored(time.Now(), h, len(p.GetPackets()), false, link.Parcel{})
		o.poke()
	}
}

// answer has the node answer a question of the peer.
func (e *end) answer(ask *roompb.Ask, reply func(*roompb.Answer)) {
	if e.over() {
		return
	}
	from, n, ctx := e.other.host.name, e.host.Node, e.host.ctx
	ask = proto.Clone(ask).(*roompb.Ask)
	go func() {
		a := n.Answer(ctx, from, ask)
		e.wire.n.w.post(func() {
			if l := e.host.liar; l != nil {
				a = l.answers(e.wire.n.w, a)
			}
			if !e.over() {
				reply(proto.Clone(a).(*roompb.Answer))
			}
		})
	}()
}

// signal may be lost.
func (e *end) signal(s *roompb.Signal) {
	n := e.wire.n
	if n.w.chance(n.loss) {
		return
	}
	s = proto.Clone(s).(*roompb.Signal)
	n.w.after(n.w.between(n.least, n.most), func() {
		if o := e.other; !o.over() && !e.wire.dead && !n.cut(e.host, o.host) {
			o.host.ReceiveSignal(e.host.name, s)
		}
	})
}
