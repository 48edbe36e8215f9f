package main

import (
	"cmp"
	"context"

	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	"hearth/node"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/transport"
	pb "hearth/transport/session/clientpb"
)

// directPeerCommands are those about other nodes that make sense without a running one.
var directPeerCommands = map[string]func(*direct, context.Context, proto.Message) (proto.Message, error){
	client.AdminPeers.Name:         (*direct).peers,
	client.AdminPeerSet.Name:       (*direct).peerSet,
	client.AdminNodeInvite.Name:    (*direct).nodeInvite,
	client.AdminNodeJoin.Name:      (*direct).nodeJoin,
	client.AdminFederationSet.Name: (*direct).federationSet,
}

// book is the book of peers of the node that does not run.
func (d *direct) book() (transport.Book, error) {
	if d.name == "" {
		return transport.Book{}, room.Errorf(room.Unavailable, "The node has no name and no key yet: start it once with `hearth serve`.")
	}
	b, err := node.StoredBook(d.store)
	return transport.Book{Book: b}, err
}

func (d *direct) peers(context.Context, proto.Message) (proto.Message, error) {
	b, err := d.book()
	if err != nil {
		return nil, err
	}
	key, err := node.StoredKey(d.store)
	if err != nil {
		return nil, err
	}
	out, err := b.All()
	if err != nil {
		return nil, err
	}
	out.Name, out.Key = d.name, peer.Fingerprint(key)
	for _, p := range out.Peers {
		rooms, err := d.store.PeerRooms(p.Name)
		if err != nil {
			return nil, err
		}
		p.Rooms, p.Error = uint32(len(rooms)), cmp.Or(p.Error, "this node does not run")
	}
	return out, nil
}

func (d *direct) peerSet(_ context.Context, req proto.Message) (proto.Message, error) {
	b, err := d.book()
	if err != nil {
		return nil, err
	}
	return &pb.Empty{}, b.Change(req.(*pb.AdminPeerSetRequest))
}

func (d *direct) nodeInvite(_ context.Context, req proto.Message) (proto.Message, error) {
	b, err := d.book()
	if err != nil {
		return nil, err
	}
	return b.Invite(req.(*pb.AdminNodeInviteRequest), "")
}

// nodeJoin notes the join: it happens when the node starts.
func (d *direct) nodeJoin(_ context.Context, req proto.Message) (proto.Message, error) {
	link := req.(*pb.AdminNodeJoinRequest).Link
	if err := peer.PutPendingJoin(d.store, link); err != nil {
		return nil, err
	}
	return transport.PendingPeer(link), nil
}

func (d *direct) federationSet(_ context.Context, req proto.Message) (proto.Message, error) {
	b, err := d.book()
	if err != nil {
		return nil, err
	}
	return &pb.Empty{}, b.Govern(req.(*pb.AdminFederationSetRequest))
}
