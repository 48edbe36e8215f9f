package room

import (
	"bytes"
	"crypto/ed25519"
	"slices"

	"hearth/node/room/roompb"
)

// LoadState is the state of room id that Dump wrote, on this node or on another: nothing
// is believed. What it accepts is in order in itself, bounded in size, and dumps to the
// same message again. That it is the room's state, its root and a head's signature tell.
// Of the members d may have all of some pages and nothing of others: then the state is Partial.
func LoadState(id ID, d *roompb.StateDump) (*State, error) {
	hash, err := HashFromBytes(d.GetHash())
	if err != nil {
		return nil, err
	}
	s := NewState()
	s.ID, s.Version, s.Home = id, d.GetVersion(), d.GetHome()
	s.Creator, s.Direct, s.Created = User(d.GetCreator()), User(d.GetDirect()), d.GetCreated()
	s.Index, s.Hash, s.Clock = d.GetIndex(), hash, Time(d.GetClock())
	s.Alias, s.Name, s.Topic, s.Avatar, s.Public = d.GetAlias(), d.GetName(), d.GetTopic(), d.GetAvatar(), d.GetPublic()
	s.Stewards, s.Epoch = slices.Clone(d.GetStewards()), d.GetEpoch()
	for _, load := range []func(*roompb.StateDump) error{s.loadNodes, s.loadDivided, s.checkLoaded} {
		if err := load(d); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// loadDivided reads the pages, and those members that d has.
func (s *State) loadDivided(d *roompb.StateDump) (err error) {
	if s.pages.list, err = parsePages(d.GetPages()); err != nil {
		return err
	}
	for i := range s.pages.list {
		if s.pages.list[i].away {
			s.lacks++
		}
	}
	if s.lacks == 0 {
		err = s.checkWhole()
	}
	if err != nil {
		return err
	}
	_, strange, err := s.LoadPages(d)
	if err == nil && strange > 0 {
		err = badDump("members are not those of their pages")
	}
	return err
}

func (s *State) loadNodes(d *roompb.StateDump) error {
	if len(d.GetNodes()) > MaxNodes {
		return Errorf(TooLarge, "A room has at most %d nodes, not %d.", MaxNodes, len(d.GetNodes()))
	}
	last := ""
	for _, n := range d.GetNodes() {
		name := n.GetName()
		if err := CheckNodeName(name); err != nil {
			return err
		}
		size := len(n.GetKey())
		switch {
		case name <= last:
			return badDump("the nodes are not in order at %s", name)
		case size != 0 && size != ed25519.PublicKeySize:
			return badDump("the key of %s has %d bytes", name, size)
		case n.GetBanned() != (n.GetSince() > 0) || n.GetSince() > s.Index:
			return badDump("the ban of %s does not fit its index %d", name, n.GetSince())
		}
		last = name
		s.Nodes[name] = loadNode(n)
		s.Joined += s.Nodes[name].Joined
	}
	return nil
}

func loadNode(n *roompb.NodeStanding) NodeStanding {
	out := NodeStanding{Joined: int(n.GetJoined()), Banned: n.GetBanned(), Since: n.GetSince()}
	if len(n.GetKey()) > 0 {
		out.Key = bytes.Clone(n.GetKey())
	}
	return out
}

func (s *State) loadMembers(d *roompb.StateDump) error {
	last := ""
	for _, m := range d.GetMembers() {
		u := User(m.GetUser())
		if err := s.checkMember(m); err != nil {
			return err
		}
		if m.GetUser() <= last {
			return badDump("the members are not in order at %s", u)
		}
		last = m.GetUser()
		if _, ok := s.Nodes[u.Node()]; !ok && Membership(m.GetMembership()) == Joined {
			return badDump("the node of %s is missing", u)
		}
		s.Members[u] = Member{
			Membership: Membership(m.GetMembership()), Role: Role(m.GetRole()), Since: m.GetSince(),
			By: User(m.GetBy()), Reason: m.GetReason(), From: m.GetFrom(), Bridge: m.GetBridge(),
		}
	}
	return nil
}

func (s *State) checkMember(m *roompb.MemberStanding) error {
	for _, u := range []string{m.GetUser(), m.GetBy()} {
		if err := checkUser(u); err != nil {
			return err
		}
	}
	if u := User(m.GetUser()); s.IsDirect() && u != s.Creator && u != s.Direct {
		return badDump("%s is in the 1:1 room of others", u)
	}
	if err := CheckLine("reason", m.GetReason(), MaxReason); err != nil {
		return err
	}
	if err := checkBridge(m.GetBridge()); err != nil {
		return err
	}
	return checkStanding(User(m.GetUser()), Membership(m.GetMembership()), m.GetRole(), m.GetFrom(), s.Index)
}

func badDump(format string, args ...any) error {
	return Errorf(BadRequest, "state of a room: "+format, args...)
}

func checkStanding(u User, m Membership, role int32, from, index uint64) error {
	switch {
	case m != Joined && m != Invited && m != Banned:
		return badDump("%s stands as %q", u, clip(string(m), 40))
	case role < int32(RoleReadonly) || role > int32(RoleOwner):
		return badDump("%s has role %d", u, role)
	case from > index:
		return badDump("%s stands so from entry %d of %d", u, from, index)
	}
	return nil
}

func (s *State) loadPast(d *roompb.StateDump) error {
	all := d.GetPast()
	for last := ""; len(all) > 0; {
		name := all[0].GetUser()
		if err := checkUser(name); err != nil {
			return err
		}
		if name <= last {
			return badDump("the past is not in order at %s", name)
		}
		n := 1
		for n < len(all) && all[n].GetUser() == name {
			n++
		}
		past, err := s.loadSpells(User(name), all[:n])
		if err != nil {
			return err
		}
		s.past[User(name)], all, last = past, all[n:], name
	}
	return nil
}

// loadSpells copies one user's past: sorted, without overlaps, before the standing now.
func (s *State) loadSpells(u User, spells []*roompb.PastStanding) ([]*roompb.PastStanding, error) {
	if len(spells) > MaxSpells+1 {
		return nil, Errorf(TooLarge, "The past of %s has %d spells; at most %d are possible.", u, len(spells), MaxSpells+1)
	}
	past := make([]*roompb.PastStanding, 0, len(spells))
	var last uint64
	for _, p := range spells {
		if err := s.checkSpell(u, p, last); err != nil {
			return nil, err
		}
		last = p.GetUntil()
		past = append(past, &roompb.PastStanding{
			User: string(u), Membership: p.GetMembership(), Role: p.GetRole(), From: p.GetFrom(), Until: p.GetUntil(),
			Cuts: cutsFor(u.Node(), p.GetCuts()), Cut: p.GetCut(),
		})
	}
	if m, ok := s.Members[u]; ok && m.From < last {
		return nil, badDump("%s stood otherwise at entry %d and has stood so since %d", u, last, m.From)
	}
	return past, nil
}

func (s *State) checkSpell(u User, p *roompb.PastStanding, last uint64) error {
	if err := checkCuts(p.GetCuts()); err != nil {
		return err
	}
	switch {
	case Membership(p.GetMembership()) != Joined:
		return badDump("a spell of %s as %q", u, clip(p.GetMembership(), 40))
	case p.GetFrom() < last || p.GetUntil() <= p.GetFrom() || p.GetUntil() > s.Index:
		return badDump("%s stood from %d until %d, after %d", u, p.GetFrom(), p.GetUntil(), last)
	case !p.GetCut() && (len(p.GetCuts()) > 0 || u.Node() != s.Origin()):
		return badDump("the end of %s's spell at entry %d cuts nothing", u, p.GetUntil())
	case len(cutsFor(u.Node(), p.GetCuts())) != len(p.GetCuts()):
		return badDump("the cuts for %s at entry %d are of other nodes, or double", u, p.GetUntil())
	}
	return checkStanding(u, Joined, p.GetRole(), p.GetFrom(), s.Index)
}

// checkLoaded is what must hold between the parts.
func (s *State) checkLoaded(d *roompb.StateDump) error {
	switch {
	case s.Version == 0 || s.Index == 0 || s.Hash.IsZero():
		return badDump("it has no version, or no entries")
	case s.IsDirect() && (s.Public || s.Direct == s.Creator):
		return badDump("a 1:1 room is for two")
	}
	if err := checkUser(string(s.Creator)); err != nil {
		return err
	}
	if s.IsDirect() {
		if err := checkUser(string(s.Direct)); err != nil {
			return err
		}
	}
	if err := checkSettings(&roompb.Body{Settings: s.settings()}); err != nil {
		return err
	}
	if err := s.checkLoadedStewards(d); err != nil {
		return err
	}
	return s.checkLoadedNodes()
}

func (s *State) settings() *roompb.Settings {
	return &roompb.Settings{Alias: &s.Alias, Name: &s.Name, Topic: &s.Topic, Avatar: &s.Avatar, Public: &s.Public}
}

func (s *State) checkLoadedStewards(d *roompb.StateDump) error {
	if err := checkStewardNames(&roompb.Body{Stewards: s.Stewards}); err != nil {
		return err
	}
	switch {
	case !slices.IsSorted(d.GetStewards()):
		return badDump("the stewards are not in order")
	case !s.IsSteward(s.Home):
		return badDump("%s orders it and is no steward", s.Home)
	case s.Epoch > s.Index || s.Epoch == 0 && (len(s.Stewards) > 1 || s.Home != s.Origin()):
		return badDump("the stewards are those of entry %d of %d", s.Epoch, s.Index)
	}
	for _, node := range s.Stewards {
		if n := s.Nodes[node]; n.Banned || n.Key == nil && node != s.Origin() {
			return badDump("%s cannot be a steward", node)
		}
	}
	return nil
}

func (s *State) checkLoadedNodes() error {
	for name, n := range s.Nodes {
		switch {
		case n.isZero():
			return badDump("nothing is said of %s", name)
		case n.Banned && (n.Joined > 0 || name == s.Origin()):
			return badDump("%s is banned and has %d members", name, n.Joined)
		case n.Key == nil && n.Joined > 0 && name != s.Origin():
			return badDump("the key of %s is missing", name)
		}
	}
	return nil
}

// CheckCreate says why create is not the entry that made the room that s is the state of;
// nil when it is.
func (s *State) CheckCreate(create *Event) error {
	made := NewState()
	if err := made.Apply(create); err != nil {
		return err
	}
	if made.ID != s.ID || made.Version != s.Version || made.Creator != s.Creator || made.Direct != s.Direct || made.Created != s.Created {
		return badDump("it is not that of the room which %s made", create.Author())
	}
	return nil
}
