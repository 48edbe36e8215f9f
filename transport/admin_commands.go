package transport

import (
	"context"
	"runtime"

	"hearth/node/account"
	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

func adminCommands() []command {
	return []command{
		query("AdminUsers", admin, adminUsers),
		query("AdminUserAdd", admin, adminUserAdd),
		query("AdminUserSet", admin, adminUserSet),
		query("AdminInviteCreate", admin, adminInviteCreate),
		query("AdminInvites", admin, adminInvites),
		query("AdminInviteRevoke", admin, adminInviteRevoke),
		query("AdminRooms", admin, adminRooms),
		query("AdminHealth", admin, adminHealth),
	}
}

func adminUsers(_ context.Context, c *call, in *clientpb.AdminUsersRequest) (*clientpb.AdminUsersResponse, error) {
	list, next, total, err := c.s.node.Accounts.List(c.caller, in.Query, in.After, clamp(in.Limit, 50, account.MaxList))
	if err != nil {
		return nil, err
	}
	out := &clientpb.AdminUsersResponse{Next: next, Total: uint32(total)}
	for _, e := range list {
		out.Users = append(out.Users, &clientpb.AdminUser{Profile: e.Profile, Admin: e.Admin, Created: e.Created, Seen: e.Seen, Devices: uint32(e.Devices)})
	}
	return out, nil
}

func adminUserAdd(ctx context.Context, c *call, in *clientpb.AdminUserAddRequest) (*roompb.Profile, error) {
	return c.s.node.Accounts.Add(ctx, c.caller, account.New{
		Username: in.Username, Password: in.Password, DisplayName: in.DisplayName, Admin: in.Admin,
	})
}

func adminUserSet(ctx context.Context, c *call, in *clientpb.AdminUserSetRequest) (*clientpb.Empty, error) {
	u, err := c.userOf(in.User)
	if err != nil {
		return nil, err
	}
	ended, err := c.s.node.Accounts.Set(ctx, c.caller, u, account.Change{Disabled: in.Disabled, Admin: in.Admin, Password: in.Password})
	c.endDevices(u, ended)
	if err != nil {
		return nil, err
	}
	if in.Disabled != nil {
		c.s.node.ProfileChanged(u)
	}
	return &clientpb.Empty{}, nil
}

func adminInviteCreate(_ context.Context, c *call, in *clientpb.AdminInviteCreateRequest) (*clientpb.Invite, error) {
	secret, m, err := c.s.node.Accounts.CreateInvite(c.caller, account.NewInvite{
		Uses: int(min(in.Uses, 1<<30)), Valid: seconds(in.ValidSeconds), Admin: in.Admin, Note: in.Note,
	})
	if err != nil {
		return nil, err
	}
	out := showInvite(m)
	out.Link = c.s.InviteLink(secret)
	return out, nil
}

// InviteLink is what a person opens to use an invite.
func (s *Server) InviteLink(secret string) string { return s.URL() + "/#/invite/" + secret }

// invite is storage's record, of which only this is for people's eyes.
type invite interface {
	GetId() string
	GetNote() string
	GetUsesLeft() uint32
	GetExpires() int64
	GetCreatedBy() string
	GetAdmin() bool
	GetCreated() int64
}

func showInvite(m invite) *clientpb.Invite {
	return &clientpb.Invite{
		Id: m.GetId(), Note: m.GetNote(), UsesLeft: m.GetUsesLeft(), Expires: m.GetExpires(),
		CreatedBy: m.GetCreatedBy(), Admin: m.GetAdmin(), Created: m.GetCreated(),
	}
}

func adminInvites(_ context.Context, c *call, _ *clientpb.Empty) (*clientpb.AdminInvitesResponse, error) {
	list, err := c.s.node.Accounts.Invites(c.caller)
	if err != nil {
		return nil, err
	}
	out := &clientpb.AdminInvitesResponse{}
	for _, m := range list {
		out.Invites = append(out.Invites, showInvite(m))
	}
	return out, nil
}

func adminInviteRevoke(_ context.Context, c *call, in *clientpb.AdminInviteRevokeRequest) (*clientpb.Empty, error) {
	if in.Id == "" {
		return nil, room.Errorf(room.BadRequest, "Name an invite.")
	}
	return &clientpb.Empty{}, c.s.node.Accounts.RevokeInvite(c.caller, in.Id)
}

func adminRooms(_ context.Context, c *call, in *clientpb.AdminRoomsRequest) (*clientpb.AdminRoomsResponse, error) {
	list, next, total, err := c.s.node.AdminRooms(in.Query, in.After, clamp(in.Limit, 50, 100))
	return &clientpb.AdminRoomsResponse{Rooms: list, Next: next, Total: uint32(total)}, err
}

func adminHealth(_ context.Context, c *call, _ *clientpb.Empty) (*clientpb.AdminHealthResponse, error) {
	checks, figures, err := c.s.node.Health()
	if err != nil {
		return nil, err
	}
	figures["connections"] = float64(c.s.crowd.size())
	figures["goroutines"] = float64(runtime.NumGoroutine())
	for _, p := range c.s.node.Peers.List() {
		figures["peers"]++
		if p.State.Link == peer.Up {
			figures["peers_up"]++
		}
	}
	out := &clientpb.AdminHealthResponse{Figures: figures, Version: c.s.version}
	for _, check := range checks {
		out.Checks = append(out.Checks, &clientpb.Check{Name: check.Name, State: check.State, Detail: check.Detail})
	}
	return out, nil
}
