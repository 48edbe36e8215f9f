package foe

import (
	"bytes"
	"compress/flate"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/room/roompb"
)

// Event is one event as it travels.
type Event struct {
	ID     []byte
	Header *roompb.Header
	Packet *roompb.Packet
}

// Log is a log that the node writes in a room, true or not.
type Log struct {
	Foe    *Foe
	Room   []byte
	Kind   roompb.Log
	Origin string // the node's own name, or somebody else's
	Number uint32 // the incarnation
	Seq    uint64 // of the newest event
	Prev   []byte // its id
	Time   uint64 // its time
	Index  uint64 // the state index that new ones cite
}

// Messages is the node's own log of messages in a room, from its beginning.
func (f *Foe) Messages(room []byte, index uint64) *Log {
	return &Log{Foe: f, Room: room, Kind: roompb.Log_LOG_MESSAGES, Origin: f.Name, Number: 1, Index: index}
}

// Fork is a second end of the same log.
func (l *Log) Fork() *Log {
	other := *l
	return &other
}

// At is the hybrid time of a moment.
func At(t time.Time) uint64 { return uint64(t.UnixMilli()) << 16 }

// Salted is a body with its salt.
func Salted(b *roompb.Body) *roompb.Body {
	b.Salt = make([]byte, 16)
	rand.Read(b.Salt)
	return b
}

// Text is a message's body.
func Text(s string) *roompb.Body { return Salted(&roompb.Body{Text: s}) }

// Add writes the next event, as edit leaves its header.
func (l *Log) Add(author, kind string, body *roompb.Body, edit func(*roompb.Header)) *Event {
	l.Seq++
	l.Time = max(At(time.Now()), l.Time+1)
	if l.Kind == roompb.Log_LOG_STATE {
		l.Index = l.Seq
	}
	h := &roompb.Header{
		Room: l.Room, Log: l.Kind, Origin: l.Origin, Incarnation: l.Number, Seq: l.Seq, Prev: l.Prev,
		Time: l.Time, StateIndex: l.Index, Author: author, Kind: kind,
	}
	raw := marshal(body)
	h.BodyHash = Sum("hearth body 1", raw)
	if edit != nil {
		edit(h)
	}
	e := &Event{Header: h, Packet: &roompb.Packet{Header: marshal(h), Body: raw}}
	e.ID = Sum("hearth event 1", e.Packet.Header)
	l.Seq, l.Prev, l.Time = h.Seq, e.ID, h.Time
	if l.Room == nil {
		l.Room = e.ID
	}
	return e
}

// Say writes a text of a user.
func (l *Log) Say(author, text string) *Event { return l.Add(author, "text", Text(text), nil) }

// HeadOf is the signed head of the log that e ends.
func (f *Foe) HeadOf(e *Event, room []byte) *roompb.Head {
	h := &roompb.Head{
		Room: room, Log: e.Header.Log, Origin: e.Header.Origin, Incarnation: e.Header.Incarnation,
		Seq: e.Header.Seq, Hash: e.ID,
	}
	h.Signature = ed25519.Sign(f.Key, HeadBytes(h))
	return h
}

// HeadBytes is what a head's signature covers.
func HeadBytes(h *roompb.Head) []byte {
	b := []byte("hearth head 1\n")
	b = append(b, h.Room...)
	b = append(b, byte(h.Log))
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.Origin)))
	b = append(b, h.Origin...)
	b = binary.BigEndian.AppendUint32(b, h.Incarnation)
	b = binary.BigEndian.AppendUint64(b, h.Seq)
	return append(b, h.Hash...)
}

// Parcel is events of a log on their way, under a head that the node has signed.
func (l *Log) Parcel(events ...*Event) *roompb.Parcel {
	p := &roompb.Parcel{Room: l.Room}
	for _, e := range events {
		p.Packets = append(p.Packets, e.Packet)
	}
	if len(events) > 0 {
		p.Head = l.Foe.HeadOf(events[len(events)-1], l.Room)
	}
	return p
}

// Page is the same without a head, as an answer to somebody who asked for it.
func (l *Log) Page(events ...*Event) *roompb.Parcel {
	p := l.Parcel(events...)
	p.Head = nil
	return p
}

// Create makes a room of the node's own, with its state log.
func (f *Foe) Create(author string, body *roompb.Body) (*Log, *Event) {
	l := &Log{Foe: f, Kind: roompb.Log_LOG_STATE, Origin: f.Name, Number: 1}
	if body.Settings == nil {
		body.Settings = &roompb.Settings{}
	}
	if body.Version == 0 {
		body.Version = 1
	}
	if body.NodeKey == nil {
		body.NodeKey = f.Public()
	}
	return l, l.Add(author, "create", Salted(body), nil)
}

