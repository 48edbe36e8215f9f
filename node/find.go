package node

import (
	"context"
	"fmt"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/node/search"
	"hearth/storage/storagepb"
)

// SearchQuery asks for messages with all of the words in them.
type SearchQuery struct {
	Text   string
	Room   room.ID   // zero: all rooms of the caller
	Author room.User // "": anybody
	Limit  int       // at most 100
	Offset int       // at most 10,000
}

// Hit is a message that was found, as it stands now.
type Hit struct {
	Room  room.ID
	Event *roompb.Event
}

// SearchResult is a page of hits, newest first.
type SearchResult struct {
	Hits     []Hit
	Total    uint64
	Profiles []*roompb.Profile
	Indexing bool // the newest messages may not be among them yet
}

// Search looks through the rooms that the caller is in.
func (n *Node) Search(ctx context.Context, by Caller, q SearchQuery) (*SearchResult, error) {
	if n.index == nil {
		return nil, room.Errorf(room.Unavailable, "This node has no search index.")
	}
	rooms, err := n.searchable(by, q.Room)
	if err != nil {
		return nil, err
	}
	out := &SearchResult{Indexing: n.index.fresh(ctx)}
	if len(rooms) == 0 {
		return out, nil
	}
	found, err := n.index.index.Query(ctx, search.Query{
		Text: q.Text, Rooms: rooms, Author: q.Author,
		Limit: clampLimit(q.Limit, 20, 100), Offset: min(max(q.Offset, 0), 10_000),
	})
	if err != nil {
		return nil, err
	}
	out.Total = found.Total
	named := map[string]bool{}
	for _, ref := range found.Hits {
		hit, err := n.hit(ref)
		if err != nil {
			return nil, err
		}
		if hit != nil {
			named[hit.Event.Author] = true
			out.Hits = append(out.Hits, *hit)
		}
	}
	out.Profiles = n.profiles(named)
	return out, nil
}

func (n *Node) searchable(by Caller, one room.ID) ([]room.ID, error) {
	if !one.IsZero() {
		_, err := n.readable(by, one)
		return []room.ID{one}, err
	}
	members, err := n.store.UserRooms(by.User)
	if err != nil {
		return nil, fmt.Errorf("read rooms of %s: %w", by.User, err)
	}
	var ids []room.ID
	for _, m := range members {
		id, err := room.HashFromBytes(m.GetRoom())
		if err != nil {
			return nil, err
		}
		if m.GetMembership() == string(room.Joined) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// hit reads a found message from the store: the index may be a moment behind it.
func (n *Node) hit(ref search.Ref) (*Hit, error) {
	c, err := n.rooms.get(ref.Room)
	if err != nil {
		return nil, err
	}
	row, ok, err := n.store.Row(ref.Room, ref.Pos)
	if err != nil {
		return nil, fmt.Errorf("read hit at %d of %s: %w", ref.Pos, ref.Room, err)
	}
	if !ok || row.Standing.GetDeleted() {
		return nil, nil
	}
	return &Hit{ref.Room, c.view(&row)}, nil
}

func (n *Node) eachRoomID(fn func(room.ID)) error {
	return n.eachRoom(func(m *storagepb.Room) {
		if id, err := room.HashFromBytes(m.GetId()); err == nil {
			fn(id)
		}
	})
}
