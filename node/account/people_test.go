package account

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hearth/node/room"
	"hearth/storage/storagepb"
)

func TestRegistrationModes(t *testing.T) {
	for _, c := range []struct {
		mode   string
		invite bool // a usable one is given
		code   room.Code
	}{
		{Public, false, ""},
		{Public, true, ""},
		{Invited, false, room.Forbidden},
		{Invited, true, ""},
		{Closed, false, room.Forbidden},
		{Closed, true, room.Forbidden},
		{"", false, room.Forbidden},
		{"", true, ""},
	} {
		h := newHouse(t, Config{Registration: c.mode})
		secret := ""
		if c.invite {
			var err error
			secret, _, err = h.CreateInvite(Operator(), NewInvite{})
			must(t, err)
		}
		l, err := h.Register(ctx, Registration{Username: "alice", Password: good, Invite: secret, DisplayName: "Alice L.", Address: home})
		if room.CodeOf(err) != c.code {
			t.Errorf("%+v: %v", c, err)
		}
		if err == nil {
			_, err := h.Authenticate(l.Token)
			must(t, err)
			h.login("alice")
		}
	}
}

func TestRegisterRefusals(t *testing.T) {
	h := newHouse(t, Config{Registration: Public, Registrations: Config{}.withDefaults().Registrations})
	h.add("bob", false)
	for _, c := range []struct {
		r    Registration
		code room.Code
	}{
		{Registration{Username: "bob", Password: good}, room.Taken},
		{Registration{Username: "Al", Password: good}, room.BadRequest},
		{Registration{Username: "a", Password: good}, room.BadRequest},
		{Registration{Username: "al", Password: "short"}, room.BadRequest},
		{Registration{Username: "al", Password: good, DisplayName: "a\nb"}, room.BadRequest},
		{Registration{Username: "al", Password: good, Invite: "no such"}, room.NotFound},
		{Registration{Username: "al", Password: good, Invite: strings.Repeat("A", 43)}, room.NotFound},
	} {
		_, err := h.Register(ctx, c.r)
		if room.CodeOf(err) != c.code {
			t.Errorf("%+v: %v", c.r, err)
		}
	}
	made := 0
	for i := range 40 {
		_, err := h.Register(ctx, Registration{Username: fmt.Sprint("user", i), Password: good, Address: far})
		if err == nil {
			made++
		} else {
			refused(t, err, room.Limited)
		}
	}
	if made != 30 {
		t.Errorf("%d accounts from one address, want 30", made)
	}
}

func TestInvites(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("root", true)
	root := h.login("root").Caller
	secret, m, err := h.CreateInvite(root, NewInvite{Uses: 2, Valid: time.Hour, Note: "the band"})
	must(t, err)
	if m.GetCreatedBy() != "root@n.example" || strings.Contains(m.String(), secret) {
		t.Fatalf("%v", m)
	}
	for i := range 2 {
		if valid, admin := h.InviteValid(secret); !valid || admin {
			t.Fatalf("valid %v admin %v", valid, admin)
		}
		_, err := h.Register(ctx, Registration{Username: fmt.Sprint("user", i), Password: good, Invite: secret})
		must(t, err)
	}
	_, err = h.Register(ctx, Registration{Username: "user2", Password: good, Invite: secret})
	refused(t, err, room.Gone)

	secret, m, err = h.CreateInvite(root, NewInvite{Valid: time.Hour, Admin: true})
	must(t, err)
	if valid, admin := h.InviteValid(secret); !valid || !admin {
		t.Fatalf("valid %v admin %v", valid, admin)
	}
	list, err := h.Invites(root)
	must(t, err)
	if len(list) != 1 || list[0].GetId() != m.GetId() {
		t.Fatalf("%v", list)
	}
	h.clock.pass(time.Hour)
	if valid, _ := h.InviteValid(secret); valid {
		t.Error("valid after its hour")
	}
	secret, m, err = h.CreateInvite(root, NewInvite{})
	must(t, err)
	must(t, h.RevokeInvite(root, m.GetId()))
	refused(t, h.RevokeInvite(root, m.GetId()), room.NotFound)
	if valid, _ := h.InviteValid(secret); valid {
		t.Error("valid after it was revoked")
	}
	for _, n := range []NewInvite{{Uses: -1}, {Uses: MaxInviteUses + 1}, {Valid: 2 * MaxInviteValid}, {Admin: true, Uses: 2}, {Note: "\x00"}} {
		_, _, err := h.CreateInvite(root, n)
		refused(t, err, room.BadRequest)
	}
}

