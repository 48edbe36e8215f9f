package room

import (
	"cmp"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

const labelState = "hearth state 2"

// Dump is s as a message: all that decides about later entries and events, in one order.
// The room's id is not in it. It shares the past's messages with s.
func (s *State) Dump() *roompb.StateDump {
	d := s.Core()
	d.Members, d.Past = s.dumpMembers(slices.Sorted(maps.Keys(s.Members))), s.dumpPast(slices.Sorted(maps.Keys(s.past)))
	return d
}

// Core is Dump without the members and their past: the hashes of their pages are in it.
func (s *State) Core() *roompb.StateDump {
	return &roompb.StateDump{
		Version: s.Version, Home: s.Home, Creator: string(s.Creator), Direct: string(s.Direct), Created: s.Created,
		Index: s.Index, Hash: s.Hash.Bytes(), Clock: uint64(s.Clock),
		Alias: s.Alias, Name: s.Name, Topic: s.Topic, Avatar: s.Avatar, Public: s.Public,
		Stewards: slices.Clone(s.Stewards), Nodes: s.dumpNodes(), Epoch: s.Epoch, Pages: s.dumpPages(),
	}
}

// Pages is a dump of the members of some pages, and of their past, alone: of at least one, and
// of as many as have mostBytes. A page that there is not, or that s lacks, is left out.
func (s *State) Pages(numbers []uint32, mostBytes int) *roompb.StateDump {
	s.pages.mu.Lock()
	defer s.pages.mu.Unlock()
	list := s.hashed()
	out := &roompb.StateDump{}
	for _, i := range numbers {
		if uint64(i) >= uint64(len(list)) {
			continue
		}
		part := s.dumpPage(list[i].users)
		if mostBytes -= proto.Size(part); mostBytes < 0 && len(out.Members)+len(out.Past) > 0 {
			break
		}
		out.Members, out.Past = append(out.Members, part.Members...), append(out.Past, part.Past...)
	}
	return out
}

// KnownPages is a dump of all members that s has, and of their past, alone.
func (s *State) KnownPages() *roompb.StateDump {
	return s.dumpPage(slices.Sorted(slices.Values(s.users())))
}

func (s *State) dumpNodes() []*roompb.NodeStanding {
	out := make([]*roompb.NodeStanding, 0, len(s.Nodes))
	for name, n := range s.Nodes {
		out = append(out, &roompb.NodeStanding{Name: name, Key: n.Key, Banned: n.Banned, Since: n.Since, Joined: uint32(n.Joined)})
	}
	slices.SortFunc(out, func(a, b *roompb.NodeStanding) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return out
}

func (s *State) dumpPage(users []User) *roompb.StateDump {
	return &roompb.StateDump{Members: s.dumpMembers(users), Past: s.dumpPast(users)}
}

func (s *State) dumpMembers(users []User) []*roompb.MemberStanding {
	out := make([]*roompb.MemberStanding, 0, len(users))
	for _, u := range users {
		if m, ok := s.Members[u]; ok {
			out = append(out, &roompb.MemberStanding{
				User: string(u), Membership: string(m.Membership), Role: int32(m.Role),
				Since: m.Since, By: string(m.By), Reason: m.Reason, From: m.From, Bridge: m.Bridge,
			})
		}
	}
	return out
}

func (s *State) dumpPast(users []User) []*roompb.PastStanding {
	var out []*roompb.PastStanding
	for _, u := range users {
		out = append(out, s.past[u]...)
	}
	return out
}

// Root names s by its content: nodes that have folded the same log have the same root. What
// has not changed since the last time is not looked at again.
func (s *State) Root() Hash { return RootOf(s.Core()) }

// RootOf is the root of a state, by its Core.
func RootOf(core *roompb.StateDump) Hash { return sum(labelState, EncodeDump(core)) }

// EncodeDump is a state's dump as bytes, the same on every node.
func EncodeDump(d *roompb.StateDump) []byte {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(d)
	if err != nil {
		panic("encode state of a room: " + err.Error()) // text that is not UTF-8 was let in: Check is broken
	}
	return raw
}
