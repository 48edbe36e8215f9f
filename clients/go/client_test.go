package client

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"hearth/test/leak"
	pb "hearth/transport/session/clientpb"
)

func TestMain(m *testing.M) { leak.Main(m) }

func dialer(t *testing.T, url string) *Dialer {
	t.Helper()
	d, err := NewDialer(url, NewTrust(url, "", true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// Through any number of cut connections: every message sent once, every one received
// once, in order; also with a reader so slow that its queue is always full.
func TestNothingTwiceNothingMissing(t *testing.T) {
	for _, queue := range []int{0, 1} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("queue=%d/seed=%d", queue, seed), func(t *testing.T) {
				t.Parallel()
				exchange(t, newBadNode(t, seed), Options{Queue: queue, Wait: true})
			})
		}
	}
}

func exchange(t *testing.T, n *badNode, o Options) {
	const total = 150
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c, err := Dial(ctx, dialer(t, n.url), "token", o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sent := make(chan error, 1)
	go func() {
		for i := range total {
			if _, err := Insist(ctx, c, Send, &pb.SendRequest{Room: "r", Text: fmt.Sprint(i)}); err != nil {
				sent <- fmt.Errorf("send %d: %w", i, err)
				return
			}
		}
		sent <- nil
	}()
	next := 0
	for next < total {
		e, err := c.Next(ctx)
		if err != nil {
			t.Fatalf("after %d items: %v", next, err)
		}
		for _, item := range e.Delivery.GetItems() {
			if want := fmt.Sprint(next); item.Event.Text != want {
				t.Fatalf("item %d: got message %s, want %s", item.Event.Pos, item.Event.Text, want)
			}
			next++
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if got := c.Cursors()["r"]; got != total {
		t.Errorf("cursor is %d after %d items", got, total)
	}
}

// A program that reads events and calls in one goroutine never hangs, however full its queue.
func TestCallWhileQueueIsFull(t *testing.T) {
	n := newBadNode(t, 9)
	n.rnd = func(k int) int { return k - 1 }
	for i := range 200 {
		n.add(fmt.Sprint("old", i), fmt.Sprint(i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c, err := Dial(ctx, dialer(t, n.url), "token", Options{Queue: 1, Cursors: map[string]uint64{"r": 0}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for next := 0; next < 200; {
		e, err := c.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range e.Delivery.GetItems() {
			if next == 200 {
				break // an x of ours
			}
			if item.Event.Text != fmt.Sprint(next) {
				t.Fatalf("got %s, want %d", item.Event.Text, next)
			}
			next++
			if next%50 == 0 {
				if _, err := Call(ctx, c, Send, &pb.SendRequest{Room: "r", Text: "x"}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestPin(t *testing.T) {
	n := newBadNode(t, 1)
	n.rnd = func(k int) int { return k - 1 }
	d := dialer(t, n.url)
	first, err := d.Dial(t.Context(), WebSocket)
	if err != nil {
		t.Fatal("first use:", err)
	}
	defer first.Close()
	pin := d.Trust.Pin()
	if pin == "" {
		t.Fatal("nothing was remembered")
	}
	again, _ := NewDialer(n.url, NewTrust(n.url, pin, false))
	defer again.Close()
	second, err := again.Dial(t.Context(), WebSocket)
	if err != nil {
		t.Fatal("same certificate:", err)
	}
	defer second.Close()
	for _, old := range []string{"sha256:another", ""} {
		other, _ := NewDialer(n.url, NewTrust(n.url, old, false))
		defer other.Close()
		_, err := other.Dial(t.Context(), WebSocket)
		if e, ok := errors.AsType[*PinError](err); !ok || e.Got != pin {
			t.Errorf("pin %q: got %v, want a PinError", old, err)
		}
	}
}

func TestProfileFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "profile.json")
	want := Profile{URL: "https://a:1", User: "u@a:1", Token: "t", Pin: "p"}
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := LoadProfile(path)
	if err != nil || *got != want {
		t.Fatalf("got %+v, %v", got, err)
	}
}

// The table of commands is the proto's, row by row.
func TestCommandsAreTheProtos(t *testing.T) {
	methods := pb.File_client_proto.Services().ByName("Client").Methods()
	rows := map[string]bool{}
	for _, name := range commandNames {
		rows[name] = true
	}
	for i := range methods.Len() {
		if name := string(methods.Get(i).Name()); !rows[name] {
			t.Errorf("command %s has no row", name)
		}
	}
	if len(rows) != methods.Len() {
		t.Errorf("%d rows, %d methods", len(rows), methods.Len())
	}
}

// commandNames lists command.go; types are checked by the compiler at each Call.
var commandNames = []string{
	ServerInfo.Name,
	Register.Name,
	Login.Name,
	Open.Name,
	Logout.Name,
	PasswordChange.Name,
	Devices.Name,
	DeviceRevoke.Name,
	ProfileSet.Name,
	Profiles.Name,
	UserFind.Name,
	Rooms.Name,
	RoomCreate.Name,
	RoomDirect.Name,
	RoomFind.Name,
	RoomGet.Name,
	RoomJoin.Name,
	RoomLeave.Name,
	RoomInvite.Name,
	RoomKick.Name,
	RoomBan.Name,
	RoomUnban.Name,
	RoomRole.Name,
	RoomSet.Name,
	RoomMute.Name,
	Members.Name,
	Send.Name,
	Edit.Name,
	Delete.Name,
	React.Name,
	Pin.Name,
	History.Name,
	EditHistory.Name,
	Pins.Name,
	Search.Name,
	Read.Name,
	Receipts.Name,
	Typing.Name,
	Watch.Name,
	AdminUsers.Name,
	AdminUserAdd.Name,
	AdminUserSet.Name,
	AdminInviteCreate.Name,
	AdminInvites.Name,
	AdminInviteRevoke.Name,
	AdminRooms.Name,
	AdminHealth.Name,
	RoomSteward.Name,
	RoomNodeBan.Name,
	Block.Name,
	Blocks.Name,
	Notices.Name,
	Report.Name,
	AdminReports.Name,
	AdminReportClose.Name,
	AdminPeers.Name,
	AdminPeerSet.Name,
	AdminNodeInvite.Name,
	AdminNodeJoin.Name,
	AdminFederationSet.Name,
	RoomBridges.Name,
	BridgePrivate.Name,
	AdminBridgeKinds.Name,
	AdminBridges.Name,
	AdminBridgeAdd.Name,
	AdminBridgeSet.Name,
	AdminBridgeRemove.Name,
	AdminBridgeLink.Name,
	AdminBridgeUnlink.Name,
	AdminBridgeMute.Name,
	AdminBridgeLogs.Name,
	AdminBridgeRestart.Name,
}
