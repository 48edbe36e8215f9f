package transport

import (
	"slices"
	"strings"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

// Bridges shows a node's bridges from the book of them alone: for the commands of a running
// node, and for who works on the folder of one that stands.
type Bridges struct {
	Book *channel.Book
	Name func(room.ID) string // what people call a room
}

// All is every bridge with its links.
func (b Bridges) All() *clientpb.AdminBridgesResponse {
	out := &clientpb.AdminBridgesResponse{}
	for _, bridge := range b.Book.Bridges() {
		out.Bridges = append(out.Bridges, b.show(bridge))
	}
	return out
}

// One is one of them.
func (b Bridges) One(name string) (*clientpb.Bridge, error) {
	bridge, ok := b.Book.Bridge(name)
	if !ok {
		return nil, room.Errorf(room.NotFound, "There is no bridge %q.", name[:min(len(name), 80)])
	}
	return b.show(bridge), nil
}

func (b Bridges) show(m channel.Bridge) *clientpb.Bridge {
	out := &clientpb.Bridge{
		Name: m.Name, Kind: m.Kind, Network: m.Network, User: string(b.Book.Bot(m.Name)), Enabled: m.Enabled,
		Settings: m.Settings, Hidden: m.Hidden, Created: m.Created, Status: showStatus(b.Book.StatusOf(m.Name)),
	}
	for _, l := range b.Book.Links(m.Name) {
		name, status := b.Name(l.Room), showStatus(b.Book.LinkStatus(m.Name, l.Room))
		if l.Private != nil { // whose and with whom is no administrator's affair
			name, l.By, status.Reason, status.Detail = "a private conversation", "", "", ""
			if !l.Live() {
				l.Ended = "ended"
			}
		}
		out.Links = append(out.Links, &clientpb.BridgeLink{
			Room: l.Room.String(), RoomName: name, Channel: l.Channel, Confirmed: l.Confirmed, ConfirmedBy: l.ConfirmedBy, By: l.By,
			Created: l.Created, Settings: l.Settings, Hidden: l.Hidden, CodeEnds: l.CodeEnds, Ended: l.Ended, EndedAt: l.EndedAt, Muted: l.Muted,
			Status: status,
		})
	}
	return out
}

// SetLink changes settings of one link.
func SetLink(b *channel.Book, in *clientpb.AdminBridgeSetRequest) error {
	if in.Enabled != nil || len(in.Settings) == 0 {
		return room.Errorf(room.BadRequest, "Of a link settings are changed, and nothing else; what stops and runs is the bridge.")
	}
	return b.SetLink(in.Name, in.Channel, in.Settings)
}

func showStatus(s channel.Status) *clientpb.BridgeStatus {
	return &clientpb.BridgeStatus{
		State: s.State, Reason: s.Reason, Detail: s.Detail, Since: s.Since, Heard: s.Heard, Queue: s.Queue, OldestS: s.OldestSeconds,
		Relayed: s.Relayed, Received: s.Received, Dropped: s.Dropped, Duplicates: s.Duplicates, Reconnects: s.Reconnects,
	}
}

// ShowKinds is the kinds of bridges that a book knows plugins for.
func ShowKinds(b *channel.Book) *clientpb.AdminBridgeKindsResponse {
	out := &clientpb.AdminBridgeKindsResponse{}
	for _, k := range b.Kinds() {
		out.Kinds = append(out.Kinds, showKind(k))
	}
	return out
}

func showKind(k channel.Kind) *clientpb.BridgeKind {
	out := &clientpb.BridgeKind{Kind: k.Kind, Title: k.Title, Version: k.Version, Setup: k.Setup, ChannelHint: k.ChannelHint}
	for what, can := range k.Can {
		if can {
			out.Can = append(out.Can, what)
		}
	}
	slices.Sort(out.Can)
	out.Settings, out.LinkSettings = showSettings(k.Settings), showSettings(k.LinkSettings)
	return out
}

func showSettings(of []channel.Setting) (out []*clientpb.BridgeSetting) {
	for _, s := range of {
		out = append(out, &clientpb.BridgeSetting{
			Name: s.Name, Title: s.Title, Help: s.Help, Type: s.Type, Default: s.Default, Required: s.Required, Choices: s.Choices,
		})
	}
	return out
}

// instructions are what an operator of a channel is told to say there.
func instructions(hint, code, place string) string {
	if hint == "" {
		hint = "!link CODE"
	}
	return "An operator of " + place + " has to say there, within 24 hours: " + strings.ReplaceAll(hint, "CODE", code)
}

// pageOf is a page of a roster.
func pageOf(roster []*roompb.Ghost, from, limit uint32) []*roompb.Ghost {
	const most = 1000
	if limit == 0 || limit > most {
		limit = most
	}
	roster = roster[min(int(from), len(roster)):]
	return roster[:min(int(limit), len(roster))]
}
