package room

import (
	"bytes"
	"slices"
	"time"
)

// Check says why e, an event written now, is refused; nil when it is in order. For
// events about another event see CheckTarget too.
func (s *State) Check(e *Event) error {
	facts, ok := kinds[e.Kind()]
	if !ok {
		return Errorf(BadRequest, "%q is not a kind of event that this node knows.", clip(string(e.Kind()), 40))
	}
	if s.Version > CurrentVersion {
		return Errorf(Forbidden, "This room's version %d is newer than this node: it can only be read.", s.Version)
	}
	if e.Body != nil {
		if err := CheckBody(e.Kind(), e.Body); err != nil {
			return err
		}
	}
	if s.Partial() && (e.Kind().State() || s.Lacks(e.Author())) {
		return stillComing()
	}
	if rule := memberRules[e.Kind()]; rule != nil {
		return rule(s, e)
	}
	return s.checkRight(e.Author(), facts.right)
}

func stillComing() error {
	return &Error{Code: Unavailable, RetryAfter: time.Second, Message: "This room's members are still on their way here. Try again in a moment."}
}

func (s *State) checkRight(u User, r Right) error {
	if s.Can(u, r) {
		return nil
	}
	switch s.Members[u].Membership {
	case Joined:
		return Errorf(Forbidden, "Your role in this room (%s) does not allow that.", s.Role(u))
	case Banned:
		return Errorf(Forbidden, "You are banned from this room.")
	case Invited:
		return Errorf(Forbidden, "Accept the invitation to this room first.")
	}
	if s.Public {
		return Errorf(Forbidden, "Join this room first.")
	}
	return Errorf(NotFound, "There is no such room, or you are not in it.")
}

// CheckTarget says why e, written now, may not change target; nil when it may.
func (s *State) CheckTarget(e, target *Event) error {
	if err := checkOwn(e, target); err != nil || e.Kind() != KindDelete || e.Author() == target.Author() {
		return err
	}
	if !s.Can(e.Author(), RightDeleteAny) {
		return Errorf(Forbidden, "Your role in this room does not allow deleting other people's messages.")
	}
	if s.Lacks(target.Author()) {
		return stillComing()
	}
	return s.checkDelete(e, target, s.Members[e.Author()], s.Members[target.Author()])
}

// checkOwn is what about a target does not depend on how people stand.
func checkOwn(e, target *Event) error {
	switch {
	case !target.Kind().Message():
		return Errorf(BadRequest, "Only messages can be changed, reacted to or pinned.")
	case e.Kind() == KindEdit && e.Author() != target.Author():
		return Errorf(Forbidden, "Only its author can edit a message.")
	}
	return nil
}

func (s *State) checkDelete(e, target *Event, by, of Member) error {
	if s.rankAs(e.Author(), by) < s.rankAs(target.Author(), of) {
		return Errorf(Forbidden, "The author of that message stands above you in this room.")
	}
	return nil
}

// memberRules are the kinds whose right depends on whom they are about.
var memberRules = map[Kind]func(*State, *Event) error{
	KindCreate: checkCreateOnce,
	KindJoin:   checkJoin,
	KindLeave:  checkLeave,
	KindInvite: checkInvite,
	KindKick:   checkAgainst(RightKick),
	KindBan:    checkAgainst(RightBan),
	KindUnban:  checkUnban,
	KindRole:   checkRoleChange,

	KindSettings:  checkAddress,
	KindNodeBan:   checkNodeBan,
	KindNodeUnban: checkNodeUnban,
	KindStewards:  checkStewards,
}

func checkCreateOnce(s *State, e *Event) error {
	switch {
	case s.Index != 0:
		return Errorf(Conflict, "The room exists already.")
	case e.Author().Node() != e.Header.GetOrigin():
		return Errorf(BadRequest, "A room is made on its creator's node.")
	case string(e.Author()) == e.Body.GetDirect():
		return Errorf(BadRequest, "A 1:1 room is for two.")
	}
	return checkUser(string(e.Author()))
}

func checkJoin(s *State, e *Event) error {
	u := e.Author()
	if err := checkUser(string(u)); err != nil {
		return err
	}
	if err := s.checkMayJoin(u, e.Body.GetBridge() != ""); err != nil {
		return err
	}
	return s.checkNodeKey(u.Node(), e.Body.GetNodeKey())
}

