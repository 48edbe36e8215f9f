package main

import (
	"bufio"
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"hearth/node"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/storage"
	pb "hearth/transport/session/clientpb"
)

func TestSettingsFile(t *testing.T) {
	h := newHearth(t)
	file := h.write("irc.toml", "server = \"irc.test:6697\" # comment\ntls = true\nburst = 4\nignore = [\"a\", \"b\"]\ncert = \"\"\"\nline\nline\"\"\"\n")
	got, err := readSettings(file)
	want := map[string]string{"server": "irc.test:6697", "tls": "true", "burst": "4", "ignore": "a\nb", "cert": "line\nline"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v %v", got, err)
	}
	for text, words := range map[string]string{
		"server = \"a\"\nserver = \"b\"": "line 2",
		"server":                         "line 1",
		"[irc]\nserver = \"a\"":          "irc: a setting is a text",
		"burst = 1.5":                    "burst: a setting",
		"ignore = [\"a\\nb\"]":           "ignore: a list",
	} {
		if _, err := readSettings(h.write("irc.toml", text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, want %q", text, err, words)
		}
	}
	if _, err := readSettings(h.path("none.toml")); err == nil {
		t.Error("a file that is not there was read")
	}
}

// Rubbish is asked again, what is needed is not left out, and secrets are read unseen.
func TestQuestions(t *testing.T) {
	kind := &pb.BridgeKind{Kind: "irc", Setup: "# First\nRegister a nick.\x1b[2J", Settings: []*pb.BridgeSetting{
		{Name: "server", Title: "Server", Help: "Its host and port.", Type: "text", Required: true},
		{Name: "tls", Title: "TLS", Type: "switch", Default: "true"},
		{Name: "verify", Title: "Verify", Type: "switch"},
		{Name: "burst", Title: "Burst", Type: "number", Default: "4"},
		{Name: "sasl", Title: "SASL", Type: "choice", Choices: []string{"plain", "external"}},
		{Name: "password", Title: "Password", Type: "secret"},
		{Name: "ignore", Title: "Ignore", Type: "list"},
	}}
	in := bufio.NewReader(strings.NewReader("\n irc.test:6697 \n\nno\nfour\n5\nscram\nplain\nann\nbob\n\n"))
	var out bytes.Buffer
	unseen := 0
	q := &questions{out: &out, line: func() (string, error) { return in.ReadString('\n') }, secret: func() (string, error) { unseen++; return "sesame", nil }}
	got, err := q.askAll(kind)
	want := map[string]string{"server": "irc.test:6697", "verify": "false", "burst": "5", "sasl": "plain", "password": "sesame", "ignore": "ann\nbob"}
	if err != nil || !maps.Equal(got, want) || unseen != 1 {
		t.Errorf("%v %v, %d unseen", got, err, unseen)
	}
	for _, words := range []string{"Register a nick.", "This one is needed", `not "four"`, `not "scram"`, "SASL (plain, external)", "TLS (yes, no) [true]"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("%q is not said:\n%s", words, out.String())
		}
	}
	if strings.Contains(out.String(), "sesame") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("said what must not be: %q", out.String())
	}
	q.line = func() (string, error) { return "", io.EOF }
	if _, err := q.askAll(kind); err == nil {
		t.Error("the terminal went away, and it goes on asking")
	}
}

