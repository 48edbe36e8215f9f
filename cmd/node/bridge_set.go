package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	client "hearth/clients/go"
	"hearth/node/channel"
	pb "hearth/transport/session/clientpb"
)

type bridgeSet struct {
	Name    string   `arg:"" help:"The bridge's name."`
	Changes []string `arg:"" optional:"" name:"name=value" help:"Settings; 'name=' takes one away, 'name' alone asks the terminal, and secrets are never arguments."`
	Config  string   `help:"TOML file with settings to change." placeholder:"FILE" type:"path"`
	Channel string   `help:"Change, or show, the settings of this channel's link, such as its key, and not the bridge's; the link goes on." placeholder:"CHANNEL"`
	On      bool     `help:"Let it run." xor:"run"`
	Off     bool     `help:"Stop it; its links stay, and go on where they were." xor:"run"`
	asAdmin
}

func (v *bridgeSet) Run(ctx context.Context, r *run) error {
	if v.Channel != "" && (v.On || v.Off) {
		return misuse("--on and --off are of the bridge with all its links: leave --channel out")
	}
	return v.as(ctx, r, func(to client.Caller) error {
		req := &pb.AdminBridgeSetRequest{Name: v.Name, Channel: v.Channel}
		if v.On || v.Off {
			req.Enabled = &v.On
		}
		var err error
		if req.Settings, err = v.settings(ctx, r, to); err != nil {
			return err
		}
		if len(req.Settings) == 0 && req.Enabled == nil {
			return v.show(ctx, r, to)
		}
		b, err := client.Call(ctx, to, client.AdminBridgeSet, req)
		if err != nil {
			return inFile(v.Config, err)
		}
		if _, stands := to.(*direct); !stands && !r.verbs.JSON && b.Status.GetState() == channel.Connecting {
			r.note("Waiting for it to connect ...")
			b = awaitBridge(ctx, to, b)
		}
		return v.print(r, b)
	})
}

func (v *bridgeSet) print(r *run, b *pb.Bridge) error {
	if v.Channel == "" {
		return r.bridgeSettings(b)
	}
	for _, l := range b.Links {
		if l.Channel == v.Channel && l.Ended == "" {
			return r.linkSettings(b, l)
		}
	}
	return &client.Error{Code: "not_found", Message: fmt.Sprintf("The bridge %s joins no room to %s.", v.Name, v.Channel)}
}

func (v *bridgeSet) show(ctx context.Context, r *run, to client.Caller) error {
	b, err := v.find(ctx, to)
	if err != nil {
		return err
	}
	return v.print(r, b)
}

func (v *bridgeSet) find(ctx context.Context, to client.Caller) (*pb.Bridge, error) {
	answer, err := client.Call(ctx, to, client.AdminBridges, &pb.Empty{})
	if err != nil {
		return nil, err
	}
	for _, b := range answer.Bridges {
		if b.Name == v.Name {
			return b, nil
		}
	}
	return nil, &client.Error{Code: "not_found", Message: fmt.Sprintf("There is no bridge %q. `hearth bridge list` shows those there are.", v.Name)}
}

// settings are the changes of the file and of the arguments.
func (v *bridgeSet) settings(ctx context.Context, r *run, to client.Caller) (map[string]string, error) {
	changes := map[string]string{}
	if v.Config != "" {
		var err error
		if changes, err = readSettings(v.Config); err != nil {
			return nil, err
		}
	}
	if len(v.Changes) == 0 {
		return changes, nil
	}
	known, err := v.known(ctx, to)
	if err != nil {
		return nil, err
	}
	for _, change := range v.Changes {
		name, value, given := strings.Cut(change, "=")
		s := known[name]
		switch {
		case given && value != "" && s.GetType() == "secret":
			return nil, misuse("%s is a secret, and every user of this machine can read arguments: give %s alone to be asked for it, or a file by --config", name, name)
		case given || s == nil: // of one that there is not the node says which is meant
			changes[name] = value
		default:
			q, err := r.questions()
			if err != nil {
				return nil, err
			}
			if changes[name], err = q.askOne(s); err != nil {
				return nil, err
			}
		}
	}
	return changes, nil
}

// known are the settings that the bridge's kind has, or a link of it.
func (v *bridgeSet) known(ctx context.Context, to client.Caller) (map[string]*pb.BridgeSetting, error) {
	b, err := v.find(ctx, to)
	if err != nil {
		return nil, err
	}
	kinds, err := kindsOf(ctx, to)
	if err != nil {
		return nil, err
	}
	known := map[string]*pb.BridgeSetting{}
	for _, k := range kinds {
		if k.Kind == b.Kind {
			settings := k.Settings
			if v.Channel != "" {
				settings = k.LinkSettings
			}
			for _, s := range settings {
				known[s.Name] = s
			}
		}
	}
	return known, nil
}

// linkSettings is what is set of a link.
func (r *run) linkSettings(b *pb.Bridge, l *pb.BridgeLink) error {
	text := fmt.Sprintf("%s = %s: %s", printable(l.RoomName), printable(l.Channel), l.Status.GetState())
	return r.print(map[string]any{
		"bridge": b.Name, "channel": l.Channel, "room": l.Room, "confirmed": l.Confirmed, "state": l.Status.GetState(),
		"settings": maps.Collect(maps.All(l.Settings)), "hidden": append([]string{}, l.Hidden...),
	}, "%s%s", text, settingsBelow(l.Settings, l.Hidden))
}

func (r *run) bridgeSettings(b *pb.Bridge) error {
	text := fmt.Sprintf("%s (%s): %s", b.Name, printable(b.Kind), b.Status.GetState())
	if why := b.Status.GetReason(); why != "" {
		text += "\n  " + printable(strings.TrimSpace(why+" "+b.Status.GetDetail()))
	}
	return r.print(map[string]any{
		"bridge": b.Name, "kind": b.Kind, "enabled": b.Enabled, "state": b.Status.GetState(),
		"settings": maps.Collect(maps.All(b.Settings)), "hidden": append([]string{}, b.Hidden...),
	}, "%s%s", text, settingsBelow(b.Settings, b.Hidden))
}

func settingsBelow(settings map[string]string, hidden []string) (text string) {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		text += fmt.Sprintf("\n  %-18s %s", printable(name), printable(strings.ReplaceAll(settings[name], "\n", ", ")))
	}
	for _, name := range hidden {
		text += fmt.Sprintf("\n  %-18s (set, and never shown)", printable(name))
	}
	return text
}
