package plugins

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hearth/node/channel"
)

// holds are how plugins are held together, and how many processes of two of them a host's death has to end: one more
// where only a namespace holds it, without a parent, a group or an environment.
var holds = []struct {
	name  string
	flags uintptr
	noted int
}{
	{"root's namespace", unix.CLONE_NEWPID, 5},
	{"a user's namespace", unix.CLONE_NEWPID | unix.CLONE_NEWUSER, 5},
	{"no namespace", 0, 4},
}

// offers tells whether this machine has a means.
func offers(flags uintptr) bool {
	sh := exec.Command("/bin/sh", "-c", ":")
	sh.SysProcAttr = into(flags, &syscall.SysProcAttr{})
	return sh.Run() == nil
}

// Test 20, the host's own death: two seconds after it nothing of its plugins is left. The quickest of some
// tries, as the machine does other things as well.
func TestNothingOutlivesAKilledHost(t *testing.T) {
	for _, h := range holds {
		t.Run(h.name, func(t *testing.T) {
			if !offers(h.flags) {
				t.Skip("this machine refuses it")
			}
			var took time.Duration
			for range 3 {
				if took = killHost(t, h.flags, h.noted); took <= 2*time.Second {
					t.Logf("all gone after %s", took)
					return
				}
			}
			t.Errorf("after the host was killed it took %s until nothing of its plugins was left", took)
		})
	}
}

// killHost kills a host with plugins, and tells how long they outlived it.
func killHost(t *testing.T, held uintptr, noted int) time.Duration {
	t.Helper()
	f := newFar(t)
	host := exec.Command(os.Args[0], "-test.run=^TestHostUntilKilled$", "-test.timeout=2m")
	host.Env = append(os.Environ(), "HEARTH_TEST_PLUGINS="+pluginFolder(t), "HEARTH_TEST_FAR="+f.dir, fmt.Sprint("HEARTH_TEST_HOLD=", held))
	host.Stderr, host.Stdout = os.Stderr, os.Stdout
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	defer host.Process.Kill()
	f.awaitNoted(noted)
	if err := host.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	host.Wait()
	return f.awaitGone()
}

// Only the plugin is killed: what fled from it ends with it, whoever it has for a parent by then.
func TestNothingOutlivesAKilledPlugin(t *testing.T) {
	if _, err := namespaces(); err != nil {
		t.Skip("this machine refuses namespaces: ", err)
	}
	w, f := newWorld(t), newFar(t)
	w.times.Crashes = 1
	w.start()
	w.bridge("chaos", "flees", "#flees", map[string]string{"dir": f.dir, "mode": "flee"})
	f.awaitNoted(4)
	plugin := f.alive()[0] // it has noted itself first
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", plugin))
	nice, _ := unix.Getpriority(unix.PRIO_PROCESS, plugin) // 20 less what people call it
	if err != nil || !strings.Contains(string(limits), "Max open files            1024 ") || nice != 15 {
		t.Errorf("its priority is %d, its limits are %s %v", nice, limits, err)
	}
	if err := syscall.Kill(plugin, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	f.awaitGone()
	w.waitState("flees", channel.Disabled)
	if s := w.status("flees"); !strings.Contains(s.Detail, "killed") {
		t.Errorf("the reason: %s %s", s.Reason, s.Detail)
	}
}

// TestHostUntilKilled is the process that the test above kills.
func TestHostUntilKilled(t *testing.T) {
	dir := os.Getenv("HEARTH_TEST_FAR")
	if dir == "" {
		t.Skip("runs in a process of its own")
	}
	flags, err := strconv.ParseUint(os.Getenv("HEARTH_TEST_HOLD"), 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	w, held := newWorld(t), uintptr(flags)
	w.held = &held
	w.start()
	w.bridge("chaos", "forks", "#forks", map[string]string{"dir": dir, "mode": "flee"})
	w.bridge("chaos", "deaf", "#deaf", map[string]string{"dir": dir, "mode": "stubborn"})
	select {}
}
