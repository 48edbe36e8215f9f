package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

type bridgeVerbs struct {
	List    bridgeList    `cmd:"" default:"withargs" help:"All bridges: how each is, what it joins to what, what it has relayed and dropped."`
	Kinds   bridgeKinds   `cmd:"" help:"The kinds of bridges that there are plugins for, and what each asks for."`
	Add     bridgeAdd     `cmd:"" help:"Add a bridge; without --config the terminal is asked for everything."`
	Set     bridgeSet     `cmd:"" help:"Change a bridge's settings, stop it (--off) or let it run (--on); without any: show its settings."`
	Remove  bridgeRemove  `cmd:"" help:"Take a bridge away: its bot leaves its rooms, and all that was kept of it is forgotten."`
	Link    bridgeLink    `cmd:"" help:"Join a room to a channel; an operator of the channel confirms it there with a code."`
	Unlink  bridgeUnlink  `cmd:"" help:"End a link: the bot leaves the room and the channel."`
	Mute    bridgeMute    `cmd:"" help:"Take in nothing more of somebody beyond a bridge."`
	Private bridgePrivate `cmd:"" help:"Write privately to somebody beyond a bridge: the room for that is made, or found again."`
	Logs    bridgeLogs    `cmd:"" help:"What a bridge's plugin last had to say."`
	Check   bridgeCheck   `cmd:"" help:"Look whether a plugin keeps the contract (for its author; no node is needed)."`
	Restart bridgeRestart `cmd:"" help:"Start a bridge's plugin anew."`
}

// bridgeLine is a bridge as scripts see it.
type bridgeLine struct {
	Bridge  string `json:"bridge"`
	Kind    string `json:"kind"`
	Network string `json:"network"`
	User    string `json:"user"` // its bot
	Enabled bool   `json:"enabled"`
	stateLine
	Links []linkLine `json:"links"`
}

type linkLine struct {
	Room        string `json:"room"`
	RoomName    string `json:"room_name"`
	Channel     string `json:"channel"`
	Confirmed   bool   `json:"confirmed"`
	ConfirmedBy string `json:"confirmed_by"`
	By          string `json:"by"`
	CodeEnds    int64  `json:"code_ends"`
	stateLine
	Muted []string `json:"muted"`
}

// stateLine is how a bridge, or a link, is.
type stateLine struct {
	State      string            `json:"state"`
	Reason     string            `json:"reason"`
	Detail     string            `json:"detail"`
	Since      int64             `json:"since"`
	Heard      int64             `json:"heard"`
	Queue      uint64            `json:"queue"`
	Oldest     int64             `json:"oldest_s"`
	Relayed    uint64            `json:"relayed"`
	Received   uint64            `json:"received"`
	Dropped    uint64            `json:"dropped"`
	DroppedBy  map[string]uint64 `json:"dropped_by"`
	Duplicates uint64            `json:"duplicates"`
	Reconnects uint64            `json:"reconnects"`
}

func lineOfState(s *pb.BridgeStatus) stateLine {
	l := stateLine{
		State: s.GetState(), Reason: s.GetReason(), Detail: s.GetDetail(), Since: s.GetSince(), Heard: s.GetHeard(), Queue: s.GetQueue(), Oldest: s.GetOldestS(),
		Relayed: s.GetRelayed(), Received: s.GetReceived(), DroppedBy: s.GetDropped(), Duplicates: s.GetDuplicates(), Reconnects: s.GetReconnects(),
	}
	for _, n := range l.DroppedBy {
		l.Dropped += n
	}
	if l.DroppedBy == nil {
		l.DroppedBy = map[string]uint64{}
	}
	return l
}

func (l stateLine) String() string {
	text := fmt.Sprintf("out %d, in %d, dropped %d", l.Relayed, l.Received, l.Dropped)
	if l.Dropped > 0 {
		var why []string
		for _, reason := range slices.Sorted(maps.Keys(l.DroppedBy)) {
			why = append(why, fmt.Sprintf("%s %d", printable(reason), l.DroppedBy[reason]))
		}
		text += " (" + strings.Join(why, ", ") + ")"
	}
	if l.Queue > 0 {
		text += fmt.Sprintf(", %d waiting, the oldest for %v", l.Queue, time.Duration(l.Oldest)*time.Second)
	}
	return text
}

func lineOfBridge(b *pb.Bridge) bridgeLine {
	l := bridgeLine{Bridge: b.Name, Kind: b.Kind, Network: b.Network, User: b.User, Enabled: b.Enabled, stateLine: lineOfState(b.Status), Links: []linkLine{}}
	for _, k := range b.Links {
		link := linkLine{
			Room: k.Room, RoomName: k.RoomName, Channel: k.Channel, Confirmed: k.Confirmed, ConfirmedBy: k.ConfirmedBy, By: k.By,
			CodeEnds: k.CodeEnds, stateLine: lineOfState(k.Status), Muted: k.Muted,
		}
		if link.Muted == nil {
			link.Muted = []string{}
		}
		l.Links = append(l.Links, link)
	}
	return l
}

