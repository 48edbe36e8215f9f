package node

import (
	"context"
	"errors"
	"sync"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// The side of a node that faces other nodes. A door (package federation) carries parcels,
// frontiers, acknowledgements, asks and signals between it and authenticated peers; what
// they mean is decided here. Peers are named by their node names.

// ErrUnreachable is what an errand ends with whose node cannot be reached now.
var ErrUnreachable = errors.New("the node cannot be reached")

// Digest is a room that is shared with a peer, and a hash of how far it has come here.
type Digest struct {
	Room room.ID
	Sum  [16]byte
}

// PeerSignal is a signal on its way to other nodes.
type PeerSignal struct {
	To     []string
	Signal *roompb.Signal
}

// Errand is something that the node wants of another: an Ask to be answered, or a
// federation to be joined. The door takes it and calls Done exactly once.
type Errand struct {
	To   string      // the node to ask
	Ask  *roompb.Ask // nil: join Link instead
	Link string      // a node's invite link, its name, or host:port
	Name string      // set by the door, for Link: the node that was joined

	ctx  context.Context
	done chan struct{}
	once sync.Once

	answer *roompb.Answer
	err    error
}

// Context ends when nobody waits for the answer any more.
func (e *Errand) Context() context.Context { return e.ctx }

// Done ends the errand. Errors: ErrUnreachable, or a *room.Error.
func (e *Errand) Done(a *roompb.Answer, err error) {
	e.once.Do(func() {
		e.answer, e.err = a, err
		close(e.done)
	})
}

// errandQueue bounds the errands that no door has taken yet.
const errandQueue = 256

// Errands is where the door takes what the node wants of others. Until it is first
// called every errand is answered with ErrUnreachable.
func (n *Node) Errands() <-chan *Errand {
	n.hasDoor.Store(true)
	return n.errands
}

// run hands an errand to the door and waits for what comes of it.
func (n *Node) run(ctx context.Context, e *Errand) error {
	if !n.hasDoor.Load() {
		return ErrUnreachable
	}
	e.ctx, e.done = ctx, make(chan struct{})
	select {
	case n.errands <- e:
	case <-ctx.Done():
		return ErrUnreachable
	}
	select {
	case <-e.done:
		return e.err
	case <-ctx.Done():
		return ErrUnreachable
	}
}

// ask asks another node and turns its refusal into an error.
func (n *Node) ask(ctx context.Context, to string, a *roompb.Ask) (*roompb.Answer, error) {
	e := &Errand{To: to, Ask: a}
	if err := n.run(ctx, e); err != nil {
		return nil, err
	}
	return e.answer, refusalOf(e.answer)
}

// JoinNode makes another node known, by its invite link, its name or its host:port, and
// returns its name.
func (n *Node) JoinNode(ctx context.Context, link string) (string, error) {
	e := &Errand{Link: link}
	if err := n.run(ctx, e); err != nil {
		if errors.Is(err, ErrUnreachable) {
			err = room.Errorf(room.Unavailable, "That node cannot be reached. Check its address, and that its UDP port is open.")
		}
		return "", err
	}
	return e.Name, nil
}

// PeerFollower is the follower that the links have together: a set of rooms with news
// for other nodes, and the signals on their way there.
type PeerFollower struct {
	wake chan struct{}

	mu      sync.Mutex
	dirty   map[room.ID]struct{}
	signals []PeerSignal
}

// peerSignalLimit bounds the signals that wait; older ones are dropped.
const peerSignalLimit = 1024

func newPeerFollower() *PeerFollower {
	return &PeerFollower{wake: make(chan struct{}, 1), dirty: map[room.ID]struct{}{}}
}

// FollowPeers is the node's one follower for the links.
func (n *Node) FollowPeers() *PeerFollower { return n.courier }

// Wake has an element when Next may have something.
func (f *PeerFollower) Wake() <-chan struct{} { return f.wake }

// Next hands out the rooms that have news since it was last asked, and the signals.
func (f *PeerFollower) Next() ([]room.ID, []PeerSignal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]room.ID, 0, len(f.dirty))
	for id := range f.dirty {
		ids = append(ids, id)
	}
	clear(f.dirty)
	signals := f.signals
	f.signals = nil
	return ids, signals
}

func (f *PeerFollower) mark(id room.ID) {
	f.mu.Lock()
	f.dirty[id] = struct{}{}
	f.mu.Unlock()
	f.poke()
}

func (f *PeerFollower) signal(s PeerSignal) {
	if len(s.To) == 0 {
		return
	}
	f.mu.Lock()
	if len(f.signals) >= peerSignalLimit {
		f.signals = f.signals[1:]
	}
	f.signals = append(f.signals, s)
	f.mu.Unlock()
	f.poke()
}

func (f *PeerFollower) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// refuse turns an error into an answer.
func refuse(err error) *roompb.Answer {
	var e *room.Error
	if !errors.As(err, &e) {
		e = room.Errorf(room.Internal, "The node could not do that.")
	}
	return &roompb.Answer{Code: string(e.Code), Message: e.Message, RetryAfterMs: uint32(e.RetryAfter.Milliseconds()), Home: e.Home}
}

// maxRefusal bounds the sentence that another node's refusal brings to people's eyes.
const maxRefusal = 300

func refusalOf(a *roompb.Answer) error {
	if a.GetCode() == "" {
		return nil
	}
	code, message := room.ParseCode(a.GetCode()), clip(a.GetMessage(), maxRefusal)
	if code == room.Internal { // the other node's fault, or a code that only it knows
		code = room.Unavailable
	}
	if message == "" || room.CheckLine("message", message, 2*maxRefusal) != nil {
		message = "The other node refused that, and gave no reason that can be shown."
	}
	refused := room.Errorf(code, "%s", message)
	if home := a.GetHome(); home != "" && room.CheckNodeName(home) == nil {
		refused.Home = home
	}
	return refused
}
