package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/test/port"
)

// station is a node of a test with several: its folder is @/NAME, and it comes back on
// the same port.
type station struct {
	*hearth
	folder, port, node string
	serving            *serving
}

// station makes a node's place; start runs it.
func (h *hearth) station(folder string) *station {
	h.t.Helper()
	port := port.Free(h.t)
	return &station{hearth: h, folder: "@/" + folder, port: port, node: "localhost:" + port}
}

func (s *station) args() []string {
	return []string{"--data", s.folder, "--listen", "127.0.0.1:" + s.port, "--name", s.node, "--send-rate", "0"}
}

func (s *station) start() *station {
	s.t.Helper()
	s.serving = s.serve(s.args()...)
	return s
}

// person makes an account on the node and logs it in: @/NAME.json.
func (s *station) person(name string) string {
	s.t.Helper()
	s.must("user", "add", name, "--data", s.folder, "--password-file", "@/pw")
	s.must("login", "https://127.0.0.1:"+s.port, "--user", name, "--password-file", "@/pw", "--profile", "@/"+name+".json")
	return "@/" + name + ".json"
}

// invite is a link for other nodes.
func (s *station) invite() string {
	s.t.Helper()
	return strings.TrimSpace(s.must("invite", "--node", "--data", s.folder).out)
}

// patience is for what nodes tell each other, on a machine that does much else.
const patience = time.Minute

// within tries until it holds.
func within(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v not yet: %s", patience, what)
		}
	}
}

// peer is what the node says of another; nil when it knows none of that name.
func (s *station) peer(name string) map[string]any {
	s.t.Helper()
	rows := s.must("peers", "--data", s.folder, "--json").json("node", "name", "state", "rtt_ms", "addresses", "rooms", "behind", "error")
	for _, row := range rows {
		if row["node"] == name {
			return row
		}
	}
	return nil
}

func (s *station) awaitUp(others ...*station) {
	s.t.Helper()
	for _, o := range others {
		within(s.t, s.node+" has a link to "+o.node, func() bool { return s.peer(o.node)["state"] == "up" })
	}
}

// seen is a room as one person's node has it.
type seen struct {
	events []string // id and text, in order
	state  string
	index  float64
}

func (h *hearth) look(ref, profile string) seen {
	h.t.Helper()
	shown := h.must("room", "show", ref, "--profile", profile, "--json").json("room", "alias", "name", "home", "stewards", "state_index", "state_hash", "members", "nodes")[0]
	v := seen{state: shown["state_hash"].(string), index: shown["state_index"].(float64)}
	for _, row := range h.must("history", ref, "--limit", "0", "--profile", profile, "--json").json("event", "kind") {
		v.events = append(v.events, fmt.Sprint(row["event"], " ", row["kind"], " ", row["text"]))
	}
	return v
}

// awaitSame waits until everybody's node shows the same room, and returns it.
func (h *hearth) awaitSame(ref string, profiles ...string) seen {
	h.t.Helper()
	var all []seen
	same := func() bool {
		all = all[:0]
		for _, p := range profiles {
			all = append(all, h.look(ref, p))
		}
		for _, v := range all[1:] {
			if v.state != all[0].state || !slices.Equal(v.events, all[0].events) {
				return false
			}
		}
		return true
	}
	for end := time.Now().Add(patience); !same(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			for i, v := range all {
				h.t.Errorf("%s: state %v %s\n%s", profiles[i], v.index, v.state, strings.Join(v.events, "\n"))
			}
			h.t.Fatalf("the nodes do not agree about %s after %v", ref, patience)
		}
	}
	return all[0]
}

