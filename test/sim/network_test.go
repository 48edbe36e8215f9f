package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hearth/federation/link"
	"hearth/node"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// network is what lies between the hosts. A link between two of them is one wire; what is
// lost on a stream comes again later, in order, or breaks the wire, as it does with QUIC.
type network struct {
	w     *world
	wires map[[2]string]*wire
	cuts  map[[2]string]bool // from, to: nothing gets through
	gone  *host              // not heard of any more, whatever heals

	least, most time.Duration // delay of a message
	loss        float64       // of a message: it comes again later
	snaps       float64       // of a message: the wire breaks
	doubles     float64       // of a parcel or an ask: it comes twice
}

func newNetwork(w *world) *network {
	return &network{w: w, wires: map[[2]string]*wire{}, cuts: map[[2]string]bool{}, least: time.Millisecond, most: 20 * time.Millisecond}
}

func pair(a, b *host) [2]string {
	if a.name > b.name {
		a, b = b, a
	}
	return [2]string{a.name, b.name}
}

// join links every pair, from now on.
func (n *network) join(hosts []*host) {
	for i, a := range hosts {
		for _, b := range hosts[i+1:] {
			n.tend(a, b)
		}
	}
}

// tend links two hosts again and again. What is left of an older link gives way.
func (n *network) tend(a, b *host) {
	n.w.after(n.w.between(100*time.Millisecond, time.Second), func() {
		n.tend(a, b)
		old := n.wires[pair(a, b)]
		if old != nil && !old.ends[0].over() && !old.ends[1].over() || !a.up() || !b.up() || n.cut(a, b) || n.cut(b, a) {
			return
		}
		if old != nil {
			old.dead = true
			old.ends[0].broke()
			old.ends[1].broke()
		}
		n.wires[pair(a, b)] = newWire(n, a, b)
	})
}

func (n *network) cut(from, to *host) bool {
	return n.cuts[[2]string{from.name, to.name}] || n.gone != nil && (from == n.gone || to == n.gone)
}

// heal ends all cuts and all loss.
func (n *network) heal() {
	clear(n.cuts)
	n.loss, n.snaps, n.doubles = 0, 0, 0
	n.least, n.most = time.Millisecond, 20*time.Millisecond
}

// linkOf is a host's end of the link to a peer, when it is up.
func (n *network) linkOf(h *host, to string) *end {
	for _, o := range n.w.hosts {
		if o.name != to || o == h {
			continue
		}
		if w := n.wires[pair(h, o)]; w != nil {
			if e := w.endOf(h); e.isUp() {
				return e
			}
		}
	}
	return nil
}

// news: a node has something for its peers, as federation.follow does.
func (n *network) news(h *host, f *node.PeerFollower) {
	rooms, signals := f.Next()
	for _, id := range rooms {
		for _, to := range h.PushTo(id) {
			if e := n.linkOf(h, to); e != nil {
				e.news(id)
			}
		}
	}
	for _, s := range signals {
		for _, to := range s.To {
			if e := n.linkOf(h, to); e != nil {
				e.signal(s.Signal)
			}
		}
	}
}

// errand carries a question and its answer, as federation.askPeer does: once more when
// the link broke meanwhile.
func (n *network) errand(h *host, e *node.Errand, try int) {
	from := n.linkOf(h, e.To)
	if from == nil || e.Context().Err() != nil {
		e.Done(nil, node.ErrUnreachable)
		return
	}
	q := &question{errand: e, try: try, from: from}
	from.asked = append(from.asked, q)
	ask := newStream(from)
	twice := n.w.chance(n.doubles)
	ask.send(func(done func()) {
		done()
		if twice {
			from.other.answer(e.Ask, func(*roompb.Answer) {})
		}
		from.other.answer(e.Ask, func(a *roompb.Answer) {
			newStream(from.other).send(func(done func()) {
				done()
				q.over(a)
			})
		})
	})
	context.AfterFunc(e.Context(), func() { n.w.post(func() { q.end() }) })
}

// question is an ask on its way.
type question struct {
	errand *node.Errand
	try    int
	from   *end
}

func (q *question) over(a *roompb.Answer) {
	q.end()
	q.errand.Done(a, nil)
}

// end: nobody waits for the answer any more, or the link broke.
func (q *question) end() {
	q.from.asked = slices.DeleteFunc(q.from.asked, func(o *question) bool { return o == q })
}

// again asks anew when the link has broken.
func (q *question) again() {
	h, n := q.from.host, q.from.wire.n
	n.w.after(n.w.between(100*time.Millisecond, 2*time.Second), func() {
		if q.try == 3 || !h.up() || q.from.life != h.life {
			q.errand.Done(nil, node.ErrUnreachable)
			return
		}
		n.errand(h, q.errand, q.try+1)
	})
}

