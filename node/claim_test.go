package node

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// three are alice at one, who made a room, bob at two, who is in it, and carl at three, who is not.
func three(t *testing.T) (l *league, alice, bob, carl Caller, id room.ID) {
	l = newLeague(t, "one", "two", "three")
	alice, bob, carl = l.user("one", "alice"), l.user("two", "bob"), l.user("three", "carl")
	s, err := l.nodes["one"].CreateRoom(t.Context(), alice, NewRoom{Alias: "garden", Name: "Garden", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	if id, err = room.ParseHash(s.Room); err != nil {
		t.Fatal(err)
	}
	if _, err := l.nodes["two"].Join(t.Context(), bob, id, "one"); err != nil {
		t.Fatal(err)
	}
	return l, alice, bob, carl, id
}

// Who asks the node that was a room's home is sent on to the one that is.
func TestTheHomeHasMoved(t *testing.T) {
	l, alice, bob, carl, id := three(t)
	l.do(alice, id, room.KindRole, &roompb.Body{Subject: string(bob.User), Role: "administrator"})
	l.do(alice, id, room.KindStewards, &roompb.Body{Stewards: []string{"two"}})
	l.agree(id, "one", "two")
	if _, err := l.nodes["three"].Join(t.Context(), carl, id, "one"); err != nil {
		t.Fatalf("join by the former home: %v", err)
	}
	l.agree(id, "one", "two", "three")
	l.do(bob, id, room.KindKick, &roompb.Body{Subject: string(carl.User)})
	l.soon("carl is out", func() bool { return !l.nodes["three"].Has(id) })
	// What carl's node knows of the room stays as it is; the home moves on, and is found.
	l.do(bob, id, room.KindStewards, &roompb.Body{Stewards: []string{"one"}})
	l.agree(id, "one", "two")
	if _, err := l.nodes["three"].Join(t.Context(), carl, id, ""); err != nil {
		t.Fatalf("join again: %v", err)
	}
	l.agree(id, "one", "two", "three")
}

// A leave that waits for the home is made when this node has become the home meanwhile.
func TestALeaveWaitsWhereTheHomeComesTo(t *testing.T) {
	l, alice, bob, _, id := three(t)
	l.agree(id, "one", "two")
	l.sever("one", "two", true)
	if r, err := l.submit(bob, room.Draft{Room: id, Kind: room.KindLeave}); err != nil || !r.Waiting {
		t.Fatalf("leave: %+v, %v", r, err)
	}
	l.do(alice, id, room.KindStewards, &roompb.Body{Stewards: []string{"two"}})
	l.sever("one", "two", false)
	l.nodes["one"].courier.mark(id)
	l.soon("two is the home", func() bool {
		c, err := l.nodes["two"].rooms.get(id)
		return err == nil && c.home() == "two"
	})
	l.nodes["two"].PeerUp("one")
	l.soon("bob has left", func() bool {
		s, err := l.nodes["one"].Summary(alice, id)
		return err == nil && s.GetMembers() == 1
	})
}

// A leave that the home took, and has forgotten with the rest of the day when its backup is restored, is
// asked for again, though its answer had come.
func TestAHomeForgetsALeave(t *testing.T) {
	l, alice, bob, _, id := three(t)
	l.agree(id, "one", "two")
	copied := l.nodes["one"].fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 2))})
	left := func() bool {
		s, err := l.nodes["one"].Summary(alice, id)
		return err == nil && s.GetMembers() == 1
	}
	l.mu.Lock()
	l.silent = true // the answer comes, and the entry does not
	l.mu.Unlock()
	l.sever("one", "two", true)
	if r, err := l.submit(bob, room.Draft{Room: id, Kind: room.KindLeave}); err != nil || !r.Waiting {
		t.Fatalf("leave: %+v, %v", r, err)
	}
	l.sever("one", "two", false)
	l.nodes["two"].PeerUp("one")
	l.soon("bob has left", left)
	l.soon("the answer has come", func() bool { return l.nodes["two"].sending.waitingFor(id) == 0 })
	l.kill("one")
	l.nodes["one"].fs = copied
	l.start("one")
	if left() {
		t.Fatal("the home has forgotten nothing")
	}
	if rooms, err := l.nodes["two"].Summaries(bob); err != nil || len(rooms) > 0 {
		t.Errorf("bob has left and has %v, %v", rooms, err)
	}
	l.nodes["two"].Level("three") // not the home
	if waits := l.nodes["two"].sending.waitingFor(id); waits > 0 {
		t.Errorf("%d letters", waits)
	}
	l.nodes["two"].Level("one")
	l.soon("bob has left again", left)
}