// An invite for one makes one account, however many try at once.
func TestInviteIsUsedOnce(t *testing.T) {
	h := newHouse(t, Config{})
	secret, _, err := h.CreateInvite(Operator(), NewInvite{})
	must(t, err)
	results := make(chan error, 20)
	for i := range 20 {
		go func() {
			_, err := h.Register(ctx, Registration{Username: fmt.Sprint("user", i), Password: good, Invite: secret})
			results <- err
		}()
	}
	made := 0
	for range 20 {
		if err := <-results; err == nil {
			made++
		} else {
			refused(t, err, room.Gone)
		}
	}
	if made != 1 || h.people.count() != 1 {
		t.Errorf("%d accounts", made)
	}
}

func TestBootstrap(t *testing.T) {
	for name, c := range map[string]struct {
		mode string
		end  func(h *house, secret string) error
	}{
		"used": {Closed, func(h *house, secret string) error {
			l, err := h.Register(ctx, Registration{Username: "root", Password: good, Invite: secret})
			if err == nil && !l.Admin {
				h.t.Error("the first link made no administrator")
			}
			return err
		}},
		"user add --admin": {Invited, func(h *house, _ string) error {
			_, err := h.Add(ctx, Operator(), New{Username: "root", Password: good, Admin: true})
			return err
		}},
		"somebody promoted": {Public, func(h *house, _ string) error {
			_, err := h.Set(ctx, Operator(), "plain@n.example", Change{Admin: new(true)})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{Registration: c.mode}
			h := newHouse(t, config)
			secret, ok, err := h.BootstrapInvite()
			must(t, err)
			h.add("plain", false) // no administrator: the link stays
			h.restart(config)
			again, ok2, err := h.BootstrapInvite()
			must(t, err)
			if !ok || !ok2 || secret != again {
				t.Fatalf("%q then %q", secret, again)
			}
			if valid, admin := h.InviteValid(secret); !valid || !admin {
				t.Fatalf("valid %v, admin %v", valid, admin)
			}
			must(t, c.end(h, secret))
			if valid, _ := h.InviteValid(secret); valid {
				t.Error("still valid")
			}
			if _, ok, err := h.BootstrapInvite(); ok || err != nil {
				t.Errorf("still offered (%v)", err)
			}
			if v, err := h.db.Value(bootstrapKey); v != nil || err != nil {
				t.Errorf("the secret is still stored (%v)", err)
			}
			_, err = h.Register(ctx, Registration{Username: "second", Password: good, Invite: secret})
			if err == nil {
				t.Error("the link was used twice")
			}
		})
	}
}

