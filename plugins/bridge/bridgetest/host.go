package bridgetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

// Patience is how long whatever is waited for may take. It is no measure: what takes as long
// is broken.
const Patience = time.Minute

// Test is what of a testing.TB is used; Check has another.
type Test interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Driver runs a bridge over a pair of frame queues, as bridge.Drive does, or passes them on to a process.
type Driver func(ctx context.Context, f bridge.Frames) error

// Host is a node as a bridge sees it. Its methods end the test when what they wait for does not come.
type Host struct {
	t     Test
	drive Driver
	open  *pb.Open

	mu        sync.Mutex
	changed   chan struct{} // closed, and made anew, at each change
	life      *pipe
	ended     chan struct{} // Drive has returned
	err       error
	opened    bool
	lives     int
	last      int                      // number of the last delivery without an id
	pending   []*pb.Delivery           // not answered, in order
	outcomes  map[string][]*pb.Outcome // by delivery
	posted    map[[2]string]*pb.Posted // by channel and key
	entries   []*pb.Entry              // not taken by Entry
	all       []*pb.Entry
	again     int
	silent    int               // entries without an answer
	uninvited *pb.Entry         // said in a channel that is not linked
	held      map[string]string // by channel: the key that was answered with "again", which comes before all others
	putOff    map[string]*pause // by channel
	unsent    map[string]bool   // deliveries that wait behind what was put off
	refusals  []*pb.Posted
	decide    func(*pb.Entry) *pb.Posted
	repeats   int
	statuses  []*pb.Status
	rosters   map[string]map[string]*pb.Ghost
	typing    []*pb.Typing
	counts    []*pb.Count
	kv        map[string][]byte
	files     map[string]*File
	storing   map[uint64]*File
	pages     []*pb.Publish
	claims    []*pb.Claim
	codes     map[string]string // by channel
	blocks    []*pb.Block
}

// File is a file that the host has.
type File struct {
	File  *pb.File
	Bytes []byte
}

// Start runs a plugin. Of open it needs what the plugin reads; the rest is filled in. It
// stops the plugin at the end of the test, and looks that it has ended.
func Start(t Test, p bridge.Plugin, open *pb.Open) *Host {
	t.Helper()
	return StartDriver(t, driverOf(p), open)
}

func driverOf(p bridge.Plugin) Driver {
	return func(ctx context.Context, f bridge.Frames) error { return bridge.Drive(ctx, p, f) }
}

// StartDriver is Start for a bridge that is run in another way.
func StartDriver(t Test, d Driver, open *pb.Open) *Host {
	t.Helper()
	open = proto.Clone(open).(*pb.Open)
	fill(open)
	h := &Host{
		t: t, drive: d, open: open, changed: make(chan struct{}),
		outcomes: map[string][]*pb.Outcome{}, posted: map[[2]string]*pb.Posted{},
		rosters: map[string]map[string]*pb.Ghost{}, kv: map[string][]byte{},
		files: map[string]*File{}, storing: map[uint64]*File{}, codes: map[string]string{}, held: map[string]string{},
	}
	h.run()
	t.Cleanup(func() { h.Stop() })
	return h
}

func fill(open *pb.Open) {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&open.Bridge, "test")
	set(&open.Node, "node.example")
	set(&open.Bot, open.Bridge+"@"+open.Node)
	set(&open.Network, open.Bridge)
	if open.Window == 0 {
		open.Window = 64
	}
	if open.Protocol == 0 {
		open.Protocol = 1
	}
	for _, l := range open.Links {
		set(&l.Room, "room of "+l.Channel)
		set(&l.RoomName, "#"+l.Channel+"@"+open.Node)
	}
}

