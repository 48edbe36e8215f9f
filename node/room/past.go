package room

import (
	"slices"

	"hearth/node/room/roompb"
)

// The past of a user is what decides about messages that cite an older state index:
// the spells in which the user was a member, each with the cuts of the entry that ended
// it; and, after such a spell, every other standing that an entry with cuts ended (a ban
// of someone who had left). Other standings allow nothing to be said and are left out,
// so someone who joined once has no past.
//
// Lists and spells are never changed once they are in a State: clones share them.

// Past is how u stood before, in order. The caller changes nothing in it.
func (s *State) Past(u User) []*roompb.PastStanding { return s.past[u] }

// SetMember is for loading a state that was stored, after its Nodes: it counts too.
func (s *State) SetMember(u User, m Member) {
	s.Members[u] = m
	if m.Membership == Joined {
		s.count(u.Node(), 1)
	}
}

// SetPast is for loading a state that was stored.
func (s *State) SetPast(u User, past []*roompb.PastStanding) {
	if len(past) == 0 {
		delete(s.past, u)
		return
	}
	s.past[u] = slices.Clip(past)
}

// endSpell notes that e ends u's standing as it is.
func (s *State) endSpell(u User, e *Event) {
	past, m := s.past[u], s.Members[u]
	cuts := cutsFor(u.Node(), e.Body.GetCuts())
	cut := cutting[e.Kind()] && (len(cuts) > 0 || u.Node() != s.Origin())
	if m.Membership != Joined && (len(past) == 0 || !cut) {
		return
	}
	from := m.From
	if m.Membership == "" {
		from = past[len(past)-1].GetUntil()
	}
	s.past[u] = append(slices.Clip(past), &roompb.PastStanding{
		User: string(u), Membership: string(m.Membership), Role: int32(m.Role),
		From: from, Until: e.Header.GetSeq(), Cuts: cuts, Cut: cut,
	})
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
