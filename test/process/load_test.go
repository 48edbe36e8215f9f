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

// load is people talking in the room, on several nodes: two a node, each ten messages a second, who insist
// until they are answered, through all that happens to their node.
type load struct {
	f    *federation
	quit context.CancelFunc // of those whose node is gone for good
	over chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	acked map[string]string // event -> text
}

const (
	talkersOfNode = 2
	talkEvery     = 100 * time.Millisecond
)

// talk begins a load on those nodes.
func (f *federation) talk(nodes ...*node) *load {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	l := &load{f: f, quit: cancel, over: make(chan struct{}), acked: map[string]string{}}
	f.t.Cleanup(cancel)
	for _, n := range nodes {
		for i := range talkersOfNode {
			c := n.client(ctx)
			who := fmt.Sprintf("%s-%d-%s", n.user, i, client.NewKey()[:6])
			l.done.Go(func() { l.say(ctx, c, who) })
		}
	}
	return l
}

func (n *node) client(ctx context.Context) *client.Client {
	n.t.Helper()
	p, err := client.LoadProfile(n.profile)
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

// say sends "who number" texts until the load is over.
func (l *load) say(ctx context.Context, c *client.Client, who string) {
	defer c.Close()
	due := time.Now()
	for n := 0; ; n++ {
		due = due.Add(rand.N(2 * talkEvery))
		select {
		case <-l.over:
			return
		case <-ctx.Done():
			return
		case <-time.After(time.Until(due)):
		}
		text := fmt.Sprintf("%s %d", who, n)
		answer, err := client.Insist(ctx, c, client.Send, &pb.SendRequest{Room: l.f.room, Text: text})
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				l.f.t.Errorf("send %q: %v", text, err)
			}
			return
		}
		l.mu.Lock()
		if before, twice := l.acked[answer.Event]; twice {
			l.f.t.Errorf("event %s was the answer to %q and to %q", answer.Event, before, text)
		}
		l.acked[answer.Event] = text
		l.mu.Unlock()
	}
}

// stop ends the load after what is being said has been answered.
func (l *load) stop() map[string]string {
	close(l.over)
	l.done.Wait()
	l.quit()
	return l.acked
}

// abandon ends it without: the node is gone for good.
func (l *load) abandon() map[string]string {
	l.quit()
	l.done.Wait()
	return l.acked
}

// count of what was acknowledged until now.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

func merged(all ...map[string]string) map[string]string {
	m := map[string]string{}
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
