package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

const garden = "#garden@localhost:9443"

// The script of the README, line by line, with what each promises.
func TestScript(t *testing.T) {
	h := newHearth(t)
	h.must("user", "add", "alice", "--data", "@/d", "--password-file", "@/pw", "--admin") // before the node ever ran
	s := h.serve("--listen", "127.0.0.1:0", "--name", "localhost:9443")
	added := h.must("user", "add", "bob", "--data", "@/d", "--password-file", "@/pw", "--json").json("user", "admin") // while it runs
	if added[0]["user"] != "bob@localhost:9443" {
		t.Errorf("added %v", added)
	}
	for _, name := range []string{"alice", "bob"} {
		h.must("login", s.url, "--user", name, "--password-file", "@/pw", "--profile", "@/"+name+".json")
	}
	room := h.must("room", "create", "garden", "--public", "--profile", "@/alice.json", "--json").json("room", "alias")[0]
	if room["alias"] != garden {
		t.Errorf("alias %v, want %s", room["alias"], garden)
	}
	h.must("room", "join", garden, "--profile", "@/bob.json")
	follow := h.tail(garden, "--profile", "@/bob.json")

	sent := h.must("send", garden, "hello", "--profile", "@/alice.json", "--json").json("event", "room")[0]
	if sent["room"] != room["room"] {
		t.Errorf("sent to %v, want %v", sent["room"], room["room"])
	}
	got := follow.next()
	if got["event"] != sent["event"] || got["text"] != "hello" || got["kind"] != "text" || got["author"] != "alice@localhost:9443" || got["room"] != room["room"] {
		t.Errorf("tail printed %v", got)
	}
	lines := h.runWith(t.Context(), strings.NewReader("one\ntwo\r\n\nthree"), "send", garden, "-", "--profile", "@/alice.json", "--json")
	lines.want(exitDone)
	if n := len(lines.json("event", "room")); n != 3 {
		t.Errorf("%d answers to three lines", n)
	}
	for _, want := range []string{"one", "two", "three"} {
		if got := follow.next()["text"]; got != want {
			t.Errorf("tail printed %v, want %s", got, want)
		}
	}
	if code := follow.stop(); code != exitDone {
		t.Errorf("a stopped tail ended with %d", code)
	}
	texts := h.texts("history", garden, "--limit", "100", "--profile", "@/bob.json", "--json")
	if got := strings.Join(texts, " "); got != "hello one two three" {
		t.Errorf("history is %q", got)
	}
	h.backupAndRestore(s)
}

// texts of the messages a history printed.
func (h *hearth) texts(args ...string) []string {
	h.t.Helper()
	var out []string
	for _, row := range h.must(args...).json("event", "room", "author", "time", "kind", "text") {
		if row["kind"] == "text" {
			out = append(out, row["text"].(string))
		}
	}
	return out
}

// backupAndRestore: of a running node, and of one that is stopped; the copy is a node
// with the same messages, which can go on.
func (h *hearth) backupAndRestore(s *serving) {
	h.t.Helper()
	h.must("backup", "--data", "@/d", "--to", "@/live.backup")
	if code, log := s.stop(); code != exitDone {
		h.t.Fatalf("serve ended with %d: %s", code, log)
	}
	h.must("backup", "--data", "@/d", "--to", "@/still.backup")
	for i, from := range []string{"live", "still"} {
		copied := fmt.Sprintf("@/copy%d", i)
		h.must("restore", "--from", "@/"+from+".backup", "--data", copied)
		h.must("verify", "--data", copied)
		h.run("restore", "--from", "@/"+from+".backup", "--data", copied).want(exitRefused) // there is a node already
	}
	h.must("verify", "--data", "@/d", "--json").json("ok", "problems")
	again := h.serve("--data", "@/copy0", "--listen", "127.0.0.1:0")
	h.must("login", again.url, "--user", "bob", "--password-file", "@/pw", "--profile", "@/copy.json")
	h.must("send", garden, "after the restore", "--profile", "@/copy.json")
	texts := h.texts("history", garden, "--profile", "@/copy.json", "--json")
	if got := strings.Join(texts, " "); got != "hello one two three after the restore" {
		h.t.Errorf("the restored node has %q", got)
	}
}

