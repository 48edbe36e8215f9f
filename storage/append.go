package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// Append is one turn of a room's loop: all of it becomes durable at once, or none.
// Whatever is empty stays as it was. Appends to one room come one after the other, from
// its loop; those of different rooms may run side by side.
type Append struct {
	Room       room.ID
	Records    []Record                       // their index entries are derived
	Standings  map[uint64]*storagepb.Standing // by the message's pos; replaces
	Erase      []uint64                       // records whose body goes away
	Void       []uint64                       // records that become void
	Restore    []Record                       // erased ones whose body is back: Pos and Event
	Heads      []*roompb.Head                 // replaces the head of (log, origin), so rising; those of the state log are each kept
	Chains     []*storagepb.Chain             // replaces the chain of the head's (log, origin, incarnation)
	DropChains []*roompb.Head                 // logs that need no Chain; nothing happens when they have none

	// Meta replaces the room; Append changes it while it runs. Its alias index follows, and its
	// stewards and nodes are kept apart; to spare every message both, they are looked at only in an
	// append that holds a state event, or no event at all.
	Meta     *storagepb.Room
	Members  []*storagepb.Member // changed ones; membership "leave" or "" removes
	Keys     []Key
	Reads    []Read
	Mentions []Mention
	Pins     []Pin
	Values   []Value // the node's own, set together with the rest
	Pasts    []Past  // replaces a user's; no standings: takes them away
	Nodes    []NodeRoom
	Outbox   []Outgoing // no bytes: takes it out
}

// Past is a user's standings in a room that have ended, oldest first.
type Past struct {
	User      room.User
	Standings []*roompb.PastStanding
}

// NodeRoom says whether another node takes part in the room: gets its events. It must say what
// Meta.Nodes says: here are the nodes, except this one, that are not banned and have members or
// are stewards.
type NodeRoom struct {
	Node string
	Here bool
}

// Outgoing is something that another node is still to be told.
type Outgoing struct {
	Node  string
	ID    [16]byte // UUIDv7: they go in this order
	Bytes []byte
}

// Value is one of the node's own things, as PutValue keeps it; nil takes it away.
type Value struct {
	Name  string
	Bytes []byte
}

// Key is what an idempotency key answered.
type Key struct {
	User  room.User
	Key   string
	Event room.EventID
	Pos   uint64
	Time  int64 // ms
}

// Read is how far a user has read a room.
type Read struct {
	User    room.User
	Pos     uint64
	Counted uint64 // of the record at Pos
	Event   room.EventID
	Time    int64 // ms
}

// Mention says that the record at Pos names a user; User empty: the whole room.
type Mention struct {
	User room.User
	Pos  uint64
}

// Pin puts a message among a room's pins, or takes it off.
type Pin struct {
	Pos   uint64
	On    bool
	Order room.Time // of the event that pinned it; Pins are sorted by it
}

// Append makes a durable: it returns after the log is synced. Appends that run side by
// side share a sync. After an error nothing of a was written.
func (s *Store) Append(a *Append) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.leave()
	w := s.newWriter()
	defer w.close()
	if err := w.append(a); err != nil {
		return fmt.Errorf("append to room %s: %w", a.Room, err)
	}
	return w.commit()
}

// A writer puts keys and values into one batch. It belongs to one goroutine.
type writer struct {
	s     *Store
	b     *pebble.Batch
	key   []byte
	value []byte
	index indexer
	put   func(entry) error // w.set as a value: made once, not once a record
}

var writers = sync.Pool{New: func() any {
	w := &writer{}
	w.put = func(e entry) error { return w.set(e.key, e.value) }
	return w
}}

func (s *Store) newWriter() *writer {
	w := writers.Get().(*writer)
	w.s, w.b = s, s.db.NewBatch()
	return w
}

// close ends the writer, committed or not.
func (w *writer) close() {
	_ = w.b.Close() // an uncommitted batch has nothing that could fail
	w.s, w.b = nil, nil
	writers.Put(w)
}

