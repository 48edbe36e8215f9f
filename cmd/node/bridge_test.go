package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/node"
	"hearth/node/account"
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
	in := bufio.NewReader(strings.NewReader("\n irc.test:6697 \nperhaps\nno\nscram\nplain\nann\nbob\n\nbrust\nburst\nfour\n5\n\n"))
	var out bytes.Buffer
	unseen := 0
	q := &questions{out: &out, line: func() (string, error) { return in.ReadString('\n') }, secret: func() (string, error) { unseen++; return "sesame", nil }}
	got, err := q.askAll(kind)
	want := map[string]string{"server": "irc.test:6697", "verify": "false", "burst": "5", "sasl": "plain", "password": "sesame", "ignore": "ann\nbob"}
	if err != nil || !maps.Equal(got, want) || unseen != 1 {
		t.Errorf("%v %v, %d unseen", got, err, unseen)
	}
	for _, words := range []string{"Register a nick.", "This one is needed", `not "four"`, `not "scram"`, "SASL (plain, external)", "Verify (yes, no): ", "Yes or no, please.", "tls                TLS (true)", "Is burst meant?"} {
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
	people, err := account.Open(s, account.Config{Node: "localhost:9443"})
	if err == nil {
		err = people.PutBot("libera", "IRC libera")
	}
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
	for _, args := range [][]string{{"link", "libera", garden, "#x"}, {"restart", "libera"}, {"logs", "libera"}, {"mute", "libera", garden, "ann"}} {
		h.run(slices.Concat([]string{"bridge"}, args, []string{"--data", "@/d"})...).refused("unavailable")
	}
	h.write("irc.toml", "server = \"a\"")
	h.run("bridge", "add", "irc", "--config", "@/irc.toml", "--data", "@/d").refused("not_found") // no plugin
	h.run("bridge", "set", "libera", "--config", "@/irc.toml", "--data", "@/d").refused("not_found")
	h.run("bridge", "unlink", "libera", "#none", "--data", "@/d").refused("not_found")
	h.must("bridge", "remove", "libera", "--data", "@/d")
	h.run("bridge", "remove", "libera", "--data", "@/d").refused("not_found")
	if r := h.must("bridge", "list", "--data", "@/d", "--json"); r.out != "" {
		t.Errorf("removed, and there: %s", r.out)
	}
}

// channelKey is what a bridge's plugin would be told of its only channel.
func (h *hearth) channelKey(data, bridge string) string {
	h.t.Helper()
	s, err := openStore(h.path(data), storage.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	defer s.Close()
	b, err := node.StoredBridges(s)
	if err != nil {
		h.t.Fatal(err)
	}
	settings, err := b.LinkSecrets(bridge, b.Links(bridge)[0].Room)
	if err != nil {
		h.t.Fatal(err)
	}
	return settings["voice"]
}

// echoes puts the example's plugin beside the data folder.
func (h *hearth) echoes() {
	h.t.Helper()
	build := exec.CommandContext(h.t.Context(), "go", "build", "-o", h.path("plugins/hearth-bridge-echo"), "hearth/plugins/echo")
	if out, err := build.CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	h.write("echo.toml", "voice = \"Nymph\"\n")
}

// until gives a command line again until what it prints is right.
func (h *hearth) until(what string, right func(rows []map[string]any) bool, args ...string) {
	h.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		r := h.must(args...)
		if right(r.json()) {
			return
		}
		if time.Now().After(end) {
			h.t.Fatalf("%s: it stays\n%s", what, r.out)
		}
	}
}

