package relay

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/conn"
	"hearth/plugins/irc/picture"
)

// IRC is the plugin. The zero IRC is ready to be served.
type IRC struct {
	Beat   time.Duration // between looks at what nobody wakes us for, such as what is to be kept; 0: 20 s
	Stable time.Duration // a connection that stood so long was a good one: after it the first try comes soon; 0: 1 min
	Rush   int           // divides the waits for an answer and before another try, for tests; 0: 1

	Pictures *http.Client // nil: picture.Public
}

func (IRC) Describe() *pb.Description { return describe() }

func (p IRC) Run(ctx context.Context, h *bridge.Host) error {
	s, err := readSettings(h.Open().GetSettings())
	if err != nil { // trying again would not help; the administrator changes them, and the node starts us anew
		h.Status(&pb.Status{State: "down", Reason: err.Error()})
		h.Log().Warn("the settings are not in order", "why", err)
		<-ctx.Done()
		return nil
	}
	if p.Beat == 0 {
		p.Beat = 20 * time.Second
	}
	if p.Stable == 0 {
		p.Stable = time.Minute
	}
	r := newRelay(ctx, h, s)
	rush := time.Duration(max(p.Rush, 1))
	r.stable, r.backoff.Rush = p.Stable, p.Rush
	r.echoTime, r.holdTime, r.comeAgain, r.aloneTime = echoTime/rush, holdTime/rush, comeAgain/rush, aloneTime/rush
	r.lookTime, r.lazyTime = lookTime/rush, lazyTime/rush
	if p.Pictures != nil {
		r.pictures.client = p.Pictures
	}
	return r.loop(p.Beat)
}

// relay is the bridge at work. Its fields belong to loop's goroutine.
type relay struct {
	ctx      context.Context
	host     *bridge.Host
	settings *settings
	open     *pb.Open
	acts     chan func() // what happens elsewhere and concerns it
	inbox    *inbox

	bot                           *client
	puppets                       map[string]*client  // by user
	links                         map[string]*channel // by what the administrator calls it
	stopped                       string              // why the bridge does not connect any more; "": it does
	backoff                       conn.Backoff
	stable                        time.Duration
	echoTime, holdTime, comeAgain time.Duration
	aloneTime                     time.Duration
	target                        int // of settings.targets
	policies                      map[string]policy
	flood                         conn.Flood
	nicks                         map[string]int64 // folded nicks of ours, with the last time (ms): what they said is never taken in
	status                        *pb.Status
	told                          time.Time // when status was sent
	ctcp                          allowance
	private                       allowance
	invites                       allowance
	blocks                        allowance
	shifted                       bool   // somebody came or went since the last look around
	lines                         uint64 // that were said of conversations
	lookTime, lazyTime            time.Duration
	pictures                      pictures
	identd                        identd

	batches map[string]*batch
	flight  []*shot // sent and not shown yet
	journal journal
	doubts  map[string]*doubt // of jobs that are not in a lane, by delivery
	labels  uint64
	batchID uint64

	nextPuppet time.Time // when the next one may connect
	puppetless time.Time // when the network last wanted no more of them
}

func newRelay(ctx context.Context, h *bridge.Host, s *settings) *relay {
	r := &relay{
		ctx: ctx, host: h, settings: s, open: h.Open(), acts: make(chan func(), 256),
		puppets: map[string]*client{}, links: map[string]*channel{}, policies: map[string]policy{}, flood: s.login.Flood,
		nicks: map[string]int64{}, batches: map[string]*batch{}, doubts: map[string]*doubt{},
		ctcp: allowance{most: 3, every: 10 * time.Second}, private: allowance{most: 3, every: 30 * time.Second},
		blocks: allowance{most: 3, every: 30 * time.Second}, invites: allowance{most: 3, every: 10 * time.Minute},
	}
	r.pictures = pictures{client: picture.Public, at: map[string]string{}, handles: map[string]string{}}
	r.inbox = newInbox(ctx, h)
	return r
}

// act runs f in the loop's goroutine; it waits while the loop is busy, and does nothing once that has ended.
func (r *relay) act(f func()) {
	select {
	case r.acts <- f:
	case <-r.ctx.Done():
	}
}

