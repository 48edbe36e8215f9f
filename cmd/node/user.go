package main

import (
	"context"
	"os"
	"strings"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type userVerbs struct {
	Add     userAdd     `cmd:"" help:"Make an account."`
	List    userList    `cmd:"" help:"All accounts."`
	Disable userDisable `cmd:"" help:"Lock an account and end its logins."`
	Enable  userEnable  `cmd:"" help:"Unlock an account."`
	Passwd  userPasswd  `cmd:"" help:"Give an account a new password and end its logins."`
}

// asAdmin: with --data a verb speaks as the operator of the node's machine, else as the
// administrator who is logged in.
type asAdmin struct {
	Data string `help:"The node's data folder; works also while the node runs, and without a login." placeholder:"DIR" env:"HEARTH_DATA" type:"path"`
}

// as runs do with whom the verb speaks as.
func (a asAdmin) as(ctx context.Context, r *run, do func(client.Caller) error) error {
	if a.Data == "" {
		l, err := r.login()
		if err != nil {
			return err
		}
		return do(l.http)
	}
	if _, err := os.Stat(a.Data); err != nil {
		return misuse("data folder: %v", err)
	}
	o, err := openOperator(ctx, a.Data)
	if err != nil {
		return err
	}
	defer o.Close()
	return do(o)
}

// fullName completes "bob" with the name of the node that is spoken to.
func fullName(ctx context.Context, to client.Caller, name string) (string, error) {
	if strings.Contains(name, "@") {
		return name, nil
	}
	info, err := client.Call(ctx, to, client.ServerInfo, &pb.ServerInfoRequest{})
	if err != nil {
		return "", err
	}
	return name + "@" + info.Name, nil
}

type userAdd struct {
	Name        string `arg:"" help:"User name: lower-case letters, digits, . _ -; 2 to 32 characters."`
	Admin       bool   `help:"An administrator of the node."`
	DisplayName string `help:"Name shown to people." placeholder:"TEXT"`
	passwordFlag
	asAdmin
}

func (v *userAdd) Run(ctx context.Context, r *run) error {
	password, err := v.password(r, true)
	if err != nil {
		return err
	}
	if v.Data != "" { // accounts may be made before the node's first start
		if err := makeDataFolder(v.Data); err != nil {
			return err
		}
	}
	return v.as(ctx, r, func(to client.Caller) error {
		profile, err := client.Call(ctx, to, client.AdminUserAdd, &pb.AdminUserAddRequest{
			Username: v.Name, Password: password, Admin: v.Admin, DisplayName: v.DisplayName,
		})
		if err != nil {
			return err
		}
		return r.print(map[string]any{"user": profile.User, "admin": v.Admin}, "%s", profile.User)
	})
}

type userList struct {
	Query string `arg:"" optional:"" help:"Part of a name."`
	asAdmin
}

func (v *userList) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		req := &pb.AdminUsersRequest{Query: v.Query, Limit: 200}
		for {
			answer, err := client.Call(ctx, to, client.AdminUsers, req)
			if err != nil {
				return err
			}
			for _, u := range answer.Users {
				if err := r.user(u); err != nil {
					return err
				}
			}
			if req.After = answer.Next; req.After == "" {
				return nil
			}
		}
	})
}

func (r *run) user(u *pb.AdminUser) error {
	mark := ""
	if u.Admin {
		mark += " administrator"
	}
	if u.Profile.GetDisabled() {
		mark += " disabled"
	}
	if b := u.Profile.GetBridge(); b != "" {
		mark += " (bridge: " + printable(b) + ")"
	}
	return r.print(map[string]any{
		"user": u.Profile.GetUser(), "display_name": u.Profile.GetDisplayName(), "admin": u.Admin, "bridge": u.Profile.GetBridge(),
		"disabled": u.Profile.GetDisabled(), "created": u.Created, "seen": u.Seen, "devices": u.Devices,
	}, "%-30s since %s%s", u.Profile.GetUser(), time.UnixMilli(u.Created).Format(time.DateOnly), mark)
}

// change is the verbs which set one thing of an account.
func (a asAdmin) change(ctx context.Context, r *run, req *pb.AdminUserSetRequest, did string) error {
	return a.as(ctx, r, func(to client.Caller) (err error) {
		if req.User, err = fullName(ctx, to, req.User); err != nil {
			return err
		}
		if _, err := client.Call(ctx, to, client.AdminUserSet, req); err != nil {
			return err
		}
		return r.print(map[string]any{"user": req.User, "done": did}, "%s: %s", req.User, did)
	})
}

type userDisable struct {
	Name string `arg:"" help:"User name."`
	asAdmin
}

func (v *userDisable) Run(ctx context.Context, r *run) error {
	return v.change(ctx, r, &pb.AdminUserSetRequest{User: v.Name, Disabled: new(true)}, "disabled")
}

type userEnable struct {
	Name string `arg:"" help:"User name."`
	asAdmin
}

func (v *userEnable) Run(ctx context.Context, r *run) error {
	return v.change(ctx, r, &pb.AdminUserSetRequest{User: v.Name, Disabled: new(false)}, "enabled")
}

type userPasswd struct {
	Name string `arg:"" help:"User name."`
	passwordFlag
	asAdmin
}

func (v *userPasswd) Run(ctx context.Context, r *run) error {
	password, err := v.password(r, true)
	if err != nil {
		return err
	}
	return v.change(ctx, r, &pb.AdminUserSetRequest{User: v.Name, Password: &password}, "has a new password")
}
