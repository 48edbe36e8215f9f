package transport

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/transport/session/clientpb"
)

var (
	fanClients = flag.Int("fan", 0, "measure fan-out to this many clients in one room")
	fanRate    = flag.Int("fan-rate", 20, "messages a second; 0: as many as the senders get acknowledged")
	fanSenders = flag.Int("fan-senders", 1, "senders, each with one message under way")
	fanDoor    = flag.String("fan-door", "websocket", "websocket or webtransport")
	fanFor     = flag.Duration("fan-for", 10*time.Second, "how long")
)

// TestFanOut measures the write path by itself (make bench is the measure that counts):
// one room, 200-byte messages, synced before they are acknowledged. The node runs in a
// process of its own, so that its CPU time is its own.
//
//	go test ./transport -run TestFanOut -fan 200 -v
//	go test ./transport -run TestFanOut -fan 200 -fan-rate 0 -fan-senders 8 -v
func TestFanOut(t *testing.T) {
	if os.Getenv("HEARTH_FAN_NODE") != "" {
		serveFan(t)
		return
	}
	if *fanClients == 0 {
		t.Skip("a measurement: give -fan 200")
	}
	child := exec.Command(os.Args[0], "-test.run=^TestFanOut$", "-test.v", "-test.timeout=5m")
	child.Env = append(os.Environ(), fmt.Sprint("HEARTH_FAN_NODE=", *fanClients+*fanSenders))
	in, _ := child.StdinPipe()
	out, _ := child.StdoutPipe()
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		_ = child.Wait()
	}()
	lines := bufio.NewScanner(out)
	f := &fan{t: t, url: await(t, lines, "url "), room: await(t, lines, "room ")}
	for range *fanClients + *fanSenders {
		f.tokens = append(f.tokens, await(t, lines, "token "))
	}
	f.run(child.Process.Pid)
}

func serveFan(t *testing.T) {
	dir := t.TempDir()
	h := openHouse(t, inFolder(dir))
	alice := h.person("alice")
	garden := alice.room("garden")
	fmt.Printf("url %s\nroom %s\n", h.url(), garden)
	clients, _ := strconv.Atoi(os.Getenv("HEARTH_FAN_NODE"))
	for i := range clients {
		p := h.person(fmt.Sprint("user", i))
		p.join(garden)
		fmt.Printf("token %s\n", p.token)
	}
	if file := os.Getenv("HEARTH_FAN_PROFILE"); file != "" {
		f, err := os.Create(file)
		if err == nil {
			_ = pprof.StartCPUProfile(f)
			defer pprof.StopCPUProfile()
		}
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
	}
}

// fan is the clients' side.
type fan struct {
	t         testing.TB
	url       string
	tokens    []string
	room      string
	delivered atomic.Int64
	frames    atomic.Int64
	mu        sync.Mutex
	delays    []time.Duration
	counting  atomic.Bool
}

func (f *fan) run(pid int) {
	var readers sync.WaitGroup
	var pipes []pipe
	for i := range *fanClients {
		p := f.client(f.tokens[i])
		pipes = append(pipes, p)
		readers.Go(func() { f.receive(p) })
	}
	stop := make(chan struct{})
	var senders sync.WaitGroup
	var sent atomic.Int64
	for i := range *fanSenders {
		p := f.client(f.tokens[*fanClients+i])
		pipes = append(pipes, p)
		senders.Go(func() { f.sender(p, i, &sent, stop) })
	}
	time.Sleep(time.Second)
	f.counting.Store(true)
	d0, s0, w0, c0, t0 := f.delivered.Load(), sent.Load(), f.frames.Load(), cpu(pid), time.Now()
	time.Sleep(*fanFor)
	delivered, count, frames, used, took := f.delivered.Load()-d0, sent.Load()-s0, f.frames.Load()-w0, cpu(pid)-c0, time.Since(t0)
	f.counting.Store(false)
	close(stop)
	senders.Wait()
	for _, p := range pipes {
		p.close()
	}
	readers.Wait()
	f.mu.Lock()
	slices.Sort(f.delays)
	p := func(q float64) time.Duration { return f.delays[int(q*float64(len(f.delays)-1))] }
	f.t.Logf("%s: %d clients, %.0f messages/s, %.0f deliveries/s in %.0f frames/s, p50 %v p99 %v, %.2f CPU-s per million deliveries",
		*fanDoor, *fanClients, float64(count)/took.Seconds(), float64(delivered)/took.Seconds(), float64(frames)/took.Seconds(),
		p(0.5), p(0.99), used.Seconds()/float64(delivered)*1e6)
	f.mu.Unlock()
}

