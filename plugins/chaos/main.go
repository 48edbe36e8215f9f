// Command hearth-bridge-chaos is a bridge for the tests of the host: it does all that a plugin must not,
// on demand, and otherwise relays to a file, idempotent by id, as a network would that looks before it speaks.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

func main() {
	fmt.Println("printed before the handshake")
	bridge.Serve(&chaos{})
}

type chaos struct {
	dir   string // the far network: a folder
	after map[string]int
	first string // the delivery that was not now: those after it come again
}

func (*chaos) Describe() *pb.Description {
	return &pb.Description{
		Kind: "chaos", Title: "Chaos", Version: "1", ChannelHint: "pit",
		Can: &pb.Capabilities{Edits: true, Deletes: true, Reactions: true, Replies: true, Threads: true, Typing: true, Topic: true, Private: true},
		Settings: []*pb.Setting{
			{Name: "dir", Title: "Folder", Help: "Where the far network is.", Type: "text"},
			{Name: "mode", Title: "Mode", Help: "What goes wrong at the start.", Type: "text"},
			{Name: "private", Title: "Private", Help: "Whether Far can be written to privately.", Type: "choice", Default: "off", Choices: []string{"off", "on"}},
		},
	}
}

func (c *chaos) Run(ctx context.Context, h *bridge.Host) error {
	c.dir = h.Open().GetSettings()["dir"]
	c.plan()
	if wrong := start[h.Open().GetSettings()["mode"]]; wrong != nil {
		if err := wrong(c, h); err != nil {
			return err
		}
	}
	h.Status(&pb.Status{State: "connected"})
	for _, l := range h.Open().GetLinks() {
		c.enter(h, l)
	}
	if c.dir != "" && len(h.Open().GetLinks()) > 0 {
		go c.speak(ctx, h, h.Open().GetLinks()[0].GetChannel())
	}
	seen := c.seen()
	for e := range h.Events() {
		switch e := e.(type) {
		case *pb.Delivery:
			c.cut("received")
			c.hear(h, e, seen)
		case *pb.Link:
			c.enter(h, e)
		case bridge.Unlink:
			c.write("left", string(e))
		}
	}
	return nil
}

// enter shows who is there, where that matters: Far, who is everywhere.
func (c *chaos) enter(h *bridge.Host, l *pb.Link) {
	if h.Open().GetSettings()["private"] == "on" {
		h.Roster(&pb.Roster{Channel: l.GetChannel(), Whole: true, Here: []*pb.Ghost{far()}})
		c.write("entered", l.GetChannel()+" "+l.GetPrivate().GetPerson().GetUser()+" "+l.GetPrivate().GetGhost().GetId())
	}
}

func far() *pb.Ghost { return &pb.Ghost{Id: "far", Name: "Far"} }

// start is what may go wrong before anything else.
var start = map[string]func(*chaos, *bridge.Host) error{
	"panic": func(*chaos, *bridge.Host) error { panic("as the mode says") },
	"fail":  func(*chaos, *bridge.Host) error { return fmt.Errorf("as the mode says") },
	"exit":  func(*chaos, *bridge.Host) error { os.Exit(7); return nil },
	"print": func(*chaos, *bridge.Host) error {
		for i := range 20_000 {
			fmt.Println("noise", i, strings.Repeat("x", 100))
		}
		return nil
	},
	"fork": func(c *chaos, _ *bridge.Host) error { return c.fork() },
	"flee": func(c *chaos, _ *bridge.Host) error { return c.flee() },
	"flood": func(_ *chaos, h *bridge.Host) error {
		if l := h.Open().GetLinks(); len(l) > 0 {
			flood(h, l[0].GetChannel(), fmt.Sprint(time.Now().UnixNano()))
		}
		return nil
	},
	"stubborn": func(c *chaos, h *bridge.Host) error {
		c.note(outside())
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
		h.Status(&pb.Status{State: "connected"})
		select {} // and deaf to Stop
	},
	"fork and exit": func(c *chaos, _ *bridge.Host) error { c.fork(); os.Exit(1); return nil },
	"leak": func(*chaos, *bridge.Host) error {
		for kept := [][]byte{}; ; {
			b := make([]byte, 8<<20)
			for i := range b {
				b[i] = byte(i)
			}
			kept = append(kept, b)
		}
	},
}

