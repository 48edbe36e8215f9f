package format

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFromIRC(t *testing.T) {
	for in, want := range map[string]Line{
		"plain":                               {{"plain", 0}},
		"a \x02b\x1d c\x0f d":                 {{"a ", 0}, {"b", Bold}, {" c", Bold | Italic}, {" d", 0}},
		"\x0304,12red\x03 and \x034none\x03,": {{"red and none,", 0}},
		"\x03123":                             {{"3", 0}},
		"\x04ff0000,00ff00x\x04":              {{"x", 0}},
		"\x1fu\x1f \x1es\x1e \x11m\x11":       {{"u", Underline}, {" ", 0}, {"s", Strike}, {" ", 0}, {"m", Mono}},
		"\x01ACTION x\x01\r\n\x00\x16y":       {{"ACTION xy", 0}},
		"\x02\x02":                            nil,
	} {
		if got := FromIRC(in); !slices.Equal(got, want) {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
}

func TestMarkdownOfIRC(t *testing.T) {
	for in, want := range map[string]string{
		"hello":                       "hello",
		"\x02bold\x02 and \x1dit\x1d": "**bold** and _it_",
		"\x02 spaced \x02x":           "\u00a0**spaced** x",
		"a\x1db\x1dc":                 "a*b*c",
		"\x11x `y`\x11":               "`` x `y` ``",
		"\x1fu\x1f":                   "_u_",
		"\x1es\x1e":                   "~~s~~",
		"2 * 3 * 4":                   `2 \* 3 \* 4`,
		"snake_case_name _x_":         `snake_case_name \_x\_`,
		"# no heading":                `\# no heading`,
		"1. no list":                  `1\. no list`,
		"- no list":                   `\- no list`,
		"> no quote":                  `\> no quote`,
		"<b>&amp; a & b":              `\<b>\&amp; a & b`,
		"https://x.example/a_b_c?d=1": "<https://x.example/a_b_c?d=1>",
		"see https://x.example/a, b":  "see https://x.example/a, b",
		"[x](javascript:alert(1))":    `[x\](javascript:alert(1))`,
		"@alice_b: hi":                "@alice_b: hi",
		"    four":                    "\u00a0\u00a0\u00a0\u00a0four",
	} {
		if got := FromIRC(in).Markdown(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestIRCOfMarkdown(t *testing.T) {
	for in, want := range map[string][]string{
		"a **b** _c_ *d* ~~e~~ `f` ~g~":          {"a \x02b\x0f \x1dc\x0f \x1dd\x0f \x1ee\x0f \x11f\x0f \x1eg"},
		"**bold _both_**":                        {"\x02bold \x1dboth"},
		"***both***":                             {"\x02\x1dboth"},
		"snake_case and 2 * 3 * 4":               {"snake_case and 2 * 3 * 4"},
		"# Title":                                {"\x02Title"},
		"> quoted\n> more":                       {"> quoted", "> more"},
		"* one\n* two\n\n1. three":               {"- one", "- two", "1. three"},
		"```go\nx := *y\n\n  z\n```\nafter":      {"\x11x := *y", "\x11  z", "after"},
		"[text](https://x.example) ![c](u)":      {"text (https://x.example) c (u)"},
		"[https://x.example](https://x.example)": {"https://x.example"},
		"<https://x.example/a_b_> &lt;&amp;":     {"https://x.example/a_b_ <&"},
		"https://x.example/_a_*b* c":             {"https://x.example/_a_*b* c"},
		`\*no\* \a \_`:                           {`*no* \a _`},
		"**a\nb**":                               {"\x02a", "\x02b"},
		"a\r\nQUIT :x\rPRIVMSG\x00 \x01y\x01":    {"a", "QUIT :xPRIVMSG y"},
		"@alice_b_":                              {"@alice_b_"},
		"``a`b`` `unclosed":                      {"\x11a`b\x0f `unclosed"},
		"---":                                    {"---"},
		"~~~":                                    nil,
		"**":                                     {"**"},
		"hard\\\nbreak":                          {"hard", "break"},
	} {
		var got []string
		for _, l := range FromMarkdown(in) {
			got = append(got, l.IRC())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// words makes text of the characters that formatting is made of, on which mistakes show.
var words = rapid.StringMatching("[ab1é👍🏽 *_~`\\[\\]()<>&;:!#.|=+\\\\>/-]{0,40}")

func lines(t *rapid.T) Line {
	var l Line
	for range rapid.IntRange(0, 5).Draw(t, "runs") {
		l = l.add(words.Draw(t, "text"), Style(rapid.IntRange(0, 31).Draw(t, "style")))
	}
	return l
}

// What is said on IRC shows in the room as it stands: not one character more or fewer.
func TestTextSurvivesTheWayInAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := lines(t)
		want := l.trimmed().Text()
		md := l.Markdown()
		got := FromMarkdown(md)
		if strings.TrimSpace(strings.ReplaceAll(want, "\u00a0", " ")) == "" {
			return // nothing but spaces shows nothing
		}
		if len(got) != 1 || got[0].Text() != strings.Repeat(" ", strings.Count(want, "\u00a0"))+strings.TrimLeft(want, "\u00a0") {
			t.Fatalf("%q became %q, which shows %q", want, md, got)
		}
	})
}

func TestStylesSurviveIRC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := lines(t)
		if got := FromIRC(l.IRC()); !slices.Equal(got, l) {
			t.Fatalf("%+v came back as %+v", l, got)
		}
	})
}

func TestSplitKeepsAllAndFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := lines(t)
		most := rapid.IntRange(16, 60).Draw(t, "most")
		keep := rapid.Bool().Draw(t, "keep")
		var back Line
		for _, piece := range l.Split(most, keep) {
			if len(piece) > most || !utf8.ValidString(piece) {
				t.Fatalf("%q has %d bytes, not %d", piece, len(piece), most)
			}
			back = Join(back, FromIRC(piece))
		}
		if keep && !slices.Equal(back, l) {
			t.Fatalf("%+v came back as %+v", l, back)
		}
		if want := strings.ReplaceAll(l.Text(), " ", ""); strings.ReplaceAll(back.Text(), " ", "") != want {
			t.Fatalf("%q came back as %q", l.Text(), back.Text())
		}
	})
}

