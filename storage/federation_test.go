package storage

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

// A folder of 0.1.0, before there was an index of what changes a message, gets it when it is opened,
// and is then refused by 0.1.0; one that is only read does without, and nothing is wrong with it.
func TestAFolderOfBeforeIsBroughtUp(t *testing.T) {
	fs := vfs.NewMem()
	s := openMem(t, fs)
	w := newWorld(3, 2)
	must(t, w.run(s, 150))
	b := s.db.NewBatch()
	must(t, b.DeleteRange(appendSpace(nil, spaceAbout), appendSpace(nil, spaceAbout+1), nil))
	must(t, b.Commit(nil))
	mustClose(t, s)
	must(t, writeFile(fs, testDir, formatFile, []byte("hearth store 1\n")))

	s, err := Open(testDir, Options{FS: fs, ReadOnly: true})
	must(t, err)
	must(t, w.verify(s))
	mustClose(t, s)
	if line, err := readFile(fs, fs.PathJoin(testDir, formatFile)); string(line) != "hearth store 1\n" || err != nil {
		t.Fatal("reading a folder has changed it", string(line), err)
	}
	for range 2 {
		s = openMem(t, fs)
		must(t, errors.Join(w.check(s), w.verify(s)))
		mustClose(t, s)
	}
	if line, err := readFile(fs, fs.PathJoin(testDir, formatFile)); string(line) != "hearth store 2\n" || err != nil {
		t.Fatal(string(line), err)
	}
}

// The power may be cut anywhere while a folder of before is brought up: the next opening does it.
func TestPowerCutWhileAFolderIsBroughtUp(t *testing.T) {
	disk := vfs.NewCrashableMem()
	s := openMem(t, disk)
	w := newWorld(4, 2)
	must(t, w.run(s, 60))
	b := s.db.NewBatch()
	must(t, b.DeleteRange(appendSpace(nil, spaceAbout), appendSpace(nil, spaceAbout+1), nil))
	must(t, b.Commit(nil))
	mustClose(t, s)
	must(t, writeFile(disk, testDir, formatFile, []byte("hearth store 1\n")))
	for at := int64(1); ; at++ {
		again := copyOf(disk)
		c := &powerCut{disk: again, at: at, rng: w.rng, acked: w.acked}
		s, err := Open(testDir, Options{FS: errorfs.Wrap(again, c)})
		must(t, err)
		mustClose(t, s)
		if c.after == nil {
			return
		}
		s = openMem(t, c.after)
		if err := errors.Join(w.check(s), w.verify(s)); err != nil {
			t.Fatalf("cut %d: %v", at, err)
		}
		mustClose(t, s)
	}
}

// What the state log takes back in the turn that also erases it is both, and in no timeline.
func TestErasedAndVoidAtOnce(t *testing.T) {
	for _, sameTurn := range []bool{true, false} {
		s := openMem(t, vfs.NewMem())
		w := newWorld(1, 1)
		must(t, w.run(s, 0))
		r := w.rooms[0]
		a := &Append{Room: r.id}
		root := w.event(r, a, testNode, room.KindText, &roompb.Body{Text: "root"})
		w.event(r, a, testNode, room.KindText, &roompb.Body{Text: "reply", Thread: root.ID.Bytes()})
		reply := r.pos
		w.event(r, a, testNode, room.KindEdit, &roompb.Body{Text: "edit", Target: r.ids[reply].Bytes()})
		if !sameTurn {
			w.finish(r, a)
			a = &Append{Room: r.id}
		}
		a.Erase, a.Void = []uint64{reply, reply + 1}, []uint64{reply}
		w.finish(r, a)
		must(t, r.submit(s))
		rec, _, err := s.Record(r.id, reply)
		if err != nil || !rec.Void || rec.Event.Body != nil || rec.Thread != root.ID {
			t.Fatal(rec, err)
		}
		if rows, _, err := s.Timeline(r.id, Page{Thread: root.ID, Limit: 9}); len(rows) != 0 || err != nil {
			t.Fatal(rows, err)
		}
		if about, err := s.About(r.id, r.ids[reply]); len(about) != 0 || err != nil {
			t.Fatal("an erased edit still changes something", about, err)
		}
		must(t, errors.Join(w.check(s), w.verify(s)))
		mustClose(t, s)
	}
}

