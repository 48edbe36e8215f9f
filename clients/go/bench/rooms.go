package main

import (
	"path/filepath"
	"time"

	client "hearth/clients/go"
)

// measureRooms: a sender in each of p.rooms rooms, as fast as its window lets it. Every
// message is stored, synced, acknowledged and delivered (to its sender).
func measureRooms(p *plan, r *report) error {
	t, err := newTown(p, p.rooms+1, p.rooms+1)
	if err != nil {
		return err
	}
	defer t.close()
	c := newCrowd()
	defer c.leave()
	// User 0 made the rooms and is in all of them: not here.
	if err := c.add(t.dialer, client.WebSocket, p.rooms, func(i int) string { return t.tokens[i+1] }); err != nil {
		return err
	}
	room := func(i int) string { return t.rooms[i+1] }
	warm, err := saturate(c, room, p.rooms, 4, time.Second)
	if err != nil {
		return err
	}
	time.Sleep(500 * time.Millisecond)
	store := filepath.Join(t.dir, "data", "store")
	disk, before, items, began := diskBytes(store), t.cpu(), c.items.Load(), time.Now()
	c.remember(true)
	wait := t.profile(p, "rooms")
	sent, err := saturate(c, room, p.rooms, p.window, p.seconds)
	if err != nil {
		return err
	}
	for late := time.Now(); c.items.Load() < items+int64(sent) && time.Since(late) < 5*time.Second; {
		time.Sleep(5 * time.Millisecond)
	}
	took := time.Since(began)
	used, delivered := t.cpu()-before, c.items.Load()-items
	c.remember(false)
	wait()
	out := line{
		Figure: "rooms", Server: "hearth", Transport: client.WebSocket, Rooms: p.rooms, Senders: p.rooms, Clients: p.rooms,
		Seconds: took.Seconds(), SentPerSecond: float64(delivered) / took.Seconds(), Lost: int64(sent) - delivered,
		CPUPerMillionSent: used.Seconds() / float64(max(delivered, 1)) * 1e6, RSSMiB: float64(t.rss()) / (1 << 20),
		Aim: "12,500 messages/s",
	}
	time.Sleep(50 * time.Millisecond)
	out.P50, out.P99 = quantiles(c.times())
	r.print(out)
	if err := c.err(); err != nil {
		return err
	}
	c.leave()
	t.stop() // what was in memory goes to disk
	r.print(line{
		Figure: "disk", Server: "hearth", Rooms: p.rooms,
		BytesPerMessage: float64(diskBytes(store)-disk) / float64(max(sent+warm, 1)),
	})
	t.process = nil
	return nil
}
