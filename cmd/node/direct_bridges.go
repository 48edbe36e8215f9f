package main

import (
	"context"
	"log/slog"
	"os"

	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	"hearth/node"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/plugins"
	"hearth/transport"
	pb "hearth/transport/session/clientpb"
)

// directBridgeCommands are those about bridges that make sense without a running node. What needs a
// room, or a plugin that runs, waits for the node.
var directBridgeCommands = map[string]func(*direct, context.Context, proto.Message) (proto.Message, error){
	client.AdminBridges.Name:      (*direct).bridges,
	client.AdminBridgeKinds.Name:  (*direct).bridgeKinds,
	client.AdminBridgeAdd.Name:    (*direct).bridgeAdd,
	client.AdminBridgeSet.Name:    (*direct).bridgeSet,
	client.AdminBridgeRemove.Name: (*direct).bridgeRemove,
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
		notRunning(bridge)
	}
	return out, nil
}

func (d *direct) one(b *channel.Book, name string) (proto.Message, error) {
	out, err := d.showBridges(b).One(name)
	if err == nil {
		notRunning(out)
	}
	return out, err
}

// notRunning says of a bridge, and of its links, why they are down.
func notRunning(b *pb.Bridge) {
	states := []*pb.BridgeStatus{b.Status}
	for _, l := range b.Links {
		states = append(states, l.Status)
	}
	for _, s := range states {
		if s.State == channel.Down || s.State == channel.Connecting {
			s.State, s.Reason, s.Detail = channel.Down, "the node does not run", ""
		}
	}
}

func (d *direct) bridgeKinds(ctx context.Context, _ proto.Message) (proto.Message, error) {
	b, err := d.looked(ctx)
	if err != nil {
		return nil, err
	}
	return transport.ShowKinds(b), nil
}

// looked is the book with the kinds of plugins there are.
func (d *direct) looked(ctx context.Context) (*channel.Book, error) {
	b, err := d.bridgeBook()
	if err != nil {
		return nil, err
	}
	c := config{Data: d.data, Plugins: os.Getenv("HEARTH_PLUGINS")}
	return b, plugins.Look(ctx, plugins.Config{
		Dir: runDir(d.data), Folders: c.pluginFolders(), Version: version(), Log: slog.New(slog.DiscardHandler),
	}, b)
}

// bridgeAdd adds a bridge: it runs when the node starts.
func (d *direct) bridgeAdd(ctx context.Context, req proto.Message) (proto.Message, error) {
	r := req.(*pb.AdminBridgeAddRequest)
	b, err := d.looked(ctx)
	if err != nil {
		return nil, err
	}
	m := channel.Bridge{Name: r.Name, Kind: r.Kind, Settings: r.Settings}
	if err := b.CheckNew(m); err != nil {
		return nil, err
	}
	if err := d.accounts.PutBot(r.Name, b.What(m)); err != nil {
		return nil, err
	}
	if err := b.Add(m); err != nil {
		return nil, err
	}
	return d.one(b, r.Name)
}

// bridgeSet changes settings, stops a bridge, or lets it run at the node's next start.
func (d *direct) bridgeSet(ctx context.Context, req proto.Message) (proto.Message, error) {
	r := req.(*pb.AdminBridgeSetRequest)
	b, err := d.looked(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Channel != "":
		if err := transport.SetLink(b, r); err != nil {
			return nil, err
		}
	case len(r.Settings) > 0:
		if err := b.SetSettings(r.Name, r.Settings); err != nil {
			return nil, err
		}
	}
	if r.Enabled != nil {
		if err := b.Enable(r.Name, *r.Enabled, "It was stopped by the operator."); err != nil {
			return nil, err
		}
	}
	return d.one(b, r.Name)
}

// bridgeRemove takes a bridge away; its bot leaves its rooms when the node starts.
func (d *direct) bridgeRemove(_ context.Context, req proto.Message) (proto.Message, error) {
	name := req.(*pb.AdminBridgeRequest).Name
	b, err := d.bridgeBook()
	if err != nil {
		return nil, err
	}
	if err := b.Remove(name); err != nil {
		return nil, err
	}
	return &pb.Empty{}, d.accounts.RetireBot(name)
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
