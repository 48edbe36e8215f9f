// Package hostile sets a node that lies (package foe) on real hearth programs and looks at what honest
// people notice: nothing. A table of attacks, one a row; after each the node answers its people, has
// not grown, has not worked hard, and agrees with another honest node about the room.
//
// HEARTH_FULL=1 runs what takes its time as well. HEARTH_BIN names a program to use instead of building one.
package hostile

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	client "hearth/clients/go"
	"hearth/test/port"
	"hearth/test/program"
)

// built is the program under test.
var built string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &built)) }

func full() bool { return os.Getenv("HEARTH_FULL") != "" }

// node is a running hearth, with one account, who is its administrator.
type node struct {
	t        testing.TB
	name     string
	address  string
	data     string
	profiles string // where it serves Go's
	user     string // local
	profile  string
	secret   string // of an invite for nodes
	link     string
	log      *program.Log
	run      *program.Process
	client   *client.Client
	given    atomic.Int64 // commands that its person gave
}

const password = "correct horse battery staple"

// startNode starts a node with an account.
func startNode(t testing.TB, dir, user string) *node {
	t.Helper()
	n := &node{t: t, user: user, data: filepath.Join(dir, user), profile: filepath.Join(dir, user+".json"), log: &program.Log{}}
	n.address = "localhost:" + port.Free(t)
	n.name, n.profiles = n.address, "127.0.0.1:"+port.Free(t)
	n.run = program.Serve(t, n.log, built, "serve", "--data", n.data, "--listen", n.address, "--name", n.name, "--send-rate", "0", "--pprof", n.profiles)
	pw := filepath.Join(dir, "pw")
	if err := os.WriteFile(pw, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.must("user", "add", user, "--admin", "--data", n.data, "--password-file", pw)
	n.must("login", "https://"+n.address, "--user", user, "--password-file", pw, "--profile", n.profile)
	n.link = strings.TrimSpace(n.must("invite", "--node", "--uses", "1000", "--data", n.data))
	n.secret = n.link[strings.LastIndexByte(n.link, '/')+1:]
	n.open()
	return n
}

func (n *node) open() {
	n.t.Helper()
	p, err := client.LoadProfile(n.profile)
	if err != nil {
		n.t.Fatal(err)
	}
	d, err := client.NewDialer(p.URL, client.NewTrust(p.URL, p.Pin, false))
	if err != nil {
		n.t.Fatal(err)
	}
	if n.client, err = client.Dial(n.t.Context(), d, p.Token, client.Options{Wait: true, NoEvents: true}); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { n.client.Close() })
}

// full name of its account.
func (n *node) person() string { return n.user + "@" + n.name }

// cli gives a command line.
func (n *node) cli(args ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(n.t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, built, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = program.Environment(), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("hearth %s: %w\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

func (n *node) must(args ...string) string {
	n.t.Helper()
	out, err := n.cli(args...)
	if err != nil {
		n.t.Fatal(err)
	}
	return out
}

// status is a figure of /proc/PID/status, in bytes.
func (n *node) status(what string) int64 {
	n.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.run.PID()))
	if err != nil {
		n.t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, what+":"); ok {
			v, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kb), "kB")), 10, 64)
			return v << 10
		}
	}
	n.t.Fatalf("the machine does not say %s of the node", what)
	return 0
}

// forgetPeak has VmHWM, the most memory that was ever held, begin anew.
func (n *node) forgetPeak() {
	n.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", n.run.PID()), []byte("5"), 0); err != nil {
		n.t.Fatal(err)
	}
}

// busy is how long the node has computed, on all cores, since it began.
func (n *node) busy() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.run.PID()))
	if err != nil {
		n.t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}
