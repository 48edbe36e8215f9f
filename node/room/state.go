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
}

// State is what the entries of a room's state log fold to: who is a member, who may do
// what, what the room is called. Check and Apply are pure and total. One goroutine at
// a time may Apply; Clone for a copy that stays.
type State struct {
	ID      ID
	Version uint32
	Home    string // node that orders the state
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
}

// NewState is the state before the first entry.
func NewState() *State { return &State{Members: map[User]Member{}} }

// Clone is a copy that later entries do not touch.
func (s *State) Clone() *State {
	c := *s
	c.Members = maps.Clone(s.Members)
	return &c
}

// Member is u's standing; the zero Member when u has none.
func (s *State) Member(u User) Member { return s.Members[u] }

// IsDirect tells whether this is a 1:1 room.
func (s *State) IsDirect() bool { return s.Direct != "" }

// rank is a user's place above others; the creator's is above all, for ever.
func (s *State) rank(u User) Role {
	if u == s.Creator {
		return roleCreator
	}
	return s.Members[u].Role
}

// Role is the role that people see.
func (s *State) Role(u User) Role { return min(s.rank(u), RoleOwner) }

// Can tells whether u has a right now.
func (s *State) Can(u User, r Right) bool {
	need, ok := rights[r]
	if !ok || s.Version > CurrentVersion || s.Members[u].Membership != Joined {
		return false
	}
	if s.IsDirect() {
		return !notInDirect[r] && r != RightDeleteAny
	}
	return s.rank(u) >= need
}

// Rights is everything u may do now, by name.
func (s *State) Rights(u User) map[string]bool {
	out := make(map[string]bool, len(rights))
	for r := range rights {
		out[string(r)] = s.Can(u, r)
	}
	return out
}

// MayRead tells whether u may read the room: its members may, and anybody of the node
// may read a public room.
func (s *State) MayRead(u User) bool {
	m := s.Members[u].Membership
	return m == Joined || s.Public && m != Banned
}

// MaySee tells whether u may know that the room is there: who may read it, and who is
// invited to it.
func (s *State) MaySee(u User) bool { return s.MayRead(u) || s.Members[u].Membership == Invited }

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
	if rule := memberRules[e.Kind()]; rule != nil {
		return rule(s, e.Author(), e.Body)
	}
	return s.checkRight(e.Author(), facts.right)
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

// CheckTarget says why e may not change target; nil when it may.
func (s *State) CheckTarget(e, target *Event) error {
	own := e.Author() == target.Author()
	switch {
	case !target.Kind().Message():
		return Errorf(BadRequest, "Only messages can be changed, reacted to or pinned.")
	case e.Kind() == KindEdit && !own:
		return Errorf(Forbidden, "Only its author can edit a message.")
	case e.Kind() == KindDelete && !own && !s.Can(e.Author(), RightDeleteAny):
		return Errorf(Forbidden, "Your role in this room does not allow deleting other people's messages.")
	case e.Kind() == KindDelete && !own && s.rank(e.Author()) < s.rank(target.Author()):
		return Errorf(Forbidden, "The author of that message stands above you in this room.")
	}
	return nil
}

// Apply folds the next entry of the state log in. It is total: an entry that has become
// impossible counts, changes nothing else, and the reason is returned.
func (s *State) Apply(e *Event) (reason error) {
	effect := effects[e.Kind()]
	switch {
	case effect == nil:
		reason = Errorf(BadRequest, "%q is not a kind of the state log.", clip(string(e.Kind()), 40))
	case e.Body == nil:
		reason = Errorf(BadRequest, "The entry's body is missing.")
	default:
		reason = s.Check(e)
	}
	s.Index, s.Hash, s.Clock = e.Header.GetSeq(), e.ID, max(s.Clock, e.Time())
	if reason == nil {
		effect(s, e)
	}
	return reason
}

// memberRules are the kinds whose right depends on whom they are about.
var memberRules = map[Kind]func(*State, User, *roompb.Body) error{
	KindCreate: checkCreateOnce,
	KindJoin:   checkJoin,
	KindLeave:  checkLeave,
	KindInvite: checkInvite,
	KindKick:   checkAgainst(RightKick),
	KindBan:    checkAgainst(RightBan),
	KindUnban:  checkUnban,
	KindRole:   checkRoleChange,
}

func checkCreateOnce(s *State, _ User, _ *roompb.Body) error {
	if s.Index != 0 {
		return Errorf(Conflict, "The room exists already.")
	}
	return nil
}

func checkJoin(s *State, u User, _ *roompb.Body) error {
	switch m := s.Members[u].Membership; {
	case m == Joined:
		return Errorf(Conflict, "You are in this room already.")
	case m == Banned:
		return Errorf(Forbidden, "You are banned from this room.")
	case s.Joined >= MaxMembers:
		return Errorf(Forbidden, "This room is full: %d members.", s.Joined)
	case m == Invited, u == s.Creator, u == s.Direct:
		return nil
	case s.Public && !s.IsDirect():
		return nil
	}
	return Errorf(NotFound, "There is no such room, or you need an invitation to it.")
}

