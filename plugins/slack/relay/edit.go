package relay

import (
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/format"
	"hearth/plugins/slack/web"
)

// badlyFormatted tells whether Slack takes the words, but not how they are formatted: they are said without then.
func badlyFormatted(err error) bool {
	return map[string]bool{"invalid_blocks": true, "invalid_blocks_format": true, "msg_blocks_too_long": true}[web.Code(err)]
}

// update puts a piece in the place of what was posted.
func (c *channel) update(p web.Priority, d *pb.Delivery, n int, piece []format.Block, ts string) error {
	err := c.l.web.Update(c.ctx, p, c.id(), ts, c.content(d, n, piece, true)...)
	if badlyFormatted(err) {
		err = c.l.web.Update(c.ctx, p, c.id(), ts, c.content(d, n, piece, false)...)
	}
	return err
}

// sendEdit updates the pieces of a message: what it has become longer is posted behind it, what it has become
// shorter is taken away.
func (c *channel) sendEdit(d *pb.Delivery) ([]string, error) {
	if c.out.superseded(d) {
		return nil, nil
	}
	remote := c.remote(d.GetTarget())
	if len(remote) == 0 {
		return nil, refusal{"no_such_target", "The message that was edited is not in Slack."}
	}
	at, err := c.placeOf(d)
	if err != nil {
		return nil, err
	}
	before := d.GetOldText()
	had := 1
	if before != "" {
		old := &pb.Delivery{Id: d.GetId(), Kind: "text", Text: before, ReplyTo: d.GetReplyTo(), Thread: d.GetThread()}
		pieces, _ := c.compose(old, at)
		had = min(max(len(pieces), 1), len(remote))
	}
	pieces, whole := c.compose(d, at)
	if whole != "" { // no file can be put in the place of a text
		pieces = pieces[:1]
	}
	if d.GetAgain() && len(pieces) > had {
		if err := c.lookFor(time.UnixMilli(d.GetTime()), at.look()); err != nil {
			return nil, err
		}
	}
	var added []string
	for n, piece := range pieces {
		if n < had {
			err = c.update(web.Change, d, n, piece, remote[n])
		} else {
			var ts string
			if ts, err = c.postPiece(d, n, piece, at); err == nil {
				added = append(added, ts)
			}
		}
		if err != nil {
			return nil, gone(err)
		}
	}
	for n := len(pieces); n < had; n++ {
		if err := c.take(remote[n]); err != nil {
			return nil, err
		}
	}
	return added, nil
}

// gone names what cannot be changed any more.
func gone(err error) error {
	switch web.Code(err) {
	case "message_not_found":
		return refusal{"no_such_target", "The message is not in Slack any more."}
	case "cant_update_message", "cant_delete_message", "edit_window_closed":
		return refusal{"forbidden", "Slack lets the app change its own messages only."}
	}
	return err
}

// sendDelete takes a message away, with its pieces and files.
func (c *channel) sendDelete(d *pb.Delivery) ([]string, error) {
	remote := c.remote(d.GetTarget())
	if len(remote) == 0 {
		return nil, refusal{"no_such_target", "The message that was deleted is not in Slack."}
	}
	for _, ts := range remote {
		if err := c.take(ts); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (c *channel) take(ts string) error {
	err := c.l.web.Delete(c.ctx, c.id(), ts)
	if web.Code(err) == "message_not_found" {
		return nil
	}
	return gone(err)
}
