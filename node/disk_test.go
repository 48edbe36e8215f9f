package node

import "testing"

// Files give way first, then messages; a large disk is not full at 5 %.
func TestDiskFull(t *testing.T) {
	const gib = 1 << 30
	for _, d := range []struct {
		free, total     uint64
		files, messages bool
	}{
		{0, 0, false, false}, // not known
		{0, gib, true, true},
		{3 * gib, 20 * gib, false, false},
		{gib + gib/2, 20 * gib, true, false}, // 7.5 %
		{gib / 2, 20 * gib, true, true},      // 2.5 %
		{5 * gib, 2048 * gib, false, false},
		{3 * gib, 2048 * gib, true, false},
		{1 * gib, 2048 * gib, true, true},
	} {
		if files, messages := DiskFull(d.free, d.total); files != d.files || messages != d.messages {
			t.Errorf("%d of %d GiB are free: full for files %v, for messages %v", d.free/gib, d.total/gib, files, messages)
		}
	}
}
