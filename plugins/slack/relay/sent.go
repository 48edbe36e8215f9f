package relay

import (
	pb "hearth/plugins/bridge/bridgepb"
)

// mostSent bounds what of a channel waits for answers: half the window, so that another channel finds room in it.
const mostSent = 32

// sent is what is left to do of a post, or of an item once all its posts are answered.
type sent struct {
	do   func() error
	item *item // it is out of the inbox with that
}

// then does f once all that was posted so far is answered. Posts are not waited for one by one: the node takes many at
// once, and commits but twenty times a second.
func (c *channel) then(f func() error) error { return c.follow(sent{do: f}) }

func (c *channel) follow(s sent) error {
	select {
	case c.sent <- s:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// land does what follows on posts, in order, until the channel ends. What cannot be done, as the life or the link is over,
// stays in the inbox.
func (c *channel) land() {
	for {
		select {
		case s := <-c.sent:
			if s.do() == nil {
				continue
			}
			if s.item != nil {
				c.unsettled = append(c.unsettled, s.item)
			}
			<-c.ctx.Done()
			return
		case <-c.ctx.Done():
			return
		}
	}
}

// landed waits for all that was posted so far.
func (c *channel) landed() error {
	done := make(chan struct{})
	if err := c.then(func() error { close(done); return nil }); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
}

// submit gives the node an entry, and does not wait for the answer.
func (c *channel) submit(e *pb.Entry) error {
	wait, err := c.postAsync(e)
	if err != nil {
		return err
	}
	return c.then(func() error {
		_, err := wait()
		return err
	})
}