// Divide makes a dump's members those of its only page, and counts them.
func Divide(d *roompb.StateDump) {
	d.Pages = append([]byte{0}, Sum("hearth page 1", deterministic(&roompb.StateDump{Members: d.Members, Past: d.Past}))...)
	for _, n := range d.Nodes {
		n.Joined = 0
		for _, m := range d.Members {
			if m.Membership == "join" && strings.HasSuffix(m.User, "@"+n.Name) {
				n.Joined++
			}
		}
	}
}

// Halve is Divide into two pages, of which the dump has the one that a user is in; it returns the other.
func Halve(d *roompb.StateDump, user string) (away *roompb.StateDump) {
	Divide(d)
	half := func(u string) int { return int(Sum("hearth user 1", []byte(u))[0] >> 7) }
	pages := []*roompb.StateDump{{}, {}}
	for _, m := range d.Members {
		pages[half(m.User)].Members = append(pages[half(m.User)].Members, m)
	}
	d.Pages = nil
	for _, p := range pages {
		d.Pages = append(append(d.Pages, 1), Sum("hearth page 1", deterministic(p))...)
	}
	d.Members = pages[half(user)].Members
	return pages[1-half(user)]
}

// Pack is pages as they travel.
func Pack(d *roompb.StateDump) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 1)
	_, _ = w.Write(deterministic(d)) // into memory
	_ = w.Close()
	return b.Bytes()
}

// Snapshot is a room of the node's own as it hands it over: the dump as it is given, divided.
func (l *Log) Snapshot(create, last *Event, d *roompb.StateDump) *roompb.Snapshot {
	Divide(d)
	return l.SnapshotOf(create, last, d)
}

// SnapshotOf is Snapshot with the pages as they are given.
func (l *Log) SnapshotOf(create, last *Event, d *roompb.StateDump) *roompb.Snapshot {
	head := l.Foe.HeadOf(last, l.Room)
	core := proto.Clone(d).(*roompb.StateDump)
	core.Members, core.Past = nil, nil
	root := Sum("hearth state 2", deterministic(core))
	signed := append([]byte("hearth root 1\n"), HeadBytes(head)...)
	return &roompb.Snapshot{
		Create: create.Packet, Last: last.Packet, Head: head, State: d, StateRoot: root,
		RootSignature: ed25519.Sign(l.Foe.Key, append(signed, root...)),
	}
}

// Dump is the state of a room of the node's own: its creator, and others, by name.
func (l *Log) Dump(create, last *Event, users ...string) *roompb.StateDump {
	creator := create.Header.Author
	d := &roompb.StateDump{
		Version: 1, Home: l.Foe.Name, Creator: creator, Created: int64(create.Header.Time >> 16), Index: last.Header.Seq, Hash: last.ID,
		Clock: last.Header.Time, Public: true, Stewards: []string{l.Foe.Name},
		Nodes: []*roompb.NodeStanding{{Name: l.Foe.Name, Key: l.Foe.Public()}},
	}
	users = append(users, creator)
	slices.Sort(users)
	for _, u := range users {
		m := &roompb.MemberStanding{User: u, Membership: "join", Since: d.Created, By: u, From: last.Header.Seq}
		if u == creator {
			m.Role, m.From = 3, 1 // an owner
		}
		d.Members = append(d.Members, m)
	}
	return d
}

// Whole is a parcel whose packets leave nothing out: what they leave out is put back, the ids of
// the packets before from left to right.
func Whole(p *roompb.Parcel) *roompb.Parcel {
	out := &roompb.Parcel{Room: p.Room, Head: p.Head}
	var prev []byte
	for _, packet := range p.Packets {
		header := packet.Header
		for _, hole := range []struct {
			at    uint32
			value []byte
		}{{packet.RoomAt, p.Room}, {packet.PrevAt, prev}, {packet.HashAt, Sum("hearth body 1", packet.Body)}} {
			if hole.at > 0 {
				header = slices.Insert(slices.Clone(header), int(hole.at-1), hole.value...)
			}
		}
		out.Packets = append(out.Packets, &roompb.Packet{Header: header, Body: packet.Body, Erased: packet.Erased})
		prev = Sum("hearth event 1", header)
	}
	return out
}
