package node

import (
	"fmt"
	"maps"
	"slices"

	"hearth/node/room"
	"hearth/storage"
	"hearth/storage/storagepb"
)

// withdrawn is what a batch takes back: messages that were here and have become void. What
// they did to others is undone when the batch is whole, from all that is left.
type withdrawn struct {
	poses   map[uint64]bool
	threads map[room.EventID]uint32           // how many replies each loses
	targets map[room.EventID]bool             // that stand anew
	found   map[room.EventID][]storage.Record // edits whose words came back, by their message
	texts   []*storage.Record                 // the messages among them
	again   map[uint64]bool                   // those that this batch says again
}

// stand notes a message that stands anew.
func (w *withdrawn) stand(target room.EventID) {
	if w.targets == nil {
		w.targets = map[room.EventID]bool{}
	}
	w.targets[target] = true
}

// void takes one message back.
func (t *turn) void(rec *storage.Record) error {
	t.app.Void = append(t.app.Void, rec.Pos)
	if t.meta.LastPos == rec.Pos {
		t.meta.LastText = ""
	}
	w := &t.withdrawn
	w.take(rec.Pos)
	if rec.Event.Kind().Message() && rec.Event.Body != nil {
		kept := *rec
		w.texts = append(w.texts, &kept)
	}
	if target, ok := rec.Event.Target(); ok {
		w.stand(target)
	} else if !rec.Thread.IsZero() {
		w.leaveThread(rec.Thread, rec.Pos)
	}
	return nil
}

func (w *withdrawn) take(pos uint64) {
	if w.poses == nil {
		w.poses, w.threads = map[uint64]bool{}, map[room.EventID]uint32{}
	}
	w.poses[pos] = true
}

// leaveThread notes that a reply is not in its thread any more.
func (w *withdrawn) leaveThread(root room.EventID, pos uint64) {
	w.take(pos)
	w.threads[root]++
}

// doubt: what rec did to another message may not stand any more, though it is not void.
func (t *turn) doubt(rec *storage.Record) {
	if target, ok := rec.Event.Target(); ok {
		t.withdrawn.stand(target)
	}
}

// voids finds the messages that the folded entries void: those that a node wrote under an
// older state, beyond what the home had seen of it when it took the right away.
func (t *turn) voids() (ids []string, err error) {
	if !t.fold.whole {
		return nil, nil
	}
	return t.voidBeyond(func(k logKey) (uint64, bool) { return firstCut(t.fold.entries, k) })
}

