package format

import (
	"encoding/json"
	"strings"
	"testing"
)

// Nothing that anybody writes in a room may call a whole channel, and nothing may crash the bridge.
func FuzzMarkdown(f *testing.F) {
	for _, seed := range []string{"**b** <!channel>", "> - 1. `x`", "[a](<b c>)", "~~~go\n<!here>\n~~~", "@Alice Ash :parrot:", "&lt;!here&gt;", strings.Repeat("> ", 60) + "x", "a  \nb\\\nc", "![i](https://x)", "1) a\n\n   b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		for _, piece := range Split(ReadMarkdown(source, mention()), 200) {
			raw, err := json.Marshal(Rich(piece))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(raw), `"type":"broadcast"`) || strings.Contains(string(raw), `"type":"usergroup"`) {
				t.Fatalf("calls everybody: %s", raw)
			}
			if plain := Plain(piece); strings.Contains(plain, "<!") {
				t.Fatalf("calls everybody: %s", plain)
			}
		}
	})
}

func FuzzMrkdwn(f *testing.F) {
	for _, seed := range []string{"*a _b_ c*", "<@U1|x> <#C1> <!date^1^{x}|y>", "```a", "&gt;q\n&gt;", "<https://x|*b*>", "_" + strings.Repeat("*_", 50), "`a``b`", "<<>>", "<!subteam^S1>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		out := WriteMarkdown(ReadMrkdwn(source, names{}))
		if len(out) > 40*len(source)+100 {
			t.Fatalf("%d bytes became %d", len(source), len(out))
		}
	})
}

func FuzzRich(f *testing.F) {
	for _, seed := range []string{
		`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a","style":{"bold":true}},{"type":"emoji","unicode":"1f44d"},{"type":"date","timestamp":1}]}]}]`,
		`[{"type":"rich_text","elements":[{"type":"rich_text_list","style":"ordered","indent":9,"offset":-3,"elements":[{"elements":[{"type":"text","text":"a"}]}]}]}]`,
		`[{"type":"section","text":"a","fields":[{"text":{"text":"x"}}]},{"type":"image"},{"type":"markdown","text":"> x"}]`,
		`[{"type":"emoji"}]`, `{}`, `[1]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		blocks, _ := ReadRich(raw, names{})
		WriteMarkdown(blocks)
		json.Marshal(Rich(blocks))
	})
}
