// Package process runs federations of real hearth programs, each a process with a folder of its own, and
// kills, cuts off and restores them under load. Afterwards the nodes must agree: the same state, the same
// history, nothing lost that was acknowledged, nothing there twice.
//
// Quick by default; HEARTH_FULL=1 takes the times of the issue (a link cut for a minute). HEARTH_BIN names
// a program to use instead of building one.
package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"hearth/test/program"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &binary)) }

func full() bool { return os.Getenv("HEARTH_FULL") != "" }

// either takes its time by HEARTH_FULL.
func either(quick, long time.Duration) time.Duration {
	if full() {
		return long
	}
	return quick
}

// serve starts a node; in a network namespace, if one is named.
func serve(t *testing.T, netns string, log *program.Log, args ...string) *program.Process {
	t.Helper()
	line := append([]string{binary, "serve"}, args...)
	if netns != "" {
		line = append([]string{"ip", "netns", "exec", netns}, line...) // which then is the program: ip execs it
	}
	return program.Serve(t, log, line...)
}

// result is what a command line left behind.
type result struct {
	args     []string
	code     int
	out, err string
}

// hearth gives a command line.
func hearth(ctx context.Context, args ...string) result {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = program.Environment(), &out, &errs
	err := cmd.Run()
	code := cmd.ProcessState.ExitCode()
	if err != nil && code < 1 {
		code = -1
		fmt.Fprintln(&errs, err)
	}
	return result{args, code, out.String(), errs.String()}
}

func (r result) String() string {
	return fmt.Sprintf("hearth %s: exit code %d\n%s%s", strings.Join(r.args, " "), r.code, r.out, r.err)
}
