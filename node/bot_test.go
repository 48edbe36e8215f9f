package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node/account"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

var ircKind = channel.Kind{Kind: "irc", Title: "IRC", Settings: []channel.Setting{{Name: "server", Type: "text"}}}

func (w *world) bridge() Caller {
	w.t.Helper()
	w.Bridges.SetKinds([]channel.Kind{ircKind})
	if err := w.AddBridge(channel.Bridge{Name: "libera", Kind: "irc"}); err != nil {
		w.t.Fatal(err)
	}
	return Caller{User: w.Bridges.Bot("libera")}
}

func (w *world) link(id room.ID, place string) {
	w.t.Helper()
	if _, err := w.LinkBridge(w.t.Context(), channel.NewLink{Bridge: "libera", Room: id, Channel: place, Agreed: true}, ""); err != nil {
		w.t.Fatal(err)
	}
}

var annSays = &roompb.Ghost{Id: "ann", Name: "Ann", Network: "libera"}

// Nobody signs in as a bot, makes one, or takes its name.
func TestBotsAreNobodysAccounts(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	w.Bridges.SetKinds([]channel.Kind{ircKind})
	err := w.AddBridge(channel.Bridge{Name: "alice", Kind: "irc"})
	if room.CodeOf(err) != room.Taken {
		t.Errorf("a bridge by the name of a user: %v", err)
	}
	bot := w.bridge()
	if p, err := w.Profile(bot.User); err != nil || p.GetBridge() != "IRC libera" {
		t.Errorf("its profile is %v, %v", p, err)
	}
	ctx := t.Context()
	for _, password := range []string{"", "libera", "correct horse 1"} {
		if _, err := w.Accounts.Login(ctx, "libera", password, "test", "10.0.0.1"); room.CodeOf(err) != room.Unauthenticated {
			t.Errorf("signed in by %q: %v", password, err)
		}
	}
	password, admin := "correct horse 1", true
	for what, change := range map[string]account.Change{"a password": {Password: &password}, "rights": {Admin: &admin}} {
		if _, err := w.Accounts.Set(ctx, account.Operator(), bot.User, change); room.CodeOf(err) != room.Forbidden {
			t.Errorf("it was given %s: %v", what, err)
		}
	}
	register := func() error {
		_, err := w.Accounts.Register(ctx, account.Registration{Username: "libera", Password: password, DeviceName: "test"})
		return err
	}
	if err := register(); room.CodeOf(err) != room.Taken {
		t.Errorf("its name was registered: %v", err)
	}
	if _, err := w.Direct(ctx, alice, bot.User); room.CodeOf(err) != room.Forbidden {
		t.Errorf("a 1:1 room with it: %v", err)
	}
	if err := w.RemoveBridge(ctx, "libera", "alice"); err != nil {
		t.Fatal(err)
	}
	if err := register(); room.CodeOf(err) != room.Taken {
		t.Errorf("the name of what it said was registered: %v", err)
	}
	if p, _ := w.Profile(bot.User); !p.GetDisabled() {
		t.Error("a bridge that is gone looks as if it were there")
	}
	w.bridge()
	if p, _ := w.Profile(bot.User); p.GetDisabled() {
		t.Error("a bridge that is back looks as if it were gone")
	}
}

// Ghosts speak through the bot, and through nobody else.
func TestWhoSpeaksForGhosts(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	id := w.room(alice, "garden")
	bot := w.bridge()
	w.link(id, "#garden")
	r := w.do(bot, id, room.KindText, &roompb.Body{Text: "hello @room and @alice", Ghost: annSays})
	h := w.history(alice, HistoryQuery{Room: id, Limit: 1})
	if e := h.Events[0]; e.GetId() != r.Event.String() || e.GetGhost().GetName() != "Ann" || e.GetMentionRoom() || len(e.GetMentions()) != 1 {
		t.Errorf("%v", e)
	}
	w.refused(room.Forbidden, alice, id, room.KindText, &roompb.Body{Text: "I am Ann", Ghost: annSays})
	w.refused(room.Forbidden, alice, id, room.KindText, &roompb.Body{Text: "I said so long ago", Sent: 1})
	if err := w.Typing(alice, id, annSays, true); room.CodeOf(err) != room.Forbidden {
		t.Errorf("alice types as Ann: %v", err)
	}
	bob := w.user("bob")
	w.refused(room.Forbidden, bob, id, room.KindJoin, &roompb.Body{Bridge: "#garden on libera"})
}

