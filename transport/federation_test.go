package transport

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/node/peer"
	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

// acquaint puts a node into the house's book, as a link would.
func (h *house) acquaint(name string) ed25519.PrivateKey {
	h.t.Helper()
	_, key, _ := ed25519.GenerateKey(nil)
	record, err := peer.NewRecord(name, key, []string{name + ":8443"}, "1.2.3", time.Now())
	if err == nil {
		_, err = h.node.Peers.Pin(record)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return key
}

// An administrator sees other nodes, blocks and forgets them, and lets others in.
func TestAdministratorOfPeers(t *testing.T) {
	h := openHouse(t)
	root := h.admin("root")
	if _, err := h.node.Peers.Renew([]string{"node.example:8443"}, "test"); err != nil {
		t.Fatal(err)
	}
	key := h.acquaint("other.example")
	h.node.Peers.SetState("other.example", peer.State{Link: peer.Up, RTT: 1500 * time.Microsecond, ClockAhead: 3 * time.Second})
	peers := &clientpb.AdminPeersResponse{}
	look := func() *clientpb.Peer {
		peers.Reset()
		root.mustCall("AdminPeers", &clientpb.Empty{}, peers)
		if len(peers.Peers) == 0 {
			return nil
		}
		return peers.Peers[0]
	}
	p := look()
	if p.GetName() != "other.example" || p.GetState() != "up" || p.GetRttMs() != 1.5 || p.GetClockMs() != 3000 || p.GetVersion() != "1.2.3" ||
		p.GetKey() != peer.Fingerprint(key.Public().(ed25519.PublicKey)) || !slices.Equal(p.GetAddresses(), []string{"other.example:8443"}) {
		t.Errorf("the peer is shown as %v", p)
	}
	if peers.Name != "localhost:8443" || peers.Policy != "invite" || peers.Key != peer.Fingerprint(h.node.PublicKey()) {
		t.Errorf("the node shows itself as %v", peers)
	}
	on, off := true, false
	root.mustCall("AdminPeerSet", &clientpb.AdminPeerSetRequest{Name: "other.example", Blocked: &on}, &clientpb.Empty{})
	if p := look(); !p.GetBlocked() || p.GetState() != "blocked" {
		t.Errorf("a blocked peer is shown as %v", p)
	}
	root.mustCall("AdminPeerSet", &clientpb.AdminPeerSetRequest{Name: "other.example", Blocked: &off}, &clientpb.Empty{})
	if p := look(); p.GetBlocked() {
		t.Errorf("an unblocked peer is shown as %v", p)
	}
	root.mustCall("AdminPeerSet", &clientpb.AdminPeerSetRequest{Name: "other.example", Forget: &on}, &clientpb.Empty{})
	if p := look(); p != nil {
		t.Errorf("a forgotten peer is shown as %v", p)
	}
	if code := codeIn(root.call("AdminPeerSet", &clientpb.AdminPeerSetRequest{Name: "other.example"}, &clientpb.Empty{})); code != "bad_request" {
		t.Errorf("to change nothing answers %s", code)
	}
	policy := "nobody"
	if code := codeIn(root.call("AdminFederationSet", &clientpb.AdminFederationSetRequest{Policy: &policy}, &clientpb.Empty{})); code != "bad_request" {
		t.Errorf("a policy that is none answers %s", code)
	}
	invite := &clientpb.AdminNodeInviteResponse{}
	root.mustCall("AdminNodeInvite", &clientpb.AdminNodeInviteRequest{}, invite)
	link, err := peer.ParseLink(invite.Link)
	if err != nil || link.Address != "node.example:8443" || link.Name != "localhost:8443" || !link.Proves(h.node.PublicKey()) {
		t.Errorf("the link is %q: %+v, %v", invite.Link, link, err)
	}
	if got := body(t, h.get("GET", "/metrics", "")); !strings.Contains(got, `hearth_peers{state="up"} 0`) {
		t.Errorf("/metrics has no peers: %.200q", got)
	}
	if got := body(t, h.get("GET", "/.well-known/hearth", "")); !strings.Contains(got, `"addresses":["node.example:8443"]`) {
		t.Errorf("/.well-known/hearth: %q", got)
	}
}

// What names another node goes there, or says why it cannot.
func TestRoomsOfOtherNodes(t *testing.T) {
	h := openHouse(t)
	alice := h.person("alice")
	id := alice.room("garden")
	got := &clientpb.RoomGetResponse{}
	alice.mustCall("RoomGet", &clientpb.RoomRequest{Room: id}, got)
	if len(got.Nodes) != 1 || !got.Nodes[0].Here || !got.Nodes[0].Home || !got.Nodes[0].Steward || got.Nodes[0].Members != 1 || got.Nodes[0].State != "up" {
		t.Errorf("the room's nodes are %v", got.Nodes)
	}
	if !got.Rights["stewards"] || !got.Rights["node_ban"] {
		t.Errorf("its owner may %v", got.Rights)
	}
	for ref, want := range map[string]string{
		"#garden@localhost:8443":   "ok", // in it already
		id + "@localhost:8443":     "bad_request",
		"#garden@nowhere.invalid":  "unavailable", // no door for other nodes is open here
		"#garden@not a node":       "bad_request",
		"garden@nowhere.invalid":   "bad_request",
		"#nothing@localhost:8443":  "not_found",
		"":                         "bad_request",
		"@":                        "bad_request",
		"#garden@nowhere.invalid@": "bad_request",
	} {
		if code := codeIn(alice.call("RoomJoin", &clientpb.RoomRequest{Room: ref}, &roompb.RoomSummary{})); code != want {
			t.Errorf("to join %q answers %s, want %s", ref, code, want)
		}
	}
	if code := codeIn(alice.call("RoomFind", &clientpb.RoomFindRequest{Node: "not a node"}, &clientpb.RoomFindResponse{})); code != "bad_request" {
		t.Errorf("the directory of no node answers %s", code)
	}
	found := &clientpb.RoomFindResponse{}
	alice.mustCall("RoomFind", &clientpb.RoomFindRequest{Node: "localhost:8443"}, found)
	if len(found.Rooms) != 1 {
		t.Errorf("the own directory has %d rooms", len(found.Rooms))
	}
}

// Stewards are added and removed one by one; nobody is told of rooms that are not theirs.
func TestStewardsOneByOne(t *testing.T) {
	h := openHouse(t)
	alice, bob := h.person("alice"), h.person("bob")
	out := &roompb.RoomSummary{}
	alice.mustCall("RoomCreate", &clientpb.RoomCreateRequest{Alias: "den", Name: "den", Key: "k"}, out)
	steward := func(p *person, node string, on bool) string {
		return codeIn(p.call("RoomSteward", &clientpb.RoomStewardRequest{Room: out.Room, Node: node, On: on}, &clientpb.Empty{}))
	}
	for _, c := range []struct {
		who  *person
		node string
		on   bool
		want string
	}{
		{alice, "localhost:8443", true, "conflict"}, {alice, "other.example", false, "conflict"}, {alice, "other.example", true, "conflict"},
		{alice, "localhost:8443", false, "bad_request"}, {alice, "no node", true, "bad_request"}, {bob, "localhost:8443", true, "not_found"},
	} {
		if got := steward(c.who, c.node, c.on); got != c.want {
			t.Errorf("%s makes %s a steward (%t): %s, want %s", c.who.name, c.node, c.on, got, c.want)
		}
	}
}

func TestBlocksAndReports(t *testing.T) {
	h := openHouse(t)
	alice, bob, root := h.person("alice"), h.person("bob"), h.admin("root")
	alice.mustCall("Block", &clientpb.BlockRequest{User: bob.user, On: true}, &clientpb.Empty{})
	alice.mustCall("Block", &clientpb.BlockRequest{Node: "other.example", On: true}, &clientpb.Empty{})
	blocks := &clientpb.BlocksResponse{}
	alice.mustCall("Blocks", &clientpb.Empty{}, blocks)
	if !slices.Equal(blocks.Users, []string{bob.user}) || !slices.Equal(blocks.Nodes, []string{"other.example"}) {
		t.Errorf("alice has blocked %v", blocks)
	}
	alice.mustCall("Block", &clientpb.BlockRequest{User: bob.user}, &clientpb.Empty{})
	blocks.Reset()
	alice.mustCall("Blocks", &clientpb.Empty{}, blocks)
	if len(blocks.Users) != 0 {
		t.Errorf("alice still has blocked %v", blocks.Users)
	}
	for _, wrong := range []*clientpb.BlockRequest{{On: true}, {User: bob.user, Node: "other.example", On: true}, {Node: "no node", On: true}} {
		if code := codeIn(alice.call("Block", wrong, &clientpb.Empty{})); code != "bad_request" {
			t.Errorf("to block %v answers %s", wrong, code)
		}
	}

	id := alice.room("garden")
	event := alice.send(id, "something rude").Event
	bob.mustCall("Report", &clientpb.ReportRequest{Room: id, Event: event, Reason: "it is rude"}, &clientpb.Empty{})
	if code := codeIn(bob.call("Report", &clientpb.ReportRequest{Room: id, Event: event, Reason: strings.Repeat("x", 501)}, &clientpb.Empty{})); code != "too_large" {
		t.Errorf("an endless reason answers %s", code)
	}
	reports := &clientpb.AdminReportsResponse{}
	root.mustCall("AdminReports", &clientpb.Empty{}, reports)
	if len(reports.Reports) != 1 {
		t.Fatalf("%d reports", len(reports.Reports))
	}
	r := reports.Reports[0]
	if r.Author != alice.user || r.Reporter != bob.user || r.Event != event || r.Room != id || r.Text != "something rude" || r.Reason != "it is rude" || r.RoomName != "garden" {
		t.Errorf("the report is %v", r)
	}
	root.mustCall("AdminReportClose", &clientpb.AdminReportCloseRequest{Id: r.Id}, &clientpb.Empty{})
	reports.Reset()
	root.mustCall("AdminReports", &clientpb.Empty{}, reports)
	if len(reports.Reports) != 0 {
		t.Errorf("a closed report is still there: %v", reports.Reports)
	}
}

// A node that does not answer holds up nobody but who asked it.
func TestWhoAsksAnotherNodeWaitsAlone(t *testing.T) {
	h := openHouse(t)
	errands := h.node.Errands() // a door for other nodes that takes its time
	v := h.person("alice").visit("websocket", nil)
	defer v.pipe.close()
	asked, err := v.begin("RoomFind", &clientpb.RoomFindRequest{Node: "other.example"})
	if err != nil {
		t.Fatal(err)
	}
	e := <-errands
	if err := v.do("Rooms", &clientpb.Empty{}, &clientpb.RoomsResponse{}); err != nil {
		t.Fatal(err)
	}
	e.Done(&roompb.Answer{What: &roompb.Answer_Directory{Directory: &roompb.DirectoryAnswer{}}}, nil)
	if err := finish(asked, &clientpb.RoomFindResponse{}); err != nil {
		t.Errorf("the other node's directory: %v", err)
	}
}
