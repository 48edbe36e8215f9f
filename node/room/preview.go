package room

import (
	"maps"
	"slices"

	"hearth/node/room/roompb"
)

// Preview is a state as an entry would leave it, and what the entry changes.
type Preview struct {
	State        *State // for reading its fields: its members and their past are those from before
	Reason       error  // why the entry would change nothing but the place in the log
	Changed      map[User]Member
	Pasts        map[User][]*roompb.PastStanding // the whole past of those whose past changes
	ChangedNodes []string                        // whose HasMembers or Takes changes, sorted
}

// Preview is what Apply(e) would make of s, without changing s: the fields, and the
// members it would change (a zero Member: gone). Its State shares s's members and must
// not be applied to.
func (s *State) Preview(e *Event) Preview {
	reason, touched, after := s.refusal(e), s.touched(e), *s
	after.Nodes = maps.Clone(s.Nodes)
	after.Members, after.past, after.pages = pick(s.Members, touched), pick(s.past, touched), nil
	after.fold(e, reason)
	p := Preview{State: &after, Reason: reason, Changed: map[User]Member{}, Pasts: map[User][]*roompb.PastStanding{}}
	for _, u := range touched {
		if m := after.Members[u]; m != s.Members[u] {
			p.Changed[u] = m
		}
		if past := after.past[u]; !slices.Equal(past, s.past[u]) {
			p.Pasts[u] = past
		}
	}
	p.ChangedNodes = s.changedNodes(&after, touched)
	after.Members, after.past = s.Members, s.past
	return p
}

// touched are the users whom e may concern.
func (s *State) touched(e *Event) []User {
	users := []User{e.Author()}
	for _, u := range []User{User(e.Body.GetSubject()), User(e.Body.GetDirect()), s.Direct} {
		if u != "" && !slices.Contains(users, u) {
			users = append(users, u)
		}
	}
	if e.Kind() == KindNodeBan {
		users = append(users, s.UsersOf(e.Body.GetNode())...)
	}
	return users
}

func pick[V any](from map[User]V, users []User) map[User]V {
	out := make(map[User]V, len(users))
	for _, u := range users {
		if v, ok := from[u]; ok {
			out[u] = v
		}
	}
	return out
}

func (s *State) changedNodes(after *State, touched []User) []string {
	nodes := slices.Concat(s.Stewards, after.Stewards)
	for _, u := range touched {
		nodes = append(nodes, u.Node())
	}
	slices.Sort(nodes)
	return slices.DeleteFunc(slices.Compact(nodes), func(node string) bool {
		return s.HasMembers(node) == after.HasMembers(node) && s.Takes(node) == after.Takes(node)
	})
}
