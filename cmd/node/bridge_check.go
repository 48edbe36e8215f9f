package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"hearth/node/room"
	"hearth/plugins"
	"hearth/plugins/bridge/bridgetest"
)

type bridgeCheck struct {
	Plugin  string `arg:"" help:"The plugin: an executable named hearth-bridge-KIND." type:"path"`
	Config  string `help:"File with settings (TOML) that lead to a network; without it only what needs none is checked." placeholder:"FILE" type:"path"`
	Channel string `help:"A channel there, where the check may say things." placeholder:"CHANNEL"`
	Printed bool   `help:"Show on standard error what the plugin prints."`
}

// Run checks a plugin as its author wants it: no node is needed.
func (v *bridgeCheck) Run(ctx context.Context, r *run) error {
	var settings map[string]string
	if v.Config != "" {
		var err error
		if settings, err = readSettings(v.Config); err != nil {
			return err
		}
	}
	printed := io.Discard
	if v.Printed {
		printed = r.err
	}
	var broken error
	say := func(f bridgetest.Finding) {
		line := fmt.Sprintf("%-8s %s", f.Verdict, f.Check)
		if f.Text != "" {
			line += "\n" + strings.Repeat(" ", 9) + printable(f.Text)
		}
		if err := r.print(map[string]any{"check": f.Check, "verdict": f.Verdict, "text": f.Text}, "%s", line); err != nil {
			broken = err
		}
	}
	failed, err := plugins.Check(ctx, v.Plugin, settings, v.Channel, say, printed)
	switch {
	case ctx.Err() != nil:
		return room.Errorf(room.Unavailable, "The check was stopped.")
	case err != nil:
		return err
	case broken != nil:
		return broken
	case failed > 0:
		return room.Errorf(room.BadRequest, "The plugin does not keep the contract. Checks that failed: %d.", failed)
	}
	return nil
}