// A bridge's life by the command line, with a real plugin: added before the node runs and while it runs,
// linked with and without consent, heard, muted, stopped, unlinked from the room, restored from a backup, removed.
func TestBridgeVerbs(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	h.echoes()
	h.must("user", "add", "alice", "--data", "@/d", "--password-file", "@/pw", "--admin")
	h.run("bridge", "list", "--data", "@/d").refused("unavailable") // it has no name yet
	h.serve("--listen", "127.0.0.1:0", "--name", "localhost:9443").stop()
	first := h.must("bridge", "add", "echo", "--name", "nymph", "--config", "@/echo.toml", "--data", "@/d", "--json").json(bridgeFields...)[0]
	if first["user"] != "nymph@localhost:9443" || first["reason"] != "the node does not run" {
		t.Errorf("added %v", first)
	}

	s := h.serve("--listen", "127.0.0.1:0", "--name", "localhost:9443")
	h.must("login", s.url, "--user", "alice", "--password-file", "@/pw", "--profile", "@/alice.json")
	id := h.must("room", "create", "garden", "--public", "--json", "--profile", "@/alice.json").json("room")[0]["room"]
	h.addsABridge()
	h.linksChannels()
	h.changesALink(id)
	h.mutesAndRestarts()
	h.endsLinks(id)

	h.must("backup", "--data", "@/d", "--to", "@/backup")
	s.stop()
	h.must("bridge", "remove", "second", "--data", "@/d")
	h.must("restore", "--from", "@/backup", "--data", "@/d2")
	if key := h.channelKey("d2", "second"); key != "Calypso" {
		t.Errorf("restored, the voice in the channel is %q", key)
	}
	h.must("verify", "--data", "@/d2")
}

// What follows is one story, of the bridges nymph and second. alice runs a verb as her, bridges lists them.
func (h *hearth) alice(args ...string) result {
	return h.must(append(args, "--profile", "@/alice.json")...)
}

func (h *hearth) bridges(what string, done func(rows []map[string]any) bool) {
	h.t.Helper()
	h.until(what, done, "bridge", "list", "--data", "@/d", "--json")
}

// heard waits until somebody beyond a bridge has said something.
func (h *hearth) heard(ghost, text string) {
	h.t.Helper()
	h.until(ghost+" is heard", func(rows []map[string]any) bool {
		last := rows[len(rows)-1]
		return last["ghost"] == ghost && last["network"] == "nymph" && last["text"] == text
	}, "history", garden, "--json", "--profile", "@/alice.json")
}

func (h *hearth) addsABridge() {
	h.t.Helper()
	h.write("bad.toml", "vioce = \"x\"")
	r := h.run("bridge", "add", "echo", "--name", "second", "--config", "@/bad.toml", "--data", "@/d")
	r.refused("bad_request")
	if !strings.Contains(r.err, `Is "voice" meant?`) || !strings.Contains(r.err, "bad.toml") {
		h.t.Errorf("it says %q", r.err)
	}
	added := h.alice("bridge", "add", "echo", "--name", "second", "--config", "@/echo.toml") // as an administrator
	if !strings.Contains(added.out, "second") || !strings.Contains(added.err, "hearth bridge link second") {
		h.t.Errorf("%s%s", added.out, added.err)
	}
	h.run("bridge", "add", "echo", "--name", "alice", "--config", "@/echo.toml", "--data", "@/d").refused("taken")
	h.run("bridge", "add", "echo", "--name", "third", "--data", "@/d").want(exitUsage) // no terminal to ask
	if rows := h.must("bridge", "kinds", "--data", "@/d", "--json").json("kind", "title", "settings", "can", "setup"); len(rows) != 1 || rows[0]["kind"] != "echo" {
		h.t.Errorf("kinds: %v", rows)
	}
}

func (h *hearth) linksChannels() {
	h.t.Helper()
	linked := h.runWith(h.t.Context(), strings.NewReader("Calypso\n"), "bridge", "link", "second", garden, "grotto", "--set", "voice=-", "--data", "@/d", "--json")
	linked.want(exitDone)
	if r := h.run("bridge", "link", "second", garden, "grotto", "--set", "vioce=x", "--data", "@/d"); !strings.Contains(r.err, `Is "voice" meant?`) {
		h.t.Errorf("it says %q", r.err)
	}
	code := linked.json("code", "bridge", "room", "channel", "expires", "instructions")[0]
	if c := code["code"].(string); len(c) != 8 || !strings.HasSuffix(code["instructions"].(string), "!link "+c) {
		h.t.Errorf("%v", code)
	}
	h.must("bridge", "link", "nymph", garden, "cave", "--data", "@/d", "--no-consent")
	h.run("bridge", "link", "nymph", garden, "cave", "--data", "@/d").refused("conflict")
	h.alice("send", garden, "hello out there")
	h.heard("Nymph", "hello out there")
	h.bridges("counted", func(rows []map[string]any) bool {
		return len(rows) == 2 && rows[0]["bridge"] == "nymph" && rows[0]["state"] == "connected" && rows[0]["relayed"] == 1.0 && rows[0]["received"] == 1.0 &&
			rows[1]["links"].([]any)[0].(map[string]any)["state"] == "waiting"
	})
}