// The script of issue 3: a link, one command, and two strangers are in one room.
func TestTwoNodesShareARoom(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two := h.station("d1").start(), h.station("d2").start()
	alice, bob := one.person("alice"), two.person("bob")
	room := "#garden@" + one.node

	link := one.invite()
	if u, err := url.Parse(link); err != nil || u.Scheme != "https" || u.Host != "127.0.0.1:"+one.port || !strings.HasPrefix(u.Fragment, "/node/") {
		t.Errorf("the link is %q", link)
	}
	if got := two.must("join", link, "--data", two.folder).out; strings.TrimSpace(got) != "joined "+one.node {
		t.Errorf("join printed %q", got)
	}
	one.awaitUp(two)
	two.awaitUp(one)

	h.must("room", "create", "garden", "--public", "--profile", alice)
	h.must("send", room, "before bob came", "--profile", alice)
	h.must("room", "join", room, "--profile", bob)
	atAlice, atBob := h.tail(room, "--profile", alice), h.tail(room, "--profile", bob)
	sent := h.must("send", room, "hello from alice", "--profile", alice, "--json").json("event", "room")[0]
	if got := atBob.text(); got["event"] != sent["event"] || got["text"] != "hello from alice" || got["author"] != "alice@"+one.node {
		t.Errorf("bob's tail printed %v, want %v", got, sent)
	}
	if got := atAlice.text(); got["event"] != sent["event"] {
		t.Errorf("alice's own tail printed %v, want %v", got, sent)
	}
	sent = h.must("send", room, "hello from bob", "--profile", bob, "--json").json("event", "room")[0]
	if got := atAlice.text(); got["event"] != sent["event"] || got["author"] != "bob@"+two.node {
		t.Errorf("alice's tail printed %v, want %v", got, sent)
	}

	v := h.awaitSame(room, alice, bob)
	if texts := textsOf(v); !slices.Equal(texts, []string{"before bob came", "hello from alice", "hello from bob"}) {
		t.Errorf("the room has %q", texts)
	}
	shown := h.must("room", "show", room, "--profile", bob, "--json").json()[0]
	if shown["home"] != one.node || fmt.Sprint(shown["stewards"]) != "["+one.node+"]" || shown["members"].(float64) != 2 {
		t.Errorf("bob's node shows home %v, stewards %v, %v members", shown["home"], shown["stewards"], shown["members"])
	}
	names := map[string]bool{}
	for _, n := range shown["nodes"].([]any) {
		names[n.(map[string]any)["name"].(string)] = true
	}
	if !names[one.node] || !names[two.node] || len(names) != 2 {
		t.Errorf("the room's nodes are %v", shown["nodes"])
	}
	h.must("room", "show", room, "--profile", bob)
	two.must("peers", "--data", two.folder)
}

func textsOf(v seen) []string {
	var out []string
	for _, e := range v.events {
		parts := strings.SplitN(e, " ", 3)
		if parts[1] == "text" {
			out = append(out, parts[2])
		}
	}
	return out
}

// text is the next message that a tail prints; other events are passed over.
func (t *tailing) text() map[string]any {
	t.t.Helper()
	for {
		if row := t.next(); row["kind"] == "text" {
			return row
		}
	}
}

// Whatever people do in a room is the same on the other node.
func TestWhatIsDoneInARoomReachesTheOtherNode(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two := h.station("d1").start(), h.station("d2").start()
	alice, bob, carol := one.person("alice"), two.person("bob"), two.person("carol")
	room := "#garden@" + one.node
	two.must("join", one.invite(), "--data", two.folder)
	h.must("room", "create", "garden", "--profile", alice) // private
	h.run("room", "join", room, "--profile", bob).want(exitRefused)
	for _, who := range []string{"bob", "carol"} {
		h.must("room", "invite", room, who+"@"+two.node, "--profile", alice)
	}
	for _, p := range []string{bob, carol} {
		id := h.awaitRoom(p, "invite")
		h.must("room", "join", id, "--profile", p)
	}
	h.must("room", "role", room, "bob@"+two.node, "moderator", "--profile", alice)
	h.must("send", room, "one", "--profile", carol)
	h.awaitSame(room, alice, bob)
	h.must("room", "kick", room, "carol@"+two.node, "--profile", bob) // proposed to the home
	h.awaitSame(room, alice, bob)
	h.run("send", room, "still here?", "--profile", carol).want(exitRefused)
	h.must("room", "set", room, "--topic", "Roses", "--profile", alice)
	h.must("send", room, "two", "--profile", bob)
	v := h.awaitSame(room, alice, bob)
	if texts := textsOf(v); !slices.Equal(texts, []string{"one", "two"}) {
		t.Errorf("the room has %q", texts)
	}

	direct := h.must("room", "list", "--profile", bob, "--json").json("room", "alias", "membership")
	if len(direct) != 1 || direct[0]["alias"] != room {
		t.Errorf("bob's rooms are %v", direct)
	}
	h.must("room", "ban-node", room, two.node, "--reason", "enough", "--profile", alice)
	h.run("send", room, "after the ban", "--profile", alice).want(exitDone)
	within(t, "bob is out", func() bool {
		return h.run("send", room, "am I in?", "--profile", bob).code == exitRefused
	})
	if texts := textsOf(h.look(room, alice)); !slices.Contains(texts, "after the ban") || len(texts) > 4 {
		t.Errorf("the room has %q", texts)
	}
	h.must("room", "unban-node", room, two.node, "--profile", alice)
}

