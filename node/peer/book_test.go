package peer

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
)

// desk is a book on a store in memory, and a clock that tests move.
type desk struct {
	*Book
	t     testing.TB
	store *storage.Store
	now   time.Time
	key   ed25519.PrivateKey
}

func openDesk(t testing.TB) *desk {
	t.Helper()
	s, err := storage.Open("data", storage.Options{FS: vfs.NewCrashableMem(), CacheBytes: 8 << 20, Fatal: func(m string) { t.Log(m) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &desk{t: t, store: s, now: time.UnixMilli(1_800_000_000_000), key: newKey(t)}
	d.reopen()
	return d
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// reopen reads the book anew, as after a restart.
func (d *desk) reopen() {
	d.t.Helper()
	b, err := Open(d.store, Config{Self: "self.test", Key: d.key, Now: func() time.Time { return d.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		d.t.Fatal(err)
	}
	d.Book = b
}

func (d *desk) record(name string, key ed25519.PrivateKey, addresses ...string) *roompb.SignedRecord {
	d.t.Helper()
	r, err := NewRecord(name, key, addresses, "1.0", d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// The first key seen under a name stays, over restarts, until the node is forgotten.
func TestPin(t *testing.T) {
	d := openDesk(t)
	key, other := newKey(t), newKey(t)
	p, err := d.Pin(d.record("b.test", key, "10.0.0.1:8443"))
	if err != nil || p.Version != "1.0" || !slices.Equal(p.Addresses, []string{"10.0.0.1:8443"}) {
		t.Fatalf("pinned %+v %v", p, err)
	}
	d.reopen()
	for range 3 {
		if _, err := d.Pin(d.record("b.test", other)); !errors.Is(err, ErrOtherKey) {
			t.Fatalf("another key: %v", err)
		}
	}
	if _, err := d.Pin(d.record("self.test", other)); !errors.Is(err, ErrOtherKey) {
		t.Fatalf("the own name: %v", err)
	}
	d.reopen()
	if alarms := d.Alarms(); len(alarms) != 2 || alarms[1].Peer != "b.test" || !strings.Contains(alarms[1].Text, Fingerprint(key.Public().(ed25519.PublicKey))) {
		t.Errorf("alarms %+v", alarms)
	}
	if err := d.Forget("b.test"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Pin(d.record("b.test", other)); err != nil {
		t.Errorf("after it was forgotten: %v", err)
	}
}

// Addresses are those of the newest record; the one that answered last stays first.
func TestAddresses(t *testing.T) {
	d := openDesk(t)
	key := newKey(t)
	old := d.record("b.test", key, "10.0.0.9:1")
	d.now = d.now.Add(time.Minute)
	for _, r := range []*roompb.SignedRecord{d.record("b.test", key, "10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"), old} {
		if _, err := d.Pin(r); err != nil {
			t.Fatal(err)
		}
	}
	d.Answered("b.test", "10.0.0.2:1")
	d.Answered("b.test", "10.9.9.9:1")
	d.now = d.now.Add(time.Minute)
	p, err := d.Pin(d.record("b.test", key, "10.0.0.3:1", "10.0.0.2:1"))
	if err != nil || !slices.Equal(p.Addresses, []string{"10.0.0.2:1", "10.0.0.3:1"}) {
		t.Errorf("addresses %v %v", p.Addresses, err)
	}
}

func TestRecordsRefused(t *testing.T) {
	d := openDesk(t)
	key := newKey(t)
	make := func(change func(*roompb.Record)) *roompb.SignedRecord {
		r := &roompb.Record{Name: "b.test", Key: key.Public().(ed25519.PublicKey), Issued: d.now.UnixMilli(), Expires: d.now.Add(time.Hour).UnixMilli()}
		change(r)
		s, err := sign(key, r)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, err := ReadRecord(make(func(*roompb.Record) {}), d.now); err != nil {
		t.Fatal(err)
	}
	tampered := make(func(*roompb.Record) {})
	tampered.Record = slices.Concat(tampered.Record, []byte{0x32, 1, 'x'}) // another version
	for name, s := range map[string]*roompb.SignedRecord{
		"none":         nil,
		"tampered":     tampered,
		"no record":    {Record: []byte{0xff}, Signature: make(func(*roompb.Record) {}).Signature},
		"too long":     make(func(r *roompb.Record) { r.Version = strings.Repeat("x", 5000) }),
		"a bad name":   make(func(r *roompb.Record) { r.Name = "B.test" }),
		"a short key":  make(func(r *roompb.Record) { r.Key = r.Key[:31] }),
		"another key":  make(func(r *roompb.Record) { r.Key = newKey(t).Public().(ed25519.PublicKey) }),
		"expired":      make(func(r *roompb.Record) { r.Expires = d.now.UnixMilli() }),
		"ahead":        make(func(r *roompb.Record) { r.Issued = d.now.Add(2 * time.Hour).UnixMilli() }),
		"a path":       make(func(r *roompb.Record) { r.Addresses = []string{"/etc/passwd"} }),
		"no port":      make(func(r *roompb.Record) { r.Addresses = []string{"b.test"} }),
		"port 0":       make(func(r *roompb.Record) { r.Addresses = []string{"b.test:0"} }),
		"port 70000":   make(func(r *roompb.Record) { r.Addresses = []string{"b.test:70000"} }),
		"17 addresses": make(func(r *roompb.Record) { r.Addresses = slices.Repeat([]string{"b.test:1"}, 17) }),
	} {
		if r, err := ReadRecord(s, d.now); err == nil {
			t.Errorf("%s: taken as %v", name, r)
		}
	}
}

// A record fits where gossip carries it, whatever the node is told to advertise.
func TestRecordsFit(t *testing.T) {
	d := openDesk(t)
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("a-rather-long-name-of-a-machine-%d.example.org:8443", i))
	}
	for _, name := range []string{"b.test", strings.Repeat("x", 200)} {
		s := d.record(name, d.key, many...)
		r, err := ReadRecord(s, d.now)
		if err != nil || proto.Size(s) > MaxRecord || len(name) < 100 && len(r.Addresses) < 4 {
			t.Errorf("%d bytes, %d addresses, %v", proto.Size(s), len(r.GetAddresses()), err)
		}
	}
}

func TestPolicies(t *testing.T) {
	d := openDesk(t)
	key := newKey(t)
	admit := func(name, secret string, vouched bool) room.Code {
		_, err := d.Admit(d.record(name, key), secret, vouched)
		return room.CodeOf(err)
	}
	if got := d.Policy(); got != PolicyInvite {
		t.Errorf("at first the policy is %s", got)
	}
	if got := admit("stranger.test", "", false); got != room.Forbidden {
		t.Errorf("a stranger: %q", got)
	}
	if got := admit("shares.test", "", true); got != "" {
		t.Errorf("a shared room vouches: %q", got)
	}
	if got := admit("guess.test", "a guess", false); got != room.NotFound {
		t.Errorf("a guess: %q", got)
	}
	secret, err := d.MakeInvite(1, time.Hour, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := admit("invited.test", secret, false); got != "" {
		t.Errorf("invited: %q", got)
	}
	if got := admit("second.test", secret, false); got != room.Gone {
		t.Errorf("the same invite: %q", got)
	}
	if err := d.SetPolicy(PolicyList); err != nil {
		t.Fatal(err)
	}
	d.reopen()
	for name, want := range map[string]room.Code{"invited.test": "", "shares.test": room.Forbidden, "stranger.test": room.Forbidden} {
		if got := admit(name, "", true); got != want {
			t.Errorf("by list, %s: %q, want %q", name, got, want)
		}
	}
	secret, err = d.MakeInvite(1, 0, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := admit("shares.test", secret, false); got != "" {
		t.Errorf("by list, known and invited now: %q", got)
	}
	if err := d.SetPolicy(PolicyOpen); err != nil {
		t.Fatal(err)
	}
	if got := admit("stranger.test", "", false); got != "" {
		t.Errorf("open: %q", got)
	}
	if err := d.Block("stranger.test", true); err != nil {
		t.Fatal(err)
	}
	secret, err = d.MakeInvite(1, 0, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := admit("stranger.test", secret, true); got != room.Forbidden {
		t.Errorf("blocked: %q", got)
	}
	if err := d.MayCall("stranger.test", true); room.CodeOf(err) != room.Forbidden {
		t.Errorf("calling a blocked node: %v", err)
	}
	if d.Knows("stranger.test", key.Public().(ed25519.PublicKey)) {
		t.Error("a blocked node is gossiped with")
	}
}

func TestInvitesExpire(t *testing.T) {
	d := openDesk(t)
	secret, err := d.MakeInvite(5, time.Hour, "for the club", "")
	if err != nil {
		t.Fatal(err)
	}
	d.now = d.now.Add(time.Hour + time.Second)
	if _, err := d.Admit(d.record("b.test", newKey(t)), secret, false); room.CodeOf(err) != room.Gone {
		t.Errorf("an invite that is over: %v", err)
	}
	if _, err := d.MakeInvite(1<<20, 0, "", ""); room.CodeOf(err) != room.BadRequest {
		t.Errorf("too many uses: %v", err)
	}
}

func TestLinks(t *testing.T) {
	d := openDesk(t)
	if _, err := d.InviteLink("secret"); room.CodeOf(err) != room.Conflict {
		t.Errorf("a link before the first start: %v", err)
	}
	if _, err := d.Renew([]string{"[2001:db8::1]:8443", "b.test:8443"}, "1.0"); err != nil {
		t.Fatal(err)
	}
	d.reopen()
	s, err := d.InviteLink("sec-ret_1")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ParseLink(s)
	if err != nil || l.Name != "self.test" || l.Address != "[2001:db8::1]:8443" || l.Secret != "sec-ret_1" || !l.Proves(d.key.Public().(ed25519.PublicKey)) || l.String() != s {
		t.Errorf("%s is read as %+v, %v", s, l, err)
	}
	odd := Link{Address: "h:1", Name: "[::1]:8443", Fingerprint: l.Fingerprint, Secret: "s"}
	if back, err := ParseLink(odd.String()); err != nil || back != odd {
		t.Errorf("%s is read as %+v, %v", odd, back, err)
	}
	for _, bad := range []string{"", "http://h:1/#/node/a/" + l.Fingerprint + "/s", "https://h:1/#/node/a/short/s", "https://h:1/#/invite/s",
		"https://h:1/#/node/A B/" + l.Fingerprint + "/s", "https://h:1/#/node/a/" + l.Fingerprint + "/", "https://h:1/#/node/a/" + l.Fingerprint + "/" + strings.Repeat("s", 65)} {
		if l, err := ParseLink(bad); room.CodeOf(err) != room.BadRequest {
			t.Errorf("%q is read as %+v, %v", bad, l, err)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add("https://h:1/#/node/a/" + strings.Repeat("A", 43) + "/s")
	f.Add("https://[::1]/#/node/%5b::1%5d/x/y")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLink(s)
		if err != nil {
			return
		}
		if back, err := ParseLink(l.String()); err != nil || back != l {
			t.Errorf("%q is read as %+v, and that as %+v, %v", s, l, back, err)
		}
	})
}

func FuzzReadRecord(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	s, err := NewRecord("b.test", key, []string{"b.test:1"}, "1", time.UnixMilli(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Record, s.Signature)
	f.Fuzz(func(t *testing.T, record, signature []byte) {
		r, err := ReadRecord(&roompb.SignedRecord{Record: record, Signature: signature}, time.UnixMilli(1))
		if err == nil && (room.CheckNodeName(r.GetName()) != nil || len(r.GetKey()) != ed25519.PublicKeySize) {
			t.Errorf("took %v", r)
		}
	})
}

// Pending joins are kept without a book, once each.
func TestPendingJoins(t *testing.T) {
	d := openDesk(t)
	for _, what := range []string{"b.test:8443", "c.test", "b.test:8443"} {
		if err := PutPendingJoin(d.store, what); err != nil {
			t.Fatal(err)
		}
	}
	if err := PutPendingJoin(d.store, "https://not.a/link"); room.CodeOf(err) != room.BadRequest {
		t.Errorf("a bad link: %v", err)
	}
	if err := d.DonePendingJoin("b.test:8443"); err != nil {
		t.Fatal(err)
	}
	if left, err := d.PendingJoins(); err != nil || !slices.Equal(left, []string{"c.test"}) {
		t.Errorf("left %v %v", left, err)
	}
	if err := d.DonePendingJoin("c.test"); err != nil {
		t.Fatal(err)
	}
	if left, err := d.PendingJoins(); err != nil || len(left) != 0 {
		t.Errorf("left %v %v", left, err)
	}
}

// States are what the door last saw; since when is filled in.
func TestStates(t *testing.T) {
	d := openDesk(t)
	if _, err := d.Pin(d.record("b.test", newKey(t))); err != nil {
		t.Fatal(err)
	}
	d.SetGossip("b.test", true)
	d.SetState("b.test", State{Link: Up, RTT: time.Millisecond})
	since := d.now
	d.now = d.now.Add(time.Minute)
	d.SetState("b.test", State{Link: Up, RTT: 2 * time.Millisecond})
	p, _ := d.Lookup("b.test")
	if p.State.Link != Up || !p.State.Since.Equal(since) || p.State.RTT != 2*time.Millisecond || !p.State.Gossip {
		t.Errorf("state %+v", p.State)
	}
	if err := d.Block("b.test", true); err != nil {
		t.Fatal(err)
	}
	if p := d.List()[0]; p.State.Link != Blocked || !p.Blocked {
		t.Errorf("blocked, it is %+v", p)
	}
}
