package room

import (
	"slices"

	"hearth/node/room/roompb"
)

// Apply folds the next entry of the state log in. It is total: an entry that has become
// impossible counts, changes nothing else, and the reason is returned.
func (s *State) Apply(e *Event) (reason error) {
	reason = s.refusal(e)
	s.fold(e, reason)
	return reason
}

// refusal is why e, as the next entry, changes nothing; nil when it does.
func (s *State) refusal(e *Event) error {
	switch {
	case effects[e.Kind()] == nil:
		return Errorf(BadRequest, "%q is not a kind of the state log.", clip(string(e.Kind()), 40))
	case e.Body == nil:
		return Errorf(BadRequest, "The entry's body is missing.")
	}
	return s.Check(e)
}

func (s *State) fold(e *Event, reason error) {
	s.Index, s.Hash, s.Clock = e.Header.GetSeq(), e.ID, max(s.Clock, e.Time())
	if reason == nil {
		effects[e.Kind()](s, e)
	}
}

// effects is what each kind of entry does to the state, once it is in order.
var effects = map[Kind]func(*State, *Event){
	KindCreate:   applyCreate,
	KindJoin:     applyJoin,
	KindLeave:    func(s *State, e *Event) { s.stand(e.Author(), Member{}, e) },
	KindInvite:   func(s *State, e *Event) { s.stand(e.subject(), e.member(Invited, RoleMember), e) },
	KindKick:     func(s *State, e *Event) { s.stand(e.subject(), Member{}, e) },
	KindBan:      func(s *State, e *Event) { s.stand(e.subject(), e.member(Banned, RoleMember), e) },
	KindUnban:    func(s *State, e *Event) { s.stand(e.subject(), Member{}, e) },
	KindRole:     applyRole,
	KindSettings: func(s *State, e *Event) { s.applySettings(e.Body.GetSettings()) },

	KindNodeBan:   applyNodeBan,
	KindNodeUnban: applyNodeUnban,
	KindStewards:  applyStewards,
}

func (e *Event) subject() User { return User(e.Body.GetSubject()) }

func (e *Event) member(m Membership, r Role) Member {
	return Member{
		Membership: m, Role: r, Since: e.Time().Millis(), By: e.Author(), Reason: e.Body.GetReason(), From: e.Header.GetSeq(),
	}
}

func applyCreate(s *State, e *Event) {
	s.ID, s.Home, s.Creator, s.Created = e.Room(), e.Header.GetOrigin(), e.Author(), e.Time().Millis()
	s.Version, s.Direct, s.Stewards = e.Body.GetVersion(), User(e.Body.GetDirect()), []string{s.Home}
	s.applySettings(e.Body.GetSettings())
	s.stand(e.Author(), e.member(Joined, RoleOwner), e)
	s.AdoptKey(s.Home, e.Body.GetNodeKey())
	if s.IsDirect() {
		s.Public = false
		s.stand(s.Direct, e.member(Invited, RoleOwner), e)
	}
}

func applyJoin(s *State, e *Event) {
	u, m := e.Author(), e.member(Joined, s.roleAtJoin(e.Author()))
	m.Bridge = e.Body.GetBridge()
	s.stand(u, m, e)
	s.AdoptKey(u.Node(), e.Body.GetNodeKey())
}

func applyRole(s *State, e *Event) {
	m := s.Members[e.subject()]
	m.Role, _ = ParseRole(e.Body.GetRole())
	m.From = e.Header.GetSeq()
	s.stand(e.subject(), m, e)
}

// applyNodeBan ends how every user of the node stands, and cuts off those who are only in
// the past as well. A user who was banned in person stays so when the node may come again.
func applyNodeBan(s *State, e *Event) {
	node := e.Body.GetNode()
	for _, u := range s.UsersOf(node) {
		if m := s.Members[u]; m.Membership == Banned {
			s.stand(u, m, e)
		} else {
			s.stand(u, Member{}, e)
		}
	}
	n := s.Nodes[node]
	n.Banned, n.Since = true, e.Header.GetSeq()
	s.putNode(node, n)
}

func applyNodeUnban(s *State, e *Event) {
	n := s.Nodes[e.Body.GetNode()]
	n.Banned, n.Since = false, 0
	s.putNode(e.Body.GetNode(), n)
}

// applyStewards: the home stays the same where it may, else it is the first one named.
func applyStewards(s *State, e *Event) {
	s.Stewards, s.Epoch = stewardsOf(e), e.Header.GetSeq()
	if !s.IsSteward(s.Home) {
		s.Home = e.Body.GetStewards()[0]
	}
}

func stewardsOf(e *Event) []string { return slices.Sorted(slices.Values(e.Body.GetStewards())) }

func (s *State) applySettings(b *roompb.Settings) {
	setIf(&s.Alias, b.Alias)
	setIf(&s.Name, b.Name)
	setIf(&s.Topic, b.Topic)
	setIf(&s.Avatar, b.Avatar)
	setIf(&s.Public, b.Public)
}

// Changes tells whether an entry that Check allows makes a difference: settings may be so
// already. All others that make none are refused.
func (s *State) Changes(e *Event) bool {
	if e.Kind() != KindSettings {
		return true
	}
	after := *s
	after.applySettings(e.Body.GetSettings())
	return after.Alias != s.Alias || after.Name != s.Name || after.Topic != s.Topic || after.Avatar != s.Avatar || after.Public != s.Public
}

func setIf[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

func (s *State) roleAtJoin(u User) Role {
	if u == s.Creator || u == s.Direct {
		return RoleOwner
	}
	return RoleMember
}

// stand gives u another standing from e on; the zero Member: none.
func (s *State) stand(u User, m Member, e *Event) {
	s.endSpell(u, e)
	if s.Members[u].Membership == Joined {
		s.count(u.Node(), -1)
	}
	delete(s.Members, u)
	if m.Membership != "" {
		s.Members[u] = m
	}
	if m.Membership == Joined {
		s.count(u.Node(), 1)
	}
	s.touch(u)
}