// lasting is a child that says its number, as those see it who are in no namespace, and that nothing but a signal ends.
const lasting = `read -r pid _ </proc/self/stat; echo "$pid"; exec sleep 1000`

// outside is the number of this process in the namespace of the node, whose /proc it sees.
func outside() int {
	link, _ := os.Readlink("/proc/self")
	pid, _ := strconv.Atoi(link)
	return pid
}

// fork starts two children; one of them leaves the group.
func (c *chaos) fork() error {
	c.note(outside())
	for _, leaves := range []bool{false, true} {
		child := exec.Command("/bin/sh", "-c", lasting)
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: leaves}
		if err := c.start(child); err != nil {
			return err
		}
	}
	return nil
}

// flee starts a grandchild as well, where only a namespace holds it: its parent has ended, it has left the group and
// has no environment.
func (c *chaos) flee() error {
	if err := c.fork(); err != nil || outside() == os.Getpid() {
		return err
	}
	child := exec.Command("/bin/sh", "-c", "("+lasting+") &")
	child.Env, child.SysProcAttr = []string{}, &syscall.SysProcAttr{Setsid: true}
	return c.start(child)
}

// start starts a process that says a number, and notes that.
func (c *chaos) start(child *exec.Cmd) error {
	out, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		return fmt.Errorf("it says no number: %w", err)
	}
	c.note(pid)
	return nil
}

// note writes down a process that must be gone in the end.
func (c *chaos) note(pid int) { c.write("processes", strconv.Itoa(pid)) }