// after runs f in the loop's goroutine after a time.
func (r *relay) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { r.act(f) })
}

// ask runs a request to the node beside the loop, and then what is to be done with its answer within it.
func (r *relay) ask(request func(context.Context) func()) {
	go func() {
		ctx, cancel := context.WithTimeout(r.ctx, 30*time.Second)
		defer cancel()
		if then := request(ctx); then != nil {
			r.act(then)
		}
	}()
}

func (r *relay) loop(beat time.Duration) error {
	defer r.close()
	if err := r.remember(); err != nil {
		if r.ctx.Err() != nil { // stopped before it began
			return nil
		}
		return err
	}
	for _, l := range r.open.GetLinks() {
		r.link(l)
	}
	r.identify()
	r.connect()
	every := time.NewTicker(beat)
	defer every.Stop()
	for {
		select {
		case e, ok := <-r.host.Events():
			if !ok {
				return nil
			}
			r.event(e)
		case f := <-r.acts:
			f()
		case <-every.C:
			r.beat()
		case <-r.ctx.Done():
			return nil
		}
		r.settle()
	}
}

func (r *relay) event(e bridge.Event) {
	switch e := e.(type) {
	case *pb.Delivery:
		r.deliver(e)
	case *pb.Link:
		r.link(e)
	case bridge.Unlink:
		r.unlink(string(e))
	case *pb.Typing:
		r.typing(e)
	case *pb.Mute:
		r.mute(e)
	}
}

// settle lets every connection take what is left to do, until there is nothing.
func (r *relay) settle() {
	for again := true; again; {
		again = false
		for _, c := range r.clients() {
			again = c.turn() || again
		}
		r.lookAround()
		r.pump()
		again = again || r.stirred()
	}
	for _, c := range r.clients() {
		c.arm()
	}
}

// stirred tells whether a connection has lines that it has not written.
func (r *relay) stirred() bool {
	return slices.ContainsFunc(r.clients(), func(c *client) bool { return c.stirred })
}

// clients are all connections, the bot's first.
func (r *relay) clients() []*client {
	var all []*client
	if r.bot != nil {
		all = append(all, r.bot)
	}
	if len(r.puppets) == 0 {
		return all
	}
	return slices.AppendSeq(all, maps.Values(r.puppets))
}

func (r *relay) beat() {
	now := time.Now()
	if r.status != nil && now.Sub(r.told) >= tellTime {
		r.tell(r.status.State, r.status.Reason, r.status.Detail)
	}
	for _, ch := range r.links {
		ch.beat(now)
	}
	if r.journal.stale && !r.journal.busy {
		r.rewrite()
	}
	r.reap(now)
	r.identify()
	r.keepNicks()
}

const tellTime = 40 * time.Second // the node takes a state without news for a minute as a bad sign

// tell sends the bridge's state, with when the network was last heard. The reason is for all who are in a linked
// room, the detail for the administrator.
func (r *relay) tell(state, reason, detail string) {
	s := &pb.Status{State: state, Reason: reason, Detail: detail}
	if r.bot != nil {
		s.Heard = r.bot.session.Heard().UnixMilli()
	}
	r.status, r.told = s, time.Now()
	r.host.Status(s)
}

func (r *relay) count(channel, what, reason string, n int) {
	if n > 0 {
		r.host.Count(&pb.Count{Channel: channel, What: what, Reason: reason, N: uint64(n)})
	}
}

// close says goodbye everywhere.
func (r *relay) close() {
	for _, c := range r.clients() {
		c.quit("The bridge is going down.")
	}
	for _, ch := range r.links {
		ch.hush()
	}
	r.inbox.close()
	r.identd.server.Close()
}

// allowance is how often something may be done that strangers cause.
type allowance struct {
	most  int
	every time.Duration
	left  int
	at    time.Time
}

func (a *allowance) take(now time.Time) bool {
	if now.Sub(a.at) >= a.every {
		a.left, a.at = a.most, now
	}
	a.left--
	return a.left >= 0
}
