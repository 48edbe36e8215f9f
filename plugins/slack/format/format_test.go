package format

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type names struct{}

func (names) User(id string) string {
	return map[string]string{"U1": "Alice Ash", "W2": "bob"}[id]
}
func (names) Channel(id string) string { return map[string]string{"C1": "general"}[id] }
func (names) Group(id string) string   { return map[string]string{"S1": "gardeners"}[id] }
func (names) Message(url string) string {
	if url == "https://acme.slack.com/archives/C1/p1700000000000100" {
		return "https://node.example/#/room/R/E"
	}
	return ""
}

const wj = "\u2060" // keeps a name from being a mention over here

func TestMrkdwnToMarkdown(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"*bold* _italic_ ~gone~ `code`", "**bold** *italic* ~~gone~~ `code`"},
		{"*_both_*", "***both***"},
		{"snake_case and 2*3*4 and a~b~c", `snake_case and 2\*3\*4 and a\~b\~c`},
		{"a * b * c", `a \* b \* c`},
		{"<@U1> and <@W2|bobby> and <@U9>", "@" + wj + "Alice Ash and @" + wj + "bob and @" + wj + "somebody"},
		{"<@U9|carol>", "@" + wj + "carol"},
		{"<#C1> <#C9|secret> <#C9>", `#general #secret #private-channel`},
		{"<!here> <!channel> <!everyone>", "@" + wj + "here @" + wj + "channel @" + wj + "everyone"},
		{"<!subteam^S1> <!subteam^S9|@ops>", "@" + wj + "gardeners @" + wj + "ops"},
		{"<https://a.example/x?y=1&amp;z=2>", "<https://a.example/x?y=1&z=2>"},
		{"<https://a.example|the *page*>", `[the \*page\*](<https://a.example>)`},
		{"<mailto:a@b.example|a@b.example>", "<a@b.example>"},
		{"<javascript:alert(1)|click>", "click"},
		{"<https://acme.slack.com/archives/C1/p1700000000000100>", "<https://node.example/#/room/R/E>"},
		{"<!date^1392734382^{date} at {time}|18 February>", "18 February"},
		{"<!date^1392734382^{date}>", "2014-02-18 14:39 UTC"},
		{"&lt;b&gt; &amp;amp; a &amp; b", `\<b> \&amp; a & b`},
		{"&gt; one\n&gt; two\nthree", "> one\n> two\n\nthree"},
		{"see ```if a &lt; b {\n}``` ok", "see \n\n```\nif a < b {\n}\n```\n\n ok"},
		{"``` ` ```", "```\n ` \n```"},
		{"# no heading\n- no list\n1. no number\n+ x", "\\# no heading\n\\- no list\n1\\. no number\n\\+ x"},
		{":wave::skin-tone-3: :thumbsup: :party_parrot:", "👋🏼 👍️ :party_parrot:"},
		{"[x](http://evil) ![i](http://p)", `\[x\](http://evil) !\[i\](http://p)`},
		{"`a*b*c`", "`a*b*c`"},
		{"• one\n• two", "• one\n• two"},
	} {
		got := WriteMarkdown(ReadMrkdwn(c.in, names{}))
		if strings.ReplaceAll(got, "\u00A0", " ") != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

func TestRichToMarkdown(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"styles", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
			{"type":"text","text":"a "},{"type":"text","text":"bold ","style":{"bold":true}},{"type":"text","text":"it","style":{"italic":true,"strike":true}},
			{"type":"text","text":"x*y","style":{"code":true}}]}]}]`, "a **bold** *~~it~~*`x*y`"},
		{"who", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
			{"type":"user","user_id":"U1"},{"type":"text","text":" "},{"type":"channel","channel_id":"C1"},{"type":"text","text":" "},
			{"type":"usergroup","usergroup_id":"S1"},{"type":"text","text":" "},{"type":"broadcast","range":"channel"}]}]}]`,
			"@" + wj + "Alice Ash #general @" + wj + "gardeners @" + wj + "channel"},
		{"links", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
			{"type":"link","url":"https://a.example/(x)"},{"type":"text","text":" "},{"type":"link","url":"https://b.example","text":"b"}]}]}]`,
			"<https://a.example/(x)> [b](<https://b.example>)"},
		{"emoji", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
			{"type":"emoji","name":"wave","skin_tone":3,"unicode":"1f44b-1f3fc"},{"type":"emoji","name":"+1","unicode":"1f44d"},{"type":"emoji","name":"shipit-x"}]}]}]`, "👋🏼👍️:shipit-x:"},
		{"lists", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"to do:\n"}]},
			{"type":"rich_text_list","style":"bullet","indent":0,"elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"one"}]}]},
			{"type":"rich_text_list","style":"ordered","indent":1,"offset":2,"elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"x"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"y"}]}]},
			{"type":"rich_text_list","style":"bullet","indent":0,"elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"two"}]}]},
			{"type":"rich_text_section","elements":[{"type":"text","text":"done"}]}]}]`,
			"to do:\n\n- one\n    3. x\n    4. y\n- two\n\ndone"},
		{"quote and code", `[{"type":"rich_text","elements":[{"type":"rich_text_quote","elements":[{"type":"text","text":"said\nso"}]},
			{"type":"rich_text_preformatted","language":"go","elements":[{"type":"text","text":"x := "},{"type":"text","text":"` + "```" + `"}]}]}]`,
			"> said\n> so\n\n````go\nx := ```\n````"},
		{"date", `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"date","timestamp":1392734382,"format":"{date}","fallback":"in February"}]}]}]`, "in February"},
		{"programs", `[{"type":"header","text":{"type":"plain_text","text":"Build :white_check_mark:"}},{"type":"section","text":{"type":"mrkdwn","text":"*ok* <https://ci.example|log>"},"fields":[{"type":"mrkdwn","text":"_f_"}]},
			{"type":"divider"},{"type":"context","elements":[{"type":"image","image_url":"x","alt_text":"y"},{"type":"mrkdwn","text":"by ci"}]}]`,
			"### Build ✅️\n\n**ok** [log](<https://ci.example>)\n\n*f*\n\n---\n\nby ci"},
		{"unknown beside known", `[{"type":"hologram","elements":7},{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"novelty","text":"new"}]}]}]`, "new"},
	} {
		blocks, ok := ReadRich([]byte(c.in), names{})
		if got := WriteMarkdown(blocks); !ok || got != c.want {
			t.Errorf("%s: %t\n got %q\nwant %q", c.name, ok, got, c.want)
		}
	}
	if _, ok := ReadRich([]byte(`[{"type":"actions","elements":[]}]`), names{}); ok {
		t.Error("buttons alone are no text")
	}
}

func mention() Mention {
	return Mention{
		User: func(after string) (string, int) {
			if strings.HasPrefix(after, "Alice Ash") {
				return "U1", len("Alice Ash")
			}
			return "", 0
		},
		Emoji: func(name string) bool { return name == "parrot" },
	}
}

func TestMarkdownToRich(t *testing.T) {
	for _, c := range []struct{ in, want, plain string }{
		{"hello", `[{"type":"rich_text_section","elements":[{"type":"text","text":"hello"}]}]`, "hello"},
		{"**b** *i* ~~s~~ `c` ***bi***", `[{"type":"rich_text_section","elements":[{"type":"text","text":"b","style":{"bold":true}},{"type":"text","text":" "},{"type":"text","text":"i","style":{"italic":true}},{"type":"text","text":" "},{"type":"text","text":"s","style":{"strike":true}},{"type":"text","text":" "},{"type":"text","text":"c","style":{"code":true}},{"type":"text","text":" "},{"type":"text","text":"bi","style":{"bold":true,"italic":true}}]}]`, "b i s c bi"},
		{"<!channel> @here <@U1>", `[{"type":"rich_text_section","elements":[{"type":"text","text":"<!channel> @here <@U1>"}]}]`, "&lt;!channel&gt; @here &lt;@U1&gt;"},
		{"hi @Alice Ash!", `[{"type":"rich_text_section","elements":[{"type":"text","text":"hi "},{"type":"user","user_id":"U1"},{"type":"text","text":"!"}]}]`, "hi <@U1>!"},
		{"a@Alice Ash", `[{"type":"rich_text_section","elements":[{"type":"text","text":"a@Alice Ash"}]}]`, "a@Alice Ash"},
		{":parrot: :nope:", `[{"type":"rich_text_section","elements":[{"type":"emoji","name":"parrot"},{"type":"text","text":" :nope:"}]}]`, ":parrot: :nope:"},
		{"[x](https://a.example) [y](javascript:1) https://b.example", `[{"type":"rich_text_section","elements":[{"type":"link","url":"https://a.example","text":"x"},{"type":"text","text":" "},{"type":"text","text":"y"},{"type":"text","text":" "},{"type":"link","url":"https://b.example","text":"https://b.example"}]}]`, "x y https://b.example"},
		{"> q\n\nafter", `[{"type":"rich_text_quote","elements":[{"type":"text","text":"q"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"after"}]}]`, "q\nafter"},
		{"- a\n- b\n    1. c\n", `[{"type":"rich_text_list","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"a"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"b"}]}],"style":"bullet","indent":0,"border":0,"offset":0},{"type":"rich_text_list","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"c"}]}],"style":"ordered","indent":1,"border":0,"offset":0}]`, "• a\n• b\n1. c"},
		{"```go\na < b\n```", `[{"type":"rich_text_preformatted","elements":[{"type":"text","text":"a < b"}],"border":0}]`, "a &lt; b"},
		{"one\ntwo\n\nthree", `[{"type":"rich_text_section","elements":[{"type":"text","text":"one\ntwo"}]},{"type":"rich_text_section","elements":[{"type":"text","text":"\n"},{"type":"text","text":"three"}]}]`, "one\ntwo\nthree"},
		{"# Head", `[{"type":"rich_text_section","elements":[{"type":"text","text":"Head","style":{"bold":true}}]}]`, "Head"},
		{`\*no\* &lt; \&amp;`, `[{"type":"rich_text_section","elements":[{"type":"text","text":"*no* < &amp;"}]}]`, "*no* &lt; &amp;amp;"},
	} {
		blocks := ReadMarkdown(c.in, mention())
		raw, err := json.Marshal(Rich(blocks).Elements)
		if err != nil {
			t.Fatal(err)
		}
		if got := plainJSON(raw); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.in, got, c.want)
		}
		if got := Plain(blocks); got != c.plain {
			t.Errorf("%q as plain text: %q, want %q", c.in, got, c.plain)
		}
	}
}

// plainJSON writes < as < and not as \u003c.
func plainJSON(raw []byte) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(raw))
}

