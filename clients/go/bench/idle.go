package main

import (
	"log"
	"strconv"
	"strings"
	"time"

	client "hearth/clients/go"
)

// settleFor is how long memory is left alone before it is looked at: what the handshakes
// left behind is collected and given back by then.
const settleFor = 30 * time.Second

// measureIdle: the memory of a node that does nothing, and of clients that do nothing.
func measureIdle(p *plan, r *report) error {
	counts := strings.Split(p.idle, ",")
	for _, write := range []string{"each"} {
		server, err := start(p.baseline, "-write", write)
		if err != nil {
			return err
		}
		d, err := client.NewDialer(server.url, client.NewTrust(server.url, "", true))
		if err == nil {
			err = idle(server, d, r, "baseline-"+write, client.WebSocket, counts, nil)
		}
		server.stop()
		if err != nil {
			return err
		}
	}
	for _, transport := range []string{client.WebSocket, client.WebTransport} {
		if err := idleHearth(p, r, transport, counts); err != nil {
			return err
		}
	}
	return nil
}

func idleHearth(p *plan, r *report, transport string, counts []string) error {
	t, err := newTown(p, min(p.accounts, 20), 1)
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.again(p); err != nil {
		return err
	}
	if transport == client.WebTransport {
		counts = counts[:1]
	}
	return idle(t.process, t.dialer, r, "hearth", transport, counts, func(i int) string { return t.tokens[i%len(t.tokens)] })
}

func idle(server *process, d *client.Dialer, r *report, name, transport string, counts []string, token func(int) string) error {
	time.Sleep(settleFor)
	base := server.rss()
	r.print(line{Figure: "idle-server", Server: name, RSSMiB: float64(base) / (1 << 20), Aim: "60 MiB"})
	c := newCrowd()
	defer c.leave()
	if token != nil {
		stop := make(chan struct{})
		defer close(stop)
		go c.beat(8*time.Second, stop)
	}
	for _, text := range counts {
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		if err := c.add(d, transport, n-len(c.members), token); err != nil {
			return err
		}
		log.Printf("%d idle clients are there", n)
		time.Sleep(settleFor)
		if err := c.err(); err != nil {
			return err
		}
		rss := server.rss()
		r.print(line{
			Figure: "idle-clients", Server: name, Transport: transport, Clients: n,
			KiBPerClient: float64(rss-base) / 1024 / float64(n), RSSMiB: float64(rss) / (1 << 20), Aim: "45 KiB on WebSocket",
		})
	}
	return nil
}
