package relay

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"hearth/plugins/slack/slackdouble"
)

func tsOf(n int) string { return fmt.Sprintf("17%08d.000100", n) }

// What is read from the history, long ago as it was posted, must not make the bridge forget what it has posted just now.
func TestOldPostsDoNotDisplaceNewOnes(t *testing.T) {
	o := newOwn(time.Now())
	const newest = ownLimit + 500
	for n := newest; n > 0; n-- { // as a page of history tells of them
		o.add(part(fmt.Sprint("E", n), 0), tsOf(n))
	}
	for _, n := range []int{newest, newest - ownLimit + 1} {
		if o.find(part(fmt.Sprint("E", n), 0)) != tsOf(n) || !o.posted(tsOf(n)) {
			t.Errorf("post %d of %d is forgotten", n, newest)
		}
	}
	if len(o.ts) != ownLimit || len(o.byTS) != ownLimit || len(o.order) != ownLimit || o.posted(tsOf(1)) {
		t.Errorf("it remembers %d, %d, %d", len(o.ts), len(o.byTS), len(o.order))
	}
}

// A look that fails after an answer was lost is made up for, when the node delivers the message again.
func TestALostAnswerIsLookedForUntilItIsKnown(t *testing.T) {
	w := start(t, nil)
	d := text("first")
	d.Again = true // so that the channel was looked at once
	w.done(t, d)
	w.Set(func(s *slackdouble.Slack) { s.Deaf = true })
	w.Lose("chat.postMessage", 1)
	w.Break("conversations.history", 1)
	_, remote := w.done(t, text("once"))
	if p := w.WaitPost(garden, 2); p.TS != remote[0] {
		t.Fatalf("remote %v, posted %s", remote, p.TS)
	}
}

// A bridge that dies between a post and its answer finds the post in the channel by its mark, though no event told of it.
func TestACutBeforeTheAnswerDoesNotDouble(t *testing.T) {
	w := start(t, nil)
	posted, cut := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.Set(func(s *slackdouble.Slack) {
		s.Deaf = true
		s.Step = func(method string, done bool) {
			if method == "chat.postMessage" && done {
				once.Do(func() { close(posted); <-cut })
			}
		}
	})
	id := w.host.Deliver(text("once"))
	<-posted
	w.host.Kill()
	close(cut)
	w.host.Restart()
	o := w.host.Outcome(id)
	if p := w.WaitPost(garden, 1); o.Dropped != "" || len(o.Remote) != 1 || p.TS != o.Remote[0] {
		t.Fatalf("%v, posted %s", o, p.TS)
	}
}
