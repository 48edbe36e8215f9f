package relay

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/format"
	"hearth/plugins/slack/web"
)

// reaction posts a reaction from Slack.
func (c *channel) reaction(e *event) error {
	user, at := e.userID(), e.fields.Item
	if user == c.l.me.UserID || at.Type != "message" || !web.IsTS(at.TS) {
		return nil
	}
	if err := c.ensure(at.TS); err != nil {
		return err
	}
	kind, key := "react", "r/"
	if e.kind == "reaction_removed" {
		kind, key = "unreact", "u/"
	}
	return c.submit(&pb.Entry{
		Key: key + at.TS + "/" + user + "/" + oneLine(e.fields.Reaction, 100) + "/" + e.fields.EventTS, Kind: kind, Target: at.TS,
		Ghost: c.l.people.author(c.ctx, &web.Message{User: user}), Emoji: format.Emoji(e.fields.Reaction), Time: web.Time(e.fields.EventTS).UnixMilli(),
	})
}

// reacted is who of the room has reacted to a message, under the key re/TS. The app can add each emoji once, and must
// take it away with the last.
type reacted struct {
	Who    map[string]map[string]string `json:"who"`    // by emoji, by actor: the name
	Digest string                       `json:"digest"` // ts of the reply that tells of more than one
}

const reactedLimit = 2000 // messages

// sendReaction adds or takes away a reaction.
func (c *channel) sendReaction(d *pb.Delivery) ([]string, error) {
	if c.l.set.reactions == "off" {
		return nil, refusal{"not_wanted", "The bridge's setting `reactions` is off."}
	}
	remote := c.remote(d.GetTarget())
	if len(remote) == 0 {
		return nil, refusal{"no_such_target", "The message is not in Slack."}
	}
	name := format.EmojiName(d.GetEmoji())
	if name == "" {
		return nil, refusal{"unsupported", "Slack has no such emoji."}
	}
	ts := remote[0]
	r, err := c.reactions(ts)
	if err != nil {
		return nil, err
	}
	actor := d.GetAuthor().GetUser() + "/" + d.GetAuthor().GetGhost().GetId()
	if d.GetKind() == "react" {
		if r.Who[name] == nil {
			r.Who[name] = map[string]string{}
		}
		r.Who[name][actor] = nameOf(d.GetAuthor())
	} else {
		delete(r.Who[name], actor)
	}
	if err := c.keepReactions(ts, r); err != nil {
		return nil, err
	}
	if err := c.applyReaction(ts, name, len(r.Who[name])); err != nil {
		return nil, err
	}
	return nil, c.digest(d, ts, r)
}

// applyReaction makes the bot's own reaction what it should be. Whether it is so already does not matter.
func (c *channel) applyReaction(ts, name string, n int) error {
	var err error
	if n > 0 {
		err = c.l.web.React(c.ctx, c.id(), ts, name)
	} else {
		err = c.l.web.Unreact(c.ctx, c.id(), ts, name)
	}
	switch web.Code(err) {
	case "already_reacted", "no_reaction":
		return nil
	case "invalid_name":
		return refusal{"unsupported", "Slack has no such emoji."}
	case "message_not_found":
		return refusal{"no_such_target", "The message is not in Slack any more."}
	case "too_many_emoji", "too_many_reactions":
		return refusal{"too_many", "The message has as many reactions as Slack allows."}
	}
	return err
}

func (c *channel) reactions(ts string) (*reacted, error) {
	r := &reacted{Who: map[string]map[string]string{}}
	raw, ok, err := c.l.h.Get(c.ctx, "re/"+ts)
	if ok && json.Unmarshal(raw, r) != nil || r.Who == nil {
		r = &reacted{Who: map[string]map[string]string{}}
	}
	return r, err
}

// keepReactions writes who has reacted, and forgets the oldest messages when they are too many.
func (c *channel) keepReactions(ts string, r *reacted) error {
	maps.DeleteFunc(r.Who, func(_ string, who map[string]string) bool { return len(who) == 0 })
	if len(r.Who) == 0 && r.Digest == "" {
		return c.l.h.Delete(c.ctx, "re/"+ts)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := c.l.h.Put(c.ctx, "re/"+ts, raw); err != nil {
		return err
	}
	keys, err := c.l.h.List(c.ctx, "re/")
	for i := 0; err == nil && i < len(keys)-reactedLimit; i++ {
		err = c.l.h.Delete(c.ctx, keys[i])
	}
	return err
}

// digest says in the message's thread who has reacted, once somebody shares an emoji with another.
func (c *channel) digest(d *pb.Delivery, ts string, r *reacted) error {
	shared := false
	for _, who := range r.Who {
		shared = shared || len(who) > 1
	}
	if c.l.set.reactions != "digest" || r.Digest == "" && !shared || c.out.reactionWaits(d) {
		return nil
	}
	root, err := c.root(ts)
	if err != nil {
		return err
	}
	at := place{thread: cmp.Or(root, ts)}
	said := &pb.Delivery{Id: "digest/" + ts, Kind: "notice", Time: d.GetTime(), Again: true}
	blocks := []format.Block{{Runs: digestRuns(r)}}
	if r.Digest == "" {
		if err := c.lookFor(web.Time(ts), at.look()); err != nil {
			return err
		}
		if r.Digest, err = c.postPiece(said, 0, blocks, at); err != nil {
			return err
		}
		return c.keepReactions(ts, r)
	}
	err = c.update(web.Reaction, said, 0, blocks, r.Digest)
	if web.Code(err) == "message_not_found" { // somebody in Slack did not want it
		return nil
	}
	return err
}

func digestRuns(r *reacted) []format.Run {
	var runs []format.Run
	for _, name := range slices.Sorted(maps.Keys(r.Who)) {
		who := slices.Sorted(maps.Values(r.Who[name]))
		if len(runs) > 0 {
			runs = append(runs, format.Run{Text: " · "})
		}
		run := format.Run{Text: format.Emoji(name)}
		if strings.HasPrefix(run.Text, ":") {
			run.Emoji = name
		}
		people := strings.Join(who[:min(len(who), 10)], ", ")
		if len(who) > 10 {
			people += fmt.Sprintf(" and %d more", len(who)-10)
		}
		runs = append(runs, run, format.Run{Text: fmt.Sprintf(" %d: %s", len(who), people)})
	}
	if len(runs) == 0 {
		runs = []format.Run{{Text: "No reactions any more."}}
	}
	return runs
}

// reactionWaits tells whether another reaction to the same message waits, which will tell of both.
func (o *outbox) reactionWaits(d *pb.Delivery) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.lanes[2], func(l *letter) bool { return l.d.GetTarget().GetEvent() == d.GetTarget().GetEvent() })
}