// Whoever has a room's state ordered on a node of their own cannot give it an address of the node on
// which it was made, whose rooms have theirs for good.
func TestNoAddressIsTakenFromAfar(t *testing.T) {
	l, alice, bob, _, _ := three(t) // #garden
	s, err := l.nodes["one"].CreateRoom(t.Context(), alice, NewRoom{Alias: "own", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := room.ParseHash(s.Room)
	if _, err := l.nodes["two"].Join(t.Context(), bob, id, "one"); err != nil {
		t.Fatal(err)
	}
	l.do(alice, id, room.KindRole, &roompb.Body{Subject: string(bob.User), Role: "owner"})
	l.do(alice, id, room.KindStewards, &roompb.Body{Stewards: []string{"two"}})
	l.agree(id, "one", "two")
	garden, err := l.nodes["one"].Resolve("#garden@one")
	if err != nil {
		t.Fatal(err)
	}
	alias, topic := "garden", "weeds"
	d := room.Draft{Room: id, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Alias: &alias}}}
	if _, err := l.submit(bob, d); room.CodeOf(err) != room.Forbidden {
		t.Errorf("the new home gives the room another's address: %v", err)
	}
	l.do(bob, id, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Topic: &topic}})
	l.agree(id, "one", "two")
	for _, name := range []string{"one", "two"} {
		if got, err := l.nodes[name].Resolve("#garden@one"); got != garden || err != nil {
			t.Errorf("%s: #garden@one is %s, not %s: %v", name, got, garden, err)
		}
	}
}

// A node that is to order a room which it has left, and to which somebody of it is invited
// again, gets the room.
func TestAnInvitedNodeBecomesASteward(t *testing.T) {
	l, alice, bob, _, id := three(t)
	l.do(bob, id, room.KindLeave, nil)
	l.do(alice, id, room.KindInvite, &roompb.Body{Subject: string(bob.User)})
	l.soon("the invitation", func() bool {
		c, err := l.nodes["two"].rooms.get(id)
		return err == nil && c.isStub()
	})
	l.do(alice, id, room.KindStewards, &roompb.Body{Stewards: []string{"one", "two"}})
	l.agree(id, "one", "two")
	l.soon("the room is here", func() bool { return l.nodes["two"].Has(id) })
	name := "Orchard"
	l.do(alice, id, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Name: &name}}) // both agree on it
	if s, err := l.nodes["two"].Summary(bob, id); err != nil || s.GetMembership() != string(room.Invited) {
		t.Errorf("bob is %q: %v", s.GetMembership(), err)
	}
}

// A home whose folder was set back to before anybody of a node had joined is told by that
// node what it has forgotten, and goes on from there; where it has done something else in
// that place, the room stands still.
func TestAHomeThatHasForgottenWhoJoined(t *testing.T) {
	for _, elseDone := range []bool{false, true} {
		l := newLeague(t, "one", "two")
		alice, bob := l.user("one", "alice"), l.user("two", "bob")
		s, err := l.nodes["one"].CreateRoom(t.Context(), alice, NewRoom{Alias: "garden", Name: "Garden", Public: true})
		if err != nil {
			t.Fatal(err)
		}
		id, _ := room.ParseHash(s.Room)
		copied := l.nodes["one"].fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 2))})
		if _, err := l.nodes["two"].Join(t.Context(), bob, id, "one"); err != nil {
			t.Fatal(err)
		}
		l.do(alice, id, room.KindRole, &roompb.Body{Subject: string(bob.User), Role: "administrator"})
		l.do(alice, id, room.KindText, say("hello"))
		l.agree(id, "one", "two")
		l.sees(bob, id, "alice hello 0 0")

		l.kill("one")
		l.nodes["one"].fs = copied
		l.start("one")
		if elseDone {
			for _, name := range []string{"Orchard", "Meadow", "Field"} {
				if _, err := l.submit(alice, room.Draft{Room: id, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Name: &name}}}); err != nil {
					break // it stands still already
				}
			}
			l.soon("the room stands still", func() bool {
				l.nodes["two"].courier.mark(id)
				s, err := l.nodes["one"].Summary(alice, id)
				return err == nil && s.GetFrozen() != ""
			})
			continue
		}
		l.soon("bob is there again", func() bool {
			l.nodes["two"].courier.mark(id)
			s, err := l.nodes["one"].Summary(alice, id)
			return err == nil && s.GetMembers() == 2
		})
		l.agree(id, "one", "two")
		l.sees(alice, id, "alice hello 0 0")
		name := "Orchard"
		l.do(bob, id, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{Name: &name}})
		l.agree(id, "one", "two")
	}
}

// A home was set back silently, and did something else in the place of the one entry that it had
// forgotten: as many entries are on either side, and both see that the room has two states.
func TestAsManyEntriesButOthers(t *testing.T) {
	l, alice, bob, _, id := three(t)
	l.agree(id, "one", "two")
	copied := l.nodes["one"].fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 2))})
	called := func(name string) *roompb.Body { return &roompb.Body{Settings: &roompb.Settings{Name: &name}} }
	l.do(alice, id, room.KindSettings, called("Orchard"))
	l.agree(id, "one", "two")
	l.kill("one")
	l.nodes["one"].fs = copied
	l.sever("one", "two", true)
	l.sever("one", "three", true)
	l.start("one")
	l.do(alice, id, room.KindSettings, called("Meadow"))
	l.sever("one", "two", false)
	for node, who := range map[string]Caller{"one": alice, "two": bob} {
		l.soon("the room stands still on "+node, func() bool {
			l.nodes["one"].courier.mark(id)
			l.nodes["two"].courier.mark(id)
			s, err := l.nodes[node].Summary(who, id)
			return err == nil && s.GetFrozen() != ""
		})
	}
}