func TestProfiles(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	c := h.login("alice").Caller
	p, err := h.SetProfile(c, ProfileChange{DisplayName: new(" Zoe\u0308 \u202eevil\u202c\u200b "), Status: new("at tea 🫖")})
	must(t, err)
	if p.GetDisplayName() != "Zoë evil" || p.GetStatus() != "at tea 🫖" {
		t.Fatalf("%v", p)
	}
	for _, change := range []ProfileChange{
		{DisplayName: new(strings.Repeat("é", 65))},
		{DisplayName: new("a\x00b")},
		{DisplayName: new("a\u2028b")},
		{DisplayName: new("\u200d\u200d")},
		{DisplayName: new("\xff")},
		{Status: new(strings.Repeat("x", 101))},
		{Avatar: new("../../etc/passwd")},
	} {
		_, err := h.SetProfile(c, change)
		refused(t, err, room.BadRequest)
	}
	_, err = h.SetProfile(c, ProfileChange{Avatar: new(room.Hash{1}.String())})
	refused(t, err, room.NotFound)
	must(t, h.db.PutBlob(&storagepb.Blob{Id: room.Hash{2}.Bytes(), Type: "text/html", Owner: "alice"}))
	_, err = h.SetProfile(c, ProfileChange{Avatar: new(room.Hash{2}.String())})
	refused(t, err, room.NotFound)
	must(t, h.db.PutBlob(&storagepb.Blob{Id: room.Hash{1}.Bytes(), Type: "image/png", Owner: "alice"}))
	_, err = h.SetProfile(c, ProfileChange{Avatar: new(room.Hash{1}.String()), Status: new("")})
	must(t, err)
	h.restart(Config{})
	p, err = h.Profile("alice@n.example")
	must(t, err)
	if p.GetDisplayName() != "Zoë evil" || p.GetStatus() != "" || p.GetAvatar() != (room.Hash{1}).String() {
		t.Fatalf("after a restart: %v", p)
	}
	_, err = h.Profile("alice@elsewhere")
	refused(t, err, room.NotFound)
}

func TestFind(t *testing.T) {
	h := newHouse(t, Config{})
	for name, display := range map[string]string{"alice": "Alice Liddell", "bob": "Zoë  ALBERT", "carol": "李雷", "al-dis": "Gone"} {
		_, err := h.Add(ctx, Operator(), New{Username: name, Password: good, DisplayName: display})
		must(t, err)
	}
	_, err := h.Set(ctx, Operator(), "al-dis@n.example", Change{Disabled: new(true)})
	must(t, err)
	check := func() {
		t.Helper()
		for query, want := range map[string][]string{
			"al":              {"bob", "alice"}, // in the order of what they were found by
			"AL":              {"bob", "alice"},
			"@alice":          {"alice"},
			"alice@n.example": {"alice"},
			"alice l":         {"alice"},
			"lidd":            {"alice"},
			"zoe\u0308":       {"bob"},
			"李":               {"carol"},
			"雷":               {},
			"al-dis":          {},
			"x":               {},
		} {
			found, err := h.Find(query, 0)
			must(t, err)
			got := []string{}
			for _, p := range found {
				got = append(got, room.User(p.GetUser()).Local())
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%q finds %v, want %v", query, got, want)
			}
		}
	}
	check()
	h.restart(Config{})
	check()
	l := h.login("bob")
	_, err = h.SetProfile(l.Caller, ProfileChange{DisplayName: new("Bob")})
	must(t, err)
	if found, _ := h.Find("zo", 0); len(found) != 0 {
		t.Errorf("still found by the old name: %v", found)
	}
	if found, _ := h.Find("", 2); len(found) != 2 {
		t.Errorf("everybody, two at most: %v", found)
	}
	_, err = h.Find("a", MaxFind+1)
	refused(t, err, room.BadRequest)
}

func TestOnlyAdministrators(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("root", true)
	h.add("plain", false)
	h.add("second", true)
	second := h.login("second")
	for name, try := range map[string]func(Caller) error{
		"add":           func(c Caller) error { _, err := h.Add(ctx, c, New{Username: "new", Password: good}); return err },
		"set":           func(c Caller) error { _, err := h.Set(ctx, c, "plain@n.example", Change{}); return err },
		"list":          func(c Caller) error { _, _, _, err := h.List(c, "", "", 1); return err },
		"create invite": func(c Caller) error { _, _, err := h.CreateInvite(c, NewInvite{}); return err },
		"invites":       func(c Caller) error { _, err := h.Invites(c); return err },
		"revoke invite": func(c Caller) error { return h.RevokeInvite(c, "x") },
	} {
		for _, c := range []Caller{{}, {Admin: true}, {User: "nobody@n.example", Admin: true}, {User: "root@elsewhere", Admin: true}} {
			if err := try(c); room.CodeOf(err) != room.Unauthenticated {
				t.Errorf("%s by %+v: %v", name, c, err)
			}
		}
		forged := h.login("plain").Caller
		forged.Admin = true // as it was once, perhaps
		if err := try(forged); room.CodeOf(err) != room.Forbidden {
			t.Errorf("%s by plain: %v", name, err)
		}
	}
	_, err := h.Set(ctx, Operator(), "second@n.example", Change{Admin: new(false)})
	must(t, err)
	_, err = h.Invites(second.Caller)
	refused(t, err, room.Forbidden)
	c, err := h.Authenticate(second.Token) // stays signed in, no administrator any more
	must(t, err)
	if c.Admin {
		t.Error("still shown as an administrator")
	}
}