func (s *State) checkMayJoin(u User, bridge bool) error {
	if err := s.checkRoomFor(u); err != nil {
		return err
	}
	switch m := s.Members[u].Membership; {
	case m == Joined:
		return Errorf(Conflict, "You are in this room already.")
	case m == Banned:
		return Errorf(Forbidden, "You are banned from this room.")
	case s.Joined >= MaxMembers:
		return Errorf(Forbidden, "This room is full: %d members.", s.Joined)
	case m == Invited, u == s.Creator, u == s.Direct:
		return nil
	case bridge:
		return s.checkMayBridge(u)
	case s.Public && !s.IsDirect():
		return nil
	}
	return Errorf(NotFound, "There is no such room, or you need an invitation to it.")
}

// checkMayBridge: that a room is public does not mean that anybody may carry it to another
// network. Where the room was made the operator may, who has all of it anyway; any other
// bridge is invited by somebody of the room.
func (s *State) checkMayBridge(bot User) error {
	switch {
	case s.IsDirect():
		return Errorf(Forbidden, "A 1:1 room is for two, and has no bridges.")
	case bot.Node() == s.Origin():
		return nil
	}
	return Errorf(Forbidden, "Somebody of the room has to invite %s first: it is a bridge of another node.", bot)
}

// checkRoomFor is what keeps anybody from being let in: a node's ban, or the room's bounds.
func (s *State) checkRoomFor(u User) error {
	_, here := s.Members[u]
	switch {
	case s.Nodes[u.Node()].Banned:
		return Errorf(Forbidden, "The node %s is banned from this room.", u.Node())
	case !here && len(s.Members) >= MaxStandings:
		return Errorf(Forbidden, "This room is full: %d members, invited and banned.", len(s.Members))
	case len(s.past[u]) >= MaxSpells:
		return Errorf(Forbidden, "%s has come and gone too often in this room.", u)
	}
	return nil
}

// checkNodeKey: whoever joins first from a node brings its key, by which everybody
// verifies what that node writes; nobody brings another one later. Where the room was
// made it may be missing: rooms were made before joins had keys.
func (s *State) checkNodeKey(node string, key []byte) error {
	known, ok := s.Nodes[node]
	switch {
	case known.Key == nil && len(key) == 0 && node != s.Origin():
		return Errorf(BadRequest, "The key of %s is missing.", node)
	case known.Key != nil && len(key) != 0 && !bytes.Equal(known.Key, key):
		return Errorf(Conflict, "This room knows %s by another key.", node)
	case !ok && len(s.Nodes) >= MaxNodes:
		return Errorf(Forbidden, "This room has members of too many nodes already: %d.", len(s.Nodes))
	}
	return nil
}

func checkLeave(s *State, e *Event) error {
	if m := s.Members[e.Author()].Membership; m != Joined && m != Invited {
		return Errorf(Conflict, "You are not in this room.")
	}
	return nil
}

func checkInvite(s *State, e *Event) error {
	subject := e.subject()
	if err := s.checkRight(e.Author(), RightInvite); err != nil {
		return err
	}
	if err := s.checkRoomFor(subject); err != nil {
		return err
	}
	switch s.Members[subject].Membership {
	case Joined:
		return Errorf(Conflict, "%s is in this room already.", subject)
	case Invited:
		return Errorf(Conflict, "%s is invited already.", subject)
	case Banned:
		return Errorf(Forbidden, "%s is banned from this room: lift the ban first.", subject)
	}
	if len(s.Members) >= MaxMembers {
		return Errorf(Forbidden, "This room is full: %d members.", s.Joined)
	}
	return nil
}

func checkAgainst(r Right) func(*State, *Event) error {
	return func(s *State, e *Event) error {
		u, subject := e.Author(), e.subject()
		if err := s.checkRight(u, r); err != nil {
			return err
		}
		if err := s.checkRank(u, subject); err != nil {
			return err
		}
		m := s.Members[subject].Membership
		if r == RightKick && m != Joined && m != Invited {
			return Errorf(NotFound, "%s is not in this room.", subject)
		}
		if r == RightBan && m == Banned {
			return Errorf(Conflict, "%s is banned already.", subject)
		}
		if m == "" && len(s.Members) >= MaxStandings {
			return Errorf(Forbidden, "This room is full: %d members, invited and banned.", len(s.Members))
		}
		return nil
	}
}

