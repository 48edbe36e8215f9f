// Hearth-bridge-slack joins rooms to channels of a Slack workspace. A node starts it; see docs/bridge-slack.md.
package main

import (
	"hearth/plugins/bridge"
	"hearth/plugins/slack/relay"
)

func main() { bridge.Serve(&relay.Bridge{}) }
