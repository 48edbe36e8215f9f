package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/web"
)

// channel is one linked channel. run, one goroutine, does all that comes from Slack; another sends.
type channel struct {
	l      *life
	name   string // as the administrator wrote it
	ctx    context.Context
	cancel context.CancelFunc
	out    *outbox
	own    *own
	roots  *recent       // the thread that a message is in, by its ts; "" for none
	joined chan struct{} // closed once Slack's id is known, and the bot a member if it may be
	ended  chan struct{} // closed once run has returned
	gone   chan struct{} // closed once the channel was left, after an unlink
	after  []*channel    // those that were being left when this one was linked: perhaps the same in Slack
	retry  chan struct{} // something changed: look again whether the channel can be joined, one slot
	wake   chan struct{} // something is in the queue, one slot

	saving sync.Mutex // held while kept is written, so that what is older never comes last

	mu      sync.Mutex
	link    *pb.Link
	kept    kept
	dirty   int       // messages since kept was written
	saved   time.Time // when it was
	queue   []*item
	left    bool   // nothing is taken any more
	filling *item  // the fill that waits in the queue
	due     int    // fills that wait, or are under way
	high    string // ts of the newest message posted

	jobs map[string]*sharing // of send alone: uploads under way

	// Of run alone:
	seen    *ring // ts that were posted lately
	parents *ring // threads whose first message was posted or fetched
	undone  *item // that was worked on when the channel ended

	sent      chan sent // what waits for answers, in order
	unsettled []*item   // of land alone: what was not answered when it ended
}

// kept is what outlives a life, under the key ch/NAME.
type kept struct {
	Room    string            `json:"room"` // that it is linked to
	ID      string            `json:"id"`
	Called  string            `json:"called"`  // its name at last
	Since   string            `json:"since"`   // ts: nothing from before the link is relayed
	Last    string            `json:"last"`    // ts: up to here everything is posted
	Recent  []string          `json:"recent"`  // ts that were posted last
	Threads map[string]string `json:"threads"` // by the ts of the thread: its last reply that was posted
}

const (
	channelKeys = "ch/"
	keptThreads = 20 // whose first message may be older than what a fill reads
	seenLimit   = 5000
	saveEvery   = 20 // messages
	keptRecent  = 500
)

func newChannel(l *life, link *pb.Link) *channel {
	c := &channel{l: l, name: link.GetChannel(), link: link, own: newOwn(l.begun), roots: newRecent(5000), joined: make(chan struct{}), ended: make(chan struct{}), gone: make(chan struct{}),
		retry: make(chan struct{}, 1), wake: make(chan struct{}, 1), sent: make(chan sent, mostSent), seen: newRing(seenLimit), parents: newRing(1000)}
	c.ctx, c.cancel = context.WithCancel(l.ctx)
	c.out, c.jobs = newOutbox(), map[string]*sharing{}
	return c
}

func (c *channel) key() string { return channelKeys + c.name }

func (c *channel) confirmed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link.GetConfirmed()
}

func (c *channel) id() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.ID
}

// load reads what is kept, so that events find the channel. Of a link that has ended while the bridge was away only the id is
// of use: what was said since is not for this one.
func (c *channel) load() {
	raw, ok, err := c.l.h.Get(c.ctx, c.key())
	if err != nil || !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept.ID != "" || json.Unmarshal(raw, &c.kept) != nil || c.kept.ID == "" {
		return
	}
	if !c.link.GetConfirmed() || c.kept.Room != "" && c.kept.Room != c.link.GetRoom() {
		c.kept = kept{ID: c.kept.ID, Called: c.kept.Called}
	}
	c.l.known(c.kept.ID, c)
}

// changed takes a new state of the link.
func (c *channel) changed(link *pb.Link) {
	c.mu.Lock()
	confirmed := link.GetConfirmed() && !c.link.GetConfirmed()
	c.link = link
	c.start()
	c.mu.Unlock()
	if confirmed {
		c.askFill(true)
		poke(c.retry)
		c.l.work.Go(c.roster)
	}
}

