package relay

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/socket"
	"hearth/plugins/slack/web"
)

// envelope takes what came by a socket: it answers when the event is safe.
func (l *life) envelope(ctx context.Context, e *socket.Envelope) (answer any, ok bool) {
	switch e.Type {
	case "events_api":
		return nil, l.take(ctx, e.Payload)
	case "slash_commands":
		var fields map[string]string
		form := url.Values{}
		json.Unmarshal(e.Payload, &fields)
		for k, v := range fields {
			form.Set(k, v)
		}
		return map[string]string{"response_type": "ephemeral", "text": l.command(ctx, form)}, true
	}
	return nil, true
}

// take keeps an event safe; false when it could not. Slack sends an event again until it was
// acknowledged, and says so in retry_num: that says nothing about whether the first copy got here.
func (l *life) take(ctx context.Context, raw []byte) bool {
	e := readEvent(raw)
	if e == nil {
		l.noEvent(raw)
		return true
	}
	switch l.echoes.meet(e.ID) {
	case safe:
		l.h.Count(&pb.Count{What: "duplicate", N: 1})
		return true
	case underWay: // the other copy is not safe yet: only when it is may Slack forget the event
		return false
	}
	l.echoes.alive()
	ok := l.keep(ctx, e, raw)
	l.echoes.settle(e.ID, ok)
	return ok
}

// keep hands an event to whom it concerns; false when it could not be kept.
func (l *life) keep(ctx context.Context, e *event, raw []byte) bool {
	if isDirect(e) {
		l.work.Go(func() { l.answerDirect(e) })
		return true
	}
	c := l.channelByID(e.channelID())
	if react := workspace[e.kind]; react != nil {
		react(l, e)
	}
	if c == nil || !forRooms[e.kind] {
		return true
	}
	if e.kind == "message" {
		m := web.ReadMessage(e.Raw)
		if c.isOwn(m) {
			c.own.note(m)
			return true
		}
		if !c.confirmed() && !isClaim(m.Text) {
			return true
		}
	} else if !c.confirmed() {
		return true
	}
	if e.at() != "" && e.at() <= c.since() { // Slack sends it again, and meanwhile the channel was linked anew
		return true
	}
	it, err := l.inbox.add(ctx, e, raw)
	if err != nil {
		if ctx.Err() == nil {
			l.log.Warn("an event is left for Slack to send again", "error", err.Error())
		}
		return false
	}
	it.ready = time.Now().Add(l.timing.Order)
	if !c.push(it) {
		l.inbox.done(ctx, it)
	}
	return true
}

// noEvent takes what is no event of the workspace: Slack may say that it leaves events out for a minute, since there
// were more than 30,000 in an hour.
func (l *life) noEvent(raw []byte) {
	var call struct{ Type string }
	json.Unmarshal(raw, &call)
	if call.Type != "app_rate_limited" {
		l.log.Info("Slack sent what is no event")
		return
	}
	l.status.trouble(trouble{reason: "Slack leaves out events, since there are too many; the channels' histories are read instead."})
	l.work.Go(func() {
		if l.pause(60 * l.timing.Retry) {
			l.fillAll(true)
		}
	})
}

// forRooms are the events that become something in a room.
var forRooms = map[string]bool{"message": true, "reaction_added": true, "reaction_removed": true, "pin_added": true, "pin_removed": true}

