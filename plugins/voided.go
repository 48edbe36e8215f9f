package plugins

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
	pb "hearth/plugins/bridge/bridgepb"
)

// undo is a delivery that undoes over there what was taken back here.
type undo struct {
	delivery *pb.Delivery
	again    room.EventID // a message that is said again: from then on it is that over there
}

// undoable are the kinds that do something over there and need not be anything. That they were relayed is kept as a
// trace in the place of an id.
var undoable = map[string]bool{"edit": true, "delete": true, "react": true, "unreact": true, "pin": true, "unpin": true}

const traces = "hearth:"

func traceOf(d *pb.Delivery) string { return traces + d.GetId() }

func isTrace(remote string) bool { return strings.HasPrefix(remote, traces) }

// withdrawn is something that was relayed and then taken back.
type withdrawn struct {
	was    *roompb.Event
	target *roompb.Event // of what is about a message: as that stands now
	remote []string      // a message's; of what is about one: the target's
}

// voided undoes what an entry of the room's state took back: what its author did when the right to was gone
// already, unknown to the author's node, and what was relayed meanwhile.
//
// Each delivery has an id that follows from the event that is undone, so that a second reading of the entry, after a
// kill, says the same.
func (l *life) voided(a *lane, item *roompb.Item) (verdict, error) {
	e := item.GetEvent()
	all, v, err := l.withdrawn(a, item)
	if v.wait || err != nil {
		return v, err
	}
	for i, w := range all {
		var u undo
		switch room.Kind(w.was.GetKind()) {
		case room.KindText, room.KindEmote:
			u.delivery = l.takeAway(e, w)
		case room.KindEdit:
			if !w.among(all[i+1:], room.KindEdit) && !w.among(all, room.KindDelete) { // of several one puts back what was before all
				u.delivery, err = l.putBack(a, e, w)
			}
		case room.KindDelete:
			switch {
			case w.among(all[i+1:], room.KindDelete) || w.target == nil || w.target.GetDeletedBy() != "":
			case l.old(e):
				v.dropped = "stale"
			case w.target.GetDeleted() && a.out.recalls(e.GetPos()):
				return verdict{wait: true}, nil
			default:
				u.delivery, err = l.sayAgain(a, w)
				u.again, _ = room.ParseHash(w.was.GetTarget())
			}
		default:
			if !w.among(all, room.KindDelete) {
				u.delivery = l.turnBack(w)
			}
		}
		if err != nil {
			return verdict{}, err
		}
		if d := u.delivery; d != nil {
			d.Id, d.Channel, d.Time = "void-"+w.was.GetId(), a.channel, e.GetTime()
			v.undone = append(v.undone, u)
		}
	}
	return v, nil
}

// withdrawn is what an entry took back and what has left a trace over there, the oldest first; the verdict says to
// wait while some of it is on its way.
func (l *life) withdrawn(a *lane, item *roompb.Item) (all []withdrawn, v verdict, err error) {
	for _, id := range item.GetVoided() {
		if a.out.on(id) {
			return nil, verdict{wait: true}, nil
		}
		left, err := l.tracesOf(a, id)
		if err != nil || len(left) == 0 {
			if err != nil {
				return nil, v, err
			}
			continue // it never was there
		}
		event, _ := room.ParseHash(id)
		was, target, err := l.n.Withdrawn(l.caller, a.room, event)
		switch {
		case room.CodeOf(err) == room.NotFound:
			continue
		case err != nil:
			return nil, v, err
		case was.GetAuthor() == string(l.caller.User) || l.beenHere(was.GetGhost()):
			continue // it came from there
		}
		of := id
		if was.GetTarget() != "" {
			of = was.GetTarget()
		}
		remote, err := l.remoteOf(a, of)
		if err != nil {
			return nil, v, err
		}
		all = append(all, withdrawn{was, target, remote})
	}
	slices.SortStableFunc(all, func(a, b withdrawn) int { return cmp.Compare(a.was.GetOrder(), b.was.GetOrder()) })
	return all, v, nil
}

