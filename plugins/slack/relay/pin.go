package relay

import (
	"cmp"
	"encoding/json"
	"fmt"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/web"
)

// pin is a message that somebody in Slack has pinned, or not any more. Where the bot may not pin in the room, or the message is not
// there, a line says it.
func (c *channel) pin(e *event) error {
	var item struct {
		Item struct {
			Message json.RawMessage `json:"message"`
		} `json:"item"`
	}
	if !c.l.set.pinsIn || e.userID() == c.l.me.UserID || json.Unmarshal(e.Raw, &item) != nil {
		return nil
	}
	m := web.ReadMessage(item.Item.Message)
	ts := cmp.Or(m.TS, e.fields.Item.TS)
	if !web.IsTS(ts) {
		return nil
	}
	if err := c.ensure(ts); err != nil {
		return err
	}
	kind := map[string]string{"pin_added": "pin", "pin_removed": "unpin"}[e.kind]
	by := c.l.people.author(c.ctx, &web.Message{User: e.userID()})
	key := kind + "/" + ts + "/" + e.fields.EventTS
	p, err := c.post(&pb.Entry{Key: key, Kind: kind, Target: ts, Ghost: by})
	if err != nil || p.GetCode() == "" || p.GetCode() == "conflict" || kind == "unpin" { // conflict: it is so already
		return err
	}
	said := ""
	if text := oneLine(c.text(m), quoteChars); text != "" {
		said = ": " + text
	}
	return c.line(key+"/line", fmt.Sprintf("%s pinned a message in Slack%s", by.Name, said))
}

// sendPin pins a message over there, or takes the pin away.
func (c *channel) sendPin(d *pb.Delivery) ([]string, error) {
	remote := c.remote(d.GetTarget())
	switch {
	case !c.l.set.pinsOut:
		return nil, refusal{"not_wanted", "The bridge's setting `pins` does not let pins go to Slack."}
	case len(remote) == 0:
		return nil, refusal{"no_such_target", "The message that was pinned is not in Slack."}
	}
	err := c.l.web.Pin(c.ctx, c.id(), remote[0], d.GetKind() == "pin")
	switch web.Code(err) {
	case "already_pinned", "no_pin", "not_pinned":
		return nil, nil
	case "message_not_found":
		return nil, refusal{"no_such_target", "The message is not in Slack any more."}
	case "not_pinnable":
		return nil, refusal{"unsupported", "Slack does not pin such a message."}
	case "missing_scope", "permission_denied", "restricted_action", "too_many_pins":
		return nil, refusal{"forbidden", "Slack does not let the app pin: " + err.Error() + ". Compare the app's scopes with the manifest (pins:write) and install it again."}
	}
	return nil, err
}
