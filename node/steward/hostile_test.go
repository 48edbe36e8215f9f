package steward

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// TestHostileSteward: one of three sends whatever it likes, messages of Raft that cannot be
// among them. The others do not crash, sign nothing twice, and get no two heads. (They may
// be led to stand still: Raft believes a leader.)
func TestHostileSteward(t *testing.T) {
	broken, agreed := 0, uint64(0)
	for seed := range uint64(60) {
		w := newWorld(t, seed, 3)
		w.loss = 0
		for i := range 300 {
			if i%40 == 0 {
				w.draft([]string{"a", "b"}[w.rand.IntN(2)])
			}
			for _, name := range []string{"a", "b"} {
				if i > 50 {
					broken += w.attack(w.hosts[name])
				}
				w.moment(w.hosts[name])
			}
			w.honestPost()
			w.hosts["a"].sync(w.hosts["b"])
			w.hosts["b"].sync(w.hosts["a"])
			w.check()
		}
		agreed += w.height() - w.create.Index
	}
	t.Logf("%d entries; the attacks broke a group %d times, and it was made anew", agreed, broken)
	if agreed < 60 {
		t.Error("the attacks show nothing")
	}
}

// honestPost delivers what the honest wrote; the liar does as it likes with its own.
func (w *world) honestPost() {
	for n := len(w.net); n > 0; n-- {
		l := w.net[0]
		w.net = w.net[1:]
		if l.to != "c" && l.from != "c" {
			ask := new(roompb.StewardAsk)
			if err := proto.Unmarshal(l.raw, ask); err != nil {
				w.t.Fatal(err)
			}
			w.hosts[l.to].group.Step(l.from, ask)
			w.mend(w.hosts[l.to])
			w.hosts[l.to].settle()
		}
	}
}

// mend does what a node does with a broken group.
func (w *world) mend(p *host) (broken int) {
	if p.group.Broken() != "" {
		p.start()
		return 1
	}
	return 0
}

func (w *world) attack(p *host) (broken int) {
	ask := &roompb.StewardAsk{Room: w.create.ID.Bytes(), Epoch: w.create.Epoch, Index: w.rand.Uint64N(20)}
	for range w.rand.IntN(3) {
		raw, err := proto.Marshal(w.lie(p))
		if err != nil {
			w.t.Fatal(err)
		}
		ask.Messages = append(ask.Messages, raw)
	}
	if w.rand.IntN(4) == 0 {
		ask.Cosigned = w.lyingHead()
	}
	p.group.Step("c", ask)
	broken = w.mend(p)
	p.settle()
	return broken + w.mend(p)
}

func (w *world) lyingHead() *roompb.Head {
	e := seal(w.t, w.create, "user@a", fmt.Sprint(w.rand.IntN(3)))
	head := room.HeadOf(e)
	head.Seq += w.rand.Uint64N(3)
	head.Cosignatures = []*roompb.Cosignature{room.Cosign(head, []string{"a", "c"}[w.rand.IntN(2)], w.keys["c"])}
	return head
}

// lie is a message of Raft as c would never send it, near enough to the truth to get far.
func (w *world) lie(p *host) *raftpb.Message {
	r := w.rand
	near := func(n uint64) *uint64 {
		if r.IntN(30) == 0 {
			return new(r.Uint64())
		}
		return new(max(n, 3) - 3 + r.Uint64N(6))
	}
	last, _ := p.group.store.LastIndex()
	status := p.group.raft.BasicStatus()
	m := &raftpb.Message{
		Type: raftpb.MessageType(r.IntN(25)).Enum(), From: new(uint64(3)), To: new(p.group.id(p.name)),
		Term: near(status.GetTerm()), LogTerm: near(status.GetTerm()), Index: near(last), Commit: near(status.GetCommit()),
		Reject: new(r.IntN(2) == 0), RejectHint: near(last),
	}
	switch {
	case m.GetType() == raftpb.MsgSnap:
		data := encodePlace(Place{Index: r.Uint64N(20)}, 1)
		m.Snapshot = &raftpb.Snapshot{Data: data, Metadata: &raftpb.SnapshotMetadata{Index: near(last), Term: near(status.GetTerm()), ConfState: &raftpb.ConfState{Voters: []uint64{1, 2, 3}[:1+r.IntN(3)]}}}
	case r.IntN(2) == 0:
		for i := range r.Uint64N(4) {
			m.Entries = append(m.Entries, w.lyingEntry(p, m, i))
		}
	}
	return m
}

func (w *world) lyingEntry(p *host, m *raftpb.Message, i uint64) *raftpb.Entry {
	e := &raftpb.Entry{Type: raftpb.EntryType(w.rand.IntN(8) / 6).Enum(), Term: new(m.GetTerm()), Index: new(m.GetIndex() + 1 + i)}
	switch w.rand.IntN(4) {
	case 0:
		e.Data = []byte("no packet")
	case 1, 2:
		event := seal(w.t, p.state, "user@b", fmt.Sprint("a lie ", w.rand.IntN(5)))
		e.Data, _ = proto.Marshal(&roompb.Packet{Header: event.RawHeader, Body: event.RawBody})
	}
	return e
}

// FuzzStep: no bytes from another steward crash this one.
func FuzzStep(f *testing.F) {
	w := newWorld(f, 1, 3)
	w.draft("a")
	w.hosts["a"].group.Campaign()
	w.hosts["a"].settle()
	for range 6 {
		for _, l := range w.net {
			f.Add(l.raw)
		}
		w.calm(1, "")
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		ask := &roompb.StewardAsk{Room: w.create.ID.Bytes(), Epoch: w.create.Epoch}
		raw, _ := proto.Marshal(w.lie(w.hosts["b"]))
		ask.Messages, ask.Index = [][]byte{raw}, r.Uint64N(9)
		b, _ := proto.Marshal(ask)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ask := new(roompb.StewardAsk)
		if proto.Unmarshal(b, ask) != nil {
			return
		}
		p := newHouse(t, "a", "b", "c").hosts["b"]
		p.group.Step("a", ask)
		p.settle()
		p.group.Tick()
		p.settle()
	})
}
