package relay

import (
	"strings"
	"testing"
)

// A mistake in the settings is told without the value, which may be a secret in the wrong place.
func TestReasonsKeepSecrets(t *testing.T) {
	for _, s := range asked {
		m := map[string]string{"server": "x", "nick": "a", s.GetName(): "hunter2 /not a value"}
		if _, err := readSettings(m); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", s.GetName(), err)
		}
	}
}
