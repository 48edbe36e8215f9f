package storage

import (
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// logs writes where a turn leaves the ends of the room's logs.
func (w *writer) logs(a *Append) error {
	for _, h := range a.Heads {
		if err := w.head(a.Room, h); err != nil {
			return err
		}
	}
	for _, h := range a.DropChains {
		if err := w.dropChain(a.Room, h); err != nil {
			return err
		}
	}
	for _, c := range a.Chains {
		w.key = appendChain(w.key[:0], a.Room, c.GetHead())
		if err := w.proto(w.key, c); err != nil {
			return err
		}
	}
	return nil
}

// dropChain looks first: most logs never had a Chain, and a delete would cost each of their
// messages a key.
func (w *writer) dropChain(r room.ID, h *roompb.Head) error {
	w.key = appendChain(w.key[:0], r, h)
	there, err := w.s.get(w.key, func([]byte) error { return nil })
	if err != nil || !there {
		return err
	}
	return w.delete(w.key)
}

func (w *writer) head(r room.ID, h *roompb.Head) error {
	w.key = appendHead(w.key[:0], r, h.GetLog(), h.GetOrigin())
	if err := w.proto(w.key, h); err != nil || h.GetLog() != roompb.Log_LOG_STATE {
		return err
	}
	w.key = appendPos(w.key[:0], spaceStateHead, r, h.GetSeq())
	return w.proto(w.key, h)
}

// appendChain makes a Chain's key. A room has one state log, whoever sealed its entries.
func appendChain(b []byte, r room.ID, h *roompb.Head) []byte {
	b = append(appendRoom(b, spaceChain, r), byte(h.GetLog()))
	if h.GetLog() == roompb.Log_LOG_STATE {
		return binary.BigEndian.AppendUint32(append(b, 0), 0)
	}
	return binary.BigEndian.AppendUint32(append(append(b, h.GetOrigin()...), 0), h.GetIncarnation())
}

// Head reads the signed end of an origin's chain; nil when there is none.
func (s *Store) Head(r room.ID, log roompb.Log, origin string) (*roompb.Head, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	m := new(roompb.Head)
	ok, err := s.message(appendHead(nil, r, log, origin), m)
	if err != nil {
		return nil, fmt.Errorf("read head of %s in room %s: %w", origin, r, err)
	}
	if !ok {
		return nil, nil
	}
	return m, nil
}

// Heads reads the signed ends of all message logs of a room, by origin: of each origin's newest
// incarnation. Those of former ones are in their Chains.
func (s *Store) Heads(r room.ID) ([]*roompb.Head, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	return s.headsOf(r, roompb.Log_LOG_MESSAGES)
}

func (s *Store) headsOf(r room.ID, log roompb.Log) (heads []*roompb.Head, err error) {
	err = s.scan(appendHead(nil, r, log, ""), nil, func(_, value []byte) error {
		m := new(roompb.Head)
		heads = append(heads, m)
		return decode(value, m)
	})
	return heads, wrapf(err, "read heads of room %s", r)
}

// StateHead reads the signed head of an entry of the state log; nil when the entry was only ever
// signed for by a later one's.
func (s *Store) StateHead(r room.ID, seq uint64) (*roompb.Head, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	m := new(roompb.Head)
	ok, err := s.message(appendPos(nil, spaceStateHead, r, seq), m)
	if err != nil {
		return nil, fmt.Errorf("read head of entry %d of room %s: %w", seq, r, err)
	}
	if ok {
		return m, nil
	}
	// Before federation the heads of entries were not kept, but for the newest.
	heads, err := s.headsOf(r, roompb.Log_LOG_STATE)
	for _, h := range heads {
		if h.GetSeq() == seq {
			return h, err
		}
	}
	return nil, err
}

// Chains reads the logs of a room that are not simply here from 1 to their head: the state log's
// first, then by origin and incarnation.
func (s *Store) Chains(r room.ID) (chains []*storagepb.Chain, err error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	err = s.scan(appendRoom(nil, spaceChain, r), nil, func(_, value []byte) error {
		m := new(storagepb.Chain)
		chains = append(chains, m)
		return decode(value, m)
	})
	return chains, wrapf(err, "read chains of room %s", r)
}

// Log reads consecutive events of a log, rising from the one numbered from up to the one
// numbered to (0: to the end): at most limit, and none that would bring their headers and bodies
// over maxBytes, but always one when there is one. It stops at the first that is not here. A
// room has one state log, whoever sealed its entries: there origin and incarnation are not
// looked at.
func (s *Store) Log(r room.ID, log roompb.Log, origin string, incarnation uint32, from, to uint64, limit, maxBytes int) ([]Record, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.leave()
	at, err := s.consecutive(r, logName{log, origin, incarnation}, max(from, 1), to, limit)
	var records []Record
	if err == nil {
		records, err = s.recordsUpTo(r, at, maxBytes)
	}
	return records, wrapf(err, "read the log of %s from %d in room %s", origin, from, r)
}

// consecutive tells where the entries from..to of a log stand, as far as they are here.
func (s *Store) consecutive(r room.ID, name logName, from, to uint64, limit int) (at []uint64, err error) {
	if to != 0 {
		limit = int(min(uint64(max(limit, 0)), to+1-min(from, to+1)))
	}
	walk, err := walkLog(s.db, r, name, from)
	if err != nil {
		return nil, err
	}
	defer walk.close()
	for next := from; len(at) < limit; next++ {
		step, ok, err := walk.next()
		if err != nil || !ok || step.seq != next {
			return at, err
		}
		at = append(at, step.pos)
	}
	return at, nil
}

// logName names a log within a room.
type logName struct {
	log         roompb.Log
	origin      string
	incarnation uint32
}

// logNames lists the logs of a kind that a room has entries of.
func logNames(from pebble.Reader, r room.ID, log roompb.Log) (names []logName, err error) {
	prefix := append(appendRoom(nil, spaceLog, r), byte(log))
	it, err := from.NewIter(prefixBounds(prefix))
	if err != nil {
		return nil, wrap(err)
	}
	defer it.Close()
	for ok := it.First(); ok; {
		c := cutKey(it.Key(), spaceLog)
		c.take(hashLen + 1)
		name := logName{log, c.word(), c.u32()}
		c.u64()
		if c.done() != nil {
			return nil, fmt.Errorf("key of %d bytes: %w", len(it.Key()), ErrCorrupt)
		}
		names = append(names, name)
		ok = it.SeekGE(successor(appendLogName(nil, r, name)))
	}
	return names, wrap(it.Error())
}

// A logStep is an entry of a log: its number, and where it stands.
type logStep struct {
	logName
	seq, pos uint64
}

// A logWalk goes along one log of a room by rising seq. The entries of the state log lie under
// the name of whoever sealed them: it goes along all of these side by side.
type logWalk struct{ lanes []*lane }

type lane struct {
	name logName
	it   *pebble.Iterator
}

func walkLog(reader pebble.Reader, r room.ID, name logName, from uint64) (*logWalk, error) {
	names := []logName{name}
	if name.log == roompb.Log_LOG_STATE {
		var err error
		if names, err = logNames(reader, r, name.log); err != nil {
			return nil, err
		}
	}
	w := &logWalk{}
	for _, name := range names {
		bounds := prefixBounds(appendLogName(nil, r, name))
		bounds.LowerBound = appendLog(nil, r, name.log, name.origin, name.incarnation, from)
		it, err := reader.NewIter(bounds)
		if err != nil {
			w.close()
			return nil, wrap(err)
		}
		it.First()
		w.lanes = append(w.lanes, &lane{name, it})
	}
	return w, nil
}

func (w *logWalk) close() {
	for _, l := range w.lanes {
		_ = l.it.Close() // its error, if any, was met by next
	}
}

// next is the entry with the lowest seq that was not yet given; false at the end.
func (w *logWalk) next() (step logStep, ok bool, err error) {
	var lowest *lane
	for _, l := range w.lanes {
		if !l.it.Valid() {
			if err := l.it.Error(); err != nil {
				return logStep{}, false, wrap(err)
			}
			continue
		}
		if seq := l.seq(); lowest == nil || seq < step.seq {
			lowest, step.seq = l, seq
		}
	}
	if lowest == nil {
		return logStep{}, false, nil
	}
	value, err := lowest.it.ValueAndErr()
	if err != nil {
		return logStep{}, false, wrap(err)
	}
	step.logName = lowest.name
	step.pos, err = parsePosValue(value)
	lowest.it.Next()
	return step, err == nil, err
}

func (l *lane) seq() uint64 {
	key := l.it.Key()
	return binary.BigEndian.Uint64(key[len(key)-8:])
}
