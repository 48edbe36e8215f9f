package relay

import (
	"fmt"
	"sync"
	"time"

	"hearth/plugins/slack/web"
)

// own is what the bridge has posted in a channel, as far as it knows: by the event's id and the part of its
// text, and by ts. It is filled by answers, by the events that come back, and by looking in the channel.
type own struct {
	mu      sync.Mutex
	ts      map[string]string // by "EVENT/PART"
	byTS    map[string]bool
	order   []string
	looked  map[string]string // by thread, "" for the channel: since which ts all is known
	deleted map[string]bool   // ts that the bridge took away
}

const ownLimit = 5000

func newOwn() *own {
	return &own{ts: map[string]string{}, byTS: map[string]bool{}, looked: map[string]string{}, deleted: map[string]bool{}}
}

func part(event string, n int) string { return fmt.Sprintf("%s/%d", event, n) }

func (o *own) add(key, ts string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byTS[ts] && o.ts[key] == ts {
		return
	}
	o.ts[key], o.byTS[ts] = ts, true
	o.order = append(o.order, key)
	if len(o.order) > ownLimit {
		old := o.order[0]
		o.order = o.order[1:]
		delete(o.byTS, o.ts[old])
		delete(o.ts, old)
	}
}

// note takes a message of ours that came back.
func (o *own) note(m *web.Message) {
	if p, ok := metaOf(m); ok {
		o.add(part(p.Event, p.Part), m.TS)
	}
	for _, f := range m.Files {
		o.add("file/"+f.ID, m.TS)
	}
}

func (o *own) find(key string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ts[key]
}

// parts are the ts of an event's text, in order.
func (o *own) parts(event string) (all []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for n := 0; o.ts[part(event, n)] != ""; n++ {
		all = append(all, o.ts[part(event, n)])
	}
	return all
}

func (o *own) posted(ts string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.byTS[ts]
}

const (
	lookPages = 20              // of 200 messages, to find one of ours
	lookBack  = 5 * time.Minute // clocks differ: a message may seem to be posted before it was said
)

// lookFor makes sure that what the bridge has posted in the channel, or in a thread, since the time is
// known. Once in a life is enough, since what this life posts it knows; fresh asks for another look, after an answer was lost.
func (c *channel) lookFor(since time.Time, thread string, fresh bool) error {
	oldest := web.TS(since.Add(-lookBack))
	c.own.mu.Lock()
	from, ok := c.own.looked[thread]
	c.own.mu.Unlock()
	if ok && from <= oldest && !fresh {
		return nil
	}
	// What a former life had sent when it died may still be on its way in Slack.
	if wait := time.Until(c.l.begun.Add(c.l.timing.Settle)); wait > 0 && !pause(c.ctx, wait) {
		return c.ctx.Err()
	}
	for cursor, n := "", 0; n < lookPages; n++ {
		var page web.Page
		var err error
		if thread == "" {
			page, err = c.l.web.History(c.ctx, web.Live, c.id(), oldest, "", cursor, fillPage)
		} else {
			page, err = c.l.web.Replies(c.ctx, web.Live, c.id(), thread, oldest, cursor, fillPage)
		}
		if err != nil && web.Code(err) != "thread_not_found" {
			return err
		}
		for _, m := range page.Messages {
			c.own.note(m)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	c.own.mu.Lock()
	defer c.own.mu.Unlock()
	if !ok || oldest < from {
		c.own.looked[thread] = oldest
	}
	return nil
}