// start notes since when the channel is linked, by Slack's clock. The caller holds mu.
func (c *channel) start() {
	if c.link.GetConfirmed() && c.kept.Since == "" {
		c.kept.Since = web.TS(c.l.web.Now())
		c.kept.Last = c.kept.Since
		c.dirty++
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run is the channel's life: it finds and joins the channel, then posts what comes from it.
func (c *channel) run() {
	defer close(c.ended)
	defer c.cancel()
	select {
	case <-c.l.in:
	case <-c.ctx.Done():
		return
	}
	for _, old := range c.after {
		select {
		case <-old.gone:
		case <-c.ctx.Done():
			return
		}
	}
	c.load() // one that was linked after the others
	for delay := c.l.timing.Retry; ; delay = min(2*delay, 5*time.Minute) {
		reason, err := c.join()
		if err == nil {
			break
		}
		c.l.failed(err)
		c.l.status.down(c.name, reason, err)
		t := time.NewTimer(delay)
		select {
		case <-c.ctx.Done():
			t.Stop()
			return
		case <-c.retry:
		case <-t.C:
		}
		t.Stop()
	}
	close(c.joined)
	c.mu.Lock()
	for _, ts := range c.kept.Recent {
		c.seen.add(ts)
		c.parents.add(ts)
	}
	c.mu.Unlock()
	c.up()
	c.l.work.Go(c.roster)
	c.askFill(true)
	c.receive()
}

// up says that the channel works.
func (c *channel) up() {
	if c.confirmed() {
		c.l.status.set(c.name, "connected", "")
	} else {
		c.l.status.set(c.name, "connecting", "Waiting for the code: a workspace administrator types `/bridge link CODE` or `!link CODE` in the channel.")
	}
}

var isID = regexp.MustCompile(`^[CG][A-Z0-9]{6,}$`)

// join finds the channel and makes the bot a member. The reason is for people.
func (c *channel) join() (reason string, err error) {
	ch, err := c.find()
	switch {
	case err != nil && web.Code(err) == "channel_not_found" || err == nil && ch == nil:
		return fmt.Sprintf("There is no channel %s that the app can see. Is it private? Invite the app there: %s", c.name, c.l.invite()), cmpErr(err)
	case err != nil:
		return "Slack did not tell of the channel: " + said(err) + ".", err
	case ch.IsArchived:
		return "The channel is archived in Slack.", errors.New("is_archived")
	case !c.confirmed(): // nobody over there has asked for the app yet: it does not come by itself
	case !ch.IsMember && ch.IsPrivate:
		return fmt.Sprintf("The app is not in the channel %s, which is private. Invite it there: %s", c.name, c.l.invite()), errors.New("not_in_channel")
	case !ch.IsMember:
		if err := c.l.web.Join(c.ctx, ch.ID); err != nil {
			return "The app cannot join the channel: " + said(err) + ". Invite it there: " + c.l.invite(), err
		}
	}
	return "The channel cannot be kept.", c.found(ch)
}

func cmpErr(err error) error {
	if err == nil {
		return errors.New("channel_not_found")
	}
	return err
}

// find looks the channel up by the id that it had before, so that a rename changes nothing.
func (c *channel) find() (*slack.Channel, error) {
	if id := c.id(); id != "" {
		return c.l.web.Channel(c.ctx, web.Live, id)
	}
	name := strings.TrimPrefix(c.name, "#")
	if isID.MatchString(name) {
		return c.l.web.Channel(c.ctx, web.Live, name)
	}
	return c.l.web.ChannelNamed(c.ctx, name)
}

// found keeps which channel it is.
func (c *channel) found(ch *slack.Channel) error {
	if other := c.l.known(ch.ID, c); other != c {
		c.l.status.set(c.name, "down", "The channel is linked already, as "+other.name+".")
		return fmt.Errorf("channel %s is linked as %s", ch.ID, other.name)
	}
	c.mu.Lock()
	c.kept.ID, c.kept.Called, c.kept.Room = ch.ID, ch.Name, c.link.GetRoom()
	c.start()
	c.dirty++
	c.mu.Unlock()
	return c.save(true)
}

// save writes how far the channel is posted, now and then: what it lags behind is read again, and the node
// knows it.
func (c *channel) save(now bool) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	c.mu.Lock()
	if c.dirty == 0 || !now && c.dirty < saveEvery && time.Since(c.saved) < c.l.timing.Save {
		c.mu.Unlock()
		return nil
	}
	c.dirty, c.saved = 0, time.Now()
	for len(c.kept.Threads) > keptThreads {
		quiet := slices.MinFunc(slices.Collect(maps.Keys(c.kept.Threads)), func(a, b string) int { return strings.Compare(c.kept.Threads[a], c.kept.Threads[b]) })
		delete(c.kept.Threads, quiet)
	}
	raw, err := json.Marshal(c.kept)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.l.h.Put(c.ctx, c.key(), raw)
}

// advance notes that a message is posted. While a fill is due, what came before may be missing: how far all is
// posted is then only known when it is done.
func (c *channel) advance(ts, thread string) {
	c.mu.Lock()
	if thread == "" {
		c.high = max(c.high, ts)
	} else {
		if c.kept.Threads == nil {
			c.kept.Threads = map[string]string{}
		}
		if last := c.kept.Threads[thread]; c.due == 0 {
			c.kept.Threads[thread] = max(last, ts)
		} else if last == "" {
			c.kept.Threads[thread] = thread
		}
	}
	if c.due == 0 {
		c.kept.Last = max(c.kept.Last, c.high)
	}
	c.kept.Recent = append(c.kept.Recent, ts)
	if len(c.kept.Recent) > keptRecent {
		c.kept.Recent = slices.Clone(c.kept.Recent[1:])
	}
	c.dirty++
	c.mu.Unlock()
	c.save(false)
}

// filled notes that a fill is done: up to what was posted so far nothing is missing, unless another is due already.
func (c *channel) filled() error {
	c.mu.Lock()
	if c.due--; c.due == 0 {
		c.kept.Last = max(c.kept.Last, c.high)
		c.dirty++
	}
	c.mu.Unlock()
	c.save(false)
	return nil
}

// push hands the channel an event. Two sockets do not keep the order in which things happened: the queue does,
// and waits a moment for what may still be on its way by the other one. One that was left takes nothing.
func (c *channel) push(it *item) bool {
	c.mu.Lock()
	if c.left {
		c.mu.Unlock()
		return false
	}
	i := len(c.queue)
	for i > 0 && !c.queue[i-1].fill && c.queue[i-1].event.at() > it.event.at() {
		i--
	}
	c.queue = slices.Insert(c.queue, i, it)
	c.mu.Unlock()
	poke(c.wake)
	return true
}

// askFill has what was missed read, behind what has come and before what comes.
func (c *channel) askFill(gap bool) {
	c.mu.Lock()
	if c.filling == nil {
		c.filling = &item{fill: true}
		c.queue = append(c.queue, c.filling)
		c.due++
	}
	c.filling.gap = c.filling.gap || gap
	c.mu.Unlock()
	poke(c.wake)
}

// pop is what is next, or how long to wait for it; 0 when there is nothing.
func (c *channel) pop() (*item, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil, 0
	}
	it := c.queue[0]
	if wait := time.Until(it.ready); wait > 0 {
		return nil, wait
	}
	c.queue = c.queue[1:]
	if it.fill {
		c.filling = nil
	}
	return it, 0
}

