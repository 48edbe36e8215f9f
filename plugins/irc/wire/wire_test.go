package wire

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]Message{
		"PING":                      {Command: "PING"},
		"ping :a b\r\n":             {Command: "PING", Params: []string{"a b"}},
		":a!b@c PRIVMSG #x :":       {Source: Source{"a", "b", "c"}, Command: "PRIVMSG", Params: []string{"#x", ""}},
		":irc.example 001 me  :hi ": {Source: Source{Nick: "irc.example"}, Command: "001", Params: []string{"me", "hi "}},
		"@a=1;b;c=\\:\\s\\\\\\r\\n\\x\\ :n FOO x": {Tags: Tags{{"a", "1"}, {"b", ""}, {"c", "; \\\r\nx"}}, Source: Source{Nick: "n"}, Command: "FOO", Params: []string{"x"}},
		"@+draft/react=👍;account= TAGMSG #x":      {Tags: Tags{{"+draft/react", "👍"}, {"account", ""}}, Command: "TAGMSG", Params: []string{"#x"}},
	} {
		got, err := Parse(line)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", line, got, err, want)
		}
	}
	for _, bad := range []string{"", "\r\n", ":only.source", "@a=b", "@a=b :x ", "@" + strings.Repeat("x", MaxTags+MaxOwnTags) + " PING"} {
		if m, err := Parse(bad); err == nil {
			t.Errorf("%.40q was read as %+v", bad, m)
		}
	}
}

// Command injection is what bridges were attacked with (appservice-irc 1.0.1): nothing that a message
// holds may make a second line.
func TestStringIsOneLine(t *testing.T) {
	evil := "x\r\nQUIT :bye\n\x00"
	m := New("PRIVMSG", "#a"+evil, evil).Tagged("+k"+evil, evil)
	m.Source = Source{evil, evil, evil}
	if s := m.String(); strings.ContainsAny(s, "\r\n\x00") {
		t.Fatalf("%q", s)
	}
	if s := New("JOIN", "a b", ":c", "", "d").String(); s != "JOIN a c * d" {
		t.Fatalf("%q", s)
	}
}

func TestTagsHaveTheTimeAndTheLastOfTwo(t *testing.T) {
	m, _ := Parse("@a=1;a=2;time=2026-11-22T08:00:00.123Z PING")
	if m.Tags.Value("a") != "2" || m.Tags.Any("none", "a") != "2" {
		t.Errorf("%v", m.Tags)
	}
	if want := time.Date(2026, 11, 22, 8, 0, 0, 123e6, time.UTC); !m.Tags.Time().Equal(want) {
		t.Errorf("%v", m.Tags.Time())
	}
	if !(Tags{{"time", "yesterday"}}).Time().IsZero() {
		t.Error("a time that is none")
	}
}

func TestFold(t *testing.T) {
	for c, want := range map[Casemap]string{ASCII: "ab[]\\^", RFC1459: "ab{}|~", StrictRFC1459: "ab{}|^", "": "ab{}|~", RFC7613: "ab[]\\^"} {
		if got := c.Fold("aB[]\\^"); got != want {
			t.Errorf("%s: %s, want %s", c, got, want)
		}
	}
	if RFC7613.Fold("ÄB") != "äb" || ASCII.Fold("ÄB") != "Äb" {
		t.Error("letters beyond ASCII")
	}
}

