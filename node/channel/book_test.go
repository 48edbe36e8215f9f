package channel

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage"
	"hearth/storage/storagepb"
	"hearth/test/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

const password = "correct horse battery"

// desk is a book on a store in memory, and a clock that tests move.
type desk struct {
	*Book
	t       testing.TB
	fs      *vfs.MemFS
	store   *storage.Store
	now     time.Time
	changed map[room.ID]int
}

func openDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{t: t, fs: vfs.NewCrashableMem(), now: time.UnixMilli(1_800_000_000_000), changed: map[room.ID]int{}}
	d.open()
	t.Cleanup(func() { d.ok(d.store.Close()) })
	return d
}

func (d *desk) open() {
	d.t.Helper()
	s, err := storage.Open("data", storage.Options{FS: d.fs, CacheBytes: 8 << 20})
	d.ok(err)
	d.store = s
	d.Book, err = Open(s, Config{
		Node: "n.test", Key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)), Now: func() time.Time { return d.now },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Changed: func(id room.ID) { d.changed[id]++ },
	})
	d.ok(err)
	d.SetKinds([]Kind{irc})
}

// cut is a power cut: what was not synced is gone.
func (d *desk) cut() {
	d.t.Helper()
	d.fs = d.fs.CrashClone(vfs.CrashCloneCfg{})
	d.ok(d.store.Close())
	d.open()
}

func (d *desk) ok(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) refused(err error, code room.Code, words string) {
	d.t.Helper()
	if room.CodeOf(err) != code || !strings.Contains(err.Error(), words) {
		d.t.Errorf("got %v, want %s with %q", err, code, words)
	}
}

var irc = Kind{Kind: "irc", Title: "IRC", Settings: []Setting{
	{Name: "server", Type: "text", Required: true, Help: "Its host and port."},
	{Name: "tls", Type: "switch", Default: "true"},
	{Name: "burst", Type: "number"},
	{Name: "sasl", Type: "choice", Choices: []string{"plain", "external"}},
	{Name: "password", Type: "secret"},
	{Name: "ignore", Type: "list"},
}, LinkSettings: []Setting{
	{Name: "key", Type: "secret"},
	{Name: "charset", Type: "choice", Choices: []string{"utf-8", "koi8-r"}, Default: "utf-8"},
}}

