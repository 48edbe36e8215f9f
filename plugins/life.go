package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hearth/node"
	"hearth/node/channel"
	"hearth/node/limit"
	"hearth/node/room"
	pb "hearth/plugins/bridge/bridgepb"
)

// life is one stream with a plugin, from Open to its end.
//
// Goroutines: run's own, which reads frames; relay, which owns the outboxes; watch, which looks that
// the plugin lives; one a channel for what comes in; one a request. All end with the stream.
type life struct {
	k       *keeper
	h       *Host
	n       *node.Node
	book    *channel.Book
	name    string
	caller  node.Caller // the bot
	network string
	can     *pb.Capabilities
	stale   time.Duration
	born    uint64 // generation of the bridge that it is of

	stream  pb.Bridge_RunClient
	ctx     context.Context // the stream's
	end     context.CancelCauseFunc
	sending sync.Mutex
	tasks   sync.WaitGroup

	outcomes chan answered
	unheard  atomic.Int32 // deliveries without an outcome
	progress atomic.Int64 // ns: when the plugin last answered one, or was last given one while there were none
	entries  atomic.Int32 // entries without an answer
	asked    atomic.Int32 // requests without an answer
	flood    *limit.Table[struct{}]
	pace     pace
	chatter  *limit.Table[struct{}]
	avatars  avatars

	mu      sync.Mutex
	lanes   map[string]*lane // by channel
	uploads map[uint64]*upload
	state   *pb.Status
	heard   int64
	slow    bool // no outcome for a while
}

// lane is one link in this life.
type lane struct {
	channel   string
	room      room.ID
	confirmed atomic.Bool
	inbox     chan *pb.Entry
	stop      context.CancelFunc
	link      channel.Link // relay's own
	out       outbox       // relay's own

	// Under life.mu:
	state  *pb.Status
	roster *roster
}

// Entries: as many at once, and so many a second in the long run. More wait. Beyond it the node's people would feel a
// flood: at 500 a second the slowest hundredth of what they say took half as long again.
var flooding = limit.Rate{Burst: 2000, Per: 20 * time.Second}

// Everything else that a plugin says unasked: what comes faster waits in its own stream.
var chattering = limit.Rate{Burst: 2000, Per: 4 * time.Second}

const (
	openWithin   = 10 * time.Second
	mostAsked    = 32 // requests of a plugin under way
	defaultStale = 10 // minutes
)

func newLife(k *keeper, b channel.Bridge, d *pb.Description) (*life, error) {
	l := &life{
		k: k, h: k.h, n: k.h.Node, book: k.h.book, name: b.Name, network: b.Network, can: d.GetCan(),
		caller:   node.Caller{User: k.h.book.Bot(b.Name)},
		outcomes: make(chan answered, 2*window), flood: limit.New[struct{}](flooding, 1), pace: newPace(), chatter: limit.New[struct{}](chattering, 1),
		lanes: map[string]*lane{}, uploads: map[uint64]*upload{}, avatars: avatars{},
		state: &pb.Status{State: channel.Connecting, Reason: "It is connecting."}, born: k.h.book.Generation(b.Name),
	}
	l.ctx, l.end = context.WithCancelCause(context.Background())
	return l, nil
}

// errStopped is why a stream ends that was asked to.
var errStopped = errors.New("it was stopped")

// run speaks with the plugin until the stream ends. When ctx ends the plugin is asked to finish.
func (l *life) run(ctx context.Context, p *plugin) (err error) {
	defer l.tasks.Wait()
	defer l.end(errStopped)
	if l.stream, err = p.Run(l.ctx); err != nil {
		return fmt.Errorf("open the stream: %w", err)
	}
	open, err := l.open()
	if err != nil {
		return err
	}
	if err := l.send(&pb.HostFrame{Frame: &pb.HostFrame_Open{Open: open}}); err != nil {
		return err
	}
	if err := l.awaitOpened(); err != nil {
		return err
	}
	l.book.Logf(l.name, "the plugin has been started")
	stopped := context.AfterFunc(ctx, func() { l.finish() })
	defer stopped()
	l.tasks.Go(l.relay)
	l.tasks.Go(l.watch)
	for {
		f, err := l.stream.Recv()
		if err == nil {
			err = l.take(f)
		}
		if err != nil {
			if l.ctx.Err() != nil {
				err = context.Cause(l.ctx)
			}
			return fmt.Errorf("the stream has ended: %w", err)
		}
	}
}

