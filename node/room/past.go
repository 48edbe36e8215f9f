package room

import (
	"slices"

	"hearth/node/room/roompb"
)

// The past of a user are the spells as a member, in one role each, that ended: what
// decides about messages that cite an older state index. Each has the cuts of the entry
// that ended it. Between spells a user may have been invited, banned or nothing: nobody
// says anything so, and it is not kept. When such a standing is ended by an entry with
// cuts (a ban of someone who had left), they narrow those of the last spell: a message
// from that spell is void when it is beyond either. So someone who joined once has no past.
//
// Lists and spells are never changed once they are in a State: clones share them.

// Past is how u stood before, in order. The caller changes nothing in it.
func (s *State) Past(u User) []*roompb.PastStanding { return s.past[u] }

// Pasts is the Past of everybody who has one. The caller changes nothing in it.
func (s *State) Pasts() map[User][]*roompb.PastStanding { return s.past }

// SetMember is for loading a state that was stored, after its Nodes: it counts too.
func (s *State) SetMember(u User, m Member) {
	s.Members[u] = m
	if m.Membership == Joined {
		s.count(u.Node(), 1)
	}
	s.touch(u)
}

// SetPast is for loading a state that was stored.
func (s *State) SetPast(u User, past []*roompb.PastStanding) {
	if delete(s.past, u); len(past) > 0 {
		s.past[u] = slices.Clip(past)
	}
	s.touch(u)
}

// endSpell notes that e ends u's standing as it is.
func (s *State) endSpell(u User, e *Event) {
	past, m := s.past[u], s.Members[u]
	cuts := cutsFor(u.Node(), e.Body.GetCuts())
	cut := cutting[e.Kind()] && (len(cuts) > 0 || u.Node() != s.Origin())
	switch {
	case m.Membership == Joined:
		s.past[u] = append(slices.Clip(past), &roompb.PastStanding{
			User: string(u), Membership: string(Joined), Role: int32(m.Role),
			From: m.From, Until: e.Header.GetSeq(), Cuts: cuts, Cut: cut,
		})
	case cut && len(past) > 0:
		last := len(past) - 1
		s.past[u] = append(slices.Clip(past[:last]), narrowed(past[last], cuts))
	}
}

// narrowed is a spell that later cuts apply to as well.
func narrowed(p *roompb.PastStanding, cuts []*roompb.Cut) *roompb.PastStanding {
	if p.GetCut() {
		cuts = narrower(p.GetCuts(), cuts)
	}
	return &roompb.PastStanding{
		User: p.GetUser(), Membership: p.GetMembership(), Role: p.GetRole(),
		From: p.GetFrom(), Until: p.GetUntil(), Cuts: cuts, Cut: true,
	}
}

// cutting are the kinds that may take a right away. Where such an entry has no cuts,
// nothing that the node wrote had been seen. Only entries about users of the node where
// the room was made may lack them and cut nothing: they may be from before there were cuts.
var cutting = map[Kind]bool{KindLeave: true, KindKick: true, KindBan: true, KindRole: true, KindNodeBan: true}

func standing(p *roompb.PastStanding) Member {
	return Member{Membership: Membership(p.GetMembership()), Role: Role(p.GetRole()), From: p.GetFrom()}
}

// standingAt is how u stood under the entry of an index.
func (s *State) standingAt(u User, index uint64) Member {
	if m, ok := s.Members[u]; ok && index >= m.From {
		return m
	}
	for _, p := range slices.Backward(s.past[u]) {
		if index >= p.GetUntil() {
			break
		}
		if index >= p.GetFrom() {
			return standing(p)
		}
	}
	return Member{}
}
