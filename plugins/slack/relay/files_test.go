package relay

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	pb "hearth/plugins/bridge/bridgepb"
	"hearth/plugins/bridge/bridgetest"
	"hearth/plugins/slack/slackdouble"
)

func with(file string) func(*slackdouble.Message) {
	return func(m *slackdouble.Message) { m.Files, m.Subtype = []string{file}, "file_share" }
}

func TestFilesFromSlack(t *testing.T) {
	w := start(t, map[string]string{"max_file_mb": "1"})
	file := func(f slackdouble.File) (*pb.Entry, *pb.File) {
		t.Helper()
		w.Say(garden, "UALICE0", "look", with(w.AddFile(&f)))
		e := w.host.Entry()
		if len(e.Files) != 1 || e.Text != "look" {
			t.Fatalf("%v", e)
		}
		return e, e.Files[0]
	}
	_, f := file(slackdouble.File{Name: "a.png", Type: "image/png", Bytes: []byte("pixels")})
	if got := w.host.Files()[f.Handle]; got == nil || string(got.Bytes) != "pixels" || f.Name != "a.png" {
		t.Fatalf("a picture: %v", f)
	}
	_, f = file(slackdouble.File{Name: "late.png", Type: "image/png", Bytes: []byte("pixels"), Late: 3})
	if got := w.host.Files()[f.Handle]; got == nil || string(got.Bytes) != "pixels" {
		t.Fatalf("a file that came late: %v", f)
	}
	_, f = file(slackdouble.File{Name: "doc", Link: "https://docs.example/1", Mode: "external"})
	if f.Handle != "" || f.Url != "https://docs.example/1" {
		t.Fatalf("a file elsewhere: %v", f)
	}
	_, f = file(slackdouble.File{Name: "patch.diff", Type: "text/plain", Mode: "snippet", Bytes: []byte("-a\n+b")})
	if got := w.host.Files()[f.Handle]; got == nil || string(got.Bytes) != "-a\n+b" {
		t.Fatalf("a snippet: %v", f)
	}
	_, f = file(slackdouble.File{Name: "notes", Mode: "canvas", Bytes: []byte("x")})
	if f.Handle != "" || !strings.HasPrefix(f.Url, slackdouble.Workspace) {
		t.Fatalf("a canvas: %v", f)
	}
	_, f = file(slackdouble.File{Name: "big.iso", Bytes: make([]byte, 1_100_000)})
	if f.Handle != "" || f.Url == "" {
		t.Fatalf("a large file: %v", f)
	}
	ts := w.Say(garden, "UALICE0", "first the text")
	w.host.Entry()
	w.Attach(garden, ts, w.AddFile(&slackdouble.File{Name: "added.txt", Type: "text/plain", Bytes: []byte("later")}))
	if e := w.host.Entry(); e.ReplyTo != ts || len(e.Files) != 1 || e.Files[0].Handle == "" {
		t.Fatalf("a file added to a message: %v", e)
	}
}

// When all that a message was is deleted, the message goes; what has words stays.
func TestFilesThatAreDeletedInSlack(t *testing.T) {
	w := start(t, nil)
	f := &slackdouble.File{Name: "a.txt", Type: "text/plain", Bytes: []byte("secret")}
	file := w.AddFile(f)
	alone := w.Say(garden, "UALICE0", "", with(file))
	w.host.Entry()
	beside := w.Say(garden, "UALICE0", "words", with(file))
	w.host.Entry()
	w.Set(func(*slackdouble.Slack) { f.Mode = "tombstone" })
	w.Touch(garden, beside)
	w.Touch(garden, alone)
	if e := w.host.Entry(); e.Kind != "delete" || e.Target != alone || e.Ghost.Id != "UALICE0" {
		t.Errorf("%v", e)
	}
}