func (f *fan) client(token string) pipe {
	if *fanDoor == "webtransport" {
		h := &house{t: f.t}
		p, err := h.wtAt(f.url)
		if err != nil {
			f.t.Fatal(err)
		}
		f.open(p, token)
		return p
	}
	return idleClient(f.t, f.url, token)
}

func (f *fan) open(p pipe, token string) {
	body := mustMarshal(f.t, &clientpb.OpenRequest{Token: token, Protocol: 1})
	if err := p.write(mustMarshal(f.t, &clientpb.ClientFrame{Requests: []*clientpb.Request{{Id: 1, Command: "Open", Body: body}}})); err != nil {
		f.t.Fatal(err)
	}
	if _, err := p.read(); err != nil {
		f.t.Fatal(err)
	}
}

// receive counts messages by their marker, without decoding: the clients share the
// machine with the node.
func (f *fan) receive(p pipe) {
	marker := []byte("sent at ")
	for {
		b, err := p.read()
		if err != nil {
			return
		}
		f.frames.Add(1)
		for n := 0; ; n++ {
			at := bytes.Index(b, marker)
			if at < 0 {
				f.delivered.Add(int64(n))
				break
			}
			b = b[at+len(marker):]
			if f.counting.Load() && n == 0 {
				f.note(b)
			}
		}
	}
}

func (f *fan) note(b []byte) {
	stamp, _, _ := bytes.Cut(b, []byte(" "))
	ns, err := strconv.ParseInt(string(stamp), 10, 64)
	if err != nil {
		return
	}
	f.mu.Lock()
	f.delays = append(f.delays, time.Since(time.Unix(0, ns)))
	f.mu.Unlock()
}

func (f *fan) sender(p pipe, n int, sent *atomic.Int64, stop chan struct{}) {
	pad := strings.Repeat("x", 160)
	var tick <-chan time.Time
	if *fanRate > 0 {
		ticker := time.NewTicker(time.Second * time.Duration(*fanSenders) / time.Duration(*fanRate))
		defer ticker.Stop()
		tick = ticker.C
	}
	for id := uint64(2); ; id++ {
		select {
		case <-stop:
			return
		default:
		}
		if tick != nil {
			<-tick
		}
		body, _ := proto.Marshal(&clientpb.SendRequest{Room: f.room, Text: fmt.Sprintf("sent at %d by %d %s", time.Now().UnixNano(), n, pad)})
		frame, _ := proto.Marshal(&clientpb.ClientFrame{Requests: []*clientpb.Request{{Id: id, Command: "Send", Body: body}}})
		if p.write(frame) != nil || !answered(p, id) {
			return
		}
		sent.Add(1)
	}
}

func answered(p pipe, id uint64) bool {
	for {
		b, err := p.read()
		if err != nil {
			return false
		}
		f := &clientpb.ServerFrame{}
		if proto.Unmarshal(b, f) != nil {
			return false
		}
		for _, r := range f.Replies {
			if r.Id == id {
				return r.Error == nil
			}
		}
	}
}

// cpu is the time a process has used, in ticks of 10 ms.
func cpu(pid int) time.Duration {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := bytes.Cut(data, []byte(") "))
	f := strings.Fields(string(rest))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