// receive works the queue off until the channel ends. What the node does not take is tried again.
func (c *channel) receive() {
	var landing sync.WaitGroup
	landing.Go(c.land)
	defer landing.Wait()
	tick := time.NewTicker(c.l.timing.Save)
	defer tick.Stop()
	for c.ctx.Err() == nil {
		it, wait := c.pop()
		if it == nil && wait > 0 {
			pause(c.ctx, wait)
			continue
		}
		if it == nil {
			select {
			case <-c.wake:
			case <-tick.C:
				c.save(false)
			case <-c.ctx.Done():
			}
			continue
		}
		for delay := c.l.timing.Retry; ; delay = min(2*delay, time.Minute) {
			err := c.work(it)
			if err == nil || c.ctx.Err() != nil {
				break
			}
			c.l.log.Warn("what Slack said is tried again", "channel", c.name, "error", err.Error())
			c.l.failed(err)
			if !pause(c.ctx, delay) {
				break
			}
		}
		end := sent{item: it, do: func() error {
			if c.ctx.Err() != nil {
				return c.ctx.Err()
			}
			c.l.inbox.done(c.l.ctx, it)
			return nil
		}}
		if c.follow(end) != nil {
			c.undone = it
		}
	}
}

func (c *channel) work(it *item) error {
	if it.fill {
		if err := c.catchUp(it.gap); err != nil {
			return err
		}
		return c.then(c.filled)
	}
	return c.handle(it.event)
}

// leave ends the link over there, and forgets all of it: what others say is for the room that was linked, and not for the next.
func (c *channel) leave() {
	defer c.l.departed(c)
	c.cancel()
	<-c.ended
	id := c.id()
	for _, it := range c.abandon() {
		c.l.inbox.done(c.l.ctx, it)
	}
	if id != "" {
		if err := c.l.web.Leave(c.l.ctx, id); err != nil {
			c.l.log.Info("the app is still in the channel", "channel", c.name, "error", err.Error())
		}
	}
	c.l.h.Delete(c.l.ctx, c.key())
	c.l.status.forget(c.name)
}

// abandon is what was kept and not posted.
func (c *channel) abandon() (items []*item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = true
	if items = c.unsettled; c.undone != nil {
		items = append(items, c.undone)
	}
	for len(c.sent) > 0 {
		if s := <-c.sent; s.item != nil {
			items = append(items, s.item)
		}
	}
	return append(items, c.queue...)
}

// post gives the node an entry. A refusal is final, and told to the log.
func (c *channel) post(e *pb.Entry) (*pb.Posted, error) {
	wait, err := c.postAsync(e)
	if err != nil {
		return nil, err
	}
	return wait()
}

// postAsync is post that does not wait: what is posted after it comes after it.
func (c *channel) postAsync(e *pb.Entry) (wait func() (*pb.Posted, error), err error) {
	e.Channel = c.name
	clean(e)
	answer, err := c.l.h.PostAsync(c.ctx, e)
	return func() (*pb.Posted, error) {
		p, err := answer(c.ctx)
		if err == nil && p.GetCode() != "" {
			c.l.log.Warn("the node refuses what Slack said", "channel", c.name, "kind", e.GetKind(), "code", p.GetCode(), "text", p.GetText())
		}
		return p, err
	}, err
}

// line says something of the channel itself.
func (c *channel) line(key, text string) error {
	_, err := c.post(&pb.Entry{Key: key, Kind: "line", Text: text})
	return err
}

func (c *channel) count(what, reason string, n int) {
	if n > 0 {
		c.l.h.Count(&pb.Count{Channel: c.name, What: what, Reason: reason, N: uint64(n)})
	}
}