// finish asks the plugin to end, and sees to it when it does not.
func (l *life) finish() {
	within := l.h.Times.Stop
	time.AfterFunc(within, func() { l.end(errStopped) })
	l.send(&pb.HostFrame{Frame: &pb.HostFrame_Stop{Stop: &pb.Stop{WithinMs: uint32(within.Milliseconds())}}})
}

func (l *life) awaitOpened() error {
	late := time.AfterFunc(openWithin, func() { l.end(errors.New("it did not answer to Open")) })
	defer late.Stop()
	f, err := l.stream.Recv()
	switch {
	case l.ctx.Err() != nil:
		return context.Cause(l.ctx)
	case err != nil:
		return fmt.Errorf("the stream has ended: %w", err)
	case f.GetOpened() == nil:
		return fmt.Errorf("the plugin's first frame is %T, not Opened", f.GetFrame())
	}
	return nil
}

func (l *life) open() (*pb.Open, error) {
	settings, err := l.book.Secrets(l.name)
	if err != nil {
		return nil, err
	}
	l.stale = defaultStale * time.Minute
	if n, err := strconv.Atoi(settings["stale_minutes"]); err == nil && n > 0 {
		l.stale = time.Duration(n) * time.Minute
	}
	open := &pb.Open{
		Protocol: 1, Bridge: l.name, Node: l.n.Name(), Bot: string(l.caller.User), Network: l.network,
		Settings: settings, Window: window, Url: l.h.URL, KnownBots: lines(settings["known_bots"]),
	}
	for _, link := range l.book.Links(l.name) {
		if link.Live() {
			open.Links = append(open.Links, l.describe(link))
			l.add(link)
		}
	}
	return open, nil
}

func lines(list string) (out []string) {
	for _, line := range strings.Split(list, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// describe is a link as the plugin sees it.
func (l *life) describe(link channel.Link) *pb.Link {
	out := &pb.Link{Channel: link.Channel, Room: link.Room.String(), RoomName: link.Room.String(), Confirmed: link.Confirmed}
	if s, err := l.n.Summary(l.caller, link.Room); err == nil {
		out.Topic = s.GetTopic()
		for _, name := range []string{s.GetName(), s.GetAlias()} {
			if name != "" {
				out.RoomName = name
			}
		}
	}
	settings, err := l.book.LinkSecrets(l.name, link.Room)
	if err != nil {
		l.book.Logf(l.name, "the settings of %s cannot be read: %v", link.Channel, err)
	}
	out.Settings = settings
	if p := link.Private; p != nil {
		out.Private = &pb.Private{Person: l.person(string(p.User), nil), Ghost: &pb.Ghost{Id: p.Ghost, Name: p.Name}}
	}
	return out
}

// add begins a lane.
func (l *life) add(link channel.Link) {
	ctx, stop := context.WithCancel(l.ctx)
	a := &lane{
		channel: link.Channel, room: link.Room, inbox: make(chan *pb.Entry, window), stop: stop,
		link: link, out: newOutbox(link.Cursor), roster: newRoster(),
	}
	a.confirmed.Store(link.Confirmed)
	if head, err := l.n.Head(l.caller, link.Room); err == nil {
		a.out.head = head
	}
	l.mu.Lock()
	l.lanes[link.Channel] = a
	l.mu.Unlock()
	l.tasks.Go(func() { l.receive(ctx, a) })
}

func (l *life) lane(channel string) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lanes[channel]
}

func (l *life) allLanes() []*lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]*lane, 0, len(l.lanes))
	for _, a := range l.lanes {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *lane) int { return strings.Compare(a.channel, b.channel) })
	return out
}

