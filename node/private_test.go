package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

var secretKind = channel.Kind{Kind: "irc", Title: "IRC", Can: map[string]bool{"private": true}, Settings: []channel.Setting{{Name: "private", Type: "choice", Choices: []string{"off", "on"}}}}

// garden is a room that the bridge joins to #garden, in which bob and others are.
func (w *world) garden(alice Caller, more ...string) (id room.ID, begin func(by Caller, who string) (room.ID, error)) {
	w.t.Helper()
	id = w.room(alice, "garden")
	w.bridge()
	w.Bridges.SetKinds([]channel.Kind{secretKind})
	w.link(id, "#garden")
	roster := []*roompb.Ghost{{Id: "account:bobby", Name: "bob", Network: "libera"}}
	for _, name := range more {
		roster = append(roster, &roompb.Ghost{Id: name, Name: name, Network: "libera"})
	}
	w.Bridges.SetRoster("libera", "#garden", roster)
	return id, func(by Caller, who string) (room.ID, error) { return w.BeginPrivate(w.t.Context(), by, "libera", who) }
}

func (w *world) allowPrivate(how string) {
	w.t.Helper()
	if err := w.SetBridge("libera", map[string]string{"private": how}, nil, ""); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) conversing(id room.ID) bool {
	_, _, _, ok := w.Bridges.Conversing(id)
	return ok
}

// Whom one can write to: only those whom one sees, where the administrator wants it; each user has a room that nobody else sees.
func TestBeginPrivate(t *testing.T) {
	w := newWorld(t)
	alice, carol := w.user("alice"), w.user("carol")
	garden, begin := w.garden(alice, "dan")
	if _, err := begin(alice, "bob"); room.CodeOf(err) != room.Forbidden {
		t.Errorf("it is off: %v", err)
	}
	if got, err := w.RoomBridges(alice, garden); err != nil || got[0].Private {
		t.Error(got, err)
	}
	w.allowPrivate("on")
	if got, err := w.RoomBridges(alice, garden); err != nil || !got[0].Private {
		t.Error(got, err)
	}
	for what, try := range map[string]func() (room.ID, error){
		"nobody":     func() (room.ID, error) { return begin(alice, "eve") },
		"a stranger": func() (room.ID, error) { return begin(carol, "bob") },
		"no bridge":  func() (room.ID, error) { return w.BeginPrivate(t.Context(), alice, "oftc", "bob") },
	} {
		if _, err := try(); room.CodeOf(err) != room.NotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
	id, err := begin(alice, "BOB")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := begin(alice, "account:bobby"); err != nil || again != id {
		t.Errorf("by id: %v", err)
	}
	if s := w.summary(alice, id); s.GetName() != "bob on libera" || s.GetPublic() || s.GetMembers() != 2 {
		t.Error(s)
	}
	if _, err := w.Summary(carol, id); room.CodeOf(err) != room.NotFound {
		t.Errorf("carol sees it: %v", err)
	}
	if got, err := w.RoomBridges(alice, id); err != nil || len(got) != 1 || got[0].Place != "bob on libera" || got[0].Private {
		t.Error(got, err)
	}
	if _, err := w.Join(t.Context(), carol, garden, ""); err != nil {
		t.Fatal(err)
	}
	if hers, err := begin(carol, "bob"); err != nil || hers == id {
		t.Errorf("carol's own: %v", err)
	}
}

// A conversation that cannot be linked leaves nobody in a room.
func TestPrivateCannotBegin(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	_, begin := w.garden(alice)
	w.allowPrivate("on")
	for i := 1; i < channel.MaxLinks; i++ {
		w.link(w.room(alice, fmt.Sprint("r", i)), fmt.Sprint("#", i))
	}
	if _, err := begin(alice, "bob"); room.CodeOf(err) != room.Limited {
		t.Errorf("the bridge has no link left: %v", err)
	}
	for _, u := range []room.User{alice.User, w.Bridges.Bot("libera")} {
		rooms, err := w.store.UserRooms(u)
		if err != nil {
			t.Fatal(err)
		}
		rooms = slices.DeleteFunc(rooms, func(m *storagepb.Member) bool { return m.GetMembership() != string(room.Joined) })
		if len(rooms) != channel.MaxLinks {
			t.Errorf("%s is in %d rooms", u, len(rooms))
		}
	}
	if err := w.Bridges.Unlink("libera", "#1", "enough"); err != nil {
		t.Fatal(err)
	}
	if _, err := begin(alice, "bob"); err != nil {
		t.Error(err)
	}
}

// It ends when its user leaves, also when a kill came in between, and when anybody else comes in; then there is another one.
func TestPrivateEnds(t *testing.T) {
	w := newWorld(t)
	alice, carol := w.user("alice"), w.user("carol")
	_, begin := w.garden(alice)
	w.allowPrivate("on")
	bot := w.Bridges.Bot("libera")
	id, err := begin(alice, "bob")
	if err != nil {
		t.Fatal(err)
	}
	w.do(alice, id, room.KindLeave, &roompb.Body{})
	waitFor(t, func() bool { return !w.conversing(id) })
	next, err := begin(alice, "bob")
	if err != nil || next == id {
		t.Fatal(err)
	}
	w.do(alice, next, room.KindInvite, &roompb.Body{Subject: string(carol.User)})
	if !w.conversing(next) {
		t.Error("an invitation has ended it")
	}
	if _, err := w.Join(t.Context(), carol, next, ""); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return !w.conversing(next) && !joined(t, w, next, bot) })

	left := w.room(carol, "left") // as if alice had left it just before the node was killed
	l := channel.NewLink{Bridge: "libera", Room: left, Channel: "private:left", Agreed: true, Private: &channel.Private{User: alice.User, Ghost: "dan", Name: "dan"}}
	if _, err := w.LinkBridge(t.Context(), l, ""); err != nil {
		t.Fatal(err)
	}
	w.restart()
	waitFor(t, func() bool { return !w.conversing(left) && !joined(t, w, left, bot) })
}

