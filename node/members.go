package node

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// MemberQuery asks for a page of a room's members.
type MemberQuery struct {
	Query      string // beginning of a name or a display name
	After      string // next of the page before
	Limit      int    // at most 200, default 50
	Membership string // join (default), invite, ban
}

// Members is a page of a room's members, those with most rights first, then by name.
func (n *Node) Members(by Caller, id room.ID, q MemberQuery) (page []*roompb.Member, next string, total int, err error) {
	c, err := n.readable(by, id)
	if err != nil {
		return nil, "", 0, err
	}
	all := c.membersWhere(room.Membership(cmp.Or(q.Membership, string(room.Joined))))
	total = max(len(all), c.stillToCome(q.Membership))
	if q.Query != "" {
		prefix := strings.ToLower(strings.TrimPrefix(q.Query, "@"))
		all = slices.DeleteFunc(all, func(m ranked) bool { return !n.nameBegins(m.user, prefix) })
	}
	slices.SortFunc(all, func(a, b ranked) int { return strings.Compare(a.key(), b.key()) })
	from := 0
	if q.After != "" {
		from, _ = slices.BinarySearchFunc(all, q.After, func(m ranked, after string) int {
			return cmp.Or(strings.Compare(m.key(), after), -1) // the first beyond it
		})
	}
	all = all[from:]
	if limit := clampLimit(q.Limit, 50, 200); len(all) > limit {
		all = all[:limit]
		next = all[limit-1].key()
	}
	for _, m := range all {
		page = append(page, n.describe(m))
	}
	return page, next, total, nil
}

// stillToCome is how many have joined a room of which most members are on their way here.
func (c *chamber) stillToCome(membership string) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.state.Partial() || cmp.Or(membership, string(room.Joined)) != string(room.Joined) {
		return 0
	}
	return c.state.Joined
}

// ranked is a member with what the list is sorted by.
type ranked struct {
	user   room.User
	member room.Member
	role   room.Role
}

// key sorts owners first, then by name.
func (m ranked) key() string { return fmt.Sprintf("%d/%s", room.RoleOwner-m.role, m.user) }

func (c *chamber) membersWhere(want room.Membership) []ranked {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]ranked, 0, len(c.state.Members))
	for u, m := range c.state.Members {
		if m.Membership == want {
			out = append(out, ranked{u, m, c.state.Role(u)})
		}
	}
	return out
}

func (n *Node) nameBegins(u room.User, prefix string) bool {
	if strings.HasPrefix(string(u), prefix) {
		return true
	}
	p, err := n.Profile(u)
	return err == nil && strings.HasPrefix(strings.ToLower(p.GetDisplayName()), prefix)
}

func (n *Node) describe(m ranked) *roompb.Member {
	out := &roompb.Member{
		User: string(m.user), Membership: string(m.member.Membership), Role: m.role.String(),
		Since: m.member.Since, Online: n.people.online(m.user), Bridge: m.member.Bridge,
	}
	if p, err := n.Profile(m.user); err == nil {
		out.Profile = p
	} else {
		out.Profile = &roompb.Profile{User: string(m.user)}
	}
	return out
}
