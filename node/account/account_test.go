package account

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/room"
	"hearth/storage"
	"hearth/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

var ctx = context.Background()

const (
	node = "n.example"
	home = "192.0.2.1:4000"
	far  = "198.51.100.7:5000"
	good = "correct horse"
)

// clock is the injected Now.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// house is a node's accounts on a real store in memory, hashing passwords cheaply.
type house struct {
	*Accounts
	t     testing.TB
	fs    vfs.FS
	db    *storage.Store
	clock *clock
}

func newHouse(t testing.TB, c Config) *house {
	t.Helper()
	h := &house{t: t, fs: vfs.NewMem(), clock: &clock{at: time.Unix(1_800_000_000, 0)}}
	h.start(c)
	t.Cleanup(func() { h.db.Close() })
	return h
}

func cheap() Argon { return Argon{MemoryKiB: 8, Passes: 1} }

func (h *house) start(c Config) {
	h.t.Helper()
	db, err := storage.Open("data", storage.Options{FS: h.fs})
	must(h.t, err)
	c.Node, c.Now = node, h.clock.now
	if c.Argon == (Argon{}) {
		c.Argon = cheap()
	}
	a, err := Open(db, c)
	must(h.t, err)
	h.Accounts, h.db = a, db
}

// restart closes the store and opens it again.
func (h *house) restart(c Config) {
	h.t.Helper()
	must(h.t, h.Flush())
	must(h.t, h.db.Close())
	h.start(c)
}

func (h *house) add(name string, admin bool) {
	h.t.Helper()
	_, err := h.Add(ctx, Operator(), New{Username: name, Password: good, Admin: admin})
	must(h.t, err)
}

func (h *house) login(name string) Login {
	h.t.Helper()
	l, err := h.Login(ctx, name, good, "phone", home)
	must(h.t, err)
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t testing.TB, err error, code room.Code) {
	t.Helper()
	if room.CodeOf(err) != code {
		t.Fatalf("code %q (%v), want %q", room.CodeOf(err), err, code)
	}
}

func TestOpenRefusesAnUnknownMode(t *testing.T) {
	h := newHouse(t, Config{})
	if _, err := Open(h.db, Config{Registration: "everybody"}); err == nil {
		t.Fatal("opened")
	}
	if _, err := Open(h.db, Config{Argon: Argon{MemoryKiB: 1 << 30}}); err == nil {
		t.Fatal("opened with a terabyte of argon2 memory")
	}
}

func TestLoginAndToken(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	for _, name := range []string{"alice", "@alice", "Alice ", "alice@n.example", "@alice@N.example"} {
		l, err := h.Login(ctx, name, good, "phone", home)
		must(t, err)
		c, err := h.Authenticate(l.Token)
		must(t, err)
		if c.User != "alice@n.example" || c.Device != l.Device || c.Admin || l.User != c.User {
			t.Fatalf("%q: %+v, login %+v", name, c, l)
		}
	}
	for _, name := range []string{"bob", "alice@elsewhere", "", "alice@", "\x00", "Älice"} {
		_, err := h.Login(ctx, name, good, "phone", home)
		refused(t, err, room.Unauthenticated)
		if err.Error() != "Wrong username or password." {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, password := range []string{"", "correct hors", good + "x", string(make([]byte, 100_000))} {
		_, err := h.Login(ctx, "alice", password, "phone", home)
		refused(t, err, room.Unauthenticated)
	}
}

func TestAccentsOfAPassword(t *testing.T) {
	h := newHouse(t, Config{})
	_, err := h.Add(ctx, Operator(), New{Username: "zoe", Password: "caf\u00e9 caf\u00e9"})
	must(t, err)
	_, err = h.Login(ctx, "zoe", "cafe\u0301 cafe\u0301", "", home)
	must(t, err)
}

func TestTokensThatStandForNobody(t *testing.T) {
	h := newHouse(t, Config{})
	token, _ := newSecret()
	for _, s := range []string{"", "x", token, token + "=", token[:42]} {
		_, err := h.Authenticate(s)
		refused(t, err, room.Unauthenticated)
	}
}

// A revoked token is dead when the call returns, over a restart too.
func TestRevokedAtOnce(t *testing.T) {
	for name, revoke := range map[string]func(h *house, victim, other Login) error{
		"logout": func(h *house, v, _ Login) error { return h.Logout(v.Caller) },
		"revoke": func(h *house, v, o Login) error { return h.Revoke(o.Caller, v.Device) },
		"change password": func(h *house, v, o Login) error {
			ended, err := h.ChangePassword(ctx, o.Caller, good, "another horse", true)
			if len(ended) != 1 || ended[0] != v.Device {
				h.t.Errorf("ended %v, want %s", ended, v.Device)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, Config{})
			h.add("alice", false)
			victim, other := h.login("alice"), h.login("alice")
			_, err := h.Authenticate(victim.Token) // now cached
			must(t, err)
			must(t, revoke(h, victim, other))
			_, err = h.Authenticate(victim.Token)
			refused(t, err, room.Unauthenticated)
			h.restart(Config{})
			_, err = h.Authenticate(victim.Token)
			refused(t, err, room.Unauthenticated)
			c, err := h.Authenticate(other.Token)
			must(t, err)
			if c.Device != other.Device {
				t.Errorf("%+v", c)
			}
		})
	}
}

// While tokens are looked up by many, none that was revoked works afterwards.
func TestRevokeRacesAuthenticate(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	keeper := h.login("alice")
	for range 20 {
		victim := h.login("alice")
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for range 50 {
					h.Authenticate(victim.Token)
				}
			})
		}
		must(t, h.Revoke(keeper.Caller, victim.Device))
		_, err := h.Authenticate(victim.Token)
		refused(t, err, room.Unauthenticated)
		readers.Wait()
		_, err = h.Authenticate(victim.Token)
		refused(t, err, room.Unauthenticated)
	}
}

