package steward

import (
	"fmt"
	"slices"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

// Raft believes its peers and panics at what cannot be. What can be seen to be wrong is
// turned away here; what cannot breaks the group, which is made anew from what was kept.

const (
	mostTerm    = 1 << 40 // far from where counting on would overflow
	mostEntries = 256     // in the Raft log before the room's state has come to them
	mostData    = 512 << 10
)

// admissible are the messages that stewards send each other.
func (g *Group) admissible(m *raftpb.Message) bool {
	check := checks[m.GetType()]
	last, _ := g.store.LastIndex()
	return check != nil && m.GetTerm() > 0 && m.GetTerm() < mostTerm && m.GetIndex() < mostTerm && len(m.GetResponses()) == 0 && check(g, m, last)
}

var checks = map[raftpb.MessageType]func(g *Group, m *raftpb.Message, last uint64) bool{
	raftpb.MsgPreVote:       plain,
	raftpb.MsgPreVoteResp:   plain,
	raftpb.MsgVote:          plain,
	raftpb.MsgVoteResp:      plain,
	raftpb.MsgHeartbeatResp: plain,
	raftpb.MsgHeartbeat: func(_ *Group, m *raftpb.Message, last uint64) bool {
		return plain(nil, m, last) && m.GetCommit() <= last
	},
	raftpb.MsgAppResp: func(_ *Group, m *raftpb.Message, last uint64) bool {
		return plain(nil, m, last) && m.GetIndex() <= last && m.GetRejectHint() <= last
	},
	raftpb.MsgApp:  (*Group).checkAppend,
	raftpb.MsgSnap: (*Group).checkSnapshot,
}

func plain(_ *Group, m *raftpb.Message, _ uint64) bool {
	return len(m.GetEntries()) == 0 && m.GetSnapshot() == nil && len(m.GetContext()) == 0
}

func (g *Group) checkAppend(m *raftpb.Message, last uint64) bool {
	first, _ := g.store.FirstIndex()
	if m.GetSnapshot() != nil || last-first+uint64(len(m.GetEntries()))+1 > mostEntries {
		return false
	}
	term := m.GetLogTerm()
	for i, e := range m.GetEntries() {
		if e.GetIndex() != m.GetIndex()+uint64(i)+1 || e.GetTerm() < term || e.GetTerm() > m.GetTerm() || e.GetType() != raftpb.EntryNormal || len(e.GetData()) > mostData {
			return false
		}
		term = e.GetTerm()
	}
	return true
}

func (g *Group) checkSnapshot(m *raftpb.Message, _ uint64) bool {
	meta := m.GetSnapshot().GetMetadata()
	conf := meta.GetConfState()
	return len(m.GetEntries()) == 0 && meta.GetTerm() <= m.GetTerm() && meta.GetIndex() < mostTerm &&
		slices.Equal(conf.GetVoters(), g.voters()) && len(conf.GetLearners())+len(conf.GetLearnersNext())+len(conf.GetVotersOutgoing()) == 0 &&
		proto.Unmarshal(m.GetSnapshot().GetData(), new(roompb.StewardPlace)) == nil
}

// quiet is Raft's log: nothing is worth a line but what must not be.
type quiet struct{}

func (quiet) Debug(...any)            {}
func (quiet) Debugf(string, ...any)   {}
func (quiet) Info(...any)             {}
func (quiet) Infof(string, ...any)    {}
func (quiet) Warning(...any)          {}
func (quiet) Warningf(string, ...any) {}
func (quiet) Error(...any)            {}
func (quiet) Errorf(string, ...any)   {}
func (quiet) Fatal(v ...any)          { panic(fmt.Sprint(v...)) }
func (quiet) Fatalf(f string, v ...any) {
	panic(fmt.Sprintf(f, v...))
}
func (quiet) Panic(v ...any)            { panic(fmt.Sprint(v...)) }
func (quiet) Panicf(f string, v ...any) { panic(fmt.Sprintf(f, v...)) }
