// Package process runs federations of real hearth programs, each a process with a folder of its own, and
// kills, cuts off and restores them under load. Afterwards the nodes must agree: the same state, the same
// history, nothing lost that was acknowledged, nothing there twice.
//
// Quick by default; HEARTH_FULL=1 takes the times of the issue (a link cut for a minute). HEARTH_BIN names
// a program to use instead of building one.
package process

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
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

// process is a running `hearth serve`.
type process struct {
	cmd   *exec.Cmd
	took  time.Duration // from its start until it was ready
	ended chan struct{}
	err   error // once ended
}

// spawn starts a program and waits until it is ready. It is in the network namespace, if one is named.
func spawn(t *testing.T, netns string, log io.Writer, args ...string) *process {
	t.Helper()
	line := append([]string{binary, "serve"}, args...)
	if netns != "" {
		line = append([]string{"ip", "netns", "exec", netns}, line...) // which then is the program: ip execs it
	}
	p := &process{cmd: exec.Command(line[0], line[1:]...), ended: make(chan struct{})}
	p.cmd.Env = program.Environment()
	p.cmd.Stderr = log
	// Should the test die, its nodes do.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "ready ") {
				ready <- true
				io.Copy(io.Discard, out)
			}
		}
		ready <- false
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.kill)
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("%s ended before it was ready:\n%s", strings.Join(line, " "), log)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%s is not ready after a minute:\n%s", strings.Join(line, " "), log)
	}
	p.took = time.Since(began)
	return p
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// stop ends it as an operator does.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		if p.err != nil {
			t.Errorf("SIGTERM: %v", p.err)
		}
	case <-time.After(time.Minute):
		p.kill()
		t.Error("still there a minute after SIGTERM")
	}
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
