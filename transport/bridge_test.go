package transport

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

const ircPassword = "correct horse battery"

// bridge gives the house a bridge, and a plugin for it that is not there.
func (h *house) bridge() {
	h.t.Helper()
	h.node.Bridges.SetKinds([]channel.Kind{{Kind: "irc", Title: "IRC", LinkHint: "!join CODE", Can: map[string]bool{"edits": true, "typing": false}, Settings: []channel.Setting{
		{Name: "server", Type: "text"}, {Name: "password", Type: "secret"},
	}, LinkSettings: []channel.Setting{{Name: "key", Type: "secret"}}}})
	err := h.node.AddBridge(channel.Bridge{Name: "libera", Kind: "irc", Settings: map[string]string{"server": "irc.test:6697", "password": ircPassword}})
	if err != nil {
		h.t.Fatal(err)
	}
}

// A bridge from its plugin to the room's members, as an administrator and they see it.
func TestBridges(t *testing.T) {
	h := openHouse(t)
	h.bridge()
	alice, bob, root := h.person("alice"), h.person("bob"), h.admin("root")
	made := &roompb.RoomSummary{}
	alice.mustCall("RoomCreate", &clientpb.RoomCreateRequest{Alias: "garden", Name: "Garden", Key: "1"}, made)

	kinds := &clientpb.AdminBridgeKindsResponse{}
	root.mustCall("AdminBridgeKinds", &clientpb.Empty{}, kinds)
	if k := kinds.Kinds; len(k) != 1 || k[0].Title != "IRC" || !slices.Equal(k[0].Can, []string{"edits"}) || len(k[0].Settings) != 2 || len(k[0].LinkSettings) != 1 {
		t.Errorf("kinds: %v", kinds)
	}

	link := &clientpb.AdminBridgeLinkResponse{}
	root.mustCall("AdminBridgeLink", &clientpb.AdminBridgeLinkRequest{
		Name: "libera", Room: "#garden@" + h.node.Name(), Channel: "#garden-irc", Settings: map[string]string{"key": "sesame-open"},
	}, link)
	if len(link.Code) != 8 || link.Expires == 0 || !strings.HasSuffix(link.Instructions, "!join "+link.Code) || !strings.Contains(link.Instructions, "#garden-irc on libera") {
		t.Errorf("link: %v", link)
	}
	if ok, err := h.node.Bridges.Claim("libera", "#garden-irc", link.Code, "ChanOp"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	h.node.Bridges.SetStatus("libera", channel.Status{State: channel.Connected})
	h.node.Bridges.SetLinkStatus("libera", "#garden-irc", channel.Status{State: channel.Degraded, Reason: "slow", Detail: "192.0.2.7", Queue: 7})
	h.node.Bridges.SetRoster("libera", "#garden-irc", []*roompb.Ghost{{Id: "zoe", Name: "zoe"}, {Id: "ann", Name: "ann"}, {Id: "bob", Name: "bob"}})
	h.node.Bridges.Logf("libera", "PASS %s", ircPassword)

	if got := body(t, h.get("GET", "/metrics", "")); !strings.Contains(got, `hearth_bridge_state{bridge="libera",state="connected"} 1`) || !strings.Contains(got, `hearth_bridge_queue{bridge="libera"} 7`) {
		t.Errorf("metrics: %s", got)
	}
	all, logs := &clientpb.AdminBridgesResponse{}, &clientpb.AdminBridgeLogsResponse{}
	root.mustCall("AdminBridges", &clientpb.Empty{}, all)
	root.mustCall("AdminBridgeLogs", &clientpb.AdminBridgeLogsRequest{Name: "libera"}, logs)
	b := all.Bridges[0]
	if b.User != "libera@"+h.node.Name() || b.Settings["server"] != "irc.test:6697" || !slices.Equal(b.Hidden, []string{"password"}) || b.Status.State != "connected" || b.Status.Queue != 7 {
		t.Errorf("bridge: %v", b)
	}
	if l := b.Links[0]; l.RoomName != "#garden@"+h.node.Name() || !l.Confirmed || l.ConfirmedBy != "ChanOp" || l.By != root.user || l.Status.State != "degraded" || l.Status.Detail != "192.0.2.7" || !slices.Equal(l.Hidden, []string{"key"}) {
		t.Errorf("link: %v", l)
	}
	said, err := protojson.Marshal(all)
	if err != nil || strings.Contains(string(said)+logs.String(), ircPassword) || strings.Contains(string(said), "sesame-open") || len(logs.Lines) != 1 {
		t.Errorf("a secret came out: %s %s %v", said, logs, err)
	}

	in := &clientpb.RoomBridgesResponse{}
	alice.mustCall("RoomBridges", &clientpb.RoomBridgesRequest{Room: made.Room, From: 1, Limit: 1}, in)
	r := in.Bridges[0]
	if r.Place != "#garden-irc on libera" || r.Kind != "IRC" || !r.Own || r.Here != 3 || len(r.Roster) != 1 || r.Roster[0].Name != "bob" || r.Status.Reason != "slow" || r.Status.Detail != "" {
		t.Errorf("the members see %v", r)
	}
	if code := bob.call("RoomBridges", &clientpb.RoomBridgesRequest{Room: made.Room}, in); codeIn(code) != "not_found" {
		t.Errorf("who is not in the room: %v", code)
	}

	root.mustCall("AdminBridgeMute", &clientpb.AdminBridgeMuteRequest{Name: "libera", Room: made.Room, Ghost: "zoe", On: true}, &clientpb.Empty{})
	if id, err := room.ParseHash(made.Room); err != nil || !h.node.Bridges.Muted("libera", id, "zoe") {
		t.Error("zoe is heard")
	}
	changed := &clientpb.Bridge{}
	no := false
	root.mustCall("AdminBridgeSet", &clientpb.AdminBridgeSetRequest{Name: "libera", Channel: "#garden-irc", Settings: map[string]string{"key": ""}}, changed)
	if l := changed.Links[0]; len(l.Hidden) > 0 || !l.Confirmed || l.ConfirmedBy != "ChanOp" || !changed.Enabled {
		t.Errorf("the link: %v", l)
	}
	for _, in := range []*clientpb.AdminBridgeSetRequest{{Name: "libera", Channel: "#garden-irc", Enabled: &no}, {Name: "libera", Channel: "#garden-irc"}} {
		if code := root.call("AdminBridgeSet", in, changed); codeIn(code) != "bad_request" {
			t.Errorf("%v: %v", in, code)
		}
	}
	root.mustCall("AdminBridgeSet", &clientpb.AdminBridgeSetRequest{Name: "libera", Enabled: &no, Settings: map[string]string{"server": "other.test"}}, changed)
	if changed.Enabled || changed.Settings["server"] != "other.test" || changed.Status.State != "disabled" || !strings.Contains(changed.Status.Reason, root.user) {
		t.Errorf("changed: %v", changed)
	}
	root.mustCall("AdminBridgeUnlink", &clientpb.AdminBridgeUnlinkRequest{Name: "libera", Channel: "#garden-irc"}, &clientpb.Empty{})
	alice.mustCall("RoomBridges", &clientpb.RoomBridgesRequest{Room: made.Room}, in)
	if len(in.Bridges) != 0 {
		t.Errorf("after it was unlinked: %v", in)
	}
	root.mustCall("AdminBridgeRemove", &clientpb.AdminBridgeRequest{Name: "libera"}, &clientpb.Empty{})
	root.mustCall("AdminBridges", &clientpb.Empty{}, all)
	if len(all.Bridges) != 0 {
		t.Errorf("after it was removed: %v", all)
	}
}