func (s *State) checkRank(u, subject User) error {
	switch {
	case u == subject:
		return Errorf(BadRequest, "That is yourself: leave the room instead.")
	case s.rank(subject) >= s.rank(u):
		return Errorf(Forbidden, "%s stands as high as you in this room, or higher.", subject)
	}
	return nil
}

func checkUnban(s *State, e *Event) error {
	subject := e.subject()
	if err := s.checkRight(e.Author(), RightBan); err != nil {
		return err
	}
	if s.Members[subject].Membership != Banned {
		return Errorf(NotFound, "%s is not banned.", subject)
	}
	return nil
}

func checkRoleChange(s *State, e *Event) error {
	u, subject := e.Author(), e.subject()
	if err := s.checkRight(u, RightRole); err != nil {
		return err
	}
	role, _ := ParseRole(e.Body.GetRole())
	switch m := s.Members[subject]; {
	case m.Membership != Joined:
		return Errorf(NotFound, "%s is not in this room.", subject)
	case subject == s.Creator:
		return Errorf(Forbidden, "%s made this room and stays its owner.", subject)
	case subject != u && s.rank(subject) >= s.rank(u):
		return Errorf(Forbidden, "%s stands as high as you in this room, or higher.", subject)
	case role > s.rank(u):
		return Errorf(Forbidden, "You can give roles up to your own (%s).", s.Role(u))
	case role == m.Role:
		return Errorf(Conflict, "%s is %s already.", subject, role)
	case len(s.past[subject]) >= MaxSpells:
		return Errorf(Forbidden, "The role of %s has changed too often in this room.", subject)
	}
	return nil
}

// checkAddress: settings may be changed by right, and an address is one of the node that the room was made on. Once that has no say in
// the room any more, nobody can look whether another one is free.
func checkAddress(s *State, e *Event) error {
	if err := s.checkRight(e.Author(), RightSettings); err != nil {
		return err
	}
	if set := e.Body.GetSettings(); set != nil && set.Alias != nil && *set.Alias != s.Alias && !s.IsSteward(s.Origin()) {
		return Errorf(Forbidden, "The room's address is one of the node %s, which no longer has a say in it.", s.Origin())
	}
	return nil
}

func checkNodeBan(s *State, e *Event) error {
	u, node := e.Author(), e.Body.GetNode()
	if err := s.checkRight(u, RightNodeBan); err != nil {
		return err
	}
	known, ok := s.Nodes[node]
	switch {
	case known.Banned:
		return Errorf(Conflict, "%s is banned already.", node)
	case node == s.Origin():
		return Errorf(Forbidden, "This room was made on %s, which cannot be banned from it.", node)
	case node == s.Home || s.IsSteward(node):
		return Errorf(Forbidden, "%s is one of this room's stewards, which cannot be banned from it.", node)
	case !ok && len(s.Nodes) >= MaxNodes:
		return Errorf(Forbidden, "This room knows too many nodes already: %d.", len(s.Nodes))
	}
	return s.checkRanks(u, node)
}

// checkRanks: nobody bans a node from which someone stands as high in the room.
func (s *State) checkRanks(u User, node string) error {
	for _, other := range s.UsersOf(node) {
		if s.Members[other].Membership == Joined && s.rank(other) >= s.rank(u) {
			return Errorf(Forbidden, "%s stands as high as you in this room, or higher.", other)
		}
	}
	return nil
}

func checkNodeUnban(s *State, e *Event) error {
	if err := s.checkRight(e.Author(), RightNodeBan); err != nil {
		return err
	}
	if node := e.Body.GetNode(); !s.Nodes[node].Banned {
		return Errorf(NotFound, "%s is not banned.", node)
	}
	return nil
}

func checkStewards(s *State, e *Event) error {
	if err := s.checkRight(e.Author(), RightStewards); err != nil {
		return err
	}
	for _, node := range e.Body.GetStewards() {
		n := s.Nodes[node]
		if n.Banned {
			return Errorf(Forbidden, "%s is banned from this room.", node)
		}
		if n.Key == nil {
			return Errorf(Conflict, "Nobody of %s has joined this room: its key is not known here.", node)
		}
	}
	if slices.Equal(s.Stewards, stewardsOf(e)) {
		return Errorf(Conflict, "These are the room's stewards already.")
	}
	return nil
}
