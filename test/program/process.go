package program

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is a running `hearth serve`.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // once ended
}

// Serve starts a program and waits until it is ready. It ends with the test, at the latest.
func Serve(t testing.TB, log *Log, line ...string) *Process {
	t.Helper()
	p := &Process{cmd: exec.Command(line[0], line[1:]...), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stderr = Environment(), log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // should the test die, its nodes do
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
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
	t.Cleanup(p.Kill)
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("%s ended before it was ready:\n%s", strings.Join(line, " "), log.Tail(40))
		}
	case <-time.After(time.Minute):
		t.Fatalf("%s is not ready after a minute:\n%s", strings.Join(line, " "), log.Tail(40))
	}
	return p
}

// PID is its number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends it by SIGKILL.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// Stop ends it as an operator does.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		if p.err != nil {
			t.Errorf("SIGTERM: %v", p.err)
		}
	case <-time.After(time.Minute):
		p.Kill()
		t.Error("still there a minute after SIGTERM")
	}
}