func joined(t *testing.T, w *world, id room.ID, u room.User) bool {
	t.Helper()
	c, err := w.rooms.get(id)
	if err != nil {
		t.Fatal(err)
	}
	return c.membership(u) == room.Joined
}

// A few an hour for each user, and what somebody over there has blocked stays so, by nick and by account.
func TestPrivateBounds(t *testing.T) {
	w := newWorld(t)
	alice := w.user("alice")
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprint("dan", i))
	}
	_, begin := w.garden(alice, names...)
	w.allowPrivate("on")
	id, err := begin(alice, "bob")
	if err != nil {
		t.Fatal(err)
	}
	_, place, _, _ := w.Bridges.Conversing(id)
	if err := w.Bridges.Block("libera", place, channel.Private{Ghost: "account:bobby", Name: "bob"}); err != nil {
		t.Fatal(err)
	}
	if err := w.UnlinkBridge(t.Context(), "libera", place, "blocked"); err != nil {
		t.Fatal(err)
	}
	w.Bridges.SetRoster("libera", "#garden", []*roompb.Ghost{{Id: "bob", Name: "Bob"}, {Id: "account:bobby", Name: "bobby"}})
	for _, who := range []string{"bob", "bobby"} {
		if _, err := begin(alice, who); room.CodeOf(err) != room.Forbidden {
			t.Errorf("%s has blocked her: %v", who, err)
		}
	}
	if some, err := w.Bridges.Unblock("libera", "bob"); some || err != nil {
		t.Errorf("whoever has the nick took it back: %v", err)
	}
	w.restart()
	w.Bridges.SetKinds([]channel.Kind{secretKind})
	if some, err := w.Bridges.Unblock("libera", "account:bobby"); !some || err != nil {
		t.Error(err)
	}
	var roster []*roompb.Ghost
	for _, name := range names {
		roster = append(roster, &roompb.Ghost{Id: name, Name: name})
	}
	w.Bridges.SetRoster("libera", "#garden", roster)
	for i, name := range names[:6] { // the count began anew with the node
		_, err := w.BeginPrivate(t.Context(), alice, "libera", name)
		if limited := room.CodeOf(err) == room.Limited && strings.Contains(err.Error(), "within an hour"); limited != (i == 5) || err != nil && !limited {
			t.Errorf("the %d. conversation: %v", i+1, err)
		}
	}
}