// Every exit code, with its reason on standard error.
func TestExitCodes(t *testing.T) {
	h := newHearth(t)
	s := h.serve("--listen", "127.0.0.1:0", "--name", "localhost:9443")
	h.people(s.url, "alice", "bob")
	h.write("wrong", "not the password\n")
	h.must("room", "create", "garden", "--profile", "@/alice.json") // private

	h.run("login", s.url, "--user", "alice", "--password-file", "@/wrong", "--profile", "@/x.json").refused("unauthenticated")
	h.run("room", "join", "#nowhere@localhost:9443", "--profile", "@/alice.json").refused("not_found")
	h.run("send", garden, "hello", "--profile", "@/bob.json").want(exitRefused)
	h.run("tail", garden, "--profile", "@/bob.json").want(exitRefused)
	h.run("room", "create", "garden", "--profile", "@/bob.json").refused("taken")
	h.run("user", "add", "carol", "--profile", "@/alice.json", "--password-file", "@/pw").refused("forbidden")
	h.run("user", "add", "Bad Name", "--data", "@/d", "--password-file", "@/pw").refused("bad_request")
	h.run("user", "add", "bob", "--data", "@/d", "--password-file", "@/pw").refused("taken")

	for _, wrong := range [][]string{
		{}, {"sing"}, {"send", garden}, {"send", garden, "x", "--no-such-flag"},
		{"send", garden, "x", "--profile", "@/none.json"},
		{"history", garden, "--limit", "-1", "--profile", "@/alice.json"},
		{"login", "not a url", "--user", "alice", "--password-file", "@/pw"},
		{"login", s.url, "--user", "alice", "--password-file", "@/none"},
		{"login", s.url, "--user", "alice"}, // no terminal to ask
		{"tail", "--since", "10m", "--profile", "@/alice.json"},
		{"room", "set", garden, "--profile", "@/alice.json"},
		{"room", "role", garden, "bob", "emperor", "--profile", "@/alice.json"},
		{"serve", "--listen", "nonsense", "--data", "@/e"},
		{"backup", "--data", "@/d"},
	} {
		h.run(wrong...).want(exitUsage)
	}
	s.stop()
	for _, gone := range [][]string{
		{"send", garden, "hello", "--profile", "@/alice.json"},
		{"tail", garden, "--profile", "@/alice.json"},
		{"history", garden, "--profile", "@/alice.json"},
		{"login", s.url, "--user", "alice", "--password-file", "@/pw", "--profile", "@/x.json"},
		{"doctor", s.url},
	} {
		h.run(gone...).want(exitUnreachable)
	}
	h.must("--help")
	h.must("version", "--json").json("version")
}

// One id in 64 begins with '-'.
func TestIDsThatLookLikeFlags(t *testing.T) {
	id := "-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO_"
	v := new(verbs)
	if _, err := newParser(v, io.Discard, io.Discard).Parse(markIDs([]string{"history", id, "--before", id, "--limit", "3"})); err != nil {
		t.Fatal(err)
	}
	if v.History.Room != id || v.History.Before != id || v.History.Limit != 3 {
		t.Errorf("got %+v", v.History)
	}
	v = new(verbs)
	if _, err := newParser(v, io.Discard, io.Discard).Parse(markIDs([]string{"tail", id, id, "--json"})); err != nil {
		t.Fatal(err)
	}
	if len(v.Tail.Rooms) != 2 || v.Tail.Rooms[1] != id {
		t.Errorf("got %+v", v.Tail)
	}
}

