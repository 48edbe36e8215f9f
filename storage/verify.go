package storage

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hearth/node/room"
)

// Problem is one thing that Verify found wrong.
type Problem struct {
	Room room.ID // zero: not of one room
	Pos  uint64  // 0: not of one event
	What string
}

func (p Problem) String() string {
	switch {
	case p.Room.IsZero():
		return p.What
	case p.Pos == 0:
		return fmt.Sprintf("room %s: %s", p.Room, p.What)
	}
	return fmt.Sprintf("room %s, event %d: %s", p.Room, p.Pos, p.What)
}

// Report is what Verify looked at.
type Report struct {
	Rooms, Events, Erased, Chains, Heads, Entries int
	Problems                                      int
}

// Verify reads everything and trusts nothing: every header and body is hashed, every chain
// followed along the stretches that are said to be here, every head compared with its chain and,
// when its origin's public key is known, its signature checked; every index is compared with
// what the log says it should hold, both ways. A key is looked for in the room, then asked of key
// (nil: nobody), then looked for among the peers. Verify sees the store as of its beginning and
// disturbs nobody. Each problem goes to report; an error means that Verify itself could not go on.
func (s *Store) Verify(ctx context.Context, key func(origin string) ed25519.PublicKey, report func(Problem)) (Report, error) {
	if err := s.enter(); err != nil {
		return Report{}, err
	}
	defer s.leave()
	snapshot := s.db.NewSnapshot()
	defer snapshot.Close()
	v := &verifier{ctx: ctx, at: snapshot, key: key, report: report, want: map[space]int{}, absent: map[string]int{}, about: s.format >= formatAbout}
	for _, pass := range []func() error{
		v.records, v.logs, v.heads, v.stateHeads, v.chains, v.rooms, v.peerRooms,
		v.members, v.pasts, v.sayings, v.people, v.peers, v.bridges, v.publications, v.counts,
	} {
		if err := v.pass(pass); err != nil {
			return v.sum, fmt.Errorf("verify: %w", err)
		}
	}
	return v.sum, nil
}

// A verifier is one run of Verify. It holds the whole store in view and little of it in
// memory: for each entry that the log asks for it looks whether it is there, and counts; an
// index that holds all of them, and as many, holds nothing else.
type verifier struct {
	ctx    context.Context
	at     pebble.Reader
	key    func(origin string) ed25519.PublicKey
	report func(Problem)
	sum    Report
	want   map[space]int // how many entries each index should hold
	index  indexer
	about  bool // there is an index of what changes a message

	keysOf room.ID                      // the room that keys are of
	keys   map[string]ed25519.PublicKey // known so far; nil: known by nobody
	absent map[string]int               // nodes, and in how many of their rooms the index lacks them
}

func (v *verifier) problem(r room.ID, pos uint64, format string, args ...any) {
	v.sum.Problems++
	v.report(Problem{r, pos, fmt.Sprintf(format, args...)})
}

// pass runs one part. A damaged file ends that part, not the run.
func (v *verifier) pass(fn func() error) error {
	err := fn()
	if errors.Is(err, ErrCorrupt) {
		v.problem(room.ID{}, 0, "%v", err)
		return nil
	}
	return err
}

// each visits and counts all keys of a space.
func (v *verifier) each(s space, fn func(c *cut, key, value []byte) error) error {
	return scan(v.at, appendSpace(nil, s), nil, func(key, value []byte) error {
		if v.sum.Entries++; v.sum.Entries%1024 == 0 && v.ctx.Err() != nil {
			return v.ctx.Err()
		}
		c := cutKey(key, s)
		err := fn(c, key, value)
		if err == nil && c.done() != nil {
			v.problem(room.ID{}, 0, "a key of %q is malformed", string(s))
		}
		return err
	})
}

// expect wants an entry in an index.
func (v *verifier) expect(r room.ID, pos uint64, e entry) error {
	if e.key[0] == byte(spaceAbout) && !v.about {
		return nil // a folder of before, opened only to be read
	}
	v.want[space(e.key[0])]++
	ok, err := get(v.at, e.key, func(value []byte) error {
		if !bytes.Equal(value, e.value) {
			v.problem(r, pos, "its entry in %q says something else", string(e.key[:1]))
		}
		return nil
	})
	if err == nil && !ok {
		v.problem(r, pos, "it is missing in %q", string(e.key[:1]))
	}
	return err
}

// records: the log itself, and from it what the indexes should hold.
func (v *verifier) records() error {
	var in room.ID
	var pos, counted uint64
	return v.each(spaceRecord, func(c *cut, _, value []byte) error {
		r, at := c.hash(), c.u64()
		if r != in {
			in, pos, counted = r, 0, 0
		}
		if at != pos+1 {
			v.problem(r, at, "the events between %d and it are missing", pos)
		}
		pos = at
		rec, ok := v.readRecord(r, at, value)
		if !ok {
			return nil
		}
		if rec.Counted != counted && rec.Counted != counted+1 {
			v.problem(r, at, "%d count as unread, %d at the event before", rec.Counted, counted)
		}
		counted = rec.Counted
		return v.index.entries(r, &rec, func(e entry) error { return v.expect(r, at, e) })
	})
}

// readRecord hashes all there is to hash.
func (v *verifier) readRecord(r room.ID, pos uint64, value []byte) (Record, bool) {
	rec, err := decodeRecord(pos, bytes.Clone(value))
	if err == nil {
		_, err = room.DecodeEvent(rec.Event.RawHeader, rec.Event.RawBody)
	}
	if err != nil {
		v.problem(r, pos, "%v", err)
		return Record{}, false
	}
	v.sum.Events++
	if rec.Event.Body == nil {
		v.sum.Erased++
	}
	if rec.Event.Room() != r {
		v.problem(r, pos, "it belongs to room %s", rec.Event.Room())
	}
	return rec, true
}

// event reads a record that another entry points at; nil when it is not there or not readable.
func (v *verifier) event(r room.ID, pos uint64) (e *room.Event, err error) {
	_, err = get(v.at, appendPos(nil, spaceRecord, r, pos), func(value []byte) error {
		if rec, err := decodeRecord(pos, bytes.Clone(value)); err == nil {
			e = rec.Event
		}
		return nil
	})
	return e, err
}

// indexes are the spaces that hold nothing but what follows from others, or what others follow.
var indexes = [...]space{
	spaceEvent, spaceLog, spaceTimeline, spaceThread, spaceAlias, spaceUserRoom, spaceToken, spaceOwner, spaceAbout, spaceChain, spacePeerRoom,
	spaceRoomNodes, spaceFile, spaceLocal, spacePublished,
}

// counts: an index holds no more than it should.
func (v *verifier) counts() error {
	for _, s := range indexes {
		have := 0
		err := scan(v.at, appendSpace(nil, s), nil, func(_, _ []byte) error {
			have++
			return nil
		})
		if err != nil {
			return err
		}
		if have != v.want[s] {
			v.problem(room.ID{}, 0, "%q holds %d entries, and should hold %d", string(s), have, v.want[s])
		}
	}
	return nil
}
