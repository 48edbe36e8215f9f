package relay

import (
	"cmp"

	"github.com/slack-go/slack"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/web"
)

// place is where a message belongs: in the channel, in a thread, or in both, which Slack calls a broadcast.
type place struct {
	thread    string // ts of the message that began it, "" for the channel
	broadcast bool
}

func (at place) options() (options []slack.MsgOption) {
	if at.thread != "" {
		options = append(options, slack.MsgOptionTS(at.thread))
	}
	if at.broadcast {
		options = append(options, slack.MsgOptionBroadcast())
	}
	return options
}

// look is where a message that was posted there is found again: what is in both is in the channel's history, where an
// earlier attempt may have posted it when there was no thread yet.
func (at place) look() string {
	if at.broadcast {
		return ""
	}
	return at.thread
}

// placeOf is where d belongs. What answers a message of a thread, but was said to all, is said to all over there, and
// in the thread.
func (c *channel) placeOf(d *pb.Delivery) (place, error) {
	if d.GetThread() != nil {
		remote := c.remote(d.GetThread())
		if len(remote) == 0 { // it began before the link: said in the channel, with what it answers
			return place{}, nil
		}
		root, err := c.root(remote[0])
		return place{thread: cmp.Or(root, remote[0])}, err
	}
	remote := c.remote(d.GetReplyTo())
	if len(remote) == 0 || len(d.GetFiles()) > 0 { // files cannot be broadcast
		return place{}, nil
	}
	root, err := c.root(remote[0])
	return place{root, root != ""}, err
}

// root is the thread that a message is in, "" when it is in none. Slack wants it named by the message that began it.
func (c *channel) root(ts string) (string, error) {
	if root, known := c.roots.get(ts); known {
		return root, nil
	}
	page, err := c.l.web.Replies(c.ctx, web.Live, c.id(), ts, "", "", 1)
	if err != nil && web.Code(err) != "thread_not_found" && web.Code(err) != "message_not_found" {
		return "", err
	}
	root := ""
	for _, m := range page.Messages {
		if m.TS == ts {
			root = m.ThreadTS
		}
	}
	c.inThread(ts, root)
	return root, nil
}

// inThread notes that a message was said in a thread, "" for the channel itself.
func (c *channel) inThread(ts, thread string) {
	if thread != "" {
		c.roots.put(ts, thread)
		c.roots.put(thread, thread)
	} else if _, known := c.roots.get(ts); !known { // else it has begun one meanwhile
		c.roots.put(ts, "")
	}
}