// among tells whether something of a kind, about the same message, is among others.
func (w withdrawn) among(others []withdrawn, kind room.Kind) bool {
	return slices.ContainsFunc(others, func(o withdrawn) bool {
		return o.was.GetKind() == string(kind) && o.was.GetTarget() == w.was.GetTarget()
	})
}

// takeAway deletes a message, in the name of who took the right away.
func (l *life) takeAway(e *roompb.Event, w withdrawn) *pb.Delivery {
	if len(w.remote) == 0 || !l.can.GetDeletes() && (!l.can.GetCorrects() || l.old(e)) {
		return nil
	}
	return &pb.Delivery{Kind: "delete", Author: l.person(e.GetAuthor(), e.GetGhost()), Target: l.ref(nil, w.was.GetId(), w.remote)}
}

// putBack edits a message into what it is here, in the name of its author.
func (l *life) putBack(a *lane, e *roompb.Event, w withdrawn) (*pb.Delivery, error) {
	t := w.target
	switch {
	case len(w.remote) == 0 || t == nil || t.GetDeleted() || t.GetText() == w.was.GetText():
		return nil, nil
	case !l.can.GetEdits() && (!l.can.GetCorrects() || l.old(e)):
		return nil, nil
	}
	d := l.delivery(a, t)
	d.Kind, d.OldText, d.Target = "edit", w.was.GetText(), l.ref(t, t.GetId(), w.remote)
	d.Mentions = l.mentioned(t)
	return d, l.context(a, d, t)
}

// opposite undoes a kind.
var opposite = map[string]string{"react": "unreact", "unreact": "react", "pin": "unpin", "unpin": "pin"}

// turnBack brings a reaction, or a pin, to how it stands here.
func (l *life) turnBack(w withdrawn) *pb.Delivery {
	t, undoes := w.target, opposite[w.was.GetKind()]
	if undoes == "" || len(w.remote) == 0 || t == nil || t.GetDeleted() {
		return nil
	}
	switch undoes {
	case "react", "unreact":
		if !l.can.GetReactions() || reacted(t, w.was) != (undoes == "react") {
			return nil
		}
	default:
		if !l.can.GetPins() || t.GetPinned() != (undoes == "pin") {
			return nil
		}
	}
	return &pb.Delivery{
		Kind: undoes, Author: l.person(w.was.GetAuthor(), w.was.GetGhost()), Emoji: w.was.GetEmoji(),
		Target: l.ref(t, t.GetId(), w.remote), Hops: w.was.GetGhost().GetHops(),
	}
}

// reacted tells whether a message has the reaction that r made, or took away, of the same person.
func reacted(t, r *roompb.Event) bool {
	actor := r.GetAuthor()
	if r.GetGhost() != nil {
		actor += "/" + r.GetGhost().GetId()
	}
	return slices.ContainsFunc(t.GetReactions(), func(one *roompb.Reaction) bool {
		return one.GetEmoji() == r.GetEmoji() && slices.Contains(one.GetUsers(), actor)
	})
}

// sayAgain says a message whose deletion did not count: no network brings back what was deleted there.
func (l *life) sayAgain(a *lane, w withdrawn) (*pb.Delivery, error) {
	t, by := w.target, l.person(w.was.GetAuthor(), w.was.GetGhost()).GetName()
	d := l.delivery(a, t)
	if t.GetDeleted() { // nobody has its words any more
		return &pb.Delivery{Kind: "notice", Text: fmt.Sprintf("A message of %s was deleted here by %s, who had lost the right to. It stands in the room, without its words: no node has them any more.", d.GetAuthor().GetName(), by)}, nil
	}
	d.Text = strings.TrimSpace(fmt.Sprintf("%s\n\n_(said again: it was deleted here by %s, who had lost the right to)_", d.GetText(), by))
	d.Files, d.Mentions = l.files(t), l.mentioned(t)
	return d, l.context(a, d, t)
}

// recall is until when a link waits for the words of a message that was deleted and stands again: other nodes are asked.
type recall struct {
	pos   uint64
	until time.Time
}

const recallWithin = 10 * time.Second

func (o *outbox) recalls(pos uint64) bool {
	if o.recall.pos != pos {
		o.recall = recall{pos, time.Now().Add(recallWithin)}
	}
	return time.Now().Before(o.recall.until)
}
