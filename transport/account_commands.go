package transport

import (
	"context"
	"time"

	"hearth/node/account"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

func accountCommands() []command {
	return []command{
		query("ServerInfo", anybody, serverInfo),
		query("Register", anybody, register),
		query("Login", anybody, login),
		query("Open", opening, openByHTTP),
		query("Logout", user, logout),
		query("PasswordChange", user, passwordChange),
		query("Devices", user, devices),
		query("DeviceRevoke", user, deviceRevoke),
		query("ProfileSet", user, profileSet),
		query("Profiles", user, profiles),
		query("UserFind", user, userFind),
	}
}

// openByHTTP is never reached: the table's right turns it away. Sessions run open.
func openByHTTP(context.Context, *call, *clientpb.OpenRequest) (*clientpb.OpenResponse, error) {
	return nil, room.Errorf(room.BadRequest, "Open is for sessions.")
}

func serverInfo(_ context.Context, c *call, in *clientpb.ServerInfoRequest) (*clientpb.ServerInfoResponse, error) {
	s := c.s
	out := &clientpb.ServerInfoResponse{
		Name: s.node.Name(), Version: s.version, Registration: s.node.Accounts.Registration(), Time: s.node.Now().UnixMilli(),
		Limits: &clientpb.Limits{TextBytes: room.MaxText, FrameBytes: uint32(s.frameBytes()), HeartbeatSeconds: uint32(s.heartbeat.Seconds())},
	}
	if s.node.Blobs != nil {
		out.Limits.AvatarBytes = uint32(s.node.Blobs.Limits().AvatarBytes)
		out.Limits.FileBytes = uint64(s.node.Blobs.Limits().FileBytes)
	}
	if s.authority == nil {
		out.CertificateHashes = s.certificates.hashes()
	}
	if in.Invite != "" {
		out.InviteValid, out.InviteAdmin = s.node.Accounts.InviteValid(in.Invite)
	}
	return out, nil
}

func register(ctx context.Context, c *call, in *clientpb.RegisterRequest) (*clientpb.LoginResponse, error) {
	l, err := c.s.node.Accounts.Register(ctx, account.Registration{
		Username: in.Username, Password: in.Password, Invite: in.Invite,
		DisplayName: in.DisplayName, DeviceName: in.DeviceName, Address: c.address,
	})
	return c.signedIn(l, err)
}

func login(ctx context.Context, c *call, in *clientpb.LoginRequest) (*clientpb.LoginResponse, error) {
	l, err := c.s.node.Accounts.Login(ctx, in.Username, in.Password, in.DeviceName, c.address)
	return c.signedIn(l, err)
}

func (c *call) signedIn(l account.Login, err error) (*clientpb.LoginResponse, error) {
	if err != nil {
		return nil, err
	}
	c.endDevices(l.User, l.Ended)
	return &clientpb.LoginResponse{Token: l.Token, User: string(l.User), Device: l.Device, Admin: l.Admin}, nil
}

// endDevices ends the sessions of devices that were signed out. Nothing when there are
// none: the node would take that for all of them.
func (c *call) endDevices(u room.User, ended []string) {
	if len(ended) > 0 {
		c.s.node.EndDevices(u, ended...)
	}
}

func logout(_ context.Context, c *call, _ *clientpb.LogoutRequest) (*clientpb.Empty, error) {
	if err := c.s.node.Accounts.Logout(c.caller); err != nil {
		return nil, err
	}
	c.endDevices(c.caller.User, []string{c.caller.Device})
	return &clientpb.Empty{}, nil
}

func passwordChange(ctx context.Context, c *call, in *clientpb.PasswordChangeRequest) (*clientpb.Empty, error) {
	ended, err := c.s.node.Accounts.ChangePassword(ctx, c.caller, in.OldPassword, in.NewPassword, in.RevokeOthers)
	c.endDevices(c.caller.User, ended)
	return &clientpb.Empty{}, err
}

func devices(_ context.Context, c *call, _ *clientpb.Empty) (*clientpb.DevicesResponse, error) {
	list, err := c.s.node.Accounts.Devices(c.caller)
	if err != nil {
		return nil, err
	}
	out := &clientpb.DevicesResponse{}
	for _, d := range list {
		out.Devices = append(out.Devices, &clientpb.Device{
			Id: d.GetId(), Name: d.GetName(), Created: d.GetCreated(), Seen: d.GetSeen(),
			Address: d.GetAddress(), Current: d.GetId() == c.caller.Device,
		})
	}
	return out, nil
}

func deviceRevoke(_ context.Context, c *call, in *clientpb.DeviceRevokeRequest) (*clientpb.Empty, error) {
	if err := c.s.node.Accounts.Revoke(c.caller, in.Device); err != nil {
		return nil, err
	}
	c.endDevices(c.caller.User, []string{in.Device})
	return &clientpb.Empty{}, nil
}

func profileSet(_ context.Context, c *call, in *clientpb.ProfileSetRequest) (*roompb.Profile, error) {
	p, err := c.s.node.Accounts.SetProfile(c.caller, account.ProfileChange{DisplayName: in.DisplayName, Status: in.Status, Avatar: in.Avatar})
	if err != nil {
		return nil, err
	}
	c.s.node.ProfileChanged(c.caller.User)
	return p, nil
}

// mostProfiles is how many one request may ask for.
const mostProfiles = 200

func profiles(_ context.Context, c *call, in *clientpb.ProfilesRequest) (*clientpb.ProfilesResponse, error) {
	if len(in.Users) > mostProfiles {
		return nil, room.Errorf(room.TooLarge, "At most %d profiles can be asked for at once.", mostProfiles)
	}
	users := make([]room.User, len(in.Users))
	for i, u := range in.Users {
		users[i] = room.User(u)
	}
	list, err := c.s.node.Profiles(users)
	return &clientpb.ProfilesResponse{Profiles: list}, err
}

func userFind(_ context.Context, c *call, in *clientpb.UserFindRequest) (*clientpb.ProfilesResponse, error) {
	list, err := c.s.node.Accounts.Find(in.Query, clamp(in.Limit, 20, 50))
	return &clientpb.ProfilesResponse{Profiles: list}, err
}

// seconds reads a duration of the wire.
func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
