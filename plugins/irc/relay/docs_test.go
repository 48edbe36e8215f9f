package relay

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The guide's table has every setting, with its default and what it is.
func TestSettingsAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../../../docs/bridge-irc.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range asked {
		otherwise := s.GetDefault()
		if s.GetRequired() {
			otherwise = "required"
		}
		help := s.GetHelp()
		if len(s.GetChoices()) > 0 {
			help += " One of: " + strings.Join(s.GetChoices(), ", ") + "."
		}
		if row := fmt.Sprintf("| `%s` | %s | %s |", s.GetName(), otherwise, help); !strings.Contains(string(b), row) {
			t.Errorf("docs/bridge-irc.md lacks the row\n%s", row)
		}
		if s.GetHelp() == "" || s.GetTitle() == "" || s.GetName() == "" {
			t.Errorf("%v", s)
		}
	}
}
