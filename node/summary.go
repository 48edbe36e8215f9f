package node

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// mentionCap is where counting stops: people see "99+".
const mentionCap = 100

// Resolve finds a room by its id or by #alias@node.
func (n *Node) Resolve(ref string) (room.ID, error) {
	alias, ok := strings.CutPrefix(ref, "#")
	if !ok {
		id, err := room.ParseHash(ref)
		if err != nil {
			return id, room.Errorf(room.BadRequest, "%q is not a room: give its address, such as #garden@%s, or its id.", clip(ref, 80), n.name)
		}
		return id, nil
	}
	local, at, full := strings.Cut(alias, "@")
	if !full || at == n.name {
		at, alias = n.name, local
	}
	ids, err := n.store.RoomsByAlias(alias)
	if err != nil {
		return room.ID{}, fmt.Errorf("look up alias: %w", err)
	}
	if len(ids) > 1 && slices.ContainsFunc(ids, n.Has) { // others were left, or nobody has joined them yet
		ids = slices.DeleteFunc(ids, func(id room.ID) bool { return !n.Has(id) })
	}
	switch len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		return room.ID{}, room.Errorf(room.NotFound, "There is no room #%s@%s, or nobody of this node is in it.", clip(local, 64), clip(at, 80))
	}
	return room.ID{}, room.Errorf(room.Conflict, "%d rooms here go by #%s@%s: give the id of the one you mean.", len(ids), clip(local, 64), clip(at, 80))
}

// publicHere are the rooms of the directory: public ones that this node takes part in.
func (n *Node) publicHere(m *storagepb.Room) bool { return m.GetPublic() && !m.GetStub() }

// Summary is a room as the caller has it; NotFound for a private room of others.
func (n *Node) Summary(by Caller, id room.ID) (*roompb.RoomSummary, error) {
	c, err := n.rooms.get(id)
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	visible := c.state.MaySee(by.User)
	c.mu.RUnlock()
	if !visible {
		return nil, noSuchRoom()
	}
	return n.summarize(by.User, c)
}

// Summaries is the rooms that the caller is in or invited to.
func (n *Node) Summaries(by Caller) ([]*roompb.RoomSummary, error) {
	members, err := n.store.UserRooms(by.User)
	if err != nil {
		return nil, fmt.Errorf("read rooms of %s: %w", by.User, err)
	}
	out := make([]*roompb.RoomSummary, 0, len(members))
	for _, m := range members {
		if m.GetMembership() != string(room.Joined) && m.GetMembership() != string(room.Invited) {
			continue
		}
		id, err := room.HashFromBytes(m.GetRoom())
		if err != nil {
			return nil, fmt.Errorf("read rooms of %s: %w", by.User, err)
		}
		c, err := n.rooms.get(id)
		if err != nil {
			return nil, err
		}
		s, err := n.summarize(by.User, c)
		if err != nil {
			return nil, err
		}
		if in(s) { // who leaves while the home is away is out of it here
			out = append(out, s)
		}
	}
	return out, nil
}

// in tells whether who asked is in the room, or invited.
func in(s *roompb.RoomSummary) bool {
	return s.GetMembership() == string(room.Joined) || s.GetMembership() == string(room.Invited)
}

// summaryFor is for a follower: a room that is gone for the user says so.
func (n *Node) summaryFor(u room.User, id room.ID) *roompb.RoomSummary {
	c, err := n.rooms.get(id)
	if err != nil {
		return nil
	}
	s, err := n.summarize(u, c)
	if err != nil {
		n.log.Error("summarize room", "room", id.String(), "err", err)
		return nil
	}
	if !in(s) {
		return &roompb.RoomSummary{Room: s.Room, Name: s.Name, Alias: s.Alias, Membership: string(room.Left)}
	}
	return s
}

func (n *Node) summarize(u room.User, c *chamber) (*roompb.RoomSummary, error) {
	c.mu.RLock()
	m := c.member(u)
	s := stateSummary(c.state)
	s.Home = c.leader()
	head, counted, last := c.headPos, c.counted, c.last
	s.Frozen = c.frozen
	c.mu.RUnlock()
	s.Membership, s.HeadPos, s.Waiting = string(m.Membership), head, n.sending.waitingFor(c.id)
	if c.state.IsDirect() { // never changes
		n.describeDirect(s, u, c.state)
	}
	switch m.Membership {
	case room.Joined:
		s.Role = c.role(u)
		s.LastTime, s.LastText, s.LastAuthor = last.time, last.text, last.author
		return s, n.countUnread(s, u, c.id, counted)
	case room.Invited:
		s.InvitedBy = string(m.By)
		s.Stranger = n.stranger(u, m.By) || c.isStub() && !n.vouched(u, m.By, s.Home)
	}
	return s, nil
}

