package storage

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
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
// followed, every head compared with its chain and, when key knows its origin's public key,
// its signature checked; every index is compared with what the log says it should hold, both
// ways. It sees the store as of its beginning and disturbs nobody. Each problem goes to
// report; an error means that Verify itself could not go on. key may be nil.
func (s *Store) Verify(ctx context.Context, key func(origin string) ed25519.PublicKey, report func(Problem)) (Report, error) {
	if err := s.enter(); err != nil {
		return Report{}, err
	}
	defer s.leave()
	snapshot := s.db.NewSnapshot()
	defer snapshot.Close()
	v := &verifier{ctx: ctx, at: snapshot, key: key, report: report, want: map[space]int{}}
	for _, pass := range []func() error{
		v.records, v.chains, v.heads, v.rooms, v.members, v.sayings, v.people, v.counts,
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

// link is an entry of a chain.
type link struct {
	room        room.ID
	log         roompb.Log
	origin      string
	incarnation uint32
	seq         uint64
	id          room.EventID
}

func (l link) follows(before link) bool {
	return l.room == before.room && l.log == before.log && l.origin == before.origin && l.incarnation == before.incarnation
}

// chains: each origin's log is dense, and each entry names the one before.
func (v *verifier) chains() error {
	var before link
	return v.each(spaceLog, func(c *cut, key, value []byte) error {
		l := link{room: c.hash(), log: roompb.Log(c.u8()), origin: c.word(), incarnation: c.u32(), seq: c.u64()}
		pos, err := parsePosValue(value)
		if err != nil {
			return err
		}
		e, err := v.event(l.room, pos)
		if err != nil || e == nil {
			return err // the pass over the log has said so
		}
		l.id = e.ID
		switch {
		case !l.follows(before):
			v.sum.Chains++
		case l.seq != before.seq+1:
			v.problem(l.room, pos, "entries %d to %d of %s are missing", before.seq+1, l.seq-1, l.origin)
		case !bytes.Equal(e.Header.GetPrev(), before.id[:]):
			v.problem(l.room, pos, "it does not follow entry %d of %s", before.seq, l.origin)
		}
		before = l
		return nil
	})
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

// heads: each is the end of its chain, and signed.
func (v *verifier) heads() error {
	return v.each(spaceHead, func(c *cut, _, value []byte) error {
		r, log, origin := c.hash(), roompb.Log(c.u8()), c.tail()
		h := new(roompb.Head)
		if err := decode(value, h); err != nil {
			return err
		}
		v.sum.Heads++
		if !bytes.Equal(h.GetRoom(), r[:]) || h.GetLog() != log || h.GetOrigin() != origin {
			v.problem(r, 0, "the head of %s is another log's", origin)
		}
		if err := v.headEnds(r, h); err != nil {
			return err
		}
		if v.key == nil {
			return nil
		}
		if key := v.key(origin); key != nil && !room.VerifyHead(h, key) {
			v.problem(r, 0, "the head of %s is not signed by it", origin)
		}
		return nil
	})
}

func (v *verifier) headEnds(r room.ID, h *roompb.Head) error {
	var pos uint64
	at := func(seq uint64) (bool, error) {
		key := appendLog(nil, r, h.GetLog(), h.GetOrigin(), h.GetIncarnation(), seq)
		return get(v.at, key, func(value []byte) (err error) {
			pos, err = parsePosValue(value)
			return err
		})
	}
	beyond, err := at(h.GetSeq() + 1)
	if err != nil {
		return err
	}
	there, err := at(h.GetSeq())
	if err != nil {
		return err
	}
	if beyond || !there {
		v.problem(r, 0, "the head of %s is at %d, where its chain does not end", h.GetOrigin(), h.GetSeq())
		return nil
	}
	e, err := v.event(r, pos)
	if e != nil && !bytes.Equal(h.GetHash(), e.ID[:]) {
		v.problem(r, pos, "the head of %s names another event", h.GetOrigin())
	}
	return err
}

// indexes are the spaces that hold nothing but what follows from others.
var indexes = [...]space{spaceEvent, spaceLog, spaceTimeline, spaceThread, spaceAlias, spaceUserRoom, spaceToken, spaceOwner}

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

// rooms: each knows where its log ends and how many are in it.
func (v *verifier) rooms() error {
	return v.each(spaceRoom, func(c *cut, _, value []byte) error {
		r := c.hash()
		m := new(storagepb.Room)
		if err := decode(value, m); err != nil {
			return err
		}
		v.sum.Rooms++
		if m.GetAlias() != "" {
			if err := v.expect(r, 0, entry{appendName(nil, spaceAlias, m.GetAlias()), r[:]}); err != nil {
				return err
			}
		}
		if err := v.roomEnds(r, m); err != nil {
			return err
		}
		return v.roomMembers(r, m)
	})
}

func (v *verifier) roomEnds(r room.ID, m *storagepb.Room) error {
	it, err := v.at.NewIter(prefixBounds(appendRoom(nil, spaceRecord, r)))
	if err != nil {
		return wrap(err)
	}
	defer it.Close()
	var pos, counted uint64
	if it.Last() {
		value, err := it.ValueAndErr()
		if err != nil {
			return wrap(err)
		}
		f, err := parseFrame(value)
		if err != nil {
			return nil // the pass over the log has said so
		}
		counted = f.counted
		if pos, err = posOfKey(it.Key(), spaceRecord); err != nil {
			return err
		}
	}
	if pos != m.GetHeadPos() || counted != m.GetCounted() {
		v.problem(r, 0, "it is said to end at %d with %d counted, and ends at %d with %d", m.GetHeadPos(), m.GetCounted(), pos, counted)
	}
	return wrap(it.Error())
}

func (v *verifier) roomMembers(r room.ID, m *storagepb.Room) error {
	var joined uint32
	err := scan(v.at, appendRoom(nil, spaceMember, r), nil, func(_, value []byte) error {
		member := new(storagepb.Member)
		err := decode(value, member)
		if member.GetMembership() == "join" {
			joined++
		}
		return err
	})
	if err == nil && joined != m.GetMembers() {
		v.problem(r, 0, "it is said to have %d members, and has %d", m.GetMembers(), joined)
	}
	return err
}
