package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asHearth makes the test's own binary be hearth: the real main, in a process that can be killed.
const asHearth = "HEARTH_TEST_IS_HEARTH"

func TestMain(m *testing.M) {
	if os.Getenv(asHearth) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is a `hearth serve` of its own.
type process struct {
	cmd   *exec.Cmd
	url   string
	took  time.Duration // from its start until it was ready
	log   *lockedBuffer
	ended chan error
}

func spawn(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], append([]string{"serve"}, args...)...), log: &lockedBuffer{}, ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), asHearth+"=1")
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ready := strings.CutPrefix(lines.Text(), "ready "); ready {
			p.url, p.took = url, time.Since(began)
			break
		}
	}
	if p.url == "" {
		p.cmd.Wait()
		t.Fatalf("the node ended before it was ready: %s", p.log)
	}
	go func() {
		io.Copy(io.Discard, out)
		p.ended <- p.cmd.Wait()
	}()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

// SIGTERM ends a node cleanly within five seconds, with people on it; a second one at once.
func TestSignals(t *testing.T) {
	h := newHearth(t)
	p := spawn(t, "--data", h.path("d"), "--listen", "127.0.0.1:0", "--name", "localhost:9443")
	h.people(p.url, "alice")
	h.must("room", "create", "garden", "--profile", "@/alice.json")
	follow := h.tail(garden, "--profile", "@/alice.json")
	began := time.Now()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, p.log)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("still there 5 s after SIGTERM")
	}
	t.Logf("ended %v after SIGTERM", time.Since(began).Round(time.Millisecond))
	follow.stop()
	if bytes.Contains([]byte(p.log.String()), []byte("level=ERROR")) {
		t.Errorf("the log has errors:\n%s", p.log)
	}

	p = spawn(t, "--data", h.path("d"), "--listen", "127.0.0.1:0")
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
		t.Fatal("still there 2 s after the second SIGTERM")
	}
}
