package node

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
)

// FuzzAnswer asks a node anything: it answers, and does not fall over. An invitation
// without its packets once did that.
func FuzzAnswer(f *testing.F) {
	w := newWorld(f)
	id := w.room(w.user("alice"), "garden")
	for _, q := range []*roompb.Ask{
		{}, {What: &roompb.Ask_Invite{Invite: &roompb.InviteAsk{}}}, {What: &roompb.Ask_Propose{Propose: &roompb.ProposeAsk{Room: id.Bytes(), Author: "bob@far.test", Kind: "join"}}},
		{What: &roompb.Ask_Page{Page: &roompb.PageAsk{Room: id.Bytes(), Below: ^uint64(0), Limit: 1 << 31}}}, {What: &roompb.Ask_Snapshot{Snapshot: &roompb.SnapshotAsk{Room: id.Bytes()}}},
		{What: &roompb.Ask_Resolve{Resolve: &roompb.ResolveAsk{Alias: "garden", User: "bob@far.test"}}}, {What: &roompb.Ask_Directory{Directory: &roompb.DirectoryAsk{Limit: 1 << 31}}},
		{What: &roompb.Ask_Report{Report: &roompb.ReportAsk{Room: id.Bytes()}}}, {What: &roompb.Ask_Blob{Blob: &roompb.BlobAsk{Id: id.String()}}},
		{What: &roompb.Ask_Steward{Steward: &roompb.StewardAsk{Room: id.Bytes(), Messages: [][]byte{{1}}}}}, {What: &roompb.Ask_Profiles{Profiles: &roompb.ProfilesAsk{Users: []string{"alice@" + testName}}}},
	} {
		raw, err := proto.Marshal(q)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		q := new(roompb.Ask)
		if proto.Unmarshal(in, q) != nil {
			return
		}
		if _, err := w.answer(context.Background(), "far.test", q); room.CodeOf(err) == room.Internal && err != nil {
			t.Errorf("%v: %v", q, err)
		}
	})
}

// FuzzOpen reads parcels and snapshots of anything.
func FuzzOpen(f *testing.F) {
	w := newWorld(f)
	alice := w.user("alice")
	id := w.room(alice, "garden")
	w.do(alice, id, room.KindText, &roompb.Body{Text: "hello"})
	c, err := w.rooms.get(id)
	if err != nil {
		f.Fatal(err)
	}
	own := c.own()
	e, err := c.logEvent(own, 1)
	if err != nil {
		f.Fatal(err)
	}
	create, err := c.find(id)
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range []proto.Message{
		parcelOf(id, []*room.Event{e}, own.head), &roompb.Parcel{Packets: []*roompb.Packet{{}}},
		&roompb.Snapshot{Create: whole(create.Event), Last: whole(create.Event), Head: c.entries.head, State: c.state.Dump()}, &roompb.Snapshot{},
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(_ *testing.T, in []byte) {
		p, s := new(roompb.Parcel), new(roompb.Snapshot)
		if proto.Unmarshal(in, p) == nil {
			_, _ = openParcel(id, p)
		}
		if proto.Unmarshal(in, s) == nil {
			_, _ = w.openSnapshot(id, "far.test", s)
		}
	})
}