func (l bridgeLine) String() string {
	text := fmt.Sprintf("%-16s %-8s %-11s %s", printable(l.Bridge), printable(l.Kind), l.State, l.stateLine)
	text += reasonBelow(l.stateLine, 2)
	for _, k := range l.Links {
		text += fmt.Sprintf("\n  %s = %s   %s", printable(k.RoomName), printable(k.Channel), k.State)
		if k.State != "ended" {
			text += "   " + k.stateLine.String()
		}
		if k.Reason != l.Reason || k.Detail != l.Detail {
			text += reasonBelow(k.stateLine, 4)
		}
	}
	return text
}

func reasonBelow(l stateLine, indent int) string {
	if l.Reason == "" {
		return ""
	}
	before := "\n" + strings.Repeat(" ", indent)
	text := before + printable(l.Reason)
	if l.Since > 0 {
		text += " (since " + at(l.Since) + ")"
	}
	if l.Detail != "" {
		text += before + printable(l.Detail)
	}
	return text
}

type bridgeList struct{ asAdmin }

func (v *bridgeList) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		answer, err := client.Call(ctx, to, client.AdminBridges, &pb.Empty{})
		if err != nil {
			return err
		}
		for _, b := range answer.Bridges {
			line := lineOfBridge(b)
			if err := r.print(line, "%s", line); err != nil {
				return err
			}
		}
		if len(answer.Bridges) == 0 {
			r.note("There are no bridges. `hearth bridge kinds` shows what there are plugins for.")
		}
		return nil
	})
}

type bridgeKinds struct{ asAdmin }

func (v *bridgeKinds) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		kinds, err := kindsOf(ctx, to)
		if err != nil {
			return err
		}
		for _, k := range kinds {
			text := fmt.Sprintf("%-10s %s %s: %s", printable(k.Kind), printable(k.Title), printable(k.Version), strings.Join(k.Can, ", "))
			for _, s := range k.Settings {
				text += "\n" + settingLine(s)
			}
			if len(k.LinkSettings) > 0 {
				text += "\n  of one link alone (hearth bridge link --set NAME=VALUE):"
			}
			for _, s := range k.LinkSettings {
				text += "\n" + settingLine(s)
			}
			if err := r.print(kindLine(k), "%s", text); err != nil {
				return err
			}
		}
		if len(kinds) == 0 {
			r.note("There are no plugins. They are programs called hearth-bridge-KIND, in the folder `plugins` beside the data folder or beside hearth.")
		}
		return nil
	})
}

func kindsOf(ctx context.Context, to client.Caller) ([]*pb.BridgeKind, error) {
	answer, err := client.Call(ctx, to, client.AdminBridgeKinds, &pb.Empty{})
	return answer.GetKinds(), err
}

func settingLine(s *pb.BridgeSetting) string {
	text := fmt.Sprintf("    %-18s %s", printable(s.Name), printable(cmp.Or(s.Help, s.Title)))
	switch {
	case s.Required:
		text += " (needed)"
	case s.Default != "":
		text += " (" + printable(s.Default) + ")"
	}
	return text
}

func kindLine(k *pb.BridgeKind) map[string]any {
	return map[string]any{
		"kind": k.Kind, "title": k.Title, "version": k.Version, "setup": k.Setup, "channel_hint": k.ChannelHint, "can": append([]string{}, k.Can...),
		"settings": settingLines(k.Settings), "link_settings": settingLines(k.LinkSettings),
	}
}

func settingLines(of []*pb.BridgeSetting) []map[string]any {
	out := []map[string]any{}
	for _, s := range of {
		out = append(out, map[string]any{
			"name": s.Name, "title": s.Title, "help": s.Help, "type": s.Type, "default": s.Default, "required": s.Required, "choices": append([]string{}, s.Choices...),
		})
	}
	return out
}

// oneBridge is the argument of the verbs about one.
type oneBridge struct {
	Name string `arg:"" help:"The bridge's name."`
	asAdmin
}

func (v *oneBridge) done(r *run, did string) error {
	return r.print(map[string]any{"bridge": v.Name, "done": did}, "%s: %s", v.Name, did)
}

type bridgeRemove struct{ oneBridge }

func (v *bridgeRemove) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		if _, err := client.Call(ctx, to, client.AdminBridgeRemove, &pb.AdminBridgeRequest{Name: v.Name}); err != nil {
			return err
		}
		return v.done(r, "removed")
	})
}

type bridgeRestart struct{ oneBridge }

func (v *bridgeRestart) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		if _, err := client.Call(ctx, to, client.AdminBridgeRestart, &pb.AdminBridgeRequest{Name: v.Name}); err != nil {
			return err
		}
		return v.done(r, "restarted")
	})
}

