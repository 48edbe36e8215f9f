package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	client "hearth/clients/go"
)

// measureCatchUp: a node is away while p.missed messages are sent, and comes back.
func measureCatchUp(p *plan, r *report) error {
	n, err := newNation(p, 2, lookers, loopback)
	if err != nil {
		return err
	}
	defer n.close()
	away := n.towns[1]
	had, err := away.newest(context.Background(), n.room)
	if err != nil {
		return err
	}
	away.stop()
	last, err := n.pour(p.missed)
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // the search index of the first is done
	before, began := n.towns[0].cpu(), time.Now()
	if err := away.begin(p); err != nil {
		return err
	}
	up := time.Since(began)
	wait := n.profile(p, "federation-catchup")
	l := line{Figure: "federation-catchup", Server: "hearth", Nodes: 2, Events: p.missed, Aim: "50,000 events/s"}
	for time.Since(began) < 5*time.Minute {
		page, err := away.newest(context.Background(), n.room)
		if err != nil {
			return err
		}
		if l.ShownAfter == 0 && len(page.Events) > 0 && page.Events[0].Id == last {
			l.ShownAfter = (time.Since(began) - up).Seconds()
		}
		if page.Pos >= had.Pos+uint64(p.missed) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	took := time.Since(began) - up // from when the node stands
	l.AllAfter, l.PerSecond = took.Seconds(), float64(p.missed)/took.Seconds()
	l.SenderCPU = float64(n.towns[0].cpu()-before) / 1e6 / float64(p.missed)
	l.OthersCPU = float64(away.cpu()) / 1e6 / float64(p.missed)
	r.print(l)
	wait()
	return nil
}

// pour sends messages from the first node's clients as fast as they go, and returns the
// event that is the newest afterwards.
func (n *nation) pour(messages int) (newest string, err error) {
	t, c := n.towns[0], newCrowd()
	defer c.leave()
	if err := c.add(t.dialer, client.WebSocket, lookers, func(i int) string { return t.tokens[i%len(t.tokens)] }); err != nil {
		return "", err
	}
	var left atomic.Int64
	left.Store(int64(messages))
	err = each(lookers, lookers, func(i int) error {
		m := c.members[i]
		m.open(64)
		for left.Add(-1) >= 0 {
			select {
			case <-m.free:
			case <-time.After(30 * time.Second):
				return fmt.Errorf("no answer for 30 s")
			}
			if err := m.say(n.room, nationText); err != nil {
				return err
			}
		}
		for range 64 { // the last answers
			select {
			case <-m.free:
			case <-time.After(30 * time.Second):
				return fmt.Errorf("no answer for 30 s")
			}
		}
		return nil
	})
	if err == nil {
		err = c.err()
	}
	if err != nil {
		return "", fmt.Errorf("send %d messages: %w", messages, err)
	}
	page, err := t.newest(context.Background(), n.room)
	if err != nil || len(page.Events) == 0 {
		return "", fmt.Errorf("read the newest: %w", err)
	}
	return page.Events[0].Id, nil
}
