package steward

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// restore fills the Raft log from what was kept, or begins it.
func (g *Group) restore(kept []byte) error {
	k := new(roompb.StewardKept)
	if err := proto.Unmarshal(kept, k); err != nil {
		return fmt.Errorf("read what was kept: %w", err)
	}
	var err error
	if g.cosigned, err = placeOf(k.GetCosigned()); err != nil {
		return err
	}
	switch {
	case len(kept) == 0 || k.GetEpoch() < g.epoch:
		return g.begin()
	case k.GetEpoch() > g.epoch || k.GetIncarnation() != g.cfg.Incarnation:
		g.cfg.Mute = true // it remembers what its folder does not
		return g.begin()
	}
	return g.resume(k)
}

// begin is an empty Raft log: the same one on every steward.
func (g *Group) begin() error {
	first := &raftpb.Snapshot{
		Data:     encodePlace(Place{Index: g.epoch}, 0),
		Metadata: &raftpb.SnapshotMetadata{ConfState: &raftpb.ConfState{Voters: g.voters()}, Index: new(uint64(1)), Term: new(uint64(1))},
	}
	if err := g.store.ApplySnapshot(first); err != nil {
		return err
	}
	return g.store.SetHardState(&raftpb.HardState{Term: new(uint64(1)), Vote: new(uint64(0)), Commit: new(uint64(1))})
}

func (g *Group) resume(k *roompb.StewardKept) error {
	hard, snapshot := new(raftpb.HardState), new(raftpb.Snapshot)
	if err := errors.Join(proto.Unmarshal(k.GetHard(), hard), proto.Unmarshal(k.GetSnapshot(), snapshot)); err != nil {
		return fmt.Errorf("read what was kept: %w", err)
	}
	entries := make([]*raftpb.Entry, len(k.GetEntries()))
	for i, raw := range k.GetEntries() {
		entries[i] = new(raftpb.Entry)
		if err := proto.Unmarshal(raw, entries[i]); err != nil {
			return fmt.Errorf("read what was kept: %w", err)
		}
	}
	g.reach(snapshot.GetData())
	return errors.Join(g.store.ApplySnapshot(snapshot), g.store.SetHardState(hard), g.store.Append(entries))
}

// keep is everything that must outlive the process.
func (g *Group) keep() ([]byte, error) {
	hard, _, err := g.store.InitialState()
	if err != nil {
		return nil, err
	}
	snapshot, err := g.store.Snapshot()
	if err != nil {
		return nil, err
	}
	k := &roompb.StewardKept{Epoch: g.epoch, Incarnation: g.cfg.Incarnation, Cosigned: &roompb.StewardPlace{Index: g.cosigned.Index, Hash: g.cosigned.Hash.Bytes()}}
	if k.Hard, err = proto.Marshal(hard); err != nil {
		return nil, err
	}
	if k.Snapshot, err = proto.Marshal(snapshot); err != nil {
		return nil, err
	}
	first, _ := g.store.FirstIndex()
	last, _ := g.store.LastIndex()
	if first > last {
		return proto.Marshal(k)
	}
	entries, err := g.store.Entries(first, last+1, never)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		raw, err := proto.Marshal(e)
		if err != nil {
			return nil, err
		}
		k.Entries = append(k.Entries, raw)
	}
	return proto.Marshal(k)
}

// keepEntries is how many entries of the Raft log stay for stewards that are a little late;
// those further behind get a snapshot.
const keepEntries = 8

// compact forgets the entries that are in the room's state. What is stored shrinks with
// the next Keep: forgetting alone is not worth a sync.
func (g *Group) compact() {
	applied := g.raft.BasicStatus().Applied
	first, _ := g.store.FirstIndex()
	if len(g.ahead) > 0 || applied < first+keepEntries {
		return
	}
	if _, err := g.store.CreateSnapshot(applied, nil, encodePlace(g.agreed, g.clock)); err != nil {
		g.fail(err)
		return
	}
	if err := g.store.Compact(applied); err != nil {
		g.fail(err)
	}
}

func (g *Group) fail(err error) { g.broken = err.Error() }

// encodePlace is the data of a snapshot of the Raft log.
func encodePlace(p Place, clock room.Time) []byte {
	b, err := proto.Marshal(&roompb.StewardPlace{Index: p.Index, Hash: p.Hash.Bytes(), Clock: uint64(clock)})
	if err != nil { // numbers and bytes
		panic(err)
	}
	return b
}

// reach takes a snapshot's place over, unless the room is there already. What lies between
// comes to the room as it comes to any node.
func (g *Group) reach(data []byte) {
	m := new(roompb.StewardPlace)
	if proto.Unmarshal(data, m) != nil {
		return
	}
	if p, err := placeOf(m); err == nil && p.Index > g.agreed.Index {
		g.agreed, g.clock, g.ahead = p, room.Time(m.GetClock()), nil
	}
}

func placeOf(m *roompb.StewardPlace) (Place, error) {
	if len(m.GetHash()) == 0 {
		return Place{Index: m.GetIndex()}, nil
	}
	hash, err := room.HashFromBytes(m.GetHash())
	return Place{m.GetIndex(), hash}, err
}

// Era is when something was kept.
type Era struct {
	Epoch       uint64
	Incarnation uint32
}

// KeptIn tells when an Output.Keep was written; zero when it cannot be read.
func KeptIn(kept []byte) Era {
	k := new(roompb.StewardKept)
	if proto.Unmarshal(kept, k) != nil {
		return Era{}
	}
	return Era{k.GetEpoch(), k.GetIncarnation()}
}
