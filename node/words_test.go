package node

import (
	"testing"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// The words of an edit are looked for by its message and by the edit itself: coming twice, together or one after the
// other, they are one edit.
func TestWordsThatComeTwice(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	garden := w.room(ann, "garden")
	said := w.do(ann, garden, room.KindText, &roompb.Body{Text: "hello"})
	edit := w.do(ann, garden, room.KindEdit, &roompb.Body{Target: said.Event.Bytes(), Text: "hello, all"})
	c, err := w.rooms.get(garden)
	if err != nil {
		t.Fatal(err)
	}
	row, err := c.find(edit.Event)
	if err != nil {
		t.Fatal(err)
	}
	edits := func() []uint64 {
		about, err := c.find(said.Event)
		if err != nil {
			t.Fatal(err)
		}
		return about.Standing.GetEdits()
	}
	twice := func() {
		var all []*submission
		for range 2 {
			s := &submission{words: []storage.Record{{Pos: row.Pos, Event: row.Event}}, done: make(chan result, 1)}
			if err := w.submit(garden, s); err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		for _, s := range all {
			<-s.done
		}
	}
	if twice(); len(edits()) != 1 {
		t.Errorf("words that are here: edits at %v", edits())
	}
	w.do(ann, garden, room.KindDelete, &roompb.Body{Target: said.Event.Bytes()})
	if twice(); len(edits()) != 1 {
		t.Errorf("words that are gone: edits at %v", edits())
	}
	if rec, _, err := w.store.Record(garden, row.Pos); err != nil || rec.Event.Body != nil {
		t.Errorf("what was deleted is here again: %v %v", rec.Event, err)
	}
}
