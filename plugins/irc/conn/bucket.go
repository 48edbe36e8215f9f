package conn

import "time"

// bucket lets Burst lines through at once and then one Every so often.
type bucket struct {
	flood Flood
	level float64 // lines that may go now
	at    time.Time
}

func newBucket(f Flood, now time.Time) bucket {
	return bucket{flood: f, level: float64(f.Burst), at: now}
}

func (b *bucket) fill(now time.Time) {
	if b.flood.Every > 0 && now.After(b.at) {
		b.level = min(float64(b.flood.Burst), b.level+float64(now.Sub(b.at))/float64(b.flood.Every))
	}
	b.at = now
}

// take tells whether a line may go, and counts it.
func (b *bucket) take(now time.Time) bool {
	if b.flood.Every == 0 {
		return true
	}
	b.fill(now)
	// A rounding error must not make a timer run twice.
	if b.level < 1-1e-6 {
		return false
	}
	b.level--
	return true
}

// spend counts a line that goes whether it may or not, such as an answer to PING.
func (b *bucket) spend(now time.Time) {
	b.fill(now)
	b.level = max(b.level-1, -float64(b.flood.Burst))
}

// next is when a line may go.
func (b *bucket) next() time.Time {
	return b.at.Add(time.Duration((1 - b.level) * float64(b.flood.Every)))
}

// pause is for a server that says "slow down".
func (b *bucket) pause(now time.Time, d time.Duration) {
	b.fill(now)
	if b.flood.Every > 0 {
		b.level = min(b.level, 1-float64(d)/float64(b.flood.Every))
	}
}
