package transport

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/transport/session/clientpb"
)

var idle = flag.Int("idle", 0, "measure the memory of this many idle WebSocket clients")

// TestIdleMemory measures what an idle client costs: the node runs in a process of its
// own (this test again), and its resident memory is read before and after the clients
// have come. It needs file descriptors: ulimit -n.
//
//	go test ./transport -run TestIdleMemory -idle 1000 -v
func TestIdleMemory(t *testing.T) {
	if os.Getenv("HEARTH_IDLE_NODE") != "" {
		serveIdle(t)
		return
	}
	clients := *idle
	if clients == 0 {
		clients = 100 // quick: only that it runs and stays in bounds
	}
	perClient := measureIdle(t, clients)
	t.Logf("%d idle WebSocket clients: %.1f KiB each", clients, perClient)
	if *idle >= 1000 && perClient > 45 {
		t.Errorf("an idle client takes %.1f KiB, the aim is 45", perClient)
	}
}

func measureIdle(t *testing.T, clients int) float64 {
	child := exec.Command(os.Args[0], "-test.run=^TestIdleMemory$", "-test.v", "-test.timeout=5m")
	child.Env = append(os.Environ(), "HEARTH_IDLE_NODE=1")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		if err := child.Wait(); err != nil {
			t.Errorf("the node: %v", err)
		}
	}()
	lines := bufio.NewScanner(out)
	url := await(t, lines, "url ")
	token := await(t, lines, "token ")
	warm(t, url, token)
	before := residentKB(child.Process.Pid)
	connectIdle(t, url, token, clients)
	time.Sleep(2 * time.Second)
	raw := residentKB(child.Process.Pid)
	fmt.Fprintln(in, "gc")
	await(t, lines, "collected")
	after := residentKB(child.Process.Pid)
	t.Logf("resident before %d KiB, with clients %d KiB, after a collection %d KiB", before, raw, after)
	return float64(raw-before) / float64(clients)
}

// warm lets the node reach its usual size first.
func warm(t *testing.T, url, token string) {
	for range 20 {
		p := idleClient(t, url, token)
		p.close()
	}
	time.Sleep(300 * time.Millisecond)
}

func connectIdle(t *testing.T, url, token string, clients int) {
	for range clients {
		p := idleClient(t, url, token)
		t.Cleanup(p.close)
	}
}

// idleClient opens a session and reads nothing more.
func idleClient(t testing.TB, url, token string) pipe {
	t.Helper()
	p, err := dialWS(url)
	if err != nil {
		t.Fatal(err)
	}
	body := mustMarshal(t, &clientpb.OpenRequest{Token: token, Protocol: 1})
	err = p.write(mustMarshal(t, &clientpb.ClientFrame{Requests: []*clientpb.Request{{Id: 1, Command: "Open", Body: body}}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.read(); err != nil {
		t.Fatal(err)
	}
	return p
}

func await(t testing.TB, lines *bufio.Scanner, prefix string) string {
	t.Helper()
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
			return rest
		}
	}
	t.Fatalf("the node said nothing of %q", prefix)
	return ""
}

func residentKB(pid int) int {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range bytes.Lines(data) {
		if f := strings.Fields(string(line)); len(f) > 1 && f[0] == "VmRSS:" {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	return 0
}

// serveIdle is the node's side: a user in a room, until standard input ends.
func serveIdle(t *testing.T) {
	h := openHouse(t)
	alice := h.person("alice")
	alice.room("garden")
	fmt.Printf("url %s\ntoken %s\n", h.url(), alice.token)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if file := os.Getenv("HEARTH_IDLE_PROFILE"); file != "" {
			writeProfile(file)
		}
		runtime.GC()
		debug.FreeOSMemory()
		fmt.Println("collected")
	}
}

func writeProfile(file string) {
	f, err := os.Create(file)
	if err != nil {
		return
	}
	defer f.Close()
	runtime.GC()
	_ = pprof.Lookup("heap").WriteTo(f, 0)
	g, err := os.Create(file + ".goroutines")
	if err != nil {
		return
	}
	defer g.Close()
	_ = pprof.Lookup("goroutine").WriteTo(g, 1)
}
