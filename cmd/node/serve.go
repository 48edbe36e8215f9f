package main

import (
	"context"
	"errors"
)

type serveVerb struct {
	Config string `help:"Configuration file (TOML); its keys are the flags' names." placeholder:"FILE" env:"HEARTH_CONFIG" type:"path"`
	config
}

func (v *serveVerb) Run(ctx context.Context, r *run) error {
	if v.Config != "" {
		if err := v.readFile(v.Config, r.parsed, r.env); err != nil {
			return err
		}
	}
	if err := v.check(); err != nil {
		return err
	}
	m, err := open(v.config, r.err)
	if err != nil {
		return err
	}
	m.announce(r.out)
	return errors.Join(m.Run(ctx), m.Close())
}
