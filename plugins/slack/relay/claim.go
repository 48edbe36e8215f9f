package relay

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"hearth/plugins/bridge"
	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/web"
)

// commandWithin is how long a slash command may wait for its answer: Slack gives it three seconds.
const commandWithin = 2500 * time.Millisecond

// isClaim tells whether a text is `!link CODE` or `!unlink`.
func isClaim(text string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return word == "!link" || word == "!unlink"
}

// claimSaid does what somebody asked for in the channel, and tells that person alone.
func (c *channel) claimSaid(m *web.Message) error {
	if m.User == "" || m.BotID != "" || m.ThreadTS != "" && m.ThreadTS != m.TS {
		return nil
	}
	text := strings.TrimPrefix(strings.TrimSpace(m.Text), "!")
	answer, err := c.claim(c.l.ctx, m.User, text) // an unlink ends the channel before it is answered
	if err != nil {
		return err
	}
	if err := c.l.web.Whisper(c.l.ctx, c.id(), m.User, answer); err != nil {
		c.l.log.Info("the answer to a code could not be shown", "error", err.Error())
	}
	return nil
}

// claim does "link CODE" or "unlink", and says what became of it.
func (c *channel) claim(ctx context.Context, user, text string) (string, error) {
	words := strings.Fields(text)
	code := ""
	switch {
	case len(words) == 2 && words[0] == "link":
		code = words[1]
	case len(words) == 1 && words[0] == "unlink":
	default:
		return "Type `link CODE` with the code that the Hearth node has shown, or `unlink`.", nil
	}
	entitled := c.l.people.isAdmin(ctx, user)
	ok, err := c.l.h.Claim(ctx, &pb.Claim{Channel: c.name, Code: code, By: c.l.people.name(ctx, user) + " (" + user + ")", Entitled: entitled})
	refused, final := errors.AsType[*bridge.Error](err)
	switch {
	case !entitled && (err == nil || final):
		return "Only an administrator or owner of this workspace can do that.", nil
	case final:
		return refused.Text, nil
	case err != nil:
		return "", err
	case !ok:
		return "That is not the code, or it is too old. The node's administrator can make another.", nil
	case code == "":
		return "This channel is not linked any more.", nil
	}
	return "This channel is linked to " + c.room() + " now: both sides read what is said on the other. `/bridge unlink` or `!unlink` ends it.", nil
}

func (c *channel) roomID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link.GetRoom()
}

func (c *channel) room() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link.GetRoomName()
}

// command answers /bridge.
func (l *life) command(ctx context.Context, form url.Values) string {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	c := l.channelByID(form.Get("channel_id"))
	if c == nil {
		return "Nobody has asked to link this channel: the administrator of the Hearth node does that first. If that is done, the channel is private, and I have to be invited before: " + l.invite()
	}
	answer, err := c.claim(ctx, form.Get("user_id"), form.Get("text"))
	if err != nil {
		return "The node did not answer in time. Try again."
	}
	return answer
}