// send puts a frame on the stream. It may wait for the plugin to read, no longer than the stream
// lasts: watch ends that.
func (l *life) send(f *pb.HostFrame) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	err := l.stream.Send(f)
	if err != nil && err != io.EOF { // what ended it is known to the reader
		l.end(fmt.Errorf("send: %w", err))
	}
	return err
}

// errContract ends a stream whose plugin does what it must not.
type errContract string

func (e errContract) Error() string { return "it breaks the contract: " + string(e) }

// take is what comes from the plugin. It must not wait for anything but the disk.
func (l *life) take(f *pb.PluginFrame) error {
	switch f.GetFrame().(type) {
	case *pb.PluginFrame_Entry, *pb.PluginFrame_Chunk: // held back by their window, and by the disk
	case *pb.PluginFrame_Outcome:
		if l.unheard.Load() == 0 { // an answer to nothing
			l.calm(l.ctx, func() time.Duration { return l.chatter.Take(struct{}{}, 1, time.Now()) })
		}
	default:
		l.calm(l.ctx, func() time.Duration { return l.chatter.Take(struct{}{}, 1, time.Now()) })
	}
	switch f := f.GetFrame().(type) {
	case *pb.PluginFrame_Outcome:
		return l.takeOutcome(f.Outcome)
	case *pb.PluginFrame_Entry:
		return l.takeEntry(f.Entry)
	case *pb.PluginFrame_Request:
		return l.takeRequest(f.Request)
	case *pb.PluginFrame_Chunk:
		return l.takeChunk(f.Chunk)
	case *pb.PluginFrame_Status:
		l.takeStatus(f.Status)
	case *pb.PluginFrame_Roster:
		l.takeRoster(f.Roster)
	case *pb.PluginFrame_Typing:
		l.takeTyping(f.Typing)
	case *pb.PluginFrame_Count:
		l.takeCount(f.Count)
	case *pb.PluginFrame_Opened:
		return errContract("Opened comes once")
	}
	return nil // of a later version
}

// calm waits until take gives a token.
func (l *life) calm(ctx context.Context, take func() time.Duration) {
	for ctx.Err() == nil {
		d := take()
		if d == 0 {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
}

func (l *life) takeOutcome(o *pb.Outcome) error {
	l.progress.Store(time.Now().UnixNano())
	select {
	case l.outcomes <- answered{Outcome: o}:
		return nil
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

// answered is an outcome on its way to relay, or, without one, a mark among them: written is closed
// once all before it are written down.
type answered struct {
	*pb.Outcome
	written chan struct{}
}

// settled waits until the outcomes that came so far are written down: an entry may refer to what
// an outcome just before it has named.
func (l *life) settled() {
	mark := make(chan struct{})
	select {
	case l.outcomes <- answered{written: mark}:
	case <-l.ctx.Done():
		return
	}
	select {
	case <-mark:
	case <-l.ctx.Done():
	}
}

// watch looks that the plugin answers, and notes how the bridge is.
func (l *life) watch() {
	tick := time.NewTicker(l.h.Times.Tick)
	defer tick.Stop()
	for {
		l.note()
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		}
		silent := time.Duration(0)
		if l.unheard.Load() > 0 {
			silent = time.Since(time.Unix(0, l.progress.Load()))
		}
		if silent > l.h.Times.Hung {
			l.end(fmt.Errorf("it hangs: nothing was answered for %s", silent.Round(time.Second)))
			return
		}
		l.mu.Lock()
		l.slow = silent > l.h.Times.Degraded
		l.mu.Unlock()
	}
}

// room of a channel, for what is counted of it; zero for what is of none.
func (l *life) roomOf(channel string) room.ID {
	if a := l.lane(channel); a != nil {
		return a.room
	}
	return room.ID{}
}