// commit makes the batch durable and notes how far the log has come.
func (w *writer) commit() error {
	if w.b.Empty() {
		return nil
	}
	log := w.s.tide.current()
	if err := w.b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("commit: %w", wrap(err))
	}
	w.s.tide.reach(log, uint64(w.b.SeqNum()))
	return nil
}

func (w *writer) set(key, value []byte) error { return w.b.Set(key, value, nil) }
func (w *writer) delete(key []byte) error     { return w.b.Delete(key, nil) }

// proto writes m straight into the batch.
func (w *writer) proto(key []byte, m proto.Message) error {
	size := proto.Size(m)
	op := w.b.SetDeferred(len(key), size)
	copy(op.Key, key)
	out, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(op.Value[:0], m)
	if err != nil {
		return fmt.Errorf("encode %T: %w", m, err)
	}
	if len(out) != size {
		return fmt.Errorf("encode %T: it changed meanwhile", m)
	}
	return op.Finish()
}

// frame writes a record straight into the batch.
func (w *writer) frame(key []byte, f frame) error {
	op := w.b.SetDeferred(len(key), f.size())
	copy(op.Key, key)
	f.append(op.Value[:0])
	return op.Finish()
}

func (w *writer) append(a *Append) error {
	for i := range a.Records {
		if err := w.record(a.Room, &a.Records[i]); err != nil {
			return fmt.Errorf("record %d: %w", a.Records[i].Pos, err)
		}
	}
	if err := w.changes(a); err != nil {
		return err
	}
	for pos, standing := range a.Standings {
		w.key = appendPos(w.key[:0], spaceStanding, a.Room, pos)
		if err := w.proto(w.key, standing); err != nil {
			return err
		}
	}
	if err := w.logs(a); err != nil {
		return err
	}
	if err := w.meta(a); err != nil {
		return err
	}
	if err := w.people(a); err != nil {
		return err
	}
	return w.nodes(a)
}

