package plugins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// A private conversation: a room of two, whose words go out under an id of its own, over restarts; who is written to ends it and
// allows it again.
func TestPrivateConversation(t *testing.T) {
	w, f := newWorld(t), newFar(t)
	w.start()
	w.bridge("chaos", "pit", "#pit", map[string]string{"dir": f.dir, "private": "on"})
	begin := func() (room.ID, error) { return w.n.BeginPrivate(t.Context(), w.alice, "pit", "far") }
	var id room.ID
	w.until("Far to be there", func() (ok bool) {
		var err error
		id, err = begin()
		return err == nil
	})
	if again, err := begin(); err != nil || again != id {
		t.Fatal("not found again:", err)
	}
	say := func(in room.ID, text string) {
		t.Helper()
		if _, err := w.n.Submit(t.Context(), room.Draft{Room: in, Author: w.alice.User, Kind: room.KindText, Body: &roompb.Body{Text: text}}); err != nil {
			t.Fatal(err)
		}
	}
	place := func() string {
		_, place, user, ok := w.n.Bridges.Conversing(id)
		if !ok || user != w.alice.User || !strings.HasPrefix(place, "private:") {
			t.Fatal(place, user, ok)
		}
		return place
	}
	heard := func(channel, text string) {
		t.Helper()
		w.until(text+" in "+channel, func() bool {
			for _, line := range f.heard() {
				if line[2] == channel && line[5] == text {
					return true
				}
			}
			return false
		})
	}
	say(id, "psst")
	heard(place(), "psst")
	w.until("the plugin to know whose it is", func() bool {
		b, _ := os.ReadFile(filepath.Join(f.dir, "entered"))
		return strings.Contains(string(b), place()+" alice@node.test far\n")
	})

	// Who it is with is written down when that one is somebody else's name now.
	say(id, "!marry")
	w.until("the new name", func() bool {
		_, ok := w.n.Bridges.Conversation("pit", w.alice.User, "account:far")
		return ok
	})
	w.restart()
	w.until("it after a restart", func() bool {
		b, _ := os.ReadFile(filepath.Join(f.dir, "entered"))
		return strings.Contains(string(b), place()+" alice@node.test account:far\n")
	})

	say(id, "!block")
	w.until("the end", func() bool { _, _, _, ok := w.n.Bridges.Conversing(id); return !ok })
	if _, err := begin(); room.CodeOf(err) != room.Forbidden || !strings.Contains(err.Error(), "does not want to be written to") {
		t.Error(err)
	}
	w.say("!unblock")
	w.until("another conversation", func() bool {
		next, err := begin()
		return err == nil && next != id
	})
}
