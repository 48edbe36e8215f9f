package relay

import (
	"slices"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/irc/format"
	"hearth/plugins/irc/wire"
)

// digest is reactions that wait, to be told in one line. They are answered once it is said; after a
// life that ended before that, those which one line told are one again, so that it is known whether it was said.
type digest struct {
	all   []*pb.Delivery
	doubt *doubt // what an earlier try may have said
	timer *time.Timer
}

const maxDigest = 12 // reactions: less than what a node lets be unanswered in one channel

// react holds a reaction back until the digest is said.
func (ch *channel) react(d *pb.Delivery) {
	if d.GetKind() == "unreact" {
		ch.unreact(d)
		return
	}
	g := ch.digestOf(d)
	g.all = append(g.all, d)
	if len(g.all) >= maxDigest {
		g.timer.Stop()
		ch.digested(g)
	}
}

// digestOf is the digest that a reaction belongs to.
func (ch *channel) digestOf(d *pb.Delivery) *digest {
	r := ch.r
	doubt := r.doubtOf(d.GetId())
	if doubt == nil {
		doubt = r.answered(d.GetId())
	}
	for _, g := range ch.digests {
		if g.doubt.of(d.GetId()) || g.doubt == nil && doubt == nil {
			return g
		}
	}
	g := &digest{doubt: doubt}
	if doubt != nil {
		delete(r.doubts, doubt.ID)
	}
	g.timer = r.after(r.settings.digestWait, func() { ch.digested(g) })
	ch.digests = append(ch.digests, g)
	return g
}

// unreact takes a reaction back that was not told yet. What was told stays: IRC has no word for it.
func (ch *channel) unreact(d *pb.Delivery) {
	for _, g := range ch.digests {
		for i, o := range g.all {
			if o.GetTarget().GetEvent() == d.GetTarget().GetEvent() && o.GetEmoji() == d.GetEmoji() && actor(o) == actor(d) {
				g.all = slices.Delete(g.all, i, i+1)
				ch.r.host.Done(o)
				ch.r.host.Done(d)
				return
			}
		}
	}
	ch.r.host.Dropped(d, "not_on_irc", "That a reaction was taken back is not shown on this network.")
}

func actor(d *pb.Delivery) string {
	return d.GetAuthor().GetUser() + "\x00" + d.GetAuthor().GetGhost().GetId()
}

// digested puts what has gathered into the lane, as one job.
func (ch *channel) digested(g *digest) {
	i := slices.Index(ch.digests, g)
	if i < 0 {
		return
	}
	ch.digests = slices.Delete(ch.digests, i, i+1)
	if len(g.all) > 0 {
		j := ch.lane.add(g.all[0])
		j.more = g.all[1:]
		if g.doubt != nil {
			j.doubt = g.doubt
		}
	}
}

// digest renders reactions: "Alice reacts X to “hello”", or "Reactions: X Alice, Bob to “hello”; Y Carol to “there”".
func (j *job) digest() {
	var texts []string
	for all := j.deliveries(); len(all) > 0; {
		first := all[0]
		same := func(d *pb.Delivery) bool {
			return d.GetTarget().GetEvent() == first.GetTarget().GetEvent() && d.GetEmoji() == first.GetEmoji()
		}
		var names []string
		for _, d := range all {
			if same(d) {
				names = append(names, unpinged(j.ch.r.shown(d.GetAuthor())))
			}
		}
		all = slices.DeleteFunc(slices.Clone(all), same)
		said := ""
		if lines := format.FromMarkdown(first.GetTarget().GetText()); len(lines) > 0 {
			said = short(lines[0].Text(), quoteLen)
		}
		if len(j.more) == 0 {
			texts = append(texts, names[0]+" reacts "+first.GetEmoji()+" to “"+said+"”")
		} else {
			texts = append(texts, first.GetEmoji()+" "+strings.Join(names, ", ")+" to “"+said+"”")
		}
	}
	text := format.Clean(strings.Join(texts, "; "))
	if len(j.more) > 0 {
		text = "Reactions: " + text
	}
	if most := j.fits(); len(text) > most {
		text = short(text, most-len("…")) + "…"
	}
	j.pieces = []piece{plainPiece(wire.New("NOTICE", j.ch.name, text))}
}
