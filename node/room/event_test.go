package room

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"

	"hearth/node/room/roompb"
)

func TestMentions(t *testing.T) {
	for _, c := range []struct {
		text  string
		users string
		room  bool
	}{
		{"hello @bob", "bob@here", false},
		{"@bob: and @ann@there.example, hi", "bob@here ann@there.example", false},
		{"@bob @bob", "bob@here", false},
		{"mail bob@example.org", "", false},
		{"`@bob` and @ann", "ann@here", false},
		{"```\n@bob\n```\n@ann.", "ann@here", false},
		{"~~~\n@bob", "", false},
		{"@room please", "", true},
		{"@Bob", "", false},
		{"@@bob", "", false},
		{"(@bob)", "bob@here", false},
		{"\\@bob", "", false},
		{"你好@bob！", "bob@here", false},
		{"@", "", false},
		{"@-", "", false},
	} {
		users, everybody := Mentions(c.text, "here")
		var got []string
		for _, u := range users {
			got = append(got, string(u))
		}
		if strings.Join(got, " ") != c.users || everybody != c.room {
			t.Errorf("%q: got %q room=%v, want %q room=%v", c.text, got, everybody, c.users, c.room)
		}
	}
	many := ""
	for i := range 200 {
		many += " @user" + string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	if users, _ := Mentions(many, "here"); len(users) != MaxMentions {
		t.Errorf("%d users of 200 are named", len(users))
	}
}

func TestUsernames(t *testing.T) {
	for name, ok := range map[string]bool{
		"alice": true, "a1": true, "a.b-c_d": true, "a": false, "": false, "Alice": false, "a b": false,
		".ab": false, "ab.": false, strings.Repeat("a", 32): true, strings.Repeat("a", 33): false, "älice": false, "a@b": false, "a\x00b": false,
	} {
		if err := CheckUsername(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		} else if err != nil && len(err.Error()) < 20 {
			t.Errorf("%q: %q does not say what is wrong", name, err)
		}
	}
	for name, said := range map[string]string{"Alice": `try "alice"`, "Al Ice!": `not 'A'`} { // what is proposed can be taken
		if err := CheckUsername(name); !strings.Contains(fmt.Sprint(err), said) {
			t.Errorf("%q: %v, want %s", name, err, said)
		}
	}
}

// TestChain: what is sealed can be read back, its head is signed, and no byte of it can
// be changed unnoticed.
func TestChain(t *testing.T) {
	s := created(t, true)
	e := entry(t, s, user("olga"), KindText, &roompb.Body{Salt: []byte{1, 2}, Text: "hello"})
	again, err := DecodeEvent(e.RawHeader, e.RawBody)
	if err != nil || again.ID != e.ID || again.Body.GetText() != "hello" {
		t.Fatalf("%+v %v", again, err)
	}
	for i := range e.RawBody {
		bad := bytes.Clone(e.RawBody)
		bad[i] ^= 1
		if _, err := DecodeEvent(e.RawHeader, bad); err == nil {
			t.Fatalf("byte %d of the body was changed unnoticed", i)
		}
	}
	for i := range e.RawHeader {
		bad := bytes.Clone(e.RawHeader)
		bad[i] ^= 1
		if other, err := DecodeEvent(bad, e.RawBody); err == nil && other.ID == e.ID {
			t.Fatalf("byte %d of the header was changed and the id stays", i)
		}
	}
	erased, err := DecodeEvent(e.RawHeader, nil)
	if err != nil || erased.ID != e.ID || erased.Body != nil {
		t.Fatalf("erased: %+v %v", erased, err)
	}
	public, private, _ := ed25519.GenerateKey(nil)
	h := HeadOf(e)
	SignHead(h, private)
	if !VerifyHead(h, public) {
		t.Fatal("a signed head does not verify")
	}
	h.Seq++
	if VerifyHead(h, public) {
		t.Fatal("a changed head verifies")
	}
}

func TestTimeNeverFalls(t *testing.T) {
	now := TimeAt(5000)
	for _, ms := range []int64{5000, 5000, 4000, 0, -5, 5001, 9_999_999, 5001} {
		next := now.Next(ms)
		if next <= now {
			t.Fatalf("at %d ms time fell from %d to %d", ms, now, next)
		}
		now = next
	}
}

func TestCompareIsOneOrder(t *testing.T) {
	s := created(t, true)
	var events []*Event
	for i := range 50 {
		e := entry(t, s, user("olga"), KindText, &roompb.Body{Text: "x"})
		e.Header.Time, e.Header.Seq, e.Header.Origin = uint64(i%3), uint64(i), string(rune('a'+i%5))
		events = append(events, e)
	}
	slices.SortFunc(events, Compare)
	if !slices.IsSortedFunc(events, Compare) {
		t.Fatal("not one order")
	}
}

func FuzzDecodeEvent(f *testing.F) {
	s := created(f, true)
	e := entry(f, s, user("olga"), KindText, &roompb.Body{Salt: []byte{1}, Text: "hello", Mentions: []string{"a@b"}})
	f.Add(e.RawHeader, e.RawBody)
	f.Add([]byte{}, []byte(nil))
	f.Fuzz(func(t *testing.T, header, body []byte) {
		e, err := DecodeEvent(header, body)
		if err != nil {
			return
		}
		Mentions(e.Body.GetText(), testNode)
		c := s.Clone()
		_ = c.CheckTarget(e, e)
		c.Judge(e)
		_ = c.JudgeTarget(e, e)
		c.Preview(e)
		_ = c.Apply(e)
	})
}

func FuzzNames(f *testing.F) {
	f.Add("alice@node.example")
	f.Add("#garden")
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := ParseUser(s); err == nil && MakeUser(u.Local(), u.Node()) != u {
			t.Fatalf("%q is not itself", u)
		}
		_ = CheckAlias(s)
		if h, err := ParseHash(s); err == nil && h.String() != s {
			t.Fatalf("%q becomes %q", s, h)
		}
		Mentions(s, testNode)
	})
}
