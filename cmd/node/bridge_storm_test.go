package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	client "hearth/clients/go"
	"hearth/test/port"
	pb "hearth/transport/session/clientpb"
)

// cave is the far network of a chaos bridge: a folder with what was said there and what was heard.
type cave struct {
	t   *testing.T
	dir string
}

func (c cave) lines(file string) []string {
	b, _ := os.ReadFile(filepath.Join(c.dir, file))
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func (c cave) say(line string) {
	f, err := os.OpenFile(filepath.Join(c.dir, "said"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, line)
		f.Close()
	}
	if err != nil {
		c.t.Error(err)
	}
}

// heard are the words that came, each with the event it is.
func (c cave) heard() (ids, texts []string) {
	for _, line := range c.lines("heard") {
		if fields := strings.Split(line, "\t"); len(fields) == 6 {
			ids, texts = append(ids, fields[0]), append(texts, fields[5])
		}
	}
	return ids, texts
}

// orphans are the processes of the plugin, and those that it started, that live.
func (c cave) orphans() (alive []string) {
	for _, pid := range c.lines("processes") {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err == nil && pid != "" && !strings.Contains(string(stat), ") Z ") {
			alive = append(alive, pid)
		}
	}
	return alive
}

func (c cave) until(what string, done func() bool) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// The node is killed at random, again and again, while a bridge carries words both ways: none is lost, none comes
// twice, each side's order is kept, and nothing of the plugin outlives its node.
func TestBridgeStorm(t *testing.T) {
	t.Parallel()
	kills, full := 4, os.Getenv("HEARTH_FULL") != ""
	if full {
		kills = 100
	}
	h := newHearth(t)
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", h.path("plugins/hearth-bridge-chaos"), "hearth/plugins/chaos").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	far := cave{t, t.TempDir()}
	args := []string{"--data", h.path("d"), "--listen", "127.0.0.1:" + port.Free(t), "--name", "localhost:9443", "--send-rate", "0", "--log-level", "error"}
	p := spawn(t, args...)
	h.people(p.url, "user0")
	room := h.must("room", "create", "garden", "--public", "--profile", "@/user0.json", "--json").json("room")[0]["room"].(string)
	h.write("chaos.toml", fmt.Sprintf("dir = %q\nmode = \"flee\"\n", far.dir))
	h.must("bridge", "add", "chaos", "--name", "pit", "--config", "@/chaos.toml", "--data", "@/d")
	h.must("bridge", "link", "pit", garden, "pit", "--data", "@/d", "--no-consent")

	talking, stop := context.WithCancel(t.Context())
	said, out := 0, make(chan map[string]string, 1)
	go func() { // out: one after the other, each until it is acknowledged
		over := make(chan struct{})
		context.AfterFunc(talking, func() { close(over) })
		out <- talk(t.Context(), t, h.client(t.Context(), t, 0, ""), room, over)
	}()
	in := make(chan struct{})
	go func() {
		defer close(in)
		for ; talking.Err() == nil; said++ {
			far.say(fmt.Sprint("in ", said))
			time.Sleep(50 * time.Millisecond) // as fast as entries come one by one
		}
	}()
	var gone []time.Duration // until nothing of the plugin was left
	for range kills {
		before := len(far.lines("heard"))
		far.until("words to pass", func() bool { return len(far.lines("heard")) > before })
		time.Sleep(rand.N(400 * time.Millisecond))
		p.kill()
		began := time.Now()
		far.until("the plugin and its children to be gone", func() bool { return len(far.orphans()) == 0 })
		gone = append(gone, time.Since(began))
		p = spawn(t, args...)
	}
	stop()
	<-in
	acked := <-out
	far.until("all words to arrive", func() bool { ids, _ := far.heard(); return len(ids) >= len(acked) })
	checkHeard(t, far, acked)
	next := func() (n int, wrong string) {
		for _, row := range h.must("history", room, "--limit", "0", "--profile", "@/user0.json", "--json").json("text") {
			if row["ghost"] == nil {
				continue
			}
			if want := fmt.Sprint("in ", n); row["text"] != want && wrong == "" {
				wrong = fmt.Sprintf("the room has %q where %q should be", row["text"], want)
			}
			n++
		}
		return n, wrong
	}
	far.until("all words to come in", func() bool { n, _ := next(); return n >= said })
	if n, wrong := next(); n != said || wrong != "" {
		t.Errorf("%d of %d words came in; %s", n, said, wrong)
	}
	p.kill()
	h.must("verify", "--data", "@/d")
	slices.Sort(gone)
	if median := gone[kills/2]; full && median > 2*time.Second { // the machine may be busy now and then
		t.Errorf("what the plugin had started lived on for %s", median)
	}
	t.Logf("%d kills of the node: %d words out, %d in; 0 lost, 0 twice; nothing of the plugin after %s, at most %s",
		kills, len(acked), said, gone[kills/2].Round(time.Millisecond), gone[kills-1].Round(time.Millisecond))
}

// talk says numbers until over is closed, and returns event -> text of what was acknowledged: all but perhaps the last.
func talk(ctx context.Context, t *testing.T, c *client.Client, room string, over chan struct{}) map[string]string {
	acked := map[string]string{}
	if c == nil {
		return acked
	}
	defer c.Close()
	for n := 0; ; n++ {
		select {
		case <-over:
			return acked
		case <-time.After(50 * time.Millisecond):
		}
		text := fmt.Sprint("out ", n)
		answer, err := client.Insist(ctx, c, client.Send, &pb.SendRequest{Room: room, Text: text})
		if err != nil {
			t.Errorf("send %q: %v", text, err)
			return acked
		}
		acked[answer.Event] = text
	}
}

// checkHeard: over there is each word that was acknowledged, once, in order.
func checkHeard(t *testing.T, far cave, acked map[string]string) {
	t.Helper()
	ids, texts := far.heard()
	if len(ids) != len(acked) {
		t.Errorf("over there %d words were heard, of %d", len(ids), len(acked))
	}
	for i, id := range ids {
		if want := fmt.Sprint("out ", i); texts[i] != want || acked[id] != want {
			t.Fatalf("word %d over there is %q, which was %q", i, texts[i], acked[id])
		}
	}
}