// A part of a log is read as far as it was asked for, is here, and fits.
func TestALogIsReadInParts(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	w := newWorld(1, 1)
	r := w.rooms[0]
	a := &Append{Room: r.id}
	for range 3 {
		w.seal(r, farNode, room.KindText, &roompb.Body{Text: strings.Repeat("x", 300)})
	}
	for range 5 { // 4 to 8 are here
		w.event(r, a, farNode, room.KindText, &roompb.Body{Text: strings.Repeat("x", 300)})
	}
	w.finish(r, a)
	must(t, r.submit(s))
	for _, ask := range []struct {
		from, to        uint64
		limit, maxBytes int
		want            string
	}{
		{4, 0, 99, 1 << 20, "4 5 6 7 8"},
		{4, 5, 99, 1 << 20, "4 5"},
		{5, 5, 99, 1 << 20, "5"},
		{5, 99, 2, 1 << 20, "5 6"},
		{6, 0, 99, 1, "6"},
		{6, 0, 99, 1200, "6 7"},
		{0, 0, 99, 1 << 20, ""},
		{3, 8, 99, 1 << 20, ""},
		{6, 5, 99, 1 << 20, ""},
		{9, 0, 99, 1 << 20, ""},
	} {
		got, err := s.Log(r.id, roompb.Log_LOG_MESSAGES, farNode, 0, ask.from, ask.to, ask.limit, ask.maxBytes)
		must(t, err)
		var seqs []string
		for _, rec := range got {
			seqs = append(seqs, fmt.Sprint(rec.Event.Header.Seq))
		}
		if have := strings.Join(seqs, " "); have != ask.want {
			t.Errorf("%+v: %s", ask, have)
		}
	}
}

// An invitation to a room that is not here is listed, found by its alias, and gives way to the
// room itself.
func TestAStubGivesWayToTheRoom(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	w := newWorld(1, 1)
	r := w.rooms[0]
	stub := &storagepb.Room{Id: r.id[:], Alias: "garden", Origin: farNode, Home: farNode, Stub: true, Members: 50, Invitation: []byte("ask"), Clock: 0}
	invited := &storagepb.Member{Room: r.id[:], User: "bob@" + testNode, Membership: "invite", From: 7}
	must(t, s.Append(&Append{Room: r.id, Meta: stub, Members: []*storagepb.Member{invited}}))
	must(t, w.verify(s))
	if ids, err := s.RoomsByAlias("garden@" + farNode); !slices.Equal(ids, []room.ID{r.id}) || err != nil {
		t.Fatal(ids, err)
	}
	if ids, err := s.RoomsByAlias("garden"); len(ids) > 0 || err != nil {
		t.Fatal("another node's alias is taken for this node's", err)
	}
	if got, err := s.UserRooms("bob@" + testNode); len(got) != 1 || !proto.Equal(got[0], invited) || err != nil {
		t.Fatal(got, err)
	}
	r.installs[r.turns[0]] = true // the room comes, and without bob
	must(t, r.submit(s))
	must(t, errors.Join(w.check(s), w.verify(s)))
	if got, err := s.UserRooms("bob@" + testNode); len(got) != 0 || err != nil {
		t.Fatal(got, err)
	}
	if ids, err := s.RoomsByAlias("garden@" + farNode); len(ids) > 0 || err != nil {
		t.Fatal("the stub's alias has stayed", err)
	}
	if err := s.Install(&Append{Room: r.id}); err == nil {
		t.Fatal("a room was installed of which nothing is known")
	}
}

// Another node may give one alias to two rooms: both stay whole.
func TestTwoRoomsUnderOneAliasOfAnotherNode(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	var rooms []*storagepb.Room
	for i := range 2 {
		id := room.ID{byte(i + 1)}
		rooms = append(rooms, &storagepb.Room{Id: id[:], Alias: "garden", Origin: farNode, Home: farNode, Stub: true})
		must(t, s.Append(&Append{Room: id, Meta: rooms[i]}))
	}
	w := newWorld(1, 0)
	must(t, w.verify(s))
	rooms[0].Alias = ""
	must(t, s.Append(&Append{Room: room.ID{1}, Meta: rooms[0]}))
	if ids, err := s.RoomsByAlias("garden@" + farNode); !slices.Equal(ids, []room.ID{{2}}) || err != nil {
		t.Fatal(ids, err)
	}
	must(t, w.verify(s))
}

// An address of this node is the room's that had it first, also when those who order another room
// elsewhere say that it is that one's.
func TestAnAddressOfThisNodeStaysWithItsRoom(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	w := newWorld(1, 0)
	first, thief := room.ID{2}, room.ID{1}
	name := func(id room.ID, home, alias string, want room.ID) {
		t.Helper()
		must(t, s.Append(&Append{Room: id, Meta: &storagepb.Room{Id: id[:], Alias: alias, Home: home, Creator: "alice@" + testNode, Stub: true}}))
		must(t, w.verify(s))
		got, err := s.RoomsByAlias("garden")
		if err != nil || len(got) != 1 || got[0] != want {
			t.Fatalf("garden is %v, %v", got, err)
		}
	}
	name(first, testNode, "garden", first)
	name(thief, farNode, "garden", first)
	name(thief, farNode, "", first) // and does not take it with it
	name(thief, farNode, "garden", first)
	must(t, s.Append(&Append{Room: first, Meta: &storagepb.Room{Id: first[:], Home: testNode, Creator: "alice@" + testNode, Stub: true}}))
	must(t, w.verify(s))
	if got, err := s.RoomsByAlias("garden"); len(got) > 0 || err != nil {
		t.Fatal(got, err)
	}
	name(room.ID{3}, testNode, "garden", room.ID{3})
}

