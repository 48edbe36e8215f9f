package storage

import (
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/proto"

	"hearth/node/room"
	"hearth/node/room/roompb"
	"hearth/storage/storagepb"
)

func cloneMeta(m *storagepb.Room) *storagepb.Room { return proto.CloneOf(m) }

// steward seals the state log's next entry.
func (w *world) steward() string {
	return []string{testNode, testNode, "second.example"}[w.rng.IntN(3)]
}

func (r *testRoom) countMembers() {
	r.meta.Members = 0
	for _, membership := range r.users {
		if membership == "join" {
			r.meta.Members++
		}
	}
}

// shareNodes: who takes part in the room changes. This node is always there.
func (w *world) shareNodes(r *testRoom, a *Append) {
	w.event(r, a, w.steward(), room.KindSettings, &roompb.Body{Settings: &roompb.Settings{}})
	w.newNodes(r, a)
}

func (w *world) newNodes(r *testRoom, a *Append) {
	before := r.taking()
	key := w.publicKey("")
	r.meta.Nodes = []*storagepb.RoomNode{{Name: testNode, Key: key, Joined: 1}}
	r.meta.Stewards = []string{testNode}
	for _, name := range []string{"peer.example", farNode, "second.example"} {
		n := &storagepb.RoomNode{Name: name, Key: key, Joined: uint32(w.rng.IntN(3)), Banned: w.rng.IntN(4) == 0}
		if w.rng.IntN(3) == 0 && !n.Banned {
			r.meta.Stewards = append(r.meta.Stewards, name)
		}
		r.meta.Nodes = append(r.meta.Nodes, n)
	}
	now := r.taking()
	for _, name := range []string{"peer.example", farNode, "second.example"} {
		if now[name] != before[name] || r.installs[a] && now[name] {
			a.Nodes = append(a.Nodes, NodeRoom{name, now[name]})
		}
	}
}

func (r *testRoom) taking() map[string]bool {
	taking := map[string]bool{}
	for _, n := range r.meta.Nodes {
		if n.Name != testNode && takesPart(r.meta, n) {
			taking[n.Name] = true
		}
	}
	return taking
}

// recall: a user's standings that have ended are known, or forgotten.
func (w *world) recall(r *testRoom, a *Append) {
	p := Past{User: room.User(fmt.Sprintf("user%d@%s", w.rng.IntN(5), farNode))}
	for i := range uint64(w.rng.IntN(4)) {
		p.Standings = append(p.Standings, &roompb.PastStanding{
			User: string(p.User), Membership: "join", From: 10 * i, Until: 10*i + 5,
			Cut: true, Cuts: []*roompb.Cut{{Origin: farNode, Incarnation: 1, Seq: i}},
		})
	}
	a.Pasts = append(a.Pasts, p)
}

// post: another node is to be told something, or was told.
func (w *world) post(r *testRoom, a *Append) {
	o := Outgoing{Node: []string{farNode, "peer.example"}[w.rng.IntN(2)], ID: r.outgoing(w.rng.IntN(10))}
	if w.rng.IntN(2) == 0 {
		o.Bytes = []byte(w.text())
	}
	a.Outbox = append(a.Outbox, o)
}

// outgoing is an id that no other room uses.
func (r *testRoom) outgoing(n int) (id [16]byte) {
	copy(id[:], r.id[:8])
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// install: the room is taken over as another node has it: entries of the state log were missed,
// and members, nodes and pasts are what they are there.
func (w *world) install(r *testRoom, a *Append) {
	r.installs[a] = true
	for range w.rng.IntN(4) {
		w.seal(r, testNode, room.KindSettings, &roompb.Body{Settings: &roompb.Settings{}})
	}
	w.event(r, a, w.steward(), room.KindSettings, &roompb.Body{Settings: &roompb.Settings{}})
	clear(r.users)
	for i := range 20 {
		user := fmt.Sprintf("user%d@%s", i, testNode)
		if w.rng.IntN(3) == 0 {
			r.users[user] = "join"
			a.Members = append(a.Members, &storagepb.Member{Room: r.id[:], User: user, Membership: "join", Role: "member", From: r.pos})
		}
	}
	r.countMembers()
	w.newNodes(r, a)
	r.meta.Alias = fmt.Sprintf("%s-%d", r.id.String()[:8], w.rng.IntN(4))
	for range w.rng.IntN(3) {
		w.recall(r, a)
	}
}
