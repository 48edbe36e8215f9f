package relay

import (
	"encoding/json"
	"strings"
	"sync/atomic"

	"github.com/slack-go/slack"

	"hearth/plugins/slack/web"
)

// metaType marks the messages that a Hearth has posted.
const metaType = "hearth_message"

// meta is the metadata of a message of ours: strings and numbers only, as Slack's own libraries know nothing else there.
type meta struct {
	Node   string `json:"node"`
	Bridge string `json:"bridge"`
	Event  string `json:"event"`
	Part   int    `json:"part"`
	Hops   hops   `json:"hops"`
}

// hops are networks, a line each.
type hops []string

// UnmarshalJSON reads what an older bridge wrote too: a list.
func (h *hops) UnmarshalJSON(raw []byte) error {
	var lines string
	if json.Unmarshal(raw, &lines) != nil {
		return json.Unmarshal(raw, (*[]string)(h))
	}
	*h = strings.Split(lines, "\n")
	return nil
}

func metaOf(m *web.Message) (meta, bool) {
	var p meta
	if m.Metadata.Type != metaType || json.Unmarshal(m.Metadata.Payload, &p) != nil {
		return meta{}, false
	}
	return p, true
}

func (p meta) slack() slack.SlackMetadata {
	return slack.SlackMetadata{EventType: metaType, EventPayload: map[string]any{"node": p.Node, "bridge": p.Bridge, "event": p.Event, "part": p.Part, "hops": strings.Join(p.Hops, "\n")}}
}

// hopsOf are the networks that a message of another Hearth has passed.
func hopsOf(m *web.Message) []string {
	p, ok := metaOf(m)
	if !ok {
		return nil
	}
	var networks []string
	for _, hop := range p.Hops {
		if hop = oneLine(hop, 50); hop != "" && len(networks) < 8 {
			networks = append(networks, hop)
		}
	}
	return networks
}

// marks counts the bridge's own messages as the history tells of them: with their mark, and without.
type marks struct{ with, without atomic.Int64 }

func (k *marks) count(m *web.Message) {
	switch _, ok := metaOf(m); {
	case ok:
		k.with.Add(1)
	case m.Username != "": // files and what else the bridge does has neither
		k.without.Add(1)
	}
}

// missing says, for people, that Slack keeps the marks back; "" while it does not.
func (k *marks) missing() string {
	if k.without.Load() == 0 || k.with.Load() > 0 {
		return ""
	}
	return "Slack tells of the app's messages without the mark that it put on them: after an outage one may be posted twice. Does the app have the permission metadata.message:read? Compare it with the manifest (docs/bridge-slack.md) and install it again."
}
