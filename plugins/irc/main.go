// Hearth-bridge-irc is the bridge to IRC: a plugin that a node starts (docs/bridge-irc.md).
package main

import (
	"hearth/plugins/bridge"
	"hearth/plugins/irc/relay"
)

func main() { bridge.Serve(relay.IRC{}) }
