package main

import (
	"context"
	"fmt"
	"os"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type loginVerb struct {
	URL    string `arg:"" help:"Address of the node, https://HOST:PORT."`
	User   string `required:"" help:"User name." placeholder:"NAME"`
	Device string `help:"Name of this login in the list of devices (default: the machine's name)." placeholder:"TEXT"`
	passwordFlag

	TrustNewCertificate bool `help:"Accept that the node's own certificate is another one than the profile remembers."`
}

func (v *loginVerb) Run(ctx context.Context, r *run) error {
	path, err := r.profilePath()
	if err != nil {
		return err
	}
	pin := v.remembered(path)
	trust := client.NewTrust(v.URL, pin, true)
	d, err := client.NewDialer(v.URL, trust)
	if err != nil {
		return misuse("%v", err)
	}
	password, err := v.password(r, false)
	if err != nil {
		return err
	}
	answer, err := client.Call(ctx, client.NewHTTP(d, ""), client.Login,
		&pb.LoginRequest{Username: v.User, Password: password, DeviceName: v.device()})
	if err != nil {
		return err
	}
	p := &client.Profile{URL: d.URL, User: answer.User, Token: answer.Token, Device: answer.Device, Pin: trust.Pin()}
	if err := p.Save(path); err != nil {
		return err
	}
	if p.Pin != "" && p.Pin != pin {
		r.note("The node's own certificate is remembered: %s", p.Pin)
	}
	return r.print(map[string]any{
		"user": p.User, "device": p.Device, "url": p.URL, "admin": answer.Admin, "profile": path,
	}, "%s is logged in; the login is kept in %s", p.User, path)
}

// remembered is the pin of an earlier login on the same node.
func (v *loginVerb) remembered(path string) string {
	old, err := client.LoadProfile(path)
	if err != nil || v.TrustNewCertificate || old.URL != v.URL {
		return ""
	}
	return old.Pin
}

func (v *loginVerb) device() string {
	if v.Device != "" {
		return v.Device
	}
	host, err := os.Hostname()
	if err != nil {
		return "hearth"
	}
	return fmt.Sprintf("hearth on %s", host)
}

type logoutVerb struct{}

// Run forgets the login even when the node does: a token that is no longer good is no
// reason to keep it. A node out of reach is, for the token would live on.
func (v *logoutVerb) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	_, err = client.Call(ctx, l.http, client.Logout, &pb.LogoutRequest{})
	if err != nil && client.Code(err) != "unauthenticated" {
		return err
	}
	path, err := r.profilePath()
	if err != nil {
		return err
	}
	if err := client.RemoveProfile(path); err != nil {
		return err
	}
	return r.print(map[string]any{"user": l.User}, "%s is logged out", l.User)
}