// What another node proposes is of its own user, and of a ghost never.
func TestProposalsOfBots(t *testing.T) {
	w := newWorld(t)
	id := w.room(w.user("alice"), "garden")
	for what, c := range map[string]struct {
		kind room.Kind
		body *roompb.Body
	}{
		"a ghost's entry":        {room.KindInvite, &roompb.Body{Subject: "bob@far.test", Ghost: annSays}},
		"a ghost that joins":     {room.KindJoin, &roompb.Body{Ghost: annSays}},
		"a bridge by invitation": {room.KindInvite, &roompb.Body{Subject: "bob@far.test", Bridge: "#garden on libera"}},
	} {
		c.body.Salt = make([]byte, room.SaltLen)
		ask, err := newChamber(w.Node, id).proposal(&room.Draft{Author: "libera@far.test", Kind: c.kind, Body: c.body})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.proposed("far.test", ask.GetPropose()); room.CodeOf(err) != room.BadRequest {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// waitFor is for what another goroutine does in its time.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(longWait); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come about")
		}
	}
}

// A link ends with its bot's part in the room, whoever ends it, and the other way round.
func TestLinksAndRooms(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	id := w.room(alice, "garden")
	bot := w.bridge()
	place := func() string {
		bridges, err := w.RoomBridges(alice, id)
		if err != nil {
			t.Fatal(err)
		}
		if len(bridges) == 0 {
			return ""
		}
		return bridges[0].Place
	}
	ended := func(why string) {
		t.Helper()
		waitFor(t, func() bool {
			s := w.Bridges.LinkStatus("libera", id)
			return s.State == channel.Ended && strings.Contains(s.Reason, why)
		})
		if place() != "" {
			t.Error("the room is still joined to " + place())
		}
	}
	w.link(id, "#garden-irc")
	if place() != "#garden-irc on libera" {
		t.Error("the room is joined to " + place())
	}
	if err := w.UnlinkBridge(t.Context(), "libera", "#garden-irc", "unlinked by op"); err != nil {
		t.Fatal(err)
	}
	ended("unlinked by op")
	if last := w.history(alice, HistoryQuery{Room: id, Limit: 1}).Events[0]; last.GetKind() != "leave" || last.GetReason() != "unlinked by op" {
		t.Errorf("the room is told %v", last)
	}

	w.link(id, "#other")
	if place() != "#other on libera" {
		t.Error("the room is joined to " + place())
	}
	w.do(alice, id, room.KindKick, &roompb.Body{Subject: string(bot.User), Reason: "too loud"})
	ended("unlinked by alice@node.test: too loud")

	w.link(id, "#other")
	w.do(alice, id, room.KindBan, &roompb.Body{Subject: string(bot.User)})
	ended("unlinked by alice@node.test")
	_, err := w.LinkBridge(t.Context(), channel.NewLink{Bridge: "libera", Room: id, Channel: "#other", Agreed: true}, "")
	if room.CodeOf(err) != room.Forbidden {
		t.Errorf("linked although it is banned: %v", err)
	}
}

// What a kill left half done is put right at the next start.
func TestBotsAreSettledAtStart(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	stray, kept := w.room(alice, "stray"), w.room(alice, "kept")
	w.bridge()
	w.link(stray, "#stray")
	w.link(kept, "#kept")
	if err := w.Bridges.Unlink("libera", "#stray", "killed here"); err != nil { // before the bot left
		t.Fatal(err)
	}
	w.restart()
	waitFor(t, func() bool {
		bridges, err := w.RoomBridges(alice, stray)
		return err == nil && len(bridges) == 0
	})
	if bridges, err := w.RoomBridges(alice, kept); err != nil || len(bridges) != 1 || !bridges[0].Own {
		t.Error(bridges, err)
	}
	w.fs = w.fs.CrashClone(vfs.CrashCloneCfg{})
	w.restart()
	if l, ok := w.Bridges.LinkOf("libera", "#kept"); !ok || !l.Confirmed {
		t.Errorf("%+v", l)
	}
	// The operator took it away while the node did not run.
	if err := errors.Join(w.Bridges.Remove("libera"), w.Accounts.RetireBot("libera")); err != nil {
		t.Fatal(err)
	}
	w.restart()
	waitFor(t, func() bool {
		bridges, err := w.RoomBridges(alice, kept)
		return err == nil && len(bridges) == 0
	})
}

