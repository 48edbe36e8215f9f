package node

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// postman sends what must reach another node however long that takes: proposals that
// found the home away, and invitations. It lies in the store until it was answered.
type postman struct {
	n    *Node
	wake chan struct{}

	mu      sync.Mutex
	due     map[string]bool // nodes to try now
	busy    map[string]bool
	waiting map[room.ID]int // proposals, by room
}

const (
	resend      = 30 * time.Second
	askTimeout  = 10 * time.Second
	awayTimeout = 2 * time.Second
	mostWaiting = 1000 // letters to one node
)

func newPostman(n *Node) *postman {
	return &postman{n: n, wake: make(chan struct{}, 1), due: map[string]bool{}, busy: map[string]bool{}, waiting: map[room.ID]int{}}
}

// run tries a node when it comes up, and all of them from time to time.
func (p *postman) run(ctx context.Context) {
	p.count()
	for {
		pause := time.NewTimer(resend/2 + mrand.N(resend))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-p.wake:
		case <-pause.C:
			p.all()
		}
		pause.Stop()
		for _, to := range p.take() {
			p.n.running.Go(func() { p.visit(ctx, to) })
		}
	}
}

// count is done once at the start: what waits from before.
func (p *postman) count() {
	nodes, err := p.n.store.OutboxNodes()
	if err != nil {
		p.n.log.Error("read outbox", "err", err)
	}
	for _, to := range nodes {
		letters, err := p.n.store.Outbox(to)
		if err != nil {
			p.n.log.Error("read outbox", "to", to, "err", err)
		}
		for _, l := range letters {
			p.tally(l.Bytes, 1)
		}
		p.try(to)
	}
}

func (p *postman) all() {
	nodes, err := p.n.store.OutboxNodes()
	if err != nil {
		p.n.log.Error("read outbox", "err", err)
	}
	for _, to := range nodes {
		p.try(to)
	}
}

// try asks for a visit soon.
func (p *postman) try(to string) {
	p.mu.Lock()
	p.due[to] = true
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *postman) take() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for to := range p.due {
		if !p.busy[to] {
			p.busy[to] = true
			delete(p.due, to)
			out = append(out, to)
		}
	}
	return out
}

// visit delivers what waits for a node. Proposals for one room go in order: while one waits,
// so do those after it. What a node does not take holds up nothing else.
func (p *postman) visit(ctx context.Context, to string) {
	defer func() {
		p.mu.Lock()
		delete(p.busy, to)
		again := p.due[to]
		p.mu.Unlock()
		if again {
			p.try(to)
		}
	}()
	letters, err := p.n.store.Outbox(to)
	if err != nil {
		p.n.log.Error("read outbox", "to", to, "err", err)
		return
	}
	held, away := map[room.ID]bool{}, false
	for _, l := range letters {
		a := new(roompb.Ask)
		bad := proto.Unmarshal(l.Bytes, a)
		id, err := room.HashFromBytes(a.GetPropose().GetRoom())
		proposal := err == nil
		if ctx.Err() != nil || held[id] || away && !(proposal && p.elsewhere(id)) {
			continue
		}
		if p.deliver(ctx, l, a, bad) {
			continue
		}
		held[id] = proposal
		away = away || !p.n.up(to) // each try would wait as long
	}
}

// elsewhere tells whether a room's proposals may be taken by others than its home.
func (p *postman) elsewhere(id room.ID) bool {
	c, err := p.n.rooms.get(id)
	return err == nil && c.several()
}

// deliver brings a letter, and takes it out of the outbox when it was answered; bad is what
// is wrong with the letter itself.
func (p *postman) deliver(ctx context.Context, l storage.Outgoing, a *roompb.Ask, bad error) bool {
	err := bad
	if err == nil {
		within, cancel := context.WithTimeout(ctx, askTimeout)
		err = p.n.bringAgain(within, l.Node, a)
		cancel()
	}
	var refused *room.Error
	if errors.Is(err, ErrUnreachable) || errors.As(err, &refused) && refused.Retry() {
		return false
	}
	if err != nil {
		p.n.log.Warn("another node refused what had waited for it", "node", l.Node, "err", err)
	}
	if err := p.n.store.DeleteOutbox(l.Node, l.ID); err != nil {
		p.n.log.Error("take out of outbox", "to", l.Node, "err", err)
		return false
	}
	p.tally(l.Bytes, -1)
	return true
}

// post keeps an ask until the node has answered it.
func (p *postman) post(to string, a *roompb.Ask) error {
	letters, err := p.n.store.Outbox(to)
	if err != nil {
		return fmt.Errorf("read outbox for %s: %w", to, err)
	}
	if len(letters) >= mostWaiting {
		return room.Errorf(room.Busy, "Too much waits for the node %s already.", to)
	}
	l, err := p.letter(to, a)
	if err != nil {
		return err
	}
	if err := p.n.store.PutOutbox(to, l.ID, l.Bytes); err != nil {
		return fmt.Errorf("put into outbox for %s: %w", to, err)
	}
	p.tally(l.Bytes, 1)
	return nil
}

// letter is an ask as the outbox keeps it: they go in the order in which they were made.
func (p *postman) letter(to string, a *roompb.Ask) (storage.Outgoing, error) {
	b, err := proto.Marshal(a)
	l := storage.Outgoing{Node: to, Bytes: b}
	rand.Read(l.ID[:]) // never fails, crypto/rand
	binary.BigEndian.PutUint64(l.ID[:8], uint64(p.n.now().UnixNano()))
	return l, err
}

func (p *postman) tally(letter []byte, by int) {
	a := new(roompb.Ask)
	if proto.Unmarshal(letter, a) != nil || a.GetPropose() == nil {
		return
	}
	id, err := room.HashFromBytes(a.GetPropose().GetRoom())
	if err != nil {
		return
	}
	p.mu.Lock()
	if p.waiting[id] += by; p.waiting[id] <= 0 {
		delete(p.waiting, id)
	}
	p.mu.Unlock()
	if c := p.n.rooms.peek(id); c != nil {
		for _, f := range c.following() {
			f.markSummary(id)
		}
	}
}

func (p *postman) waitingFor(id room.ID) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return uint32(p.waiting[id])
}

// PeerUp is told by the door when a link to a peer is up: what waited for it goes out,
// gaps that it may fill are filled, and it learns who of this node is here.
func (n *Node) PeerUp(name string) {
	n.sending.try(name)
	ids, err := n.store.PeerRooms(name)
	if err != nil {
		n.log.Error("read rooms shared with a peer", "peer", name, "err", err)
	}
	for _, id := range ids {
		if c := n.rooms.peek(id); c != nil {
			c.hope()
			c.fill()
			c.recall()
			if c.several() && c.isSteward(name) { // what waits lies under the home's name
				n.sending.try(c.home())
			}
		}
	}
	n.tellPresence(name)
}

// PeerDown is told by the door when the link is gone: who is there is not known any more.
func (n *Node) PeerDown(name string) {
	n.level.Delete(name)
	n.people.forgetNode(name)
}
