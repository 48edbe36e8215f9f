package transport

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hearth/node"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

// upload posts a file, and returns what the node says of it.
func (h *house) upload(token, name string, data []byte) (int, *roompb.File) {
	h.t.Helper()
	r, _ := http.NewRequest("POST", h.url()+"/file?name="+name, bytes.NewReader(data))
	r.Header.Set("Authorization", "Bearer "+token)
	w, err := h.http.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer w.Body.Close()
	var f roompb.File
	_ = json.NewDecoder(w.Body).Decode(&f)
	return w.StatusCode, &f
}

func wholeBody(t *testing.T, w *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFilesOfMessages(t *testing.T) {
	h := openHouse(t)
	alice, bob := h.person("alice"), h.person("bob")
	if status, _ := h.upload("", "x", []byte("x")); status != 401 {
		t.Errorf("anonymous upload: %d", status)
	}
	status, f := h.upload(alice.token, "notes.html", []byte("<script>alert(1)</script>"))
	if status != 200 || f.Name != "notes.html" || f.Size != 25 {
		t.Fatalf("upload: %d %v", status, f)
	}
	garden := alice.room("garden")
	bob.join(garden)
	// What a client says of a file counts for nothing but its name.
	sent := &clientpb.EventResponse{}
	alice.mustCall("Send", &clientpb.SendRequest{
		Room: garden, Files: []*roompb.File{{Blob: f.Blob, Name: "beans.html", Size: 1, Type: "image/png"}},
	}, sent)
	page := &clientpb.HistoryResponse{}
	bob.mustCall("History", &clientpb.HistoryRequest{Room: garden, Limit: 1}, page)
	e := page.Events[0]
	if len(e.Files) != 1 || e.Files[0].Name != "beans.html" || e.Files[0].Size != 25 || e.Files[0].Type != "text/html" || e.Text != "" {
		t.Errorf("%v", e)
	}
	w := h.get("GET", "/blob/"+f.Blob, bob.token)
	if got := wholeBody(t, w); w.StatusCode != 200 || got != "<script>alert(1)</script>" || w.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%d %v %q", w.StatusCode, w.Header, got)
	}
	unknown := &roompb.File{Blob: room.Hash{1}.String(), Name: "x"}
	if err := alice.call("Send", &clientpb.SendRequest{Room: garden, Files: []*roompb.File{unknown}}, sent); codeIn(err) != string(room.NotFound) {
		t.Errorf("a file that is not here: %v", err)
	}

	// The file and the links to it go with the message.
	event, _ := room.ParseHash(e.Id)
	blob, _ := room.ParseHash(f.Blob)
	path, err := h.node.Publish(node.Publication{Owner: "irc@" + room.User(h.node.Name()), Blob: blob, Name: "beans.html", Event: event})
	if err != nil {
		t.Fatal(err)
	}
	w = h.get("GET", path, "")
	if got := wholeBody(t, w); w.StatusCode != 200 || got != "<script>alert(1)</script>" || w.Header.Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(w.Header.Get("Content-Disposition"), "attachment") || w.Header.Get("X-Robots-Tag") == "" {
		t.Errorf("link: %d %v %q", w.StatusCode, w.Header, got)
	}
	alice.mustCall("Delete", &clientpb.TargetRequest{Room: garden, Event: e.Id}, &clientpb.EventResponse{})
	until(t, "the file goes with its message", func() bool { return h.get("GET", "/blob/"+f.Blob, bob.token).StatusCode == 404 })
	until(t, "the link goes with its message", func() bool { return h.get("GET", path, "").StatusCode == 404 })
}

func TestPublishedText(t *testing.T) {
	h := openHouse(t)
	p := node.Publication{Owner: "irc@" + room.User(h.node.Name()), Text: "line 1\n<b>line 2</b>", Name: "a long story", Key: "1"}
	path, err := h.node.Publish(p)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.node.Publish(p); err != nil || again != path {
		t.Errorf("asked again: %s, %s (%v)", path, again, err)
	}
	w := h.get("GET", path, "")
	if got := wholeBody(t, w); w.StatusCode != 200 || got != p.Text || w.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %v %q", w.StatusCode, w.Header, got)
	}
	for _, bad := range []string{"/m/" + strings.Repeat("A", 24) + "/x", "/m/x/x", "/m/../x", "/m/%2e%2e/x"} {
		if w := h.get("GET", bad, ""); w.StatusCode == 200 && strings.Contains(wholeBody(t, w), "line") {
			t.Errorf("%s: %d", bad, w.StatusCode)
		}
	}
}

// until waits for what another goroutine of the node does after its answer.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}