func TestSplitOnWordsAndNeverInsideACharacter(t *testing.T) {
	got := Line{{"hello brave ", 0}, {"new world of words", Bold}}.Split(20, false)
	if want := []string{"hello brave \x02new", "\x02world of words"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	family := "👨‍👩‍👧‍👦"
	for _, text := range []string{strings.Repeat(family, 9), strings.Repeat("🇨🇭", 30), strings.Repeat("e\u0301", 60), strings.Repeat("👍🏽", 20), strings.Repeat("한", 40)} {
		first := text[:grapheme(text)]
		for _, piece := range Plain(text).Split(50, false) {
			if strings.ReplaceAll(piece, first, "") != "" {
				t.Errorf("%q was cut inside of %q", piece, first)
			}
		}
	}
	if heap := Plain("a"+strings.Repeat("\u0301", 5000)).Split(100, false); len(heap) < 50 {
		t.Error("a heap of marks was not cut", len(heap))
	}
}

func TestCharset(t *testing.T) {
	c, err := NewCharset("koi8-r")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Decode("\xd0\xd2\xc9\xd7\xc5\xd4"); got != "привет" {
		t.Error(got)
	}
	if got := c.Decode("привет"); got != "привет" {
		t.Error("what is UTF-8 stays so", got)
	}
	if got := (Charset{}).Decode("caf\xe9"); got != "café" {
		t.Error(got)
	}
	if _, err := NewCharset("klingon"); err == nil {
		t.Error("a charset that is none")
	}
}

// Hostile texts are read in bounded work: the fuzzer and the quick tests would stand still otherwise.
func TestHostileMarkdown(t *testing.T) {
	for _, piece := range []string{"*a ", "[", "![", "> ", "- ", "`", "``a", "<a:", "&", "_a*", "~~a", "](", "[a](", "http://a.", "\\", "1. ", "#", "***", "h", "[a]: b\n", "*a **b "} {
		text := strings.Repeat(piece, 16000/len(piece))
		for _, l := range FromMarkdown(text) {
			l.Split(400, false)
			l.Markdown()
		}
	}
}

func FuzzFromIRC(f *testing.F) {
	f.Add("\x02a\x0304,5b\x0f `c` *d*")
	f.Add("1) [a](b) \\& &amp; http://x/_a_ ")
	f.Fuzz(func(t *testing.T, s string) {
		l := FromIRC(s)
		md := l.Markdown()
		if Clean(md) != md {
			t.Fatalf("%q has control characters", md)
		}
		want := strings.TrimSpace(strings.ReplaceAll(l.trimmed().Text(), "\u00a0", " "))
		got := FromMarkdown(md)
		if want == "" {
			return
		}
		if len(got) != 1 || strings.TrimSpace(strings.ReplaceAll(got[0].Text(), "\u00a0", " ")) != want {
			t.Fatalf("%q became %q, which shows %+v", s, md, got)
		}
	})
}

func FuzzFromMarkdown(f *testing.F) {
	f.Add("**a _b_** `c`\n> d\n```\ne\n```\n[f](https://g)")
	f.Add("a\r\nQUIT\x01\x00")
	f.Fuzz(func(t *testing.T, text string) {
		for _, l := range FromMarkdown(text) {
			for _, piece := range l.Split(100, false) {
				if strings.ContainsAny(piece, "\r\n\x00\x01") || len(piece) > 100 {
					t.Fatalf("%q", piece)
				}
			}
		}
	})
}
