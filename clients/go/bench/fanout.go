package main

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// size of a message's text.
const size = 200

func protoPing() ([]byte, error) { return proto.Marshal(&pb.ClientFrame{Ping: true}) }

// measurePaced: one room, p.rate messages a second, everybody reads.
func measurePaced(p *plan, r *report) error {
	return sideBySide(p, r, "fanout-paced", []string{client.WebSocket, client.WebTransport}, func(c *crowd, room string) (int, error) {
		return paced(c, room, p.rate, p.seconds)
	})
}

// measureSaturated: as many messages as p.senders can bring through.
func measureSaturated(p *plan, r *report) error {
	return sideBySide(p, r, "fanout-saturated", []string{client.WebSocket, client.WebTransport}, func(c *crowd, room string) (int, error) {
		return saturate(c, func(int) string { return room }, p.senders, p.window, p.seconds)
	})
}

// load drives a crowd and says how many messages it sent.
type load func(c *crowd, room string) (sent int, err error)

// sideBySide runs the load on the two bare servers and on Hearth.
func sideBySide(p *plan, r *report, figure string, transports []string, l load) error {
	each, err := baselineRun(p, r, figure, "each", l)
	if err != nil {
		return err
	}
	if _, err := baselineRun(p, r, figure, "due", l); err != nil {
		return err
	}
	t, err := newTown(p, p.accounts, 1)
	if err != nil {
		return err
	}
	defer t.close()
	for _, transport := range transports {
		c := newCrowd()
		token := func(i int) string { return t.tokens[i%len(t.tokens)] }
		if err := c.add(t.dialer, transport, p.clients, token); err != nil {
			return err
		}
		wait := func() {}
		out, err := measured(t.process, c, t.rooms[0], func(c *crowd, room string) (int, error) {
			wait = t.profile(p, figure+"-"+transport)
			return l(c, room)
		})
		wait()
		c.leave()
		if err != nil {
			return err
		}
		out.Figure, out.Server, out.Transport = figure, "hearth", transport
		out.Ratio = out.CPUPerMillion / each.CPUPerMillion
		r.print(out)
	}
	return nil
}

func baselineRun(p *plan, r *report, figure, write string, l load) (line, error) {
	server, err := start(p.baseline, "-write", write)
	if err != nil {
		return line{}, err
	}
	defer server.stop()
	d, err := client.NewDialer(server.url, client.NewTrust(server.url, "", true))
	if err != nil {
		return line{}, err
	}
	c := newCrowd()
	defer c.leave()
	if err := c.add(d, client.WebSocket, p.clients, nil); err != nil {
		return line{}, err
	}
	out, err := measured(server, c, "", l)
	out.Figure, out.Server, out.Transport = figure, "baseline-"+write, client.WebSocket
	if err == nil {
		r.print(out)
	}
	return out, err
}

// measured runs a load on a connected crowd.
func measured(server *process, c *crowd, room string, l load) (line, error) {
	if _, err := paced(c, room, 20, time.Second); err != nil { // warm
		return line{}, err
	}
	time.Sleep(300 * time.Millisecond)
	for _, m := range c.members {
		if m.look {
			m.times = make([]time.Duration, 0, 1<<16)
		}
	}
	before, items, began := server.cpu(), c.items.Load(), time.Now()
	c.remember(true)
	sent, err := l(c, room)
	took := time.Since(began)
	want := items + int64(sent*len(c.members))
	for wait := time.Now(); c.items.Load() < want && time.Since(wait) < 5*time.Second && c.err() == nil; {
		time.Sleep(5 * time.Millisecond)
	}
	c.remember(false)
	used, delivered := server.cpu()-before, c.items.Load()-items
	if err == nil {
		err = c.err()
	}
	out := line{
		Clients: len(c.members), Seconds: took.Seconds(),
		SentPerSecond:      float64(sent) / took.Seconds(),
		DeliveredPerSecond: float64(delivered) / took.Seconds(),
		Lost:               want - c.items.Load(),
		CPUPerMillion:      used.Seconds() / float64(max(delivered, 1)) * 1e6,
		RSSMiB:             float64(server.rss()) / (1 << 20),
	}
	time.Sleep(50 * time.Millisecond)
	out.P50, out.P99 = quantiles(c.times())
	return out, err
}

// paced: messages at equal distances, by the first members in turn.
func paced(c *crowd, room string, rate int, howLong time.Duration) (int, error) {
	return pacedBy(c, func(m *member) error { return m.say(room, size) }, rate, howLong)
}

func pacedBy(c *crowd, say func(*member) error, rate int, howLong time.Duration) (int, error) {
	t := time.NewTicker(time.Second / time.Duration(rate))
	defer t.Stop()
	sent := 0
	for end := time.Now().Add(howLong); time.Now().Before(end); <-t.C {
		if err := say(c.members[sent%min(lookers, len(c.members))]); err != nil {
			return sent, fmt.Errorf("send: %w", err)
		}
		sent++
	}
	return sent, nil
}

// saturate: each of the first n members keeps `window` messages under way.
func saturate(c *crowd, room func(i int) string, n, window int, howLong time.Duration) (int, error) {
	var wg sync.WaitGroup
	sent := make([]int, n)
	end := time.Now().Add(howLong)
	for i := range n {
		m := c.members[i]
		m.open(window)
		wg.Go(func() {
			timeout := time.NewTimer(time.Until(end))
			defer timeout.Stop()
			for time.Now().Before(end) {
				select {
				case <-m.free:
				case <-timeout.C:
					return
				}
				if m.say(room(i), size) != nil {
					return
				}
				sent[i]++
			}
		})
	}
	wg.Wait()
	sum := 0
	for _, s := range sent {
		sum += s
	}
	return sum, nil
}