func (h *hearth) changesALink(id any) {
	h.t.Helper()
	set := h.must("bridge", "set", "nymph", "--channel", "cave", "voice=Calypso", "--data", "@/d", "--json").json("bridge", "channel", "room", "confirmed", "state", "settings", "hidden")[0]
	if set["room"] != id || set["confirmed"] != true || set["settings"].(map[string]any)["voice"] != "Calypso" || len(set["hidden"].([]any)) != 0 {
		h.t.Errorf("the link: %v", set)
	}
	h.alice("send", garden, "in another voice")
	h.heard("Calypso", "in another voice")
	if r := h.run("bridge", "set", "nymph", "--channel", "cave", "vioce=x", "--data", "@/d"); !strings.Contains(r.err, `Is "voice" meant?`) {
		h.t.Errorf("it says %q", r.err)
	}
	h.run("bridge", "set", "nymph", "--channel", "pit", "voice=x", "--data", "@/d").refused("not_found")
	h.run("bridge", "set", "nymph", "--channel", "cave", "--off", "--data", "@/d").want(exitUsage)
}

func (h *hearth) mutesAndRestarts() {
	h.t.Helper()
	h.must("bridge", "mute", "nymph", garden, "echo", "--data", "@/d")
	h.alice("send", garden, "and again")
	h.bridges("the mute is counted", func(rows []map[string]any) bool {
		return rows[0]["dropped"] == 1.0 && rows[0]["dropped_by"].(map[string]any)["muted"] == 1.0
	})
	h.must("bridge", "restart", "nymph", "--data", "@/d")
	h.until("it was started twice", func(rows []map[string]any) bool {
		return len(rows) > 1 && rows[0]["seq"] == 1.0
	}, "bridge", "logs", "nymph", "--data", "@/d", "--json")
	if set := h.must("bridge", "set", "nymph", "voice=Echo", "--off", "--data", "@/d", "--json").json("settings", "hidden", "state")[0]; set["state"] != "disabled" || set["settings"].(map[string]any)["voice"] != "Echo" {
		h.t.Errorf("set: %v", set)
	}
	h.must("bridge", "set", "nymph", "--on", "--data", "@/d")
}

func (h *hearth) endsLinks(id any) {
	h.t.Helper()
	h.alice("room", "kick", garden, "nymph", "--reason", "too loud")
	h.bridges("the link has ended", func(rows []map[string]any) bool {
		link := rows[0]["links"].([]any)[0].(map[string]any)
		return link["room"] == id && link["state"] == "ended" && link["reason"] == "unlinked by alice@localhost:9443: too loud"
	})
	h.must("bridge", "unlink", "second", "grotto", "--data", "@/d")
}

// --follow goes on until it is stopped.
func TestBridgeLogsFollow(t *testing.T) {
	t.Parallel()
	h := newHearth(t)
	h.echoes()
	h.serve("--listen", "127.0.0.1:0", "--name", "localhost:9443")
	h.must("bridge", "add", "echo", "--name", "nymph", "--config", "@/echo.toml", "--data", "@/d")
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		p := &program{args: h.args([]string{"bridge", "logs", "nymph", "--follow", "--json", "--data", "@/d"}), in: strings.NewReader(""), out: in, err: io.Discard, env: noEnv}
		code <- p.run(ctx)
		in.Close()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("nothing is said")
	}
	h.must("bridge", "restart", "nymph", "--data", "@/d")
	if !lines.Scan() || parse(t, lines.Text(), "seq", "time", "text")["seq"] != 2.0 {
		t.Errorf("then %q", lines.Text())
	}
	stop()
	go io.Copy(io.Discard, out)
	if c := <-code; c != exitDone {
		t.Errorf("stopped, it ended with %d", c)
	}
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
