package main

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"hearth/node"
	"hearth/node/account"
	"hearth/node/channel"
	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/plugins"
	"hearth/plugins/slack/slackdouble"
	"hearth/storage"
)

const garden = "C0GARDEN"

// house is a node with the bridge as a process of its own, and a workspace.
type house struct {
	*slackdouble.Slack
	t     *testing.T
	n     *node.Node
	alice node.Caller
	room  room.ID
}

func newHouse(t *testing.T) *house {
	folder := build(t)
	h := &house{Slack: slackdouble.New(t), t: t, alice: node.Caller{User: "alice@node.test"}}
	h.Channel(garden, "garden", false)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	store, err := storage.Open("data", storage.Options{FS: vfs.NewMem(), CacheBytes: 8 << 20, Fatal: func(m string) { t.Log("store: " + m) }})
	if err != nil {
		t.Fatal(err)
	}
	h.n, err = node.Open(node.Config{Name: "node.test", Dir: t.TempDir(), Registration: "open", Now: time.Now, Log: quiet, Account: account.Config{Argon: account.Argon{MemoryKiB: 64, Passes: 1}}}, store)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.n.Accounts.Register(t.Context(), account.Registration{Username: "alice", Password: "correct horse 1", DeviceName: "test"}); err != nil {
		t.Fatal(err)
	}
	s, err := h.n.CreateRoom(t.Context(), h.alice, node.NewRoom{Name: "garden"})
	if err != nil {
		t.Fatal(err)
	}
	if h.room, err = room.ParseHash(s.GetRoom()); err != nil {
		t.Fatal(err)
	}
	host, err := plugins.New(plugins.Config{Node: h.n, Dir: t.TempDir(), Folders: []string{folder}, Version: "test", Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	host.Start()
	t.Cleanup(func() {
		host.Close()
		if err := h.n.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	h.until("the plugin", func() bool { return len(h.n.Bridges.Kinds()) == 1 })
	return h
}

func (h *house) until(what string, done func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			lines, _ := h.n.Bridges.Logs("acme", 0, 30)
			for _, l := range lines {
				h.t.Log(l.Text)
			}
			h.t.Fatalf("waited in vain for %s: %+v", what, h.n.Bridges.StatusOf("acme"))
		}
	}
}

func (h *house) do(kind room.Kind, b *roompb.Body) room.EventID {
	h.t.Helper()
	r, err := h.n.Submit(context.Background(), room.Draft{Room: h.room, Author: h.alice.User, Kind: kind, Body: b})
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Event
}

// said is the last message of the room, as it stands.
func (h *house) said() *roompb.Event {
	h.t.Helper()
	page, err := h.n.History(context.Background(), h.alice, node.HistoryQuery{Room: h.room, Limit: 50})
	if err != nil {
		h.t.Fatal(err)
	}
	for i := len(page.Events) - 1; i >= 0; i-- {
		if room.Kind(page.Events[i].GetKind()).Message() {
			return page.Events[i]
		}
	}
	return &roompb.Event{}
}

// linked adds the bridge, at so many times Slack's pace, and links the channel.
func (h *house) linked(pace string) {
	h.t.Helper()
	err := h.n.AddBridge(channel.Bridge{Name: "acme", Kind: "slack", Settings: map[string]string{
		"bot_token": slackdouble.BotToken, "app_token": slackdouble.AppToken, "api_url": h.URL(), "pace": pace, "pins": "both"}})
	if err != nil {
		h.t.Fatal(err)
	}
	code, err := h.n.LinkBridge(h.t.Context(), channel.NewLink{Bridge: "acme", Room: h.room, Channel: "#garden", By: "alice"}, "")
	if err != nil {
		h.t.Fatal(err)
	}
	h.WaitSockets(2)
	h.until("the code to be taken", func() bool {
		return strings.Contains(h.Command(garden, "UADMIN0", "link "+code), "linked")
	})
	h.until("the link", func() bool {
		links := h.n.Bridges.LinksOf(h.room)
		return len(links) == 1 && links[0].Confirmed
	})
	h.until("the bridge to be connected", func() bool { return h.n.Bridges.StatusOf("acme").State == channel.Connected })
}

// The whole way: a node, its host, the plugin's process and a workspace, from the code to a restart.
func TestWithANode(t *testing.T) {
	h := newHouse(t)
	h.linked("10000")
	h.until("the channel to be heard", func() bool { // the plugin is told of the confirmation a moment later
		h.Say(garden, "UALICE0", "hello *room*")
		time.Sleep(50 * time.Millisecond)
		return h.said().GetText() == "hello **room**"
	})
	ts := h.Say(garden, "UBORIS0", "to be edited")
	h.until("a message", func() bool { return h.said().GetText() == "to be edited" })
	h.Edit(garden, ts, "edited")
	h.until("the edit", func() bool { return h.said().GetText() == "edited" })
	if g := h.said().GetGhost(); g.GetName() != "Boris" || g.GetNetwork() != "acme" || g.GetAvatar() == "" {
		t.Fatalf("the ghost: %v", g)
	}
	h.React(garden, ts, "UALICE0", "tada", true)
	h.until("the reaction", func() bool { return len(h.said().GetReactions()) == 1 })

	id := h.do(room.KindText, &roompb.Body{Text: "hello **Slack**"})
	h.WaitPost(garden, 1)
	h.do(room.KindEdit, &roompb.Body{Target: id.Bytes(), Text: "hello again"})
	h.Wait("the edit", func() bool { return h.Locked(garden)[0].Text == "hello again" })
	h.do(room.KindReact, &roompb.Body{Target: id.Bytes(), Emoji: "❤️"})
	h.Wait("the reaction", func() bool { return len(h.Locked(garden)[0].Reactions["heart"]) == 1 })
	h.do(room.KindText, &roompb.Body{Text: "in the thread", Thread: id.Bytes()})
	h.Wait("the reply", func() bool { p := h.Locked(garden); return len(p) == 2 && p[1].Thread == p[0].TS })

	h.do(room.KindText, &roompb.Body{Text: "see https://node.test/#/room/" + h.room.String() + "/event/" + id.String()})
	h.Wait("the link", func() bool {
		p := h.Locked(garden)
		return len(p) == 3 && strings.Contains(string(p[2].Blocks), "/archives/"+garden+"/p"+strings.Replace(p[0].TS, ".", "", 1))
	})
	h.do(room.KindPin, &roompb.Body{Target: id.Bytes()})
	h.Wait("the pin", func() bool { return h.Locked(garden)[0].Pinned })
	if err := h.n.Bridges.Restart("acme"); err != nil {
		t.Fatal(err)
	}
	h.WaitSockets(0)
	h.Say(garden, "UALICE0", "while it was away")
	h.until("what was missed", func() bool { return h.said().GetText() == "while it was away" })
	h.do(room.KindDelete, &roompb.Body{Target: id.Bytes()})
	h.Wait("the deletion", func() bool { return len(h.Locked(garden)) == 2 })
	if s := h.n.Bridges.StatusOf("acme"); len(s.Dropped) != 0 {
		t.Errorf("dropped: %v", s.Dropped)
	}
	h.Revoke(false)
	h.Drop()
	h.until("the lost token to be said", func() bool { return h.n.Bridges.StatusOf("acme").State == "login" })
}