// hasBridge gives a folder whose node does not run a bridge with a link.
func (h *hearth) hasBridge() {
	h.t.Helper()
	h.serve("--listen", "127.0.0.1:0", "--name", "localhost:9443").stop() // it has a name and a key now
	s, err := openStore(h.path("d"), storage.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	defer s.Close()
	b, err := node.StoredBridges(s)
	if err != nil {
		h.t.Fatal(err)
	}
	b.SetKinds([]channel.Kind{{Kind: "irc"}})
	if err := b.Add(channel.Bridge{Name: "libera", Kind: "irc"}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := b.Link(channel.NewLink{Bridge: "libera", Room: room.ID{1}, Channel: "#garden-irc", Agreed: true}); err != nil {
		h.t.Fatal(err)
	}
}

// bridgeFields are what issue 4 promises to scripts, and more.
var bridgeFields = []string{
	"bridge", "kind", "network", "user", "enabled", "state", "reason", "since", "heard", "queue", "oldest_s", "relayed", "received", "dropped", "dropped_by",
	"duplicates", "reconnects", "links",
}

// Of a node that does not run bridges can be seen, stopped and unlinked; the rest says what to do.
func TestBridgesOfANodeThatDoesNotRun(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	h.hasBridge()
	list := func() map[string]any {
		t.Helper()
		rows := h.must("bridge", "list", "--data", "@/d", "--json").json(bridgeFields...)
		if len(rows) != 1 {
			t.Fatalf("%d bridges", len(rows))
		}
		return rows[0]
	}
	if b := list(); b["bridge"] != "libera" || b["state"] != "down" || b["reason"] != "the node does not run" || b["user"] != "libera@localhost:9443" {
		t.Errorf("%v", b)
	}
	h.must("bridge", "set", "libera", "--off", "--data", "@/d")
	h.must("bridge", "unlink", "libera", "#garden-irc", "--data", "@/d")
	b := list()
	if link := b["links"].([]any)[0].(map[string]any); b["state"] != "disabled" || link["state"] != "ended" || link["reason"] != "unlinked by the operator" {
		t.Errorf("%v", b)
	}
	h.must("bridge", "set", "libera", "--on", "--data", "@/d", "--json")
	if b := list(); b["enabled"] != true {
		t.Errorf("%v", b)
	}
	for _, args := range [][]string{
		{"add", "irc", "--config", h.write("irc.toml", "server = \"a\"")}, {"remove", "libera"}, {"link", "libera", garden, "#x"},
		{"restart", "libera"}, {"logs", "libera"}, {"kinds"}, {"set", "libera", "--config", h.path("irc.toml")}, {"mute", "libera", garden, "ann"},
	} {
		h.run(slices.Concat([]string{"bridge"}, args, []string{"--data", "@/d"})...).refused("unavailable")
	}
	h.run("bridge", "unlink", "libera", "#none", "--data", "@/d").refused("not_found")
}

func TestDoctorLooksAtBridges(t *testing.T) {
	bridge := func(name, state, reason string, links ...*pb.BridgeLink) *pb.Bridge {
		return &pb.Bridge{Name: name, Status: &pb.BridgeStatus{State: state, Reason: reason}, Links: links}
	}
	link := func(state string) *pb.BridgeLink {
		return &pb.BridgeLink{Channel: "#garden", RoomName: garden, Status: &pb.BridgeStatus{State: state, Reason: "why"}}
	}
	var got []string
	for _, f := range bridgeFindings([]*pb.Bridge{
		bridge("libera", "connected", "", link("connected"), link("waiting"), link("ended"), link("degraded")),
		bridge("oftc", "down", "no route", link("down")),
		bridge("acme", "login", "the token was revoked"),
		bridge("old", "disabled", "it crashed"),
	}) {
		got = append(got, strings.Join([]string{f.Check, f.State, f.Detail, f.Advice}, " | "))
	}
	want := []string{
		"bridges | ok | 1 of 4 are connected | ",
		"bridge | warning | libera, #garden is waiting: why | For another code: hearth bridge link libera '#garden@localhost:9443' '#garden'",
		"bridge | warning | libera, #garden is degraded: why | hearth bridge logs libera",
		"bridge | warning | oftc is down: no route | hearth bridge logs oftc",
		"bridge | failed | acme is login: the token was revoked | hearth bridge logs acme",
		"bridge | warning | old is disabled: it crashed | To let it run: hearth bridge set old --on",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := bridgeFindings(nil); got != nil {
		t.Error(got)
	}
}
