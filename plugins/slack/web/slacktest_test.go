package web

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slacktest"
)

// Against a Slack that others wrote: slack-go's own.
func TestWithSlacktest(t *testing.T) {
	s := slacktest.NewTestServer()
	s.Start()
	defer s.Stop()
	c := NewClient(Config{BotToken: "xoxb-test", APIURL: s.GetAPIURL()})
	defer c.Close()
	who, err := c.Test(t.Context())
	if err != nil || who.UserID == "" || who.URL == "" {
		t.Fatalf("auth.test: %+v %v", who, err)
	}
	ts, err := c.Post(t.Context(), Live, "C1", slack.MsgOptionText("hello", false), slack.MsgOptionUsername("Alice"),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "hearth_message", EventPayload: map[string]any{"event": "E"}}))
	if err != nil || ts == "" {
		t.Fatalf("chat.postMessage: %q %v", ts, err)
	}
	if err := c.React(t.Context(), "C1", ts, "tada"); err != nil {
		t.Fatalf("reactions.add: %v", err)
	}
	if url, err := c.Open(t.Context()); err != nil || !strings.HasPrefix(url, "ws") {
		t.Fatalf("apps.connections.open: %q %v", url, err)
	}
	user, err := c.User(t.Context(), Live, "W012A3CDE")
	if err != nil || user.Name == "" {
		t.Fatalf("users.info: %v %v", user, err)
	}
	if _, err := c.History(t.Context(), Live, "C1", "", "", "", 10); err == nil {
		t.Fatal("slacktest has no history, and that was not said")
	}
}