// Role is what somebody is in a room, such as "moderator"; "" when nothing is known of the room here.
func (n *Node) Role(u room.User, id room.ID) string {
	c, err := n.rooms.get(id)
	if err != nil {
		return ""
	}
	return c.role(u)
}

func (c *chamber) role(u room.User) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.state.Role(u).String()
}

func stateSummary(st *room.State) *roompb.RoomSummary {
	s := &roompb.RoomSummary{
		Room: st.ID.String(), Name: st.Name, Topic: st.Topic, Avatar: st.Avatar, Public: st.Public,
		Members: uint32(st.Joined), StateIndex: st.Index, StateHash: st.Hash.String(), Home: st.Home,
		Nodes: uint32(len(st.MemberNodes())), Stewards: st.Stewards,
	}
	if st.Alias != "" {
		s.Alias = "#" + st.Alias + "@" + st.Origin()
	}
	return s
}

func (n *Node) describeDirect(s *roompb.RoomSummary, u room.User, st *room.State) {
	s.Direct = string(st.Direct)
	if u == st.Direct {
		s.Direct = string(st.Creator)
	}
	if p, err := n.Profile(room.User(s.Direct)); err == nil {
		s.DirectProfile = p
	}
}

// countUnread derives the counts from the read position, so that all of a user's
// devices have the same.
func (n *Node) countUnread(s *roompb.RoomSummary, u room.User, id room.ID, counted uint64) error {
	read, _, err := n.store.Read(u, id)
	if err != nil {
		return fmt.Errorf("read position of %s in %s: %w", u, id, err)
	}
	s.ReadPos = read.Pos
	if !read.Event.IsZero() {
		s.ReadEvent = read.Event.String()
	}
	s.Unread = uint32(counted - min(read.Counted, counted))
	if s.Unread > 0 {
		mentions, err := n.store.MentionCount(u, id, read.Pos, mentionCap)
		if err != nil {
			return fmt.Errorf("count mentions of %s in %s: %w", u, id, err)
		}
		s.Mentions = uint32(mentions)
	}
	setting, err := n.store.RoomSetting(u, id)
	s.Muted = setting.GetMuted()
	return err
}

// FindRooms is the directory: public rooms whose name, alias or topic has the query in
// it, the largest first. next goes into after for the page that follows.
func (n *Node) FindRooms(by Caller, query, after string, limit int) (found []*roompb.RoomSummary, next string, err error) {
	return n.listRooms(query, after, limit, n.publicHere, by.User)
}

// AdminRooms is FindRooms over all rooms, for the node's administrator.
func (n *Node) AdminRooms(query, after string, limit int) (found []*roompb.RoomSummary, next string, total int, err error) {
	total, err = n.countRooms()
	if err != nil {
		return nil, "", 0, err
	}
	found, next, err = n.listRooms(query, after, limit, func(*storagepb.Room) bool { return true }, "")
	return found, next, total, err
}

func (n *Node) listRooms(query, after string, limit int, keep func(*storagepb.Room) bool, u room.User) ([]*roompb.RoomSummary, string, error) {
	skip, err := strconv.Atoi(cmp.Or(after, "0"))
	if err != nil || skip < 0 {
		return nil, "", room.Errorf(room.BadRequest, "That page of the list does not exist.")
	}
	limit = clampLimit(limit, 50, 100)
	query = strings.ToLower(strings.TrimPrefix(query, "#"))
	var metas []*storagepb.Room
	err = n.eachRoom(func(m *storagepb.Room) {
		if keep(m) && matches(query, m.GetName(), m.GetAlias(), m.GetTopic(), m.GetDirect()) {
			metas = append(metas, m)
		}
	})
	if err != nil {
		return nil, "", err
	}
	slices.SortStableFunc(metas, func(a, b *storagepb.Room) int { return cmp.Compare(b.GetMembers(), a.GetMembers()) })
	metas = metas[min(skip, len(metas)):]
	next := ""
	if len(metas) > limit {
		metas, next = metas[:limit], strconv.Itoa(skip+limit)
	}
	out := make([]*roompb.RoomSummary, 0, len(metas))
	for _, m := range metas {
		id, err := room.HashFromBytes(m.GetId())
		if err != nil {
			return nil, "", err
		}
		c, err := n.rooms.get(id)
		if err != nil {
			return nil, "", err
		}
		s, err := n.summarize(u, c)
		if err != nil {
			return nil, "", err
		}
		out = append(out, s)
	}
	return out, next, nil
}

