package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"hearth/test/port"
)

func TestFirstStartShowsTheWayIn(t *testing.T) {
	h := newHearth(t)
	s := h.serve("--listen", "127.0.0.1:0")
	link := findLine(s.banner, s.url+"/#/invite/")
	if link == "" {
		t.Fatalf("no link for the first administrator in %q", s.banner)
	}
	if last := s.banner[len(s.banner)-1]; last != "ready "+s.url || !strings.HasPrefix(s.url, "https://127.0.0.1:") {
		t.Errorf("the last line is %q", last)
	}
	s.stop()
	if again := h.serve("--listen", "127.0.0.1:0"); findLine(again.banner, link[strings.Index(link, "/#/"):]) == "" {
		t.Errorf("another link, though nobody used the first: %q", again.banner)
	} else {
		h.must("user", "add", "alice", "--data", "@/d", "--password-file", "@/pw", "--admin")
		again.stop()
	}
	if third := h.serve("--listen", "127.0.0.1:0"); findLine(third.banner, "/#/invite/") != "" {
		t.Errorf("a link, though there is an administrator: %q", third.banner)
	}
}

func findLine(lines []string, part string) string {
	for _, l := range lines {
		if strings.Contains(l, part) {
			return strings.TrimSpace(l)
		}
	}
	return ""
}

func TestNameIsKept(t *testing.T) {
	h := newHearth(t)
	h.serve("--listen", "127.0.0.1:0", "--name", "chat.example").stop()
	s := h.serve("--listen", "127.0.0.1:0") // without --name: as before
	if findLine(s.banner, "chat.example") == "" {
		t.Errorf("the node forgot its name: %q", s.banner)
	}
	s.stop()
	r := h.run("serve", "--data", "@/d", "--listen", "127.0.0.1:0", "--name", "other.example")
	r.refused("conflict")
	if !strings.Contains(r.err, "chat.example") || !strings.Contains(r.err, "other.example") {
		t.Errorf("the refusal names not both: %s", r.err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	h := newHearth(t)
	h.serve("--listen", "127.0.0.1:0")
	r := h.run("serve", "--data", "@/d", "--listen", "127.0.0.1:0")
	r.want(exitRefused)
	if !strings.Contains(r.err, "in use by another") {
		t.Errorf("unclear: %s", r.err)
	}
	h.run("verify", "--data", "@/d").want(exitRefused)
}

func TestConfigurationGoesByRank(t *testing.T) {
	h := newHearth(t)
	file := h.write("hearth.toml", `
listen = "127.0.0.1:0"
name = "from.file"
registration = "open"
send-rate = 7
hosts = ["a.example", "b.example"]
`)
	env := map[string]string{"HEARTH_REGISTRATION": "closed", "HEARTH_SEND_RATE": "8"}
	for name, value := range env {
		t.Setenv(name, value)
	}
	got := parseServe(t, "--config", file, "--send-rate", "9")
	if got.Name != "from.file" || got.Registration != "closed" || got.SendRate != 9 || got.CacheMB != 64 || len(got.Hosts) != 2 {
		t.Errorf("flag > environment > file > default came out as %+v", got)
	}
}

// parseServe is what serve would start with.
func parseServe(t *testing.T, args ...string) config {
	t.Helper()
	v := new(verbs)
	parsed, err := newParser(v, io.Discard, io.Discard).Parse(append([]string{"serve"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Serve.load(parsed, os.LookupEnv); err != nil {
		t.Fatal(err)
	}
	return v.Serve.config
}

func TestConfigurationMistakes(t *testing.T) {
	h := newHearth(t)
	for text, want := range map[string]string{
		"listne = ':1'":            `line 1: there is no key "listne"`,
		"[limits]\nsend-rate = 3":  "limits",
		"registration = 'whoever'": "registration",
		"listen = 8443":            "Listen",
		"listen = 'nonsense'":      "HOST:PORT",
		"send-rate = -1":           "negative",
		"this is no configuration": "hearth.toml",
	} {
		r := h.run("serve", "--data", "@/d", "--config", h.write("hearth.toml", text))
		r.want(exitUsage)
		if !strings.Contains(r.err, want) {
			t.Errorf("%q: %s, want something about %s", text, r.err, want)
		}
	}
}

// A tail goes on where it was when the node comes back, and a send waits for it.
func TestTailAndSendOutliveARestart(t *testing.T) {
	h := newHearth(t)
	port := port.Free(t)
	start := func() *serving {
		return h.serve("--listen", "127.0.0.1:"+port, "--name", "localhost:9443", "--send-rate", "0")
	}
	s := start()
	h.people(s.url, "alice")
	h.must("room", "create", "garden", "--profile", "@/alice.json")
	follow := h.tail(garden, "--profile", "@/alice.json")
	const total = 300
	sent := make(chan result, 1)
	go func() {
		var lines strings.Builder
		for i := range total {
			fmt.Fprintln(&lines, i)
		}
		sent <- h.runWith(t.Context(), strings.NewReader(lines.String()), "send", garden, "-", "--profile", "@/alice.json")
	}()
	for i := range total {
		if i == total/3 {
			s.stop()
			time.Sleep(300 * time.Millisecond)
			s = start()
		}
		if got := follow.next()["text"]; got != fmt.Sprint(i) {
			t.Fatalf("tail printed %v, want %d", got, i)
		}
	}
	(<-sent).want(exitDone)
	if texts := h.texts("history", garden, "--limit", "250", "--profile", "@/alice.json", "--json"); len(texts) != 250 || texts[0] != "50" || texts[249] != "299" {
		t.Errorf("history has %d messages", len(texts))
	}
	all := h.texts("history", garden, "--limit", "0", "--profile", "@/alice.json", "--json")
	if len(all) != total {
		t.Errorf("the whole history has %d messages, want %d", len(all), total)
	}
	since := h.tail(garden, "--since", "1h", "--profile", "@/alice.json")
	if first := since.next()["kind"]; first != "create" {
		t.Errorf("tail --since 1h begins with %v", first)
	}
}

func TestPinnedCertificate(t *testing.T) {
	h := newHearth(t)
	port := port.Free(t)
	s := h.serve("--listen", "127.0.0.1:"+port)
	h.people(s.url, "alice")
	s.stop()
	other := h.serve("--data", "@/other", "--listen", "127.0.0.1:"+port) // another node, another key
	r := h.run("room", "list", "--profile", "@/alice.json")
	r.want(exitUnreachable)
	if !strings.Contains(r.err, "CHANGED") {
		t.Errorf("unclear: %s", r.err)
	}
	h.must("user", "add", "alice", "--data", "@/other", "--password-file", "@/pw")
	login := []string{"login", other.url, "--user", "alice", "--password-file", "@/pw", "--profile", "@/alice.json"}
	h.run(login...).want(exitUnreachable)
	h.must(append(login, "--trust-new-certificate")...)
	h.must("room", "list", "--profile", "@/alice.json")
}

func TestDoctor(t *testing.T) {
	h := newHearth(t)
	s := h.serve("--listen", "127.0.0.1:0")
	h.people(s.url, "alice")
	for _, row := range h.must("doctor", "--profile", "@/alice.json", "--json").json("check", "state", "detail") {
		if row["state"] != fine {
			t.Errorf("%v", row)
		}
	}
	checks := h.must("doctor", s.url, "--data", "@/d", "--profile", "@/none.json", "--json").json("check", "state")
	if len(checks) < 8 {
		t.Errorf("only %d checks", len(checks))
	}
	s.stop()
	h.must("doctor", "--data", "@/d", "--profile", "@/none.json")
}
