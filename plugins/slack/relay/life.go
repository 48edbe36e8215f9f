package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/socket"
	"hearth/plugins/slack/web"
)

// life is one run of the bridge.
type life struct {
	h      *bridge.Host
	log    *slog.Logger
	set    settings
	timing Timing
	begun  time.Time
	web    *web.Client
	pool   *socket.Pool // nil with the Events API
	inbox  *inbox
	people *people
	echoes *echoes
	status *status
	direct direct
	marks  marks

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	in     chan struct{} // closed once Slack has said who we are
	look   chan struct{} // asks for a look at the token, one slot

	me web.Who // set before in is closed

	mu       sync.Mutex
	channels map[string]*channel // by the name that the administrator wrote
	leaving  map[*channel]bool   // that were unlinked and are not left yet
	byID     map[string]*channel // by Slack's id
	groups   map[string]string   // names of user groups
	emoji    map[string]bool     // names of the workspace's own
}

func newLife(ctx context.Context, h *bridge.Host, set settings, timing Timing) *life {
	l := &life{h: h, log: h.Log(), set: set, timing: timing, begun: time.Now(), in: make(chan struct{}), look: make(chan struct{}, 1),
		channels: map[string]*channel{}, leaving: map[*channel]bool{}, byID: map[string]*channel{}, echoes: newEchoes(), inbox: newInbox(h)}
	l.ctx, l.cancel = context.WithCancel(ctx)
	l.web = web.NewClient(web.Config{BotToken: set.botToken, AppToken: set.appToken, APIURL: set.apiURL, Pace: set.pace, Limited: l.limited})
	l.people = newPeople(l)
	l.status = newStatus(h)
	return l
}

func (l *life) limited(method string, after time.Duration) {
	l.log.Info("Slack asks to wait", "method", method, "after", after.String())
}

// begin starts all that runs beside the events from the node.
func (l *life) begin() {
	l.status.set("", "connecting", "Slack was asked for the app, and has not answered yet.")
	for _, link := range l.h.Open().GetLinks() {
		l.link(link)
	}
	l.work.Go(l.connect)
}

func (l *life) end() {
	l.cancel()
	l.work.Wait()
	l.web.Close()
}

// event takes what the node says.
func (l *life) event(e bridge.Event) {
	switch e := e.(type) {
	case *pb.Delivery:
		c := l.channel(e.GetChannel())
		switch {
		case c == nil:
			l.h.Dropped(e, "not_linked", "The channel is not linked any more.")
		case !c.out.add(e):
			l.h.Again(e, l.timing.Retry)
		}
	case *pb.Link:
		l.link(e)
	case bridge.Unlink:
		l.unlink(string(e))
	}
}

func (l *life) channel(name string) *channel {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.channels[name]
}

func (l *life) channelByID(id string) *channel {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}

// known notes that a channel has an id of Slack's, and returns whose it is: another's, when two are linked to it. One that was
// unlinked while it looked has none.
func (l *life) known(id string, c *channel) *channel {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID[id] == nil && l.channels[c.name] == c {
		l.byID[id] = c
	}
	return cmp.Or(l.byID[id], c)
}

func (l *life) all() []*channel {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*channel
	for _, c := range l.channels {
		all = append(all, c)
	}
	return all
}

// link begins a channel, or tells a running one what has changed.
func (l *life) link(link *pb.Link) {
	if c := l.channel(link.GetChannel()); c != nil {
		c.changed(link)
		return
	}
	c := newChannel(l, link)
	l.mu.Lock()
	l.channels[link.GetChannel()] = c
	c.after = slices.Collect(maps.Keys(l.leaving))
	l.mu.Unlock()
	l.work.Go(c.run)
	l.work.Go(c.send)
}

func (l *life) unlink(name string) {
	c := l.channel(name)
	if c == nil {
		return
	}
	l.mu.Lock()
	delete(l.channels, name)
	for id, other := range l.byID {
		if other == c {
			delete(l.byID, id)
		}
	}
	l.leaving[c] = true
	l.mu.Unlock()
	l.work.Go(c.leave)
}

// departed notes that a channel was left: one that was linked meanwhile, which may be the same in Slack, can begin.
func (l *life) departed(c *channel) {
	l.mu.Lock()
	delete(l.leaving, c)
	l.mu.Unlock()
	close(c.gone)
}

// connect signs in, starts the way in, and looks after both.
func (l *life) connect() {
	if !l.login() {
		return
	}
	if l.set.events {
		l.work.Go(l.serveEvents)
	} else {
		l.pool = &socket.Pool{Open: l.web.Open, Take: l.envelope, Changed: l.sockets, Log: l.log,
			Silence: l.timing.Silence, Base: l.timing.Retry, Lull: l.timing.Lull}
		l.work.Go(func() { l.pool.Run(l.ctx) })
	}
	l.work.Go(l.learn)
	l.work.Go(l.forgetUploads)
	l.keepLooking()
}

// login asks until Slack accepts the token.
func (l *life) login() bool {
	for delay := l.timing.Retry; ; delay = min(2*delay, time.Minute) {
		who, err := l.web.Test(l.ctx)
		if err == nil {
			l.me = who
			l.inboxLoad()
			close(l.in)
			return true
		}
		l.failed(err)
		if !l.pause(delay) {
			return false
		}
	}
}