func matches(query string, fields ...string) bool {
	for _, f := range fields {
		if strings.Contains(strings.ToLower(f), query) {
			return true
		}
	}
	return false
}

func (n *Node) eachRoom(fn func(*storagepb.Room)) error {
	const page = 500
	var after room.ID
	for {
		metas, err := n.store.Rooms(after, page)
		if err != nil {
			return fmt.Errorf("list rooms: %w", err)
		}
		for _, m := range metas {
			fn(m)
		}
		if len(metas) < page {
			return nil
		}
		if after, err = room.HashFromBytes(metas[len(metas)-1].GetId()); err != nil {
			return err
		}
	}
}

func (n *Node) countRooms() (total int, err error) {
	err = n.eachRoom(func(*storagepb.Room) { total++ })
	return total, err
}

// Rights is what the caller may do in a room now, and who made it.
func (n *Node) Rights(by Caller, id room.ID) (map[string]bool, string, error) {
	c, err := n.rooms.get(id)
	if err != nil {
		return nil, "", err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.state.MaySee(by.User) {
		return nil, "", noSuchRoom()
	}
	return c.state.Rights(by.User), string(c.state.Creator), nil
}

// readable is a room whose history the caller may read.
func (n *Node) readable(by Caller, id room.ID) (*chamber, error) {
	c, err := n.rooms.get(id)
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if _, leaving := c.leaving[by.User]; leaving || !c.state.MayRead(by.User) || len(c.stub) > 0 {
		return nil, noSuchRoom()
	}
	return c, nil
}

// noSuchRoom is the one answer for rooms that are not there and rooms of others.
func noSuchRoom() error {
	return room.Errorf(room.NotFound, "There is no such room, or you are not in it.")
}

// Receipts is how far the most recent hundred readers of a room have come.
func (n *Node) Receipts(by Caller, id room.ID) ([]storage.Read, error) {
	c, err := n.readable(by, id)
	if err != nil {
		return nil, err
	}
	reads, err := n.store.Reads(id, 100)
	if err != nil {
		return nil, fmt.Errorf("read receipts of %s: %w", id, err)
	}
	return slices.DeleteFunc(reads, func(r storage.Read) bool { return c.membership(r.User) != room.Joined }), nil
}

var muteLevels = map[string]bool{"": true, "mentions": true, "all": true}

// Mute sets what of a room is brought to the caller's notice: "" everything, mentions, all muted.
func (n *Node) Mute(by Caller, id room.ID, level string) error {
	if !muteLevels[level] {
		return room.Errorf(room.BadRequest, "A room is muted \"\", \"mentions\" or \"all\".")
	}
	c, err := n.readable(by, id)
	if err != nil {
		return err
	}
	if c.membership(by.User) != room.Joined {
		return room.Errorf(room.Forbidden, "You are not in this room.")
	}
	if err := n.store.PutRoomSetting(by.User, id, &storagepb.RoomSetting{Muted: level}); err != nil {
		return fmt.Errorf("store room setting: %w", err)
	}
	for _, f := range n.people.of(by.User) {
		f.markSummary(id)
	}
	return nil
}

func clampLimit(limit, usual, most int) int {
	if limit <= 0 {
		return usual
	}
	return min(limit, most)
}

// vouched tells whether an invitation may be by whom it says: of a user of its own a node
// says what is so, and of another's one with which the user shares a room.
func (n *Node) vouched(u, by room.User, home string) bool {
	if by.Node() == home {
		return true
	}
	shared, err := n.store.PeerRooms(home)
	return err == nil && slices.ContainsFunc(shared, func(id room.ID) bool { return n.isIn(u, id) })
}

// stranger tells whether an invitation is from somebody of another node with whom the
// user shares no room.
func (n *Node) stranger(u, by room.User) bool {
	if by.Node() == n.name {
		return false
	}
	theirs, err := n.store.UserRooms(by)
	return err != nil || !slices.ContainsFunc(theirs, func(m *storagepb.Member) bool {
		id, err := room.HashFromBytes(m.GetRoom())
		return err == nil && m.GetMembership() == string(room.Joined) && n.isIn(u, id)
	})
}

// isIn tells whether u is a member of a room, as it is stored: one look-up, however many rooms
// and invitations u has.
func (n *Node) isIn(u room.User, id room.ID) bool {
	m, err := n.store.Member(id, u)
	return err == nil && m.GetMembership() == string(room.Joined)
}