// A message costs the disk the same in a room of one node and in one of two hundred.
func TestAMessageDoesNotWriteTheRoomsNodes(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	w := newWorld(1, 1)
	r := w.rooms[0]
	must(t, w.run(s, 0))
	say := func(text string) (keys, size int) {
		a := &Append{Room: r.id}
		w.event(r, a, testNode, room.KindText, &roompb.Body{Text: text})
		w.finish(r, a)
		writer := s.newWriter()
		defer writer.close()
		must(t, writer.append(a))
		keys, size = int(writer.b.Count()), writer.b.Len()
		must(t, r.submit(s))
		return keys, size
	}
	say("the first names none before it")
	alone, size := say("tea")
	a := &Append{Room: r.id}
	w.event(r, a, testNode, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{}})
	for i := range 200 {
		name := fmt.Sprintf("n%d.example", i)
		r.meta.Nodes = append(r.meta.Nodes, &storagepb.RoomNode{Name: name, Key: w.publicKey(name), Joined: 1})
		a.Nodes = append(a.Nodes, NodeRoom{name, true})
	}
	w.finish(r, a)
	if keys, big := say("tea"); keys != alone || big > size+10 { // numbers have grown
		t.Fatalf("%d keys and %d bytes, %d and %d in a room of one node", keys, big, alone, size)
	}
	must(t, errors.Join(w.check(s), w.verify(s)))
	nodes, err := s.PeerNodes()
	if len(nodes) != 200 || !slices.IsSorted(nodes) || err != nil {
		t.Fatal(nodes, err)
	}
	rooms, err := s.Rooms(room.ID{}, 9)
	if err != nil || len(rooms) != 1 || len(rooms[0].GetNodes()) != 200 {
		t.Fatal(len(rooms), err)
	}
}

// Verify checks the signatures of other nodes' logs by the keys that the room has, or else by
// the pinned ones; a head of somebody nobody knows is not judged.
func TestVerifyChecksOtherNodesSignatures(t *testing.T) {
	wrong := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	for _, known := range []string{"nowhere", "in the room", "among the peers"} {
		s := openMem(t, vfs.NewMem())
		w := newWorld(1, 1)
		r := w.rooms[0]
		a := &Append{Room: r.id}
		w.event(r, a, farNode, room.KindText, &roompb.Body{Text: "tea"})
		w.event(r, a, testNode, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{}})
		switch known {
		case "in the room":
			r.meta.Nodes = []*storagepb.RoomNode{{Name: farNode, Key: wrong}}
		case "among the peers":
			must(t, s.PutPeer(&storagepb.Peer{Name: farNode, Key: wrong}))
		}
		w.finish(r, a)
		must(t, r.submit(s))
		problems := 0
		_, err := s.Verify(context.Background(), nil, func(Problem) { problems++ })
		if want := map[bool]int{true: 1}[known != "nowhere"]; problems != want || err != nil {
			t.Fatal(known, problems, err)
		}
		mustClose(t, s)
	}
}

// Verify finds a log that claims more, or less, than what is here.
func TestVerifyFindsALogThatIsNotWhatItSays(t *testing.T) {
	lies := map[string]func(c *storagepb.Chain){
		"more":         func(c *storagepb.Chain) { c.Segments[1].Low-- },
		"less":         func(c *storagepb.Chain) { c.Segments[1].Low++ },
		"another end":  func(c *storagepb.Chain) { c.Head.Seq++ },
		"another hash": func(c *storagepb.Chain) { c.Segments[1].Before[0] ^= 1 },
		"not signed":   func(c *storagepb.Chain) { c.Segments[0].Signature[0] ^= 1 },
		"another life": func(c *storagepb.Chain) { c.Head.Incarnation++ },
		"false proof":  func(c *storagepb.Chain) { c.ProofA = proto.CloneOf(c.Head); c.ProofA.Seq++ },
	}
	for how, lie := range lies {
		t.Run(how, func(t *testing.T) {
			s := openMem(t, vfs.NewMem())
			defer mustClose(t, s)
			w := newWorld(1, 1)
			r := w.rooms[0]
			a := &Append{Room: r.id}
			w.event(r, a, farNode, room.KindText, &roompb.Body{Text: "tea"})
			for range 4 {
				w.seal(r, farNode, room.KindText, &roompb.Body{Text: "missed"})
			}
			w.event(r, a, farNode, room.KindText, &roompb.Body{Text: "tea"})
			w.event(r, a, farNode, room.KindText, &roompb.Body{Text: "tea"})
			w.finish(r, a)
			must(t, r.submit(s))
			must(t, w.verify(s))
			lie(a.Chains[0])
			must(t, s.Append(&Append{Room: r.id, Chains: a.Chains}))
			if w.verify(s) == nil {
				t.Fatal("Verify found nothing")
			}
		})
	}
}

