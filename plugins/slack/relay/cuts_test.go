package relay

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/slack/slackdouble"
)

// full runs the whole of what takes long.
func full() bool { return os.Getenv("HEARTH_FULL") != "" }

// knife cuts when so many more steps are done: a step is the moment before or after a call of Slack's API,
// or an entry that the host takes.
type knife struct {
	mu    sync.Mutex
	left  int
	reach chan struct{} // a step was reached, and waits
	going chan struct{} // closed when it may go on
}

func (k *knife) arm(steps int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left, k.reach, k.going = steps, make(chan struct{}), make(chan struct{})
}

func (k *knife) step() (wait <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left--; k.left != 0 {
		return nil
	}
	close(k.reach)
	return k.going
}

func (k *knife) release() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left = 0
	close(k.going)
}

// lost are the texts that should be somewhere and are not.
func lost(want map[string]bool, got []string) (all []string) {
	there := map[string]bool{}
	for _, s := range got {
		there[s] = true
	}
	for s, must := range want {
		if must && !there[s] {
			all = append(all, s)
		}
	}
	return all
}

// account looks that each text is where it should be, once; of which want is false may be missing.
func account(t *testing.T, where string, want map[string]bool, got []string) {
	t.Helper()
	missing := lost(want, got)
	times := map[string]int{}
	twice := 0
	for _, s := range got {
		if times[s]++; times[s] == 2 {
			twice++
			t.Logf("more than once: %s", s)
		}
	}
	if len(missing)+twice > 0 {
		t.Errorf("%s: %d of %d lost, %d more than once: %.20q", where, len(missing), len(want), twice, missing)
	}
}

// posted are the texts of the app's posts, and of the room's entries.
func postedTexts(posts []slackdouble.Message) (all []string) {
	for _, p := range posts {
		if p.Files == nil {
			all = append(all, p.Text)
		}
	}
	return all
}

// saidIn are the remote ids of all messages that were said in the room.
func saidIn(h *bridgetest.Host) (all []string) {
	for _, e := range h.Entries() {
		if e.Kind == "text" {
			all = append(all, e.Remote)
		}
	}
	return all
}

// wrong are the messages that do not read as they should in the end, after their edits.
func wrong(h *bridgetest.Host, want map[string]string) map[string]string {
	is := map[string]string{}
	for _, e := range h.Entries() {
		is[e.Remote+e.Target] = e.Text
	}
	differ := map[string]string{}
	for ts, text := range want {
		if is[ts] != text {
			differ[ts] = is[ts]
		}
	}
	return differ
}

// Nothing is lost and nothing doubled, wherever the bridge dies: between an event and its acknowledgement, between a
// post and its answer, between an upload and its share.
func TestCuts(t *testing.T) {
	cuts := 30
	if full() {
		cuts = 1000
	}
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	s.Set(func(s *slackdouble.Slack) { s.AckWithin = 100 * time.Millisecond })
	var k knife
	k.arm(0)
	s.Set(func(s *slackdouble.Slack) {
		s.Step = func(string, bool) {
			if wait := k.step(); wait != nil {
				<-wait
			}
		}
	})
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: quick}, openFor(s, nil))}
	w.host.Decide(func(*pb.Entry) *pb.Posted {
		k.step()
		return &pb.Posted{Event: fmt.Sprint("event-", rand.Uint64())}
	})
	w.ready()
	w.host.AddFile(&pb.File{Handle: "H1", Name: "a.txt", Size: 5}, []byte("bytes"))
	within := 0 // cuts that hit a step
	inRoom, inSlack, final, files := map[string]bool{}, map[string]bool{}, map[string]string{}, 0
	random := rand.New(rand.NewPCG(7, 7))
	for cut := range cuts {
		k.arm(1 + random.IntN(14))
		reach := k.reach
		say := func(format string, args ...any) string {
			s := fmt.Sprintf(format, args...)
			return s
		}
		a, b, c, e := say("slack %d a", cut), say("slack %d b", cut), say("slack %d reply", cut), say("slack %d edited", cut)
		root := w.Say(garden, "UALICE0", a)
		reply := w.Say(garden, "UBORIS0", c, slackdouble.In(root))
		last := w.Say(garden, "UBORIS0", b)
		w.Edit(garden, last, e)
		inRoom[root], inRoom[reply], inRoom[last] = true, true, true
		final[last] = e
		var ids []string
		for n := range 3 {
			text := text(say("room %d.%d", cut, n))
			inSlack[text.Text] = true
			if n == 1 && cut%3 == 0 {
				text.Files = []*pb.File{{Handle: "H1", Name: say("%d.txt", cut), Size: 5}}
				files++
			}
			if n == 2 {
				text.Thread = &pb.Ref{Event: "R", Remote: []string{root}}
			}
			ids = append(ids, w.host.Deliver(text))
		}
		select {
		case <-reach:
			within++
		case <-time.After(20 * time.Millisecond): // the bridge was done with fewer steps
		}
		w.host.Kill()
		k.release()
		w.host.Restart()
		for _, id := range ids {
			if o := w.host.Outcome(id); o.Dropped != "" {
				t.Fatalf("dropped: %v", o)
			}
		}
	}
	w.waitFor(func() bool { return len(saidIn(w.host)) >= len(inRoom) && len(wrong(w.host, final)) == 0 })
	account(t, "in the room", inRoom, saidIn(w.host))
	for ts, is := range wrong(w.host, final) {
		t.Errorf("%s is %q in the room and %q in Slack", ts, is, final[ts])
	}
	account(t, "in Slack", inSlack, postedTexts(w.Posts(garden)))
	shared := 0
	for _, f := range w.Uploaded() {
		shared += f.Completed
	}
	if shared != files {
		t.Errorf("%d files were shared %d times", files, shared)
	}
	if n := inboxLeft(w.host.KV()); n > 0 {
		t.Errorf("%d values are left in the inbox", n)
	}
	t.Logf("%d cuts, %d of them in the middle of a step, %d messages from Slack, %d to it, %d files", cuts, within, len(inRoom), len(inSlack), files)
}

// waitFor waits until done says so and the inbox is empty, or patience ends: then the account tells what is wrong.
func (w *world) waitFor(done func() bool) {
	for deadline := time.Now().Add(bridgetest.Patience); time.Now().Before(deadline) && !(inboxLeft(w.host.KV()) == 0 && done()); {
		time.Sleep(20 * time.Millisecond)
	}
}

func inboxLeft(kv map[string][]byte) (n int) {
	for key := range kv {
		if strings.HasPrefix(key, "in/") {
			n++
		}
	}
	return n
}