// wire is one connection of two hosts, while it lasts.
type wire struct {
	n    *network
	ends [2]*end
	dead bool // nothing is carried any more
}

func newWire(n *network, a, b *host) *wire {
	w := &wire{n: n}
	w.ends = [2]*end{newEnd(w, a, b, true), newEnd(w, b, a, false)}
	w.ends[0].other, w.ends[1].other = w.ends[1], w.ends[0]
	for _, e := range w.ends {
		e.poke()
	}
	return w
}

func (w *wire) endOf(h *host) *end {
	if w.ends[0].host == h {
		return w.ends[0]
	}
	return w.ends[1]
}

// snap breaks the wire. Each end learns it soon, unless nothing gets through to it: then
// its link finds out by silence.
func (w *wire) snap() {
	if w.dead {
		return
	}
	w.dead = true
	w.n.w.note("the link %s-%s breaks", w.ends[0].host.name, w.ends[1].host.name)
	for _, e := range w.ends {
		w.n.w.after(w.n.w.between(0, time.Second), func() {
			if !w.n.cut(e.other.host, e.host) {
				e.broke()
			}
		})
	}
}

// stream is an ordered way from one end to the other.
type stream struct {
	from  *end
	queue []func(done func())
	busy  bool
	at    link.Parcel // of a room: the newest that was sent
}

func newStream(from *end) *stream { return &stream{from: from} }

// send queues something: it is handed over in its turn and says when the next may come.
func (s *stream) send(deliver func(done func())) {
	s.queue = append(s.queue, deliver)
	s.next()
}

func (s *stream) next() {
	if s.busy || len(s.queue) == 0 {
		return
	}
	s.busy = true
	n := s.from.wire.n
	delay := n.w.between(n.least, n.most)
	if n.w.chance(n.loss) {
		delay += n.w.between(50*time.Millisecond, 1500*time.Millisecond)
	}
	n.w.after(delay, s.arrive)
}

func (s *stream) arrive() {
	w := s.from.wire
	switch to := s.from.other; {
	case w.dead, to.over():
		s.queue = nil
	case w.n.cut(s.from.host, to.host):
		w.n.w.after(250*time.Millisecond, s.arrive)
	case w.n.w.chance(w.n.snaps):
		w.snap()
	default:
		deliver := s.queue[0]
		s.queue = s.queue[1:]
		deliver(func() {
			s.busy = false
			s.next()
		})
	}
}

// end is one host's side of a wire: what federation.conn is, with nothing but the link's
// state machine in between.
type end struct {
	wire  *wire
	host  *host
	other *end
	life  int // of the host
	link  *link.Link

	control *stream
	rooms   map[room.ID]*stream
	asked   []*question
	opened  bool
	closed  bool
	doing   bool
	due     time.Time // the next tick that is in the agenda
}

func (e *end) isUp() bool { return e.opened && !e.over() && e.host.up() && e.host.life == e.life }
func (e *end) over() bool {
	return e.closed || !e.host.up() || e.host.life != e.life
}

func (e *end) peerUp() {
	e.opened = true
	e.host.Peers.SetState(e.other.host.name, peer.State{Link: peer.Up, RTT: e.link.RTT(), ClockAhead: e.link.ClockAhead(), ClockAt: e.link.ClockAt()})
	e.host.PeerUp(e.other.host.name)
}

// broke ends this side: the connection has ended.
func (e *end) broke() {
	if e.over() {
		return
	}
	e.link.Broke(link.End{Code: link.CodeClosed, Message: "The connection broke."})
	e.poke()
}

// gone is the end of this side.
func (e *end) gone() {
	e.closed = true
	e.wire.snap()
	for _, q := range slices.Clone(e.asked) {
		q.end()
		q.again()
	}
	if e.host.up() && e.host.life == e.life {
		e.host.Peers.SetState(e.other.host.name, peer.State{Link: peer.Down})
		e.host.PeerDown(e.other.host.name)
	}
}

// part cuts two hosts off from each other.
func (n *network) part(a, b *host) {
	n.cuts[[2]string{a.name, b.name}] = true
	n.cuts[[2]string{b.name, a.name}] = true
}

// links says how each link is, for reports.
func (n *network) links() (out []string) {
	for key, w := range n.wires {
		for _, e := range w.ends {
			out = append(out, fmt.Sprintf("%s of %v: up %v over %v dead %v %v", e.host.name, key, e.isUp(), e.over(), w.dead, e.link))
		}
	}
	slices.Sort(out)
	return out
}

// alone tells whether a host has no link.
func (n *network) alone(h *host) bool {
	for _, o := range n.w.hosts {
		if o != h && n.linkOf(h, o.name) != nil {
			return false
		}
	}
	return true
}
