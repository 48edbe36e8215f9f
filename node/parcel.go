package node

import (
	"context"
	"fmt"
	"slices"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// received is a parcel whose bytes are in order: events of one log, one after the other,
// each naming the hash of the one before.
type received struct {
	peer   string
	log    roompb.Log
	key    logKey
	events []*room.Event
	head   *roompb.Head // of the last event; nil: a page of events that are known by the one above
	asked  bool
}

func (r *received) first() *room.Event { return r.events[0] }
func (r *received) last() *room.Event  { return r.events[len(r.events)-1] }

const maxParcelBytes = room.MaxParcel

// openParcel decodes a parcel of a room and checks all that needs no knowledge of the room.
func openParcel(id room.ID, p *roompb.Parcel) (*received, error) {
	if n := len(p.GetPackets()); n == 0 || n > room.MaxPackets {
		return nil, room.Errorf(room.BadRequest, "A parcel has 1 to %d events, not %d.", room.MaxPackets, n)
	}
	r := &received{events: make([]*room.Event, 0, len(p.GetPackets()))}
	prev := room.EventID{}
	for _, packet := range p.GetPackets() {
		e, err := openPacket(id, prev, packet)
		if err != nil {
			return nil, err
		}
		if e.Room() != id {
			return nil, room.Errorf(room.BadRequest, "An event of another room is in the parcel.")
		}
		if err := r.follows(e); err != nil {
			return nil, err
		}
		r.events, prev = append(r.events, e), e.ID
	}
	r.log, r.key = r.first().Header.GetLog(), keyOfHeader(r.first().Header)
	if h := p.GetHead(); h != nil {
		r.head = room.HeadOf(r.last())
		r.head.Signature, r.head.Cosignatures = h.GetSignature(), h.GetCosignatures()
	}
	return r, nil
}

// openPacket reads one event. Only messages and their edits may come without their body: it
// was erased.
func openPacket(id room.ID, prev room.EventID, p *roompb.Packet) (*room.Event, error) {
	e, err := room.Unpack(p, id, prev)
	if err != nil {
		return nil, err
	}
	switch {
	case !e.Kind().Known():
		return nil, room.Errorf(room.BadRequest, "%q is not a kind of event that this node knows.", clip(string(e.Kind()), 40))
	case e.Header.GetIncarnation() == 0 || e.Header.GetIncarnation() > room.MaxIncarnation:
		return nil, room.Errorf(room.BadRequest, "A log's incarnation is 1 to %d.", room.MaxIncarnation)
	case e.Kind().Log() != e.Header.GetLog():
		return nil, room.Errorf(room.BadRequest, "An event of kind %s is not of that log.", e.Kind())
	case e.Body == nil && !e.Kind().Message() && e.Kind() != room.KindEdit:
		return nil, room.Errorf(room.BadRequest, "An event of kind %s has no body.", e.Kind())
	}
	if e.Body != nil {
		return e, room.CheckBody(e.Kind(), e.Body)
	}
	return e, nil
}

// follows says why e cannot come after what the parcel has so far.
func (r *received) follows(e *room.Event) error {
	if len(r.events) == 0 {
		return nil
	}
	was, is := r.last(), e.Header
	h := was.Header
	switch {
	case is.GetLog() != h.GetLog(), keyOfHeader(is) != keyOfHeader(h), is.GetSeq() != h.GetSeq()+1:
		return room.Errorf(room.BadRequest, "The parcel's events are not of one log, one after the other.")
	case string(is.GetPrev()) != string(was.ID[:]):
		return room.Errorf(room.BadRequest, "Event %d of %s does not name the one before it.", is.GetSeq(), is.GetOrigin())
	case is.GetTime() <= h.GetTime():
		return room.Errorf(room.BadRequest, "Time falls along the log of %s.", is.GetOrigin())
	case is.GetStateIndex() < h.GetStateIndex():
		return room.Errorf(room.BadRequest, "The state index falls along the log of %s.", is.GetOrigin())
	}
	return nil
}

func headOf(h *roompb.Head, e *room.Event) bool {
	id := e.Room()
	return string(h.GetRoom()) == string(id[:]) && h.GetLog() == e.Header.GetLog() && keyOfHead(h) == keyOfHeader(e.Header) &&
		h.GetSeq() == e.Header.GetSeq() && string(h.GetHash()) == string(e.ID[:])
}

// TakeParcel stores what a peer sent and is in order: it hands the parcel to its room and
// returns a function that waits for what becomes of it. The order of calls is the order in
// the room, and parcels that wait together share a sync. When something of it cannot be used
// yet, or at all, again is what this node has: the peer should go on from there. The error
// says that the parcel itself is wrong; the peer is to be charged for it. The parcel's head
// is completed by what its last event says, when the room is known.
func (n *Node) TakeParcel(peer string, p *roompb.Parcel) func(context.Context) (again *roompb.Frontier, err error) {
	refused := func(err error) func(context.Context) (*roompb.Frontier, error) {
		return func(context.Context) (*roompb.Frontier, error) { return nil, err }
	}
	id, err := room.HashFromBytes(p.GetRoom())
	if err != nil {
		return refused(err)
	}
	c, err := n.rooms.get(id)
	if err != nil {
		p.Head = nil // it says what it likes: nobody is to be told that anything was stored
		return refused(unknownIsFine(err))
	}
	r, err := openParcel(id, p)
	if err != nil {
		return refused(fmt.Errorf("parcel of room %s from %s: %w", id, peer, err))
	}
	if r.head == nil {
		return refused(room.Errorf(room.BadRequest, "The parcel has no head."))
	}
	r.peer, p.Head = peer, r.head
	known, err := c.signed(r)
	if err != nil {
		return refused(err)
	}
	taken := func(context.Context) (*roompb.Frontier, error) { return c.frontier(), nil }
	if known {
		taken = n.hand(c, r)
	}
	return func(ctx context.Context) (*roompb.Frontier, error) {
		again, err := taken(ctx)
		if again != nil && !c.takes(peer) { // what is here is none of its business
			again, p.Head = nil, nil
		}
		return again, err
	}
}

func (c *chamber) takes(peer string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.Takes(peer)
}

// unknownIsFine: a peer may be a moment ahead, or behind, about who is in which room.
func unknownIsFine(err error) error {
	if room.CodeOf(err) == room.NotFound {
		return nil
	}
	return err
}

// take hands a parcel to its room's loop and waits.
func (n *Node) take(ctx context.Context, c *chamber, r *received) (*roompb.Frontier, error) {
	return n.hand(c, r)(ctx)
}

// hand hands a parcel to its room's loop and returns a function that waits.
func (n *Node) hand(c *chamber, r *received) func(context.Context) (*roompb.Frontier, error) {
	s := &submission{parcel: r, done: make(chan result, 1)}
	if err := n.submit(c.id, s); err != nil {
		return func(context.Context) (*roompb.Frontier, error) { return c.frontier(), nil } // full, or stopping: the peer comes again
	}
	return func(ctx context.Context) (*roompb.Frontier, error) {
		_, err := s.wait(ctx)
		switch {
		case err == nil:
			return nil, nil
		case isLater(err):
			return c.frontier(), nil
		}
		return nil, err
	}
}

// later is why a parcel cannot be used now, through no fault of its sender.
var later = room.Errorf(room.Unavailable, "Not yet.")

func isLater(err error) bool {
	e, ok := err.(*room.Error)
	return ok && e.Retry()
}

// signed verifies the head of a parcel of messages; known is false when the key of its
// origin has not been learnt yet. Heads of the state log are judged by the loop, since who
// may sign them depends on the entries before.
func (c *chamber) signed(r *received) (known bool, err error) {
	if r.log == roompb.Log_LOG_STATE {
		return true, nil
	}
	key := c.nodeKey(r.key.origin)
	switch {
	case key == nil:
		return false, nil
	case !c.n.mayHave(r.key.origin, key):
		c.n.otherKey(c.text, r.key.origin)
		return false, nil
	case !room.VerifyHead(r.head, key):
		return true, room.Errorf(room.BadRequest, "The head of %s's log is not signed by it.", r.key.origin)
	}
	return true, nil
}

// otherKey tells the administrators of a room in which a node goes by another key than the
// one it has here: its home may have made that up, to speak for the node's users.
func (n *Node) otherKey(room, node string) {
	n.Peers.Raise(node, fmt.Sprintf("The room %s knows the node %s by another key than this node does: nothing of what it is said to have written there is taken.", room, node))
}

func (c *chamber) nodeKey(name string) []byte {
	if name == c.n.name {
		return c.n.PublicKey()
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.NodeKey(name)
}

// parcelOf is events on their way.
func parcelOf(id room.ID, events []*room.Event, head *roompb.Head) *roompb.Parcel {
	p := &roompb.Parcel{Room: slices.Clone(id[:]), Packets: make([]*roompb.Packet, len(events))}
	prev := room.EventID{}
	for i, e := range events {
		p.Packets[i], prev = room.Pack(e, prev), e.ID
	}
	if head != nil {
		p.Head = &roompb.Head{Signature: head.GetSignature(), Cosignatures: head.GetCosignatures()}
	}
	return p
}
