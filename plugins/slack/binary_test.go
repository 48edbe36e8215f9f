package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/plugins"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/slack/slackdouble"
)

func build(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	out, err := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(folder, "hearth-bridge-slack"), "hearth/plugins/slack").CombinedOutput()
	if err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	return folder
}

// What `hearth bridge check` says of the binary, with a workspace.
func TestCheck(t *testing.T) {
	if os.Getenv("HEARTH_FULL") == "" {
		t.Skip("HEARTH_FULL=1 runs it; relay.TestKeepsTheContract is the same within a process")
	}
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	settings := map[string]string{"bot_token": slackdouble.BotToken, "app_token": slackdouble.AppToken, "api_url": s.URL(), "pace": "10000"}
	var printed bytes.Buffer
	failed, err := plugins.Check(t.Context(), filepath.Join(build(t), "hearth-bridge-slack"), settings, "#garden", func(f bridgetest.Finding) {
		t.Logf("%s: %s %s", f.Check, f.Verdict, f.Text)
		if f.Verdict != "passed" {
			t.Fail()
		}
	}, &printed)
	if err != nil || failed > 0 {
		t.Errorf("%d failed: %v\n%s", failed, err, printed.String())
	}
}

// What an idle bridge costs: a figure for docs/benchmarks.md.
func TestIdle(t *testing.T) {
	if os.Getenv("HEARTH_IDLE") == "" {
		t.Skip("HEARTH_IDLE=90s measures for so long")
	}
	within, err := time.ParseDuration(os.Getenv("HEARTH_IDLE"))
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	h.linked("1")
	h.Wait("the channel to be at rest", func() bool { return h.CallsLocked("conversations.history") > 0 })
	pid := pluginProcess(t)
	before := ticks(t, pid)
	time.Sleep(within)
	rss, err := exec.Command("ps", "-o", "rss=", "-p", pid).Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("after %s: %s KB resident, %.2f s of CPU", within, strings.TrimSpace(string(rss)), float64(ticks(t, pid)-before)/100)
}

// pluginProcess is the id of the plugin, a child of the host.
func pluginProcess(t *testing.T) string {
	children, err := exec.Command("pgrep", "-P", strconv.Itoa(os.Getpid()), "-f", "hearth-bridge-slack").Output()
	if err != nil {
		t.Fatal("no process of the plugin")
	}
	return strings.Fields(string(children))[0]
}

// ticks is a process' time on the CPU, in hundredths of a second. (proc(5), stat: utime, stime)
func ticks(t *testing.T, pid string) (n int) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, field := range fields[11:13] {
		v, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		n += v
	}
	return n
}
