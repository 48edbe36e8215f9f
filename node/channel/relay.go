package channel

import (
	"maps"

	"hearth/node/room"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// Counts are what became of things since they were last counted.
type Counts struct {
	Relayed    uint64
	Received   uint64
	Duplicates uint64
	Reconnects uint64
	Dropped    map[string]uint64 // by reason
}

func (c Counts) stored() *storagepb.BridgeCounts {
	return &storagepb.BridgeCounts{Relayed: c.Relayed, Received: c.Received, Duplicates: c.Duplicates, Reconnects: c.Reconnects, Dropped: c.Dropped}
}

func (c Counts) empty() bool {
	return c.Relayed|c.Received|c.Duplicates|c.Reconnects == 0 && len(c.Dropped) == 0
}

// otherReason is what is counted once there are too many reasons.
const otherReason = "other"

// add is the sum of two counts, in a new one.
func add(a, b *storagepb.BridgeCounts) *storagepb.BridgeCounts {
	if a == nil && b == nil {
		return nil
	}
	sum := &storagepb.BridgeCounts{
		Relayed: a.GetRelayed() + b.GetRelayed(), Received: a.GetReceived() + b.GetReceived(),
		Duplicates: a.GetDuplicates() + b.GetDuplicates(), Reconnects: a.GetReconnects() + b.GetReconnects(),
		Dropped: maps.Clone(a.GetDropped()),
	}
	for reason, n := range b.GetDropped() {
		if sum.Dropped == nil {
			sum.Dropped = map[string]uint64{}
		}
		if _, ok := sum.Dropped[reason]; !ok && len(sum.Dropped) >= maxReasons || room.CheckLine("reason", reason, 50) != nil {
			reason = otherReason
		}
		sum.Dropped[reason] += n
	}
	return sum
}

// Progress is how far a link has come: what was answered since it was last written down.
type Progress struct {
	Bridge string
	Room   room.ID
	Cursor uint64                    // everything up to this pos was answered; never falls
	Remote map[room.EventID][]string // what events are over there
	Anew   map[room.EventID]bool     // those of them that are there anew, and not any more what they were
	Counts Counts
}

// Advance writes down how far a link has come, in one synced batch: the cursor, the ids and the
// counts after a kill are of the same moment.
func (b *Book) Advance(p Progress) error {
	remote := make([]storage.Remote, 0, len(p.Remote))
	for e, ids := range p.Remote {
		if err := checkRemote(ids...); err != nil {
			return err
		}
		remote = append(remote, storage.Remote{Event: e, IDs: ids, Anew: p.Anew[e]})
	}
	return b.changeLink(p.Bridge, p.Room, func(m *storagepb.BridgeLink) error {
		m.Cursor = max(m.GetCursor(), p.Cursor)
		m.Counts = add(m.GetCounts(), p.Counts.stored())
		return nil
	}, remote...)
}

// Arrival is an entry from over there that is an event of the room now.
type Arrival struct {
	Remote string // what it is over there; empty: nobody will refer to it
	Event  room.EventID
}

// Received writes down entries that came in, and counts them: all or none.
func (b *Book) Received(bridge string, r room.ID, arrived ...Arrival) error {
	remote := make([]storage.Remote, 0, len(arrived))
	for _, a := range arrived {
		if a.Remote == "" {
			continue
		}
		if err := checkRemote(a.Remote); err != nil {
			return err
		}
		remote = append(remote, storage.Remote{Event: a.Event, IDs: []string{a.Remote}})
	}
	return b.changeLink(bridge, r, func(m *storagepb.BridgeLink) error {
		m.Counts = add(m.GetCounts(), Counts{Received: uint64(len(arrived))}.stored())
		return nil
	}, remote...)
}

func checkRemote(ids ...string) error {
	if len(ids) > MaxRemotes {
		return room.Errorf(room.TooLarge, "An event is at most %d messages beyond a bridge, not %d.", MaxRemotes, len(ids))
	}
	for _, id := range ids {
		if id == "" || len(id) > MaxRemote {
			return room.Errorf(room.BadRequest, "An id beyond a bridge has 1 to %d bytes, not %d.", MaxRemote, len(id))
		}
	}
	return nil
}

// Count counts what has nothing to do with a cursor: of a room's link, or, for the zero room, of the
// bridge. It is written with whatever is next, and by Flush.
func (b *Book) Count(bridge string, r room.ID, c Counts) {
	if c.empty() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.bridges[bridge]
	if e == nil {
		return
	}
	if l := e.links[r]; l != nil && l.stored.GetEnded() == "" {
		l.pending = add(l.pending, c.stored())
		return
	}
	e.pending = add(e.pending, c.stored())
}

// Remote is what an event is over there; none when it never was.
func (b *Book) Remote(bridge string, r room.ID, e room.EventID) ([]string, error) {
	return b.store.RemoteOf(bridge, r, e)
}

// Event is which event an id over there is; false when it is none.
func (b *Book) Event(bridge string, r room.ID, remote string) (room.EventID, bool, error) {
	return b.store.LocalOf(bridge, r, remote)
}
