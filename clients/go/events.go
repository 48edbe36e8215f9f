package client

import (
	"context"
	"maps"

	"hearth/node/room/roompb"
	pb "hearth/transport/session/clientpb"
)

// Event is what a session brings; exactly one field is set.
type Event struct {
	Opened   *pb.OpenResponse // the session is open, at first or again
	Delivery *pb.Delivery     // items of one room, in order, each once
	Room     *roompb.RoomSummary
	Signal   *roompb.Signal // lossy
}

// Next waits for the next event. Items arrive in order, each once, through any number of
// reconnects. While nobody calls Next, the node keeps what comes, not this program.
func (c *Client) Next(ctx context.Context) (Event, error) {
	for {
		if e, ok := c.queue.pop(); ok {
			c.handed(e)
			return e, nil
		}
		c.catchUp()
		select {
		case <-c.queue.some:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		case <-c.done:
			if e, ok := c.queue.pop(); ok {
				return e, nil
			}
			return Event{}, c.Err()
		}
	}
}

func (c *Client) handed(e Event) {
	if d := e.Delivery; d != nil && len(d.Items) > 0 {
		c.queue.hand(d.Room, d.Items[len(d.Items)-1].Event.GetPos())
	}
}

// Cursors are the positions of what Next has handed out, for resuming in another process.
func (c *Client) Cursors() map[string]uint64 {
	c.mu.Lock()
	out := maps.Clone(c.cursors)
	c.mu.Unlock()
	c.queue.overlay(out)
	return out
}

// catchUp: the queue is empty. If items were left behind while it was full, the session
// is begun anew: the node has them, and brings them.
func (c *Client) catchUp() {
	c.mu.Lock()
	s := c.conn
	c.mu.Unlock()
	if c.queue.leftBehind(s) {
		s.breakToResume()
	}
}

func (s *session) deliver(f *pb.ServerFrame) {
	c := s.c
	for _, r := range f.Rooms {
		c.newRoom(r)
		c.queue.push(Event{Room: r}, s)
	}
	for _, d := range f.Deliveries {
		c.fresh(d)
		if (len(d.Items) > 0 || d.Gap) && c.queue.push(Event{Delivery: d}, s) {
			c.advance(d)
		}
	}
	for _, g := range f.Signals {
		c.queue.offer(Event{Signal: g})
	}
}

// newRoom: a room that came during the session resumes, after a break, from where it came in.
func (c *Client) newRoom(r *roompb.RoomSummary) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Membership == "leave" {
		delete(c.cursors, r.Room)
		return
	}
	if _, known := c.cursors[r.Room]; !known && r.Membership == "join" {
		c.cursors[r.Room] = r.HeadPos
	}
}

// fresh drops items that were taken already. A node that resumes rightly sends none.
func (c *Client) fresh(d *pb.Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.seen[d.Room]
	n := 0
	for n < len(d.Items) && d.Items[n].Event.GetPos() <= last {
		n++
	}
	d.Items = d.Items[n:]
}

func (c *Client) advance(d *pb.Delivery) {
	if len(d.Items) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	pos := d.Items[len(d.Items)-1].Event.GetPos()
	c.cursors[d.Room], c.seen[d.Room] = pos, pos
}
