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

// SIGTERM ends a node cleanly within five seconds, with people on it; a second one at once. The quickest
// of some tries, as the machine is shared.
func TestSignals(t *testing.T) {
	h := newHearth(t)
	started := func() *process {
		return spawn(t, "--data", h.path("d"), "--listen", "127.0.0.1:0", "--name", "localhost:9443")
	}
	p := started()
	h.people(p.url, "alice")
	h.must("room", "create", "garden", "--profile", "@/alice.json")
	p.kill()
	quickest(t, 5*time.Second, func() time.Duration {
		p := started()
		h.must("login", p.url, "--user", "alice", "--password-file", "@/pw", "--profile", "@/alice.json")
		follow := h.tail(garden, "--profile", "@/alice.json")
		defer follow.stop()
		took, err := p.ends(t, syscall.SIGTERM)
		if err != nil {
			t.Errorf("SIGTERM: %v\n%s", err, p.log)
		}
		if bytes.Contains([]byte(p.log.String()), []byte("level=ERROR")) {
			t.Errorf("the log has errors:\n%s", p.log)
		}
		return took
	})
	quickest(t, 2*time.Second, func() time.Duration {
		p := started()
		p.cmd.Process.Signal(syscall.SIGTERM)
		took, _ := p.ends(t, syscall.SIGTERM)
		return took
	})
}

// ends sends a signal and tells how long the process went on.
func (p *process) ends(t *testing.T, by os.Signal) (took time.Duration, err error) {
	t.Helper()
	began := time.Now()
	p.cmd.Process.Signal(by)
	select {
	case err = <-p.ended:
	case <-time.After(patience):
		t.Fatalf("still there %v after the signal", patience)
	}
	return time.Since(began), err
}

// quickest wants one of three tries to take less.
func quickest(t *testing.T, most time.Duration, try func() time.Duration) {
	t.Helper()
	var took time.Duration
	for range 3 {
		if took = try(); took < most {
			return
		}
	}
	t.Errorf("took %v, want less than %v", took, most)
}