// people writes what a turn says about users.
func (w *writer) people(a *Append) error {
	for _, m := range a.Members {
		if err := w.member(a.Room, m); err != nil {
			return fmt.Errorf("member %s: %w", m.GetUser(), err)
		}
	}
	for i := range a.Keys {
		if err := w.idempotency(a.Room, &a.Keys[i]); err != nil {
			return err
		}
	}
	for i := range a.Reads {
		if err := w.read(a.Room, &a.Reads[i]); err != nil {
			return err
		}
	}
	for _, m := range a.Mentions {
		if err := checkWord("name", string(m.User)); err != nil {
			return err
		}
		w.key = appendMention(w.key[:0], a.Room, m.User, m.Pos)
		if err := w.set(w.key, nil); err != nil {
			return err
		}
	}
	for _, p := range a.Pins {
		if err := w.pin(a.Room, p); err != nil {
			return err
		}
	}
	for _, v := range a.Values {
		w.key = appendName(w.key[:0], spaceValue, v.Name)
		err := w.delete(w.key)
		if v.Bytes != nil {
			err = w.set(w.key, v.Bytes)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) record(r room.ID, rec *Record) error {
	if err := checkWord("node's name", rec.Event.Header.GetOrigin()); err != nil {
		return err
	}
	if rec.Pos == 0 {
		return fmt.Errorf("a pos begins at 1")
	}
	w.key = appendPos(w.key[:0], spaceRecord, r, rec.Pos)
	if err := w.frame(w.key, frameOf(rec)); err != nil {
		return err
	}
	return w.index.entries(r, rec, w.put)
}

func (w *writer) meta(a *Append) error {
	if a.Meta == nil {
		return nil
	}
	if mayChangeState(a.Records) {
		if err := w.alias(a.Room, a.Meta); err != nil {
			return err
		}
		if err := w.roomNodes(a.Room, a.Meta); err != nil {
			return err
		}
	}
	w.key = appendRoom(w.key[:0], spaceRoom, a.Room)
	return w.room(w.key, a.Meta)
}

// room writes a room without what is kept apart. A copy would cost more than the write.
func (w *writer) room(key []byte, m *storagepb.Room) error {
	stewards, nodes := m.Stewards, m.Nodes
	m.Stewards, m.Nodes = nil, nil
	err := w.proto(key, m)
	m.Stewards, m.Nodes = stewards, nodes
	return err
}

func (w *writer) roomNodes(r room.ID, m *storagepb.Room) error {
	w.key = appendRoom(w.key[:0], spaceRoomNodes, r)
	if len(m.GetStewards())+len(m.GetNodes()) == 0 {
		return w.delete(w.key)
	}
	return w.proto(w.key, &storagepb.RoomNodes{Stewards: m.GetStewards(), Nodes: m.GetNodes()})
}

func mayChangeState(records []Record) bool {
	for i := range records {
		if records[i].Event.Kind().State() {
			return true
		}
	}
	return len(records) == 0
}

// alias moves the alias index from what the room was called to what it is called now.
func (w *writer) alias(r room.ID, m *storagepb.Room) error {
	old, err := w.s.room(r)
	if err != nil {
		return err
	}
	was, now := aliasKey(r, old), aliasKey(r, m)
	if was != nil && !bytes.Equal(was, now) {
		if holder, err := w.s.named(was); err != nil {
			return err
		} else if holder == r {
			if err := w.delete(was); err != nil {
				return err
			}
		}
	}
	if now == nil {
		return nil
	}
	if err := checkWord("alias", m.GetAlias()+m.GetOrigin()); err != nil {
		return err
	}
	if holder, err := w.s.named(now); err != nil || !holder.IsZero() {
		return err
	}
	return w.set(now, r[:])
}

// named is the room that a key of the alias index leads to; zero: none.
func (s *Store) named(key []byte) (r room.ID, err error) {
	_, err = s.get(key, func(v []byte) (err error) {
		r, err = room.HashFromBytes(v)
		return err
	})
	return r, err
}

// aliasKey is nil for a room without an alias. A room of this node has its alias for itself, and
// whichever had it first keeps it: those who order a room's state elsewhere cannot take it away.
// What another node calls its rooms is not in our hands: it may give one alias to two of them,
// so there the room is part of the key, and neither can push the other out. What a third node
// says of it in an invitation is no address.
func aliasKey(r room.ID, m *storagepb.Room) []byte {
	switch {
	case m.GetAlias() == "", m.GetStub() && m.GetOrigin() != "" && m.GetHome() != m.GetOrigin():
		return nil
	case m.GetOrigin() == "":
		return appendName(nil, spaceAlias, m.GetAlias())
	}
	return append(appendOwned(nil, spaceAlias, m.GetAlias()+"@"+m.GetOrigin()), r[:]...)
}

// member writes both sides: the room's member and the user's room.
func (w *writer) member(r room.ID, m *storagepb.Member) error {
	u := room.User(m.GetUser())
	if err := checkWord("name", string(u)); err != nil {
		return err
	}
	w.key = appendRoomUser(w.key[:0], spaceMember, r, u)
	w.value = appendUserRoom(w.value[:0], spaceUserRoom, u, r)
	if m.GetMembership() == "leave" || m.GetMembership() == "" {
		if err := w.delete(w.key); err != nil {
			return err
		}
		return w.delete(w.value)
	}
	if err := w.proto(w.key, m); err != nil {
		return err
	}
	return w.proto(w.value, m)
}

func (w *writer) idempotency(r room.ID, k *Key) error {
	if err := checkWord("name", string(k.User)); err != nil {
		return err
	}
	w.key = append(appendUserRoom(w.key[:0], spaceKey, k.User, r), k.Key...)
	return w.proto(w.key, &storagepb.Key{Event: k.Event[:], Pos: k.Pos, Time: k.Time})
}

func (w *writer) read(r room.ID, read *Read) error {
	w.key = appendRoomUser(w.key[:0], spaceRead, r, read.User)
	return w.proto(w.key, &storagepb.Read{Pos: read.Pos, Counted: read.Counted, Event: read.Event.Bytes(), Time: read.Time})
}

func (w *writer) pin(r room.ID, p Pin) error {
	w.key = appendPos(w.key[:0], spacePin, r, p.Pos)
	if !p.On {
		return w.delete(w.key)
	}
	w.value = binary.BigEndian.AppendUint64(w.value[:0], uint64(p.Order))
	return w.set(w.key, w.value)
}
