package transport

import (
	"context"

	"hearth/node/room"
	"hearth/transport/session/clientpb"
)

func readingCommands() []command {
	return []command{
		query("Read", user, read),
		query("Receipts", user, receipts),
		query("Typing", user, typing),
		query("Watch", sessions, watch),
	}
}

func read(ctx context.Context, c *call, in *clientpb.ReadRequest) (*clientpb.Empty, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	return &clientpb.Empty{}, c.s.node.Read(ctx, c.caller, id, in.Pos)
}

func receipts(_ context.Context, c *call, in *clientpb.RoomRequest) (*clientpb.ReceiptsResponse, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	list, err := c.s.node.Receipts(c.caller, id)
	if err != nil {
		return nil, err
	}
	out := &clientpb.ReceiptsResponse{}
	for _, r := range list {
		out.Receipts = append(out.Receipts, &clientpb.Receipt{User: string(r.User), Pos: r.Pos, Event: r.Event.String()})
	}
	return out, nil
}

func typing(_ context.Context, c *call, in *clientpb.TypingRequest) (*clientpb.Empty, error) {
	id, err := c.roomOf(in.Room)
	if err != nil {
		return nil, err
	}
	return &clientpb.Empty{}, c.s.node.Typing(c.caller, id, nil, in.On)
}

// mostWatched is how many rooms a session may watch at once.
const mostWatched = 8

func watch(_ context.Context, c *call, in *clientpb.WatchRequest) (*clientpb.WatchResponse, error) {
	if len(in.Rooms) > mostWatched {
		return nil, room.Errorf(room.TooLarge, "A session watches at most %d rooms.", mostWatched)
	}
	var ids []room.ID
	for _, ref := range in.Rooms {
		id, err := c.roomOf(ref)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	online, err := c.live.watch(ids)
	return &clientpb.WatchResponse{Online: online}, err
}

func (l *live) watch(ids []room.ID) ([]string, error) {
	l.mu.Lock()
	f := l.follower
	l.mu.Unlock()
	return f.Watch(ids)
}
