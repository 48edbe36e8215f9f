package relay

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
)

// Version of the plugin.
const Version = "0.2.0"

// settings is the bridge's configuration.
type settings struct {
	events                  bool // by HTTP instead of Socket Mode
	appToken, botToken      string
	signingSecret           string
	listen, path            string
	reactions               string // bot digest off
	topicIn, topicOut, bots bool
	pinsIn, pinsOut         bool
	maxFile                 uint64
	catchUp                 time.Duration
	apiURL                  string
	pace                    float64
}

func describeSettings() []*pb.Setting {
	return []*pb.Setting{
		{Name: "app_token", Title: "App-level token", Type: "secret", Help: "Begins with xapp-: Basic Information, App-Level Tokens, scope connections:write. Not needed with mode events."},
		{Name: "bot_token", Title: "Bot token", Type: "secret", Required: true, Help: "Begins with xoxb-: OAuth & Permissions, Bot User OAuth Token."},
		{Name: "mode", Title: "How events come", Type: "choice", Choices: []string{"socket", "events"}, Default: "socket", Help: "socket: the bridge connects to Slack, nothing has to be reachable. events: Slack calls an HTTPS address of yours."},
		{Name: "signing_secret", Title: "Signing secret", Type: "secret", Help: "Basic Information, Signing Secret. For mode events."},
		{Name: "listen", Title: "Listen on", Type: "text", Default: "127.0.0.1:3090", Help: "For mode events: where a proxy with HTTPS hands over what Slack sends."},
		{Name: "path", Title: "Path", Type: "text", Default: "/slack/events", Help: "For mode events: the path of the Request URL."},
		{Name: "reactions", Title: "Reactions", Type: "choice", Choices: []string{"digest", "bot", "off"}, Default: "digest", Help: "The app can add each emoji once. digest: who else reacted is said in a reply in the message's thread; bot: it is not; off: no reactions go to Slack."},
		{Name: "topic", Title: "Topic", Type: "choice", Choices: []string{"from_slack", "to_slack", "both", "off"}, Default: "from_slack", Help: "Which way a channel's topic goes."},
		{Name: "pins", Title: "Pins", Type: "choice", Choices: []string{"off", "from_slack", "to_slack", "both"}, Default: "off", Help: "Which way pinned messages go. In the room the bridge's bot has to be a moderator; otherwise a line tells of a pin."},
		{Name: "bots", Title: "Other apps", Type: "switch", Default: "true", Help: "Whether what other apps post in a channel is relayed."},
		{Name: "max_file_mb", Title: "Largest file", Type: "number", Default: "100", Help: "Megabytes. A larger one is relayed as a link."},
		{Name: "catch_up_hours", Title: "Catch up", Type: "number", Default: "24", Help: "After an outage, what was said in Slack longer ago than this is counted and not relayed."},
		{Name: "api_url", Title: "API address", Type: "text", Default: "https://slack.com/api/", Help: "For a proxy, or another server that speaks Slack's API."},
		{Name: "pace", Title: "Pace", Type: "number", Default: "1", Help: "How many times Slack's rate limits the server at api_url allows. Leave it at 1 for Slack."},
	}
}

func readSettings(m map[string]string) (settings, error) {
	get := func(name string) string {
		if v := strings.TrimSpace(m[name]); v != "" {
			return v
		}
		for _, s := range describeSettings() {
			if s.Name == name {
				return s.Default
			}
		}
		return ""
	}
	number := func(name string, most float64) (float64, error) {
		n, err := strconv.ParseFloat(get(name), 64)
		if err != nil || n <= 0 || n > most {
			return 0, fmt.Errorf("The setting %s must be a number above 0 and at most %g.", name, most)
		}
		return n, nil
	}
	topic, pins := get("topic"), get("pins")
	s := settings{
		events: get("mode") == "events", appToken: get("app_token"), botToken: get("bot_token"), signingSecret: get("signing_secret"),
		listen: get("listen"), path: get("path"), reactions: get("reactions"), bots: get("bots") != "false" && get("bots") != "off",
		topicIn: topic == "from_slack" || topic == "both", topicOut: topic == "to_slack" || topic == "both", apiURL: get("api_url"),
		pinsIn: pins == "from_slack" || pins == "both", pinsOut: pins == "to_slack" || pins == "both",
	}
	mb, err1 := number("max_file_mb", 10_000)
	hours, err2 := number("catch_up_hours", 24*365)
	pace, err3 := number("pace", 1e6)
	s.maxFile, s.catchUp, s.pace = uint64(mb*1e6), time.Duration(hours*float64(time.Hour)), pace
	if err := errors.Join(err1, err2, err3); err != nil {
		return s, err
	}
	return s, s.check()
}

func (s settings) check() error {
	switch {
	case !strings.HasPrefix(s.botToken, "xoxb-"):
		return errors.New("The setting bot_token must be the app's bot token, which begins with xoxb- (api.slack.com/apps, OAuth & Permissions).")
	case !s.events && !strings.HasPrefix(s.appToken, "xapp-"):
		return errors.New("The setting app_token must be the app-level token, which begins with xapp- (api.slack.com/apps, Basic Information).")
	case s.events && s.signingSecret == "":
		return errors.New("With mode events the setting signing_secret is needed (api.slack.com/apps, Basic Information).")
	}
	return nil
}