func (c *chaos) write(file, line string) {
	f, err := os.OpenFile(filepath.Join(c.dir, file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		fmt.Fprintln(f, line)
		f.Close()
	}
}

// orders are texts that make something go wrong.
var orders = map[string]func(*bridge.Host, *pb.Delivery){
	"!panic": func(*bridge.Host, *pb.Delivery) { panic("as told") },
	"!kill":  func(*bridge.Host, *pb.Delivery) { syscall.Kill(os.Getpid(), syscall.SIGKILL) },
	"!hang":  func(*bridge.Host, *pb.Delivery) { select {} },
	"!block": func(h *bridge.Host, d *pb.Delivery) {
		go h.Block(context.Background(), &pb.Block{Ghost: far(), Channel: d.GetChannel(), On: true})
	},
	"!unblock": func(h *bridge.Host, _ *pb.Delivery) { go h.Block(context.Background(), &pb.Block{Ghost: far()}) },
	"!marry": func(h *bridge.Host, d *pb.Delivery) {
		h.Roster(&pb.Roster{Channel: d.GetChannel(), Whole: true, Here: []*pb.Ghost{{Id: "account:far", Name: "Farther"}}})
	},
	"!chatter": func(h *bridge.Host, d *pb.Delivery) {
		go func() {
			for i := range 1_000_000 {
				h.Count(&pb.Count{Channel: d.GetChannel(), What: "dropped", Reason: "chatter", N: 1})
				h.Outcome(&pb.Outcome{Id: fmt.Sprint("never ", i), Channel: d.GetChannel()})
			}
		}()
	},
	"!flood": func(h *bridge.Host, d *pb.Delivery) {
		flood(h, d.GetChannel(), d.GetId())
	},
}

// flood posts as fast as it is let.
func flood(h *bridge.Host, channel, key string) {
	go func() {
		for i := range 1_000_000 {
			h.PostLater(&pb.Entry{Key: fmt.Sprint("flood-", key, i), Channel: channel, Kind: "text",
				Text: fmt.Sprint("flood ", i), Ghost: &pb.Ghost{Id: "flood", Name: "Flood"}})
		}
	}()
}

// plan reads where this life of the process is cut: the n-th line of the file "cuts" is for the n-th, as
// "received 3".
func (c *chaos) plan() {
	c.after = map[string]int{}
	lives, cuts := read(filepath.Join(c.dir, "lives")), read(filepath.Join(c.dir, "cuts"))
	if len(lives) >= len(cuts) {
		return
	}
	step, n, _ := strings.Cut(cuts[len(lives)], " ")
	c.write("lives", step)
	c.after[step], _ = strconv.Atoi(n)
}

// cut kills the process at the given step, the n-th time that it comes there.
func (c *chaos) cut(step string) {
	if c.after[step]--; c.after[step] == 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// hear says a delivery on the far network, unless it is there already, and answers.
func (c *chaos) hear(h *bridge.Host, d *pb.Delivery, seen map[string]bool) {
	if do := orders[d.GetText()]; do != nil {
		do(h, d)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "closed")); err == nil { // a network that is away
		h.Again(d, 20*time.Millisecond)
		return
	}
	if d.GetText() == "!not-now" && !d.GetAgain() {
		c.first = d.GetId()
		h.Again(d, 20*time.Millisecond)
	}
	if c.first != "" && (c.first != d.GetId() || !d.GetAgain()) {
		return
	}
	c.first = ""
	if c.dir != "" && !seen[d.GetId()] {
		seen[d.GetId()] = true
		line := strings.Join([]string{d.GetId(), d.GetKind(), d.GetChannel(), strings.Join(d.GetTarget().GetRemote(), ","), d.GetOldText(), d.GetText() + d.GetEmoji()}, "\t")
		c.write("heard", line)
		c.cut("said")
	}
	h.Done(d, "r-"+d.GetId()[:min(16, len(d.GetId()))])
	c.cut("answered")
}

// seen is what the far network has heard.
func (c *chaos) seen() map[string]bool {
	seen := map[string]bool{}
	for _, line := range read(filepath.Join(c.dir, "heard")) {
		id, _, _ := strings.Cut(line, "\t")
		seen[id] = true
	}
	return seen
}

func read(path string) (lines []string) {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

// speak posts what the far network says, a line each: from the first that is not known to be in the room.
func (c *chaos) speak(ctx context.Context, h *bridge.Host, channel string) {
	value, _, err := h.Get(ctx, "next")
	if err != nil {
		return
	}
	next, _ := strconv.Atoi(string(value))
	pipeline := h.Open().GetSettings()["mode"] == "pipeline"
	for ctx.Err() == nil {
		said := read(filepath.Join(c.dir, "said"))
		for ; next < len(said); next++ {
			if pipeline {
				h.PostLater(&pb.Entry{Key: fmt.Sprint("line-", next), Channel: channel, Kind: "text",
					Text: said[next], Remote: fmt.Sprint("far-", next), Ghost: &pb.Ghost{Id: "far", Name: "Far"}})
				continue
			}
			if code, ok := strings.CutPrefix(said[next], "!link "); ok {
				h.Claim(ctx, &pb.Claim{Channel: channel, Code: code, By: "far", Entitled: true})
				continue
			}
			c.cut("posting")
			p, err := h.Post(ctx, &pb.Entry{Key: fmt.Sprint("line-", next), Channel: channel, Kind: "text",
				Text: said[next], Remote: fmt.Sprint("far-", next), Ghost: &pb.Ghost{Id: "far", Name: "Far"}})
			if err != nil {
				return
			}
			if p.GetCode() != "" {
				h.Log().Error("refused", "code", p.GetCode(), "text", p.GetText())
			}
			c.cut("posted")
			if h.Put(ctx, "next", []byte(strconv.Itoa(next+1))) != nil {
				return
			}
			c.cut("kept")
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}
