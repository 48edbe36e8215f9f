// Package relay is the Slack bridge: what is said in a channel is posted to its room, and what is said in the
// room to the channel.
//
// Inwards: an envelope is kept in the inbox (a value of the bridge's own, on the node's disk) before Slack is
// told that it came; each channel works through its part of the inbox in order, and an entry is deleted when
// the node has the message. What was missed while no socket was open is read from the channel's
// history. Nothing is posted twice: the node knows an entry by its key, which is made of the message's ts.
//
// Outwards: each channel has three queues, of messages, of changes and of reactions. A message carries its
// event's id in its metadata, so that a later life, or an attempt after a call whose answer never
// came, finds in the channel what it has posted already.
package relay

import (
	"context"
	"time"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

// Bridge is the plugin. Its zero value is the one that is served.
type Bridge struct {
	Timing Timing
}

// Timing is how long the bridge waits for what; zero is the usual time. Tests have less of it.
type Timing struct {
	Silence time.Duration // of a socket before it is pinged
	Retry   time.Duration // first pause after something failed: 1 s; the node is asked to come again after 5 or 30 times that
	Lull    time.Duration // first pause after too_many_websockets: 30 s
	Look    time.Duration // between two looks whether the token still works and posts come back: 45 s
	Save    time.Duration // between two writes of how far a channel was read: 5 s
	Order   time.Duration // for an event that happened earlier and comes later by the other socket: 100 ms
	Overlap time.Duration // of what a fill reads with what is posted, since an event may be lost while later ones come: 6 min, as long as Slack repeats them
	Edits   time.Duration // how far back a fill looks for edits and for threads that go on: 1 h
	Settle  time.Duration // from the start until a look tells all that a former life has posted: 3 s
	File    time.Duration // for a file that Slack has not finished: 20 s
}

func (t *Timing) defaults() {
	for d, v := range map[*time.Duration]time.Duration{&t.Retry: time.Second, &t.Look: 45 * time.Second, &t.Settle: 3 * time.Second, &t.Save: 5 * time.Second, &t.File: 20 * time.Second, &t.Order: 100 * time.Millisecond, &t.Overlap: 6 * time.Minute, &t.Edits: time.Hour} {
		if *d == 0 {
			*d = v
		}
	}
}

// Describe says what the bridge can and needs.
func (b *Bridge) Describe() *pb.Description {
	return &pb.Description{
		Kind: "slack", Title: "Slack", Version: Version, ChannelHint: "#general, or a channel's id: C0123456789", LinkHint: "/bridge link CODE",
		Can: &pb.Capabilities{
			Edits: true, Deletes: true, Reactions: true, Replies: true, Threads: true, Files: true, Topic: true, CatchesUp: true, Pins: true,
		},
		Settings: describeSettings(), Setup: Setup,
	}
}

// Run relays until ctx ends.
func (b *Bridge) Run(ctx context.Context, h *bridge.Host) error {
	timing := b.Timing
	timing.defaults()
	set, err := readSettings(h.Open().GetSettings())
	if err != nil {
		h.Status(&pb.Status{State: "login", Reason: err.Error()})
		<-ctx.Done() // another attempt would read the same
		return nil
	}
	l := newLife(ctx, h, set, timing)
	defer l.end()
	l.begin()
	for e := range h.Events() {
		l.event(e)
	}
	return nil
}
