package plugins

import (
	"testing"
	"time"
)

// However fast groups come, there is no more than one and a half a beat beyond the bucket: and the first
// ones wait for nothing.
func TestPace(t *testing.T) {
	p := newPace()
	now := time.Now()
	for i := range pacing.Burst {
		if wait := p.bucket.Take(struct{}{}, 1, now); wait != 0 {
			t.Fatalf("group %d waits for %s", i, wait)
		}
	}
	const more = 15
	began := time.Now()
	for range more {
		p.await(t.Context())
	}
	if least := (more*2/3 - 2) * beat; time.Since(began) < least {
		t.Fatalf("%d groups took %s, less than %s", more, time.Since(began), least)
	}
}
