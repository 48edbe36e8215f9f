package storage

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// The links to what a message has are found by it, and by no other, as long as there are any.
func TestPublicationsOfAMessage(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	one, other := room.Hash{1}, room.Hash{2}
	links := map[room.Hash]int{one: 3, other: 1}
	for e, n := range links {
		for i := range n {
			must(t, s.PutPublication([32]byte{e[0], byte(i)}, &storagepb.Publication{Event: e.Bytes()}))
		}
	}
	must(t, s.PutPublication([32]byte{9}, &storagepb.Publication{Text: "a page of no message"}))
	must(t, s.PutPublication([32]byte{2, 0}, &storagepb.Publication{Event: one.Bytes()})) // it is of another now
	links[one], links[other] = 4, 0
	check := func() {
		t.Helper()
		for e, n := range links {
			got, err := s.PublicationsOf(e)
			if err != nil || len(got) != n {
				t.Errorf("message %s has %d links, not %d; %v", e, len(got), n, err)
			}
		}
	}
	check()
	must(t, s.PutPublication([32]byte{1, 1}, nil))
	must(t, s.PutPublication([32]byte{1, 9}, nil)) // there is none
	links[one] = 3
	check()
}