// inboxLoad hands the channels what an earlier life has kept and not posted.
func (l *life) inboxLoad() {
	items, err := l.inbox.load(l.ctx)
	if err != nil {
		l.log.Error("the inbox could not be read", "error", err.Error())
	}
	for _, c := range l.all() {
		if len(c.after) == 0 {
			c.load()
		}
	}
	for _, it := range items {
		if c := l.channelByID(it.event.channelID()); c == nil || !c.push(it) {
			l.inbox.done(l.ctx, it)
		}
	}
	l.leaveUnlinked()
}

// leaveUnlinked leaves the channels that were unlinked while the bridge was away.
func (l *life) leaveUnlinked() {
	ctx, cancel := context.WithTimeout(l.ctx, leaveWithin)
	defer cancel()
	keys, _ := l.h.List(ctx, channelKeys)
	for _, key := range keys {
		if l.channel(strings.TrimPrefix(key, channelKeys)) != nil {
			continue
		}
		var k kept
		raw, ok, err := l.h.Get(ctx, key)
		if err != nil || !ok {
			continue
		}
		if json.Unmarshal(raw, &k); k.ID != "" && l.channelByID(k.ID) == nil {
			if err := l.web.Leave(ctx, k.ID); err != nil {
				l.log.Info("the app is still in a channel that is not linked any more", "channel", k.ID, "error", err.Error())
			}
		}
		l.h.Delete(ctx, key)
	}
}

// leaveWithin bounds what the start may wait for it.
const leaveWithin = 10 * time.Second

// learn reads what the workspace calls its groups and emoji. Without it they stay as they are written.
func (l *life) learn() {
	groups, err := l.web.Groups(l.ctx)
	if err != nil {
		l.log.Info("the names of user groups are not known", "error", err.Error())
	}
	emoji, err := l.web.Emoji(l.ctx)
	if err != nil {
		l.log.Info("the workspace's own emoji are not known", "error", err.Error())
	}
	names := map[string]bool{}
	for name := range emoji {
		names[name] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups, l.emoji = groups, names
}

// keepLooking proves now and then that the token still works, and that what is posted comes back as an
// event: pings alone prove nothing.
func (l *life) keepLooking() {
	tick := time.NewTicker(l.timing.Look)
	defer tick.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		case <-l.look:
		}
		if _, err := l.web.Test(l.ctx); err != nil {
			l.failed(err)
			continue
		}
		l.status.token("")
		l.status.heard(l.lastHeard())
		why := l.echoes.missing(2 * l.timing.Look)
		l.status.deaf(why)
		l.status.unmarked(l.marks.missing())
		if why != "" { // what events do not tell, the channels do
			l.fillAll(false)
		}
	}
}

func (l *life) lastHeard() int64 {
	if l.pool == nil { // Slack calls only when there is something to say; it has just answered
		return time.Now().UnixMilli()
	}
	return l.pool.Heard()
}

// lookNow has the token looked at before it is time.
func (l *life) lookNow() {
	select {
	case l.look <- struct{}{}:
	default:
	}
}

// failed says what err means for the whole bridge, if it means anything.
func (l *life) failed(err error) {
	_, unreached := errors.AsType[*web.Unreached](err)
	switch refused := web.Login(err); {
	case l.ctx.Err() != nil:
	case refused != "" && web.Code(err) != "missing_scope":
		l.status.token("Slack does not accept the bot token: " + refused + ". " + l.again())
	case unreached:
		l.log.Warn("Slack cannot be reached", "error", err.Error())
		l.status.trouble(trouble{"Slack cannot be reached: " + why(err) + ".", err.Error()})
	}
}

// again is what an administrator does about tokens.
func (l *life) again() string {
	return "Install the app again (api.slack.com/apps), and put its bot token into the bridge's settings (Administration, Bridges; or `hearth bridge set " + l.h.Open().GetBridge() + " bot_token`)."
}

// sockets hears of a socket's beginning and end.
func (l *life) sockets(alive, by int, err error) {
	switch {
	case l.ctx.Err() != nil:
		return
	case by > 0:
		l.fillAll(alive == 1)
	case by < 0:
		l.log.Info("a socket to Slack is gone", "alive", alive, "error", err.Error())
		l.h.Count(&pb.Count{What: "reconnect", N: 1})
	default:
		l.log.Info("a socket to Slack could not be opened", "alive", alive, "error", err.Error())
	}
	switch {
	case errors.Is(err, socket.ErrDisabled):
		l.status.socket(alive, "login", trouble{reason: "Socket Mode is switched off in the app's settings. Switch it on (api.slack.com/apps, Socket Mode); the bridge goes on by itself."})
	case web.Login(err) != "":
		l.status.socket(alive, "login", trouble{reason: "Slack does not accept the app-level token: " + web.Login(err) + ". Make a new one (api.slack.com/apps, Basic Information, App-Level Tokens, scope connections:write), and put it into the bridge's settings (app_token)."})
	case err != nil:
		l.status.socket(alive, "degraded", trouble{"No socket to Slack is open, and another is tried: " + why(err) + ".", err.Error()})
	default:
		l.status.socket(alive, "", trouble{})
	}
}

func (l *life) fillAll(gap bool) {
	for _, c := range l.all() {
		c.askFill(gap)
	}
}

// pause waits; false when the life has ended.
func (l *life) pause(d time.Duration) bool { return pause(l.ctx, d) }

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// isKnownBot tells whether a message is of a bot that relays between networks itself.
func (l *life) isKnownBot(m *web.Message) bool {
	return slices.ContainsFunc(l.h.Open().GetKnownBots(), func(bot string) bool {
		return bot != "" && (bot == m.BotID || bot == m.User || bot == m.Username)
	})
}
