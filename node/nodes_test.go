package node

import (
	"slices"
	"testing"

	"hearth/node/room"
)

// How far a node has got counts what it said under its former incarnations too.
func TestHowFarANodeHasGot(t *testing.T) {
	l, alice, bob, _, id := three(t)
	l.do(alice, id, room.KindText, say("hello"))
	if err := l.nodes["one"].beginAnew(1); err != nil {
		t.Fatal(err)
	}
	l.do(alice, id, room.KindText, say("back again"))
	for _, by := range []Caller{alice, bob} {
		l.soon("two messages of one", func() bool {
			nodes, err := l.nodes[by.User.Node()].Nodes(by, id)
			i := slices.IndexFunc(nodes, func(n RoomNode) bool { return n.Name == "one" })
			return err == nil && i >= 0 && nodes[i].Frontier == 2
		})
	}
}
