package main

import (
	"strings"
	"testing"
	"time"

	"hearth/node/room/roompb"
)

// What a ghost said is shown by when it said so; and, when it came much later, by when it came too.
func TestWhenAGhostSaidIt(t *testing.T) {
	came := time.Date(2026, 11, 22, 14, 0, 0, 0, time.Local)
	for ago, want := range map[time.Duration]string{
		0:               "2026-11-22 14:00:00 Ann (libera): hi",
		-time.Minute:    "2026-11-22 14:01:00 Ann (libera): hi",
		2 * time.Minute: "2026-11-22 13:58:00 Ann (libera): hi",
		26 * time.Hour:  "2026-11-21 12:00:00 (came 2026-11-22 14:00:00) Ann (libera): hi",
	} {
		e := &roompb.Event{Time: came.UnixMilli(), Kind: "text", Text: "hi", Ghost: &roompb.Ghost{Name: "Ann", Network: "libera"}, Sent: came.Add(-ago).UnixMilli()}
		if got := lineOf("r", e).String(); got != want {
			t.Errorf("%s before: %q, not %q", ago, got, want)
		}
	}
	e := &roompb.Event{Time: came.UnixMilli(), Kind: "text", Text: "hi", Author: "alice@node"}
	if got := lineOf("r", e).String(); !strings.HasPrefix(got, "2026-11-22 14:00:00 alice@node") {
		t.Error(got)
	}
}
