package relay

import (
	"os"
	"regexp"
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

// scopes are the permissions that Slack's documents name at each method that the bridge calls. (docs.slack.dev, "Web API methods")
var scopes = map[string]string{
	"auth.test": "", "apps.connections.open": "", // the app-level token's connections:write
	"users.info": "users:read", "bots.info": "users:read", "usergroups.list": "usergroups:read", "emoji.list": "emoji:read",
	"conversations.list": "channels:read groups:read", "conversations.info": "channels:read groups:read", "conversations.members": "channels:read groups:read",
	"conversations.history": "channels:history groups:history metadata.message:read", "conversations.replies": "channels:history groups:history metadata.message:read",
	"conversations.join": "channels:join", "conversations.leave": "channels:manage groups:write", "conversations.setTopic": "channels:manage groups:write",
	"chat.postMessage": "chat:write chat:write.customize", "chat.update": "chat:write", "chat.delete": "chat:write", "chat.postEphemeral": "chat:write",
	"reactions.add": "reactions:write", "reactions.remove": "reactions:write", "pins.add": "pins:write", "pins.remove": "pins:write",
	"files.info": "files:read", "files.download": "files:read", "files.getUploadURLExternal": "files:write", "files.completeUploadExternal": "files:write", "files.upload": "files:write",
}

// The manifest asks for the permissions of all that the bridge calls, and for no old way of hearing.
func TestTheManifestAsksForWhatIsCalled(t *testing.T) {
	for _, name := range []string{"../web/calls.go", "../web/client.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`"([a-z]+\.[a-z][A-Za-z.]+)"`).FindAllStringSubmatch(string(source), -1) {
			needs, known := scopes[match[1]]
			if strings.HasSuffix(match[1], ".com") {
				continue
			}
			if !known {
				t.Errorf("nobody knows what permission %s needs", match[1])
			}
			for scope := range strings.FieldsSeq(needs) {
				if !strings.Contains(Manifest, "- "+scope+"\n") {
					t.Errorf("%s needs %s, and the manifest does not ask for it", match[1], scope)
				}
			}
		}
	}
	for _, line := range []string{"- commands\n", "command: /bridge\n", "socket_mode_enabled: true\n"} {
		if !strings.Contains(Manifest, line) {
			t.Errorf("the manifest lacks %q", line)
		}
	}
}
