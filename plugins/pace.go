package plugins

import (
	"context"
	"time"

	"hearth/node/limit"
)

// pace is how often what a plugin posts is committed. Each commit is synced to disk, and whoever says something
// meanwhile waits for that: so a flood comes in few large groups, where a conversation comes at once.
//
// Groups beyond the bucket go at the next beat, which is the same for all channels of the plugin: their
// syncs, and so what they cost the others, fall together.
type pace struct{ bucket *limit.Table[struct{}] }

// beat is the least time between two commits of a plugin that posts without end.
const beat = 50 * time.Millisecond

// pacing: that many groups at once, and one every other beat over time, do not wait for the beat. So a plugin that
// waits for each answer goes on quickly for a while, too.
var pacing = limit.Rate{Burst: 100, Per: 200 * beat}

func newPace() pace { return pace{limit.New[struct{}](pacing, 1)} }

// await waits until a group may be committed, or ctx ends.
func (p pace) await(ctx context.Context) {
	now := time.Now()
	if p.bucket.Take(struct{}{}, 1, now) == 0 {
		return
	}
	next := time.NewTimer(now.Truncate(beat).Add(beat).Sub(now))
	defer next.Stop()
	select {
	case <-ctx.Done():
	case <-next.C:
	}
}
