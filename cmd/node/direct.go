package main

import (
	"cmp"
	"context"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	"hearth/node"
	"hearth/node/account"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	pb "hearth/transport/session/clientpb"
)

// direct is the operator at work on the store of a node that does not run: the accounts
// alone, without rooms, doors or a port.
type direct struct {
	data     string
	name     string // "" until the node's first start
	store    *storage.Store
	accounts *account.Accounts
}

// unnamed stands for the name of a node that has not started yet; accounts are kept
// without it, so it is nowhere written down.
const unnamed = "localhost"

func openDirect(data string) (operator, error) {
	s, err := openStore(data, storage.Options{CacheBytes: 8 << 20})
	if err != nil {
		return nil, err
	}
	name, err := node.StoredName(s)
	if err != nil {
		s.Close()
		return nil, err
	}
	a, err := account.Open(s, account.Config{Node: cmp.Or(name, unnamed)})
	if err != nil {
		s.Close()
		return nil, err
	}
	return &direct{data: data, name: name, store: s, accounts: a}, nil
}

func (d *direct) Close() error { return d.store.Close() }

func (d *direct) backup(ctx context.Context, w io.Writer) error {
	return writeBackup(ctx, d.store, d.data, w)
}

// directCommands are the commands that make sense without a running node.
var directCommands = map[string]func(*direct, context.Context, proto.Message) (proto.Message, error){
	client.ServerInfo.Name:        (*direct).serverInfo,
	client.AdminUserAdd.Name:      (*direct).userAdd,
	client.AdminUsers.Name:        (*direct).users,
	client.AdminUserSet.Name:      (*direct).userSet,
	client.AdminInviteCreate.Name: (*direct).inviteCreate,
}

// Do implements client.Caller.
func (d *direct) Do(ctx context.Context, c client.Info, req, resp proto.Message) error {
	do := directCommands[c.Name]
	if do == nil {
		do = directPeerCommands[c.Name]
	}
	if do == nil {
		do = directBridgeCommands[c.Name]
	}
	if do == nil {
		return &client.Error{Code: string(room.Unavailable), Message: "The node does not run: start it with `hearth serve`."}
	}
	answer, err := do(d, ctx, req)
	if err != nil {
		return err
	}
	proto.Merge(resp, answer)
	return nil
}

func (d *direct) serverInfo(context.Context, proto.Message) (proto.Message, error) {
	return &pb.ServerInfoResponse{Name: cmp.Or(d.name, unnamed), Version: version()}, nil
}

func (d *direct) userAdd(ctx context.Context, req proto.Message) (proto.Message, error) {
	r := req.(*pb.AdminUserAddRequest)
	profile, err := d.accounts.Add(ctx, account.Operator(), account.New{
		Username: r.Username, Password: r.Password, Admin: r.Admin, DisplayName: r.DisplayName,
	})
	if err != nil {
		return nil, err
	}
	out := proto.CloneOf[*roompb.Profile](profile)
	if d.name == "" {
		out.User = r.Username
	}
	return out, nil
}

func (d *direct) users(_ context.Context, req proto.Message) (proto.Message, error) {
	r := req.(*pb.AdminUsersRequest)
	list, next, total, err := d.accounts.List(account.Operator(), r.Query, r.After, int(r.Limit))
	if err != nil {
		return nil, err
	}
	out := &pb.AdminUsersResponse{Next: next, Total: uint32(total)}
	for _, e := range list {
		out.Users = append(out.Users, &pb.AdminUser{
			Profile: e.Profile, Admin: e.Admin, Created: e.Created, Seen: e.Seen, Devices: uint32(e.Devices),
		})
	}
	return out, nil
}

func (d *direct) userSet(ctx context.Context, req proto.Message) (proto.Message, error) {
	r := req.(*pb.AdminUserSetRequest)
	user, err := room.ParseUser(r.User)
	if err != nil {
		return nil, err
	}
	_, err = d.accounts.Set(ctx, account.Operator(), user, account.Change{
		Disabled: r.Disabled, Admin: r.Admin, Password: r.Password,
	})
	return &pb.Empty{}, err
}

func (d *direct) inviteCreate(_ context.Context, req proto.Message) (proto.Message, error) {
	r := req.(*pb.AdminInviteCreateRequest)
	if d.name == "" {
		return nil, room.Errorf(room.Unavailable, "The node has no name yet, so a link could not say where it leads: start it once with `hearth serve`.")
	}
	secret, m, err := d.accounts.CreateInvite(account.Operator(), account.NewInvite{
		Uses: int(r.Uses), Valid: time.Duration(r.ValidSeconds) * time.Second, Admin: r.Admin, Note: r.Note,
	})
	if err != nil {
		return nil, err
	}
	return &pb.Invite{
		Id: m.GetId(), Link: "https://" + d.name + "/#/invite/" + secret, Note: m.GetNote(), UsesLeft: m.GetUsesLeft(),
		Expires: m.GetExpires(), Created: m.GetCreated(), Admin: m.GetAdmin(),
	}, nil
}
