package steward

import (
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Ready is what the group wants done since it was last asked; false: nothing.
func (g *Group) Ready() (Output, bool) {
	if g.Idle() {
		return Output{}, false
	}
	g.guard(func() {
		for g.raft.HasReady() {
			g.turn(g.raft.Ready())
		}
		g.sign()
		g.hand()
	})
	if g.broken != "" { // nothing of it may leave: what it rests on cannot be trusted
		g.out, g.dirty = Output{}, false
		return Output{}, false
	}
	if g.dirty {
		keep, err := g.keep()
		if err != nil {
			g.fail(err)
			return Output{}, false
		}
		g.out.Keep = keep
	}
	out := g.out
	g.out, g.dirty = Output{}, false
	return out, out.Keep != nil || len(out.Send) > 0 || out.Entry != nil || len(out.Lies) > 0
}

// turn is Raft's Ready. It may be advanced before anything is on disk, as nothing of the
// Output leaves before Keep does, and Keep has all of it.
func (g *Group) turn(rd raft.Ready) {
	if !raft.IsEmptySnap(rd.Snapshot) {
		if err := g.store.ApplySnapshot(rd.Snapshot); err != nil {
			g.fail(err)
			return
		}
		g.reach(rd.Snapshot.GetData())
	}
	if err := g.store.Append(rd.Entries); err != nil {
		g.fail(err)
		return
	}
	if !raft.IsEmptyHardState(rd.HardState) {
		if err := g.store.SetHardState(rd.HardState); err != nil {
			g.fail(err)
			return
		}
	}
	g.dirty = g.dirty || rd.MustSync || !raft.IsEmptySnap(rd.Snapshot)
	for _, m := range rd.Messages {
		g.send(m)
	}
	for _, e := range rd.CommittedEntries {
		g.commit(e)
	}
	g.raft.Advance(rd)
}

// send addresses a message of Raft. A snapshot counts as sent: when it is lost, the next
// heartbeat finds out.
func (g *Group) send(m *raftpb.Message) {
	raw, err := proto.Marshal(m)
	if err != nil {
		g.fail(err)
		return
	}
	g.letter(g.cfg.Stewards[m.GetTo()-1]).Messages = append(g.letter(g.cfg.Stewards[m.GetTo()-1]).Messages, raw)
	if m.GetType() == raftpb.MsgSnap {
		g.raft.ReportSnapshot(m.GetTo(), raft.SnapshotFinish)
	}
}

// letter is the one to a steward that this Output has.
func (g *Group) letter(to string) *roompb.StewardAsk {
	for _, l := range g.out.Send {
		if l.To == to {
			return l.Ask
		}
	}
	ask := &roompb.StewardAsk{Room: g.cfg.Room.Bytes(), Epoch: g.epoch, Index: g.state.Index}
	g.out.Send = append(g.out.Send, Letter{To: to, Ask: ask})
	return ask
}

// commit takes an entry that Raft has committed. Every steward gets the same entries in
// the same order and drops the same: those that do not follow what was agreed before.
func (g *Group) commit(e *raftpb.Entry) {
	event, err := g.open(e.GetData())
	if err != nil || !follows(event, g.agreed) || event.Time() <= g.clock {
		return
	}
	g.agreed, g.clock = Place{event.Header.GetSeq(), event.ID}, event.Time()
	g.ahead = append(g.ahead, event)
}

func follows(e *room.Event, p Place) bool {
	return e.Header.GetSeq() == p.Index+1 && string(e.Header.GetPrev()) == string(p.Hash[:])
}

// open reads the data of a Raft entry: what it accepts is an entry of the room's state
// log. Raft's own entries are empty.
func (g *Group) open(data []byte) (*room.Event, error) {
	bad := room.Errorf(room.BadRequest, "That is no entry of the state log of room %s.", g.cfg.Room)
	p := new(roompb.Packet)
	if len(data) == 0 || proto.Unmarshal(data, p) != nil {
		return nil, bad
	}
	e, err := room.DecodeEvent(p.GetHeader(), p.GetBody())
	if err != nil {
		return nil, err
	}
	h := e.Header
	if e.Room() != g.cfg.Room || !e.Kind().Known() || !e.Kind().State() || h.GetLog() != roompb.Log_LOG_STATE || h.GetOrigin() != g.cfg.Origin ||
		h.GetIncarnation() != 1 || h.GetStateIndex() != h.GetSeq() || e.Body == nil {
		return nil, bad
	}
	return e, room.CheckBody(e.Kind(), e.Body)
}

// next is the entry that this steward may sign, if it has not signed another one: the
// first that was agreed on and follows the room's state. nil: there is none.
func (g *Group) next() *room.Event {
	if len(g.ahead) == 0 || !follows(g.ahead[0], g.state) {
		return nil
	}
	return g.ahead[0]
}

// sign signs the head of the next entry. What was signed is kept before the signature
// leaves, for ever: for this index nothing else will be signed, in no epoch.
func (g *Group) sign() {
	e := g.next()
	if e == nil {
		return
	}
	p := Place{e.Header.GetSeq(), e.ID}
	if g.signatures[g.cfg.Self].place == p {
		return
	}
	if p != g.cosigned && p.Index <= g.cosigned.Index {
		return
	}
	if p != g.cosigned {
		g.cosigned, g.dirty = p, true
	}
	g.signatures[g.cfg.Self] = signature{p, room.Cosign(room.HeadOf(e), g.cfg.Self, g.cfg.Key).GetSignature()}
	g.tell(g.others())
}

// tell sends this steward's signature.
func (g *Group) tell(to []string) {
	own, ok := g.signatures[g.cfg.Self]
	if !ok || own.place != g.cosigned {
		return
	}
	g.told = 0
	for _, node := range to {
		g.letter(node).Cosigned = g.headAt(own.place, map[string]signature{g.cfg.Self: own}, false)
	}
}

// headAt is a head with those signatures that are of the place. As a head of the state
// log it has the origin's signature apart; told, each is a cosignature.
func (g *Group) headAt(p Place, of map[string]signature, apart bool) *roompb.Head {
	h := &roompb.Head{
		Room: g.cfg.Room.Bytes(), Log: roompb.Log_LOG_STATE, Origin: g.cfg.Origin, Incarnation: 1, Seq: p.Index, Hash: p.Hash.Bytes(),
	}
	for _, node := range g.cfg.Stewards {
		switch s, ok := of[node]; {
		case !ok || s.place != p:
		case apart && node == g.cfg.Origin:
			h.Signature = s.bytes
		default:
			h.Cosignatures = append(h.Cosignatures, &roompb.Cosignature{Node: node, Signature: s.bytes})
		}
	}
	return h
}

// hand gives the next entry to the room as soon as a majority has signed it; Tick makes
// it do so again while the room has not taken it.
func (g *Group) hand() {
	e := g.next()
	if e == nil || g.handed == e.Header.GetSeq() {
		return
	}
	p := Place{e.Header.GetSeq(), e.ID}
	signed := 0
	for _, s := range g.signatures {
		if s.place == p {
			signed++
		}
	}
	if signed < g.majority() {
		return
	}
	g.handed = p.Index
	g.out.Entry = &Headed{Event: e, Head: g.headAt(p, g.signatures, true)}
}

// At tells the group how far the room has come: by the group itself, or because the entry
// came as it comes to any node.
func (g *Group) At(s Standing) {
	p := s.Place
	if s.Epoch != g.epoch {
		g.over = true
	}
	if p.Index <= g.state.Index || g.over {
		return
	}
	g.state = p
	for len(g.ahead) > 0 && g.ahead[0].Header.GetSeq() <= p.Index {
		g.ahead = g.ahead[1:]
	}
	g.ahead = slices.Clip(g.ahead)
	// What a majority has signed counts, whatever Raft says: they differ only when a leader
	// told stewards different things.
	if p.Index >= g.agreed.Index || len(g.ahead) > 0 && g.ahead[0].Header.GetSeq() == p.Index+1 && !follows(g.ahead[0], p) {
		g.agreed, g.clock, g.ahead = p, s.Clock, nil
	}
	g.guard(g.compact)
}
