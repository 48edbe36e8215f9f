package relay

import (
	"testing"

	"hearth/plugins/bridge"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/slack/slackdouble"
)

func TestKeepsTheContract(t *testing.T) {
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	bridgetest.Conform(t, func() bridge.Plugin { return &Bridge{Timing: quick} }, openFor(s, nil).Settings, "#garden")
}
