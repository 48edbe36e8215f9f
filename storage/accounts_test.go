package storage

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

// wantCode fails unless err is a refusal of that code ("" for none).
func wantCode(t *testing.T, err error, code room.Code) {
	t.Helper()
	if room.CodeOf(err) != code {
		t.Fatalf("got %v, want %q", err, code)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAccounts(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	a := &storagepb.Account{Name: "alice", Password: "x"}
	must(t, s.CreateAccount(a))
	wantCode(t, s.CreateAccount(a), room.Taken)
	wantCode(t, s.CreateAccount(&storagepb.Account{Name: "a\x00b"}), room.BadRequest)
	must(t, s.CreateAccount(&storagepb.Account{Name: "bob"}))
	must(t, s.UpdateAccount("alice", func(a *storagepb.Account) error { a.Status = "away"; return nil }))
	wantCode(t, s.UpdateAccount("carol", func(*storagepb.Account) error { return nil }), room.NotFound)
	stop := errors.New("no")
	if err := s.UpdateAccount("alice", func(a *storagepb.Account) error { a.Status = "lost"; return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	got, err := s.Account("alice")
	if err != nil || got.GetStatus() != "away" {
		t.Fatal(got, err)
	}
	if got, err := s.Account("carol"); got != nil || err != nil {
		t.Fatal(got, err)
	}
	page, err := s.Accounts("", 1)
	if err != nil || len(page) != 1 || page[0].GetName() != "alice" {
		t.Fatal(page, err)
	}
	page, err = s.Accounts("alice", 10)
	if err != nil || len(page) != 1 || page[0].GetName() != "bob" {
		t.Fatal(page, err)
	}
	if n, err := s.AccountCount(); n != 2 || err != nil {
		t.Fatal(n, err)
	}
}

// However many try at once, an invite makes as many accounts as it has uses.
func TestAnInviteIsUsedOnce(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	secret := tokenHash("secret")
	must(t, s.PutInvite(&storagepb.Invite{Id: "i", SecretHash: secret[:], UsesLeft: 3, Admin: true, Expires: 100}))
	var made atomic.Int64
	var group sync.WaitGroup
	for i := range 10 {
		group.Go(func() {
			a := &storagepb.Account{Name: "user" + string(rune('a'+i))}
			if _, err := s.CreateAccountByInvite(a, secret, 99); err == nil {
				made.Add(1)
				if !a.Admin {
					t.Error("an administrator's invite made no administrator")
				}
			} else if room.CodeOf(err) != room.Gone {
				t.Error(err)
			}
		})
	}
	group.Wait()
	n, err := s.AccountCount()
	if made.Load() != 3 || n != 3 || err != nil {
		t.Fatal(made.Load(), n, err)
	}
}

func TestInvitesAreRefusedClearly(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	secret := tokenHash("secret")
	must(t, s.CreateAccount(&storagepb.Account{Name: "alice"}))
	must(t, s.PutInvite(&storagepb.Invite{Id: "i", SecretHash: secret[:], UsesLeft: 3, Expires: 100}))
	_, err := s.CreateAccountByInvite(&storagepb.Account{Name: "alice"}, secret, 1)
	wantCode(t, err, room.Taken)
	_, err = s.CreateAccountByInvite(&storagepb.Account{Name: "bob"}, secret, 100)
	wantCode(t, err, room.Gone)
	_, err = s.CreateAccountByInvite(&storagepb.Account{Name: "bob"}, tokenHash("guess"), 1)
	wantCode(t, err, room.NotFound)
	m, err := s.Invite(secret)
	if err != nil || m.GetUsesLeft() != 3 {
		t.Fatal("a refusal used the invite", m, err)
	}
	must(t, s.DeleteInvite("i"))
	wantCode(t, s.DeleteInvite("i"), room.NotFound)
	if all, err := s.Invites(); len(all) != 0 || err != nil {
		t.Fatal(all, err)
	}
}

func device(user, id, token string) *storagepb.Device {
	hash := tokenHash(token)
	return &storagepb.Device{Id: id, User: user, TokenHash: hash[:]}
}

func TestDevices(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	for _, d := range []*storagepb.Device{device("al", "1", "t1"), device("al", "2", "t2"), device("alice", "1", "t3")} {
		must(t, s.PutDevice(d))
	}
	byToken := func(token string) *storagepb.Device {
		d, err := s.DeviceByToken(tokenHash(token))
		must(t, err)
		return d
	}
	if d := byToken("t2"); d.GetUser() != "al" || d.GetId() != "2" {
		t.Fatal(d)
	}
	must(t, s.PutDevice(device("al", "2", "t4")))
	if byToken("t2") != nil || byToken("t4").GetId() != "2" {
		t.Fatal("a token that was changed is still good")
	}
	must(t, s.TouchDevices([]Touch{{"al", "1", 5, "addr"}, {"al", "9", 5, "addr"}}))
	if d := byToken("t1"); d.GetSeen() != 5 || d.GetAddress() != "addr" {
		t.Fatal(d)
	}
	must(t, s.DeleteDevices("al", "2", "9"))
	if byToken("t4") != nil || byToken("t1") == nil {
		t.Fatal("the wrong login ended")
	}
	must(t, s.DeleteDevices("al"))
	left, err := s.Devices("alice")
	if err != nil || byToken("t1") != nil || byToken("t3") == nil || len(left) != 1 {
		t.Fatal("the wrong logins ended", left, err)
	}
}

func blobOf(id room.Hash, owner string, size int64) *storagepb.Blob {
	return &storagepb.Blob{Id: id[:], Owner: owner, Size: size}
}

func TestBlobsAndValues(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	blob := func(id byte, owner string, size int64) *storagepb.Blob { return blobOf(room.Hash{id}, owner, size) }
	must(t, s.PutBlob(blob(1, "al", 10)))
	must(t, s.PutBlob(blob(2, "al", 20)))
	must(t, s.PutBlob(blob(3, "alice", 40)))
	must(t, s.PutBlob(blob(2, "alice", 20)))
	for owner, want := range map[string]int64{"al": 10, "alice": 60, "bob": 0} {
		if got, err := s.BlobBytesOf(owner); got != want || err != nil {
			t.Fatal(owner, got, err)
		}
	}
	must(t, s.DeleteBlob(room.Hash{3}))
	got, err := s.Blob(room.Hash{3})
	if sum, _ := s.BlobBytesOf("alice"); sum != 20 || got != nil || err != nil {
		t.Fatal(sum, got, err)
	}
	must(t, s.PutValue("key", []byte{}))
	if v, err := s.Value("key"); v == nil || len(v) != 0 || err != nil {
		t.Fatal(v, err)
	}
	must(t, s.PutValue("key", nil))
	if v, err := s.Value("key"); v != nil || err != nil {
		t.Fatal(v, err)
	}
}

func TestReadsSettingsAndKeys(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	r := room.ID{1}
	want := Read{User: "a@n", Pos: 7, Counted: 3, Event: room.EventID{9}, Time: 5}
	must(t, s.Append(&Append{Room: r, Reads: []Read{want}}))
	if got, ok, err := s.Read("a@n", r); got != want || !ok || err != nil {
		t.Fatal(got, ok, err)
	}
	if _, ok, err := s.Read("b@n", r); ok || err != nil {
		t.Fatal(ok, err)
	}
	must(t, s.PutRoomSetting("a@n", r, &storagepb.RoomSetting{Muted: "all"}))
	if got, err := s.RoomSetting("a@n", r); got.GetMuted() != "all" || err != nil {
		t.Fatal(got, err)
	}
	if got, err := s.RoomSetting("a@n", room.ID{2}); got != nil || err != nil {
		t.Fatal(got, err)
	}
	keys := []Key{{User: "a@n", Key: "old", Pos: 1, Time: 10}, {User: "a@n", Key: "new", Pos: 2, Time: 20}}
	must(t, s.Append(&Append{Room: r, Keys: keys}))
	if n, err := s.PruneKeys(20); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	_, oldThere, _ := s.Key("a@n", r, "old")
	_, newThere, _ := s.Key("a@n", r, "new")
	if oldThere || !newThere {
		t.Fatal("the wrong key was forgotten")
	}
}

// Rooms come by page, in one order, each once.
func TestRoomsByPage(t *testing.T) {
	s := openMem(t, vfs.NewMem())
	defer mustClose(t, s)
	w := newWorld(4, 7)
	must(t, w.run(s, 0))
	var got []room.ID
	var after room.ID
	for {
		page, err := s.Rooms(after, 3)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			after = room.ID(m.GetId())
			got = append(got, after)
		}
	}
	var want []room.ID
	for _, r := range w.rooms {
		want = append(want, r.id)
	}
	slices.SortFunc(want, func(a, b room.ID) int { return slices.Compare(a[:], b[:]) })
	if !slices.Equal(got, want) {
		t.Fatal(got, want)
	}
	m, err := s.Member(w.rooms[0].id, "nobody@n")
	if m != nil || err != nil {
		t.Fatal(m, err)
	}
	if got, err := s.Room(room.ID{1}); got != nil || err != nil || proto.Size(got) != 0 {
		t.Fatal(got, err)
	}
}