// Who is not in the room learns nothing of its bridges; who has it on show is told of news.
func TestRoomBridges(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.user("alice"), w.user("bob")
	s, err := w.CreateRoom(t.Context(), alice, NewRoom{Name: "private"})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := room.ParseHash(s.GetRoom())
	w.bridge()
	w.link(id, "#garden")
	if _, err := w.RoomBridges(bob, id); room.CodeOf(err) != room.NotFound {
		t.Errorf("a stranger: %v", err)
	}
	f, err := w.Follow(alice, FollowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Watch([]room.ID{id}); err != nil {
		t.Fatal(err)
	}
	w.Bridges.SetStatus("libera", channel.Status{State: channel.Connected})
	w.Bridges.SetLinkStatus("libera", "#garden", channel.Status{State: channel.Connected})
	waitFor(t, func() bool {
		b, err := f.Next(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range b.Signals {
			if s.GetKind() == "bridge" && s.GetRoom() == id.String() {
				return true
			}
		}
		return false
	})
	if got, err := w.RoomBridges(alice, id); err != nil || got[0].Status.State != channel.Connected || got[0].Kind != "IRC" {
		t.Error(got, err)
	}
}

// A bridge joins a room of another node where somebody of the room invited it. There its state is unknown.
func TestBridgeOfAnotherNode(t *testing.T) {
	l := newLeague(t, "home.test", "far.test")
	alice, carol := l.user("home.test", "alice"), l.user("far.test", "carol")
	home, far := l.nodes["home.test"], l.nodes["far.test"]
	s, err := home.CreateRoom(t.Context(), alice, NewRoom{Alias: "garden", Name: "garden", Public: true})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := room.ParseHash(s.GetRoom())
	far.Bridges.SetKinds([]channel.Kind{ircKind})
	if err := far.AddBridge(channel.Bridge{Name: "libera", Kind: "irc"}); err != nil {
		t.Fatal(err)
	}
	bot := far.Bridges.Bot("libera")
	link := func() error {
		_, err := far.LinkBridge(t.Context(), channel.NewLink{Bridge: "libera", Room: id, Channel: "#garden", Agreed: true}, "home.test")
		return err
	}
	if err := link(); room.CodeOf(err) != room.Forbidden || !strings.Contains(err.Error(), "invite libera@far.test first") {
		t.Fatalf("uninvited: %v", err)
	}
	l.do(alice, id, room.KindInvite, &roompb.Body{Subject: string(bot)})
	l.soon("the bridge is in the room", func() bool { return link() == nil })
	if _, err := far.Join(t.Context(), carol, id, ""); err != nil {
		t.Fatal(err)
	}
	l.soon("both show the bridge", func() bool {
		here, err := home.RoomBridges(alice, id)
		there, err2 := far.RoomBridges(carol, id)
		return errors.Join(err, err2) == nil && len(here) == 1 && len(there) == 1 &&
			here[0].Place == "#garden on libera" && here[0].Status.State == elsewhere && !here[0].Own && here[0].Kind == "IRC" && there[0].Own
	})
	// Who types beyond it is shown by name, unless the name cannot be one.
	f, err := home.Follow(alice, FollowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Watch([]room.ID{id}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"A\nB", strings.Repeat("x", room.MaxGhost+1), "Ann"} {
		home.ReceiveSignal("far.test", &roompb.Signal{
			Kind: "typing", Room: id.String(), User: string(bot), On: true, Ghost: &roompb.Ghost{Id: "ann", Name: name, Network: "libera"},
		})
	}
	var typing []string
	l.soon("Ann types", func() bool {
		b, err := f.Next(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range b.Signals {
			if s.GetKind() == "typing" {
				typing = append(typing, s.GetGhost().GetName())
			}
		}
		return len(typing) > 0
	})
	if len(typing) != 1 || typing[0] != "Ann" {
		t.Errorf("typing: %q", typing)
	}
	l.do(alice, id, room.KindKick, &roompb.Body{Subject: string(bot)})
	l.soon("the link has ended", func() bool {
		return far.Bridges.LinkStatus("libera", id).Reason == "unlinked by alice@home.test"
	})
	if err := far.RemoveBridge(context.Background(), "libera", "carol"); err != nil {
		t.Fatal(err)
	}
}
