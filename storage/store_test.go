package storage

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// What was written is read back, before and after the store is closed and opened again, and
// Verify finds every index equal to what the log says.
func TestEverythingIsReadBack(t *testing.T) {
	fs := vfs.NewMem()
	w := newWorld(1, 3)
	s := openMem(t, fs)
	if err := w.run(s, 300); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := errors.Join(w.check(s), w.verify(s)); err != nil {
			t.Fatal(err)
		}
		mustClose(t, s)
		s = openMem(t, fs)
	}
	mustClose(t, s)
}
