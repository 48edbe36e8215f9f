package bridge

import (
	"context"
	"log/slog"
	"sync"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
)

// Host is the node, as a running plugin has it. All methods may be called from any goroutine.
// Where the stream has ended, those with an error return it and the others do nothing: the plugin's
// ctx has ended then too.
type Host struct {
	open   *pb.Open
	log    *slog.Logger
	frames Frames
	events *events
	posts  *posts
	asks   *asks

	life    context.Context // ends with the stream, not with Stop: what is begun can be finished
	endLife context.CancelCauseFunc
	sending sync.Mutex
}

// defaultWindow is for a node that named none.
const defaultWindow = 64

func newHost(open *pb.Open, f Frames, log *slog.Logger) *Host {
	h := &Host{open: open, log: log, frames: f, events: newEvents()}
	h.life, h.endLife = context.WithCancelCause(context.Background())
	window := int(open.GetWindow())
	if window == 0 {
		window = defaultWindow
	}
	h.posts, h.asks = newPosts(h, window), newAsks(h)
	return h
}

func (h *Host) end(err error) { h.endLife(err) }

// send puts a frame on the stream; it waits no longer than the stream does.
func (h *Host) send(f *pb.PluginFrame) error {
	h.sending.Lock()
	defer h.sending.Unlock()
	if h.life.Err() != nil {
		return context.Cause(h.life)
	}
	err := h.frames.Send(f)
	if err != nil {
		h.end(err)
	}
	return err
}

// Open is what the node said first: settings, links, names. It does not change; what
// changes later comes as an event.
func (h *Host) Open() *pb.Open { return h.open }

// Events come in the node's order. The channel is closed when ctx ends.
func (h *Host) Events() <-chan Event { return h.events.out }

// Log writes to the bridge's log, which the node keeps and shows to its administrators. Never a secret.
func (h *Host) Log() *slog.Logger { return h.log }

// Outcome answers a delivery.
func (h *Host) Outcome(o *pb.Outcome) {
	h.send(&pb.PluginFrame{Frame: &pb.PluginFrame_Outcome{Outcome: o}})
}

// Done answers that the delivery is on the far network, as these ids.
func (h *Host) Done(d *pb.Delivery, remote ...string) {
	h.Outcome(&pb.Outcome{Id: d.GetId(), Channel: d.GetChannel(), Remote: remote})
}

// Dropped answers that it never will be: why is a word that is counted, text is for people.
func (h *Host) Dropped(d *pb.Delivery, why, text string) {
	h.Outcome(&pb.Outcome{Id: d.GetId(), Channel: d.GetChannel(), Dropped: why, Text: text})
}

// Again answers that it cannot be now: it comes again, and what came after it in its channel and is not
// answered, no sooner than after this time.
func (h *Host) Again(d *pb.Delivery, after time.Duration) {
	h.Outcome(&pb.Outcome{Id: d.GetId(), Channel: d.GetChannel(), AgainMs: uint32(max(after.Milliseconds(), 1))})
}

// Status says how the bridge is, or one channel of it.
func (h *Host) Status(s *pb.Status) {
	h.send(&pb.PluginFrame{Frame: &pb.PluginFrame_Status{Status: s}})
}

// Roster says who is in a channel.
func (h *Host) Roster(r *pb.Roster) {
	h.send(&pb.PluginFrame{Frame: &pb.PluginFrame_Roster{Roster: r}})
}

// Typing says that a ghost is writing, or not any more.
func (h *Host) Typing(t *pb.Typing) {
	h.send(&pb.PluginFrame{Frame: &pb.PluginFrame_Typing{Typing: t}})
}

// Count tells of what the node cannot see: what was not posted, duplicates, reconnects.
func (h *Host) Count(c *pb.Count) {
	h.send(&pb.PluginFrame{Frame: &pb.PluginFrame_Count{Count: c}})
}
