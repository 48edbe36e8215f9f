package room

import (
	"maps"

	"hearth/node/room/roompb"
)

// Membership is how a user stands to a room; the zero value is no standing at all.
type Membership string

const (
	Joined  Membership = "join"
	Invited Membership = "invite"
	Banned  Membership = "ban"
	Left    Membership = "leave" // only in what people see; State keeps no one who left
)

// Member is a user's standing in a room.
type Member struct {
	Membership Membership
	Role       Role
	Since      int64 // ms since 1970
	By         User  // who invited or banned
	Reason     string
	From       uint64 // index of the entry that gave this standing, membership or role
	Bridge     string // of a bridge's bot: the far place that it joins the room to, for people to read
}

// State is what the entries of a room's state log fold to: who is a member, who may do
// what, what the room is called. Check and Apply are pure and total. One goroutine at
// a time may Apply; Clone for a copy that stays.
type State struct {
	ID      ID
	Version uint32
	Home    string // node that orders the state: of its stewards the one that leads
	Creator User
	Direct  User // the other one of a 1:1 room
	Created int64

	Index uint64  // of the last entry
	Hash  EventID // of the last entry
	Clock Time    // of the last entry

	Alias  string // local part
	Name   string
	Topic  string
	Avatar string
	Public bool

	Members map[User]Member
	Joined  int

	Nodes    map[string]NodeStanding // that have members or had some, or are banned
	Stewards []string                // nodes entitled to order the state, sorted; at first Home alone
	Epoch    uint64                  // index of the entry that set the stewards; 0: they are as at first
	past     map[User][]*roompb.PastStanding
	pages    *pages // how the users in Members and past are divided; nil in a preview
	lacks    int    // pages of which nothing but the hash is known
}

// NewState is the state before the first entry.
func NewState() *State {
	return &State{Members: map[User]Member{}, Nodes: map[string]NodeStanding{}, past: map[User][]*roompb.PastStanding{}, pages: &pages{}}
}

// Clone is a copy that later entries do not touch.
func (s *State) Clone() *State {
	c := *s
	c.Members, c.Nodes, c.past, c.pages = maps.Clone(s.Members), maps.Clone(s.Nodes), maps.Clone(s.past), s.pages.clone()
	return &c
}

// Member is u's standing; the zero Member when u has none.
func (s *State) Member(u User) Member { return s.Members[u] }

// IsDirect tells whether this is a 1:1 room.
func (s *State) IsDirect() bool { return s.Direct != "" }

// rank is a user's place above others.
func (s *State) rank(u User) Role { return s.rankAs(u, s.Members[u]) }

// rankAs is the place of a user who stands as m; the creator's is above all, for ever.
func (s *State) rankAs(u User, m Member) Role {
	if u == s.Creator {
		return roleCreator
	}
	return m.Role
}

// Role is the role that people see.
func (s *State) Role(u User) Role { return min(s.rank(u), RoleOwner) }

// Can tells whether u has a right now.
func (s *State) Can(u User, r Right) bool {
	return s.Version <= CurrentVersion && s.allows(u, s.Members[u], r)
}

// allows tells whether u has a right when standing as m.
func (s *State) allows(u User, m Member, r Right) bool {
	need, ok := rights[r]
	if !ok || m.Membership != Joined {
		return false
	}
	if s.IsDirect() {
		return !notInDirect[r]
	}
	return s.rankAs(u, m) >= need
}

// Rights is everything u may do now, by name.
func (s *State) Rights(u User) map[string]bool {
	out := make(map[string]bool, len(rights))
	for r := range rights {
		out[string(r)] = s.Can(u, r)
	}
	return out
}

// MayRead tells whether u may read the room: its members may, and anybody of the room's
// home may read a public room.
func (s *State) MayRead(u User) bool {
	m := s.Members[u].Membership
	return m == Joined || s.Public && m != Banned && u.Node() == s.Home
}

// MaySee tells whether u may know that the room is there: who may read it, and who is
// invited to it.
func (s *State) MaySee(u User) bool { return s.MayRead(u) || s.Members[u].Membership == Invited }
