package process

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	client "hearth/clients/go"
	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

// stewards makes the account of each node an administrator of the room, and each node a steward.
func (f *federation) stewards() {
	f.t.Helper()
	home := f.nodes[0]
	for _, n := range f.nodes[1:] {
		home.must("room", "role", f.room, n.user+"@"+n.name, "administrator", "--profile", home.profile)
		home.must("room", "steward", "add", f.room, n.name, "--profile", home.profile)
	}
	f.agree(time.Minute, nil, f.nodes...)
}

// With three stewards the room's rules survive the death of the home too.
func TestStewardsSurviveTheHome(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 3)
	home, others := f.nodes[0], f.nodes[1:]
	f.stewards()
	l := f.talk(others...)
	pass(t, time.Second)
	home.kill()
	within(t, time.Minute, func() error {
		return others[0].fails("room", "set", f.room, "--topic", "without a home", "--profile", others[0].profile)
	})
	f.agree(time.Minute, l.stop(), others...)
	home.start()
	f.agree(time.Minute, l.acked, f.nodes...)
	f.verify(f.nodes...)
}

// Any one of the three is killed, again and again: what an administrator was told is done, is.
func TestStewardsKilledAtRandom(t *testing.T) {
	t.Parallel()
	f := newFederation(t, 3)
	f.stewards()
	l := f.talk(f.nodes...)
	r := f.rule(f.nodes...)
	for end := time.Now().Add(either(10*time.Second, time.Minute)); time.Now().Before(end); {
		pass(t, time.Second+rand.N(2*time.Second))
		n := f.nodes[rand.N(len(f.nodes))]
		n.kill()
		pass(t, rand.N(2*time.Second))
		n.start()
	}
	topics := r.stop()
	f.agree(time.Minute, l.stop(), f.nodes...)
	f.ruled(topics)
	f.verify(f.nodes...)
}

// One of three stewards is cut off: on its side nobody can change the rules, on the other they can.
func TestAStewardIsCutOff(t *testing.T) {
	t.Parallel()
	w := newNetwork(t, 3)
	f := federate(t, w.places)
	f.stewards()
	l := f.talk(f.nodes...)
	w.cut(1) // the home
	within(t, time.Minute, func() error {
		return f.nodes[1].fails("room", "set", f.room, "--topic", "on this side", "--profile", f.nodes[1].profile)
	})
	pass(t, either(5*time.Second, time.Minute))
	w.heal(1)
	f.agree(time.Minute, l.stop(), f.nodes...)
	f.ruled([]string{"on this side"})
	f.verify(f.nodes...)
}

// rule is administrators who change the topic all the while.
type rule struct {
	f    *federation
	quit context.CancelFunc
	done sync.WaitGroup
	mu   sync.Mutex
	set  []string
}

func (f *federation) rule(nodes ...*node) *rule {
	ctx, cancel := context.WithCancel(f.t.Context())
	r := &rule{f: f, quit: cancel}
	f.t.Cleanup(cancel)
	for _, n := range nodes {
		c := n.client(ctx, n.profile)
		r.done.Go(func() { r.change(ctx, c, n.user) })
	}
	return r
}

func (r *rule) change(ctx context.Context, c *client.Client, who string) {
	defer c.Close()
	for i := 0; ctx.Err() == nil; i++ {
		topic := fmt.Sprintf("topic %d of %s", i, who)
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		_, err := client.Call(short, c, client.RoomSet, &pb.RoomSetRequest{Room: r.f.room, Settings: &roompb.Settings{Topic: &topic}})
		cancel()
		if err == nil {
			r.mu.Lock()
			r.set = append(r.set, topic)
			r.mu.Unlock()
		}
		select {
		case <-time.After(rand.N(time.Second)):
		case <-ctx.Done():
		}
	}
}

func (r *rule) stop() []string {
	r.quit()
	r.done.Wait()
	return r.set
}

// ruled: the room's history has all of these topics. One may be there twice: setting it has no idempotency
// key, as doing it again changes nothing, and a client whose node is killed before it answers does it again.
func (f *federation) ruled(topics []string) {
	f.t.Helper()
	v, err := f.view(f.nodes[0])
	if err != nil {
		f.t.Fatal(err)
	}
	set := map[string]int{} // how often
	for _, e := range v.history {
		if s := e.GetSettings(); s != nil && s.Topic != nil {
			set[s.GetTopic()]++
		}
	}
	for _, topic := range topics {
		if set[topic] == 0 {
			f.t.Errorf("%q was acknowledged, and is not there", topic)
		}
	}
	f.t.Logf("%d topics were set, %d of them acknowledged", len(set), len(topics))
}
