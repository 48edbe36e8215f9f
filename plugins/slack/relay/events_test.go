package relay

import (
	"testing"
	"testing/synctest"
	"time"
)

// A second copy of an event says nothing of whether the first is safe.
func TestACopyIsAcknowledgedWhenTheFirstIsSafe(t *testing.T) {
	e := newEchoes()
	for i, step := range []struct {
		meet standing
		ok   bool
	}{{unseen, false}, {unseen, true}} {
		if is := e.meet("Ev1"); is != step.meet {
			t.Fatalf("attempt %d: %d", i, is)
		}
		if is := e.meet("Ev1"); is != underWay {
			t.Fatalf("its copy: %d", is)
		}
		e.settle("Ev1", step.ok)
	}
	if is := e.meet("Ev1"); is != safe {
		t.Fatalf("after it was kept: %d", is)
	}
	if e.meet("") != unseen || e.meet("") != unseen {
		t.Fatal("events without an id are all different")
	}
}

// Slack sends again at once, after one minute and after five: an event is known for longer than that, and not for ever.
func TestAnEventIsKnownForLongerThanSlackSendsItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEchoes()
		e.meet("Ev1")
		e.settle("Ev1", true)
		time.Sleep(10 * time.Minute)
		if is := e.meet("Ev1"); is != safe {
			t.Errorf("after ten minutes: %d", is)
		}
		time.Sleep(10 * time.Minute)
		if is := e.meet("Ev1"); is != unseen || len(e.order) != 1 {
			t.Errorf("after twenty: %d, and %d are remembered", is, len(e.order))
		}
	})
}

// An event is acknowledged when it is on the node's disk, and not before: what dies with the bridge Slack sends again.
func TestAnEventIsAcknowledgedWhenItIsKept(t *testing.T) {
	w := start(t, nil)
	w.Settled()
	w.host.Wait("nothing", func() bool { // the node is locked meanwhile: it writes nothing down
		w.Say(garden, "UALICE0", "to be kept")
		w.Wait("Slack to send it again", func() bool { return w.Resent > 0 || w.UnackedLocked() == 0 })
		if w.Unacked() != 1 {
			t.Error("it was acknowledged and not kept")
		}
		return true
	})
	same(t, w.texts(1), []string{"to be kept"})
	w.Settled()
}
