package room

import (
	"bytes"
	"crypto/ed25519"
	"maps"
	"slices"
)

// NodeStanding is how a node stands to a room. It stays when the node's last member has
// gone: its key is what its old messages are verified with.
type NodeStanding struct {
	Key    ed25519.PublicKey // nil: none of its users brought one
	Joined int               // how many of its users are members
	Banned bool
	Since  uint64 // index of the entry that banned it
}

func (n NodeStanding) isZero() bool { return n.Key == nil && n.Joined == 0 && !n.Banned }

// NodeKey is the key that node signs this room's logs with; nil when it is not known.
func (s *State) NodeKey(node string) ed25519.PublicKey { return s.Nodes[node].Key }

// AdoptKey gives a node its key where the room has none: a room made before joins
// carried keys learns that of its home, which alone had such rooms.
func (s *State) AdoptKey(node string, key ed25519.PublicKey) {
	if n := s.Nodes[node]; n.Key == nil && len(key) == ed25519.PublicKeySize {
		n.Key = bytes.Clone(key)
		s.Nodes[node] = n
	}
}

// HasMembers tells whether users of node are members.
func (s *State) HasMembers(node string) bool { return s.Nodes[node].Joined > 0 }

// MemberNodes are the nodes that have members, sorted.
func (s *State) MemberNodes() []string {
	nodes := make([]string, 0, len(s.Nodes))
	for name, n := range s.Nodes {
		if n.Joined > 0 {
			nodes = append(nodes, name)
		}
	}
	slices.Sort(nodes)
	return nodes
}

// Takes tells whether node is sent the room's events: it has members, or it is a steward.
func (s *State) Takes(node string) bool {
	n := s.Nodes[node]
	return !n.Banned && (n.Joined > 0 || s.IsSteward(node))
}

// LeftAt is the entry with which the last user of node stopped being a member; 0 while
// there are members, and when there never were. The node was entitled to all up to it.
func (s *State) LeftAt(node string) (index uint64) {
	if s.Nodes[node].Key == nil || s.HasMembers(node) {
		return 0
	}
	for u, past := range s.past {
		if u.Node() == node && len(past) > 0 {
			index = max(index, past[len(past)-1].GetUntil())
		}
	}
	return index
}

// IsSteward tells whether node is entitled to order the room's state.
func (s *State) IsSteward(node string) bool { return slices.Contains(s.Stewards, node) }

// Origin is the node that the room was made on; its alias is #alias@origin for ever,
// wherever its home is.
func (s *State) Origin() string { return s.Creator.Node() }

// UsersOf are the users of node that have a standing or had one, sorted.
func (s *State) UsersOf(node string) []User {
	found := map[User]bool{}
	for u := range s.Members {
		if u.Node() == node {
			found[u] = true
		}
	}
	for u := range s.past {
		if u.Node() == node {
			found[u] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// count notes that by more of node's users are members; what says nothing is not kept.
func (s *State) count(node string, by int) {
	n := s.Nodes[node]
	n.Joined += by
	s.Joined += by
	s.putNode(node, n)
}

func (s *State) putNode(node string, n NodeStanding) {
	if n.isZero() {
		delete(s.Nodes, node)
		return
	}
	s.Nodes[node] = n
}