// What never comes whole is relayed as a link, after a while.
func TestAFileThatIsNeverThere(t *testing.T) {
	w := impatient(t)
	w.Say(garden, "UALICE0", "look", with(w.AddFile(&slackdouble.File{Name: "no scope.png", Type: "image/png", Bytes: []byte("x"), Page: true})))
	if e := w.host.Entry(); e.Text != "look" || e.Files[0].Handle != "" || e.Files[0].Url == "" || w.host.Counted("dropped", "file") != 1 {
		t.Fatalf("a page instead of a file: %v", e)
	}
}

// impatient is a world in which no file is waited for.
func impatient(t *testing.T) *world {
	s := slackdouble.New(t)
	s.Channel(garden, "garden", false)
	timing := quick
	timing.File = 50 * time.Millisecond
	w := &world{s, bridgetest.Start(t, &Bridge{Timing: timing}, openFor(s, nil))}
	w.ready()
	return w
}

// The address of a file is what an app, or somebody of another workspace, has chosen: nobody but Slack gets the token,
// and nobody else is called.
func TestTheTokenGoesToSlackAlone(t *testing.T) {
	var called atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called.Add(1)
		io.WriteString(w, "got you")
	}))
	defer trap.Close()
	w := impatient(t)
	for _, f := range []slackdouble.File{{Name: "a", Bytes: []byte("x"), Private: trap.URL + "/a"}, {Name: "b", Bytes: []byte("x"), Redirect: trap.URL + "/b"}} {
		w.Say(garden, "UALICE0", "look", with(w.AddFile(&f)))
		if e := w.host.Entry(); len(e.Files) != 1 || e.Files[0].Handle != "" || e.Files[0].Url == "" {
			t.Errorf("%s: %v", f.Name, e)
		}
	}
	if n := called.Load(); n != 0 {
		t.Errorf("another host was called %d times", n)
	}
}

func TestFilesToSlack(t *testing.T) {
	w := start(t, map[string]string{"max_file_mb": "1"})
	root := w.Say(garden, "UALICE0", "root")
	w.host.Entry()
	const handle = "H1"
	w.host.AddFile(&pb.File{Handle: handle, Name: "voice.ogg", Type: "audio/ogg", Size: 5}, []byte("sound"))
	d := text("listen")
	d.Thread = &pb.Ref{Event: "R", Remote: []string{root}}
	d.Files = []*pb.File{{Handle: handle, Name: "voice.ogg", Type: "audio/ogg", Size: 5, Seconds: 3}}
	id, remote := w.done(t, d)
	if len(remote) != 2 {
		t.Fatalf("remote: %v", remote)
	}
	files := w.Uploaded()
	if len(files) != 1 || string(files[0].Bytes) != "sound" || files[0].Name != "voice.ogg" || files[0].Comment != "*Alice Node*" || w.Message(garden, remote[1]).Thread != root {
		t.Fatalf("uploaded: %+v", files)
	}
	w.done(t, &pb.Delivery{Channel: "#garden", Kind: "delete", Target: &pb.Ref{Event: id, Remote: remote}})
	if !w.Message(garden, remote[1]).Deleted {
		t.Fatal("the file's message stayed")
	}
	d = text("")
	d.Files = []*pb.File{{Handle: handle, Name: "film.mkv", Size: 5_000_000, Url: "https://node.example:8443/m/token/film.mkv"}}
	w.done(t, d)
	if p := w.WaitPost(garden, 1); !strings.Contains(p.Text, "https://node.example:8443/m/token/film.mkv") {
		t.Fatalf("a large file: %+v", p)
	}
	// An upload whose answer is lost is not shared twice.
	w.Lose("files.completeUploadExternal", 1)
	d = text("")
	d.Files = []*pb.File{{Handle: handle, Name: "once.ogg", Size: 5}}
	w.done(t, d)
	for _, f := range w.Uploaded() {
		if f.Name == "once.ogg" && f.Completed != 1 {
			t.Fatalf("shared %d times", f.Completed)
		}
	}
}