// What Slack showed, Markdown shows: text and styles survive the way in and out, whatever marks are in them.
func TestThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Run {
			run := Run{Text: rapid.StringMatching("[a-c*_~`<>&\\[\\]()!#. :\\\\-]{1,8}").Draw(t, "text")}
			switch rapid.IntRange(0, 4).Draw(t, "style") {
			case 1:
				run.Bold = true
			case 2:
				run.Italic = true
			case 3:
				run.Strike = true
			case 4:
				run.Bold, run.Italic = true, true
			}
			return run
		}), 1, 4).Draw(t, "runs")
		source := WriteMarkdown([]Block{{Runs: runs}})
		var back []Run
		for _, block := range ReadMarkdown(source, Mention{}) {
			if block.Kind != Paragraph || block.Quote {
				t.Fatalf("%q was read as something else than a paragraph: %+v", source, block)
			}
			back = append(back, block.Runs...)
		}
		visible := func(s string) string { return strings.NewReplacer("\u200B", "", "\u00A0", " ").Replace(s) }
		if got, want := strings.TrimSpace(visible(plain(back))), strings.TrimSpace(plain(runs)); got != want {
			t.Fatalf("%q: %q became %q", source, want, got)
		}
	})
}

func TestEmojiNames(t *testing.T) {
	for name, emoji := range map[string]string{
		"+1": "👍️", "thumbsup": "👍️", "wave::skin-tone-2": "👋🏻", "handshake::skin-tone-2-4": "🫱🏻‍🫲🏽", "heart": "❤️", "flag-de": "🇩🇪",
		"smile::skin-tone-3": "😄", "party-parrot": ":party-parrot:",
	} {
		if got := Emoji(name); got != emoji {
			t.Errorf("%s is %s, want %s", name, got, emoji)
		}
	}
	for emoji, name := range map[string]string{
		"👍": "+1", "👍️": "+1", "👍🏽": "+1::skin-tone-4", "❤": "heart", "❤️": "heart", ":party-parrot:": "party-parrot", "👋🏻": "wave::skin-tone-2",
		"": "", "no": "", "::": "", ":A b:": "",
	} {
		if got := EmojiName(emoji); got != name {
			t.Errorf("%s is called %q, want %q", emoji, got, name)
		}
	}
}

func TestSplit(t *testing.T) {
	long := strings.Repeat("words and words ", 500)
	source := long + "\n\n```\n" + strings.Repeat("code();\n", 300) + "```\n\n- " + strings.Repeat("x", 4000)
	blocks := ReadMarkdown(source, Mention{})
	pieces := Split(blocks, 1000)
	all := ""
	for _, piece := range pieces {
		n := 0
		for _, block := range piece {
			n += runes(block)
			all += plain(block.Runs)
		}
		if n > 1000 {
			t.Errorf("a piece of %d characters", n)
		}
		raw, _ := json.Marshal(Rich(piece))
		if len(raw) > 4000 {
			t.Errorf("a piece of 1,000 characters is %d bytes of JSON", len(raw))
		}
	}
	want := ""
	for _, block := range blocks {
		want += plain(block.Runs)
	}
	if all != want {
		t.Error("splitting lost or doubled text")
	}
	family := "👨‍👩‍👧‍👦"
	for _, piece := range Split([]Block{{Runs: text(strings.Repeat(family, 100))}}, 100) {
		if s := plain(piece[0].Runs); strings.Count(s, family)*len(family) != len(s) {
			t.Fatalf("a family was torn apart: %q", s)
		}
	}
}
