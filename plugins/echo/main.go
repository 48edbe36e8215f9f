// Command hearth-bridge-echo is a bridge to a network where nobody is but an echo. It is the example of
// docs/guide-bridge-author.md: all that a bridge must do, and little else.
//
// Make it run: copy the binary to `plugins` beside the data folder, and
//
//	hearth bridge add echo --name echo
//	hearth bridge link echo '#garden@node.example' cave --no-consent
package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
)

func main() { bridge.Serve(&echo{}) }

// echo is the bridge. What it needs for one life it keeps in Run.
type echo struct{}

// Describe says what the network can carry, and what an administrator is asked for.
func (*echo) Describe() *pb.Description {
	return &pb.Description{
		Kind: "echo", Title: "Echo", Version: "1", ChannelHint: "cave",
		Can:          &pb.Capabilities{Edits: true, Deletes: true, Reactions: true, Replies: true},
		Settings:     []*pb.Setting{{Name: "voice", Title: "Voice", Help: "The name that the echo has.", Type: "text", Default: "Echo"}},
		LinkSettings: []*pb.Setting{{Name: "voice", Title: "Voice", Help: "The name that the echo has in this channel alone.", Type: "text"}},
		Setup:        "Nothing is needed on the far side: there is nobody.",
	}
}

// Run is one life: what comes is said back, until the node has had enough.
func (*echo) Run(ctx context.Context, h *bridge.Host) error {
	voice := h.Open().GetSettings()["voice"]
	if voice = strings.TrimSpace(voice); voice == "" || len(voice) > 50 {
		// What an administrator has to put right is a status, not an error: a crash would be tried again.
		h.Status(&pb.Status{State: "down", Reason: "The voice has to have 1 to 50 characters. Set it by `hearth bridge set`."})
		<-ctx.Done()
		return nil
	}
	ghosts := map[string]*pb.Ghost{} // by channel
	join := func(l *pb.Link) {
		ghost := &pb.Ghost{Id: "echo", Name: cmp.Or(l.GetSettings()["voice"], voice)}
		ghosts[l.GetChannel()] = ghost
		h.Roster(&pb.Roster{Channel: l.GetChannel(), Whole: true, Here: []*pb.Ghost{ghost}})
	}
	connected := func() {
		h.Status(&pb.Status{State: "connected", Heard: time.Now().UnixMilli()})
	}
	connected()
	for _, l := range h.Open().GetLinks() {
		join(l)
	}
	minute := time.NewTicker(30 * time.Second) // whoever says that it hears says so again
	defer minute.Stop()
	for {
		select {
		case <-minute.C:
			connected()
		case e, more := <-h.Events():
			if !more {
				return nil
			}
			switch e := e.(type) {
			case *pb.Delivery:
				answer(h, ghosts[e.GetChannel()], e)
			case *pb.Link:
				join(e)
			}
		}
	}
}

// answer says one delivery back. All that it says follows from the delivery, so that doing it
// twice, after a restart, is as doing it once: the same id over there, the same key.
func answer(h *bridge.Host, ghost *pb.Ghost, d *pb.Delivery) {
	e := &pb.Entry{Key: "back-" + d.GetId(), Channel: d.GetChannel(), Kind: d.GetKind(), Ghost: ghost, Hops: d.GetHops()}
	if g := d.GetAuthor().GetGhost(); g != nil { // it passed that network too
		e.Hops = append(e.Hops[:len(e.Hops):len(e.Hops)], g.GetNetwork())
	}
	switch d.GetKind() {
	case "text", "emote":
		e.Remote, e.Text, e.ReplyTo = "echo-"+d.GetId(), d.GetText(), "word-"+d.GetId()
	case "edit":
		e.Text, e.Target = d.GetText(), echoOf(d.GetTarget())
	case "delete":
		e.Target = echoOf(d.GetTarget())
	case "react", "unreact":
		e.Emoji, e.Target = d.GetEmoji(), echoOf(d.GetTarget())
	default: // the topic, and what the node itself has to say
		h.Done(d)
		return
	}
	// First the answer: it makes known what the words are over here, which the echo refers to.
	h.Done(d, "word-"+d.GetId())
	h.PostLater(e)
}

// echoOf is the echo of a message that is referred to.
func echoOf(r *pb.Ref) string {
	for _, remote := range r.GetRemote() {
		if id, ok := strings.CutPrefix(remote, "word-"); ok {
			return fmt.Sprint("echo-", id)
		}
	}
	return "nothing"
}
