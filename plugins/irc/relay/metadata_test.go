package relay

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/irc/ircdouble"
)

// People's pictures are ghosts' avatars, in the roster and beside what they say, and go with them.
func TestPictures(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	pictures := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		w.Write(append([]byte("\x89PNG\r\n\x1a\n"), r.URL.Path...))
	}))
	defer pictures.Close()
	w := &world{T: t, irc: ircdouble.New(t).Start(nil)}
	w.irc.Join(garden, "bob", "@")
	p := quick
	p.Pictures = pictures.Client()
	w.host = bridgetest.Start(t, p, &pb.Open{Bridge: "libera", Settings: w.settings(nil), Links: []*pb.Link{{Channel: garden, Confirmed: true}}})
	w.irc.WaitLine("hearth", "METADATA * SUB avatar")
	w.waitRoster("bob")
	w.irc.Raw(garden, ":irc.example METADATA bob avatar * :"+pictures.URL+"/bob/{size}.png")
	has := func(id string) func() bool { return func() bool { return w.host.Roster(garden)[id].GetAvatar() != "" } }
	w.until("bob's picture", has("bob"))
	if path := <-asked; path != "/bob/128.png" {
		t.Error(path)
	}
	w.irc.Say(garden, "bob", "hi")
	handle := w.host.Entry().GetGhost().GetAvatar()
	if f := w.host.Files()[handle]; f == nil || !strings.HasSuffix(string(f.Bytes), "/bob/128.png") {
		t.Errorf("%q is %v", handle, f)
	}
	w.irc.Line("bob", "NICK rob")
	w.until("rob's picture", has("rob"))
	w.irc.Line("rob", "PART "+garden)
	w.irc.Join(garden, "rob", "") // perhaps somebody else
	w.irc.Say(garden, "rob", "hello")
	for e := w.host.Entry(); ; e = w.host.Entry() {
		if e.GetText() == "hello" {
			if e.GetGhost().GetAvatar() != "" {
				t.Error(e)
			}
			break
		}
	}
	// The same picture of somebody else is fetched once; what is taken back is gone.
	w.irc.Raw(garden, ":irc.example 761 hearth rob avatar * :"+pictures.URL+"/bob/128.png")
	w.until("rob's picture", has("rob"))
	w.irc.Raw(garden, ":irc.example METADATA rob avatar *")
	w.until("no picture", func() bool { return !has("rob")() })
	if len(asked) > 0 {
		t.Errorf("asked for %s", <-asked)
	}
}

func TestPicturesAreNotAskedFor(t *testing.T) {
	t.Parallel()
	w := begin(t, map[string]string{"avatars": "false"}, nil)
	w.irc.Raw(garden, ":irc.example METADATA bob avatar * :https://127.0.0.1/x.png")
	w.irc.Say(garden, "bob", "hi")
	if e := w.hears("text", "hi"); e.GetGhost().GetAvatar() != "" {
		t.Error(e)
	}
	if l := w.irc.Lines("hearth"); slices.ContainsFunc(l, func(s string) bool { return strings.HasPrefix(s, "METADATA") }) {
		t.Errorf("%q", l)
	}
}