// workspace are the events that change what the bridge knows.
var workspace = map[string]func(*life, *event){
	"user_change":           func(l *life, e *event) { l.work.Go(func() { l.people.changed(e.Raw) }) },
	"user_profile_changed":  func(l *life, e *event) { l.work.Go(func() { l.people.changed(e.Raw) }) },
	"emoji_changed":         func(l *life, e *event) { l.work.Go(l.learn) },
	"subteam_updated":       func(l *life, e *event) { l.work.Go(l.learn) },
	"subteam_created":       func(l *life, e *event) { l.work.Go(l.learn) },
	"app_uninstalled":       func(l *life, e *event) { l.status.token("The app was uninstalled from the workspace. " + l.again()) },
	"tokens_revoked":        func(l *life, e *event) { l.status.token("The app's tokens were revoked. " + l.again()); l.lookNow() },
	"channel_rename":        (*life).channelRenamed,
	"group_rename":          (*life).channelRenamed,
	"channel_archive":       down("The channel is archived in Slack."),
	"group_archive":         down("The channel is archived in Slack."),
	"channel_deleted":       down("The channel was deleted in Slack. Unlink it here: hearth bridge unlink."),
	"group_deleted":         down("The channel was deleted in Slack. Unlink it here: hearth bridge unlink."),
	"channel_left":          down("The app was removed from the channel. Whoever may invite apps there can bring it back: /invite"),
	"group_left":            down("The app was removed from the channel. Whoever may invite apps there can bring it back: /invite"),
	"channel_unarchive":     (*life).channelBack,
	"group_unarchive":       (*life).channelBack,
	"channel_joined":        (*life).channelBack,
	"group_joined":          (*life).channelBack,
	"channel_id_changed":    (*life).channelMoved,
	"member_joined_channel": (*life).memberJoined,
	"member_left_channel":   (*life).memberLeft,
}

func down(reason string) func(*life, *event) {
	return func(l *life, e *event) {
		if c := l.channelByID(e.channelID()); c != nil {
			l.status.set(c.name, "down", reason)
		}
	}
}

// invite is what somebody types in a channel to bring the app there.
func (l *life) invite() string { return "/invite @" + l.me.User }

func (l *life) channelRenamed(e *event) {
	c := l.channelByID(e.channelID())
	var ch struct {
		Channel struct {
			Name string `json:"name"`
		} `json:"channel"`
	}
	if c == nil || json.Unmarshal(e.Raw, &ch) != nil {
		return
	}
	c.mu.Lock()
	c.kept.Called = ch.Channel.Name
	c.dirty++
	c.mu.Unlock()
}

// channelBack is a channel that can be used again.
func (l *life) channelBack(e *event) {
	if c := l.channelByID(e.channelID()); c != nil {
		c.up()
		c.askFill(true)
		poke(c.out.wake)
	}
	l.retryAll()
}

// retryAll has the channels that wait for an invitation look whether it came.
func (l *life) retryAll() {
	for _, c := range l.all() {
		poke(c.retry)
	}
}

// channelMoved is a channel that goes on under another id, as when it is shared with another workspace.
func (l *life) channelMoved(e *event) {
	c := l.channelByID(e.fields.Old)
	if c == nil || !isID.MatchString(e.fields.New) {
		return
	}
	l.mu.Lock()
	l.byID[e.fields.New] = c // the old one stays: events of it may still be on their way
	l.mu.Unlock()
	c.mu.Lock()
	c.kept.ID = e.fields.New
	c.dirty++
	c.mu.Unlock()
	l.work.Go(func() { c.save(true) })
}

func (l *life) memberJoined(e *event) {
	c, user := l.channelByID(e.channelID()), e.userID()
	if user == l.me.UserID {
		l.channelBack(e)
		return
	}
	if c == nil || !c.confirmed() {
		return
	}
	l.work.Go(func() {
		if who := l.people.get(c.ctx, user, web.Backfill); who != nil {
			l.h.Roster(&pb.Roster{Channel: c.name, Here: []*pb.Ghost{l.people.ghost(who)}})
		}
	})
}

func (l *life) memberLeft(e *event) {
	c, user := l.channelByID(e.channelID()), e.userID()
	switch {
	case c == nil:
	case user == l.me.UserID:
		l.status.set(c.name, "down", "The app was removed from the channel. Whoever may invite apps there can bring it back: "+l.invite())
	default:
		l.h.Roster(&pb.Roster{Channel: c.name, Gone: []string{user}})
	}
}
