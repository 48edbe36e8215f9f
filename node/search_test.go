package node

import (
	"context"
	"strings"
	"testing"
	"time"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// TestSearchFollowsTheRooms: what is said can be found, in words and in Chinese; what is
// edited is found by its new words only; what is deleted, or said in rooms of others, is not.
func TestSearchFollowsTheRooms(t *testing.T) {
	w := newWorld(t)
	w.shut()
	w.dir = t.TempDir()
	w.open()
	ann, ben := w.user("ann"), w.user("ben")
	garden := w.room(ann, "garden")
	w.do(ben, garden, room.KindJoin, nil)
	w.say(ann, garden, "the quick brown fox")
	edited := w.say(ann, garden, "the lazy dog")
	deleted := w.say(ann, garden, "a secret fox")
	w.say(ann, garden, "我们今天去花园")
	w.do(ann, garden, room.KindEdit, &roompb.Body{Target: edited.Event.Bytes(), Text: "the busy fox"})
	w.do(ann, garden, room.KindDelete, &roompb.Body{Target: deleted.Event.Bytes()})
	private := w.room(ann, "private")
	w.say(ann, private, "private fox")

	for round := range 2 {
		for _, c := range []struct {
			by   Caller
			text string
			want int
		}{{ben, "fox", 2}, {ben, "quick fox", 1}, {ben, "lazy", 0}, {ben, "花园", 1}, {ann, "fox", 3}, {ann, "secret", 0}} {
			if got := found(t, w, c.by, c.text); got != c.want {
				t.Errorf("round %d: %s finds %d of %q, want %d", round, c.by.User, got, c.text, c.want)
			}
		}
		w.restart()
	}
}

// TestSearchTakesLongMessages: more than is read at once is indexed to the end.
func TestSearchTakesLongMessages(t *testing.T) {
	w := newWorld(t)
	w.shut()
	w.dir = t.TempDir()
	w.open()
	ann := w.user("ann")
	garden := w.room(ann, "garden")
	long := strings.Repeat(strings.Repeat("x", 99)+" ", 500)
	const messages = 3 * readBytes / 50_000
	for range messages {
		w.say(ann, garden, "needle "+long)
	}
	w.say(ann, garden, "the last one")
	if got := found(t, w, ann, "last"); got != 1 {
		t.Fatalf("finds %d of the last message", got)
	}
	r, err := w.Search(context.Background(), ann, SearchQuery{Text: "needle", Limit: 1})
	if err != nil || r.Total != messages {
		t.Fatalf("%d of %d are indexed, %v", r.Total, messages, err)
	}
}

// found asks once the index has caught up.
func found(t *testing.T, w *world, by Caller, text string) int {
	t.Helper()
	deadline := time.Now().Add(90 * time.Second)
	for {
		r, err := w.Search(context.Background(), by, SearchQuery{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Indexing {
			return len(r.Hits)
		}
		if time.Now().After(deadline) {
			t.Fatal("the index does not catch up")
		}
		time.Sleep(5 * time.Millisecond) // a poll with a deadline, not a wait for luck
	}
}
