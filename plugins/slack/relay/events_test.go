package relay

import "testing"

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