func TestPeersComeByInvite(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	secret := tokenHash("secret")
	must(t, s.PutNodeInvite(&storagepb.Invite{Id: "i", SecretHash: secret[:], UsesLeft: 3}))
	if m, err := s.Invite(secret); m != nil || err != nil {
		t.Fatal("a node's invite would make an account", m, err)
	}
	var group sync.WaitGroup
	var admitted atomic.Int32
	for i := range 10 {
		group.Go(func() {
			_, err := s.PutPeerByInvite(&storagepb.Peer{Name: fmt.Sprintf("n%d.example", i)}, secret, 1)
			if err == nil {
				admitted.Add(1)
			} else if room.CodeOf(err) != room.Gone {
				t.Error(err)
			}
		})
	}
	group.Wait()
	peers, err := s.Peers()
	if admitted.Load() != 3 || len(peers) != 3 || err != nil {
		t.Fatal(admitted.Load(), peers, err)
	}
	must(t, s.DeletePeer(peers[0].GetName()))
	if left, err := s.Peers(); len(left) != 2 || slices.ContainsFunc(left, func(m *storagepb.Peer) bool { return m.GetName() == peers[0].GetName() }) || err != nil {
		t.Fatal(left, err)
	}
	if all, err := s.NodeInvites(); len(all) != 1 || all[0].GetUsesLeft() != 0 || err != nil {
		t.Fatal(all, err)
	}
	must(t, s.DeleteNodeInvite("i"))
	_, err = s.PutPeerByInvite(&storagepb.Peer{Name: "late"}, secret, 1)
	wantCode(t, err, room.NotFound)
	wantCode(t, s.PutPeer(&storagepb.Peer{Name: "a\x00b"}), room.BadRequest)
}

func TestTheOutboxKeepsItsOrder(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	for _, i := range []byte{3, 1, 2} {
		must(t, s.PutOutbox(farNode, [16]byte{i}, []byte{i}))
	}
	must(t, s.PutOutbox("peer.example", [16]byte{9}, nil))
	must(t, s.DeleteOutbox(farNode, [16]byte{2}))
	must(t, s.DeleteOutbox(farNode, [16]byte{7}))
	all, err := s.Outbox(farNode)
	if err != nil || len(all) != 2 || all[0].Bytes[0] != 1 || all[1].Bytes[0] != 3 {
		t.Fatal(all, err)
	}
	nodes, err := s.OutboxNodes()
	if err != nil || !slices.Equal(nodes, []string{farNode, "peer.example"}) {
		t.Fatal(nodes, err)
	}
}

func TestProfilesBlocksAndReports(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	p := &roompb.Profile{User: "a@" + farNode, DisplayName: "A"}
	must(t, s.PutForeignProfile(p, &roompb.Profile{User: "b@" + farNode}))
	if m, err := s.ForeignProfile("a@" + farNode); !proto.Equal(m, p) || err != nil {
		t.Fatal(m, err)
	}
	if m, err := s.ForeignProfile("c@" + farNode); m != nil || err != nil {
		t.Fatal(m, err)
	}

	must(t, s.PutBlock("bob", farNode, true))
	must(t, s.PutBlock("bob", "a@n", true))
	must(t, s.PutBlock("bob", "a@n", false))
	must(t, s.PutBlock("bobby", "c@n", true))
	if all, err := s.Blocks("bob"); !slices.Equal(all, []string{farNode}) || err != nil {
		t.Fatal(all, err)
	}
	for _, ask := range []struct {
		who  []string
		want bool
	}{{[]string{"x@" + farNode, farNode}, true}, {[]string{"a@n", "n"}, false}, {[]string{"c@n"}, false}} {
		if got, err := s.Blocked("bob", ask.who...); got != ask.want || err != nil {
			t.Fatal(ask, got, err)
		}
	}

	for _, id := range []string{"1", "3", "2"} {
		must(t, s.PutReport(&storagepb.Report{Id: id}))
	}
	must(t, s.DeleteReport("2"))
	all, err := s.Reports(9)
	if err != nil || len(all) != 2 || all[0].GetId() != "3" || all[1].GetId() != "1" {
		t.Fatal(all, err)
	}
	if all, err := s.Reports(1); len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
}