type bridgeLink struct {
	Name      string            `arg:"" help:"The bridge's name."`
	Room      string            `arg:"" help:"Room: its id, or #alias@node."`
	Channel   string            `arg:"" help:"Channel, as the other network writes it: '#garden-irc'."`
	NoConsent bool              `help:"Nobody has to confirm it there: you run the channel too."`
	Set       map[string]string `help:"Settings of this channel alone, such as its key. --set key=- asks the terminal, or reads a line of standard input." placeholder:"NAME=VALUE" mapsep:"none"`
	asAdmin
}

func (v *bridgeLink) Run(ctx context.Context, r *run) error {
	for name, value := range v.Set {
		if value != "-" {
			continue
		}
		var err error
		if v.Set[name], err = r.hidden(name); err != nil {
			return err
		}
	}
	return v.as(ctx, r, func(to client.Caller) error {
		answer, err := client.Call(ctx, to, client.AdminBridgeLink, &pb.AdminBridgeLinkRequest{
			Name: v.Name, Room: v.Room, Channel: v.Channel, Settings: v.Set, NoConsent: v.NoConsent,
		})
		if err != nil {
			return err
		}
		return r.print(map[string]any{
			"code": answer.Code, "bridge": v.Name, "room": v.Room, "channel": v.Channel, "expires": answer.Expires, "instructions": answer.Instructions,
		}, "%s", printable(answer.Instructions))
	})
}

type bridgeUnlink struct {
	Name    string `arg:"" help:"The bridge's name."`
	Channel string `arg:"" help:"The channel."`
	asAdmin
}

func (v *bridgeUnlink) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		if _, err := client.Call(ctx, to, client.AdminBridgeUnlink, &pb.AdminBridgeUnlinkRequest{Name: v.Name, Channel: v.Channel}); err != nil {
			return err
		}
		return r.print(map[string]any{"bridge": v.Name, "channel": v.Channel, "done": "unlinked"}, "%s: unlinked", v.Channel)
	})
}

type bridgeMute struct {
	Name  string `arg:"" help:"The bridge's name."`
	Room  string `arg:"" help:"Room: its id, or #alias@node."`
	Ghost string `arg:"" help:"Who, as the other network calls them for good: a nick, a user id."`
	Off   bool   `help:"Take it back."`
	asAdmin
}

func (v *bridgeMute) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		req := &pb.AdminBridgeMuteRequest{Name: v.Name, Room: v.Room, Ghost: v.Ghost, On: !v.Off}
		if _, err := client.Call(ctx, to, client.AdminBridgeMute, req); err != nil {
			return err
		}
		did := "muted"
		if v.Off {
			did = "heard again"
		}
		return r.print(map[string]any{"bridge": v.Name, "room": v.Room, "ghost": v.Ghost, "done": did}, "%s: %s", v.Ghost, did)
	})
}

type bridgePrivate struct {
	Name string `arg:"" help:"The bridge's name."`
	Nick string `arg:"" help:"Who, by nick or id: somebody in a channel that the bridge joins to a room of yours."`
}

func (v *bridgePrivate) Run(ctx context.Context, r *run) error {
	l, err := r.login()
	if err != nil {
		return err
	}
	answer, err := client.Call(ctx, l.http, client.BridgePrivate, &pb.BridgePrivateRequest{Name: v.Name, Ghost: v.Nick})
	if err != nil {
		return err
	}
	return r.print(map[string]any{"bridge": v.Name, "ghost": v.Nick, "room": answer.Room}, "%s", answer.Room)
}

type bridgeLogs struct {
	oneBridge
	Follow bool   `short:"f" help:"Go on with what comes, until stopped."`
	Limit  uint32 `help:"Lines to begin with, at most 500 (default: ${default})." default:"100"`
}

// logsEvery is how often --follow looks for more.
const logsEvery = time.Second

func (v *bridgeLogs) Run(ctx context.Context, r *run) error {
	return v.as(ctx, r, func(to client.Caller) error {
		req := &pb.AdminBridgeLogsRequest{Name: v.Name, Limit: v.Limit}
		for {
			answer, err := client.Call(ctx, to, client.AdminBridgeLogs, req)
			if err != nil {
				return endedBy(ctx, err)
			}
			for _, l := range answer.Lines {
				if err := r.print(map[string]any{"seq": l.Seq, "time": l.Time, "text": l.Text}, "%s %s", at(l.Time), printable(l.Text)); err != nil {
					return err
				}
				req.After, req.Limit = l.Seq, 0
			}
			if !v.Follow || !sleep(ctx, logsEvery) {
				return nil
			}
		}
	})
}

// endedBy is err, unless somebody has stopped the verb, as they may.
func endedBy(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// sleep tells whether the time passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
