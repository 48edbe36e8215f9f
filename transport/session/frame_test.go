package session

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"hearth/node/room/roompb"
	"hearth/transport/session/clientpb"
)

// TestFieldNumbers holds the hand-written numbers against the descriptors.
func TestFieldNumbers(t *testing.T) {
	frame := (&clientpb.ServerFrame{}).ProtoReflect().Descriptor()
	reply := (&clientpb.Reply{}).ProtoReflect().Descriptor()
	delivery := (&clientpb.Delivery{}).ProtoReflect().Descriptor()
	for _, f := range []struct {
		in   protoreflect.MessageDescriptor
		name protoreflect.Name
		n    protowire.Number
	}{
		{frame, "replies", frameReplies}, {frame, "deliveries", frameDeliveries}, {frame, "rooms", frameRooms},
		{frame, "signals", frameSignals}, {frame, "bye", frameBye}, {frame, "ping", framePing}, {frame, "pong", framePong},
		{reply, "id", replyID}, {reply, "error", replyError}, {reply, "body", replyBody},
		{delivery, "room", deliveryRoom}, {delivery, "items", deliveryItems}, {delivery, "gap", deliveryGap},
	} {
		if d := f.in.Fields().ByName(f.name); d == nil || d.Number() != f.n {
			t.Errorf("%s.%s is not field %d", f.in.Name(), f.name, f.n)
		}
	}
	if n := frame.Fields().Len() + reply.Fields().Len() + delivery.Fields().Len(); n != 13 {
		t.Errorf("a field was added that Frame does not know: %d fields", n)
	}
}

// TestFrame: what Frame assembles is what proto would have encoded.
func TestFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := &clientpb.ServerFrame{}
		var f Frame
		for range rapid.IntRange(0, 5).Draw(t, "replies") {
			r := &clientpb.Reply{Id: rapid.Uint64().Draw(t, "id"), Body: rapid.SliceOf(rapid.Byte()).Draw(t, "body")}
			if rapid.Bool().Draw(t, "refused") {
				r.Error = &clientpb.Error{Code: "busy", Message: rapid.String().Draw(t, "message"), Retry: true}
			}
			want.Replies = append(want.Replies, r)
			f.Reply(r.Id, r.Error, r.Body)
		}
		for range rapid.IntRange(0, 5).Draw(t, "deliveries") {
			d := &clientpb.Delivery{Room: rapid.String().Draw(t, "room"), Gap: rapid.Bool().Draw(t, "gap")}
			var items [][]byte
			for range rapid.IntRange(0, 5).Draw(t, "items") {
				item := &roompb.Item{Event: &roompb.Event{Text: rapid.String().Draw(t, "text")}}
				b, _ := proto.Marshal(item)
				items, d.Items = append(items, b), append(d.Items, item)
			}
			want.Deliveries = append(want.Deliveries, d)
			f.Delivery(d.Room, items, d.Gap)
		}
		if rapid.Bool().Draw(t, "others") {
			want.Rooms = append(want.Rooms, &roompb.RoomSummary{Room: "r", Unread: 3})
			want.Signals = append(want.Signals, &roompb.Signal{Kind: "typing", On: true})
			want.Bye, want.Ping, want.Pong = &clientpb.Bye{ReconnectAfterMs: 5}, true, true
			f.Room(want.Rooms[0])
			f.Signal(want.Signals[0])
			f.Bye(want.Bye)
			f.Ping()
			f.Pong()
		}
		got := &clientpb.ServerFrame{}
		if err := proto.Unmarshal(f.Bytes(), got); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got, want) {
			t.Fatalf("got %v\nwant %v", got, want)
		}
	})
}

func TestFrameLeavesOutWhatCannotBeEncoded(t *testing.T) {
	var f Frame
	f.Pong()
	before := bytes.Clone(f.Bytes())
	f.Signal(&roompb.Signal{Kind: "typing", User: "\xff"})
	if !bytes.Equal(f.Bytes(), before) {
		t.Errorf("a broken signal left %x", f.Bytes())
	}
}

func BenchmarkFrameDelivery(b *testing.B) {
	item, _ := proto.Marshal(&roompb.Item{Event: &roompb.Event{Id: string(make([]byte, 43)), Author: "alice@node.example", Text: string(make([]byte, 200))}})
	items := [][]byte{item, item, item, item}
	room := string(make([]byte, 43))
	var f Frame
	b.ReportAllocs()
	for b.Loop() {
		f.Reset()
		f.Delivery(room, items, false)
	}
}

// A header goes before the frame and changes nothing of it, also when the frame is used again.
func TestFrameBehindHeader(t *testing.T) {
	var f Frame
	for _, header := range []string{"", "ab", "0123456789"} {
		f.Reset()
		if f.Len() != 0 {
			t.Fatalf("an empty frame has %d bytes", f.Len())
		}
		f.Ping()
		f.Reply(7, nil, []byte("body"))
		want := header + string(f.Bytes())
		if got := string(f.Behind([]byte(header))); got != want || f.Len() != len(want)-len(header) {
			t.Errorf("behind %q: %q, want %q", header, got, want)
		}
	}
}