// An edit came without its words, as the message had been deleted where it came from. The
// node is restarted, then the deletion proves void: the message stands as it was edited.
func TestWordsOfAnEditAreLookedForAfterARestart(t *testing.T) {
	l, alice, bob, carl, id := three(t)
	if _, err := l.nodes["three"].Join(t.Context(), carl, id, "one"); err != nil {
		t.Fatal(err)
	}
	amy := l.user("one", "amy")
	l.do(amy, id, room.KindJoin, nil)
	l.do(alice, id, room.KindRole, &roompb.Body{Subject: string(bob.User), Role: "moderator"})
	l.agree(id, "one", "two", "three")
	l.sever("three", "one", true)
	l.sever("three", "two", true)
	said := l.do(amy, id, room.KindText, say("helo"))
	l.do(amy, id, room.KindEdit, about(said, say("hello")))
	l.sees(bob, id, "amy hello 0 0")
	l.sever("one", "two", true)
	l.do(bob, id, room.KindDelete, about(said, &roompb.Body{}))
	l.sever("three", "two", false)
	l.nodes["two"].courier.mark(id)
	l.sees(carl, id, "amy  0 0")
	l.kill("three")
	l.start("three")
	l.setClock("three", 0) // its links are up

	l.do(alice, id, room.KindRole, &roompb.Body{Subject: string(bob.User), Role: "member"})
	l.sever("one", "two", false) // and three hears of it all from two
	l.nodes["one"].courier.mark(id)
	l.agree(id, "one", "two", "three")
	l.sees(carl, id, "amy hello 0 0")
}

// A home that was restored from a backup asks more than the nodes that it knows to be in the
// room: who has seen the last entries may have joined since.
func TestARestoredHomeAsksWhoJoinedSince(t *testing.T) {
	for _, others := range []bool{false, true} {
		l := newLeague(t, "one", "two", "three")
		alice, bob, carl := l.user("one", "alice"), l.user("two", "bob"), l.user("three", "carl")
		s, err := l.nodes["one"].CreateRoom(t.Context(), alice, NewRoom{Alias: "garden", Name: "Garden", Public: true})
		if err != nil {
			t.Fatal(err)
		}
		id, _ := room.ParseHash(s.Room)
		if others {
			if _, err := l.nodes["two"].Join(t.Context(), bob, id, "one"); err != nil {
				t.Fatal(err)
			}
			l.agree(id, "one", "two")
		}
		copied := l.nodes["one"].fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 2))})
		l.sever("one", "two", true)
		l.sever("two", "three", true)
		if _, err := l.nodes["three"].Join(t.Context(), carl, id, "one"); err != nil {
			t.Fatal(err)
		}
		l.do(alice, id, room.KindRole, &roompb.Body{Subject: string(carl.User), Role: "administrator"})
		l.agree(id, "one", "three")
		l.kill("one")
		l.nodes["one"].fs = copied
		reincarnate(t, copied)
		l.sever("one", "two", false)
		l.start("one")
		l.setClock("one", 0) // its links are up
		name := "Orchard"
		changed := make(chan struct{})
		go func() {
			defer close(changed)
			for t.Context().Err() == nil {
				if _, err := l.submit(alice, room.Draft{Room: id, Kind: room.KindSettings, Body: &roompb.Body{Settings: &roompb.Settings{Name: &name}}}); err == nil {
					return
				}
			}
		}()
		l.soon("alice changes the room", func() bool {
			l.nodes["three"].courier.mark(id)
			select {
			case <-changed:
				return true
			default:
				return false
			}
		})
		l.nodes["one"].courier.mark(id)
		l.agree(id, "one", "three")
		for node, who := range map[string]Caller{"one": alice, "three": carl} {
			if s, err := l.nodes[node].Summary(who, id); err != nil || s.GetFrozen() != "" || s.GetName() != name || s.GetRole() == "" {
				t.Errorf("others %v: on %s: %v %v", others, node, s, err)
			}
		}
		if s, err := l.nodes["one"].Summary(alice, id); err != nil || s.GetMembers() != map[bool]uint32{false: 2, true: 3}[others] {
			t.Errorf("%d members: %v", s.GetMembers(), err)
		}
	}
}

// reincarnate is what `hearth restore` does to a copy.
func reincarnate(t *testing.T, fs *vfs.MemFS) {
	t.Helper()
	s, err := storage.Open("data", storage.Options{FS: fs, CacheBytes: 1 << 20})
	if err == nil {
		err = Reincarnate(s)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}