func TestLastAdministratorStays(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("root", true)
	h.add("heir", false)
	for _, change := range []Change{{Admin: new(false)}, {Disabled: new(true)}} {
		_, err := h.Set(ctx, Operator(), "root@n.example", change)
		refused(t, err, room.Conflict)
	}
	_, err := h.Set(ctx, Operator(), "heir@n.example", Change{Admin: new(true), Disabled: new(true)})
	must(t, err) // a disabled administrator does not count
	_, err = h.Set(ctx, Operator(), "root@n.example", Change{Admin: new(false)})
	refused(t, err, room.Conflict)
	_, err = h.Set(ctx, Operator(), "heir@n.example", Change{Disabled: new(false)})
	must(t, err)

	// Two who demote each other at once: one of them stays.
	callers := []Caller{h.login("root").Caller, h.login("heir").Caller}
	done := make(chan error, 2)
	for i, c := range callers {
		go func() {
			_, err := h.Set(ctx, c, callers[1-i].User, Change{Admin: new(false)})
			done <- err
		}()
	}
	if a, b := <-done, <-done; (a == nil) == (b == nil) || h.people.admins() != 1 {
		t.Errorf("%v, %v; %d administrators", a, b, h.people.admins())
	}
}

func TestDisabledAndReset(t *testing.T) {
	h := newHouse(t, Config{})
	h.add("alice", false)
	l := h.login("alice")
	ended, err := h.Set(ctx, Operator(), l.User, Change{Disabled: new(true)})
	must(t, err)
	if len(ended) != 1 || ended[0] != l.Device {
		t.Fatalf("ended %v", ended)
	}
	_, err = h.Authenticate(l.Token)
	refused(t, err, room.Unauthenticated)
	_, err = h.Login(ctx, "alice", good, "", home)
	refused(t, err, room.Disabled)
	_, err = h.Login(ctx, "alice", "wrong guess", "", home)
	refused(t, err, room.Unauthenticated)
	p, err := h.Profile(l.User)
	must(t, err)
	if !p.GetDisabled() {
		t.Error("the profile does not say so")
	}
	_, err = h.Set(ctx, Operator(), l.User, Change{Disabled: new(false)})
	must(t, err)
	l = h.login("alice")
	ended, err = h.Set(ctx, Operator(), l.User, Change{Password: new("another horse")})
	must(t, err)
	if len(ended) != 1 {
		t.Fatalf("ended %v", ended)
	}
	_, err = h.Login(ctx, "alice", "another horse", "", home)
	must(t, err)
	_, err = h.Set(ctx, Operator(), l.User, Change{Password: new("short")})
	refused(t, err, room.BadRequest)
	_, err = h.Set(ctx, Operator(), "nobody@n.example", Change{})
	refused(t, err, room.NotFound)
}

