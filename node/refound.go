package node

import (
	"cmp"
	"context"
	"fmt"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// refound makes a successor of a room whose stewards are lost for good: nothing is
// rewritten, the new room points at the old one's last verified head, its members are
// invited, and the old room, in which people still talk, says where it goes on.
func (n *Node) refound(ctx context.Context, by Caller, r NewRoom) (*roompb.RoomSummary, error) {
	old, err := n.readable(by, r.Succeeds)
	if err != nil {
		return nil, err
	}
	old.mu.RLock()
	s, may := old.state, old.state.Can(by.User, room.RightSettings)
	r.Alias, r.Name, r.Topic, r.Public = cmp.Or(r.Alias, s.Alias), cmp.Or(r.Name, s.Name), cmp.Or(r.Topic, s.Topic), r.Public || s.Public
	head := old.entries.head
	members := make([]room.User, 0, len(s.Members))
	for u, m := range s.Members {
		if m.Membership == room.Joined && u != by.User {
			members = append(members, u)
		}
	}
	old.mu.RUnlock()
	if !may {
		return nil, room.Errorf(room.Forbidden, "Only the room's administrators can found it anew.")
	}
	id, err := n.create(by, r, "", head)
	if err != nil {
		return nil, err
	}
	summary, err := n.Summary(by, id)
	if err != nil {
		return nil, err
	}
	n.rooms.start(func() { n.callOver(by.User, r.Succeeds, id, cmp.Or(summary.GetAlias(), id.String()), members) })
	return summary, nil
}

// callOver tells the old room, and invites its members to the new one.
func (n *Node) callOver(by room.User, old, id room.ID, ref string, members []room.User) {
	say := room.Draft{Room: old, Author: by, Kind: room.KindText, Body: &roompb.Body{Text: fmt.Sprintf("This room goes on as %s.", ref)}}
	drafts := []room.Draft{say}
	for _, u := range members {
		drafts = append(drafts, room.Draft{Room: id, Author: by, Kind: room.KindInvite, Body: &roompb.Body{Subject: string(u)}})
	}
	for _, d := range drafts {
		ctx, cancel := context.WithTimeout(n.life, enterTimeout)
		_, err := n.Submit(ctx, d)
		cancel()
		if err != nil {
			n.log.Info("call members over to the new room", "room", id.String(), "kind", d.Kind, "subject", d.Body.GetSubject(), "err", err)
		}
		if n.life.Err() != nil {
			return
		}
	}
}
