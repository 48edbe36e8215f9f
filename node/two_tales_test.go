package node

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"hearth/node/peer"
	"hearth/node/room"
	"hearth/node/room/roompb"
)

// liarsLog is what a node writes that signs whatever it likes.
type liarsLog struct {
	id     room.ID
	author room.User
	key    ed25519.PrivateKey
	index  uint64
	events []*room.Event
}

// grown is the log with one more message.
func (l liarsLog) grown(t *testing.T, text string) liarsLog {
	t.Helper()
	h := &roompb.Header{
		Room: l.id.Bytes(), Log: roompb.Log_LOG_MESSAGES, Origin: l.author.Node(), Incarnation: 9, Seq: uint64(len(l.events)) + 1,
		Time: uint64(room.TimeAt(time.Now().UnixMilli())), StateIndex: l.index, Author: string(l.author), Kind: string(room.KindText),
	}
	if n := len(l.events); n > 0 {
		h.Prev, h.Time = l.events[n-1].ID.Bytes(), max(h.Time, l.events[n-1].Header.GetTime()+1)
	}
	e, err := room.Seal(h, &roompb.Body{Salt: make([]byte, room.SaltLen), Text: text})
	if err != nil {
		t.Fatal(err)
	}
	l.events = append(l.events[:len(l.events):len(l.events)], e)
	return l
}

// part is a stretch of the log under a head of its own.
func (l liarsLog) part(from, to int) *roompb.Parcel {
	events := l.events[from-1 : to]
	head := room.HeadOf(events[len(events)-1])
	room.SignHead(head, l.key)
	return parcelOf(l.id, events, head)
}

// TestTwoTales: a node tells two others another story each, of the same length, and both the same end;
// what is between it withholds. They find out, agree on what it said, and blame nobody else.
func TestTwoTales(t *testing.T) {
	l, _, _, carl, id := three(t)
	if _, err := l.nodes["three"].Join(t.Context(), carl, id, "one"); err != nil {
		t.Fatal(err)
	}
	l.agree(id, "one", "two", "three")
	log := liarsLog{id: id, author: carl.User, key: l.nodes["three"].keys, index: 3}
	l.kill("three")
	l.nodes["one"].Peers.SetState("two", peer.State{Link: peer.Up})
	l.nodes["two"].Peers.SetState("one", peer.State{Link: peer.Up})

	log = log.grown(t, "hello")
	tales := map[string]liarsLog{"one": log.grown(t, "I like it here"), "two": log.grown(t, "I hate it here")}
	end := tales["one"]
	for i := range 4 {
		end = end.grown(t, fmt.Sprint("and so on ", i))
	}
	for to, tale := range tales {
		for _, p := range []*roompb.Parcel{tale.part(1, 2), end.part(6, 6)} {
			if again, err := l.nodes[to].TakeParcel("three", proto.CloneOf(p))(t.Context()); again != nil || err != nil {
				t.Fatal(to, again, err)
			}
		}
	}
	for to := range tales {
		c, err := l.nodes[to].rooms.get(id)
		if err != nil {
			t.Fatal(err)
		}
		l.soon(to+" freezes the log after the first message", func() bool {
			c.mu.RLock()
			defer c.mu.RUnlock()
			ch := c.logs[logKey{"three", 9}]
			return ch.frozen != "" && ch.fork == 1
		})
		for _, a := range l.nodes[to].Peers.Alarms() {
			if a.Peer != "three" {
				t.Errorf("%s blames %s: %s", to, a.Peer, a.Text)
			}
		}
	}
}