// Two people of two nodes have one room between them, whoever began it, and the second
// sees who asks before the first word.
func TestTwoPeopleOfTwoNodes(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two := h.station("d1").start(), h.station("d2").start()
	alice, bob := one.person("alice"), two.person("bob")
	two.must("join", one.invite(), "--data", two.folder)
	room := h.must("room", "direct", "bob@"+two.node, "--profile", alice, "--json").json("room", "direct")[0]["room"].(string)
	h.must("send", room, "hello bob", "--profile", alice)
	if id := h.awaitRoom(bob, "invite"); id != room {
		t.Errorf("bob is invited to %s, not to %s", id, room)
	}
	h.must("room", "join", room, "--profile", bob)
	h.must("send", room, "hello alice", "--profile", bob)
	v := h.awaitSame(room, alice, bob)
	if texts := textsOf(v); !slices.Equal(texts, []string{"hello bob", "hello alice"}) {
		t.Errorf("they said %q", texts)
	}
	if again := h.must("room", "direct", "alice@"+one.node, "--profile", bob, "--json").json("room")[0]["room"]; again != room {
		t.Errorf("bob's room with alice is %v, not %s", again, room)
	}
}

// awaitRoom waits until a person has a room with that membership, and returns its id.
func (h *hearth) awaitRoom(profile, membership string) (id string) {
	h.t.Helper()
	within(h.t, profile+" has a room: "+membership, func() bool {
		for _, row := range h.must("room", "list", "--profile", profile, "--json").json("room", "membership") {
			if row["membership"] == membership {
				id = row["room"].(string)
			}
		}
		return id != ""
	})
	return id
}

// A node may be told whom to join before it ever ran.
func TestJoinBeforeTheFirstStart(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two := h.station("d1").start(), h.station("d2")
	row := two.must("join", one.invite(), "--data", two.folder, "--json").json("node", "name", "state")[0]
	if row["node"] != one.node || row["state"] != "pending" {
		t.Errorf("join printed %v", row)
	}
	if out := two.must("join", one.invite(), "--data", two.folder).out; !strings.Contains(out, "when the node starts") {
		t.Errorf("join printed %q", out)
	}
	two.start()
	one.awaitUp(two)
	two.awaitUp(one)
}

// The folder of a node that does not run makes links and knows its peers too.
func TestInvitesAndPeersOfANodeThatDoesNotRun(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two := h.station("d1").start(), h.station("d2").start()
	two.must("join", one.invite(), "--data", two.folder)
	two.awaitUp(one)
	one.awaitUp(two)
	one.serving.stop()
	link := one.invite()
	if p := one.peer(two.node); p["state"] != "down" {
		t.Errorf("the stopped node says of the other: %v", p)
	}
	one.must("peers", "block", two.node, "--data", one.folder)
	if p := one.peer(two.node); p["state"] != "blocked" || p["blocked"] != true {
		t.Errorf("the blocked node is %v", p)
	}
	one.must("peers", "unblock", two.node, "--data", one.folder)
	within(t, "the link is seen to be down", func() bool { return two.peer(one.node)["state"] != "up" })
	one.start()
	one.awaitUp(two)
	three := h.station("d3").start()
	three.must("join", link, "--data", three.folder)
	three.awaitUp(one)
}

// What goes wrong is said in a sentence, with what to do.
func TestJoinRefusals(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	one, two, three := h.station("d1").start(), h.station("d2").start(), h.station("d3").start()
	link := one.invite()
	two.must("join", link, "--data", two.folder)
	used := three.run("join", link, "--data", three.folder)
	used.want(exitRefused)
	three.run("join", one.node, "--data", three.folder).want(exitRefused) // by invitation only
	three.run("join", "https://127.0.0.1:"+one.port+"/#/invite/abc", "--data", three.folder).refused("bad_request")
	three.run("join", "no link at all", "--data", three.folder).refused("bad_request")
	other := h.station("d4")
	gone := three.run("join", strings.Replace(one.invite(), ":"+one.port, ":"+other.port, 1), "--data", three.folder)
	gone.want(exitRefused)
	if !strings.Contains(gone.err, "Nothing answers at 127.0.0.1:"+other.port) {
		t.Errorf("a node that is not there: %q", gone.err)
	}
	alice := one.person("alice")
	for _, args := range [][]string{
		{"peers", "--profile", alice}, {"join", link, "--profile", alice}, {"invite", "--node", "--profile", alice},
		{"peers", "block", two.node, "--profile", alice}, {"peers", "policy", "open", "--profile", alice}, {"reports", "--profile", alice},
	} {
		h.run(args...).refused("forbidden")
	}
	one.must("peers", "policy", "open", "--data", one.folder)
	three.must("join", "127.0.0.1:"+one.port, "--data", three.folder)
	three.awaitUp(one)
	h.run("room", "join", "#garden@nowhere.invalid", "--profile", alice).want(exitRefused)
	h.run("room", "join", "#none@"+two.node, "--profile", alice).refused("not_found")
}
