package main

import (
	"context"
	"fmt"
	"time"

	client "hearth/clients/go"
	pb "hearth/transport/session/clientpb"
)

// measureHistory: a client pages back through a room, 100 events a page.
func measureHistory(p *plan, r *report) error {
	t, err := newTown(p, 9, 1)
	if err != nil {
		return err
	}
	defer t.close()
	if err := fill(p, t); err != nil {
		return err
	}
	s, err := client.Dial(context.Background(), t.dialer, t.tokens[0], client.Options{NoEvents: true})
	if err != nil {
		return err
	}
	defer s.Close()
	web := client.NewHTTP(t.dialer, t.tokens[0])
	for _, via := range []struct {
		name string
		to   client.Caller
	}{{"websocket", s}, {"http", web}} {
		for range 2 { // the first time warms the caches
			times, events, err := pageBack(via.to, t.rooms[0])
			if err != nil {
				return err
			}
			if events < p.messages {
				return fmt.Errorf("paged through %d events of %d", events, p.messages)
			}
			l := line{Figure: "history-page", Server: "hearth", Transport: via.name, PerSecond: float64(len(times)) / sum(times).Seconds(), Aim: "p50 under 0.7 ms"}
			l.P50, l.P99 = quantiles(times)
			r.print(l)
		}
	}
	return nil
}

// fill sends p.messages messages, by eight senders.
func fill(p *plan, t *town) error {
	c := newCrowd()
	defer c.leave()
	if err := c.add(t.dialer, client.WebSocket, 8, func(i int) string { return t.tokens[1+i%8] }); err != nil {
		return err
	}
	for sent := 0; sent < p.messages; {
		n, err := saturate(c, func(int) string { return t.rooms[0] }, 8, p.window, time.Second)
		if err != nil || n == 0 {
			return fmt.Errorf("fill the room: sent %d: %w", n, err)
		}
		sent += n
		time.Sleep(300 * time.Millisecond)
	}
	return c.err()
}

func pageBack(to client.Caller, room string) (times []time.Duration, events int, err error) {
	req := &pb.HistoryRequest{Room: room, Limit: 100}
	for len(times) < 100 {
		began := time.Now()
		page, err := client.Call(context.Background(), to, client.History, req)
		if err != nil {
			return nil, 0, err
		}
		times = append(times, time.Since(began))
		events += len(page.Events)
		if !page.MoreBefore || len(page.Events) == 0 {
			break
		}
		req.Before = page.Events[0].Id
	}
	return times, events, nil
}

func sum(times []time.Duration) (all time.Duration) {
	for _, t := range times {
		all += t
	}
	return all
}