func checkLeave(s *State, u User, _ *roompb.Body) error {
	if m := s.Members[u].Membership; m != Joined && m != Invited {
		return Errorf(Conflict, "You are not in this room.")
	}
	return nil
}

func checkInvite(s *State, u User, b *roompb.Body) error {
	if err := s.checkRight(u, RightInvite); err != nil {
		return err
	}
	switch s.Members[User(b.GetSubject())].Membership {
	case Joined:
		return Errorf(Conflict, "%s is in this room already.", b.GetSubject())
	case Invited:
		return Errorf(Conflict, "%s is invited already.", b.GetSubject())
	case Banned:
		return Errorf(Forbidden, "%s is banned from this room: lift the ban first.", b.GetSubject())
	}
	if len(s.Members) >= MaxMembers {
		return Errorf(Forbidden, "This room is full: %d members.", s.Joined)
	}
	return nil
}

func checkAgainst(r Right) func(*State, User, *roompb.Body) error {
	return func(s *State, u User, b *roompb.Body) error {
		subject := User(b.GetSubject())
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

func checkUnban(s *State, u User, b *roompb.Body) error {
	if err := s.checkRight(u, RightBan); err != nil {
		return err
	}
	if s.Members[User(b.GetSubject())].Membership != Banned {
		return Errorf(NotFound, "%s is not banned.", b.GetSubject())
	}
	return nil
}

func checkRoleChange(s *State, u User, b *roompb.Body) error {
	subject := User(b.GetSubject())
	if err := s.checkRight(u, RightRole); err != nil {
		return err
	}
	role, _ := ParseRole(b.GetRole())
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
	}
	return nil
}

// effects is what each kind of entry does to the state, once it is in order.
var effects = map[Kind]func(*State, *Event){
	KindCreate:   applyCreate,
	KindJoin:     func(s *State, e *Event) { s.set(e.Author(), e.member(Joined, s.roleAtJoin(e.Author()))) },
	KindLeave:    func(s *State, e *Event) { s.remove(e.Author()) },
	KindInvite:   func(s *State, e *Event) { s.set(e.subject(), e.member(Invited, RoleMember)) },
	KindKick:     func(s *State, e *Event) { s.remove(e.subject()) },
	KindBan:      func(s *State, e *Event) { s.set(e.subject(), e.member(Banned, RoleMember)) },
	KindUnban:    func(s *State, e *Event) { s.remove(e.subject()) },
	KindRole:     applyRole,
	KindSettings: func(s *State, e *Event) { s.applySettings(e.Body.GetSettings()) },
}

func (e *Event) subject() User { return User(e.Body.GetSubject()) }

func (e *Event) member(m Membership, r Role) Member {
	return Member{Membership: m, Role: r, Since: e.Time().Millis(), By: e.Author(), Reason: e.Body.GetReason()}
}

func applyCreate(s *State, e *Event) {
	s.ID, s.Home, s.Creator, s.Created = e.Room(), e.Header.GetOrigin(), e.Author(), e.Time().Millis()
	s.Version, s.Direct = e.Body.GetVersion(), User(e.Body.GetDirect())
	s.applySettings(e.Body.GetSettings())
	s.set(e.Author(), e.member(Joined, RoleOwner))
	if s.IsDirect() {
		s.Public = false
		s.set(s.Direct, e.member(Invited, RoleOwner))
	}
}

func applyRole(s *State, e *Event) {
	m := s.Members[e.subject()]
	m.Role, _ = ParseRole(e.Body.GetRole())
	s.Members[e.subject()] = m
}

func (s *State) applySettings(b *roompb.Settings) {
	setIf(&s.Alias, b.Alias)
	setIf(&s.Name, b.Name)
	setIf(&s.Topic, b.Topic)
	setIf(&s.Avatar, b.Avatar)
	setIf(&s.Public, b.Public)
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

func (s *State) set(u User, m Member) {
	s.remove(u)
	s.Members[u] = m
	if m.Membership == Joined {
		s.Joined++
	}
}

func (s *State) remove(u User) {
	if s.Members[u].Membership == Joined {
		s.Joined--
	}
	delete(s.Members, u)
}

// Preview is what Apply(e) would make of s, without changing s: the fields, and the
// members it would change (a zero Member: gone). Its State shares s's Members and must
// not be applied to.
func (s *State) Preview(e *Event) Preview {
	after := *s
	after.Members = make(map[User]Member, 2)
	touched := []User{e.Author(), User(e.Body.GetSubject()), User(e.Body.GetDirect()), s.Direct}
	for _, u := range touched {
		if m, ok := s.Members[u]; ok {
			after.Members[u] = m
		}
	}
	after.Apply(e)
	changed := map[User]Member{}
	for _, u := range touched {
		if m := after.Members[u]; u != "" && m != s.Members[u] {
			changed[u] = m
		}
	}
	after.Members = s.Members
	return Preview{&after, changed}
}

// Preview is a state as an entry would leave it.
type Preview struct {
	State   *State
	Changed map[User]Member
}
