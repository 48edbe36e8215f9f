package relay

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"hearth/plugins/slack/web"
)

// own is what the bridge has posted in a channel, as far as it knows: by the event's id and the part of its
// text, and by ts. It is filled by answers, by the events that come back, and by looking in the channel.
type own struct {
	mu     sync.Mutex
	ts     map[string]string   // by "EVENT/PART"
	byTS   map[string][]string // and back
	order  []string            // ts, rising: what is forgotten is what was posted longest ago, however late it was met
	looked map[string]string   // by thread, "" for the channel: since which ts all is known
	doubt  time.Time           // since when something may have been posted that no answer told of
}

const ownLimit = 5000

// newOwn knows nothing, of a life that began at the time: what a former one had sent when it died may still be on its way
// in Slack.
func newOwn(begun time.Time) *own {
	return &own{ts: map[string]string{}, byTS: map[string][]string{}, looked: map[string]string{}, doubt: begun}
}

func part(event string, n int) string { return fmt.Sprintf("%s/%d", event, n) }

func (o *own) add(key, ts string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.Contains(o.byTS[ts], key) {
		return
	}
	if i, known := slices.BinarySearch(o.order, ts); !known {
		o.order = slices.Insert(o.order, i, ts)
	}
	o.ts[key], o.byTS[ts] = ts, append(o.byTS[ts], key)
	if len(o.order) > ownLimit {
		oldest := o.order[0]
		o.order = o.order[1:]
		for _, key := range o.byTS[oldest] {
			delete(o.ts, key)
		}
		delete(o.byTS, oldest)
	}
}

// uncertain notes that a call's answer was lost: what is known of the thread is not all any more.
func (o *own) uncertain(thread string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.looked, thread)
	o.doubt = time.Now()
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

// metOwn takes a message of ours from the history. Of those that this life has posted it is known that they have a mark.
func (c *channel) metOwn(m *web.Message) {
	if c.own.posted(m.TS) {
		c.l.marks.count(m)
	}
	c.own.note(m)
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
	return o.byTS[ts] != nil
}

const (
	lookPages = 20              // of 200 messages, to find ours
	lookBack  = 5 * time.Minute // clocks differ: a message may seem to be posted before it was said
)

// lookFor makes sure that what the bridge has posted in the channel, or in a thread, since the time is
// known. Once in a life is enough, since what this life posts it knows, and again after an answer was lost.
func (c *channel) lookFor(since time.Time, thread string) error {
	oldest := web.TS(since.Add(-lookBack))
	c.own.mu.Lock()
	from, known := c.own.looked[thread]
	doubt := c.own.doubt
	c.own.mu.Unlock()
	if known && from <= oldest {
		return nil
	}
	if wait := time.Until(doubt.Add(c.l.timing.Settle)); wait > 0 && !pause(c.ctx, wait) {
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
			if c.isOwn(m) {
				c.metOwn(m)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	c.own.mu.Lock()
	defer c.own.mu.Unlock()
	if c.own.doubt.Equal(doubt) { // else another answer was lost meanwhile
		c.own.looked[thread] = oldest
	}
	return nil
}
