package main

import (
	"errors"
	"io/fs"
	"strings"

	client "hearth/clients/go"
)

// login is a profile in use.
type login struct {
	*client.Profile
	dialer *client.Dialer
	http   *client.HTTP
}

func (r *run) profilePath() (string, error) {
	if r.verbs.Profile != "" {
		return r.verbs.Profile, nil
	}
	return client.DefaultProfile()
}

// login opens the profile; every verb that speaks for a user begins with it.
func (r *run) login() (*login, error) {
	path, err := r.profilePath()
	if err != nil {
		return nil, err
	}
	p, err := client.LoadProfile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, misuse("no login in %s: run `hearth login URL --user NAME` first", path)
	}
	if err != nil {
		return nil, misuse("%v", err)
	}
	d, err := client.NewDialer(p.URL, client.NewTrust(p.URL, p.Pin, false))
	if err != nil {
		return nil, misuse("profile %s: %v", path, err)
	}
	return &login{Profile: p, dialer: d, http: client.NewHTTP(d, p.Token)}, nil
}

// user completes "bob" with the node of the one who is logged in.
func (l *login) user(name string) string {
	if strings.Contains(name, "@") {
		return name
	}
	_, node, _ := strings.Cut(l.User, "@")
	return name + "@" + node
}
