package room

import (
	"cmp"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

const labelState = "hearth state 1"

// Dump is s as a message: all that decides about later entries and events, in one order.
// The room's id is not in it. It shares the past's messages with s.
func (s *State) Dump() *roompb.StateDump {
	return &roompb.StateDump{
		Version: s.Version, Home: s.Home, Creator: string(s.Creator), Direct: string(s.Direct), Created: s.Created,
		Index: s.Index, Hash: s.Hash.Bytes(), Clock: uint64(s.Clock),
		Alias: s.Alias, Name: s.Name, Topic: s.Topic, Avatar: s.Avatar, Public: s.Public,
		Stewards: slices.Clone(s.Stewards), Nodes: s.dumpNodes(), Members: s.dumpMembers(), Past: s.dumpPast(),
		Epoch: s.Epoch,
	}
}

func (s *State) dumpNodes() []*roompb.NodeStanding {
	out := make([]*roompb.NodeStanding, 0, len(s.Nodes))
	for name, n := range s.Nodes {
		out = append(out, &roompb.NodeStanding{Name: name, Key: n.Key, Banned: n.Banned, Since: n.Since})
	}
	slices.SortFunc(out, func(a, b *roompb.NodeStanding) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return out
}

func (s *State) dumpMembers() []*roompb.MemberStanding {
	out := make([]*roompb.MemberStanding, 0, len(s.Members))
	for u, m := range s.Members {
		out = append(out, &roompb.MemberStanding{
			User: string(u), Membership: string(m.Membership), Role: int32(m.Role),
			Since: m.Since, By: string(m.By), Reason: m.Reason, From: m.From, Bridge: m.Bridge,
		})
	}
	slices.SortFunc(out, func(a, b *roompb.MemberStanding) int { return cmp.Compare(a.GetUser(), b.GetUser()) })
	return out
}

func (s *State) dumpPast() []*roompb.PastStanding {
	out := make([]*roompb.PastStanding, 0, len(s.past))
	for _, u := range slices.Sorted(maps.Keys(s.past)) {
		out = append(out, s.past[u]...)
	}
	return out
}

// Root names s by its content: nodes that have folded the same log have the same root.
func (s *State) Root() Hash { return RootOf(EncodeDump(s.Dump())) }

// RootOf is the root of an encoded dump.
func RootOf(dump []byte) Hash { return sum(labelState, dump) }

// EncodeDump is a state's dump as bytes, the same on every node.
func EncodeDump(d *roompb.StateDump) []byte {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(d)
	if err != nil {
		panic("encode state of a room: " + err.Error()) // text that is not UTF-8 was let in: Check is broken
	}
	return raw
}
