package transport

import (
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/account"
	"hearth/node/room"
	"hearth/transport/session"
	"hearth/transport/session/clientpb"
)

const (
	openCommand     = "Open"
	protocolVersion = 1
)

// open runs a session's first request, in the reader: what comes behind it waits.
func (l *live) open(r session.Request) {
	response, err := l.opened(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.machine.Refused(r.ID, err)
	} else {
		l.machine.Opened()
		l.machine.Answer(r.ID, response, nil)
	}
	l.poke()
	l.nudge() // the writer begins to follow
}

// opened admits the user and starts following.
func (l *live) opened(body []byte) ([]byte, error) {
	var in clientpb.OpenRequest
	if err := wireFormat.Unmarshal(body, &in); err != nil {
		return nil, room.Errorf(room.BadRequest, "The body is not a request of Open.")
	}
	if in.Protocol != protocolVersion {
		return nil, room.Errorf(room.Protocol, "This node speaks version %d of the protocol, not %d.", protocolVersion, in.Protocol)
	}
	if err := l.s.rates.takeAddress(l.address); err != nil {
		return nil, err
	}
	caller, err := l.s.node.Accounts.Authenticate(in.Token)
	if err != nil {
		return nil, err
	}
	follower, response, err := l.s.follow(caller, &in, l.kick)
	if err != nil {
		return nil, err
	}
	response.Transport = l.transport
	l.s.node.Accounts.Touch(caller, l.address)
	l.mu.Lock()
	l.caller, l.token, l.follower = caller, in.Token, follower
	l.mu.Unlock()
	return proto.Marshal(response)
}

// follow takes one of the account's places and starts a follower; the caller closes it
// and leaves s.accounts. wake is node.FollowOptions'.
func (s *Server) follow(caller account.Caller, in *clientpb.OpenRequest, wake chan struct{}) (*node.Follower, *clientpb.OpenResponse, error) {
	if !s.accounts.enter(caller.User) {
		return nil, nil, &room.Error{Code: room.Limited, Message: "You are connected too many times.", RetryAfter: 10 * time.Second}
	}
	follower, response, err := s.beginFollowing(caller, in, wake)
	if err != nil {
		s.accounts.leave(caller.User)
	}
	return follower, response, err
}

// beginFollowing follows first and asks for the rooms afterwards, so that nothing
// falls between: what is in both is recognised by its pos.
func (s *Server) beginFollowing(caller account.Caller, in *clientpb.OpenRequest, wake chan struct{}) (*node.Follower, *clientpb.OpenResponse, error) {
	cursors := make(map[room.ID]uint64, len(in.Cursors))
	for text, pos := range in.Cursors {
		id, err := room.ParseHash(text)
		if err != nil {
			return nil, nil, err
		}
		cursors[id] = pos
	}
	follower, err := s.node.Follow(caller, node.FollowOptions{Cursors: cursors, MaxBacklog: int(min(in.MaxBacklog, 1<<30)), Wake: wake})
	if err != nil {
		return nil, nil, err
	}
	response, err := s.openResponse(caller)
	if err != nil {
		follower.Close()
		return nil, nil, err
	}
	return follower, response, nil
}

func (s *Server) openResponse(caller account.Caller) (*clientpb.OpenResponse, error) {
	profile, err := s.node.Accounts.Profile(caller.User)
	if err != nil {
		return nil, err
	}
	rooms, err := s.node.Summaries(caller)
	if err != nil {
		return nil, err
	}
	return &clientpb.OpenResponse{
		User: string(caller.User), Device: caller.Device, Admin: caller.Admin, Node: s.node.Name(),
		Profile: profile, Rooms: rooms,
		HeartbeatSeconds: uint32(s.heartbeat.Seconds()), Time: s.node.Now().UnixMilli(), Version: s.version,
	}, nil
}
