package relay

import (
	"testing"

	"hearth/plugins/slack/web"
)

// What Slack sends is JSON from the network: nothing in it may stop the bridge.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"type":"event_callback","event_id":"Ev1","event":{"type":"message","channel":"C1","user":"U1","text":"hi","ts":"1700000000.000100"}}`,
		`{"event":{"type":"message","subtype":"message_changed","channel":{"id":"C1"},"message":{"ts":7,"blocks":{}},"previous_message":null}}`,
		`{"event":{"type":"reaction_added","item":{"type":"message","channel":"C1","ts":"1"},"reaction":"+1"}}`,
		`{"event":{"type":"user_change","user":{"id":"U1","profile":{"display_name":5}}}}`,
		`{"event":{"type":"message","files":[{"id":"F1","size":-1}],"metadata":{"event_type":"hearth_message","event_payload":[]}}}`,
		`{"event":[]}`, `{"event":null}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		packed, err := unpack(pack(raw))
		if err != nil || string(packed) != string(raw) {
			t.Fatalf("the inbox changes what it keeps: %v", err)
		}
		e := readEvent(raw)
		if e == nil {
			return
		}
		e.channelID()
		e.userID()
		m := web.ReadMessage(e.Raw)
		metaOf(m)
		hopsOf(m)
		web.Time(m.TS)
		isClaim(m.Text)
		readPermalink("https://acme.slack.com/", m.Text)
		readRoomLink(m.Text)
		oneLine(m.Text, 100)
	})
}
