package steward

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// In ticks.
const (
	minPatience = 8  // until a campaign, at least
	spread      = 8  // by which stewards differ, so that they seldom campaign at once
	retell      = 4  // until a signature is told again, and an entry handed over again
	helpFor     = 60 // how long a steward helps another one to a leader
)

// rest begins to wait for the leader anew.
func (g *Group) rest() {
	h := fnv.New64a()
	h.Write(g.cfg.Room[:])
	h.Write([]byte(g.cfg.Self))
	h.Write(binary.BigEndian.AppendUint64(nil, g.campaigns))
	g.silent, g.patience = 0, minPatience+int(h.Sum64()%spread)
}

// Step takes what another steward sent. Whatever it says, it can stop the agreement at
// worst, and never make this steward sign two entries for one index.
func (g *Group) Step(from string, q *roompb.StewardAsk) {
	id := g.id(from)
	if id == 0 || from == g.cfg.Self || q.GetEpoch() != g.epoch || string(q.GetRoom()) != string(g.cfg.Room[:]) || g.Idle() {
		return
	}
	if q.GetCosigned() != nil {
		g.hear(from, q)
	}
	for _, raw := range q.GetMessages() {
		m := new(raftpb.Message)
		if proto.Unmarshal(raw, m) == nil && m.GetFrom() == id && m.GetTo() == g.id(g.cfg.Self) && g.admissible(m) && !g.Idle() {
			g.guard(func() { g.message(m) })
		}
	}
}

// guard keeps the panics of Raft, which trusts its peers, from being the node's.
func (g *Group) guard(do func()) {
	defer func() {
		if r := recover(); r != nil {
			g.broken = fmt.Sprint(r)
		}
	}()
	do()
}

func (g *Group) message(m *raftpb.Message) {
	voted := m.GetType() == raftpb.MsgVote || m.GetType() == raftpb.MsgPreVote
	if err := g.raft.Step(m); err != nil {
		return // dropped: Raft sends again what matters
	}
	switch lead := g.raft.BasicStatus().Lead; {
	case lead == m.GetFrom() && !voted:
		g.silent, g.called = 0, 0
	case lead == m.GetTo():
		g.called = 0
	}
	if voted {
		g.help(m)
	}
}

// help answers a steward that campaigns, so has lost its leader: when it is this one, it
// shows itself; and when this one has entries that the other lacks, so that the other
// cannot win, it looks for votes itself.
func (g *Group) help(m *raftpb.Message) {
	last, _ := g.store.LastIndex()
	term, _ := g.store.Term(last)
	switch {
	case g.Leads():
		g.raft.Tick()
	case m.GetLogTerm() < term || m.GetLogTerm() == term && m.GetIndex() < last:
		if g.called == 0 {
			g.silent = max(g.silent, g.patience-2)
		}
		g.called = helpFor
	case g.raft.BasicStatus().GetVote() == m.GetFrom():
		g.silent = 0
	}
}

// hear takes another steward's signature. One that asks about what is settled here gets
// this steward's own.
func (g *Group) hear(from string, q *roompb.StewardAsk) {
	h := q.GetCosigned()
	hash, err := room.HashFromBytes(h.GetHash())
	if err != nil || len(h.GetCosignatures()) != 1 || h.GetCosignatures()[0].GetNode() != from {
		return
	}
	p := Place{h.GetSeq(), hash}
	switch {
	case p.Index <= g.state.Index:
		if q.GetIndex() < p.Index {
			g.tell([]string{from})
		}
		return
	case p.Index > g.agreed.Index+1: // of an entry that this steward is far from
		return
	}
	check := g.headAt(p, nil, false)
	check.Signature = h.GetCosignatures()[0].GetSignature()
	if !room.VerifyHead(check, g.cfg.Keys[from]) {
		return
	}
	now, was := signature{p, check.Signature}, g.signatures[from]
	if was.place.Index == p.Index && was.place != p {
		g.out.Lies = append(g.out.Lies, Lie{from, [2]*roompb.Head{
			g.headAt(was.place, map[string]signature{from: was}, false), g.headAt(p, map[string]signature{from: now}, false),
		}})
	}
	g.signatures[from] = now
}

// Tick is a moment. Only while the group is busy, or a draft waits for a leader.
func (g *Group) Tick() {
	if g.Idle() {
		return
	}
	g.guard(g.tick)
}

func (g *Group) tick() {
	g.raft.Tick()
	g.called = max(g.called-1, 0)
	if g.silent++; !g.Leads() && g.silent >= g.patience {
		g.campaign()
	}
	if e := g.next(); e != nil {
		if g.told++; g.told >= retell {
			g.handed = 0
			g.tell(g.others())
		}
	}
}

// Campaign looks for votes at once: who leads, if anybody, cannot be reached.
func (g *Group) Campaign() {
	if !g.Idle() && !g.Leads() {
		g.guard(g.campaign)
	}
}

func (g *Group) campaign() {
	g.campaigns++
	g.rest()
	_ = g.raft.Campaign() // dropped when this steward cannot lead now
}

// Propose begins the agreement on an entry that follows State. Only while CanSeal.
func (g *Group) Propose(e *room.Event) error {
	if !g.CanSeal() || !follows(e, g.state) || e.Time() <= g.clock {
		return raft.ErrProposalDropped
	}
	data, err := proto.Marshal(&roompb.Packet{Header: e.RawHeader, Body: e.RawBody})
	if err != nil {
		return err
	}
	g.guard(func() { err = g.raft.Propose(data) })
	return err
}