func TestList(t *testing.T) {
	h := newHouse(t, Config{})
	for i := range 25 {
		h.add(fmt.Sprintf("user%02d", i), i == 3)
	}
	h.login("user07")
	var names []string
	for after := ""; ; {
		page, next, total, err := h.List(Operator(), "USER", after, 10)
		must(t, err)
		if total != 25 {
			t.Fatalf("total %d", total)
		}
		for _, e := range page {
			names = append(names, e.Profile.GetUser())
			if e.Admin != (e.Profile.GetUser() == "user03@n.example") || (e.Devices == 1) != (e.Profile.GetUser() == "user07@n.example") {
				t.Errorf("%+v", e)
			}
		}
		if after = next; next == "" {
			break
		}
	}
	if len(names) != 25 || names[0] != "user00@n.example" || names[24] != "user24@n.example" {
		t.Errorf("%v", names)
	}
	l := h.login("user07")
	h.clock.pass(time.Hour)
	must(t, h.Logout(l.Caller))
	page, _, _, err := h.List(Operator(), "user07", "", 10)
	must(t, err)
	if len(page) != 1 || page[0].Seen != h.now() {
		t.Fatalf("%+v", page)
	}
}

// A cancelled request leaves no half account.
func TestCancelledRegistration(t *testing.T) {
	h := newHouse(t, Config{Registration: Public, Argon: Argon{MemoryKiB: 8, Passes: 1, Parallel: 1}})
	h.hasher.turns <- struct{}{}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	_, err := h.Register(gone, Registration{Username: "alice", Password: good})
	refused(t, err, room.Busy)
	<-h.hasher.turns
	if h.people.count() != 0 {
		t.Fatal("an account was left")
	}
	_, err = h.Register(ctx, Registration{Username: "alice", Password: good})
	must(t, err)
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"Zoë", "a\u202eb", "👩\u200d👩\u200d👧", "🏴\U000e0067\U000e007f", "\u0301", "\xff", "a\nb", " \u00a0 ", "ﷺ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		clean, err := line("A name", s, MaxDisplayName)
		if err != nil {
			refused(t, err, room.BadRequest)
			return
		}
		if utf8.RuneCountInString(clean) > MaxDisplayName || strings.ContainsFunc(clean, breaks) ||
			strings.ContainsAny(clean, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f") {
			t.Fatalf("%q became %q", s, clean)
		}
		if again, err := line("A name", clean, MaxDisplayName); err != nil || again != clean {
			t.Fatalf("%q became %q, then %q (%v)", s, clean, again, err)
		}
	})
}

func FuzzUsername(f *testing.F) {
	h := newHouse(f, Config{})
	h.add("alice", false)
	for _, s := range []string{"alice", "@Alice@N.example", "al ice", "\x00", strings.Repeat("a", 100), "alice@n.example@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		local := h.local(s)
		if local != "" && room.CheckUsername(local) != nil {
			t.Fatalf("%q became %q", s, local)
		}
		_, err := h.Add(ctx, Operator(), New{Username: s, Password: good})
		if (err == nil) != (room.CheckUsername(s) == nil) && room.CodeOf(err) != room.Taken {
			t.Fatalf("%q: %v", s, err)
		}
		if _, err := h.Find(s, 5); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	h := newHouse(b, Config{})
	h.add("alice", false)
	token := h.login("alice").Token
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := h.Authenticate(token); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkAuthenticateCold looks each token up in the store.
func BenchmarkAuthenticateCold(b *testing.B) {
	h := newHouse(b, Config{})
	h.add("alice", false)
	token := h.login("alice").Token
	for b.Loop() {
		clear(h.tokens.known)
		if _, err := h.Authenticate(token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLogin(b *testing.B) {
	h := newHouse(b, Config{Argon: Argon{}.withDefaults()})
	h.add("alice", false)
	for b.Loop() {
		h.login("alice")
	}
}

// BenchmarkPut changes one of 50,000 people.
func BenchmarkPut(b *testing.B) {
	p := &people{node: node, byName: map[string]*person{}}
	for i := range 50_000 {
		p.put(&storagepb.Account{Name: fmt.Sprintf("user%05d", i), DisplayName: fmt.Sprintf("Name %d", i*7919%50_000)})
	}
	for i := 0; b.Loop(); i++ {
		p.put(&storagepb.Account{Name: "user25000", DisplayName: fmt.Sprint("Name ", i)})
	}
}
