package process

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// load is people in the room, on several nodes, who insist until they are answered, through all that
// happens to their node. On each two talk, ten messages a second each; they edit, delete and like some of
// their own. A third comes and goes, so that the room's state changes all the while.
type load struct {
	f    *federation
	quit context.CancelFunc // of those whose node is gone for good
	over chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	acked map[string]said // by event
}

// said is a message as it must stand after what was acknowledged about it.
type said struct {
	text           string
	liked, deleted bool
}

const (
	talkersOfNode = 2
	talkEvery     = 100 * time.Millisecond
	comeAndGo     = 700 * time.Millisecond
)

// talk begins a load on those nodes.
func (f *federation) talk(nodes ...*node) *load {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	l := &load{f: f, quit: cancel, over: make(chan struct{}), acked: map[string]said{}}
	f.t.Cleanup(cancel)
	for _, n := range nodes {
		for i := range talkersOfNode {
			c := n.client(ctx, n.profile)
			who := fmt.Sprintf("%s-%d-%s", n.user, i, client.NewKey()[:6])
			l.done.Go(func() { l.say(ctx, c, who) })
		}
		visitor := n.client(ctx, n.visitor)
		l.done.Go(func() { l.visit(ctx, visitor) })
	}
	return l
}

func (n *node) client(ctx context.Context, profile string) *client.Client {
	n.t.Helper()
	p, err := client.LoadProfile(profile)
	if err != nil {
		n.t.Fatal(err)
	}
	d, err := client.NewDialer(p.URL, client.NewTrust(p.URL, p.Pin, false))
	if err != nil {
		n.t.Fatal(err)
	}
	c, err := client.Dial(ctx, d, p.Token, client.Options{Wait: true, NoEvents: true, MaxPause: 400 * time.Millisecond})
	if err != nil {
		n.t.Fatal(err)
	}
	return c
}

// rest waits until due; false when the load is over.
func (l *load) rest(ctx context.Context, due time.Time) bool {
	select {
	case <-l.over:
		return false
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(due)):
		return true
	}
}

// say sends "who number" texts until the load is over.
func (l *load) say(ctx context.Context, c *client.Client, who string) {
	defer c.Close()
	due := time.Now()
	for n := 0; l.rest(ctx, due); n++ {
		due = due.Add(rand.N(2 * talkEvery))
		text := fmt.Sprintf("%s %d", who, n)
		answer, err := client.Insist(ctx, c, client.Send, &pb.SendRequest{Room: l.f.room, Text: text})
		if l.failed("send", text, err) {
			return
		}
		if before, twice := l.know(answer.Event, said{text: text}); twice {
			l.f.t.Errorf("event %s was the answer to %q and to %q", answer.Event, before.text, text)
		}
		if n%6 == 5 && l.failed("change", text, l.change(ctx, c, answer.Event, text)) {
			return
		}
	}
}

// change does something about a message just sent.
func (l *load) change(ctx context.Context, c *client.Client, event, text string) (err error) {
	now := said{text: text}
	switch rand.N(3) {
	case 0:
		now.text += " better"
		_, err = client.Insist(ctx, c, client.Edit, &pb.EditRequest{Room: l.f.room, Event: event, Text: now.text})
	case 1:
		now.deleted = true
		_, err = client.Insist(ctx, c, client.Delete, &pb.TargetRequest{Room: l.f.room, Event: event})
	default:
		now.liked = true
		_, err = client.Insist(ctx, c, client.React, &pb.ReactRequest{Room: l.f.room, Event: event, Emoji: "👍", On: true})
	}
	if err == nil {
		l.know(event, now)
	}
	return err
}

func (l *load) failed(did, text string, err error) bool {
	if err != nil && !errors.Is(err, context.Canceled) {
		l.f.t.Errorf("%s %q: %v", did, text, err)
	}
	return err != nil
}

func (l *load) know(event string, s said) (before said, there bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, there = l.acked[event]
	l.acked[event] = s
	return before, there
}

// visit joins and leaves until the load is over. Whether it may depends on the home: being refused, or
// having to wait, is all right. Only that the nodes agree at the end counts.
func (l *load) visit(ctx context.Context, c *client.Client) {
	defer c.Close()
	for due := time.Now(); l.rest(ctx, due); due = time.Now().Add(rand.N(2 * comeAndGo)) {
		short, cancel := context.WithTimeout(ctx, 5*time.Second)
		if rand.N(2) == 0 {
			_, _ = client.Call(short, c, client.RoomJoin, &pb.RoomRequest{Room: l.f.address})
		} else {
			_, _ = client.Call(short, c, client.RoomLeave, &pb.RoomRequest{Room: l.f.room})
		}
		cancel()
	}
}

// stop ends the load after what is being said has been answered.
func (l *load) stop() map[string]said {
	close(l.over)
	l.done.Wait()
	l.quit()
	return l.acked
}

// abandon ends it without: the node is gone for good.
func (l *load) abandon() {
	l.quit()
	l.done.Wait()
}

// count of what was acknowledged until now.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

func merged(all ...map[string]said) map[string]said {
	m := map[string]said{}
	for _, one := range all {
		maps.Copy(m, one)
	}
	return m
}

// pass lets the load go on for a while.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.FailNow()
	}
}
