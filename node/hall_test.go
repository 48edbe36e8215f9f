package node

import (
	"testing"

	"hearth/node/room"
)

// Whoever asks for a room that is just being stored anew, a peer's news of it say, gets it as it will be:
// neither does it seem not to be there, nor does whoever stores it lose it by that.
func TestARoomIsAskedForWhileItIsStored(t *testing.T) {
	w := newWorld(t)
	id := w.room(w.user("ann"), "garden")
	stored := 0
	c, err := w.rooms.anew(id, func() error { stored++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if got, err := w.rooms.get(id); got != c || err != nil || stored != 1 {
		t.Errorf("another is told %v, after it was stored %d times", err, stored)
	}
	if err := c.wake(); err != nil || stored != 1 {
		t.Errorf("who stores it is told %v; it was stored %d times", err, stored)
	}
	if _, err := w.rooms.replace(room.ID{1}, func() error { return nil }); room.CodeOf(err) != room.NotFound {
		t.Errorf("a room that was not stored after all: %v", err)
	}
	if _, err := w.rooms.get(room.ID{1}); room.CodeOf(err) != room.NotFound {
		t.Errorf("it stays: %v", err)
	}
}