// voidBeyond takes back, of each log, what the fold's state voids from the first seq on that may be void.
func (t *turn) voidBeyond(first func(logKey) (from uint64, cut bool)) (ids []string, err error) {
	for k, ch := range t.c.logs {
		from, cut := first(k)
		if !cut || from > ch.seq() {
			continue
		}
		more, err := t.voidFrom(ch, from)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	slices.Sort(ids)
	return ids, nil
}

// firstCut is the first seq of a log beyond any of the entries' cuts.
func firstCut(entries []*room.Event, k logKey) (from uint64, cut bool) {
	for _, e := range entries {
		of, seen := false, uint64(0)
		for _, c := range e.Body.GetCuts() {
			if c.GetOrigin() == k.origin {
				of = true
				if c.GetIncarnation() == k.incarnation {
					seen = c.GetSeq()
				}
			}
		}
		if of && (!cut || seen+1 < from) {
			from, cut = seen+1, true
		}
	}
	return from, cut
}

func (t *turn) voidFrom(ch *chain, from uint64) (ids []string, err error) {
	err = t.c.eachFrom(ch, from, func(rec *storage.Record) error {
		switch {
		case rec.Void:
			return nil
		case t.fold.state.Judge(rec.Event).Outcome != room.Void:
			if rec.Event.Kind() == room.KindDelete { // of others' messages: a right of its own
				t.doubt(rec)
			}
			return nil
		}
		ids = append(ids, rec.Event.ID.String())
		return t.void(rec)
	})
	return ids, err
}

// withdraw undoes what the messages did that this batch takes back.
func (t *turn) withdraw() error {
	for root, lost := range t.withdrawn.threads {
		if err := t.shorten(root, lost); err != nil {
			return err
		}
	}
	for target := range t.withdrawn.targets {
		about, err := t.find(target)
		if room.CodeOf(err) == room.NotFound {
			continue // not here: nothing was done to it
		}
		if err == nil {
			err = t.redo(about)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shorten takes replies out of a thread's length, and finds the newest that is left.
func (t *turn) shorten(root room.EventID, lost uint32) error {
	about, err := t.find(root)
	if room.CodeOf(err) == room.NotFound {
		return nil // is counted when it comes
	}
	if err != nil {
		return err
	}
	about = withStanding(about)
	about.Standing.ThreadReplies -= min(about.Standing.ThreadReplies, lost)
	about.Standing.ThreadTime = t.early.newest[root].Millis()
	page := storage.Page{Thread: root, Older: true, Limit: 100}
	for more := true; more; {
		var rows []storage.Row
		if rows, more, err = t.c.n.store.Timeline(t.c.id, page); err != nil {
			return fmt.Errorf("read thread %s: %w", root, err)
		}
		for _, row := range slices.Backward(rows) {
			if !t.withdrawn.poses[row.Pos] {
				about.Standing.ThreadTime = max(about.Standing.ThreadTime, row.Event.Time().Millis())
				more = false
				break
			}
		}
		if len(rows) > 0 {
			page.From = storage.MarkOf(rows[0].Event)
		}
	}
	t.stand(about)
	return nil
}

// redo works out anew how a message stands, from all that was said about it and is not
// void. Words that were erased are looked for elsewhere (words.go).
func (t *turn) redo(about *storage.Row) error {
	was := about.Standing
	fresh := *about
	fresh.Standing = &storagepb.Standing{ThreadReplies: was.GetThreadReplies(), ThreadTime: was.GetThreadTime()}
	if was.GetPinned() {
		t.app.Pins = append(t.app.Pins, storage.Pin{Pos: about.Pos})
	}
	recs, err := t.c.n.store.About(t.c.id, about.Event.ID)
	if err != nil {
		return fmt.Errorf("read what is about %s: %w", about.Event.ID, err)
	}
	recs = append(recs, t.withdrawn.found[about.Event.ID]...)
	for _, at := range t.early.about[about.Event.ID] { // of this batch
		recs = append(recs, t.app.Records[at])
	}
	for i := range recs {
		if rec := &recs[i]; !rec.Void && !t.withdrawn.poses[rec.Pos] && t.stateAfter().JudgeTarget(rec.Event, about.Event) == nil {
			t.effect(&storage.Row{Record: *rec}, &fresh)
		}
	}
	if fresh.Event.Body == nil && !fresh.Standing.GetDeleted() {
		fresh.Standing.Edits = was.GetEdits()
		t.wanted = append(t.wanted, &fresh)
	}
	t.stand(&fresh)
	return nil
}

// stateAfter is the state as this batch leaves it.
func (t *turn) stateAfter() *room.State {
	if t.fold != nil && t.fold.whole {
		return t.fold.state
	}
	return t.c.state
}

// voidedBy are the messages that a stored entry of the state log took back, for who reads
// of it later.
func (c *chamber) voidedBy(e *room.Event) (ids []string, err error) {
	if !takesAway[e.Kind()] {
		return nil, nil
	}
	c.mu.RLock()
	logs := maps.Clone(c.logs)
	c.mu.RUnlock()
	for k, ch := range logs {
		from, cut := firstCut([]*room.Event{e}, k)
		if !cut || from > ch.seq() {
			continue
		}
		err := c.eachFrom(ch, from, func(rec *storage.Record) error {
			if rec.Void && rec.Event.Header.GetStateIndex() < e.Header.GetSeq() && len(ids) < maxVoided {
				ids = append(ids, rec.Event.ID.String())
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return ids, nil
}
