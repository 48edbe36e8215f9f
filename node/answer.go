package node

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// Answer answers another node's question. It is never nil, and a refusal is an answer too.
func (n *Node) Answer(ctx context.Context, peer string, ask *roompb.Ask) (answer *roompb.Answer) {
	defer func() { // one broken question ends nobody's node
		if reason := recover(); reason != nil {
			n.log.Error("panic in an answer to a peer", "peer", peer, "reason", reason, "stack", string(debug.Stack()))
			answer = refuse(room.Errorf(room.Internal, "The node could not do that."))
		}
	}()
	a, err := n.answer(ctx, peer, ask)
	if err != nil {
		if room.CodeOf(err) == room.Internal {
			n.log.Error("answer a peer", "peer", peer, "err", err)
		}
		return refuse(err)
	}
	return a
}

func (n *Node) answer(ctx context.Context, peer string, ask *roompb.Ask) (*roompb.Answer, error) {
	switch q := ask.GetWhat().(type) {
	case *roompb.Ask_Propose:
		return n.answerPropose(ctx, peer, q.Propose)
	case *roompb.Ask_Snapshot:
		return n.answerSnapshot(peer, q.Snapshot)
	case *roompb.Ask_Resolve:
		return n.answerResolve(peer, q.Resolve)
	case *roompb.Ask_Directory:
		return n.answerDirectory(q.Directory)
	case *roompb.Ask_Invite:
		return n.answerInvite(peer, q.Invite)
	case *roompb.Ask_Page:
		return n.answerPage(peer, q.Page)
	case *roompb.Ask_Profiles:
		return n.answerProfiles(q.Profiles)
	case *roompb.Ask_Blob:
		return n.answerBlob(peer, q.Blob)
	case *roompb.Ask_Report:
		return n.answerReport(peer, q.Report)
	case *roompb.Ask_Steward:
		return n.answerSteward(peer, q.Steward)
	case *roompb.Ask_Frontier:
		return n.answerFrontier(peer, q.Frontier)
	case *roompb.Ask_Members:
		return n.answerMembers(peer, q.Members)
	}
	return nil, room.Errorf(room.BadRequest, "This node does not understand the question.")
}

// chamberFor is a room of which the peer gets the events.
func (n *Node) chamberFor(peer string, raw []byte) (*chamber, error) {
	id, err := room.HashFromBytes(raw)
	if err != nil {
		return nil, err
	}
	c, err := n.rooms.get(id)
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if !c.state.Takes(peer) || len(c.stub) > 0 {
		return nil, noSuchRoom()
	}
	return c, nil
}

func (n *Node) answerFrontier(peer string, q *roompb.FrontierAsk) (*roompb.Answer, error) {
	id, err := room.HashFromBytes(q.GetRoom())
	if err != nil {
		return nil, err
	}
	c, err := n.rooms.get(id)
	if err != nil {
		return nil, err
	}
	f := c.frontierFor(peer)
	if f == nil {
		return nil, noSuchRoom()
	}
	return &roompb.Answer{What: &roompb.Answer_Frontier{Frontier: f}}, nil
}

func (n *Node) answerPage(peer string, q *roompb.PageAsk) (*roompb.Answer, error) {
	c, err := n.chamberFor(peer, q.GetRoom())
	if err != nil {
		return nil, err
	}
	page, err := c.pageOf(q)
	return &roompb.Answer{What: &roompb.Answer_Page{Page: page}}, err
}

// answerResolve finds a room that the asking user may see.
func (n *Node) answerResolve(peer string, q *roompb.ResolveAsk) (*roompb.Answer, error) {
	u, err := room.ParseUser(q.GetUser())
	if err != nil || u.Node() != peer {
		return nil, room.Errorf(room.Forbidden, "%s is not a user of %s.", clip(q.GetUser(), 80), peer)
	}
	unknown := room.Errorf(room.NotFound, "There is no room #%s@%s, or an invitation is needed to see it.", clip(q.GetAlias(), 64), n.name)
	ids, err := n.store.RoomsByAlias(q.GetAlias())
	if err != nil {
		return nil, fmt.Errorf("look up alias: %w", err)
	}
	if len(ids) == 0 || strings.Contains(q.GetAlias(), "@") {
		return nil, unknown
	}
	id := ids[0]
	c, err := n.rooms.get(id)
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	m := c.state.Member(u).Membership
	may := m == room.Joined || m == room.Invited || c.state.Public && m != room.Banned
	s := stateSummary(c.state)
	c.mu.RUnlock()
	if !may {
		return nil, unknown
	}
	return &roompb.Answer{What: &roompb.Answer_Resolve{Resolve: &roompb.ResolveAnswer{Room: id.Bytes(), Summary: s}}}, nil
}

// answerDirectory lists the public rooms whose home is here.
func (n *Node) answerDirectory(q *roompb.DirectoryAsk) (*roompb.Answer, error) {
	list, next, err := n.listRooms(q.GetQuery(), q.GetAfter(), int(q.GetLimit()), n.publicHere, "")
	return &roompb.Answer{What: &roompb.Answer_Directory{Directory: &roompb.DirectoryAnswer{Rooms: list, Next: next}}}, err
}

const mostProfiles = 200

func (n *Node) answerProfiles(q *roompb.ProfilesAsk) (*roompb.Answer, error) {
	if len(q.GetUsers()) > mostProfiles {
		return nil, room.Errorf(room.TooLarge, "At most %d profiles at once.", mostProfiles)
	}
	out := &roompb.ProfilesAnswer{}
	for _, name := range q.GetUsers() {
		u, err := room.ParseUser(name)
		if err != nil || u.Node() != n.name {
			continue
		}
		if p, err := n.Accounts.Profile(u); err == nil {
			out.Profiles = append(out.Profiles, p)
		}
	}
	return &roompb.Answer{What: &roompb.Answer_Profiles{Profiles: out}}, nil
}