func settings(more ...string) map[string]string {
	out := map[string]string{"server": "irc.test:6697", "password": password}
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

var garden, attic = room.ID{1}, room.ID{2}

// linked is a book with a bridge that joins garden to #garden, its head at 40.
func linked(t testing.TB, agreed bool) (d *desk, code string) {
	t.Helper()
	d = openDesk(t)
	d.ok(d.Add(Bridge{Name: "libera", Kind: "irc", Settings: settings()}))
	d.head(garden, 40)
	code, err := d.Link(NewLink{Bridge: "libera", Room: garden, Channel: "#garden", By: "alice@n.test", Agreed: agreed, Settings: map[string]string{"key": "sesame-open"}})
	d.ok(err)
	return d, code
}

func (d *desk) head(r room.ID, pos uint64) {
	d.t.Helper()
	d.ok(d.store.Append(&storage.Append{Room: r, Meta: &storagepb.Room{Id: r.Bytes(), HeadPos: pos}}))
}

func TestSettingsOfALinkAreChecked(t *testing.T) {
	d := openDesk(t)
	d.ok(d.Add(Bridge{Name: "libera", Kind: "irc", Settings: settings()}))
	d.head(garden, 40)
	for what, c := range map[string]struct{ name, value, words string }{
		"a mistyped name":       {"kee", "x", `Is "key" meant?`},
		"a name of no likeness": {"topic_style", "x", "A link of a bridge of the kind irc has no setting \"topic_style\". It has: key, charset."},
		"no choice":             {"charset", "latin", "one of utf-8, koi8-r"},
	} {
		t.Run(what, func(t *testing.T) {
			d.t = t
			_, err := d.Link(NewLink{Bridge: "libera", Room: garden, Channel: "#garden", Settings: map[string]string{c.name: c.value}})
			d.refused(err, room.BadRequest, c.words)
		})
	}
	d.t = t
	link := func(settings map[string]string) {
		t.Helper()
		_, err := d.Link(NewLink{Bridge: "libera", Room: garden, Channel: "#garden", Settings: settings})
		d.ok(err)
		got, err := d.LinkSecrets("libera", garden)
		d.ok(err)
		if got["key"] != "sesame" || got["charset"] != "utf-8" || len(got) != 2 {
			t.Errorf("%v", got)
		}
	}
	link(map[string]string{"key": "sesame"})
	link(nil) // another code
	before, _ := d.LinkOf("libera", "#garden")
	d.ok(d.SetLink("libera", "#garden", map[string]string{"charset": "koi8-r", "key": ""}))
	after, _ := d.LinkOf("libera", "#garden")
	got, err := d.LinkSecrets("libera", garden)
	if _, has := got["key"]; has || got["charset"] != "koi8-r" || err != nil {
		t.Error(got, err)
	}
	if after.Edition == before.Edition {
		t.Error("the plugin would not hear of it")
	}
	if len(before.Hidden) != 1 || len(after.Hidden) != 0 || after.Settings["charset"] != "koi8-r" {
		t.Errorf("%+v was %+v", after, before)
	}
	before.Edition, before.Hidden, before.Settings = after.Edition, after.Hidden, after.Settings
	if !reflect.DeepEqual(before, after) {
		t.Errorf("%+v was %+v", after, before)
	}
	d.refused(d.SetLink("libera", "#garden", map[string]string{"charset": "latin"}), room.BadRequest, "one of utf-8, koi8-r")
	d.refused(d.SetLink("libera", "#attic", nil), room.NotFound, "joins no room to #attic")
	d.refused(d.SetLink("oftc", "#garden", nil), room.NotFound, "no bridge")
	d.SetKinds(nil)
	d.refused(d.SetLink("libera", "#garden", nil), room.NotFound, "no plugin")
	_, err = d.Link(NewLink{Bridge: "libera", Room: attic, Channel: "#attic"})
	d.refused(err, room.NotFound, "no plugin")
}

func TestSettingsAreChecked(t *testing.T) {
	d := openDesk(t)
	for what, c := range map[string]struct {
		name, kind string
		settings   map[string]string
		code       room.Code
		words      string
	}{
		"a kind that is not there": {"libera", "icq", settings(), room.NotFound, "there is one for: irc"},
		"no name":                  {"", "irc", settings(), room.BadRequest, "named as a user"},
		"a mistyped key":           {"libera", "irc", settings("pasword", "x"), room.BadRequest, `Is "password" meant?`},
		"a key of no likeness":     {"libera", "irc", settings("zzz", "x"), room.BadRequest, "It has: server, tls"},
		"what is required":         {"libera", "irc", map[string]string{"password": "x"}, room.BadRequest, "server is missing. Its host"},
		"no number":                {"libera", "irc", settings("burst", "four"), room.BadRequest, `not "four"`},
		"no choice":                {"libera", "irc", settings("sasl", "scram"), room.BadRequest, "plain, external"},
		"no switch":                {"libera", "irc", settings("tls", "yes"), room.BadRequest, "true or false"},
		"two lines":                {"libera", "irc", settings("server", "a\nb"), room.BadRequest, "cannot be shown"},
		"much":                     {"libera", "irc", settings("password", strings.Repeat("x", maxValue+1)), room.TooLarge, "password has"},
		"a long network":           {"libera", "irc", settings("network", strings.Repeat("x", 51)), room.TooLarge, "network"},
	} {
		t.Run(what, func(t *testing.T) {
			d.t = t
			d.refused(d.Add(Bridge{Name: c.name, Kind: c.kind, Settings: c.settings}), c.code, c.words)
		})
	}
	d.t = t
	d.ok(d.Add(Bridge{Name: "libera", Kind: "irc", Settings: settings("ignore", "a\nb", "network", "Libera Chat")}))
	d.refused(d.Add(Bridge{Name: "libera", Kind: "irc", Settings: settings()}), room.Taken, "hearth bridge set")
	if b, ok := d.Bridge("libera"); !ok || b.Network != "Libera Chat" || !b.Enabled {
		t.Errorf("%+v", b)
	}
}

// What is secret is in no answer, no log and no byte of the store, and yet there after a restart.
func TestSecrets(t *testing.T) {
	d, _ := linked(t, true)
	d.Logf("libera", "PASS %s :and the rest\r\n", password)
	d.Logf("libera", "JOIN #garden sesame-open")
	for range 2 {
		b, _ := d.Bridge("libera")
		if b.Settings["server"] != "irc.test:6697" || b.Settings["password"] != "" || !slices.Equal(b.Hidden, []string{"password"}) {
			t.Fatalf("shown: %+v", b)
		}
		all, err := d.Secrets("libera")
		key, err2 := d.LinkSecrets("libera", garden)
		if all["password"] != password || all["tls"] != "true" || key["key"] != "sesame-open" || err != nil || err2 != nil {
			t.Fatal(all, key, err, err2)
		}
		if l, _ := d.LinkOf("libera", "#garden"); !slices.Equal(l.Hidden, []string{"key"}) {
			t.Fatalf("%+v", l)
		}
		d.SetKinds(nil) // nobody knows any more what is secret: then all is
		if b, _ := d.Bridge("libera"); len(b.Settings) > 0 {
			t.Fatalf("shown without a plugin: %+v", b)
		}
		d.Logf("libera", "PASS %s, JOIN #garden sesame-open", password)
		lines, err := d.Logs("libera", 0, 10)
		for _, l := range lines {
			if err != nil || strings.Contains(l.Text, password) || strings.Contains(l.Text, "sesame") || strings.ContainsAny(l.Text, "\r\n") {
				t.Fatal(lines, err)
			}
		}
		d.cut()
	}
	d.ok(d.store.Checkpoint("copy"))
	names, err := d.fs.List("copy/db")
	d.ok(err)
	for _, name := range names {
		f, err := d.fs.Open("copy/db/" + name)
		d.ok(err)
		raw, err := io.ReadAll(f)
		d.ok(errors.Join(err, f.Close()))
		if bytes.Contains(raw, []byte(password)) || bytes.Contains(raw, []byte("sesame-open")) {
			t.Errorf("a secret is in %s as it is", name)
		}
	}
	other, err := newSeal(ed25519.NewKeyFromSeed(make([]byte, 32)))
	d.ok(err)
	d.seal = other
	if all, err := d.Secrets("libera"); err == nil {
		t.Error("another node's key opens them:", all)
	}
}

// A sealed setting that is moved to another bridge does not open there.
func TestSealsAreBound(t *testing.T) {
	d := openDesk(t)
	sealed, err := d.close(settings(), sealedBridge("libera"))
	d.ok(err)
	if _, err := d.Book.open(sealed, sealedBridge("oftc")); err == nil {
		t.Error("it opened as another bridge's")
	}
}

func TestSetSettings(t *testing.T) {
	d, _ := linked(t, true)
	before := d.Generation("libera")
	d.ok(d.SetSettings("libera", map[string]string{"burst": "4", "password": ""}))
	all, err := d.Secrets("libera")
	if _, has := all["password"]; has || all["burst"] != "4" || all["server"] != "irc.test:6697" || err != nil {
		t.Error(all, err)
	}
	if d.Generation("libera") == before {
		t.Error("the plugin would not be started anew")
	}
	d.refused(d.SetSettings("libera", map[string]string{"server": ""}), room.BadRequest, "missing")
	d.refused(d.SetSettings("oftc", nil), room.NotFound, "no bridge")
}

// A code is said by somebody over there, once and in time; what was said before it is not relayed.
func TestClaim(t *testing.T) {
	d, code := linked(t, false)
	if len(code) != codeLength || strings.ContainsAny(code, "ILO01") {
		t.Errorf("the code %q", code)
	}
	if l, ok := d.LinkOf("libera", "#garden"); !ok || l.Confirmed || l.CodeEnds != d.now.Add(CodeLives).UnixMilli() || l.Cursor != 40 {
		t.Fatalf("%+v", l)
	}
	if ok, err := d.Claim("libera", "#attic", code, "op"); ok || err != nil {
		t.Error("in another channel:", ok, err)
	}
	for range 4 {
		if ok, err := d.Claim("libera", "#garden", "WRONGONE", "op"); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	d.cut()
	d.head(garden, 50)
	for range 3 { // it is claimed again when the answer was lost
		if ok, err := d.Claim("libera", "#garden", " "+strings.ToLower(code)+" ", "ChanOp!~op@host"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		d.ok(d.Advance(Progress{Bridge: "libera", Room: garden, Cursor: 51}))
	}
	d.cut()
	if l, _ := d.LinkOf("libera", "#garden"); !l.Confirmed || l.ConfirmedBy != "ChanOp!~op@host" || l.Cursor != 51 {
		t.Errorf("%+v", l)
	}
}

func TestCodesAreNotGuessed(t *testing.T) {
	d, code := linked(t, false)
	for range wrongCodes.Burst {
		if ok, err := d.Claim("libera", "#garden", "AAAAAAAA", "op"); ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	_, err := d.Claim("libera", "#garden", code, "op")
	d.refused(err, room.Limited, "Wait a minute")
	d.now = d.now.Add(time.Minute)
	if ok, err := d.Claim("libera", "#garden", code, "op"); !ok || err != nil {
		t.Error("a minute later:", ok, err)
	}
}

func TestCodesEnd(t *testing.T) {
	d, old := linked(t, false)
	fresh, err := d.Link(NewLink{Bridge: "libera", Room: garden, Channel: "#garden"})
	d.ok(err)
	if s, err := d.LinkSecrets("libera", garden); s["key"] != "sesame-open" || err != nil {
		t.Error("another code, and the channel's key is gone:", s, err)
	}
	if ok, _ := d.Claim("libera", "#garden", old, "op"); ok || old == fresh {
		t.Error("the code before the last is still good")
	}
	d.now = d.now.Add(CodeLives)
	if ok, _ := d.Claim("libera", "#garden", fresh, "op"); ok {
		t.Error("a code of yesterday is still good")
	}
	d.SetStatus("libera", Status{State: Connected})
	if s := d.LinkStatus("libera", garden); s.State != Waiting || !strings.Contains(s.Reason, "in time") {
		t.Errorf("%+v", s)
	}
}

func TestLinksAreOneARoomAndChannel(t *testing.T) {
	d, _ := linked(t, true)
	for _, c := range []struct {
		l     NewLink
		code  room.Code
		words string
	}{
		{NewLink{Bridge: "libera", Room: attic, Channel: "#garden"}, room.Conflict, "joined to another room"},
		{NewLink{Bridge: "libera", Room: garden, Channel: "#attic"}, room.Conflict, "to #garden already"},
		{NewLink{Bridge: "libera", Room: garden, Channel: "#garden"}, room.Conflict, "to #garden already"},
		{NewLink{Bridge: "oftc", Room: attic, Channel: "#garden"}, room.NotFound, "no bridge"},
		{NewLink{Bridge: "libera", Room: attic, Channel: ""}, room.BadRequest, "missing"},
		{NewLink{Bridge: "libera", Room: attic, Channel: "#a\r\nQUIT"}, room.BadRequest, "cannot be one"},
		{NewLink{Bridge: "libera", Room: attic, Channel: strings.Repeat("x", MaxChannel+1)}, room.TooLarge, "channel"},
	} {
		_, err := d.Link(c.l)
		d.refused(err, c.code, c.words)
	}
}

// Counts outlive a cut: those that came with the cursor at once, the others with what is next.
func TestAdvanceAndCount(t *testing.T) {
	d, _ := linked(t, true)
	said := room.EventID{9}
	d.Count("libera", garden, Counts{Duplicates: 2})
	d.Count("libera", room.ID{}, Counts{Reconnects: 1})
	d.ok(d.Advance(Progress{Bridge: "libera", Room: garden, Cursor: 44, Remote: map[room.EventID][]string{said: {"m1", "m2"}},
		Counts: Counts{Relayed: 3, Dropped: map[string]uint64{"stale": 5}}}))
	d.ok(d.Advance(Progress{Bridge: "libera", Room: garden, Cursor: 43, Counts: Counts{Dropped: map[string]uint64{"stale": 1, "a\nb": 1}}}))
	d.ok(d.Received("libera", garden, Arrival{"x1", room.EventID{1}}, Arrival{"", room.EventID{2}}))
	d.ok(d.Flush())
	d.cut()
	s := d.LinkStatus("libera", garden)
	if s.Relayed != 3 || s.Received != 2 || s.Duplicates != 2 || !maps.Equal(s.Dropped, map[string]uint64{"stale": 6, otherReason: 1}) {
		t.Errorf("%+v", s)
	}
	if s := d.StatusOf("libera"); s.Relayed != 3 || s.Reconnects != 1 {
		t.Errorf("%+v", s)
	}
	if l, _ := d.LinkOf("libera", "#garden"); l.Cursor != 44 {
		t.Error("the cursor fell to", l.Cursor)
	}
	ids, err := d.Remote("libera", garden, said)
	e, ok, err2 := d.Event("libera", garden, "x1")
	if !slices.Equal(ids, []string{"m1", "m2"}) || e != (room.EventID{1}) || !ok || err != nil || err2 != nil {
		t.Error(ids, e, ok, err, err2)
	}
	d.refused(d.Advance(Progress{Bridge: "libera", Room: attic}), room.NotFound, "no such room")
	d.refused(d.Received("libera", garden, Arrival{strings.Repeat("x", MaxRemote+1), said}), room.BadRequest, "id beyond")
	for i := range 2 * maxReasons {
		d.Count("libera", garden, Counts{Dropped: map[string]uint64{strings.Repeat("x", i%50+1) + string(rune('a'+i%26)): 1}})
	}
	if n := len(d.LinkStatus("libera", garden).Dropped); n > maxReasons+1 {
		t.Error("so many reasons:", n)
	}
}

// A link that ended stays to be seen, takes nothing more, and knows its messages when it is made anew.
func TestUnlink(t *testing.T) {
	d, _ := linked(t, true)
	said := room.EventID{9}
	d.ok(d.Advance(Progress{Bridge: "libera", Room: garden, Cursor: 44, Remote: map[room.EventID][]string{said: {"m1"}}, Counts: Counts{Relayed: 1}}))
	d.ok(d.Unlink("libera", "#garden", "unlinked by bob@n.test"))
	d.refused(d.Unlink("libera", "#garden", ""), room.NotFound, "joins no room")
	d.refused(d.Advance(Progress{Bridge: "libera", Room: garden, Cursor: 60}), room.NotFound, "")
	d.cut()
	if s := d.LinkStatus("libera", garden); s.State != Ended || s.Reason != "unlinked by bob@n.test" || len(d.LinksOf(garden)) != 0 || len(d.Links("libera")) != 1 {
		t.Errorf("%+v", s)
	}
	d.head(garden, 70)
	_, err := d.Link(NewLink{Bridge: "libera", Room: garden, Channel: "#garden", Agreed: true})
	d.ok(err)
	if ids, err := d.Remote("libera", garden, said); !slices.Equal(ids, []string{"m1"}) || err != nil {
		t.Error("an old message is not known any more:", ids, err)
	}
	if l, _ := d.LinkOf("libera", "#garden"); l.Cursor != 70 || d.LinkStatus("libera", garden).Relayed != 1 {
		t.Errorf("%+v", l)
	}
	d.ok(d.Unlink("libera", "#garden", ""))
	_, err = d.Link(NewLink{Bridge: "libera", Room: garden, Channel: "#other", Agreed: true})
	d.ok(err)
	if ids, err := d.Remote("libera", garden, said); len(ids) > 0 || err != nil {
		t.Error("an id of another channel:", ids, err)
	}
}

// A link is never better than its bridge, and who looks at its room is told when it changes.
func TestStatus(t *testing.T) {
	d, code := linked(t, false)
	state := func() string { return d.LinkStatus("libera", garden).State }
	steps := []struct {
		do   func()
		want string
	}{
		{func() {}, Down},
		{func() { d.SetStatus("libera", Status{State: Connected}) }, Waiting},
		{func() { d.SetLinkStatus("libera", "#garden", Status{State: Connected, Queue: 3, OldestSeconds: 9}) }, Waiting},
		{func() {
			d.SetLinkStatus("libera", "#garden", Status{State: Down, Reason: "Not in #garden.", Detail: "+k"})
			if s := d.LinkStatus("libera", garden); !strings.HasSuffix(s.Reason, "confirm it there. Not in #garden.") || s.Detail != "+k" {
				t.Errorf("%+v", s)
			}
			d.SetLinkStatus("libera", "#garden", Status{State: Connected, Queue: 3, OldestSeconds: 9})
		}, Waiting},
		{func() { d.Claim("libera", "#garden", code, "op") }, Connected},
		{func() {
			d.SetLinkStatus("libera", "#garden", Status{State: Degraded, Reason: "slow", Queue: 3, OldestSeconds: 9})
		}, Degraded},
		{func() { d.SetStatus("libera", Status{State: Down, Reason: "no route"}) }, Down},
		{func() {
			d.ok(d.Enable("libera", false, "It crashed.\nAt 192.0.2.7."))
			if s := d.LinkStatus("libera", garden); s.Reason != "It crashed." || s.Detail != "At 192.0.2.7." {
				t.Errorf("%+v", s)
			}
		}, Disabled},
		{func() { d.ok(d.Enable("libera", true, "")) }, Down},
	}
	for i, s := range steps {
		before := d.changed[garden]
		d.now = d.now.Add(time.Second)
		if s.do(); state() != s.want {
			t.Errorf("step %d: %s, want %s", i, state(), s.want)
		}
		if i > 0 && d.changed[garden] == before {
			t.Errorf("step %d: nobody was told", i)
		}
	}
	before := d.changed[garden]
	since := d.StatusOf("libera").Since
	d.now = d.now.Add(time.Second)
	d.SetStatus("libera", Status{State: Down, Reason: "no route", Heard: 7})
	if s := d.StatusOf("libera"); d.changed[garden] != before || s.Since != since || s.Heard != 7 || s.Queue != 3 || s.OldestSeconds != 9 {
		t.Errorf("nothing is new, and yet: %+v, told %d times", s, d.changed[garden]-before)
	}
}

func TestRosterAndMutes(t *testing.T) {
	d, _ := linked(t, true)
	d.SetRoster("libera", "#garden", []*roompb.Ghost{{Id: "z", Name: "zoe"}, {Id: "b", Name: "Bob"}, {Id: "a", Name: "ann"}})
	var names []string
	for _, g := range d.Roster("libera", garden) {
		names = append(names, g.GetName())
	}
	if !slices.Equal(names, []string{"ann", "Bob", "zoe"}) {
		t.Error(names)
	}
	d.ok(d.Mute("libera", garden, "z", true))
	d.ok(d.Mute("libera", garden, "a", true))
	d.ok(d.Mute("libera", garden, "a", false))
	d.cut()
	if !d.Muted("libera", garden, "z") || d.Muted("libera", garden, "a") || d.Muted("libera", attic, "z") {
		t.Error("the wrong ones are muted")
	}
	d.refused(d.Mute("libera", attic, "z", true), room.NotFound, "")
	if d.Unlink("libera", "#garden", "") != nil || len(d.Roster("libera", garden)) > 0 {
		t.Error("who is there is known of an ended link")
	}
}

func TestStash(t *testing.T) {
	d, _ := linked(t, true)
	d.ok(d.Put("libera", "a/1", []byte("x")))
	d.ok(d.Put("libera", "a/2", nil))
	d.ok(d.Put("libera", "b", []byte("y")))
	d.ok(d.Delete("libera", "b"))
	d.cut()
	keys, err := d.List("libera", "a/")
	v, ok, err2 := d.Get("libera", "a/2")
	if !slices.Equal(keys, []string{"a/1", "a/2"}) || !ok || len(v) != 0 || err != nil || err2 != nil {
		t.Error(keys, v, ok, err, err2)
	}
	d.refused(d.Put("libera", "", nil), room.BadRequest, "key")
	d.refused(d.Put("libera", "k", make([]byte, MaxStashValue+1)), room.TooLarge, "64 KB")
	d.refused(d.Put("oftc", "k", nil), room.NotFound, "")
	d.bridges["libera"].stash.total = MaxStash
	d.refused(d.Put("libera", "k", []byte("x")), room.Limited, "16 MB")
	d.ok(d.Put("libera", "a/1", []byte("z"))) // no more than before
}

// Whatever runs beside it, a bridge that was taken away leaves nothing behind.
func TestRemoveLeavesNothing(t *testing.T) {
	d, _ := linked(t, true)
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 20 {
				pos := uint64(100*i + j)
				_ = d.Advance(Progress{Bridge: "libera", Room: garden, Cursor: pos, Remote: map[room.EventID][]string{{byte(i), byte(j)}: {string(rune('a'+i)) + string(rune('a'+j))}}})
				_ = d.Put("libera", "k", []byte{1})
			}
		})
	}
	d.ok(d.Remove("libera"))
	group.Wait()
	links, err := d.store.BridgeLinks("libera")
	sizes, err2 := d.store.StashSizes("libera")
	_, known, err3 := d.store.LocalOf("libera", garden, "aa")
	if len(links)+len(sizes) > 0 || known || errors.Join(err, err2, err3) != nil {
		t.Error(links, sizes, known, err, err2, err3)
	}
	d.refused(d.Remove("libera"), room.NotFound, "no bridge")
}

func TestLogs(t *testing.T) {
	d, _ := linked(t, true)
	for i := range maxLines + 10 {
		d.Logf("libera", "line %d", i)
	}
	all, err := d.Logs("libera", 0, 1000)
	if len(all) != maxLines || all[0].Text != "line 10" || all[0].Seq != 11 || err != nil {
		t.Fatal(len(all), all[0], err)
	}
	after, err := d.Logs("libera", maxLines+8, 1000)
	if len(after) != 2 || after[1].Text != "line 509" || err != nil {
		t.Error(after, err)
	}
	if last, err := d.Logs("libera", 0, 1); len(last) != 1 || last[0].Seq != maxLines+10 || err != nil {
		t.Error(last, err)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"server", "password", "nick", "tls"}
	for word, want := range map[string]string{"sever": "server", "Server": "server", "pasword": "password", "nikc": "nick", "zzz": "", "": "", "tl": "tls"} {
		if got := Nearest(word, words); got != want {
			t.Errorf("%q is taken for %q, want %q", word, got, want)
		}
	}
}
