package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hearth/node/room"
	"hearth/node/search"
	"hearth/storage"
)

// indexer is the follower that keeps the search index: rooms mark themselves dirty, it
// reads on from the cursor that the index itself remembers.
type indexer struct {
	n     *Node
	index *search.Index
	wake  chan struct{} // one slot: something is dirty
	hurry chan struct{} // one slot: somebody searches

	mu    sync.Mutex
	dirty map[room.ID]bool
	busy  bool
	idle  chan struct{} // closed when the index has caught up; nil: nobody waits
}

const (
	// A batch of one message costs the index as much as one of a hundred (5 ms of CPU), so
	// messages are gathered; somebody who searches does not wait for that.
	gatherFor = 10 * time.Second
	// Indexing gives way to talking: after each batch it rests for several times as long
	// as the batch took, so that it takes at most a fifth of one core.
	restFactor = 4
	// What is read at once, with headers and marks; of long messages the index takes less at once.
	readBytes = 256 << 10
	// A search waits this long for what was said just now, and then does without it.
	freshWithin = 500 * time.Millisecond
)

func newIndexer(n *Node, ix *search.Index) *indexer {
	return &indexer{n: n, index: ix, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), dirty: map[room.ID]bool{}}
}

// mark notes that a room has something to index; safe on a nil indexer.
func (x *indexer) mark(id room.ID) {
	if x == nil {
		return
	}
	x.mu.Lock()
	x.dirty[id] = true
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// behind tells whether the index is still catching up.
func (x *indexer) behind() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.busy || len(x.dirty) > 0
}

func (x *indexer) close() error { return x.index.Close() }

// run begins with every room, for what was written after the index last ran.
func (x *indexer) run(ctx context.Context) {
	var ids []room.ID
	err := x.n.eachRoomID(func(id room.ID) { ids = append(ids, id) })
	if err != nil {
		x.n.log.Error("list rooms to index", "err", err)
	}
	for _, id := range ids {
		x.mark(id)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		}
		if !x.pause(ctx, gatherFor, x.hurry) {
			return
		}
		for !x.drained() {
			began := time.Now()
			if err := x.batch(); err != nil {
				x.n.log.Error("index messages", "err", err)
			}
			if !x.pause(ctx, restFactor*time.Since(began), nil) {
				return
			}
		}
	}
}

// pause waits; less when cut short, false when the node stops.
func (x *indexer) pause(ctx context.Context, d time.Duration, cut <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-cut:
	case <-timer.C:
	}
	return true
}

// fresh asks the index to catch up now, and waits a moment for it. It tells whether the
// newest messages may still be missing.
func (x *indexer) fresh(ctx context.Context) (behind bool) {
	x.mu.Lock()
	if !x.busy && len(x.dirty) == 0 {
		x.mu.Unlock()
		return false
	}
	if x.idle == nil {
		x.idle = make(chan struct{})
	}
	idle := x.idle
	x.mu.Unlock()
	select {
	case x.hurry <- struct{}{}:
	default:
	}
	timer := time.NewTimer(freshWithin)
	defer timer.Stop()
	select {
	case <-idle:
		return false
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}

func (x *indexer) drained() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.busy = len(x.dirty) > 0
	if !x.busy && x.idle != nil {
		close(x.idle)
		x.idle = nil
	}
	return !x.busy
}

// batch takes dirty rooms until it has enough for one step of the index.
func (x *indexer) batch() error {
	b := search.Batch{Cursors: map[room.ID]uint64{}}
	var unfinished []room.ID // rooms that may have more
	for !b.Full() {
		id, ok := x.next()
		if !ok {
			break
		}
		more, err := x.read(id, &b)
		if err != nil {
			return err
		}
		if more {
			unfinished = append(unfinished, id)
		}
	}
	defer func() {
		for _, id := range unfinished {
			x.mark(id)
		}
	}()
	if len(b.Cursors) == 0 {
		return nil
	}
	return x.index.Apply(b)
}

func (x *indexer) next() (room.ID, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range x.dirty {
		delete(x.dirty, id)
		return id, true
	}
	return room.ID{}, false
}

// read takes one room on from its cursor until b is full, and tells whether there may be more.
func (x *indexer) read(id room.ID, b *search.Batch) (more bool, err error) {
	cursor, err := x.index.Cursor(id)
	if err != nil {
		return false, fmt.Errorf("cursor of room %s: %w", id, err)
	}
	limit := search.MaxBatch - len(b.Put) - len(b.Delete)
	records, err := x.n.store.Records(id, cursor+1, limit, readBytes)
	if err != nil {
		return false, fmt.Errorf("read room %s: %w", id, err)
	}
	for i := range records {
		if b.Full() {
			break
		}
		if err := x.take(id, &records[i], b); err != nil {
			return false, err
		}
		b.Cursors[id] = records[i].Pos
	}
	return len(records) > 0, nil
}

// take adds what one event means for the index.
func (x *indexer) take(id room.ID, rec *storage.Record, b *search.Batch) error {
	e := rec.Event
	if e.Body == nil {
		return nil // erased
	}
	switch e.Kind() {
	case room.KindText, room.KindEmote:
		b.Put = append(b.Put, docOf(id, rec, e.Body.GetText()))
		return nil
	case room.KindEdit, room.KindDelete:
	default:
		return nil
	}
	target, _ := e.Target()
	_, pos, ok, err := x.n.store.Find(target)
	if err != nil || !ok {
		return err
	}
	said, ok, err := x.n.store.Record(id, pos)
	if err != nil || !ok {
		return err
	}
	if e.Kind() == room.KindDelete || said.Event.Body == nil {
		b.Delete = append(b.Delete, search.Ref{Room: id, Pos: pos})
	} else {
		b.Put = append(b.Put, docOf(id, &said, e.Body.GetText()))
	}
	return nil
}

func docOf(id room.ID, rec *storage.Record, text string) search.Doc {
	return search.Doc{Ref: search.Ref{Room: id, Pos: rec.Pos}, Author: rec.Event.Author(), Time: rec.Event.Time(), Text: text}
}
