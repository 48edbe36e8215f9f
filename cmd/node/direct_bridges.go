package main

import (
	"context"

	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	"hearth/node"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/transport"
	pb "hearth/transport/session/clientpb"
)

// directBridgeCommands are those about bridges that make sense without a running node: to look, to
// stop one that keeps the node from its work, and to end a link. What needs a plugin or a room waits for
// the node.
var directBridgeCommands = map[string]func(*direct, context.Context, proto.Message) (proto.Message, error){
	client.AdminBridges.Name:      (*direct).bridges,
	client.AdminBridgeSet.Name:    (*direct).bridgeSet,
	client.AdminBridgeUnlink.Name: (*direct).bridgeUnlink,
}

func (d *direct) bridgeBook() (*channel.Book, error) {
	if d.name == "" {
		return nil, room.Errorf(room.Unavailable, "The node has no name and no key yet: start it once with `hearth serve`.")
	}
	return node.StoredBridges(d.store)
}

func (d *direct) showBridges(b *channel.Book) transport.Bridges {
	return transport.Bridges{Book: b, Name: func(id room.ID) string { return node.StoredRoomName(d.store, d.name, id) }}
}

func (d *direct) bridges(context.Context, proto.Message) (proto.Message, error) {
	b, err := d.bridgeBook()
	if err != nil {
		return nil, err
	}
	out := d.showBridges(b).All()
	for _, bridge := range out.Bridges {
		notRunning(bridge.Status)
		for _, l := range bridge.Links {
			notRunning(l.Status)
		}
	}
	return out, nil
}

func notRunning(s *pb.BridgeStatus) {
	if s.State == channel.Down {
		s.Reason = "the node does not run"
	}
}

// bridgeSet stops a bridge, or lets it run at the node's next start. Settings are checked by what the
// plugin asks for, which only a running node knows.
func (d *direct) bridgeSet(_ context.Context, req proto.Message) (proto.Message, error) {
	r := req.(*pb.AdminBridgeSetRequest)
	if len(r.Settings) > 0 || r.Enabled == nil {
		return nil, &client.Error{Code: string(room.Unavailable), Message: "The node does not run, so nobody knows what settings the plugin has: start it with `hearth serve`."}
	}
	b, err := d.bridgeBook()
	if err != nil {
		return nil, err
	}
	if err := b.Enable(r.Name, *r.Enabled, "It was stopped by the operator."); err != nil {
		return nil, err
	}
	return d.showBridges(b).One(r.Name)
}

// bridgeUnlink ends the link; the bot leaves the room when the node starts.
func (d *direct) bridgeUnlink(_ context.Context, req proto.Message) (proto.Message, error) {
	r := req.(*pb.AdminBridgeUnlinkRequest)
	b, err := d.bridgeBook()
	if err != nil {
		return nil, err
	}
	return &pb.Empty{}, b.Unlink(r.Name, r.Channel, "unlinked by the operator")
}