func TestDevices(t *testing.T) {
	h := newHouse(t, Config{MaxDevices: 3})
	h.add("alice", false)
	h.add("bob", false)
	first := h.login("alice")
	h.clock.pass(time.Minute)
	second, err := h.Login(ctx, "alice", good, " lap\u202etop\n"+string(make([]byte, 300)), far)
	must(t, err)
	h.clock.pass(time.Minute)
	h.Touch(first.Caller, "203.0.113.9:1")
	devices, err := h.Devices(second.Caller)
	must(t, err)
	if len(devices) != 2 || devices[0].GetId() != first.Device || devices[1].GetName() != "laptop" {
		t.Fatalf("%v", devices)
	}
	if devices[0].GetSeen() != h.now() || devices[0].GetAddress() != "203.0.113.9:1" {
		t.Fatalf("touch was not noted: %v", devices[0])
	}
	third := h.login("alice")
	fourth := h.login("alice")
	if len(third.Ended) != 0 || len(fourth.Ended) != 1 || fourth.Ended[0] != second.Device {
		t.Fatalf("ended %v then %v, want the second device", third.Ended, fourth.Ended)
	}
	bob := h.login("bob")
	refused(t, h.Revoke(bob.Caller, first.Device), room.NotFound)
	refused(t, h.Logout(Caller{}), room.Unauthenticated)
	_, err = h.Devices(Caller{User: "alice@elsewhere"})
	refused(t, err, room.Unauthenticated)
}

func TestDeviceIDsAreUUIDv7(t *testing.T) {
	now := time.UnixMilli(0x017f22e279b0) // RFC 9562, appendix A.6
	seen := map[string]bool{}
	for range 1000 {
		id := NewID(now)
		if len(id) != 36 || id[:15] != "017f22e2-79b0-7" || id[19] < '8' || id[19] > 'b' && id[19] != 'a' || seen[id] {
			t.Fatal(id)
		}
		seen[id] = true
	}
}

// Seen times come to the store by themselves, once a minute.
func TestTouchIsWrittenWithinAMinute(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	l := h.login("alice")
	for range 7 {
		h.clock.pass(10 * time.Second)
		h.Touch(l.Caller, far)
	}
	devices, err := h.db.Devices("alice")
	must(t, err)
	if devices[0].GetAddress() != far || devices[0].GetSeen() != h.now() {
		t.Fatalf("%v", devices[0])
	}
}

func TestPasswordRules(t *testing.T) {
	for password, ok := range map[string]bool{
		"1234567":                  false,
		"12345678":                 false,
		"PASSWORD":                 false,
		"alice-b":                  false,
		"alice-in":                 false, // the username
		"Alice-In":                 false,
		"        ":                 false,
		string(make([]byte, 1025)): false,
		string(make([]byte, 1024)): true,
		"correct horse":            true,
		"12345678 ":                true,
		"密码密码":                     true,
	} {
		if err := CheckPassword("alice-in", password); (err == nil) != ok {
			t.Errorf("%q: %v", brief(password), err)
		}
	}
}

func TestChangePassword(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	l := h.login("alice")
	_, err := h.ChangePassword(ctx, l.Caller, "not it at all", "another horse", false)
	refused(t, err, room.Forbidden)
	_, err = h.ChangePassword(ctx, l.Caller, good, "short", false)
	refused(t, err, room.BadRequest)
	ended, err := h.ChangePassword(ctx, l.Caller, good, "another horse", false)
	must(t, err)
	if len(ended) != 0 {
		t.Fatalf("ended %v", ended)
	}
	_, err = h.Login(ctx, "alice", good, "", home)
	refused(t, err, room.Unauthenticated)
	_, err = h.Login(ctx, "alice", "another horse", "", home)
	must(t, err)
}

// When the cost of hashing is raised, people's hashes follow as they sign in.
func TestHashesAreRenewed(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	h.restart(Config{Argon: Argon{MemoryKiB: 16, Passes: 2}})
	h.login("alice")
	m, err := h.db.Account("alice")
	must(t, err)
	p, err := parsePHC(m.GetPassword())
	must(t, err)
	if p.memory != 16 || p.time != 2 {
		t.Fatalf("still %s", m.GetPassword())
	}
	h.login("alice")
}

func TestParsePHC(t *testing.T) {
	// The reference implementation's own vector (phc-winner-argon2, test.c, version 0x13).
	p, err := parsePHC("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	must(t, err)
	if !p.matches("password") || p.matches("passwore") {
		t.Error("the reference vector does not verify")
	}
	for _, s := range []string{
		"", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=9999999,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=99,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=64$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4$",
	} {
		if _, err := parsePHC(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		again, err := parsePHC(p.String())
		if err != nil || again.String() != p.String() {
			t.Fatalf("%q reads as %s, which reads as %s (%v)", s, p, again, err)
		}
		if p.memory > 256<<10 || p.time > 16 || p.threads > 8 || len(p.hash) < 16 || len(p.salt) < 8 {
			t.Fatalf("out of bounds: %s", p)
		}
	})
}