func TestRoomVerbs(t *testing.T) {
	h := newHearth(t)
	s := h.serve("--listen", "127.0.0.1:0", "--name", "localhost:9443")
	h.people(s.url, "alice", "bob", "carol")
	as := func(who string, args ...string) result {
		h.t.Helper()
		return h.must(append(args, "--profile", "@/"+who+".json", "--json")...)
	}
	as("alice", "room", "create", "#garden", "--topic", "plants", "--invite", "bob")
	as("bob", "room", "join", garden)
	as("alice", "room", "invite", garden, "carol")
	as("carol", "room", "join", garden)
	as("alice", "room", "role", garden, "bob", "moderator")
	as("alice", "room", "set", garden, "--name", "The garden", "--public")
	shown := as("bob", "room", "show", garden).json("room", "alias", "rights", "creator")[0]
	if shown["name"] != "The garden" || shown["topic"] != "plants" || shown["role"] != "moderator" || shown["public"] != true {
		t.Errorf("room show: %v", shown)
	}
	if n := len(as("alice", "room", "members", garden).json("user", "role")); n != 3 {
		t.Errorf("%d members", n)
	}
	as("bob", "room", "kick", garden, "carol", "--reason", "weeds")
	as("bob", "room", "ban", garden, "carol")
	h.run("room", "join", garden, "--profile", "@/carol.json").want(exitRefused)
	if n := len(as("alice", "room", "members", garden, "--membership", "ban").json("user")); n != 1 {
		t.Errorf("%d banned", n)
	}
	as("bob", "room", "unban", garden, "carol")
	as("carol", "room", "join", garden)
	if found := as("carol", "room", "find", "gard").json("room", "alias"); len(found) != 1 {
		t.Errorf("found %v", found)
	}
	if rooms := as("bob", "room", "list").json("room", "alias", "unread"); len(rooms) != 1 {
		t.Errorf("bob's rooms: %v", rooms)
	}
	as("bob", "room", "leave", garden)
	if rooms := as("bob", "room", "list").json(); len(rooms) != 0 {
		t.Errorf("bob's rooms after leaving: %v", rooms)
	}
}

func TestUserVerbs(t *testing.T) {
	h := newHearth(t)
	h.must("user", "add", "root", "--data", "@/d", "--password-file", "@/pw", "--admin")
	s := h.serve("--listen", "127.0.0.1:0", "--name", "localhost:9443")
	h.must("login", s.url, "--user", "root", "--password-file", "@/pw", "--profile", "@/root.json")
	h.write("pw2", "another long password\n")
	for _, as := range [][]string{{"--data", "@/d"}, {"--profile", "@/root.json"}} { // by the socket; as administrator
		do := func(args ...string) result { h.t.Helper(); return h.must(append(append(args, as...), "--json")...) }
		name := "u" + fmt.Sprint(len(as[1]))
		do("user", "add", name, "--password-file", "@/pw")
		login := func(file string) result {
			return h.run("login", s.url, "--user", name, "--password-file", file, "--profile", "@/u.json")
		}
		login("@/pw").want(exitDone)
		do("user", "disable", name)
		h.run("room", "list", "--profile", "@/u.json").want(exitRefused) // ended at once
		login("@/pw").want(exitRefused)
		do("user", "enable", name)
		do("user", "passwd", name, "--password-file", "@/pw2")
		login("@/pw").want(exitRefused)
		login("@/pw2").want(exitDone)
		if rows := do("user", "list", name).json("user", "admin", "disabled"); len(rows) != 1 {
			t.Errorf("user list: %v", rows)
		}
		link := do("invite", "--uses", "2").json("link", "id")[0]["link"].(string)
		if !strings.HasPrefix(link, "https://") || !strings.Contains(link, "/#/invite/") {
			t.Errorf("link %s", link)
		}
		h.must("logout", "--profile", "@/u.json")
		h.run("logout", "--profile", "@/u.json").want(exitUsage) // there is no login any more
	}
	s.stop()
	rows := h.must("user", "list", "--data", "@/d", "--json").json("user") // on the store itself
	if len(rows) != 3 || rows[0]["user"] != "root@localhost:9443" {
		t.Errorf("user list: %v", rows)
	}
}
