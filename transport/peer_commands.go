package transport

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/transport/session/clientpb"
)

// What administrators do about other nodes. How nodes talk is the federation's affair:
// here they are rows of the book that both share.
func peerCommands() []command {
	join := query("AdminNodeJoin", admin, adminNodeJoin)
	join.apart = func(proto.Message) bool { return true }
	return []command{
		query("AdminReports", admin, adminReports),
		query("AdminReportClose", admin, adminReportClose),
		query("AdminPeers", admin, adminPeers),
		query("AdminPeerSet", admin, adminPeerSet),
		query("AdminNodeInvite", admin, adminNodeInvite),
		join,
		query("AdminFederationSet", admin, adminFederationSet),
	}
}

func adminReports(_ context.Context, c *call, _ *clientpb.Empty) (*clientpb.AdminReportsResponse, error) {
	list, err := c.s.node.Reports()
	if err != nil {
		return nil, err
	}
	out := &clientpb.AdminReportsResponse{}
	for _, m := range list {
		out.Reports = append(out.Reports, showReport(m))
	}
	return out, nil
}

func showReport(m *node.Complaint) *clientpb.NodeReport {
	return &clientpb.NodeReport{
		Id: m.GetId(), Room: textOf(m.GetRoom()), Event: textOf(m.GetEvent()), Author: m.GetAuthor(), Text: m.GetText(),
		Reason: m.GetReason(), Reporter: m.GetReporter(), Time: m.GetTime(), RoomName: m.GetRoomName(),
	}
}

// textOf is a stored id as clients write it; "" when it is none.
func textOf(id []byte) string {
	h, err := room.HashFromBytes(id)
	if err != nil {
		return ""
	}
	return h.String()
}

func adminReportClose(_ context.Context, c *call, in *clientpb.AdminReportCloseRequest) (*clientpb.Empty, error) {
	if in.Id == "" {
		return nil, room.Errorf(room.BadRequest, "Name a report.")
	}
	return &clientpb.Empty{}, c.s.node.CloseReport(in.Id)
}

func adminPeers(_ context.Context, c *call, _ *clientpb.Empty) (*clientpb.AdminPeersResponse, error) {
	n := c.s.node
	out, err := Book{n.Peers}.All()
	if err != nil {
		return nil, err
	}
	out.Name, out.Key = n.Name(), peer.Fingerprint(n.PublicKey())
	for _, p := range out.Peers {
		if err := c.addLag(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// addLag fills in what the node has for a peer.
func (c *call) addLag(p *clientpb.Peer) error {
	rooms, behind, err := c.s.node.PeerLag(p.Name)
	p.Rooms, p.Behind = uint32(rooms), behind
	return err
}

func adminPeerSet(_ context.Context, c *call, in *clientpb.AdminPeerSetRequest) (*clientpb.Empty, error) {
	return &clientpb.Empty{}, Book{c.s.node.Peers}.Change(in)
}

func adminNodeInvite(_ context.Context, c *call, in *clientpb.AdminNodeInviteRequest) (*clientpb.AdminNodeInviteResponse, error) {
	return Book{c.s.node.Peers}.Invite(in, c.caller.User)
}

func adminFederationSet(_ context.Context, c *call, in *clientpb.AdminFederationSetRequest) (*clientpb.Empty, error) {
	return &clientpb.Empty{}, Book{c.s.node.Peers}.Govern(in)
}

// Bounds of a join: what is asked for, and how long the other node may take to answer.
const (
	maxLink    = 1000
	joinWithin = 30 * time.Second
)

func adminNodeJoin(ctx context.Context, c *call, in *clientpb.AdminNodeJoinRequest) (*clientpb.Peer, error) {
	if in.Link == "" || len(in.Link) > maxLink {
		return nil, room.Errorf(room.BadRequest, "Give a node's invite link, its name, or its HOST:PORT.")
	}
	ctx, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	name, err := c.s.node.JoinNode(ctx, in.Link)
	if err != nil {
		return nil, err
	}
	p, ok := c.s.node.Peers.Lookup(name)
	if !ok {
		return nil, room.Errorf(room.NotFound, "The node %s has been forgotten meanwhile.", name)
	}
	out := showPeer(p)
	return out, c.addLag(out)
}
