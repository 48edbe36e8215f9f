package relay

import (
	"strings"
	"testing"

	"hearth/plugins/bridge"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/irc/ircdouble"
)

// The suite that every plugin has to pass.
func TestContract(t *testing.T) {
	t.Parallel()
	w := &world{T: t, irc: ircdouble.New(t).Start(nil)}
	bridgetest.Conform(t, func() bridge.Plugin { return quick }, w.settings(nil), "#check")
}

// A mistake in the settings is told without the value, which may be a secret in the wrong place.
func TestReasonsKeepSecrets(t *testing.T) {
	t.Parallel()
	for _, s := range asked {
		m := map[string]string{"server": "x", "nick": "a", s.GetName(): "hunter2 /not a value"}
		if _, err := readSettings(m); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", s.GetName(), err)
		}
	}
}