// run begins a life.
func (h *Host) run() {
	life := newPipe(func(what string) { h.t.Error(what) })
	ended := make(chan struct{})
	h.mu.Lock()
	h.life, h.ended, h.opened, h.err = life, ended, false, nil
	h.held, h.silent = map[string]string{}, 0
	h.putOff, h.unsent = map[string]*pause{}, map[string]bool{}
	h.lives++
	life.send(&pb.HostFrame{Frame: &pb.HostFrame_Open{Open: h.open}})
	for _, d := range h.pending {
		d.Again = true
		h.deliver(d)
	}
	h.mu.Unlock()
	go func() {
		err := h.drive(life.ctx, end{life, func(f *pb.PluginFrame) { h.take(life, f) }})
		life.cut()
		h.mu.Lock()
		h.err = err
		h.change()
		h.mu.Unlock()
		close(ended)
	}()
}

// Stop asks the plugin to end and waits until it has; it returns what Run returned.
func (h *Host) Stop() error {
	h.t.Helper()
	h.mu.Lock()
	life := h.life
	h.mu.Unlock()
	life.send(&pb.HostFrame{Frame: &pb.HostFrame_Stop{Stop: &pb.Stop{WithinMs: uint32(Patience.Milliseconds())}}})
	return h.End()
}

