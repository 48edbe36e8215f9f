package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// hall keeps the rooms that are awake: loaded, with a loop that runs while there is work.
type hall struct {
	n      *Node
	mu     sync.Mutex
	awake  map[room.ID]*chamber
	closed bool
	loops  sync.WaitGroup
}

// idleRoom is how long a room without followers and work stays awake.
const idleRoom = 2 * time.Minute

func newHall(n *Node) *hall { return &hall{n: n, awake: map[room.ID]*chamber{}} }

// get wakes a room. NotFound when the node has no such room.
func (h *hall) get(id room.ID) (*chamber, error) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, room.Errorf(room.Unavailable, "The node is stopping.")
	}
	c, ok := h.awake[id]
	if !ok {
		c = newChamber(h.n, id)
		h.awake[id] = c
	}
	h.mu.Unlock()
	if err := c.wake(); err != nil {
		h.forget(c)
		return nil, err
	}
	return c, nil
}

// wake loads a room, once, whoever comes first.
func (c *chamber) wake() error {
	c.loading.Do(func() {
		if c.anew != nil {
			c.loadErr = c.anew()
		}
		if c.loadErr == nil {
			c.loadErr = c.load()
		}
		if c.loadErr == nil && c.anew == nil {
			c.nudge()
		}
	})
	return c.loadErr
}

// forget drops a room from memory; the next get loads it anew.
func (h *hall) forget(c *chamber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.awake[c.id] == c {
		delete(h.awake, c.id)
	}
}

// replace stores a room anew by install, while nobody has it awake, and wakes it.
func (h *hall) replace(id room.ID, install func() error) (*chamber, error) {
	c, err := h.anew(id, install)
	if err != nil {
		return nil, err
	}
	if err = c.wake(); err != nil {
		h.forget(c)
	}
	return c, err
}

// anew puts a room among the awake that is to be stored by install first. From here on anybody may
// get it, and stores it then.
func (h *hall) anew(id room.ID, install func() error) (*chamber, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, room.Errorf(room.Unavailable, "The node is stopping.")
	}
	was, now := h.awake[id], newChamber(h.n, id)
	now.anew = func() error {
		if was != nil {
			was.end(room.Errorf(room.Unavailable, "The room is being loaded anew."))
		}
		return install()
	}
	h.awake[id] = now
	return now, nil
}

// add puts a room that was just created among the awake.
func (h *hall) add(c *chamber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.awake[c.id] = c
}

// start runs a chamber's loop unless the node stops.
func (h *hall) start(loop func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.loops.Go(loop)
	return true
}

// sweep lets rooms that nobody follows go back to sleep.
func (h *hall) sweep(ctx context.Context) {
	tick := time.NewTicker(idleRoom / 2)
	defer tick.Stop()
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.sleepIdle(h.n.now().Add(-idleRoom))
		case <-daily.C:
			h.forgetKeys()
		}
	}
}

// keepKeys is how long a repeated draft is recognised.
const keepKeys = 30 * 24 * time.Hour

func (h *hall) forgetKeys() {
	if _, err := h.n.store.PruneKeys(h.n.now().Add(-keepKeys).UnixMilli()); err != nil {
		h.n.log.Error("forget old keys", "err", err)
	}
	if err := h.n.forgetJoins(h.n.now().Add(-keepKeys)); err != nil {
		h.n.log.Error("forget joins that nobody answered", "err", err)
	}
}

// sleepIdle also nudges those that stay awake.
func (h *hall) sleepIdle(before time.Time) {
	h.mu.Lock()
	var awake []room.ID
	for id, c := range h.awake {
		if c.retire(before) {
			delete(h.awake, id)
		} else {
			awake = append(awake, id)
		}
	}
	h.mu.Unlock()
	for _, id := range awake {
		if c := h.peek(id); c != nil {
			c.nudge()
		}
	}
}

func (h *hall) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.awake)
}

// close refuses new work and waits until the loops have done what they had.
func (h *hall) close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.loops.Wait()
}

// loadState folds a room's stored snapshot back into a State. The snapshot is the fold
// of the state log up to its index; Verify replays the log against it.
func loadState(n *Node, meta *storagepb.Room, id room.ID) (*room.State, error) {
	s := room.NewState()
	hash, err := room.HashFromBytes(meta.GetStateHash())
	if err != nil {
		return nil, fmt.Errorf("read state of room %s: %w", id, err)
	}
	s.ID, s.Version, s.Home = id, meta.GetVersion(), meta.GetHome()
	s.Creator, s.Direct, s.Created = room.User(meta.GetCreator()), room.User(meta.GetDirect()), meta.GetCreated()
	s.Index, s.Hash, s.Clock = meta.GetStateIndex(), hash, room.Time(meta.GetClock())
	s.Alias, s.Name, s.Topic, s.Avatar, s.Public = meta.GetAlias(), meta.GetName(), meta.GetTopic(), meta.GetAvatar(), meta.GetPublic()
	s.Stewards, s.Epoch = meta.GetStewards(), meta.GetEpoch()
	for _, m := range meta.GetNodes() {
		s.Nodes[m.GetName()] = room.NodeStanding{Key: m.GetKey(), Banned: m.GetBanned(), Since: m.GetSince()} // members count themselves
	}
	err = n.store.Members(id, func(m *storagepb.Member) error {
		role, _ := room.ParseRole(m.GetRole())
		s.SetMember(room.User(m.GetUser()), room.Member{
			Membership: room.Membership(m.GetMembership()), Role: role, Since: m.GetSince(),
			By: room.User(m.GetInvitedBy()), Reason: m.GetReason(), From: m.GetFrom(), Bridge: m.GetBridge(),
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = n.store.Pasts(id, func(u room.User, past []*roompb.PastStanding) error {
		s.SetPast(u, past)
		return nil
	})
	s.AdoptKey(n.name, n.PublicKey())
	return s, err
}

// replayState folds a room's whole state log: for a room that was stored before there was
// federation, of which the snapshot says too little.
func replayState(n *Node, id room.ID) (*room.State, error) {
	s := room.NewState()
	const page = 1000
	for {
		recs, err := n.store.Log(id, roompb.Log_LOG_STATE, "", 0, s.Index+1, 0, page, maxParcelBytes)
		if err != nil {
			return nil, fmt.Errorf("replay state of room %s: %w", id, err)
		}
		for i := range recs {
			s.Apply(recs[i].Event) // what was refused then is a no-op now too
		}
		if len(recs) == 0 {
			s.AdoptKey(n.name, n.PublicKey())
			return s, nil
		}
	}
}

// peek is a room only if it is awake and loaded.
func (h *hall) peek(id room.ID) *chamber {
	h.mu.Lock()
	c := h.awake[id]
	h.mu.Unlock()
	if c == nil {
		return nil
	}
	if c.wake() != nil {
		return nil
	}
	return c
}
