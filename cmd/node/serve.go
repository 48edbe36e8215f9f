package main

import (
	"context"
	"errors"

	"github.com/alecthomas/kong"
)

type serveVerb struct {
	Config string `help:"Configuration file (TOML); its keys are the flags' names." placeholder:"FILE" env:"HEARTH_CONFIG" type:"path"`
	config
}

func (v *serveVerb) Run(ctx context.Context, r *run) error {
	if err := v.load(r.parsed, r.env); err != nil {
		return err
	}
	m, err := open(v.config, r.err)
	if err != nil {
		return err
	}
	m.announce(r.out)
	return errors.Join(m.Run(ctx), m.Close())
}

// load completes what the flags and the environment say by the file, and checks it all.
func (v *serveVerb) load(parsed *kong.Context, env func(string) (string, bool)) error {
	if v.Config != "" {
		if err := v.readFile(v.Config, parsed, env); err != nil {
			return err
		}
	}
	return v.check()
}
