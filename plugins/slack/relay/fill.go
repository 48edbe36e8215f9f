package relay

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"hearth/plugins/slack/web"
)

const (
	fillPage  = 200
	fillPages = 50 // of a channel, at most, after one outage
)

// catchUp reads the channel's history. After a gap, a time without any socket, it looks into older
// threads as well that were alive lately.
func (c *channel) catchUp(gap bool) error {
	if !c.confirmed() {
		return nil
	}
	kept, err := c.posted()
	if err != nil {
		return err
	}
	page, err := c.history(back(kept.Last, c.l.timing.Edits))
	if web.Code(err) == "not_in_channel" && c.rejoin() { // as after the code was confirmed
		page, err = c.history(back(kept.Last, c.l.timing.Edits))
		c.l.work.Go(c.roster)
	}
	if err != nil {
		return c.trouble(err)
	}
	fresh := func(m *web.Message) bool {
		return m.TS > back(kept.Last, c.l.timing.Overlap) && m.TS > kept.Since && !c.seen.have[m.TS]
	}
	c.l.status.set(c.name, "connected", "")
	page, late := c.tooLate(page, fresh)
	c.count("dropped", "not_caught_up", late)
	for _, m := range page {
		switch {
		case c.isOwn(m):
			c.metOwn(m)
		case fresh(m):
			if err := c.met(m); err != nil {
				return err
			}
		case m.Edited != nil && m.Edited.TS > back(kept.Last, c.l.timing.Overlap) && m.TS > kept.Since:
			if err := c.edit(m, m.Edited.TS); err != nil {
				return err
			}
		}
		if m.ReplyCount > 0 && m.LatestReply > back(cmp.Or(kept.Threads[m.TS], kept.Since), c.l.timing.Overlap) {
			if err := c.fillThread(m.TS, cmp.Or(kept.Threads[m.TS], kept.Since), kept.Since); err != nil {
				return err
			}
		}
		delete(kept.Threads, m.TS)
	}
	if !gap {
		return nil
	}
	for thread, last := range kept.Threads { // those that began before
		if err := c.fillThread(thread, last, kept.Since); err != nil {
			return err
		}
	}
	return nil
}

// met posts a message that was met in the history. The node may have it from an earlier life as it was before an edit:
// so the edit is posted as well.
func (c *channel) met(m *web.Message) error {
	err := c.say(m)
	if err == nil && m.Edited != nil && topics[m.Subtype] == nil && !isClaim(m.Text) {
		err = c.edit(m, m.Edited.TS)
	}
	return err
}

// posted is how far the channel is posted; it is written down before anything is posted by it.
func (c *channel) posted() (kept, error) {
	c.mu.Lock()
	k := c.kept
	k.Threads = map[string]string{}
	for thread, last := range c.kept.Threads {
		k.Threads[thread] = last
	}
	c.mu.Unlock()
	return k, c.save(true)
}

func back(ts string, d time.Duration) string { return web.TS(web.Time(ts).Add(-d)) }

// history is the channel since oldest, the oldest message first.
func (c *channel) history(oldest string) ([]*web.Message, error) {
	var all []*web.Message
	for cursor, n := "", 0; n < fillPages; n++ {
		page, err := c.l.web.History(c.ctx, web.Backfill, c.id(), oldest, "", cursor, fillPage)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Messages...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b *web.Message) int { return strings.Compare(a.TS, b.TS) })
	return all, nil
}

// tooLate leaves out what was said longer ago than the administrator wants to see, and counts it.
func (c *channel) tooLate(page []*web.Message, fresh func(*web.Message) bool) (left []*web.Message, late int) {
	oldest := web.TS(time.Now().Add(-c.l.set.catchUp))
	for _, m := range page {
		if m.TS >= oldest {
			left = append(left, m)
		} else if fresh(m) && !c.isOwn(m) && !silent[m.Subtype] {
			late++
		}
	}
	return left, late
}

// fillThread posts the replies of a thread that came after last, or shortly before it.
func (c *channel) fillThread(thread, last, since string) error {
	last = max(back(last, c.l.timing.Overlap), since)
	for cursor, n := "", 0; n < fillPages; n++ {
		page, err := c.l.web.Replies(c.ctx, web.Backfill, c.id(), thread, last, cursor, fillPage)
		if web.Code(err) == "thread_not_found" {
			return nil
		}
		if err != nil {
			return c.trouble(err)
		}
		for _, m := range page.Messages {
			switch {
			case m.TS == thread || m.TS <= last || c.seen.have[m.TS]:
			case c.isOwn(m):
				c.own.note(m)
			default:
				if err := c.met(m); err != nil {
					return err
				}
			}
		}
		if cursor = page.Next; cursor == "" {
			return nil
		}
	}
	return nil
}

// trouble says what err means for the channel. The caller tries again.
func (c *channel) trouble(err error) error {
	if why := channelTrouble[web.Code(err)]; why != "" {
		c.l.status.set(c.name, "down", why)
	}
	return err
}

// channelTrouble is what Slack's words mean for a channel, and what to do.
var channelTrouble = map[string]string{
	"channel_not_found": "Slack does not know the channel any more, or the app was removed from it. Invite it again: /invite",
	"not_in_channel":    "The app is not in the channel. Invite it: /invite",
	"is_archived":       "The channel is archived in Slack.",
	"restricted_action": "The workspace's administrators do not let the app post in this channel.",
	"missing_scope":     "The app lacks a permission. Compare it with the manifest (docs/bridge-slack.md) and install it again.",
}
