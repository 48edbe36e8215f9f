package relay

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/slack-go/slack"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/slack/web"
)

// direct are the messages that people write to the app itself. They go nowhere: each is counted, and everybody
// is told so once.
type direct struct {
	mu   sync.Mutex
	told []string // ids of people, in the order in which they were told; kept under the key told
	read bool
}

const (
	toldKey   = "told"
	toldLimit = 2000
)

// isDirect tells whether an event is a message outside of channels.
func isDirect(e *event) bool {
	return e.kind == "message" && (e.fields.ChannelType == "im" || e.fields.ChannelType == "mpim" || strings.HasPrefix(e.channelID(), "D"))
}

// answerDirect counts a message to the app, and answers it. One that several people read is not answered: it was hardly meant for the app.
func (l *life) answerDirect(e *event) {
	m := web.ReadMessage(e.Raw)
	if m.User == "" || m.BotID != "" || m.Subtype != "" || m.User == l.me.UserID {
		return
	}
	l.h.Count(&pb.Count{What: "dropped", Reason: "direct_message", N: 1})
	if e.fields.ChannelType == "mpim" || !l.firstTime(m.User) {
		return
	}
	text := "I carry messages between channels of this workspace and rooms of " + l.h.Open().GetNode() + ". What you write to me here goes nowhere, and nobody reads it. An administrator links a channel with `/bridge link CODE`, in the channel."
	if _, err := l.web.Post(l.ctx, web.Change, m.Channel, slack.MsgOptionText(text, false)); err != nil {
		l.log.Info("somebody who wrote to the app was not answered", "error", err.Error())
	}
}

// firstTime tells whether somebody was never told, and notes that they are now.
func (l *life) firstTime(user string) bool {
	d := &l.direct
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.read {
		raw, ok, err := l.h.Get(l.ctx, toldKey)
		if err != nil {
			return false
		}
		if ok {
			json.Unmarshal(raw, &d.told)
		}
		d.read = true
	}
	if slices.Contains(d.told, user) {
		return false
	}
	d.told = append(d.told, user)
	d.told = d.told[max(0, len(d.told)-toldLimit):]
	raw, err := json.Marshal(d.told)
	return err == nil && l.h.Put(l.ctx, toldKey, raw) == nil
}
