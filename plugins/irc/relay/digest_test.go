package relay

import (
	"testing"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/ircdouble"
)

// reaction is somebody's to "hello".
func reaction(kind, name, emoji string) *pb.Delivery {
	return &pb.Delivery{Channel: garden, Kind: kind, Emoji: emoji, Author: &pb.Person{User: name + "@node.example", Name: name},
		Target: &pb.Ref{Event: "e1", Remote: []string{"id1"}, Text: "hello", Time: now()}}
}

// Reactions of a while are one line; what is taken back meanwhile was nothing.
func TestReactionDigest(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"reactions": "digest", "digest_seconds": "1"}, func(s *ircdouble.Server) { s.Caps = nil })
	other := reaction("react", "Dan", "❤")
	other.Target = &pb.Ref{Event: "e2", Text: "there", Time: now()}
	var ids []string
	for _, d := range []*pb.Delivery{reaction("react", "Alice", "👍"), reaction("react", "Bea", "🎉"), reaction("react", "Carol", "👍"),
		reaction("react", "Eve", "👎"), reaction("unreact", "Eve", "👎"), other} {
		ids = append(ids, w.host.Deliver(d))
	}
	w.relayed(alice("not held up by them"), "<Alice> not held up by them")
	for _, id := range ids {
		if o := w.host.Outcome(id); o.GetDropped() != "" {
			t.Error(o)
		}
	}
	w.expect("<Alice> not held up by them", "Reactions: 👍 Alice, Carol to “hello”; 🎉 Bea to “hello”; ❤ Dan to “there”")
	w.dropped(reaction("unreact", "Alice", "👍"), "not_on_irc") // it was told
	w.relayed(reaction("react", "Alice", "🎉"), "Alice reacts 🎉 to “hello”")
}

// A crowd does not wait for the time to be over, and is no longer than a line.
func TestReactionDigestOfACrowd(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"reactions": "digest", "digest_seconds": "30"}, nil)
	var ids []string
	for _, name := range crowd(2 * maxDigest) {
		d := reaction("react", name+" of the very long names club", "👍"+name)
		ids = append(ids, w.host.Deliver(d))
	}
	for _, id := range ids {
		w.host.Outcome(id)
	}
	if said := w.said(); len(said) != 2 || len(said[0]) > 512 {
		t.Errorf("%q", said)
	}
}

// The bridge dies after a digest was said and before it knows: it finds it in the channel's history, though the
// reactions come again one by one, and with a new one among them.
func TestReactionDigestIsSaidOnce(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"reactions": "digest", "digest_seconds": "1"}, nil)
	w.relayed(alice("settled"), "<Alice> settled")
	w.irc.Do(func() { w.irc.Mumble = true })
	ids := []string{w.host.Deliver(reaction("react", "Alice", "👍")), w.host.Deliver(reaction("react", "Bea", "👍"))}
	w.irc.WaitSaid(garden, "Reactions: ")
	w.irc.Do(func() { w.irc.Mumble = false })
	w.host.Restart()
	ids = append(ids, w.host.Deliver(reaction("react", "Carol", "👍")))
	for _, id := range ids {
		if o := w.host.Outcome(id); o.GetDropped() != "" {
			t.Error(o)
		}
	}
	w.expect("<Alice> settled", "Reactions: 👍 Alice, Bea to “hello”", "Carol reacts 👍 to “hello”")
}
