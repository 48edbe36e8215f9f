package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

func linkOf(bridge string, r room.ID, cursor uint64) *storagepb.BridgeLink {
	return &storagepb.BridgeLink{Bridge: bridge, Room: r.Bytes(), Channel: "#garden", Cursor: cursor}
}

func problems(t *testing.T, s *Store) (found []string) {
	t.Helper()
	_, err := s.Verify(context.Background(), nil, func(p Problem) { found = append(found, p.String()) })
	must(t, err)
	return found
}

// The cursor and the ids move together, over a power cut too; an id stands for the event that
// had it first, and a bridge whose name begins another's is another.
func TestAdvanceLink(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := openMem(t, fs)
	r, one, two := room.ID{1}, room.EventID{1}, room.EventID{2}
	for _, name := range []string{"lib", "libera"} {
		must(t, s.PutBridge(&storagepb.Bridge{Name: name, Kind: "irc"}))
		must(t, s.PutBridgeLink(linkOf(name, r, 0), false))
	}
	must(t, s.AdvanceLink(linkOf("libera", r, 7), Remote{Event: one, IDs: []string{"a", "b"}}, Remote{Event: two, IDs: []string{"b", "c", "c"}}))
	must(t, s.AdvanceLink(linkOf("libera", r, 8), Remote{Event: one, IDs: []string{"a", "d"}}))
	must(t, s.AdvanceLink(linkOf("lib", r, 2), Remote{Event: two, IDs: []string{"old", "a"}}))
	for range 2 { // the second time, as after a kill, all of it is known
		must(t, s.AdvanceLink(linkOf("lib", r, 3), Remote{Event: two, IDs: []string{"a", "new"}, Anew: true}))
	}
	must(t, s.AdvanceLink(linkOf("lib", r, 3), Remote{Event: two, IDs: []string{"a"}}))
	must(t, s.PutStash("libera", "k", []byte("v")))
	must(t, s.PutBridgeMute("libera", r, "mallory", true))

	cut := openMem(t, fs.CrashClone(vfs.CrashCloneCfg{}))
	defer mustClose(t, cut)
	mustClose(t, s)
	for _, c := range []struct {
		bridge string
		event  room.EventID
		want   string
	}{{"libera", one, "a b d"}, {"libera", two, "c"}, {"lib", two, "a new"}, {"lib", one, ""}} {
		ids, err := cut.RemoteOf(c.bridge, r, c.event)
		if err != nil || strings.Join(ids, " ") != c.want {
			t.Errorf("%s: %s is %v, want %q, %v", c.bridge, c.event, ids, c.want, err)
		}
		for _, id := range ids {
			if e, ok, err := cut.LocalOf(c.bridge, r, id); e != c.event || !ok || err != nil {
				t.Errorf("%s: %q is %s %v %v", c.bridge, id, e, ok, err)
			}
		}
	}
	if _, ok, err := cut.LocalOf("lib", r, "old"); !ok || err != nil {
		t.Error("what an event was before it was there anew still names it:", ok, err)
	}
	if links, err := cut.BridgeLinks("libera"); err != nil || len(links) != 1 || links[0].GetCursor() != 8 {
		t.Error(links, err)
	}
	if found := problems(t, cut); len(found) > 0 {
		t.Error(found)
	}

	must(t, cut.DeleteBridge("libera"))
	if found := problems(t, cut); len(found) > 0 {
		t.Error("after it was taken away:", found)
	}
	ids, err := cut.RemoteOf("lib", r, two)
	v, err2 := cut.Stash("libera", "k")
	mutes, err3 := cut.BridgeMutes("libera", r)
	if !slices.Equal(ids, []string{"a", "new"}) || v != nil || len(mutes) > 0 || err != nil || err2 != nil || err3 != nil {
		t.Error("taken away, or left:", ids, v, mutes, err, err2, err3)
	}
}

// Another channel's ids are not taken for this one's.
func TestAFreshLinkForgets(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	r, other := room.ID{1}, room.ID{2}
	must(t, s.PutBridge(&storagepb.Bridge{Name: "libera"}))
	for _, id := range []room.ID{r, other} {
		must(t, s.AdvanceLink(linkOf("libera", id, 1), Remote{Event: room.EventID{1}, IDs: []string{"a"}}))
	}
	must(t, s.PutBridgeLink(linkOf("libera", r, 1), true))
	if _, ok, err := s.LocalOf("libera", r, "a"); ok || err != nil {
		t.Error(ok, err)
	}
	if _, ok, err := s.LocalOf("libera", other, "a"); !ok || err != nil {
		t.Error(ok, err)
	}
	if found := problems(t, s); len(found) > 0 {
		t.Error(found)
	}
}

// What does not fit together is found.
func TestVerifyLooksAtBridges(t *testing.T) {
	for what, spoil := range map[string]func(*Store) error{
		"no such bridge": func(s *Store) error { return s.PutStash("gone", "k", []byte{1}) },
		"an id of no event": func(s *Store) error {
			return s.write(func(w *writer) error { return w.set(appendLocal(nil, "libera", room.ID{1}, "x"), room.Hash{9}.Bytes()) }, "spoil")
		},
		"an event whose id is gone": func(s *Store) error {
			return s.write(func(w *writer) error { return w.delete(appendLocal(nil, "libera", room.ID{1}, "a")) }, "spoil")
		},
		"another's link": func(s *Store) error {
			return s.write(func(w *writer) error { return w.link(linkOf("libera", room.ID{5}, 1), room.ID{1}) }, "spoil")
		},
	} {
		s := openMem(t, vfs.NewMem())
		must(t, s.PutBridge(&storagepb.Bridge{Name: "libera"}))
		must(t, s.AdvanceLink(linkOf("libera", room.ID{1}, 1), Remote{Event: room.EventID{1}, IDs: []string{"a"}}))
		must(t, spoil(s))
		if len(problems(t, s)) == 0 {
			t.Error("nothing was found wrong:", what)
		}
		mustClose(t, s)
	}
}

func TestStash(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	must(t, s.PutBridge(&storagepb.Bridge{Name: "libera"}))
	for i := range 3 {
		must(t, s.PutStash("libera", fmt.Sprint("k", i), make([]byte, i)))
	}
	must(t, s.PutStash("libera", "k1", nil))
	sizes, err := s.StashSizes("libera")
	if v, ok := sizes["k2"]; err != nil || len(sizes) != 2 || v != 2 || !ok {
		t.Error(sizes, err)
	}
	if v, err := s.Stash("libera", "k0"); v == nil || len(v) != 0 || err != nil {
		t.Error("nothing is not the same as no bytes:", v, err)
	}
}