// End waits until the plugin has ended by itself; it returns what Run returned.
func (h *Host) End() error {
	h.t.Helper()
	h.mu.Lock()
	ended := h.ended
	h.mu.Unlock()
	select {
	case <-ended:
	case <-time.After(Patience):
		h.t.Fatal("the bridge did not end")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// Kill cuts the stream without a word, as when the process dies, and waits until the plugin has noticed. What
// was not answered is delivered again by Restart.
func (h *Host) Kill() {
	h.t.Helper()
	h.mu.Lock()
	h.life.cut()
	h.mu.Unlock()
	h.End()
}

// Restart begins a new life, after Kill where one is running: with the same store, links and
// unanswered deliveries. Use replaces the plugin before it.
func (h *Host) Restart() {
	h.t.Helper()
	h.Kill()
	h.run()
}

// Use makes the next Restart run p.
func (h *Host) Use(p bridge.Plugin) { h.drive = driverOf(p) }

// change wakes whoever waits. The caller holds mu.
func (h *Host) change() {
	close(h.changed)
	h.changed = make(chan struct{})
}

// Wait waits until done says so; done is called with the host's lock held, so it must look only
// at what the test has itself. what is said when it never does.
func (h *Host) Wait(what string, done func() bool) { h.t.Helper(); h.await(what, done) }

func (h *Host) await(what string, done func() bool) {
	h.t.Helper()
	for deadline := time.After(Patience); ; {
		h.mu.Lock()
		ok, changed := done(), h.changed
		err, gone := h.err, closed(h.ended)
		h.mu.Unlock()
		if ok {
			return
		}
		if gone {
			h.t.Fatalf("waited for %s; the bridge has ended: %v", what, err)
		}
		select {
		case <-changed:
		case <-h.ended:
		case <-deadline:
			h.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// waitSome is await that gives up quietly, unless the bridge has ended.
func (h *Host) waitSome(done func() bool) {
	h.t.Helper()
	for deadline := time.After(Patience); ; {
		h.mu.Lock()
		ok, changed := done(), h.changed
		err, gone := h.err, closed(h.ended)
		h.mu.Unlock()
		switch {
		case ok:
			return
		case gone:
			h.t.Fatalf("the bridge has ended: %v", err)
		}
		select {
		case <-changed:
		case <-h.ended:
		case <-deadline:
			return
		}
	}
}

func closed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// ───────────────────────────── What the test says ─────────────────────────────

// Deliver says something in a room. Without an id it is given the next number. It returns the id.
// Whoever has Window deliveries unanswered waits.
func (h *Host) Deliver(d *pb.Delivery) string {
	h.t.Helper()
	d = proto.Clone(d).(*pb.Delivery)
	h.await("room in the window of deliveries", func() bool {
		if len(h.pending) >= int(h.open.Window) {
			return false
		}
		if d.Id == "" {
			h.last++
			d.Id = strconv.Itoa(h.last)
		}
		if d.Time == 0 {
			d.Time = time.Now().UnixMilli()
		}
		h.pending = append(h.pending, d)
		h.deliver(d)
		return true
	})
	return d.Id
}

// deliver sends, as a node does: nothing to a channel in which something was put off.
func (h *Host) deliver(d *pb.Delivery) {
	if h.putOff[d.Channel] != nil {
		h.unsent[d.Id] = true
		return
	}
	h.life.send(&pb.HostFrame{Frame: &pb.HostFrame_Delivery{Delivery: d}})
}

// Link adds a link, or changes it.
func (h *Host) Link(l *pb.Link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open.Links = append(without(h.open.Links, l.Channel), l)
	fill(h.open)
	h.life.send(&pb.HostFrame{Frame: &pb.HostFrame_Link{Link: l}})
}

// Unlink ends a link.
func (h *Host) Unlink(channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unlink(channel)
}

func (h *Host) unlink(channel string) {
	h.open.Links = without(h.open.Links, channel)
	h.pending = slices.DeleteFunc(h.pending, func(d *pb.Delivery) bool { return d.Channel == channel })
	h.life.send(&pb.HostFrame{Frame: &pb.HostFrame_Unlink{Unlink: channel}})
}

func without(links []*pb.Link, channel string) []*pb.Link {
	return slices.DeleteFunc(slices.Clone(links), func(l *pb.Link) bool { return l.Channel == channel })
}

// Typing says that somebody in a room is writing.
func (h *Host) Typing(t *pb.Typing) { h.frame(&pb.HostFrame{Frame: &pb.HostFrame_Typing{Typing: t}}) }

// Mute says that a ghost is not to be heard.
func (h *Host) Mute(m *pb.Mute) { h.frame(&pb.HostFrame{Frame: &pb.HostFrame_Mute{Mute: m}}) }

func (h *Host) frame(f *pb.HostFrame) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.life.send(f)
}

// Refuse answers the next entry that is new with a code.
func (h *Host) Refuse(code, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusals = append(h.refusals, &pb.Posted{Code: code, Text: text})
}

// Again answers the next n entries with "again". They are not given to Entry.
func (h *Host) Again(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.again = n
}

// Decide answers entries from now on; nil: they are accepted. A nil answer leaves an entry without one: it
// is answered when it is posted again.
func (h *Host) Decide(f func(*pb.Entry) *pb.Posted) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.decide = f
}

// Code makes Claim of the channel succeed with code; the link is confirmed then.
func (h *Host) Code(channel, code string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.codes[channel] = code
}

// AddFile gives the host a file, to be fetched by its handle.
func (h *Host) AddFile(f *pb.File, b []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.Size = uint64(len(b))
	h.files[f.Handle] = &File{f, b}
}

// ───────────────────────────── What the bridge said ─────────────────────────────

// Outcome waits for the answer to a delivery; the newest, where there are several.
func (h *Host) Outcome(id string) *pb.Outcome {
	h.t.Helper()
	var o *pb.Outcome
	h.await("the outcome of "+id, func() bool {
		if all := h.outcomes[id]; len(all) > 0 {
			o = all[len(all)-1]
		}
		return o != nil && o.AgainMs == 0
	})
	return o
}

// Outcomes are all answers to a delivery so far, those that say "again" too.
func (h *Host) Outcomes(id string) []*pb.Outcome {
	return locked(h, func() []*pb.Outcome { return slices.Clone(h.outcomes[id]) })
}

// Entry waits for what the bridge says next. A repetition of what was answered is not given again.
func (h *Host) Entry() *pb.Entry {
	h.t.Helper()
	var e *pb.Entry
	h.await("an entry", func() bool {
		if len(h.entries) == 0 {
			return false
		}
		e, h.entries = h.entries[0], h.entries[1:]
		return true
	})
	return e
}

// Entries are all that were said so far, those too that Entry has given.
func (h *Host) Entries() []*pb.Entry {
	return locked(h, func() []*pb.Entry { return slices.Clone(h.all) })
}

// Event is what the host called the entry, "" when it was refused or never said.
func (h *Host) Event(channel, key string) string {
	return locked(h, func() string { return h.posted[[2]string{channel, key}].GetEvent() })
}

// Repeats is how many entries were said again after they had been answered.
func (h *Host) Repeats() int { return locked(h, func() int { return h.repeats }) }

// refused is the first entry from a channel that is not linked, or not confirmed; nil when there was none.
func (h *Host) refused() *pb.Entry { return locked(h, func() *pb.Entry { return h.uninvited }) }

// unansweredEntries is how many entries Decide has left without an answer in this life.
func (h *Host) unansweredEntries() int { return locked(h, func() int { return h.silent }) }

// Status waits until the newest status of a channel, or of the bridge (""), has the state.
func (h *Host) Status(channel, state string) *pb.Status {
	h.t.Helper()
	var s *pb.Status
	h.waitSome(func() bool {
		for i := len(h.statuses) - 1; i >= 0; i-- {
			if h.statuses[i].Channel == channel {
				s = h.statuses[i]
				return s.State == state
			}
		}
		return false
	})
	if s.GetState() != state {
		h.t.Fatalf("waited in vain for %s of %s; it says %q: %q %q", state, cmp.Or(channel, "the bridge"), s.GetState(), s.GetReason(), s.GetDetail())
	}
	return s
}

// Statuses are all so far.
func (h *Host) Statuses() []*pb.Status {
	return locked(h, func() []*pb.Status { return slices.Clone(h.statuses) })
}

// Roster is who is in a channel, by id.
func (h *Host) Roster(channel string) map[string]*pb.Ghost {
	return locked(h, func() map[string]*pb.Ghost { return maps.Clone(h.rosters[channel]) })
}

// WaitRoster waits until the roster is exactly these ids.
func (h *Host) WaitRoster(channel string, ids ...string) {
	h.t.Helper()
	slices.Sort(ids)
	h.await(fmt.Sprintf("roster %v of %s", ids, channel), func() bool {
		return slices.Equal(slices.Sorted(maps.Keys(h.rosters[channel])), ids)
	})
}

// Typings, Counts, Claims, Blocks and Pages are what the bridge has sent so far.
func (h *Host) Typings() []*pb.Typing {
	return locked(h, func() []*pb.Typing { return slices.Clone(h.typing) })
}
func (h *Host) Counts() []*pb.Count {
	return locked(h, func() []*pb.Count { return slices.Clone(h.counts) })
}
func (h *Host) Blocks() []*pb.Block {
	return locked(h, func() []*pb.Block { return slices.Clone(h.blocks) })
}
func (h *Host) Claims() []*pb.Claim {
	return locked(h, func() []*pb.Claim { return slices.Clone(h.claims) })
}
func (h *Host) Pages() []*pb.Publish {
	return locked(h, func() []*pb.Publish { return slices.Clone(h.pages) })
}

// Counted is the sum of the counts of what and reason.
func (h *Host) Counted(what, reason string) (n uint64) {
	for _, c := range h.Counts() {
		if c.What == what && c.Reason == reason {
			n += c.N
		}
	}
	return n
}

// KV is what the bridge has stored, Files what it has stored and what AddFile gave.
func (h *Host) KV() map[string][]byte {
	return locked(h, func() map[string][]byte { return maps.Clone(h.kv) })
}
func (h *Host) Files() map[string]*File {
	return locked(h, func() map[string]*File { return maps.Clone(h.files) })
}

func locked[T any](h *Host, f func() T) T {
	h.mu.Lock()
	defer h.mu.Unlock()
	return f()
}