func TestSupport(t *testing.T) {
	s := NewSupport()
	s.Add([]string{"CASEMAPPING=ascii", "NICKLEN=30", "PREFIX=(qaohv)~&@%+", "CHANMODES=Ibe,k,l,imnst", "NETWORK=A\\x20B", "WHOX", "STATUSMSG=@+",
		"CHANTYPES=#", "CHATHISTORY=50", "LINELEN=2048", "NICKLEN=-1", "TOPICLEN=99999999999999999999", "PREFIX", "EXTBAN=$,a", "ACCOUNTEXTBAN=a,account"})
	if s.Case != ASCII || s.NickLen != 30 || s.Network != "A B" || !s.WHOX || s.History != 50 || s.LineLen != 2048 || s.BanAccount() != "$a:" {
		t.Errorf("%+v", s)
	}
	s.Add([]string{"PREFIX=(qaohv)~&@%+", "-WHOX"})
	if s.WHOX || s.Network != "A B" {
		t.Error("what the server took back")
	}
	for signs, op := range map[string]bool{"@": true, "~": true, "&+": true, "%": false, "+": false, "": false, "%@": true} {
		if s.IsOperator(signs) != op {
			t.Errorf("%q is an operator: %v", signs, !op)
		}
	}
	if signs, nick := s.Signs("@+bob"); signs != "@+" || nick != "bob" {
		t.Error(signs, nick)
	}
	for target, want := range map[string]string{"#a": "#a", "@#a": "#a", "@+#a": "#a", "bob": "", "": "", "@bob": ""} {
		if got := s.Channel(target); got != want {
			t.Errorf("%s: %s", target, got)
		}
	}
	got := s.Changes([]string{"+ob-l+k", "alice", "*!*@*", "key"})
	want := []Change{{true, 'o', "alice", '@'}, {true, 'b', "*!*@*", 0}, {false, 'l', "", 0}, {true, 'k', "key", 0}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestNicks(t *testing.T) {
	for name, want := range map[string]string{"Alice": "Alice", "Zoë Müller": "Zoe_Muller", "4ever": "_4ever", "日本": "user", "": "user", "a\r\nQUIT": "aQUIT", "-x-": "_-x", "alice@node": "alicenode"} {
		if got := LegalNick(name, 30); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	seen := map[string]bool{}
	for tries := 1; tries < 30; tries++ {
		nick := NextNick("hearthbot", tries, 9)
		if seen[nick] || len(nick) > 9 {
			t.Errorf("try %d: %q", tries, nick)
		}
		seen[nick] = true
	}
}

func TestLinesSkipsWhatIsTooLong(t *testing.T) {
	long := strings.Repeat("x", 3*maxRead)
	l := NewLines(iotest.OneByteReader(strings.NewReader("a\r\n\r\n" + long + "\r\nb\nunfinished")))
	for _, want := range []string{"a", "b"} {
		if got, err := l.Next(); got != want || err != nil {
			t.Fatal(got, err)
		}
	}
	if _, err := l.Next(); err == nil || l.Skipped != 1 {
		t.Fatal(err, l.Skipped)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"@a=1;b=\\s :n!u@h PRIVMSG #x :hello", ":s 005 me PREFIX=(ov)@+ :are", "@\\ :: :", "A : :\r", "@;;=;a=b;=c X", ":\xff\xfe PING \x00", "MODE #x +o-v a b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		m, err := Parse(line)
		if err != nil {
			return
		}
		out := m.String()
		if strings.ContainsAny(out, "\r\n\x00") {
			t.Fatalf("%q became two lines: %q", line, out)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", line, out, err)
		}
		if again.String() != out {
			t.Fatalf("%q, then %q", out, again.String())
		}
		s := NewSupport()
		s.Add(m.Params)
		s.Changes(m.Params)
		s.Channel(line)
		s.Signs(line)
		s.Case.Fold(line)
	})
}

func FuzzTags(f *testing.F) {
	f.Add("+reply", "a; b\\c\r\n")
	f.Fuzz(func(t *testing.T, key, value string) {
		if tagKey(key) != key || key == "" || strings.Contains(value, "\x00") {
			return
		}
		if got := parseTags(Tags{{key, value}}.String()).Value(key); got != value {
			t.Fatalf("%q came back as %q", value, got)
		}
	})
}

func FuzzLegalNick(f *testing.F) {
	f.Add("Zoë", 9)
	f.Fuzz(func(t *testing.T, name string, length int) {
		nick := LegalNick(name, length)
		if nick == "" || len(nick) > max(length, 1) {
			t.Fatalf("%q", nick)
		}
		for i := range len(nick) {
			if !nickByte(nick[i]) {
				t.Fatalf("%q", nick)
			}
		}
	})
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		mask, s string
		is      bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a*c", "abbc", true}, {"a*c", "abbcd", false}, {"*!*@*.ru", "a!b@x.ru", true},
		{"*!*@*.ru", "a!b@x.rux", false}, {"?lice!*", "alice!u@h", true}, {"?lice!*", "lice!u@h", false}, {"**a**", "bab", true}, {"*a", "aab", false}, {"a?", "a", false},
	} {
		if Match(c.mask, c.s) != c.is {
			t.Errorf("%q matches %q: %v", c.mask, c.s, !c.is)
		}
	}
}

// A mask is any text: it matches as the regular expression does that says the same.
func FuzzMatch(f *testing.F) {
	f.Add("*!*@*.ru", "a!b@x.ru")
	f.Add(strings.Repeat("*a", 20), strings.Repeat("a", 40)+"b")
	f.Fuzz(func(t *testing.T, mask, s string) {
		if len(mask) > 60 || len(s) > 60 {
			t.Skip()
		}
		var re strings.Builder
		for i := 0; i < len(mask); i++ {
			switch mask[i] {
			case '*':
				re.WriteString(`(?:.|\n)*`)
			case '?':
				re.WriteString(`(?:.|\n)`)
			default:
				re.WriteString(regexp.QuoteMeta(string(rune(mask[i]))))
			}
		}
		latin := func(s string) string { // a byte is a character
			r := make([]rune, len(s))
			for i := range r {
				r[i] = rune(s[i])
			}
			return string(r)
		}
		if want := regexp.MustCompile("^(?:" + re.String() + ")$").MatchString(latin(s)); Match(mask, s) != want {
			t.Errorf("%q matches %q: %v", mask, s, !want)
		}
	})
}

func TestQuiet(t *testing.T) {
	for token, want := range map[string]string{
		"CHANMODES=eIbq,k,flj,CFLMPQ": "q x", "PREFIX=(qaohv)~&@%+ CHANMODES=IXbegqw,k,l,i EXTBAN=,ACmj": "b m:x",
		"EXTBAN=~,qjncrf": "b ~q:x", "EXTBAN=$,agjrxz": "", "CHANMODES=b,k,l,i": "",
	} {
		s := NewSupport()
		s.Add(strings.Fields(token))
		got := ""
		if mode, arg := s.Quiet("x"); mode != 0 {
			got = string(mode) + " " + arg
		}
		if got != want {
			t.Errorf("%s: %q, want %q", token, got, want)
		}
	}
}
