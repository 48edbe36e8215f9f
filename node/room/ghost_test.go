package room

import (
	"strings"
	"testing"

	"hearth/node/room/roompb"
)

func bridgeJoin(u User, place string) *roompb.Body {
	b := joinOf(u)
	b.Bridge = place
	return b
}

// A public room is open to people, not to whoever would carry it to another network.
func TestWhoMayBridge(t *testing.T) {
	home, far := user("libera"), MakeUser("libera", "far.test")
	for _, c := range []struct {
		what    string
		public  bool
		bot     User
		invited bool
		want    Code
	}{
		{"the origin's own bridge", false, home, false, ""},
		{"another node's, public room", true, far, false, Forbidden},
		{"another node's, private room", false, far, false, Forbidden},
		{"another node's, invited", false, far, true, ""},
	} {
		s := created(t, c.public)
		if c.invited {
			apply(t, s, user("olga"), KindInvite, &roompb.Body{Subject: string(c.bot)})
		}
		err := s.Apply(entry(t, s, c.bot, KindJoin, bridgeJoin(c.bot, "#garden on libera")))
		if CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
		if m := s.Member(c.bot); err == nil && m.Bridge != "#garden on libera" {
			t.Errorf("%s: the room does not say what it is joined to: %+v", c.what, m)
		}
		if loaded, err := LoadState(s.ID, s.Dump()); err != nil || loaded.Member(c.bot) != s.Member(c.bot) {
			t.Errorf("%s: loaded as %+v, %v", c.what, loaded.Member(c.bot), err)
		}
	}
}

func TestGhosts(t *testing.T) {
	ann := func() *roompb.Ghost { return &roompb.Ghost{Id: "ann", Name: "Ann", Network: "libera"} }
	with := func(change func(*roompb.Ghost)) *roompb.Ghost { g := ann(); change(g); return g }
	for what, c := range map[string]struct {
		ghost *roompb.Ghost
		want  Code
	}{
		"in order":       {ann(), ""},
		"no id":          {with(func(g *roompb.Ghost) { g.Id = "" }), BadRequest},
		"no name":        {with(func(g *roompb.Ghost) { g.Name = "" }), BadRequest},
		"no network":     {with(func(g *roompb.Ghost) { g.Network = "" }), BadRequest},
		"turned name":    {with(func(g *roompb.Ghost) { g.Name = "a\u202eb" }), BadRequest},
		"long id":        {with(func(g *roompb.Ghost) { g.Id = strings.Repeat("x", MaxGhost+1) }), TooLarge},
		"many hops":      {with(func(g *roompb.Ghost) { g.Hops = make([]string, MaxHops+1) }), TooLarge},
		"no blob's id":   {with(func(g *roompb.Ghost) { g.Avatar = "../x" }), BadRequest},
		"line in a name": {with(func(g *roompb.Ghost) { g.Name = "a\nb" }), BadRequest},
	} {
		if err := CheckBody(KindText, &roompb.Body{Text: "hello", Ghost: c.ghost}); CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	e := &Event{Header: &roompb.Header{Author: "libera@node.test"}, Body: &roompb.Body{Ghost: ann()}}
	if e.Actor() != "libera@node.test/ann" {
		t.Errorf("a ghost reacts as %q", e.Actor())
	}
	e.Header.Time, e.Header.Kind = uint64(TimeAt(1_000_000)), string(KindText)
	for sent, want := range map[int64]int64{0: 0, -1: 0, 5: 5, 1_000_000: 1_000_000, 1 << 62: 1_000_000 + MaxClockForward} {
		e.Body.Sent = sent
		if e.Sent() != want {
			t.Errorf("sent at %d is shown as %d", sent, e.Sent())
		}
	}
	e.Body.Ghost = nil
	if e.Sent() != 0 {
		t.Error("who is no ghost says when it was said")
	}
	e.Body.Ghost = ann()
	if _, err := ParseUser(e.Actor()); err == nil {
		t.Error("somebody's user name may look like a ghost's")
	}
}

func TestFiles(t *testing.T) {
	file := func(change func(*roompb.File)) []*roompb.File {
		f := &roompb.File{Blob: Hash{1}.String(), Name: "cat.png", Size: 10, Type: "image/png"}
		change(f)
		return []*roompb.File{f}
	}
	for what, c := range map[string]struct {
		files []*roompb.File
		want  Code
	}{
		"without a word": {file(func(*roompb.File) {}), ""},
		"none, no text":  {nil, BadRequest},
		"no name":        {file(func(f *roompb.File) { f.Name = "" }), BadRequest},
		"no blob's id":   {file(func(f *roompb.File) { f.Blob = "../x" }), BadRequest},
		"a line in it":   {file(func(f *roompb.File) { f.Name = "a\nb" }), BadRequest},
		"huge":           {file(func(f *roompb.File) { f.Size = 1 << 60 }), TooLarge},
		"too many":       {make([]*roompb.File, MaxFiles+1), TooLarge},
	} {
		if err := CheckBody(KindText, &roompb.Body{Files: c.files}); CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}
