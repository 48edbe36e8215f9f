package relay

import (
	"os"
	"strings"
	"testing"
)

// The guide names each setting and its choices, and the manifest asks for each event that the bridge understands.
func TestTheGuideIsTrue(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/bridge-slack.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range describeSettings() {
		if !strings.Contains(string(guide), "`"+s.Name+"`") {
			t.Errorf("the guide does not name %s", s.Name)
		}
		for _, c := range s.Choices {
			if !strings.Contains(string(guide), c) {
				t.Errorf("the guide does not name %s of %s", c, s.Name)
			}
		}
	}
	unasked := map[string]bool{ // what Slack sends apps without, or under another name
		"message": true, "channel_joined": true, "group_joined": true, "user_profile_changed": true}
	for kind := range workspace {
		if !unasked[kind] && !strings.Contains(Manifest, "- "+kind+"\n") {
			t.Errorf("the manifest does not ask for %s", kind)
		}
	}
	for kind := range forRooms {
		if !unasked[kind] && !strings.Contains(Manifest, "- "+kind+"\n") {
			t.Errorf("the manifest does not ask for %s", kind)
		}
	}
}
